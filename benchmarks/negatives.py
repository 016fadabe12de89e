"""How well a picture can be told from its negative at all: from a few pixels by the bundled classifier, and from all of
them by one that is trained here on whole pictures.

    python -m benchmarks.negatives [SET] [--steps 4000] [--pictures 1000]

Shares of negatives that are caught where 5 % of true test pictures are doubted, and nothing else is a reason to: what
`recon.familiarity` reaches with the same classifier is less, for its thresholds are of other pictures and its false
alarms are shared by all reasons. A quarter of an hour on one core. Needs `RECON_DATA`.
"""

from __future__ import annotations

import argparse
import tempfile
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional as F

from recon import data, negatives
from recon.familiarity import SIZES, bundled, several_patches
from recon.models.conditioned import Factored
from recon.negatives import NegativeClassifier
from recon.training import loop
from recon.training.negatives import STEPS, Contrast, moved

ALARMS = 0.05


class Whole(Contrast):
    """All pixels are seen, so that nothing is left to the closed form."""

    def objective(self, batch: Tensor, masks: Tensor, generator: torch.Generator) -> Tensor:
        return F.softplus(-odds(self.classifier, moved(batch, generator))).mean()


def main() -> None:
    ask = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ask.add_argument("data_set", nargs="?", default="cifar10", metavar="SET")
    ask.add_argument("--steps", type=int, default=4000)
    ask.add_argument("--pictures", type=int, default=1000)
    asked = ask.parse_args()
    truth = data.load(asked.data_set, "test", limit=asked.pictures).float() / 255
    base = bundled(asked.data_set)
    shipped = negatives.read(asked.data_set, base)
    if shipped is None:
        raise SystemExit(f"No classifier of negatives is bundled for {asked.data_set}.")
    for size in SIZES:
        parts = [Factored(base.covariance(), base.channels, mask) for mask in several_patches(32, size, seed=100)]
        found = torch.cat([shipped.log_odds(base, part, truth) for part in parts])
        print(f"{size:5d} pixels: {100 * caught(found):.1f} % of negatives", flush=True)
    torch.manual_seed(0)
    classifier = NegativeClassifier(side=base.side, channels=base.channels)
    images, recipe = data.load(asked.data_set, "train"), replace(STEPS, steps=asked.steps)
    with tempfile.TemporaryDirectory() as runs:
        state = Path(runs) / "whole.safetensors"
        run = loop.run(Whole(classifier, base), images, recipe, state)
        for _ in run:
            pass
    with torch.no_grad():
        found = torch.cat([odds(classifier, part) for part in truth.split(200)])
    print(f"all 1024, trained for {asked.steps} steps: {100 * caught(found):.1f} %")


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
