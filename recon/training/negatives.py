"""Training the classifiers that tell pictures from their negatives, see `recon.negatives`."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from recon import data, hub
from recon.chance import first_weights
from recon.errors import RecipeError
from recon.models import ScaleMixture
from recon.models.factored import Factored
from recon.negatives import NegativeClassifier, read
from recon.training import loop
from recon.training.masks import any_patch, thinned
from recon.training.recipe import Training

LEAST, MOST = 8, 256  # pixels that are looked at, as in `recon.familiarity`
PATCHES = 4  # of a batch: several are a better average over sizes than one, and each costs a factorisation
SHIFT = 3  # pixels at most, either way, that pictures are moved by
STEPS = Training(steps=18000, batch=96, rate=2e-3, warm_up=100, decay=True, ema=0.998, clip=1.0, mirror=True)
# Objects' and grey faces' were first trained by STEPS (grey faces for 10,000 steps), and are gone on with, objects'
# twice (with seed 1 and then 2): `start` does nothing where there is none. Landscapes are few, and start from the
# objects'. Of sets that are not here a Gaussian tells the negatives well.
RECIPES = {
    "cifar10": replace(STEPS, steps=28000, rate=1.5e-3, seed=2, start="cifar10"),
    "fer2013": replace(STEPS, steps=14000, rate=1.5e-3, seed=1, start="fer2013"),
    "landscapes": replace(STEPS, steps=2500, rate=1e-3, start="cifar10"),
}


class Contrast(nn.Module):
    """What training lowers, as `recon.training.loop` asks for it."""

    def __init__(self, classifier: NegativeClassifier, base: ScaleMixture):
        super().__init__()
        self.classifier, self.base, self.side = classifier, base, base.side

    def objective(self, batch: Tensor, masks: Tensor, generator: torch.Generator) -> Tensor:
        """Mean cross-entropy of picture against negative, in nats; pictures (batch, channels, side, side) in [0, 1],
        masks bool (batch, 1, side, side)."""
        found, batch = [], moved(batch, generator)
        for mask in masks.unique(dim=0):
            which = (masks == mask).flatten(1).all(1)
            factored = Factored(self.base.covariance(), self.base.channels, thinned(mask[0], MOST))
            found.append(self.classifier.log_odds(self.base, factored, batch[which], mirrored=False))
        return F.softplus(-torch.cat(found)).mean()


def moved(batch: Tensor, generator: torch.Generator) -> Tensor:
    """Pictures, all moved alike by up to SHIFT pixels; what comes in at an edge mirrors what is there."""
    down, right = torch.randint(2 * SHIFT + 1, (2,), generator=generator, device=generator.device).tolist()
    side = batch.shape[-1]
    padded = F.pad(batch, (SHIFT,) * 4, mode="reflect")
    return padded[:, :, down : down + side, right : right + side].contiguous(memory_format=torch.channels_last)


def recipe(data_set: str) -> Training:
    """How the classifier of an image set is trained; RecipeError where none is."""
    if data_set not in RECIPES:
        raise RecipeError(f"No classifier of negatives is trained for {data_set!r}; there are {', '.join(RECIPES)}.")
    return RECIPES[data_set]


def train(data_set: str, runs: Path) -> Iterator[loop.Progress | NegativeClassifier]:
    """Yields progress, and the classifier at the end; an interrupted run in `runs` is gone on with.

    Raises RecipeError where there is no recipe for `data_set`.
    """
    found = recipe(data_set)
    base = hub.load(f"gsm-{data_set}", "cpu")
    assert isinstance(base, ScaleMixture)
    with first_weights(found.seed):
        classifier = NegativeClassifier(side=base.side, channels=base.channels)
    before = read(found.start, base) if found.start else None
    if before is not None:
        classifier.load_state_dict(before.state_dict())
    images, state = data.load(data_set, "train"), runs / f"negatives-{data_set}.safetensors"

    def drawn(step: int) -> tuple:
        return loop.draw(images, functools.partial(few_patches, base.side), found, step, "cpu")

    yield from loop.follow(Contrast(classifier, base), drawn, found, state)
    yield classifier


def few_patches(side: int, count: int, generator: torch.Generator) -> Tensor:
    """PATCHES fresh ones for `count` pictures, in turns, of as many pixels as are ever judged or more: bool (count, 1,
    side, side)"""
    return any_patch(PATCHES, side, generator, LEAST).repeat(-(-count // PATCHES), 1, 1, 1)[:count]
