"""What is said of one clip: its mean, how sure that is, and clips that it could be."""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from recon import hub
from recon.clips.kinds import FRAMES, KINDS, MOST, SIDE, grid
from recon.models import ClipTransformer
from recon.models.signal_transformer import Values

AT_ONCE = 1536  # positions that are asked for together
FEWEST = 128  # points that are drawn, however much is known; else as many as there were in training
GROUPS = (1, 1, 2, 4, 8, 16, *[32] * (MOST // 32))  # drawn together, each given all groups before


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


@torch.no_grad()
def film(model: ClipTransformer, positions: Tensor, values: Tensor, frames: int = FRAMES, side: int = SIDE) -> Film:
    """Given points (n, 3) and their values (n,): at all pixels, of any number of frames and any size"""
    found = [
        torch.cat([law.mean.clamp(0, 1), law.variance.sqrt(), *law.interval(0.9)], -1)[0]
        for law in laws(model, positions, values, grid(frames, side))
    ]
    return Film(*torch.cat(found).T.reshape(4, frames, side, side))


@torch.no_grad()
def mean(model: ClipTransformer, positions: Tensor, values: Tensor, frames: int = FRAMES, side: int = SIDE) -> Tensor:
    """That of the `film` alone, (frames, side, side)"""
    found = [law.mean[0, :, 0] for law in laws(model, positions, values, grid(frames, side))]
    return torch.cat(found).view(frames, side, side).clamp(0, 1)


def laws(model: ClipTransformer, positions: Tensor, values: Tensor, places: Tensor) -> Iterator[Values]:
    """At places (m, 3), some after others, given points as in `film`"""
    present = torch.ones(1, len(values), dtype=torch.bool)
    for part in places.split(AT_ONCE):
        yield model.law(positions[None], values[None], present, part[None])


@torch.no_grad()
def imagined(
    model: ClipTransformer, positions: Tensor, values: Tensor, generator: torch.Generator
) -> Iterator[tuple[Tensor, Tensor]]:
    """One clip that it could be, known better and better: points (n, 3) and values (n,), those given and those drawn
    until now. They are drawn in groups that are spread over time and space (Sobol', scrambled), each given all before;
    groups are small at first, while little is known and distant values go together. The `mean` given all is the clip.
    The paper draws every pixel by itself, in a random order."""
    drawn = max(FEWEST, MOST - len(values))
    seed = int(torch.randint(2**31, (), generator=generator))
    places = 2 * torch.quasirandom.SobolEngine(3, scramble=True, seed=seed).draw(drawn) - 1
    ends = [end for end in itertools.accumulate(GROUPS) if end < drawn]
    for group in places.tensor_split(ends):
        present = torch.ones(1, len(values), dtype=torch.bool)
        law = model.law(positions[None], values[None], present, group[None])
        positions = torch.cat([positions, group])
        values = torch.cat([values, law.sample(generator)[0, :, 0].clamp(0, 1)])
        yield positions, values


@torch.no_grad()
def kinds(model: ClipTransformer, positions: Tensor, values: Tensor) -> dict[str, float]:
    """How probable it is that a clip is of each kind, as the closed form has it that the model stands on"""
    present = torch.ones(1, len(values), dtype=torch.bool)
    weights = model.processes.weights(positions[None], values[None], present)[0]
    return dict(zip(KINDS, weights.tolist(), strict=True))
