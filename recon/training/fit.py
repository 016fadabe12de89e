"""From a recipe to a checkpoint folder."""

from __future__ import annotations

import inspect
import json
from collections.abc import Iterator
from pathlib import Path

import torch
from safetensors import SafetensorError
from torch import Tensor

from recon import data, hub, transfer
from recon.chance import first_weights
from recon.errors import RecipeError
from recon.models import KINDS, SIGNALS, SignalModel
from recon.models.base import Model, Network
from recon.training import loop, masks, signals
from recon.training.recipe import Recipe
from recon.transfer import CONFIG, read_config


def train(
    recipe: Recipe, runs: Path, device: str = "cpu", save_every: float = loop.SAVE_EVERY
) -> Iterator[loop.Progress | Model | SignalModel]:
    """Follow a recipe: yields progress, and the model at the end. An interrupted run in `runs`, where it is saved every
    so many seconds, is gone on with."""
    if recipe.kind in SIGNALS:
        yield from signals.train(recipe, runs, device, save_every)
        return
    kind = KINDS[recipe.kind]
    if issubclass(kind, Network) != (recipe.training is not None):
        need = "needs a [training] part" if issubclass(kind, Network) else "has nothing to train: leave out [training]"
        raise RecipeError(f"The recipe '{recipe.name}' does not fit its kind: a {recipe.kind} {need}.")
    make = kind.__init__ if issubclass(kind, Network) else kind.fit
    try:
        inspect.signature(make).bind(None, **recipe.model)
    except TypeError as error:
        raise RecipeError(f"The [model] part of '{recipe.name}' does not fit a {recipe.kind}: {error}.") from error
    images = data.load(recipe.data.name, "train")
    if not issubclass(kind, Network):
        said = dict(recipe.model)
        if "coarse" in said:  # an image set, by its name
            said["coarse"] = batches(data.load(said["coarse"], "train"), "cpu")
        model = kind.fit(batches(images, "cpu"), **said)  # minutes there, and the same numbers wherever it is done
        calibrate(model, recipe, "cpu", 0)
        yield model
    elif recipe.training is not None:
        with first_weights(recipe.training.seed):
            network = kind(**recipe.model)
        for start in recipe.training.start.split():
            try:
                network.start_from(hub.load(start, "cpu"))
            except (RuntimeError, AttributeError) as error:
                told = f"'{recipe.name}' cannot start from '{start}', a model of another shape."
                raise RecipeError(told) from error
        if not recipe.training.start:
            network.prepare(batches(images, device))
        yield from loop.run(network, images, recipe.training, runs / f"{recipe.name}.safetensors", device, save_every)
        calibrate(network, recipe, device, recipe.training.seed)
        yield network.to("cpu")


def calibrate(model: Model, recipe: Recipe, device: str, seed: int) -> None:
    """On validation pictures, which are read when they are asked for"""

    def held_out() -> Iterator[Tensor]:
        yield from batches(data.load(recipe.data.name, "valid", limit=model.calibrated_by), device)

    model.calibrate(held_out(), masks.orders(model.calibrated_by, model.side, torch.Generator().manual_seed(seed)))


def batches(images: Tensor, device: str) -> Iterator[Tensor]:
    """Of uint8 (count, channels, side, side), as float in [0, 1]"""
    return (part.to(device).float() / 255 for part in images.split(2000))


def write(model: Model | SignalModel, recipe: Recipe, folder: Path, trained: str) -> None:
    """The checkpoint folder: weights, and a configuration with the record that `recon.checkpoints` reads. RecipeError
    where it cannot be written."""
    for tensor in [*model.parameters(), *model.buffers()]:
        tensor.data = tensor.data.contiguous()
    try:
        with transfer.replaced(folder) as unfinished:
            model.save_pretrained(unfinished)
            complete(unfinished / CONFIG, model, recipe, trained)
    except (OSError, SafetensorError) as error:
        raise RecipeError(f"'{folder.name}' cannot be written ({transfer.first_line(error)}).") from error


def complete(path: Path, model: Model | SignalModel, recipe: Recipe, trained: str) -> None:
    """Add the record to a configuration."""
    config = json.loads(path.read_text())
    config["checkpoint"] = {
        "kind": recipe.kind,
        "title": recipe.title,
        "summary": recipe.summary,
        "data": recipe.data.title,
        "data_set": recipe.data.name,
        "licence": licence(recipe),
        "paper": recipe.paper,
        "parameters": sum(t.numel() for t in model.state_dict().values()),
        "order": recipe.order,
        "binary": getattr(model, "binary", False),
        "trained": trained,
        "patch": recipe.training.patch if recipe.training else "any",
    }
    if isinstance(model, SignalModel):
        config["checkpoint"] |= {"side": 0, "channels": 1}  # of no pictures
    path.write_text(json.dumps(config, indent=2) + "\n")


def licence(recipe: Recipe) -> str:
    """What the terms of the image sets leave of our own: those of the set it saw, and of what it started from."""
    terms = recipe.data.terms
    if "non-commercial" in terms:
        return f"weights: {terms} ({recipe.data.title}'s terms)"
    for start in recipe.training.start.split() if recipe.training else ():
        before = read_config(hub.resolve(start))["checkpoint"]["licence"]
        if "non-commercial" in before:
            return f"{before}, which it started from"
    return f"weights: Apache-2.0 as far as ours; data terms: {terms}"
