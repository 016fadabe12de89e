"""Chairs made by code: seats, backs, legs and arms of boxes, sharp or soft, as signed distances at any position.

The paper's chairs are models that others made, under terms of their own; these anyone can make. Axes are across, depth
(the back is at the far end) and up, each from -1 to 1.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import torch
from torch import Tensor

from recon.errors import PredictionError

MOST = 24  # boxes
NUMBERS = 9  # of each
KINDS = ("arms", "easy", "tub", "stool", "column", "runners", "slats", "bars")  # that one may ask for
ROOM = 0.85  # of the cube's half that the longest side of a chair fills
ABSENT = 1e3


@dataclass(frozen=True)
class Chairs:
    """Chairs of boxes: centres (chairs, MOST, 3), halves of their sides (chairs, MOST, 3), and of each (chairs, MOST):
    by what angle it leans back and is turned about the upright, radians, and the radius of its edges, up to the
    shortest half side. A box that is not there is far away."""

    centres: Tensor
    halves: Tensor
    lean: Tensor
    turn: Tensor
    edge: Tensor

    def __len__(self) -> int:
        return len(self.centres)

    @classmethod
    def of(cls, boxes: Tensor) -> Chairs:
        """From (chairs, boxes, NUMBERS), in the order above"""
        return cls(boxes[..., :3], boxes[..., 3:6], *boxes[..., 6:].unbind(-1))

    def part(self, first: int, last: int) -> Chairs:
        every = (self.centres, self.halves, self.lean, self.turn, self.edge)
        return Chairs(*(numbers[first:last] for numbers in every))

    def distance(self, positions: Tensor) -> Tensor:
        """Signed distances at positions (chairs, points, 3): (chairs, points), positive outside. Exact there; within
        boxes that overlap it is the nearer of their surfaces."""
        across, depth, up = (positions[:, None] - self.centres[:, :, None]).unbind(-1)
        across, depth = turned(across, depth, self.turn[..., None])
        depth, up = turned(depth, up, self.lean[..., None])
        edge = self.edge[..., None]
        beyond = torch.stack([across, depth, up], -1).abs() - (self.halves - self.edge[..., None])[:, :, None]
        outside = beyond.clamp_min(0).norm(dim=-1)
        return (outside + beyond.amax(-1).clamp_max(0) - edge).amin(1)


def turned(first: Tensor, second: Tensor, angle: Tensor) -> tuple[Tensor, Tensor]:
    """Coordinates along axes that are turned by the angle, from the second towards the first"""
    sine, cosine = angle.sin(), angle.cos()
    return cosine * first - sine * second, sine * first + cosine * second


def draw(count: int, generator: torch.Generator, kind: str | None = None) -> Chairs:
    """Random chairs, each centred, and as large as the cube lets it be; of one of KINDS, or of any. Raises
    PredictionError for a kind that there is not."""
    if kind is not None and kind not in KINDS:
        raise PredictionError(f"There are no chairs of the kind {str(kind)[:40]!r}.")
    boxes = torch.zeros(count, MOST, NUMBERS)
    boxes[..., :3] = ABSENT
    for row in boxes:
        parts = one(chance := Chance(generator))
        while kind is not None and kind not in chance.kinds:  # the law is that of any, given that it is of this kind
            parts = one(chance := Chance(generator))
        row[: len(parts)] = torch.tensor(parts)
    return fitted(Chairs.of(boxes))


Box = list[float]


@dataclass(frozen=True)
class Chance:
    """What a chair's maker asks, and of which KINDS the chair is by now"""

    generator: torch.Generator
    kinds: set[str] = field(default_factory=set)

    def between(self, low: float, high: float) -> float:
        return low + (high - low) * torch.rand((), generator=self.generator).item()

    def of(self, share: float) -> bool:
        return self.between(0, 1) < share


def box(x: float, y: float, z: float, across: float, depth: float, up: float, lean: float = 0, turn: float = 0) -> Box:
    return [x, y, z, across, depth, up, lean, turn, 0.0]


def one(chance: Chance) -> list[Box]:
    """A chair's boxes: a seat at height 0, what it stands on, and mostly a back and arms"""
    parts = easy(chance) if chance.of(0.08) else upright(chance)
    soft = chance.between(0, 1) if chance.of(0.6) else 0.0
    for part in parts:
        part[-1] = soft * min(part[3:6])
    return parts


