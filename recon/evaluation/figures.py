"""Figures of PixelTransformer (Tulsiani & Gupta 2021), remade: what models say of a few values, as pictures.

Nothing in them is from an image set: curves, chairs, clips and digits are made by code, and none was learned from.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from recon import hub, images, patches, sampling
from recon.clips import answer as of_clips
from recon.clips import patterns
from recon.curves import sextics
from recon.curves.answer import answer, usual
from recon.curves.answer import load as load_curves
from recon.curves.gaussian_process import GaussianProcess
from recon.errors import PredictionError, ReconError
from recon.evaluation import clips as clips_table
from recon.evaluation import curves as curves_table
from recon.evaluation import shapes as shapes_table
from recon.evaluation.shading import WHOLE, pixels, seen, shade
from recon.evaluation.shapes import Shape
from recon.evaluation.sheet import GAP, HAIR, HEAD, INK, QUIET, Axes, Column, Row, Sheet, beside, headed, shown, table
from recon.models import CurveTransformer, ShapeTransformer
from recon.observation import Observation
from recon.points import Points
from recon.prediction import Predictor
from recon.shapes import answer as of_shapes
from recon.shapes import mesh
from recon.ui.pictures import EXAMPLES, face

SEED = 10**6  # no training draws from it
MEASURED = {"curves": 500, "clips": 20}  # in docs/results.md; with another number, they would be others
SAMPLES = 2

POINTS = (4, 6, 10, 20)
QUERIES = 201
CURVES = 3  # that a panel shows as samples
PANEL, TICKS = (182, 118), {-1.0: "-1", 0.0: "0", 1.0: "1"}
TOP = 1.9  # of the values that a panel shows, either way
MEAN, WIDE, NARROW, SAMPLE = "#2743c0", "#2743c026", "#2743c03c", "#d9730d"

CHAIRS = 3
DISTANCES = (32, 256)
CHAIR, CUBE = 138, 276  # a picture's side in points, and in pixels
SURFACE, TRUE, INSIDE, OUTSIDE = (128, 146, 224), (176, 180, 190), "#2743c0", "#e8590c"

CLIPS = {"moving": "things that move", "beach": "waves on a beach"}
VALUES = (32, 128, 512)
FRAMES = (0, 3, 6, 9, 12, 15)

DIGITS = ("three", "five")
SIZES = (4, 8, 16, 32, 64, 128, 256)
GROUPS = 32

FACE, GLANCED, CUBES = (16, 64, 256), (4, 6, 10), (32, 128, 256)


def curves() -> Image.Image:
    """Figure 9: the first sextic of those that the table measures, from more and more points."""
    models: dict[str, CurveTransformer | GaussianProcess] = {
        "PixelTransformer as in the paper (curves-paper)": load_curves("curves-paper"),
        "PixelTransformer that stands on the sextics' own covariance (curves)": load_curves("curves"),
        "Gaussian process, RBF kernel fitted to sextics": usual(),
    }
    known = sextic()
    width, height = PANEL
    left, across, down = 20, width + 18, height + HEAD + 22
    sheet = Sheet(left + len(POINTS) * across - 8, HEAD + len(models) * down + 20)
    for row, (title, model) in enumerate(models.items()):
        y = HEAD + row * down + HEAD
        sheet.words(0, y - HEAD / 2, title, 13)
        for column, count in enumerate(POINTS):
            x = left + column * across
            if row == 0:
                sheet.words(x + width / 2, HEAD / 2 - 2, f"{count} points", 12, "mm", QUIET)
            axes = Axes(sheet, (x, y), PANEL, (-1, 1), (-TOP, TOP))
            axes.ticks(TICKS, TICKS, column == 0)
            panel(axes, model, known, count)
    legend(sheet, left, HEAD + len(models) * down + 10)
    return sheet.done()


def sextic() -> Points:
    """The curve, as many points of it as any panel knows, and its values at QUERIES places"""
    truth = sextics.draw(MEASURED["curves"], torch.Generator().manual_seed(curves_table.SEED))[:1]
    where, generator = torch.linspace(-1, 1, QUERIES)[None, :, None], torch.Generator().manual_seed(SEED)
    return sextics.observed(truth, torch.tensor([max(POINTS)]), where, generator)


def panel(axes: Axes, model: CurveTransformer | GaussianProcess, known: Points, count: int) -> None:
    """What a model says of the first `count` points, and the truth"""
    where, places, values = known.queries[0, :, 0], known.positions[0, :count, 0], known.values[0, :count]
    found = answer(model, places, values, where, CURVES, SEED)

    def at(values: Tensor) -> np.ndarray:
        return axes.at(where.numpy(), values.numpy())

    for share, colour in ((0.9, WIDE), (0.5, NARROW)):
        low, high = found.band(share)
        axes.sheet.band(at(low), at(high), colour)
    for curve in found.samples:
        axes.sheet.line(at(curve), SAMPLE, 0.8)
    axes.sheet.line(at(found.mean), MEAN, 1.8)
    axes.sheet.line(at(known.truth[0]), INK, 1.5, dash=4)
    for x, y in axes.at(places.numpy(), values.numpy()):
        axes.sheet.dot(x, y, 3.2, INK)


def legend(sheet: Sheet, x: float, y: float) -> None:
    """Of a panel's lines, in a row"""
    ends = np.array([[x, y], [x + 24, y]])
    for title, colour, thick, dash in (
        ("truth", INK, 1.5, 4.0),
        ("mean", MEAN, 1.8, 0.0),
        ("samples", SAMPLE, 0.9, 0.0),
    ):
        sheet.line(ends, colour, thick, dash)
        sheet.words(ends[1, 0] + 7, y, title, 12)
        ends = ends + np.array([110, 0])
    for half, colour in ((7, WIDE), (3.5, NARROW)):
        sheet.band(ends - np.array([0, half]), ends + np.array([0, half]), colour)
    sheet.words(ends[1, 0] + 7, y, "50 and 90 % of each value", 12)
    sheet.dot(ends[1, 0] + 186, y, 3.2, INK)
    sheet.words(ends[1, 0] + 196, y, "known", 12)


