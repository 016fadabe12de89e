"""Training on signals that are made as they are needed, and calibration."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import torch

from recon.curves import sextics
from recon.errors import RecipeError
from recon.models import SIGNALS, CurveTransformer
from recon.models.signal_model import Points
from recon.training import loop
from recon.training.recipe import Recipe

MOST = 20  # points on a curve, as in the paper, which begins at 4: a person begins at none
QUERIES = 20
VALIDATION = 2000  # curves that the calibration is measured on
BAND = 0.9


def train(recipe: Recipe, runs: Path, device: str = "cpu") -> Iterator[loop.Progress | CurveTransformer]:
    """Follow a recipe: yields progress, and the model at the end, calibrated."""
    found = recipe.training
    if found is None:
        raise RecipeError(f"The recipe '{recipe.name}' does not fit its kind: a {recipe.kind} needs a [training] part.")
    torch.manual_seed(found.seed)  # only initial weights come from the global generator
    try:
        model = SIGNALS[recipe.kind](**recipe.model)
    except TypeError as error:
        raise RecipeError(f"The [model] part of '{recipe.name}' does not fit a {recipe.kind}: {error}.") from error

    def drawn(step: int) -> tuple[Points, torch.Generator]:
        generator = loop.seeded(found.seed, 2, step)
        return batch(found.batch, generator).to(device), loop.seeded(found.seed, 3, step, device)

    yield from loop.follow(model, drawn, found, runs / f"{recipe.name}.safetensors", device)
    model.to("cpu").calibrate(batch(VALIDATION, loop.seeded(found.seed, 4, 0), fewest=4), BAND)
    yield model


def batch(count: int, generator: torch.Generator, fewest: int = 0) -> Points:
    """Curves with `fewest` to MOST points each, and QUERIES queries at uniform positions."""
    curves = sextics.draw(count, generator)
    sizes = torch.randint(fewest, MOST + 1, (count,), generator=generator)
    queries = 2 * torch.rand(count, QUERIES, 1, generator=generator) - 1
    return sextics.observed(curves, sizes, queries, generator)