def upright(chance: Chance) -> list[Box]:
    across, depth = chance.between(0.3, 0.52), chance.between(0.3, 0.5)
    thick = chance.between(0.07, 0.15) if chance.of(0.3) else chance.between(0.035, 0.07)
    leg, tall = chance.between(0.035, 0.065), chance.between(0.5, 0.95)  # half of a leg's side, height of the seat
    parts = [box(0, 0, 0, across, depth, thick), *base(chance, across, depth, thick, leg, tall)]
    if chance.of(0.15):
        chance.kinds.add("tub")
        return parts + tub(chance, across, depth, chance.between(0.35, 0.9), chance.between(0.035, 0.06))
    if chance.of(0.93):
        parts += back(chance, across, depth, thick)
    else:
        chance.kinds.add("stool")
    if chance.of(0.4):
        chance.kinds.discard("stool")
        chance.kinds.add("arms")
        high, wide, long = chance.between(0.28, 0.5), chance.between(0.035, 0.06), depth * chance.between(0.7, 1.0)
        for side in (-1, 1):
            x = side * (across - wide)
            parts.append(box(x, depth - long, high, wide, long, chance.between(0.03, 0.05)))
            parts.append(box(x, depth - 2 * long + 0.05, high / 2, wide, 0.04, high / 2))
    return parts


def easy(chance: Chance) -> list[Box]:
    """Deep and heavy: sides and back are blocks, on feet short or long"""
    chance.kinds.add("easy")
    across, depth, thick = chance.between(0.4, 0.65), chance.between(0.4, 0.6), chance.between(0.12, 0.22)
    wall, high, tall = chance.between(0.06, 0.14), chance.between(0.2, 0.45), chance.between(0.6, 1.1)
    feet = chance.between(0.1, 0.5)
    parts = [box(0, 0, 0, across, depth, thick)]
    middle, half = (high - thick) / 2, (high + thick) / 2
    parts += [box(side * (across + wall), 0, middle, wall, depth, half) for side in (-1, 1)]
    lean = chance.between(0, math.radians(20))
    half = (tall + thick) / 2
    parts.append(box(0, depth + math.sin(lean) * half, tall / 2 - thick / 2, across + wall, wall, half, lean))
    x, y = across, depth - 0.06
    return parts + [box(i * x, j * y, -thick - feet / 2, 0.05, 0.05, feet / 2) for i in (-1, 1) for j in (-1, 1)]


def base(chance: Chance, across: float, depth: float, thick: float, leg: float, tall: float) -> list[Box]:
    """What the seat stands on: a column on feet; panels; runners; or four legs, with or without rails"""
    middle, low = -thick - tall / 2, -thick - tall
    x, y = across - leg, depth - leg
    kind = chance.between(0, 1)
    if kind < 0.2:
        chance.kinds.add("column")
        long, feet = min(across, depth) * chance.between(0.8, 1.2), 4 + chance.of(0.6)
        column = box(0, 0, middle, leg, leg, tall / 2)
        angles = [2 * math.pi * k / feet for k in range(feet)]
        return [column, *(outward(angle, long / 2, low + leg, leg, long / 2, leg) for angle in angles)]
    if kind < 0.28:
        return [box(side * x, 0, middle, leg, depth, tall / 2) for side in (-1, 1)]
    if kind < 0.38:
        chance.kinds.add("runners")
        runners = [box(side * x, 0, low + leg, leg, depth, leg) for side in (-1, 1)]
        ends = (-1, 1) if chance.of(0.5) else (-1,)  # with no legs behind it swings
        return [*runners, *(box(side * x, end * y, middle, leg, leg, tall / 2) for side in (-1, 1) for end in ends)]
    slant = chance.between(0, 0.2) if chance.of(0.5) else 0.0
    corners = [(i, j) for i in (-1, 1) for j in (-1, 1)]
    if chance.of(0.3):  # splayed to all sides
        away = (math.atan2(i * x, j * y) for i, j in corners)
        parts = [outward(angle, math.hypot(x, y), middle, leg, leg, tall / 2, -slant) for angle in away]
    else:
        parts = [box(i * x, j * y, middle, leg, leg, tall / 2, -j * slant) for i, j in corners]
    if chance.of(0.35):  # rails
        height = low + tall * chance.between(0.25, 0.6)
        parts += [box(i * x, 0, height, leg * 0.8, y, leg * 0.8) for i in (-1, 1)]
        if chance.of(0.5):
            parts += [box(0, j * y, height, x, leg * 0.8, leg * 0.8) for j in (-1, 1)]
    return parts