def chairs() -> Image.Image:
    """Figure 8: the first chairs of those that the table measures, from few signed distances and from more."""
    model, made = of_shapes.load("chairs"), shapes_table.made(CHAIRS)
    blocks: list[tuple[str, list[Row]]] = []
    for k in range(CHAIRS):
        generator = torch.Generator().manual_seed(SEED + k)
        blocks.append(("", chair(model, made[k], DISTANCES, generator)))
    return table(blocks, ["observed", "mean", "sample", "another sample", "truth"], CHAIR)


def chair(model: ShapeTransformer, made: Shape, sizes: Sequence[int], generator: torch.Generator) -> list[Row]:
    """For each number of distances: these, the mean, samples, and the truth. Fewer are the first of many."""
    positions = 2 * torch.rand(max(DISTANCES), 3, generator=generator) - 1
    values, truth = made.distance(positions), solid(made.field, TRUE)
    rows: list[Row] = []
    for count in sizes:
        known = positions[:count], values[:count]
        drawn = [[*of_shapes.imagined(model, *known, generator)][-1] for _ in range(SAMPLES)]
        fields = [of_shapes.field(model, *points).shape for points in (known, *drawn)]
        rows.append((f"{count} distances", [cube(*known), *(solid(one, SURFACE) for one in fields), truth]))
    return rows


def solid(field: Tensor, colour: tuple[int, int, int]) -> Image.Image:
    """A field's surface, or nothing where it has none"""
    try:
        return Image.fromarray(shade(mesh.surface(field), CUBE, colour))
    except PredictionError:
        return Image.new("RGB", (CUBE, CUBE), "white")


def cube(positions: Tensor, values: Tensor) -> Image.Image:
    """Known distances in the cube: where, whether inside or outside, and the larger the nearer to the surface"""
    side = CUBE / 2  # on a sheet, which has two pixels a point
    sheet = Sheet(side, side, 0)
    corners = np.array([[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)])
    for a in range(8):
        for b in range(a):
            if np.abs(corners[a] - corners[b]).sum() == 2:  # an edge
                sheet.line(pixels(seen(corners[[a, b]]), side, WHOLE), HAIR, 0.75)
    for (x, y), value in zip(pixels(seen(positions.numpy()), side, WHOLE), values.tolist(), strict=True):
        radius = 1.3 + 1.5 * max(0.0, 1 - abs(value) / 0.3)
        sheet.dot(x, y, radius, INSIDE if value < 0 else OUTSIDE)
    return sheet.done()


