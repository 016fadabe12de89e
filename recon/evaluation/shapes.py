"""What a model of shapes reaches on chairs that no training saw: made by code, and real ones where they are at hand."""

from __future__ import annotations

import itertools
import os
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from recon.errors import PredictionError
from recon.models import ShapeTransformer
from recon.shapes import chairs, mesh
from recon.shapes.answer import SIDE, Field, field, imagined, load
from recon.shapes.field_basis import distances

SIZES = (32, 256)
SEED = 10**6  # no training draws from it
REAL = "chairs32.npz"
SAMPLES = 3
ABOUT = """Of each number of points at random positions: intersection over union and Chamfer distance (the cube's side
is 2) of the Vorob'ev mean, and mean error of a distance, for the model and for the Gaussian that it stands on; then the
share of the truth in 90 % bands, the overlap of two samples, and a sample's mean error at the known points."""
HEAD = "| chairs | points | IoU (Gaussian) | Chamfer (Gaussian) | error (Gaussian) | 90 % bands | samples alike | off |"


def made(count: int) -> Tensor:
    """Fields of chairs made by code, (count, SIDE, SIDE, SIDE)"""
    found = distances(chairs.draw(count, torch.Generator().manual_seed(SEED)), SIDE)
    return found.view(count, SIDE, SIDE, SIDE)


def real(count: int) -> Tensor | None:
    """The same of real ones, ModelNet's test split, or None where RECON_DATA has them not: voxels, their holes filled,
    signed distances by the distance transform, as large as made ones."""
    path = Path(os.environ.get("RECON_DATA", ""), REAL)
    if not path.is_file():
        return None
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
    return (at(found, places.expand(len(found), -1, -1)) + beyond).view(-1, SIDE, SIDE, SIDE)


def at(fields: Tensor, positions: Tensor) -> Tensor:
    """Of fields (count, side, side, side) at positions (count, n, 3), linear between cells: (count, n)"""
    places = positions.flip(-1)[:, None, None]
    found = F.grid_sample(fields[:, None], places, mode="bilinear", padding_mode="border", align_corners=False)
    return found[:, 0, 0, 0]


def measure(model: ShapeTransformer, truth: Tensor, size: int, seed: int) -> list[float]:
    """Of one field: overlap, Chamfer distance, error of the model, then of the Gaussian; coverage; samples' overlap and
    their error at the points"""
    generator = torch.Generator().manual_seed(seed)
    positions = 2 * torch.rand(size, 3, generator=generator) - 1
    values = at(truth[None], positions[None])[0]
    found = field(model, positions, values)
    present = torch.ones(1, size, dtype=torch.bool)
    plain = model.closed_form(positions[None], values[None], present, chairs.grid(SIDE)[None])
    scores = []
    for one in (found, Field(*(part[0].view_as(truth) for part in plain))):
        scores += [mesh.overlap(one.shape, truth), far(one.shape, truth), (one.mean - truth).abs().mean().item()]
    held = ((found.mean - truth).abs() <= 1.645 * found.deviation).double().mean().item()
    drawn = imagined(model, positions, values, found, SAMPLES, generator)
    alike = np.mean([mesh.overlap(a, b) for a, b in itertools.combinations(drawn, 2)]).item()
    off = (at(drawn, positions.expand(SAMPLES, -1, -1)) - values).abs().mean().item()
    return [*scores, held, alike, off]


def far(a: Tensor, b: Tensor) -> float:
    """Chamfer distance, or nan where one of them has no surface"""
    try:
        return mesh.chamfer(mesh.surface(a), mesh.surface(b))
    except PredictionError:
        return float("nan")


def table(name: str, limit: int) -> str:
    """Markdown: the checkpoint `name` on made chairs and, with RECON_DATA, on real ones."""
    model = load(name)
    lines, sets = [HEAD, "| --- |" + " --- |" * 7], {"made": made(limit), "real": real(limit)}
    for title, fields in sets.items():
        if fields is None:
            continue
        for size in SIZES:
            scores = [measure(model, truth, size, SEED + k) for k, truth in enumerate(fields)]
            o, c, e, o2, c2, e2, held, alike, off = np.nanmean(scores, 0)
            lines.append(
                f"| {len(fields)} {title} | {size} | {o:.3f} ({o2:.3f}) | {c:.4f} ({c2:.4f}) | {e:.4f} ({e2:.4f}) "
                f"| {held:.1%} | {alike:.3f} | {off:.4f} |"
            )
    return "\n".join(lines)
