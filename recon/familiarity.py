"""Whether what is observed looks like what a model was trained on: a quiet warning where it does not.

What a model says of its own uncertainty holds for pictures like those that it has seen. The closed form gives observed
pixels an exact density, so they can be asked whether something else explains them better: independent noise, the
negative of such a picture, or the scale mixture of another image set. Where that hardly sees negatives, a small
classifier is asked instead (`recon.negatives`). By how much, in nats a pixel and channel, real pictures are better
explained by those by chance was measured on validation pictures (`python -m recon familiarity`).
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from recon import hub, negatives, patches
from recon.data.sets import SETS
from recon.errors import PredictionError
from recon.models.conditioned import ROUNDING
from recon.models.factored import Factored
from recon.models.scale_mixture import ScaleMixture
from recon.negatives import FOLDER, NegativeClassifier
from recon.observation import Observation
from recon.training.masks import thinned

SIZES = (8, 16, 32, 64, 128, 256)  # pixels; fewer are not judged, and of more an even choice is
# shares of real pictures that may be doubted; others: all, half as often where negatives are hard to tell
ALARMS = {"noise": 0.01, "others": 0.01}
MOST_ALARMS = 0.05  # for all reasons together; what noise and others leave of it is the negatives'
SURE = 2.0  # standard errors of that share that are kept free, for on other pictures chance may add them
CAUGHT, FEW_ALARMS = 0.95, 0.01  # the negatives' share is less where so many are caught by it, but no less than that
NOISE, NEGATIVE = "noise", "negative"


@dataclass(frozen=True)
class Doubt:
    """looks_like  "noise", "negative", or the name in `recon.data.SETS` of the image set that explains the pixels
    better; excess  by how many nats a pixel and channel beyond what happens by chance"""

    looks_like: str
    excess: float


def doubt(data_set: str, observation: Observation) -> Doubt | None:
    """The strongest reason to think that the observed pixels of one image are not of the kind of `data_set`; None where
    there is no reason, where too few pixels are observed, or where nothing is known of that image set. Raises
    PredictionError where there is no such image set, or the observation is not of one picture as its models take them.

    Who asks more than once keeps a `Judge`, which has its models at hand.
    """
    return Judge().doubt(data_set, observation)


def bundled(data_set: str) -> ScaleMixture:
    """The scale mixture of an image set, on the CPU."""
    model = hub.load(f"gsm-{data_set}", "cpu")
    assert isinstance(model, ScaleMixture)
    return model


class Judge:
    """Doubts, with the models for them kept.

    closed_form  gives the scale mixture of an image set; who has some already hands them over here
    is_there     whether it can do so at once
    """

    def __init__(
        self, closed_form: Callable[[str], ScaleMixture] = bundled, is_there: Callable[[str], bool] | None = None
    ):
        self.load = closed_form
        self.is_there = is_there or (lambda data_set: hub.available(f"gsm-{data_set}"))
        self.loaded: dict[str, ScaleMixture] = {}
        self.classifiers: dict[str, NegativeClassifier | None] = {}
        self.thresholds: dict[str, dict[str, list[float]] | None] = {}
        self.known = [record for record in hub.checkpoints() if record.name.startswith("gsm-")]

    def closed_form(self, data_set: str) -> ScaleMixture:
        if data_set not in self.loaded:
            self.loaded[data_set] = self.load(data_set)
        return self.loaded[data_set]

    def others(self, data_set: str) -> tuple[str, ...]:
        """Other image sets with as many channels that there is a scale mixture of."""
        own = [record for record in self.known if record.name == f"gsm-{data_set}"]
        alike = [record.name.removeprefix("gsm-") for record in self.known if shape(record) == shape(own[0])]
        return tuple(name for name in sorted(alike) if name != data_set)

    def at_hand(self, data_set: str) -> Iterator[tuple[str, ScaleMixture]]:
        """The same with their scale mixtures, as far as they are there: nobody waits for what is for comparison."""
        for name in self.others(data_set):
            if name in self.loaded or self.is_there(name):
                yield name, self.closed_form(name)

    def classifier(self, data_set: str) -> NegativeClassifier | None:
        if data_set not in self.classifiers:
            self.classifiers[data_set] = negatives.read(data_set, self.closed_form(data_set))
        return self.classifiers[data_set]

    def log_odds(self, data_set: str, factored: Factored, values: Tensor) -> Tensor | None:
        """Of pictures against their negatives, by the classifier of the image set, in nats, (batch,); None where there
        is none."""
        half = negatives.HALVES.get(data_set)
        if half is not None:
            mask, values = negatives.halved(factored.mask, values)
            base = self.closed_form(half)
            return self.log_odds(half, Factored(base.covariance(), base.channels, mask), values.to(base.device))
        classifier = self.classifier(data_set)
        return None if classifier is None else classifier.log_odds(self.closed_form(data_set), factored, values)

    def chance(self, data_set: str) -> dict[str, list[float]] | None:
        """What chance alone reaches, for each explanation at each of `SIZES`; None where it was not measured."""
        if data_set not in self.thresholds:
            path = FOLDER / f"{data_set}.json"
            self.thresholds[data_set] = json.loads(path.read_text()) if path.exists() else None
        return self.thresholds[data_set]

    def doubt(self, data_set: str, observation: Observation) -> Doubt | None:
        """As the function `doubt`."""
        if not isinstance(data_set, str) or data_set not in SETS:
            raise PredictionError(f"There is no image set {data_set!r}; there are {', '.join(SETS)}.")
        if observation.batch != 1:
            raise PredictionError(f"One picture is judged at a time, not {observation.batch}.")
        chance = self.chance(data_set)
        if chance is None or int(observation.mask.sum()) < SIZES[0]:
            return None
        self.closed_form(data_set).check(observation)
        mask = judged(observation.mask[0, 0])
        found = self.excesses(data_set, mask, observation.values[:1])
        size = math.log2(int(mask.sum()))
        beyond = {name: each.item() - interpolate(size, chance[name]) for name, each in found.items()}
        name = max(beyond, key=lambda name: beyond[name])
        return Doubt(name, beyond[name]) if beyond[name] > 0 else None

    @torch.no_grad()
    def excesses(self, data_set: str, mask: Tensor, values: Tensor) -> dict[str, Tensor]:
        """By how much each other explanation of the pixels in `mask` (pixels,) is better than the image set's own, in
        nats a pixel and channel: (batch,) each, below 0 where it is worse.

        values  whole images, (batch, channels, side, side)
        """
        own = self.closed_form(data_set)
        values = values.to(own.device)
        factored = Factored(own.covariance(), own.channels, mask)  # one factor serves the picture and its negative
        base, negative = log_evidence(own, factored, torch.cat([values, 1 - values])).chunk(2)
        found = {NOISE: log_noise(factored.mask, values) - base, NEGATIVE: negative - base}
        odds = self.log_odds(data_set, factored, values)
        if odds is not None:
            found[NEGATIVE] = -odds.double() / len(factored.observed)
        for other, model in self.at_hand(data_set):
            found[other] = log_evidence(model, Factored(model.covariance(), model.channels, mask), values) - base
        return found

    def measure(self, data_set: str, pictures: Tensor, seed: int = 0) -> dict[str, list[float]]:
        """The thresholds of an image set from its pictures, float (count, channels, side, side), that its model was not
        fitted to: all together they doubt a share of them that is MOST_ALARMS or a little less."""
        found: dict[str, list[float]] = {}
        most = aimed_at(len(pictures))
        hard = self.classifier(negatives.HALVES.get(data_set, data_set)) is not None
        for size in SIZES:
            parts = [
                self.excesses(data_set, mask, pictures) for mask in several_patches(pictures.shape[-1], size, seed)
            ]
            each = {name: torch.cat([part[name] for part in parts]) for name in parts[0]}
            negative = each.pop(NEGATIVE)
            others = ALARMS["others"] / max(1, len(each) - 1) / (2 if hard else 1)
            share = {name: ALARMS.get(name, others) for name in each}
            limits = {name: each[name].quantile(1 - share[name]).item() for name in each}
            doubted = torch.stack([each[name] > max(0.0, limits[name]) for name in each]).any(0)
            left = ((most - doubted.double().mean()) / (1 - doubted.double().mean())).clamp_min(0)
            # a negative's excess is minus its picture's: no more false alarms than it takes to catch most of them
            enough = min((-negative).quantile(1 - CAUGHT).item(), negative.quantile(1 - FEW_ALARMS).item())
            limits[NEGATIVE] = max(negative[~doubted].quantile(1 - left.item()).item(), enough)
            for name, limit in limits.items():
                found.setdefault(name, []).append(round(limit, 5))
        return found


def aimed_at(count: int) -> float:
    """The share of so many pictures that may be doubted, for MOST_ALARMS not to be more on others. The patches of one
    picture are taken for one: they are doubted together."""
    return max(0.0, MOST_ALARMS - SURE * math.sqrt(MOST_ALARMS * (1 - MOST_ALARMS) / count))


def shape(record: hub.Checkpoint) -> tuple[int, int]:
    return record.side, record.channels


def interpolate(size: float, limits: list[float]) -> float:
    """Between the thresholds at `SIZES`, along the logarithm of the size; never below 0, where the image set's own
    explanation is still the best."""
    return max(0.0, float(np.interp(size, np.log2(SIZES), limits)))


def judged(mask: Tensor) -> Tensor:
    """The observed pixels of a mask, bool (side, side), that are looked at, the first 256 in Sobol' order: (pixels,)"""
    return thinned(mask, SIZES[-1])


