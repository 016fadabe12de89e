"""Table 1 of Emmett-Iwaniw & Kirk, remade: test loss given the Sobol' patch, and given random ones.

The loss is the paper's: mean negative log density over unobserved pixels and channels, in nats, the Beta's with values
clamped to [1e-5, 1 - 1e-5]. Each network answers the one patch that it was trained on.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from scipy import stats

from recon import data, hub, metrics
from recon.errors import RecipeError
from recon.evaluation.reconstruction import BATCH
from recon.observation import Observation
from recon.training import masks, recipe

SETS = ("mnist", "cifar10")
ABOUT = """The loss is nats per unobserved pixel and channel, for the
Beta with values clamped to [1e-5, 1 - 1e-5]. The paper's networks are wider and saw far more, from other copies
of the sets."""
RANDOM = 5  # patches, as in the paper
PAPER = {"mnist": (0.110, 0.0994), "cifar10": (-1.077, -1.1536)}  # random, Sobol'


@dataclass(frozen=True)
class Comparison:
    """Losses in nats per unobserved pixel and channel; the interval is a 95 % one over the random patches."""

    data: str
    pictures: int
    random: float
    low: float
    high: float
    sobol: float
    paper_random: float
    paper_sobol: float


def rows(limit: int | None = None) -> list[Comparison]:
    """Every set of the table, on all of its test pictures (or the first `limit`)."""
    found = []
    for name in SETS:
        losses = [loss(f"table1-{name}-random{k}", limit)[0] for k in range(RANDOM)]
        sobol, pictures = loss(f"table1-{name}-sobol", limit)
        centre = sum(losses) / RANDOM
        deviation = math.sqrt(sum((x - centre) ** 2 for x in losses) / (RANDOM - 1))
        half = float(stats.t.ppf(0.975, RANDOM - 1)) * deviation / math.sqrt(RANDOM)
        found.append(Comparison(name, pictures, centre, centre - half, centre + half, sobol, *PAPER[name]))
    return found


def networks() -> list[str]:
    """The checkpoints that the table is made of."""
    return [f"table1-{name}-{patch}" for name in SETS for patch in ("sobol", *(f"random{k}" for k in range(RANDOM)))]


def loss(name: str, limit: int | None = None) -> tuple[float, int]:
    """Test loss of one checkpoint given the patch of its recipe, and the number of pictures."""
    model, found = hub.load(name), recipe.load(name)
    training = found.training
    if training is None:
        raise RecipeError(f"{name} has no patch of its own: it is no network of Table 1.")
    truth = data.load(found.data.name, "test", limit=limit)
    make = masks.maker(training.patch, model.side, training.size, training.seed)
    mask = make(1, torch.Generator().manual_seed(0))
    total = 0.0
    for images in truth.split(BATCH):
        values = (images.float() / 255).to(model.device)
        observation = Observation(values, mask.to(model.device).expand(len(values), -1, -1, -1))
        total += metrics.nats_per_dim(model.predict(observation), values) * len(values)
    return total / len(truth), len(truth)


def text(found: list[Comparison]) -> str:
    """As a Markdown table."""
    lines = [
        "| set | test pictures | five random patches (95 % interval) | Sobol' | paper: random | paper: Sobol' |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for row in found:
        title = "binarised MNIST" if row.data == "mnist" else "JPEG CIFAR-10"
        random = f"{row.random:.4f} ({row.low:.4f}, {row.high:.4f})"
        lines.append(
            f"| {title} | {row.pictures} | {random} | {row.sobol:.4f} | {row.paper_random} | {row.paper_sobol} |"
        )
    return "\n".join(lines)
