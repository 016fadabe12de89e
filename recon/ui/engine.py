"""What stands between the page and the library: models kept at hand, and questions put to them. No gradio here."""

from __future__ import annotations

import logging
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from recon import baselines, hub, images, metrics, patches
from recon.errors import CheckpointError
from recon.familiarity import Judge
from recon.models import MixtureDensity, ScaleMixture
from recon.observation import Observation
from recon.painting import Painting
from recon.prediction import Prediction, Predictor
from recon.ui import zero_gpu
from recon.ui.arrivals import Arrivals
from recon.ui.desk import Desk, Said
from recon.ui.menus import Menus

DEFAULT = "mdn-celeba"
SIDE = 32  # of most models, and of what the page opens with
SIDES = (SIDE, 64)
MOST_SEED = 2**32
STAND_IN = "linear"  # where nothing else is here that knows such pictures

log = logging.getLogger("recon")


@dataclass(frozen=True)
class Answer:
    """A prediction for one painting, with what the page says of it."""

    model: Predictor
    painting: Painting
    said: Said
    truth: Tensor | None  # (1, channels, side, side) in [0, 1], where the true picture is known

    @property
    def prediction(self) -> Prediction:
        return self.said.prediction

    @property
    def mean(self) -> Tensor:
        """(channels, side, side)"""
        return self.said.mean

    @property
    def deviation(self) -> Tensor | None:
        """Standard deviation (channels, side, side); None for a method that gives a mean alone."""
        return self.said.deviation

    @property
    def interval(self) -> tuple[Tensor, Tensor] | None:
        """Of 90 %: two of (channels, side, side)"""
        return self.said.interval

    @property
    def seconds(self) -> float:
        """Of the prediction alone"""
        return self.said.seconds

    def scores(self) -> dict[str, float | None]:
        """PSNR and SSIM over the picture, bits/dim over the unobserved pixels; empty where no truth is known.

        Each is None where it has no value: no spread, nothing left to predict.
        """
        if self.truth is None:
            return {}
        if self.painting.mask.all():
            return {"psnr_db": None, "ssim": None, "bits_per_dim": None}
        return {
            "psnr_db": metrics.psnr_db(self.mean[None], self.truth),
            "ssim": metrics.ssim(self.mean[None], self.truth),
            "bits_per_dim": self.said.bits,
        }