def clips() -> Image.Image:
    """Figure 10: the first clip of two kinds that the table measures, from few grey levels and from more."""
    model = of_clips.load("clips")
    halves = list[Image.Image]()
    for kind, title in CLIPS.items():
        first = not halves
        truth = clips_table.made(kind, MEASURED["clips"])[0]
        blocks: list[tuple[str, list[Row]]] = [(title, [("truth" * first, frames(truth))])]
        for count in VALUES:
            chosen = patterns.on_grid(patterns.SCATTERED, count, SEED)
            mask = torch.zeros_like(truth, dtype=torch.bool)
            mask[chosen.unbind(-1)] = True
            known = patterns.positions(chosen), truth[chosen.unbind(-1)]
            generator = torch.Generator().manual_seed(SEED)
            drawn = [[*of_clips.imagined(model, *known, generator)][-1] for _ in range(SAMPLES)]
            films = [of_clips.mean(model, *points) for points in (known, *drawn)]
            pictures = [frames(truth, mask), *(frames(film) for film in films)]
            labels = ("observed", "mean", "sample", "another") if first else ("",) * 4
            blocks.append((f"{count} of {truth.numel()} values", [*zip(labels, pictures, strict=True)]))
        numbers = [f"frame {FRAMES[0] + 1}", *(f"{k + 1}" for k in FRAMES[1:])]
        halves.append(table(blocks, numbers, 60, 70 if first else 0))
    return beside(halves)


def frames(film: Tensor, mask: Tensor | None = None) -> list[Image.Image]:
    """Some of a film's (frames, side, side); of a mask, too, what is known"""
    return [shown(film[k, None], None if mask is None else mask[k, None]) for k in FRAMES]


def digits() -> Image.Image:
    """Figures 3 and 4: digits drawn by code, mean and samples of PixelTransformer from more and more pixels."""
    model = hub.load("pixel-transformer-mnist", "cpu")
    labels = ("observed", "mean", "sample", "another sample")
    blocks: list[tuple[str, list[Row]]] = []
    for name in DIGITS:
        truth = images.to_tensor(images.fit(EXAMPLES[name][1]().convert("L"), model.side))[None]
        columns: list[Column] = [reconstructed(model, truth, size, SAMPLES) for size in SIZES]
        columns.append([shown(truth[0]), None, None, None])
        blocks.append((f"A {name}", [*zip(labels, zip(*columns, strict=True), strict=True)]))
    return table(blocks, [*(f"{size} pixels" for size in SIZES), "truth"], 80)


def reconstructed(model: Predictor, truth: Tensor, size: int, samples: int) -> Column:
    """Of a picture (1, channels, side, side): what a Sobol' patch shows, the mean, and joint samples"""
    mask = torch.from_numpy(patches.sobol(truth.shape[-1], size))[None, None]
    known = Observation(truth * mask, mask)
    drawn = sampling.sample(model, known, samples, GROUPS, seed=0)
    return [shown(truth[0], mask[0]), *(shown(one) for one in (model.predict(known).mean[0], *drawn))]


def glance() -> Image.Image:
    """For the README: a face, a curve and a chair from few values and from more, three parts of one height"""
    side, step = 64, 64 + GAP
    of_faces, truth = hub.load("pixel-transformer-celeba", "cpu"), images.to_tensor(images.fit(face(), 32))[None]
    columns: list[Column] = [reconstructed(of_faces, truth, size, 1) for size in FACE]
    columns.append([shown(truth[0]), None, None])
    rows: list[Row] = [*zip(("observed", "mean", "sample"), zip(*columns, strict=True), strict=True)]
    faces = table([("", rows)], [*map(str, FACE), "truth"], side, 56)

    curve = Sheet(204, HEAD + 3 * step - GAP)
    for row, count in enumerate(GLANCED):
        curve.words(0, HEAD + row * step + side / 2, str(count), 12, "lm", QUIET)
        axes = Axes(curve, (24, HEAD + row * step), (180, side), (-1, 1), (-TOP, TOP))
        axes.ticks(dict.fromkeys(TICKS, ""), dict.fromkeys(TICKS, ""))
        panel(axes, load_curves("curves"), sextic(), count)

    generator = torch.Generator().manual_seed(SEED)
    found = chair(of_shapes.load("chairs"), shapes_table.made(1)[0], CUBES, generator)
    rows = [(words.split()[0], [*pictures[:3], pictures[-1]]) for words, pictures in found]
    solids = table([("", rows)], ["observed", "mean", "sample", "truth"], side, 30)
    titles = "Pixels of a face, of 1024", "Points of a curve", "Distances to a chair's surface"
    return beside([headed(*part) for part in zip(titles, (faces, curve.done(), solids), strict=True)])


FIGURES: dict[str, Callable[[], Image.Image]] = {
    "curves": curves,
    "chairs": chairs,
    "clips": clips,
    "digits": digits,
    "glance": glance,
}
COLOURFUL = ("glance",)  # it loses something in 256 colours


def asked_for(names: Sequence[str]) -> Sequence[str]:
    """Those of FIGURES that are asked for, all if none is; a ReconError for what is none."""
    for name in names:
        if name not in FIGURES:
            raise ReconError(f"There is no figure {name!r}; there are {', '.join(FIGURES)}.")
    return names or [*FIGURES]
