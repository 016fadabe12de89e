"""What is said of one shape: its mean field, how sure that is, and shapes that it could be."""

from __future__ import annotations

import functools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields

import torch
from torch import Tensor

from recon import hub
from recon.models import ShapeTransformer
from recon.models.signal_transformer import Values
from recon.shapes.chairs import grid

SIDE = 32  # of the grid that fields are shown on
AT_ONCE = 4096  # positions that are asked for together
PARTS = math.ceil(SIDE**3 / AT_ONCE)  # that a field is made in
MOST, FEWEST = 384, 128  # points, known and drawn, of a field that could be; and those drawn, however much is known
SURE = 1e-9  # what is more probable is as good as certain


@dataclass(frozen=True)
class Field:
    """The law of the signed distance at the middles of side^3 cells: across, depth, up"""

    law: Values
    side: int = SIDE

    @functools.cached_property
    def mean(self) -> Tensor:
        """(side, side, side), as all that follows"""
        return self.cube(self.law.mean)

    @functools.cached_property
    def deviation(self) -> Tensor:
        return self.cube(self.law.variance.sqrt())

    @property
    def shape(self) -> Tensor:
        """A field whose inside is the Vorob'ev mean (Molchanov 2005, section 2.2.2): the positions that are most
        probably inside, as many as are expected to be. Where the mean is below zero is less: what is thin and could be
        in several places is on average nowhere."""
        inside = self.cube(self.law.cdf(torch.zeros_like(self.law.mean)))
        unsure = (inside > SURE) & (inside < 1 - SURE)
        # where it is sure the score goes on as a Gaussian's: the surface lies between cells where the mean has it
        score = torch.where(unsure, torch.special.ndtri(inside.clamp(SURE, 1 - SURE)), -self.mean / self.deviation)
        count = int(inside.sum().round().clamp(1, inside.numel() - 1))
        level = score.flatten().topk(count + 1).values[-2:].mean()  # between the last that is inside and the next
        return ((level - score) * self.deviation).float()

    def held(self, truth: Tensor, share: float = 0.9) -> float:
        """Share of all positions whose truth lies in the law's own central interval of that probability"""
        rank = self.cube(self.law.cdf(truth.reshape(1, -1, 1)))
        return ((rank - 0.5).abs() <= share / 2).double().mean().item()

    def cube(self, values: Tensor) -> Tensor:
        return values.view(self.side, self.side, self.side)


@functools.cache
def load(name: str) -> ShapeTransformer:
    """The checkpoint of that name; kept. Raises CheckpointError, also for one that is of no shapes."""
    return hub.load_signal(name, ShapeTransformer)


def field(model: ShapeTransformer, positions: Tensor, values: Tensor, side: int = SIDE) -> Field:
    """Given points (n, 3) and their values (n,)"""
    return joined(list(laws(model, positions, values, side)), side)


@torch.no_grad()
def laws(model: ShapeTransformer, positions: Tensor, values: Tensor, side: int = SIDE) -> Iterator[Values]:
    """A `field` in parts, of AT_ONCE positions each, for those who do something else in between"""
    read = model.read(positions[None], values[None], torch.ones_like(values, dtype=torch.bool)[None])
    for part in grid(side).to(positions).split(AT_ONCE):
        yield model.ask(read, part[None])


def joined(laws: Sequence[Values], side: int = SIDE) -> Field:
    """The field that all its parts make"""
    return Field(Values(*(torch.cat([getattr(law, part.name) for law in laws], 1) for part in fields(Values))), side)


def imagined(
    model: ShapeTransformer, positions: Tensor, values: Tensor, generator: torch.Generator
) -> Iterator[tuple[Tensor, Tensor]]:
    """Points as in `field`, and others drawn a few at a time (`SignalModel.draw`): at last MOST in all, or FEWEST more.

    A field that it could be is what it would be if the last of them were known.
    """
    return model.draw(positions, values, drawn_beside(len(values)), generator)


def drawn_beside(known: int) -> int:
    """How many points are drawn beside so many that are known"""
    return max(FEWEST, MOST - known)
