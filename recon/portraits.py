"""A picture for each checkpoint's card, made by the model alone: nothing of what it saw is in it."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from recon import hub

if TYPE_CHECKING:
    from PIL import Image

FILE = "samples.png"
SAMPLES, STEPS, ENLARGED = 8, 32, 3
TEXTURE = (96, 288)  # rows and columns
SHAPES, KNOWN, SHAPE_SIDE, DEEP, LIGHT = 3, 128, 192, 96, (0.5, -0.7, 0.6)
FRAMES = 2  # every second one of a clip
POINTS, CURVES, CURVE_SIZE = 6, 8, (768, 288)
INK, BAND, PALE, PAPER = (52, 82, 209), (223, 228, 247), (140, 155, 217), (255, 255, 255)


class Portrait(NamedTuple):
    """A PNG, and what is seen on it"""

    png: bytes
    told: str


def portrait(name: str) -> Portrait:
    """Of the bundled checkpoint of that name; the same every time. Raises CheckpointError."""
    drawn, told = drawing(name)
    drawn().save(file := io.BytesIO(), "PNG")
    return Portrait(file.getvalue(), told)


def drawing(name: str) -> tuple[Callable[[], Image.Image], str]:
    """What draws it, and what that is"""
    nothing = "that it makes up where nothing is observed"
    if name in {record.name for record in hub.textures()}:
        return lambda: texture(name), "A piece of the texture, which it draws pixel by pixel, out of noise"
    kinds = {record.name: record.model for record in hub.signals()}
    if kinds.get(name) == "curve_transformer":
        told = (
            f"{POINTS} points of a random sextic, the curve that they imply, its 90 % band, {CURVES} that it could be"
        )
        return lambda: curves(name), told
    if kinds.get(name) == "shape_transformer":
        return lambda: shapes(name), f"Three chairs, each as the signed distances at {KNOWN} random places imply it"
    if kinds.get(name) == "clip_transformer":
        return lambda: clip(name), f"A clip {nothing}, every second frame"
    return lambda: pictures(name), f"Eight pictures {nothing}"


def pictures(name: str) -> Image.Image:
    from recon import sampling
    from recon.observation import Observation

    record = {found.name: found for found in hub.checkpoints()}[name]
    nothing = torch.zeros(1, record.channels, record.side, record.side)
    known = Observation(nothing, nothing[:, :1].bool())
    *_, drawn = sampling.stream(hub.load(name, "cpu"), known, SAMPLES, STEPS, 0)
    return row(drawn.values)


def texture(name: str) -> Image.Image:
    *_, drawn = hub.load_directed(name).generate(*TEXTURE, torch.Generator().manual_seed(0))
    return row(drawn[None])


def clip(name: str) -> Image.Image:
    from recon.clips import answer

    model = answer.load(name)
    *_, points = answer.imagined(model, torch.zeros(0, 3), torch.zeros(0), torch.Generator().manual_seed(0))
    return row(F.pad(answer.mean(model, *points)[::FRAMES, None], (0, 1), value=1.0))


def shapes(name: str) -> Image.Image:
    from recon.shapes import answer, chairs

    model, generator, seen = answer.load(name), torch.Generator().manual_seed(0), []
    for _ in range(SHAPES):
        places = 2 * torch.rand(KNOWN, 3, generator=generator) - 1
        values = chairs.draw(1, generator).distance(places[None])[0]
        seen.append(shaded(answer.field(model, places, values).shape))
    return row(torch.stack(seen)[:, None], 1)


def curves(name: str) -> Image.Image:
    from PIL import Image, ImageDraw

    from recon.curves import answer, sextics

    generator, queries = torch.Generator().manual_seed(0), torch.linspace(-1, 1, 200)
    where = 2 * torch.rand(POINTS, generator=generator) - 1
    values = sextics.values_at(sextics.draw(1, generator), where[None, :, None])[0]
    found = answer.answer(answer.load(name), where, values, queries, CURVES)
    low, high = found.band(0.9)
    wide, tall = (2 * side for side in CURVE_SIZE)  # drawn twice as large, for smooth lines
    bottom, top = min(low.min().item(), -1.0), max(high.max().item(), 1.0)

    def placed(x: Tensor, y: Tensor) -> list[tuple[float, float]]:
        down = 0.05 + 0.9 * (top - y) / (top - bottom)
        return list(zip((wide * (0.02 + 0.48 * (x + 1))).tolist(), (tall * down).tolist(), strict=True))

    pen = ImageDraw.Draw(picture := Image.new("RGB", (wide, tall), PAPER))
    pen.polygon([*placed(queries, low), *placed(queries, high)[::-1]], fill=BAND)
    for sample in found.samples:
        pen.line(placed(queries, sample), fill=PALE, width=2)
    pen.line(placed(queries, found.mean), fill=INK, width=5)
    for x, y in placed(where, values):
        pen.ellipse([x - 8, y - 8, x + 8, y + 8], fill=INK, outline=PAPER, width=2)
    return picture.resize(CURVE_SIZE, Image.Resampling.LANCZOS)


def row(values: Tensor, enlarged: int = ENLARGED) -> Image.Image:
    """Pictures (count, 1 or 3, height, width) in [0, 1], beside each other"""
    from PIL import Image

    levels = (values.clamp(0, 1) * 255).round().byte().permute(2, 0, 3, 1).flatten(1, 2).numpy()
    picture = Image.fromarray(levels[..., 0] if levels.shape[-1] == 1 else levels)
    size = picture.width * enlarged, picture.height * enlarged
    return picture.resize(size, Image.Resampling.NEAREST)


def shaded(field: Tensor) -> Tensor:
    """What is below zero in a field over a cube (across, depth, up), seen from in front, from one side and from above:
    grey levels (SHAPE_SIDE, SHAPE_SIDE), white beside it."""
    turn, tilt = torch.tensor(0.6), torch.tensor(0.35)
    forward = torch.stack([turn.sin() * tilt.cos(), turn.cos() * tilt.cos(), -tilt.sin()])
    right = torch.stack([turn.cos(), -turn.sin(), torch.zeros(())])
    up = torch.linalg.cross(right, forward)
    line, deep = (torch.linspace(-1.15, 1.15, count) for count in (SHAPE_SIDE, DEEP))
    rays = line.flip(0)[:, None, None, None] * up + line[None, :, None, None] * right + deep[:, None] * forward

    def at(places: Tensor) -> Tensor:
        inside = (places.abs() <= 1).all(-1)
        found = F.grid_sample(field[None, None], places.flip(-1)[None], padding_mode="border", align_corners=False)
        return torch.where(inside, found[0, 0], 1.0)

    hit = at(rays) < 0
    first = hit.byte().argmax(-1)
    seen = rays.gather(2, first[..., None, None].expand(-1, -1, 1, 3))
    steps = 0.04 * torch.eye(3)
    slope = torch.stack([(at(seen + step) - at(seen - step))[..., 0] for step in steps], -1)
    light = (F.normalize(slope, dim=-1) * F.normalize(torch.tensor(LIGHT), dim=0)).sum(-1)
    return torch.where(hit.any(-1), 0.55 + 0.35 * light, 1.0)
