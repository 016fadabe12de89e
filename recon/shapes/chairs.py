"""Chairs made by code: seats, backs, legs and arms of boxes, as signed distances at any position.

The paper's chairs are models that others made, under terms of their own; these anyone can make. Axes are across, depth
(the back is at the far end) and up, each from -1 to 1.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

MOST = 20  # boxes
ROOM = 0.85  # of the cube's half that the longest side of a chair fills
ABSENT = 1e3


@dataclass(frozen=True)
class Chairs:
    """Chairs of boxes: centres (chairs, MOST, 3), halves of their sides (chairs, MOST, 3), and by what angle each leans
    back, radians (chairs, MOST); a box that is not there is far away."""

    centres: Tensor
    halves: Tensor
    lean: Tensor

    def __len__(self) -> int:
        return len(self.centres)

    def part(self, first: int, last: int) -> Chairs:
        return Chairs(self.centres[first:last], self.halves[first:last], self.lean[first:last])

    def distance(self, positions: Tensor) -> Tensor:
        """Signed distances at positions (chairs, points, 3): (chairs, points), positive outside. Exact there; within
        boxes that overlap it is the nearer of their surfaces."""
        apart = positions[:, None] - self.centres[:, :, None]
        sine, cosine = self.lean.sin()[..., None], self.lean.cos()[..., None]
        depth, up = apart[..., 1], apart[..., 2]
        turned = torch.stack([apart[..., 0], cosine * depth - sine * up, sine * depth + cosine * up], -1)
        beyond = turned.abs() - self.halves[:, :, None]
        outside = beyond.clamp_min(0).norm(dim=-1)
        return (outside + beyond.amax(-1).clamp_max(0)).amin(1)


def draw(count: int, generator: torch.Generator) -> Chairs:
    """Random chairs, each centred, and as large as the cube lets it be."""
    made = [one(generator) for _ in range(count)]
    boxes = torch.full((count, MOST, 7), 0.0)
    boxes[..., :3] = ABSENT
    for row, parts in zip(boxes, made, strict=True):
        row[: len(parts)] = torch.tensor(parts)
    return fitted(Chairs(boxes[..., :3], boxes[..., 3:6], boxes[..., 6]))


def one(generator: torch.Generator) -> list[list[float]]:
    """A chair's boxes: centre, half sides, lean"""

    def between(low: float, high: float) -> float:
        return low + (high - low) * torch.rand((), generator=generator).item()

    def chance(share: float) -> bool:
        return between(0, 1) < share

    across, depth, thick = between(0.38, 0.6), between(0.36, 0.56), between(0.03, 0.09)
    leg, tall = between(0.03, 0.075), between(0.35, 0.75)  # half of a leg's side, height of the seat
    seat = [0.0, 0.0, 0.0, across, depth, thick, 0.0]
    parts = [seat, *base(between, chance, across, depth, thick, leg, tall)]
    if chance(0.93):  # else it is a stool
        parts += back(between, chance, across, depth, thick)
    if chance(0.4):
        high, wide = between(0.28, 0.5), between(0.03, 0.08)
        long = depth * between(0.7, 1.0)
        for side in (-1, 1):
            x = side * (across - wide)
            parts.append([x, depth - long, high, wide, long, between(0.025, 0.05), 0.0])
            parts.append([x, depth - 2 * long + 0.05, high / 2, wide * 0.8, 0.04, high / 2, 0.0])
    return parts


def base(between, chance, across: float, depth: float, thick: float, leg: float, tall: float) -> list[list[float]]:
    """What the seat stands on: four legs, with or without rails; panels; or a column on a cross"""
    middle, low = -thick - tall / 2, -thick - tall
    if chance(0.2):  # a column
        reach = min(across, depth) * between(0.8, 1.1)
        return [
            [0.0, 0.0, middle, leg, leg, tall / 2, 0.0],
            [0.0, 0.0, low + leg, reach, leg, leg, 0.0],
            [0.0, 0.0, low + leg, leg, reach, leg, 0.0],
        ]
    x, y = across - leg, depth - leg
    if chance(0.15):  # panels
        return [[side * x, 0.0, middle, leg * 0.7, depth, tall / 2, 0.0] for side in (-1, 1)]
    slant = between(0, 0.2) if chance(0.4) else 0.0
    parts = [[i * x, j * y, middle, leg, leg, tall / 2, -j * slant] for i in (-1, 1) for j in (-1, 1)]
    if chance(0.35):  # rails
        height = low + tall * between(0.25, 0.6)
        parts += [[i * x, 0.0, height, leg * 0.6, y, leg * 0.6, 0.0] for i in (-1, 1)]
    return parts


def back(between, chance, across: float, depth: float, thick: float) -> list[list[float]]:
    """A panel, upright slats, or bars across between two posts, leaning by up to 20 degrees"""
    tall, slim, lean = between(0.45, 1.0), between(0.025, 0.06), between(0, math.radians(20))

    def at(x: float, height: float, half: tuple[float, float, float]) -> list[float]:
        """A part of the back whose middle is so high on it"""
        return [x, depth - slim + math.sin(lean) * height, thick + math.cos(lean) * height, *half, lean]

    post = between(0.03, 0.06)
    posts = [at(side * (across - post), tall / 2, (post, slim, tall / 2)) for side in (-1, 1)]
    kind = between(0, 1)
    if kind < 0.45:
        return [at(0.0, tall / 2, (across * between(0.8, 1.0), slim, tall / 2))]
    count = 2 + int(between(0, 3))
    if kind < 0.75:
        top = at(0.0, tall - 0.05, (across, slim, 0.05))
        places = [2 * across * ((k + 1) / (count + 1) - 0.5) for k in range(count)]
        return [*posts, top, *(at(x, tall / 2, (between(0.02, 0.05), slim * 0.7, tall / 2)) for x in places)]
    places = [tall * (k + 1) / (count + 1) for k in range(count)]
    return [*posts, *(at(0.0, height, (across, slim * 0.7, between(0.03, 0.08))) for height in [*places, tall - 0.04])]


def fitted(chairs: Chairs) -> Chairs:
    """Moved and scaled so that each chair's bounding box is centred, its longest side 2 ROOM."""
    sine, cosine = chairs.lean.sin().abs(), chairs.lean.cos().abs()
    across, depth, up = chairs.halves.unbind(-1)
    reach = torch.stack([across, cosine * depth + sine * up, sine * depth + cosine * up], -1)
    there = (chairs.centres[..., :1] < ABSENT / 2).expand_as(reach)
    low = torch.where(there, chairs.centres - reach, torch.inf).amin(1, keepdim=True)
    high = torch.where(there, chairs.centres + reach, -torch.inf).amax(1, keepdim=True)
    scale = 2 * ROOM / (high - low).amax(-1, keepdim=True)
    centres = torch.where(there, (chairs.centres - (low + high) / 2) * scale, ABSENT)
    return Chairs(centres, chairs.halves * scale, chairs.lean)


def grid(side: int) -> Tensor:
    """Middles of the cells of a cube, (side^3, 3), from -1 to 1; up is the last to move least"""
    line = (2 * torch.arange(side) + 1) / side - 1
    return torch.cartesian_prod(line, line, line)
