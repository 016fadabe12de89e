"""Training the classifiers that tell pictures from their negatives, see `recon.negatives`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from recon import data, hub
from recon.errors import RecipeError
from recon.models import ScaleMixture
from recon.models.conditioned import Factored
from recon.negatives import NegativeClassifier, read
from recon.training import loop
from recon.training.masks import thinned
from recon.training.recipe import Training

MOST = 256  # pixels that are looked at, as in `recon.familiarity`
SHIFT = 3  # pixels at most, either way, that pictures are moved by
STEPS = Training(
    steps=18000, batch=96, shared=True, rate=2e-3, warm_up=100, decay=True, ema=0.998, clip=1.0, mirror=True
)
# landscapes are few, and start from the objects' classifier; of other sets a Gaussian tells the negatives well
RECIPES = {
    "cifar10": STEPS,
    "fer2013": replace(STEPS, steps=10000),
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
            found.append(self.classifier.log_odds(self.base, factored, batch[which]))
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
    torch.manual_seed(found.seed)  # only initial weights come from the global generator
    classifier = NegativeClassifier(side=base.side, channels=base.channels)
    before = read(found.start, base) if found.start else None
    if before is not None:
        classifier.load_state_dict(before.state_dict())
    images, state = data.load(data_set, "train"), runs / f"negatives-{data_set}.safetensors"
    yield from loop.run(Contrast(classifier, base), images, found, state)
    yield classifier
