"""Training on signals that are made as they are needed, and calibration."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import torch

from recon.chance import Chance
from recon.clips import kinds, patterns
from recon.curves import sextics
from recon.errors import RecipeError
from recon.models import SIGNALS
from recon.models.signal_model import SignalModel
from recon.points import Points
from recon.shapes import chairs
from recon.training import loop, parallel
from recon.training.recipe import Recipe

MOST = 20  # points on a curve, as in the paper, which begins at 4: a person begins at none
QUERIES = 20
MOST_IN_CUBE = 512  # points of a shape, from 4 on
QUERIES_IN_CUBE = 256
QUERIES_IN_CLIP = 192
VALIDATION = 2000  # signals that the calibration is measured on, fewer of shapes and clips
BAND = 0.9


def train(recipe: Recipe, runs: Path, device: str = "cpu") -> Iterator[loop.Progress | SignalModel]:
    """Follow a recipe: yields progress, and the model at the end, calibrated."""
    found = recipe.training
    if found is None:
        raise RecipeError(f"The recipe '{recipe.name}' does not fit its kind: a {recipe.kind} needs a [training] part.")
    torch.manual_seed(found.seed)  # only initial weights come from the global generator
    try:
        model = SIGNALS[recipe.kind](**recipe.model)
    except TypeError as error:
        raise RecipeError(f"The [model] part of '{recipe.name}' does not fit a {recipe.kind}: {error}.") from error
    batch = SOURCES[recipe.data.name]

    processes = parallel.here()

    def drawn(step: int) -> tuple[Points, Chance]:
        points = batch(found.batch, loop.seeded(found.seed, 2, step), False).part(processes.part(found.batch))
        return points.to(device), processes.chance(loop.seeded(found.seed, 3, step, device), found.batch)

    model.prepare(loop.seeded(found.seed, 5, 0))
    yield from loop.follow(model, drawn, found, runs / f"{recipe.name}.safetensors", device)
    model.to("cpu").calibrate(batch(VALIDATION, loop.seeded(found.seed, 4, 0), True), BAND)
    yield model


def of_sextics(count: int, generator: torch.Generator, validation: bool) -> Points:
    """Curves with up to MOST points each, or 4 to MOST to validate on; queries at uniform positions."""
    curves = sextics.draw(count, generator)
    sizes = torch.randint(4 if validation else 0, MOST + 1, (count,), generator=generator)
    queries = 2 * torch.rand(count, QUERIES, 1, generator=generator) - 1
    return sextics.observed(curves, sizes, queries, generator)


def of_chairs(count: int, generator: torch.Generator, validation: bool) -> Points:
    """Chairs with as many points each, log-uniformly few or many, or to validate on, fewer chairs with the most of
    them; all positions are uniform."""
    logs = torch.tensor([4.0, MOST_IN_CUBE]).log()
    size = (logs[0] + (logs[1] - logs[0]) * torch.rand((), generator=generator)).exp().round()
    count, most = (count // 20, MOST_IN_CUBE) if validation else (count, int(size))
    made = chairs.draw(count, generator)
    positions, queries = (
        2 * torch.rand(count, points, 3, generator=generator) - 1 for points in (most, QUERIES_IN_CUBE)
    )
    present = torch.ones(count, most, dtype=torch.bool)
    return Points(positions, made.distance(positions), present, queries, made.distance(queries))


def of_clips(count: int, generator: torch.Generator, validation: bool) -> Points:
    """Clips of all kinds, observed in one of the `patterns.WAYS`, with as many points each, log-uniformly few or many;
    or to validate on, fewer, scattered and with the most of them."""
    count = count // 10 if validation else count
    logs = torch.tensor([8.0, kinds.MOST]).log()
    sizes = (logs[0] + (logs[1] - logs[0]) * torch.rand(count, generator=generator)).exp().round().long()
    way = patterns.WAYS[int(torch.randint(0, len(patterns.WAYS), (), generator=generator))]
    if validation:
        positions = patterns.uniform(count, kinds.MOST, patterns.SCATTERED, generator)
    else:
        positions = patterns.uniform(count, int(sizes[0]), way, generator)
    queries = 2 * torch.rand(count, QUERIES_IN_CLIP, 3, generator=generator) - 1
    asked, points = torch.cat([positions, queries], 1), positions.shape[1]
    parts = torch.arange(count).tensor_split(len(kinds.KINDS))
    exact = [
        draw(len(part), generator).value(asked[part]) for draw, part in zip(kinds.KINDS.values(), parts, strict=True)
    ]
    values, truth = kinds.noisy(torch.cat(exact), generator).tensor_split([points], 1)
    return Points(positions, values, torch.ones_like(values, dtype=torch.bool), queries, truth)


SOURCES: dict[str, Callable[[int, torch.Generator, bool], Points]] = {
    "sextics": of_sextics,
    "chairs": of_chairs,
    "clips": of_clips,
}
