"""What is said of one shape: its mean field, how sure that is, and shapes that it could be."""

from __future__ import annotations

import functools
from dataclasses import dataclass

import torch
from torch import Tensor

from recon import hub
from recon.models import ShapeTransformer
from recon.shapes.chairs import grid

SIDE = 32  # of the grid that fields are shown on
AT_ONCE = 8192  # positions that are asked for together


@dataclass(frozen=True)
class Field:
    """mean and deviation of the signed distance, (side, side, side) each: across, depth, up"""

    mean: Tensor
    deviation: Tensor

    @property
    def shape(self) -> Tensor:
        """A field whose inside is the Vorob'ev mean (Molchanov 2005, section 2.2.2): the positions that are most
        probably inside, as many as are expected to be. Where the mean is below zero is less: what is thin and could be
        in several places is on average nowhere. The law of a value is taken to be a Gaussian."""
        score = (-self.mean / self.deviation).flatten()
        count = int(torch.special.ndtr(score).sum().round().clamp(1, len(score) - 1))
        level = score.topk(count + 1).values[-2:].mean()  # between the last that is inside and the next
        return self.mean + level * self.deviation


@functools.cache
def load(name: str) -> ShapeTransformer:
    """The checkpoint of that name; kept. Raises CheckpointError, also for one that is of no shapes."""
    return hub.load_signal(name, ShapeTransformer)


@torch.no_grad()
def field(model: ShapeTransformer, positions: Tensor, values: Tensor, side: int = SIDE) -> Field:
    """Given points (n, 3) and their values (n,)"""
    places, means, spreads = grid(side).split(AT_ONCE), [], []
    present = torch.ones(1, len(values), dtype=torch.bool)
    for part in places:
        law = model.law(positions[None], values[None], present, part[None])
        means.append(law.mean[0, :, 0])
        spreads.append(law.variance[0, :, 0].sqrt())
    return Field(torch.cat(means).view(side, side, side), torch.cat(spreads).view(side, side, side))


@torch.no_grad()
def imagined(
    model: ShapeTransformer, positions: Tensor, values: Tensor, found: Field, count: int, generator: torch.Generator
) -> Tensor:
    """Fields that it could be, (count, side, side, side), given points as in `field`, and what that found: as far from
    the mean, in standard deviations, as fields are that the closed form draws. Each value has the model's mean and
    spread, and values go together as in the closed form (a Gaussian copula)."""
    queries, present = grid(found.mean.shape[0])[None], torch.ones(1, len(values), dtype=torch.bool)
    apart = model.basis.sample(positions[None], values[None], present, queries, count, generator)
    return found.mean + found.deviation * apart.view(count, *found.mean.shape)