class Engine:
    """Models by name, loaded when first asked for and kept."""

    def __init__(self, device: str = "auto"):
        self.device = device
        self.records = {record.name: record for record in hub.checkpoints()}
        self.models: dict[str, Predictor] = {}
        self.arrivals = Arrivals()
        self.judge = Judge(self.closed_form, lambda name: self.at_hand(f"gsm-{name}") == f"gsm-{name}")
        self.had_room = True  # on the GPU
        self.lender = zero_gpu.Lender(self) if zero_gpu.carried_out is not zero_gpu.there else None
        make_room = None if self.lender else self.leave_gpu
        self.desk = Desk(make_room=make_room, has_room=lambda: self.had_room, lent=self.lender)

    def settle(self) -> None:
        """Before the page is launched, on the main thread: with ZeroGPU, put all models that are here on the GPU."""
        if self.lender is not None:
            self.lender.place()

    @property
    def default(self) -> str:
        """The model that the page opens with."""
        return DEFAULT if DEFAULT in self.records else next(iter(self.records), baselines.NAMES[0])

    def fetch_rest(self) -> None:
        """Have all weights come that are not here yet, those of other tabs too."""
        others = [record.name for record in (*hub.textures(), *hub.signals())]
        self.arrivals.begin([*self.records, *others])

    def at_hand(self, name: str) -> str:
        """The model of that name, or what stands in for it while its weights are on their way: the best of those here
        that know the same pictures, else a classical method."""
        if name in self.models or name not in self.records or self.arrivals.has(name):
            return name
        self.arrivals.want(name)
        kin = [other for other in self.menus.sets.get(self.menus.word(name), []) if self.arrivals.has(other)]
        return self.menus.best(kin) if kin else STAND_IN

    @property
    def menus(self) -> Menus:
        """What there is to choose from, by the pictures it has seen."""
        return Menus(self.records, SIDE)

    def choices(self) -> list[tuple[str, str]]:
        """(title, name) of all that can be chosen, by the pictures they have seen; then the classical ones."""
        methods = {name: f"{method.title} (classical)" for name, method in baselines.METHODS.items()}
        return [(methods.get(name) or self.records[name].title, name) for name in self.menus.shown]

    def summary(self, name: str) -> str:
        """One line: what it is, what it saw, how large it is."""
        if name in baselines.METHODS:
            return f"{baselines.METHODS[name].summary} No training, and no idea how sure it is."
        record = self.records[name]
        return f"{record.summary} {record.data}, {record.bytes / 1e6:.1f} MB."

    def side(self, name: str, other: int = SIDE) -> int:
        """Pixels a side that a model works on; `other` for those that take any."""
        return self.records[name].side if name in self.records else other

    def ink(self, name: str) -> str:
        """What one paints with for a model: "binary", "grey" or "colour"; no weights are needed to tell."""
        self.check(name)
        record = self.records.get(name)
        if record is not None and record.binary:
            return "binary"
        return "grey" if record is not None and record.channels == 1 else "colour"

    def check(self, name: str) -> None:
        """CheckpointError unless there is a model of that name."""
        if not isinstance(name, str) or (name not in self.records and name not in baselines.METHODS):
            raise CheckpointError(f"There is no model called {str(name)[:40]!r} on this page.")

    def model(self, name: str) -> Predictor:
        """The model, from memory after the first time; CheckpointError where it cannot be had."""
        if not isinstance(name, str) or name not in self.models:
            self.check(name)
            try:
                found = hub.load(name, self.device)
            except CheckpointError as error:
                if not isinstance(error.__cause__, torch.OutOfMemoryError):
                    raise
                self.leave_gpu()
                found = hub.load(name, self.device)
            self.models[name] = self.shared(found)
        return self.models[name]

    def shared(self, model: Predictor) -> Predictor:
        """`model` with the closed form that one at hand has already, where theirs are the same: what it works out, a
        covariance above all, then takes memory once."""
        mine = closed_form_of(model)
        if mine is None or (self.lender is not None and self.device == "cpu"):  # what is on a lent GPU is not here
            return model
        for other in list(self.models.values()):
            theirs = closed_form_of(other)
            if theirs is not None and same(mine, theirs):
                if not isinstance(model, MixtureDensity):
                    return theirs
                model.base = theirs
        return model

    def leave_gpu(self) -> None:
        """All models, for they share parts, go on with the CPU."""
        log.warning("the GPU's memory is full: the page goes on with the CPU")
        with self.desk.turns.take():
            self.device, self.had_room = "cpu", False
            for model in list(self.models.values()):
                if isinstance(model, torch.nn.Module):
                    model.to("cpu")
                if hasattr(model, "forget"):
                    model.forget()
            if torch.cuda.is_available():
                torch.cuda.empty_cache()

    def closed_form(self, data_set: str) -> ScaleMixture:
        """The scale mixture of an image set; CheckpointError where it cannot be had at once."""
        name = f"gsm-{data_set}"
        if self.at_hand(name) != name:
            raise CheckpointError(f"'{name}' is still on its way.")
        model = self.model(name)
        assert isinstance(model, ScaleMixture)
        return model

    def observe(self, name: str, painting: Painting) -> Observation:
        """A painting as the model's kind of observation: colour, grey, or black and white."""
        return self.painted(name, painting).as_seen_by(self.model(name))

    def painted(self, name: str, painting: Painting) -> Observation:
        """A painting for that model, in the colours that it was painted in."""
        model = self.model(name)
        # classical methods would take any, and hours
        sides = (model.side,) if hasattr(model, "side") else SIDES
        if painting.side not in sides:
            told = " or ".join(f"{side} x {side}" for side in sides)
            raise CheckpointError(f"This model works on {told} pixels, the painting has {painting.side}.")
        values = images.to_tensor(painting.values)[None]
        return Observation(values, torch.from_numpy(painting.mask)[None, None])

    def answer(self, name: str, painting: Painting, truth: np.ndarray | None = None) -> Answer:
        """Predict. truth: uint8 (side, side, 3) where the true picture is known."""
        model, observation = self.model(name), self.observe(name, painting)
        known = None
        if truth is not None and truth.shape[0] == painting.side:
            whole = Observation(images.to_tensor(truth)[None], torch.ones_like(observation.mask))
            known = whole.as_seen_by(model).values
        return Answer(model, painting, self.desk.ask(model, observation, known), known)


def closed_form_of(model: Predictor) -> ScaleMixture | None:
    """The scale mixture that a model is or stands on."""
    if isinstance(model, MixtureDensity):
        return model.base
    return model if isinstance(model, ScaleMixture) else None


def same(one: ScaleMixture, other: ScaleMixture) -> bool:
    mine, theirs = one.state_dict(), other.state_dict()
    return one is other or (
        mine.keys() == theirs.keys() and all(torch.equal(mine[name], theirs[name]) for name in mine)
    )


def reveal(picture: np.ndarray, mask: np.ndarray) -> Painting:
    """The pixels of `picture`, uint8 (side, side, 3), that `mask` picks."""
    return Painting.from_arrays(picture, mask)


def patch_mask(family: str, size: float, seed: float, side: int = SIDE) -> np.ndarray:
    """A patch from what a page or a caller sends: numbers that may not be whole."""
    return patches.make(family, side, whole(size, "number of pixels"), seed_of(seed))


def whole(number, what: str) -> int:
    """A whole number, or a plain sentence."""
    if number is None:
        raise CheckpointError(f"The {what} is empty: it must be a whole number.")
    # what is left of infinity, and of what is not a number, is neither
    if isinstance(number, bool) or not isinstance(number, int | float) or number % 1 != 0:
        raise CheckpointError(f"The {what} must be a whole number, not {number!r}.")
    return int(number)


def seed_of(number) -> int:
    """A seed that every generator and every link takes, or a plain sentence."""
    seed = whole(number, "seed")
    if not 0 <= seed < MOST_SEED:
        raise CheckpointError(f"A seed is a whole number from 0 to {MOST_SEED - 1}.")
    return seed
