"""What a model of shapes reaches on chairs that no training saw: made by code, and real ones where they are at hand."""

from __future__ import annotations

import itertools
import math
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from recon.errors import PredictionError
from recon.models import ShapeTransformer
from recon.models.signal_transformer import Values
from recon.shapes import chairs, mesh
from recon.shapes.answer import SIDE, Field, field, imagined, load
from recon.shapes.field_basis import distances

SIZES = (32, 256)
SEED = 10**6  # no training draws from it
REAL = "chairs32.npz"
SAMPLES = 2
ABOUT = """Of each number of points at random positions: intersection over union and Chamfer distance (the cube's side
is 2) of the Vorob'ev mean, and mean error of a distance, for the model and for the process that it stands on; then the
share of the truth in 90 % bands, the overlap of two samples, and a sample's mean error at the known points."""
HEAD = "| chairs | points | IoU (process) | Chamfer (process) | error (process) | 90 % bands | samples alike | off |"


@dataclass(frozen=True)
class Shape:
    """A field (SIDE, SIDE, SIDE), and the chair that it is of where one is known exactly"""

    field: Tensor
    chair: chairs.Chairs | None = None

    def distance(self, positions: Tensor) -> Tensor:
        """At positions (n, 3): exact, or linear between the field's cells"""
        if self.chair is None:
            return at(self.field[None], positions[None])[0]
        return self.chair.distance(positions[None])[0]


def made(count: int) -> list[Shape]:
    """Chairs made by code"""
    found = chairs.draw(count, torch.Generator().manual_seed(SEED))
    fields = distances(found, SIDE).view(count, SIDE, SIDE, SIDE)
    return [Shape(field, found.part(k, k + 1)) for k, field in enumerate(fields)]


def real(count: int) -> list[Shape]:
    """Real ones, ModelNet's test split, none where RECON_DATA has them not: voxels, their holes filled, signed
    distances by the distance transform, as large as made ones; between voxels linear."""
    path = Path(os.environ.get("RECON_DATA", ""), REAL)
    if not path.is_file():
        return []
    from scipy import ndimage

    with np.load(path) as packed:
        voxels = [ndimage.binary_fill_holes(one) for one in packed["test"][:count]]
    cell = 2 / SIDE * chairs.ROOM
    fields = [
        # from middle to middle of cells; the surface is half a cell before the first one on the other side
        (ndimage.distance_transform_edt(~one) - ndimage.distance_transform_edt(one) - np.where(one, -0.5, 0.5)) * cell
        for one in voxels
    ]
    # smaller, so that they fill the cube as made ones do; beyond the border distances go on
    found = torch.from_numpy(np.stack(fields).astype(np.float32))
    places = chairs.grid(SIDE) / chairs.ROOM
    beyond = (places - places.clamp(-1, 1)).norm(dim=-1) * chairs.ROOM
    whole = (at(found, places.expand(len(found), -1, -1)) + beyond).view(-1, SIDE, SIDE, SIDE)
    return [Shape(one) for one in whole]


def at(fields: Tensor, positions: Tensor) -> Tensor:
    """Of fields (count, side, side, side) at positions (count, n, 3), linear between cells: (count, n)"""
    places = positions.flip(-1)[:, None, None]
    found = F.grid_sample(fields[:, None], places, mode="bilinear", padding_mode="border", align_corners=False)
    return found[:, 0, 0, 0]


@torch.no_grad()
def measure(model: ShapeTransformer, shape: Shape, size: int, seed: int) -> list[float]:
    """Of one shape: overlap, Chamfer distance, error of the model, then of the process, nan where it stands on none;
    coverage; samples' overlap and their error at the points"""
    generator = torch.Generator().manual_seed(seed)
    positions = 2 * torch.rand(size, 3, generator=generator) - 1
    values, truth = shape.distance(positions), shape.field
    found = field(model, positions, values)
    scores = []
    for one in (found, stood_on(model, positions, values)):
        if one is None:
            scores += [float("nan")] * 3
            continue
        scores += [mesh.overlap(one.shape, truth), far(one.shape, truth), (one.mean - truth).abs().mean().item()]
    known = [[*imagined(model, positions, values, generator)][-1] for _ in range(SAMPLES)]
    samples = [field(model, *points).shape for points in known]
    alike = np.mean([mesh.overlap(a, b) for a, b in itertools.combinations(samples, 2)]).item()
    off = np.mean([(at_points(model, points, positions) - values).abs().mean().item() for points in known]).item()
    return [*scores, found.held(truth), alike, off]


def stood_on(model: ShapeTransformer, positions: Tensor, values: Tensor) -> Field | None:
    """What the process says alone that the model stands on, if it does"""
    if not model.stands:
        return None
    present = torch.ones(1, len(values), dtype=torch.bool)
    mean, deviation = model.closed_form(positions[None], values[None], present, chairs.grid(SIDE)[None])
    return Field(Values(mean.new_zeros(*mean.shape, 1), mean[..., None, None], deviation[..., None].log()))


def at_points(model: ShapeTransformer, known: tuple[Tensor, Tensor], positions: Tensor) -> Tensor:
    """The mean at positions (n, 3), given points"""
    present = torch.ones_like(known[1], dtype=torch.bool)[None]
    return model.law(known[0][None], known[1][None], present, positions[None]).mean[0, :, 0]


def far(a: Tensor, b: Tensor) -> float:
    """Chamfer distance, or nan where one of them has no surface"""
    try:
        return mesh.chamfer(mesh.surface(a), mesh.surface(b))
    except PredictionError:
        return float("nan")


def both(own: float, process: float, digits: int) -> str:
    """The model's number, and the process's where it stands on one"""
    return f"{own:.{digits}f}" + ("" if math.isnan(process) else f" ({process:.{digits}f})")


def table(name: str, limit: int) -> str:
    """Markdown: the checkpoint `name` on made chairs and, with RECON_DATA, on real ones."""
    model = load(name)
    lines, sets = [HEAD, "| --- |" + " --- |" * 7], {"made": made(limit), "real": real(limit)}
    for title, shapes in sets.items():
        if not shapes:
            continue
        for size in SIZES:
            scores = [measure(model, one, size, SEED + k) for k, one in enumerate(shapes)]
            o, c, e, o2, c2, e2, held, alike, off = torch.tensor(scores).nanmean(0).tolist()
            pairs = f"{both(o, o2, 3)} | {both(c, c2, 4)} | {both(e, e2, 4)}"
            lines.append(f"| {len(shapes)} {title} | {size} | {pairs} | {held:.1%} | {alike:.3f} | {off:.4f} |")
    return "\n".join(lines)
