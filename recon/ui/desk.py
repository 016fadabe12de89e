"""Many people, few cores: whose turn it is to compute, and strokes that wait together answered as one batch.

One thing is computed at a time, with all cores. What a person waits for with the brush in hand comes first; a step of
something longer (a group of pixels of eight samples, say) lets strokes pass for a while, and then has its turn as well.
"""

from __future__ import annotations

import logging
import math
import os
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import closing, contextmanager, nullcontext
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TypeVar

import torch
from torch import Tensor

from recon import sampling
from recon.baselines import Interpolator
from recon.errors import PredictionError
from recon.observation import Observation
from recon.prediction import Prediction, Predictor
from recon.ui.turns import Turns

AT_ONCE = 16  # people whose strokes are worked on together
PATIENCE = 0.5  # seconds that a step lets strokes pass, which came later
SAMPLERS = 2  # people whose samples are drawn by turns; more wait
LEVEL = 0.9  # of the interval that every answer has
FULL = "The GPU's memory is full. Please try again: the CPU takes over."

log = logging.getLogger("recon")
Step = TypeVar("Step")
Found = TypeVar("Found")


@dataclass(frozen=True)
class Said:
    """A prediction of one image, with what is always asked of it: mean, standard deviation, and a 90 % interval, each
    (channels, side, side), on the CPU; None for a method that gives a mean alone. bits: a dimension, of the true
    picture where that was told. seconds: of the prediction, of all images that were answered with it. device: its kind,
    as torch calls it"""

    prediction: Prediction
    mean: Tensor
    deviation: Tensor | None
    interval: tuple[Tensor, Tensor] | None
    bits: float | None
    seconds: float
    device: str


class Overtaken(Exception):
    """Who asked this has asked something newer in its place."""


# of what is asked for in this context: whether it has been overtaken by now
overtaken: ContextVar[Callable[[], bool]] = ContextVar("overtaken", default=lambda: False)


@dataclass(eq=False)
class Ask:
    model: Predictor
    observation: Observation
    truth: Tensor | None = None
    is_overtaken: Callable[[], bool] = field(default_factory=overtaken.get)
    said: Said | None = None
    error: BaseException | None = field(default=None)

    @property
    def settled(self) -> bool:
        return self.said is not None or self.error is not None


