"""The kinds of clips that are made by code, and points on them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import torch
from torch import Tensor

from recon.clips.beach import beaches
from recon.clips.scenes import FRAMES, SIDE, moving, passing

MOST = 640  # points that the network sees in training
AT_ONCE = 20_000  # values that are computed together
NOISE = 0.01  # standard deviation of a known value: 2 or 3 of 255 levels, a camera's grain


class Clips(Protocol):
    """Some clips, as functions of positions (clips, points, 3), of time, row and column, each from -1 to 1"""

    def __len__(self) -> int: ...

    def value(self, positions: Tensor) -> Tensor:
        """Grey levels in [0, 1]: (clips, points)"""


KINDS: dict[str, Callable[[int, torch.Generator], Clips]] = {"moving": moving, "passing": passing, "beach": beaches}


def grid(frames: int = FRAMES, side: int = SIDE) -> Tensor:
    """Middles of the pixels of all frames, (frames side^2, 3), a frame after another, row by row"""
    return torch.cartesian_prod(middles(frames), middles(side), middles(side))


def middles(count: int) -> Tensor:
    return (2 * torch.arange(count) + 1) / count - 1


def whole(clips: Clips, frames: int = FRAMES, side: int = SIDE) -> Tensor:
    """Grey levels at all pixels, (clips, frames, side, side)"""
    parts = grid(frames, side).split(max(1, AT_ONCE // max(1, len(clips))))
    levels = torch.cat([clips.value(part.expand(len(clips), -1, -1)) for part in parts], 1)
    return levels.view(len(clips), frames, side, side)


def noisy(values: Tensor, generator: torch.Generator) -> Tensor:
    """As a camera has them"""
    return values + NOISE * torch.randn(values.shape, generator=generator)
