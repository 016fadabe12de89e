"""What is said of one clip: its mean, how sure that is, and clips that it could be."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from recon import hub
from recon.clips.kinds import FRAMES, KINDS, SIDE, grid
from recon.models import ClipTransformer

AT_ONCE = 1536  # positions that are asked for together
MOST = 640  # points that the network has seen in training: what is drawn comes on top of what is known
FEWEST = 128  # that are drawn, however much is known
GROUP = 32  # drawn together, each given all groups before


@dataclass(frozen=True)
class Film:
    """mean and deviation of the grey levels, (frames, side, side) each"""

    mean: Tensor
    deviation: Tensor


@functools.cache
def load(name: str) -> ClipTransformer:
    """The checkpoint of that name; kept. Raises CheckpointError, also for one that is of no clips."""
    return hub.load_signal(name, ClipTransformer)


@torch.no_grad()
def film(model: ClipTransformer, positions: Tensor, values: Tensor, frames: int = FRAMES, side: int = SIDE) -> Film:
    """Given points (n, 3) and their values (n,): at all pixels, of any number of frames and any size"""
    present, means, spreads = torch.ones(1, len(values), dtype=torch.bool), [], []
    for part in grid(frames, side).split(AT_ONCE):
        law = model.law(positions[None], values[None], present, part[None])
        means.append(law.mean[0, :, 0])
        spreads.append(law.variance[0, :, 0].sqrt())
    shape = (frames, side, side)
    return Film(torch.cat(means).view(shape).clamp(0, 1), torch.cat(spreads).view(shape))


@torch.no_grad()
def imagined(
    model: ClipTransformer, positions: Tensor, values: Tensor, generator: torch.Generator
) -> Iterator[tuple[Tensor, Tensor]]:
    """One clip that it could be, known better and better: points (n, 3) and values (n,), those given and those drawn
    until now. They are drawn in groups that are spread over time and space (Sobol'), each group given all before; the
    `film` of all is the clip. The paper draws every pixel, in a random order."""
    drawn = max(FEWEST, MOST - len(values))
    places = 2 * torch.quasirandom.SobolEngine(3).draw(drawn) + 2 * torch.rand(3, generator=generator)
    for group in (places.remainder(2) - 1).split(GROUP):
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
