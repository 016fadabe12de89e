"""Training on signals that are made as they are needed, and calibration."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import torch
from torch import Tensor

from recon.chance import Chance, first_weights
from recon.clips import kinds, patterns
from recon.curves import sextics
from recon.errors import RecipeError
from recon.models import SIGNALS
from recon.models.signal_model import SignalModel
from recon.points import Points
from recon.shapes import chairs
from recon.training import loop, parallel
from recon.training.recipe import Recipe

FEWEST = 4  # points of a curve to validate on
QUERIES = 256  # of a signal to validate on, at most
VALIDATION = 2000  # signals that the calibration is measured on, fewer of shapes and clips
BAND = 0.9


def train(
    recipe: Recipe, runs: Path, device: str = "cpu", save_every: float = loop.SAVE_EVERY
) -> Iterator[loop.Progress | SignalModel]:
    """Follow a recipe: yields progress, and the model at the end, calibrated."""
    found = recipe.training
    if found is None:
        raise RecipeError(f"The recipe '{recipe.name}' does not fit its kind: a {recipe.kind} needs a [training] part.")
    try:
        with first_weights(found.seed):
            model = SIGNALS[recipe.kind](**recipe.model)
    except TypeError as error:
        raise RecipeError(f"The [model] part of '{recipe.name}' does not fit a {recipe.kind}: {error}.") from error
    source, lot = SOURCES[recipe.data.name], (model.fewest, model.most, model.queries)

    processes = parallel.here()

    def drawn(step: int) -> tuple[Points, Chance]:
        points = source(found.batch, lot, loop.seeded(found.seed, 2, step), False).part(processes.part(found.batch))
        return points.to(device), processes.chance(loop.seeded(found.seed, 3, step, device), found.batch)

    model.prepare(loop.seeded(found.seed, 5, 0))
    yield from loop.follow(model, drawn, found, runs / f"{recipe.name}.safetensors", device, save_every)
    lot = (model.fewest, model.most, min(model.queries, QUERIES))
    model.to("cpu").calibrate(source(VALIDATION, lot, loop.seeded(found.seed, 4, 0), True), BAND)
    yield model


Lot = tuple[int, int, int]  # fewest and most points of a signal, and queries


def of_sextics(count: int, lot: Lot, generator: torch.Generator, validation: bool) -> Points:
    """Curves with as many points each, to validate on at least 4; queries at uniform positions."""
    fewest, most, asked = lot
    curves = sextics.draw(count, generator)
    fewest = min(max(fewest, FEWEST), most) if validation else fewest
    sizes = torch.randint(fewest, most + 1, (count,), generator=generator)
    queries = 2 * torch.rand(count, asked, 1, generator=generator) - 1
    return sextics.observed(curves, sizes, queries, generator)


def of_chairs(count: int, lot: Lot, generator: torch.Generator, validation: bool) -> Points:
    """Chairs with as many points each, log-uniformly few or many, or to validate on, fewer chairs with the most of
    them; all positions are uniform."""
    fewest, most, asked = lot
    size = int(log_uniform(fewest, most, (), generator))
    count, size = (count // 20, most) if validation else (count, size)
    made = chairs.draw(count, generator)
    positions, queries = (2 * torch.rand(count, points, 3, generator=generator) - 1 for points in (size, asked))
    present = torch.ones(count, size, dtype=torch.bool)
    return Points(positions, made.distance(positions), present, queries, made.distance(queries))


def of_clips(count: int, lot: Lot, generator: torch.Generator, validation: bool) -> Points:
    """Clips of all kinds, observed in one of the `patterns.WAYS`, with as many points each, log-uniformly few or many;
    or to validate on, fewer, scattered and with the most of them."""
    fewest, most, many = lot
    count = count // 10 if validation else count
    sizes = log_uniform(fewest, most, (count,), generator)
    way = patterns.WAYS[int(torch.randint(0, len(patterns.WAYS), (), generator=generator))]
    if validation:
        positions = patterns.uniform(count, most, patterns.SCATTERED, generator)
    else:
        positions = patterns.uniform(count, int(sizes[0]), way, generator)
    queries = 2 * torch.rand(count, many, 3, generator=generator) - 1
    asked, points = torch.cat([positions, queries], 1), positions.shape[1]
    parts = torch.arange(count).tensor_split(len(kinds.KINDS))
    exact = [
        draw(len(part), generator).value(asked[part]) for draw, part in zip(kinds.KINDS.values(), parts, strict=True)
    ]
    values, truth = kinds.noisy(torch.cat(exact), generator).tensor_split([points], 1)
    return Points(positions, values, torch.ones_like(values, dtype=torch.bool), queries, truth)


def log_uniform(fewest: int, most: int, shape: tuple[int, ...], generator: torch.Generator) -> Tensor:
    """Whole numbers, int64"""
    logs = torch.tensor([float(fewest), float(most)]).log()
    return (logs[0] + (logs[1] - logs[0]) * torch.rand(shape, generator=generator)).exp().round().long()


SOURCES: dict[str, Callable[[int, Lot, torch.Generator, bool], Points]] = {
    "sextics": of_sextics,
    "chairs": of_chairs,
    "clips": of_clips,
}
