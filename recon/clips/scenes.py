"""Clips made by code, as functions: the grey level at any time and place, each from -1 to 1.

The paper's clips are videos that others took, under terms of their own; these anyone can make. Of each kind there are
endlessly many: things that move and bounce (`moving`), a camera that passes over a heap of leaves (`passing`, dead
leaves as in `recon.data.dead_leaves`), and waves that run up a beach (`recon.clips.beach`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from recon.data.dead_leaves import power_law

SIDE = 24  # of the grid that clips are shown on
FRAMES = 16
EDGE = 2 / SIDE  # over which a thing's edge fades, a pixel as shown
THINGS = 2
LEAVES = 120
REACH = 3.2  # of leaves, from the middle of the heap: farther than a camera sees
DISC, RING, SQUARE, CROSS = range(4)


@dataclass(frozen=True)
class Things:
    """What covers a ground, the first of them on top; (clips, things) each, but for `ground` (clips, 3): its grey in
    the middle, and how it grows downwards and to the right.

    rows, columns      of their middles at time 0
    down, right        by what they move until time 1
    size               half of their extent
    angle, turn        radians at time 0, and by what they turn until time 1
    kind               DISC, RING, SQUARE or CROSS
    grey               0 is black
    camera             (clips, 4): by what it moves down and right until time 1, the logarithm of how much more it sees
                       then, and by what it turns. None where each thing moves for itself, and off the borders
    """

    ground: Tensor
    rows: Tensor
    columns: Tensor
    down: Tensor
    right: Tensor
    size: Tensor
    angle: Tensor
    turn: Tensor
    kind: Tensor
    grey: Tensor
    camera: Tensor | None = None

    def __len__(self) -> int:
        return len(self.ground)

    def value(self, positions: Tensor) -> Tensor:
        """Grey levels in [0, 1] at positions (clips, points, 3), of time, row and column: (clips, points)"""
        time, row, column = (part[..., None] for part in positions.unbind(-1))
        if self.camera is not None:  # where on the heap the camera looks
            pan_down, pan_right, closer, turn = self.camera[:, None].unbind(-1)
            wide = (closer[..., None] * time).exp()
            row, column = turned(row, column, turn[..., None] * time)
            row, column = wide * row + pan_down[..., None] * time, wide * column + pan_right[..., None] * time
            apart = row - self.rows[:, None], column - self.columns[:, None]
        else:
            room = 1 - self.size[:, None]
            apart = (
                row - bounced(self.rows[:, None] + self.down[:, None] * time, room),
                column - bounced(self.columns[:, None] + self.right[:, None] * time, room),
            )
        high, wide = turned(*apart, self.angle[:, None] + self.turn[:, None] * time)
        covers = (0.5 - outside(high, wide, self.size[:, None], self.kind[:, None]) / EDGE).clamp(0, 1)
        through = (1 - covers).cumprod(-1)
        seen = covers * torch.cat([torch.ones_like(through[..., :1]), through[..., :-1]], -1)
        middle, down, right = self.ground[:, None].unbind(-1)
        ground = middle + down * positions[..., 1] + right * positions[..., 2]
        return ((seen * self.grey[:, None]).sum(-1) + through[..., -1] * ground).clamp(0, 1)


def turned(row: Tensor, column: Tensor, angle: Tensor) -> tuple[Tensor, Tensor]:
    sine, cosine = angle.sin(), angle.cos()
    return cosine * row - sine * column, sine * row + cosine * column


def bounced(place: Tensor, room: Tensor) -> Tensor:
    """A place that would be anywhere, kept within -room and room as a ball is by two walls"""
    return room * (1 - ((place / room + 1).remainder(4) - 2).abs())


def outside(row: Tensor, column: Tensor, size: Tensor, kind: Tensor) -> Tensor:
    """How far a place, seen from the middle of a thing, is outside of it; negative inside"""
    far = (row.square() + column.square()).clamp_min(1e-12).sqrt()
    high, wide = row.abs(), column.abs()
    side, arm = size * math.sqrt(0.5), size * 0.3
    found = torch.where(kind == RING, (far - 0.7 * size).abs() - 0.3 * size, far - size)
    found = torch.where(kind == SQUARE, torch.maximum(high, wide) - side, found)
    bars = torch.minimum(torch.maximum(high - arm, wide - 0.95 * size), torch.maximum(high - 0.95 * size, wide - arm))
    return torch.where(kind == CROSS, bars, found)


def moving(count: int, generator: torch.Generator) -> Things:
    """One or two things on a plain ground, which they differ from, each with a course and a turn of its own."""

    def between(low: float, high: float, *shape: int) -> Tensor:
        return low + (high - low) * torch.rand(count, *shape, generator=generator)

    ground = torch.stack([between(0.15, 0.85), between(-0.15, 0.15), between(-0.15, 0.15)], -1)
    size = between(0.3, 0.55, THINGS)
    there = torch.arange(THINGS) < torch.randint(1, THINGS + 1, (count, 1), generator=generator)
    apart = between(0.3, 0.7, THINGS)  # of a thing's grey and the ground's: darker or lighter, where there is room
    middle = ground[:, :1]
    lighter = torch.where(middle + apart > 1, False, (middle - apart < 0) | (between(0, 1, THINGS) < 0.5))
    return Things(
        ground=ground,
        rows=between(-1, 1, THINGS) * (1 - size),
        columns=between(-1, 1, THINGS) * (1 - size),
        down=between(-1, 1, THINGS),
        right=between(-1, 1, THINGS),
        size=torch.where(there, size, -1.0),  # everything is outside of it
        angle=between(0, math.pi, THINGS),
        turn=between(-1.5, 1.5, THINGS),
        kind=torch.randint(0, 4, (count, THINGS), generator=generator),
        grey=(middle + torch.where(lighter, apart, -apart)).clamp(0, 1),
    )


def passing(count: int, generator: torch.Generator) -> Things:
    """A camera that passes over leaves, nears them or leaves them, and turns."""

    def between(low: float, high: float, *shape: int) -> Tensor:
        return low + (high - low) * torch.rand(count, *shape, generator=generator)

    still = torch.zeros(count, LEAVES)
    pan = torch.stack([between(-0.8, 0.8), between(-0.8, 0.8), between(-0.25, 0.25), between(-0.35, 0.35)], -1)
    return Things(
        ground=torch.stack([between(0, 1), torch.zeros(count), torch.zeros(count)], -1),
        rows=between(-REACH, REACH, LEAVES),
        columns=between(-REACH, REACH, LEAVES),
        down=still,
        right=still,
        size=power_law(between(0, 1, LEAVES), 0.25, 1.6, 2.5),
        angle=still,
        turn=still,
        kind=torch.full((count, LEAVES), DISC),
        grey=between(0, 1, LEAVES),
        camera=pan,
    )
