"""Who is doubted: real test pictures (false alarms), and pictures that are not of the kind of an image set."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from recon import data
from recon.familiarity import SIZES, Judge, interpolate, several_patches

COUNT = 500  # test pictures of each kind, unless said


def table(data_set: str, limit: int = COUNT, seed: int = 100) -> str:
    """Shares of pictures that are doubted for any reason, by kind and number of observed pixels, as Markdown; of up to
    `limit` test pictures.

    Half of the patches are random, half shifted Sobol' patches.
    """
    lines = [f"| pictures | {' | '.join(f'{size} pixels' for size in SIZES)} |", "| --- |" + " --- |" * len(SIZES)]
    judge = Judge()
    for title, pictures in kinds(judge, data_set, limit, seed).items():
        cells = (f"{100 * doubted(judge, data_set, pictures, size, seed):.1f} %" for size in SIZES)
        lines.append(f"| {title} | {' | '.join(cells)} |")
    return "\n".join(lines)


def kinds(judge: Judge, data_set: str, limit: int, seed: int) -> dict[str, Tensor]:
    """Test pictures of the set itself, and strangers, float (count, channels, side, side)."""
    generator = torch.Generator().manual_seed(seed)
    real = data.load(data_set, "test", limit=limit).float() / 255
    found = {
        "real": real,
        "negatives": 1 - real,
        "uniform noise": torch.rand(real.shape, generator=generator),
        "faint noise": (0.5 + 0.1 * torch.randn(real.shape, generator=generator)).clamp(0, 1),
    }
    for other in judge.others(data_set):
        found[other] = data.load(other, "test", limit=limit).float() / 255
    return found


def doubted(judge: Judge, data_set: str, pictures: Tensor, size: int, seed: int) -> float:
    """Share of pictures that are doubted from `size` pixels."""
    chance = judge.chance(data_set) or {}
    caught = []
    for mask in several_patches(pictures.shape[-1], size, seed):
        found = judge.excesses(data_set, mask, pictures)
        beyond = [each > interpolate(math.log2(size), chance[name]) for name, each in found.items()]
        caught.append(torch.stack(beyond).any(0))
    return torch.cat(caught).float().mean().item()