class Desk:
    """Where the page's models are asked.

    together   how many questions to one model, that wait at once, make one batch. Answers are those that each would
               get by itself, up to the rounding of float32
    make_room  called where the GPU has not the memory for a question; then it is asked once more
    has_room   whether that was never needed
    lent       does what `steps` is given with a GPU that is lent for it, elsewhere: then nobody has to take turns
    """

    def __init__(
        self,
        together: int | None = None,
        make_room: Callable[[], None] | None = None,
        has_room: Callable[[], bool] = lambda: True,
        lent: Callable[..., Iterator] | None = None,
    ):
        alone = os.environ.get("RECON_TOGETHER") == "0"
        self.together = together or (1 if alone else AT_ONCE)
        self.make_room, self.has_room, self.lent = make_room, has_room, lent
        self.turns = Turns()
        self.asks: list[Ask] = []

    def ask(self, model: Predictor, observation: Observation, truth: Tensor | None = None) -> Said:
        """The model's answer to an observation of one image, whose true picture (1, channels, side, side) may be known;
        errors as `predict`'s, and Overtaken where nobody waits for it any more."""
        mine = Ask(model, observation, truth)
        if mine.is_overtaken():
            raise Overtaken
        if self.lent is not None and not isinstance(model, Interpolator):
            mine.is_overtaken = bool  # that it is not; what was asked about can not go elsewhere
            return self.once(answered, [mine])[0]  # by itself: it is this person's share of the GPU
        self.asks.append(mine)
        with self.turns.take():
            if not mine.settled and mine.is_overtaken():
                self.asks.remove(mine)
                raise Overtaken
            if not mine.settled:
                self.settle(self.chosen(mine))
        if isinstance(mine.error, torch.OutOfMemoryError) and self.make_room is not None:
            mine = Ask(model, observation, truth)  # the error holds on to what filled the memory
            self.make_room()
            with self.turns.take():
                self.settle([mine])
        if mine.said is None:
            assert mine.error is not None
            raise mine.error
        return mine.said

    @contextmanager
    def soon(self) -> Iterator[None]:
        """A turn, in a `with`, for what is waited for with the hand on it, as strokes are, and is not asked of a model
        of the engine."""
        with self.turns.take() if self.lent is None else nullcontext():
            yield

    @contextmanager
    def later(self) -> Iterator[None]:
        """A turn, in a `with`, for what can wait: a step of something longer. PredictionError where the GPU's memory
        does not suffice, of which there is more then."""
        try:
            with self.turns.take(PATIENCE) if self.lent is None else nullcontext():
                yield
        except torch.OutOfMemoryError as error:
            if self.make_room is not None:
                self.make_room()
            raise PredictionError(FULL) from error

    def steps(self, work: Callable[..., Iterator[Step]], *arguments) -> Iterator[Step]:
        """What `work(*arguments)` yields. All that models are to do goes through here, or through `once`: a function or
        a method that can be found by its name, of models of the page's engine and of plain values."""
        return work(*arguments) if self.lent is None else self.lent(work, *arguments)

    def once(self, work: Callable[..., Found], *arguments) -> Found:
        """What `work(*arguments)` returns, likewise"""
        if self.lent is None:
            return work(*arguments)
        (found,) = self.lent(work, *arguments)
        return found

    def by_turns(self, steps: Iterator[Step]) -> Iterator[Step]:
        """The same, each in a turn of its own; PredictionError also where models left the GPU in between."""
        with_room = self.has_room()
        ends = closing(steps) if isinstance(steps, Generator) else nullcontext()
        with ends:  # whoever leaves this ends them, too
            while True:
                with self.later():
                    try:
                        step = next(steps)
                    except StopIteration:
                        return
                    except RuntimeError as error:
                        if with_room == self.has_room() or isinstance(error, torch.OutOfMemoryError):
                            raise
                        raise PredictionError(FULL) from error  # the steps before are still on the GPU
                yield step

    def drawing(self, model: Predictor, observation: Observation, count: int, steps: int, seed: int, *how) -> Iterator:
        """`recon.sampling.stream`, a step a turn"""
        return self.by_turns(self.steps(sampling.stream, model, observation, count, steps, seed, *how))

    def sample(self, model: Predictor, observation: Observation, count: int, steps: int = 32, seed: int = 0) -> Tensor:
        """`recon.sample`, likewise"""
        *_, drawn = self.drawing(model, observation, count, steps, seed)
        return drawn.values

    def chosen(self, mine: Ask) -> list[Ask]:
        """It, and those that wait with questions of the same kind"""
        shape = mine.observation.values.shape
        alike = [one for one in self.asks if one.model is mine.model and one.observation.values.shape == shape]
        alike = [one for one in alike if not one.is_overtaken()]
        alike = [mine, *(one for one in alike if one is not mine)][: self.together]
        for one in alike:
            self.asks.remove(one)
        return alike

    def settle(self, asks: list[Ask]) -> None:
        try:
            for one, said in zip(asks, answered(asks), strict=True):
                one.said = said
        except Exception as error:
            if len(asks) == 1:
                asks[0].error = error
                return
            log.info("%s questions are asked again one by one: %s", len(asks), error)
            for one in asks:  # what is wrong with one of them is not the others' fault
                self.settle([one])


@torch.no_grad()
def answered(asks: list[Ask]) -> list[Said]:
    """What their model says to each, asked as one batch."""
    model, values = asks[0].model, torch.cat([one.observation.values for one in asks])
    masks = torch.cat([one.observation.mask for one in asks])
    began = time.perf_counter()
    prediction = model.predict(Observation(values, masks))
    if model.device.type == "cuda":
        torch.cuda.synchronize()
    seconds, device = time.perf_counter() - began, model.device.type
    mean = prediction.mean.cpu()
    each = [prediction] if len(asks) == 1 else [prediction.picture(k) for k in range(len(asks))]
    if not prediction.has_spread:
        return [Said(one, mean[k], None, None, None, seconds, device) for k, one in enumerate(each)]
    spread, (low, high) = prediction.variance.sqrt().cpu(), (end.cpu() for end in prediction.interval(LEVEL))
    bits = bits_of(prediction, [one.truth for one in asks])
    return [Said(one, mean[k], spread[k], (low[k], high[k]), bits[k], seconds, device) for k, one in enumerate(each)]


def bits_of(prediction: Prediction, truths: list[Tensor | None]) -> list[float | None]:
    """A dimension, over hidden pixels; None where no true picture is known or nothing is hidden"""
    observation = prediction.observation
    known = [k for k, truth in enumerate(truths) if truth is not None and not bool(observation.mask[k].all())]
    if not known:
        return [None] * len(truths)
    whole = [
        observation.values[k][None] if truth is None else truth.to(observation.values) for k, truth in enumerate(truths)
    ]
    nats = prediction.log_mass(torch.cat(whole)).flatten(1).double().sum(1)
    hidden = (~observation.mask).flatten(1).sum(1) * observation.channels
    bits = (-nats / (math.log(2) * hidden)).tolist()
    return [bits[k] if k in known else None for k in range(len(truths))]
