"""Whether what is observed looks like what a model was trained on: a quiet warning where it does not.

What a model says of its own uncertainty holds for pictures like those that it has seen. The closed form gives observed
pixels an exact density, so they can be asked whether something else explains them better: independent noise, the
negative of such a picture, or the scale mixture of another image set. By how much, in nats a pixel and channel, real
pictures are better explained by those by chance was measured on validation pictures (`python -m recon familiarity`).
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from recon import hub, patches
from recon.models.conditioned import ROUNDING, cholesky
from recon.models.scale_mixture import ScaleMixture
from recon.observation import Observation

FOLDER = Path(__file__).parent / "familiar"
SIZES = (8, 16, 32, 64, 128, 256)  # pixels; fewer are not judged, and of more an even choice is
ALARMS = {"noise": 0.004, "negative": 0.03, "others": 0.01}  # shares of real pictures that may be doubted; others: all
NOISE, NEGATIVE = "noise", "negative"


@dataclass(frozen=True)
class Doubt:
    """looks_like  "noise", "negative", or the name in `recon.data.SETS` of the image set that explains the pixels
    better; excess  by how many nats a pixel and channel beyond what happens by chance"""

    looks_like: str
    excess: float


def doubt(data_set: str, observation: Observation) -> Doubt | None:
    """The strongest reason to think that the observed pixels of one image are not of the kind of `data_set`; None where
    there is no reason, where too few pixels are observed, or where nothing is known of that image set."""
    chance = thresholds(data_set)
    mask = judged(observation.mask[0, 0])
    if chance is None or int(mask.sum()) < SIZES[0]:
        return None
    found = excesses(data_set, mask, observation.values[:1])
    size = math.log2(int(mask.sum()))
    beyond = {}
    for name, each in found.items():
        limit = interpolate(size, chance[name])
        beyond[name] = each.item() - limit
    name = max(beyond, key=lambda name: beyond[name])
    return Doubt(name, beyond[name]) if beyond[name] > 0 else None


def interpolate(size: float, limits: list[float]) -> float:
    """Between the thresholds at `SIZES`, along the logarithm of the size; never below 0, where the image set's own
    explanation is still the best."""
    return max(0.0, float(np.interp(size, np.log2(SIZES), limits)))


def judged(mask: Tensor) -> Tensor:
    """The observed pixels that are looked at, the first 256 in Sobol' order: bool (pixels,)"""
    order = torch.from_numpy(patches.sobol_order(mask.shape[0]).copy()).to(mask.device)
    kept = order[mask.flatten()[order]][: SIZES[-1]]
    found = torch.zeros_like(mask.flatten())
    found[kept] = True
    return found


def excesses(data_set: str, mask: Tensor, values: Tensor) -> dict[str, Tensor]:
    """By how much each other explanation of the pixels in `mask` (pixels,) is better than the image set's own, in
    nats a pixel and channel: (batch,) each, below 0 where it is worse.

    values  whole images, (batch, channels, side, side)
    """
    own = closed_form(data_set)
    values = values.to(own.device)
    base, negative = log_evidence(own, mask, torch.cat([values, 1 - values])).chunk(2)  # one factor serves both
    found = {NOISE: log_noise(mask, values), NEGATIVE: negative}
    for other in others(data_set):
        found[other] = log_evidence(closed_form(other), mask, values)
    return {name: each - base for name, each in found.items()}


def log_evidence(model: ScaleMixture, mask: Tensor, values: Tensor) -> Tensor:
    """Log density of the pixels in `mask` (pixels,) of images, in nats a pixel and channel: (batch,), float64"""
    dims = mask.to(model.device).repeat(model.channels).nonzero()[:, 0]
    root = cholesky(model.covariance()[dims][:, dims])
    residual = (values.flatten(1) - model.location)[:, dims]
    squared = torch.linalg.solve_triangular(root, residual.T, upper=False).square().sum(0).double()
    scales, count = model.log_scales, len(dims)
    each = -0.5 * (squared[:, None] * (-scales).exp() + count * scales) + model.log_prior
    constant = root.diagonal().double().log().sum() + 0.5 * count * math.log(2 * math.pi)
    return (torch.logsumexp(each, 1) - constant) / count


def log_noise(mask: Tensor, values: Tensor) -> Tensor:
    """The same under independent values of one common spread around mid-grey, the likeliest one."""
    seen = values.flatten(2)[:, :, mask].flatten(1).double()
    variance = (seen - 0.5).square().mean(1) + ROUNDING
    return -0.5 * ((2 * math.pi * variance).log() + 1)


@lru_cache(maxsize=16)
def closed_form(data_set: str) -> ScaleMixture:
    model = hub.load(f"gsm-{data_set}", "cpu")
    assert isinstance(model, ScaleMixture)
    return model


@lru_cache(maxsize=16)
def others(data_set: str) -> tuple[str, ...]:
    """Other image sets of as many channels and pixels whose scale mixture is there."""
    kinds = {r.name.removeprefix("gsm-"): (r.channels, r.side) for r in hub.checkpoints() if r.name.startswith("gsm-")}
    own = closed_form(data_set)
    return tuple(name for name in sorted(kinds) if name != data_set and kinds[name] == (own.channels, own.side))


@lru_cache(maxsize=16)
def thresholds(data_set: str) -> dict[str, list[float]] | None:
    """What chance alone reaches, for each explanation at each of `SIZES`; None where it was not measured."""
    path = FOLDER / f"{data_set}.json"
    return json.loads(path.read_text()) if path.exists() else None


@torch.no_grad()
def measure(data_set: str, pictures: Tensor, seed: int = 0) -> dict[str, list[float]]:
    """The thresholds of an image set from its pictures, float (count, channels, side, side), that its model was not
    fitted to."""
    found: dict[str, list[float]] = {}
    for size in SIZES:
        each = [excesses(data_set, mask, pictures) for mask in several_patches(pictures.shape[-1], size, seed)]
        for name in each[0]:
            share = ALARMS.get(name, ALARMS["others"] / max(1, len(each[0]) - 2))
            limit = torch.cat([part[name] for part in each]).quantile(1 - share)
            found.setdefault(name, []).append(round(limit.item(), 4))
    return found


def several_patches(side: int, size: int, seed: int) -> list[Tensor]:
    """Ten patches to measure on, random and shifted Sobol' ones in turn: bool (pixels,) each"""
    families = (patches.random, patches.sobol_shifted)
    return [torch.from_numpy(families[k % 2](side, size, seed + k)).flatten() for k in range(10)]
