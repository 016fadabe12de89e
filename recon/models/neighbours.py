"""The observed pixels that lie nearest to every hidden one: it may well have the very colour of one of them."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from recon.observation import Observation

ORDERED = 1e-4  # squared pixels: of several that are as far, the first


@dataclass(frozen=True)
class Neighbours:
    """Some observed pixels for each pixel, the nearest first; of an observed one, it alone.

    values   their values, (batch, count, channels, side, side)
    offset   where they lie from it, rows and columns, in pixels: (batch, count, 2, side, side)
    there    whether there are as many, bool (batch, count, side, side)
    """

    values: Tensor
    offset: Tensor
    there: Tensor

    @property
    def distance(self) -> Tensor:
        """In pixels, (batch, count, side, side)"""
        return self.offset.square().sum(2).sqrt()


def neighbours(observation: Observation, count: int) -> Neighbours:
    """The `count` nearest observed pixels of each pixel."""
    (batch, channels, side, _), values = observation.values.shape, observation.values.flatten(2)
    masks, inverse = observation.mask.flatten(1).unique(dim=0, return_inverse=True)
    places, there = zip(*(nearest(mask, count) for mask in masks), strict=True)
    place = torch.stack(places)[inverse]  # (batch, count, pixels)
    found = values.gather(2, place.flatten(1)[:, None].expand(-1, channels, -1))
    here = torch.arange(side * side, device=values.device)
    offset = torch.stack([place // side - here // side, place % side - here % side], 2).to(values)
    return Neighbours(
        found.view(batch, channels, count, side, side).transpose(1, 2),
        offset.view(batch, count, 2, side, side),
        torch.stack(there)[inverse].view(batch, count, side, side),
    )


def nearest(mask: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """Of one mask, bool (pixels,): indices int64, and whether there are as many, bool; both (count, pixels)."""
    side = math.isqrt(len(mask))
    index = torch.arange(len(mask), device=mask.device)
    place = index.repeat(count, 1)
    there = mask.repeat(count, 1)
    there[1:] = False
    seen, hidden = mask.nonzero()[:, 0], (~mask).nonzero()[:, 0]
    most = min(count, len(seen))
    if most and len(hidden):
        at = torch.stack([index // side, index % side]).float()
        away = (at[:, hidden, None] - at[:, None, seen]).square().sum(0)
        first = away + ORDERED * torch.arange(len(seen), device=mask.device)
        place[:most, hidden] = seen[first.topk(most, 1, largest=False).indices].T
        there[:most, hidden] = True
    return place, there
