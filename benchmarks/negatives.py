"""How well a picture can be told from its negative at all: from a few pixels by the bundled classifier, from one patch
by a perceptron that is trained here and sees nothing else, and from all pixels by a classifier that is trained here.

    python -m benchmarks.negatives [SET] [--few 16] [--whole 4000] [--pictures 2000]

Shares of negatives that are caught where 5 % of true test pictures are doubted, and nothing else is a reason to: what
`recon.familiarity` reaches with the same classifier is less, for its thresholds are of other pictures and its false
alarms are shared by all reasons. `--few` is the size of the one patch, a Sobol' patch, `--whole` for how many steps the
other is trained; 0 leaves either out. A quarter of an hour each on one core. Needs `RECON_DATA`.
"""

from __future__ import annotations

import argparse
import tempfile
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from recon import data, negatives
from recon.familiarity import SIZES, bundled, several_patches
from recon.models.factored import Factored
from recon.negatives import NegativeClassifier
from recon.training import loop
from recon.training.masks import sobol_order
from recon.training.negatives import STEPS, Contrast, moved
from recon.training.recipe import Training

ALARMS = 0.05
FEW = replace(STEPS, steps=10000, batch=512, rate=1e-3)


class Whole(Contrast):
    """All pixels are seen, so that nothing is left to the closed form."""

    def objective(self, batch: Tensor, masks: Tensor, generator: torch.Generator) -> Tensor:
        return F.softplus(-odds(self.classifier, moved(batch, generator))).mean()


class Few(nn.Module):
    """A perceptron of the pixels of one patch, which are always the same ones."""

    WIDTH = 512

    def __init__(self, pixels: Tensor, *, side: int, channels: int):
        super().__init__()
        self.pixels, self.side = pixels, side
        sizes = [channels * len(pixels), *[self.WIDTH] * 3]
        hidden = [part for before, after in pairwise(sizes) for part in (nn.Linear(before, after), nn.GELU())]
        self.layers = nn.Sequential(*hidden, nn.Linear(self.WIDTH, 1))

    def log_odds(self, pictures: Tensor) -> Tensor:
        seen = 4 * pictures.flatten(2)[:, :, self.pixels].flatten(1) - 2
        return (self.layers(seen) - self.layers(-seen))[:, 0]

    def objective(self, batch: Tensor, masks: Tensor, generator: torch.Generator) -> Tensor:
        return F.softplus(-self.log_odds(moved(batch, generator))).mean()


def main() -> None:
    ask = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ask.add_argument("data_set", nargs="?", default="cifar10", metavar="SET")
    ask.add_argument("--few", type=int, default=16)
    ask.add_argument("--whole", type=int, default=4000)
    ask.add_argument("--pictures", type=int, default=2000)
    asked = ask.parse_args()
    truth = data.load(asked.data_set, "test", limit=asked.pictures).float() / 255
    base = bundled(asked.data_set)
    shipped = negatives.read(asked.data_set, base)
    if shipped is None:
        raise SystemExit(f"No classifier of negatives is bundled for {asked.data_set}.")

    def known(mask: Tensor) -> Tensor:
        part = Factored(base.covariance(), base.channels, mask)
        return torch.cat([shipped.log_odds(base, part, some) for some in truth.split(500)])

    for size in SIZES:
        found = torch.cat([known(mask) for mask in several_patches(base.side, size, seed=100)])
        print(f"{size:5d} pixels: {100 * caught(found):.1f} % of negatives", flush=True)
    images = data.load(asked.data_set, "train")
    torch.manual_seed(0)  # only initial weights come from the global generator
    if asked.few:
        pixels = sobol_order(base.side)[: asked.few]
        few = Few(pixels, side=base.side, channels=base.channels)
        train(few, images, FEW)
        mask = torch.zeros(base.side**2, dtype=torch.bool).index_fill(0, pixels, True)
        with torch.no_grad():
            alone = few.log_odds(truth)
        print(f"the first {asked.few} of the Sobol' order: {100 * caught(known(mask)):.1f} %", end="; ")
        print(f"by a perceptron of these alone {100 * caught(alone):.1f} %", flush=True)
    if asked.whole:
        classifier = NegativeClassifier(side=base.side, channels=base.channels)
        train(Whole(classifier, base), images, replace(STEPS, steps=asked.whole))
        with torch.no_grad():
            found = torch.cat([odds(classifier, some) for some in truth.split(200)])
        print(f"all {base.side**2}, trained for {asked.whole} steps: {100 * caught(found):.1f} %")


def train(model: Few | Whole, images: Tensor, recipe: Training) -> None:
    with tempfile.TemporaryDirectory() as runs:
        for _ in loop.run(model, images, recipe, Path(runs) / "run.safetensors"):
            pass


def odds(classifier: NegativeClassifier, pictures: Tensor) -> Tensor:
    """Log odds of whole pictures, (batch,)"""
    both = torch.cat([pictures, 1 - pictures])
    everything = torch.ones(pictures.shape[-1] ** 2, dtype=torch.bool)
    picture, negative = classifier(both, both, everything).chunk(2)
    return picture - negative


def caught(found: Tensor) -> float:
    """Share of negatives below the odds that ALARMS of the pictures are below"""
    return (-found < found.quantile(ALARMS)).double().mean().item()


if __name__ == "__main__":
    main()