def log_evidence(model: ScaleMixture, factored: Factored, values: Tensor) -> Tensor:
    """Log density of the pixels that are factored, in images, in nats a pixel and channel: (batch,), float64"""
    squared = factored.whiten(values.to(model.device).flatten(1) - model.location).square().sum(1).double()
    scales, count = model.log_scales, len(factored.observed)
    each = -0.5 * (squared[:, None] * (-scales).exp() + count * scales) + model.log_prior
    constant = factored.factor.log_determinant + 0.5 * count * math.log(2 * math.pi)
    return (torch.logsumexp(each, 1) - constant) / count


def log_noise(mask: Tensor, values: Tensor) -> Tensor:
    """The same under independent values of one common spread around mid-grey, the likeliest one."""
    seen = values.flatten(2)[:, :, mask].flatten(1).double()
    variance = (seen - 0.5).square().mean(1) + ROUNDING
    return -0.5 * ((2 * math.pi * variance).log() + 1)


def several_patches(side: int, size: int, seed: int) -> list[Tensor]:
    """Ten patches to measure on, random and shifted Sobol' ones in turn: bool (pixels,) each"""
    families = (patches.random, patches.sobol_shifted)
    return [torch.from_numpy(families[k % 2](side, size, seed + k)).flatten() for k in range(10)]
