"""Who is doubted: real test pictures (false alarms), and pictures that are not of the kind of an image set."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from recon import data
from recon.familiarity import SIZES, Judge, interpolate, several_patches

COUNT = 500  # test pictures of each kind, unless said
FEWEST = 16  # pixels that are asked of a warning
STRANGE = ("negatives", "uniform noise", "faint noise")


def table(data_set: str, limit: int = COUNT, seed: int = 100) -> str:
    """Shares of pictures that are doubted for any reason, by kind and number of observed pixels, as Markdown; of up to
    `limit` test pictures. The last column is the mean of those from FEWEST pixels on, the last line that of negatives
    and noise.

    Half of the patches are random, half shifted Sobol' patches.
    """
    sizes = [*(f"{size} pixels" for size in SIZES), f"{FEWEST} to {SIZES[-1]}"]
    lines = [f"| pictures | {' | '.join(sizes)} |", "| --- |" + " --- |" * len(sizes)]
    judge, found = Judge(), dict[str, Tensor]()
    for title, pictures in kinds(judge, data_set, limit, seed).items():
        shares = torch.tensor([doubted(judge, data_set, pictures, size, seed) for size in SIZES])
        found[title] = torch.cat([shares, shares[SIZES.index(FEWEST) :].mean()[None]])
    found["noise and negatives"] = torch.stack([found[title] for title in STRANGE]).mean(0)
    for title, shares in found.items():
        lines.append(f"| {title} | {' | '.join(f'{100 * share:.1f} %' for share in shares.tolist())} |")
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