def outward(angle: float, far: float, z: float, wide: float, long: float, up: float, lean: float = 0) -> Box:
    """A box so far from the upright axis that looks away from it, at an angle from the back"""
    return box(math.sin(angle) * far, math.cos(angle) * far, z, wide, long, up, lean, angle)


def back(chance: Chance, across: float, depth: float, thick: float) -> list[Box]:
    """A panel, upright slats, or bars across between two posts, leaning by up to 20 degrees"""
    tall, slim = chance.between(0.6, 1.2), chance.between(0.035, 0.065)
    lean = chance.between(0, math.radians(20))

    def at(x: float, height: float, half: tuple[float, float, float]) -> Box:
        """A part of the back whose middle is so high on it"""
        y, z = depth - slim + math.sin(lean) * height, thick + math.cos(lean) * height
        return box(x, y, z, *half, lean)

    post = chance.between(0.035, 0.06)
    posts = [at(side * (across - post), tall / 2, (post, slim, tall / 2)) for side in (-1, 1)]
    kind = chance.between(0, 1)
    if kind < 0.35:
        return [at(0, tall / 2, (across * chance.between(0.7, 1), slim, tall / 2))]
    if kind < 0.5:  # a panel with air below it
        half = tall * chance.between(0.2, 0.4)
        held = posts if chance.of(0.6) else [at(0, tall / 2, (post, slim, tall / 2))]
        return [*held, at(0, tall - half, (across * chance.between(0.7, 1), slim, half))]
    count = 2 + int(chance.between(0, 3))
    chance.kinds.add("slats" if kind < 0.75 else "bars")
    if kind < 0.75:
        top = at(0, tall - 0.05, (across, slim, 0.05))
        places = [2 * across * ((k + 1) / (count + 1) - 0.5) for k in range(count)]
        return [*posts, top, *(at(x, tall / 2, (chance.between(0.03, 0.05), slim * 0.8, tall / 2)) for x in places)]
    places = [tall * (k + 1) / (count + 1) for k in range(count)]
    bars = (at(0, height, (across, slim * 0.8, chance.between(0.03, 0.08))) for height in [*places, tall - 0.04])
    return [*posts, *bars]


def tub(chance: Chance, across: float, depth: float, tall: float, slim: float) -> list[Box]:
    """A back that bends around the seat, lower towards the front"""
    around, fall = math.radians(chance.between(60, 110)), chance.between(0, 0.7)
    parts, count = [], 7
    for k in range(count):
        angle = around * (2 * k / (count - 1) - 1)
        x, y = across * math.sin(angle), depth * math.cos(angle)
        half = tall / 2 * (1 - fall * abs(angle / around))
        wide = 1.15 * max(across, depth) * around / (count - 1)
        parts.append(box(x, y, half, wide, slim, half, 0, angle))
    return parts


def fitted(chairs: Chairs) -> Chairs:
    """Moved and scaled so that each chair's bounding box is centred, its longest side 2 ROOM."""
    across, depth, up = chairs.halves.unbind(-1)
    depth, up = reach(depth, up, chairs.lean)
    across, depth = reach(across, depth, chairs.turn)
    far = torch.stack([across, depth, up], -1)
    there = (chairs.centres[..., :1] < ABSENT / 2).expand_as(far)
    low = torch.where(there, chairs.centres - far, torch.inf).amin(1, keepdim=True)
    high = torch.where(there, chairs.centres + far, -torch.inf).amax(1, keepdim=True)
    scale = 2 * ROOM / (high - low).amax(-1, keepdim=True)
    centres = torch.where(there, (chairs.centres - (low + high) / 2) * scale, ABSENT)
    return Chairs(centres, chairs.halves * scale, chairs.lean, chairs.turn, chairs.edge * scale[..., 0])


def reach(first: Tensor, second: Tensor, angle: Tensor) -> tuple[Tensor, Tensor]:
    """How far a box that is turned by the angle reaches along the axes, from its half sides"""
    sine, cosine = angle.sin().abs(), angle.cos().abs()
    return cosine * first + sine * second, sine * first + cosine * second


def grid(side: int) -> Tensor:
    """Middles of the cells of a cube, (side^3, 3), from -1 to 1; up is the last to move least"""
    line = (2 * torch.arange(side) + 1) / side - 1
    return torch.cartesian_prod(line, line, line)
