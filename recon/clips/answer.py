"""What is said of one clip: its mean, how sure that is, and clips that it could be."""

from __future__ import annotations

import functools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from recon import hub
from recon.clips.kinds import FRAMES, KINDS, MOST, SIDE, grid
from recon.models import ClipTransformer
from recon.models.signal_transformer import Values

AT_ONCE = 1536  # positions that are asked for together
PARTS = math.ceil(FRAMES * SIDE**2 / AT_ONCE)  # that a clip is made in
FEWEST = 128  # points that are drawn, however much is known; else as many as there were in training


@dataclass(frozen=True)
class Film:
    """mean and deviation of the grey levels, and the ends of their central 90 % intervals; (frames, side, side) each"""

    mean: Tensor
    deviation: Tensor
    low: Tensor
    high: Tensor

    def error(self, truth: Tensor) -> float:
        """Mean squared, over all pixels"""
        return (self.mean - truth).square().mean().item()

    def held(self, truth: Tensor) -> float:
        """Share of all pixels whose truth lies in its interval"""
        return ((self.low <= truth) & (truth <= self.high)).double().mean().item()


def decibels(squared: float) -> str:
    """PSNR of a mean squared error"""
    return f"{-10 * math.log10(max(squared, 1e-10)):.2f}"


@functools.cache
def load(name: str) -> ClipTransformer:
    """The checkpoint of that name; kept. Raises CheckpointError, also for one that is of no clips."""
    return hub.load_signal(name, ClipTransformer)


def film(model: ClipTransformer, positions: Tensor, values: Tensor, frames: int = FRAMES, side: int = SIDE) -> Film:
    """Given points (n, 3) and their values (n,): at all pixels, of any number of frames and any size"""
    return joined(list(parts(model, positions, values, frames, side)), frames, side)


@torch.no_grad()
def parts(
    model: ClipTransformer, positions: Tensor, values: Tensor, frames: int = FRAMES, side: int = SIDE
) -> Iterator[Tensor]:
    """A `film` in parts, for those who do something else in between: mean, deviation and the ends of the interval of
    some pixels after others, (pixels, 4)"""
    for law in laws(model, positions, values, grid(frames, side)):
        yield torch.cat([law.mean.clamp(0, 1), law.variance.sqrt(), *law.interval(0.9)], -1)[0]


def joined(parts: Sequence[Tensor], frames: int = FRAMES, side: int = SIDE) -> Film:
    """The film that all its parts make"""
    return Film(*torch.cat(list(parts)).T.reshape(4, frames, side, side))


def mean(model: ClipTransformer, positions: Tensor, values: Tensor, frames: int = FRAMES, side: int = SIDE) -> Tensor:
    """That of the `film` alone, (frames, side, side)"""
    return torch.cat(list(means(model, positions, values, frames, side))).view(frames, side, side)


@torch.no_grad()
def means(
    model: ClipTransformer, positions: Tensor, values: Tensor, frames: int = FRAMES, side: int = SIDE
) -> Iterator[Tensor]:
    """That in parts: of some pixels after others, (pixels,)"""
    for law in laws(model, positions, values, grid(frames, side)):
        yield law.mean[0, :, 0].clamp(0, 1)


@torch.no_grad()
def laws(model: ClipTransformer, positions: Tensor, values: Tensor, places: Tensor) -> Iterator[Values]:
    """At places (m, 3), some after others, given points as in `film`"""
    read = model.read(positions[None], values[None], torch.ones(1, len(values), dtype=torch.bool))
    for part in places.split(AT_ONCE):
        yield model.ask(read, part[None])


def imagined(
    model: ClipTransformer, positions: Tensor, values: Tensor, generator: torch.Generator
) -> Iterator[tuple[Tensor, Tensor]]:
    """One clip that it could be, as points known and drawn, more and more (`SignalModel.draw`); the `mean` given all is
    the clip."""
    return model.draw(positions, values, drawn_beside(len(values)), generator)


def drawn_beside(known: int) -> int:
    """How many points are drawn beside so many that are known"""
    return max(FEWEST, MOST - known)


@torch.no_grad()
def kinds(model: ClipTransformer, positions: Tensor, values: Tensor) -> dict[str, float]:
    """How probable it is that a clip is of each kind, as the closed form has it that the model stands on; empty where
    it stands on none"""
    if model.processes is None:
        return {}
    present = torch.ones(1, len(values), dtype=torch.bool)
    weights = model.processes.weights(positions[None], values[None], present)[0]
    return dict(zip(KINDS, weights.tolist(), strict=True))
