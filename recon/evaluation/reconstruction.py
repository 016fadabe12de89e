"""The card's table: a checkpoint on test pictures beside the classical baselines, over patches and sizes."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import torch
from torch import Tensor

from recon import baselines, data, hub, metrics, patches
from recon.errors import CheckpointError
from recon.observation import Observation
from recon.transfer import read_config

SIZES = (32, 128, 256)
FAMILIES = ("random", "sobol")
BATCH = 100


@dataclass(frozen=True)
class Row:
    """One method on one patch family and size; PSNR over all pixels, the rest over unobserved ones."""

    method: str
    family: str
    size: int
    psnr_db: float
    ssim: float
    bits_per_dim: float | None = None
    coverage: float | None = None  # of 90 % intervals


def table(name: str, limit: int = 300) -> str:
    """The table of one checkpoint as Markdown."""
    return markdown(rows(name, limit))


def rows(name: str, limit: int = 300) -> list[Row]:
    """`name` and every baseline on the first `limit` test pictures of the set that it was trained on.

    Random patches are drawn anew for every picture; a Sobol' patch is one for all. Observed pixels are kept, so PSNR
    counts them as right.
    """
    model = hub.load(name)
    truth = test_pictures(data_set(name), limit)
    found = []
    for size in SIZES:
        for family in FAMILIES:
            masks = patch_masks(family, size, len(truth))
            found.append(measure(model, name, family, size, truth, masks))
            found += [baseline(other, data_set(name), family, size, limit) for other in baselines.NAMES]
    return found


def measure(model, method: str, family: str, size: int, truth: Tensor, masks: Tensor) -> Row:
    """One row. truth (count, channels, side, side) in [0, 1], masks bool (count, 1, side, side)"""
    means, bits, covered = [], [], []
    for images, mask in zip(truth.split(BATCH), masks.split(BATCH), strict=True):
        prediction = model.predict(Observation(images.to(model.device), mask.to(model.device)))
        means.append(prediction.mean.cpu())
        if prediction.has_spread:
            bits.append(metrics.bits_per_dim(prediction, images) * len(images))
            covered.append(metrics.coverage(prediction, images, 0.9) * len(images))
    mean, count = torch.cat(means), len(truth)
    spread = {"bits_per_dim": sum(bits) / count, "coverage": sum(covered) / count} if bits else {}
    return Row(method, family, size, metrics.psnr_db(mean, truth), metrics.ssim(mean, truth), **spread)


@cache
def baseline(name: str, set_name: str, family: str, size: int, limit: int) -> Row:
    """A baseline's row, measured once for all checkpoints of a set."""
    truth = test_pictures(set_name, limit)
    return measure(baselines.load(name), name, family, size, truth, patch_masks(family, size, len(truth)))


@cache
def test_pictures(set_name: str, limit: int) -> Tensor:
    return data.load(set_name, "test", limit=limit).float() / 255


def patch_masks(family: str, size: int, count: int, side: int = 32) -> Tensor:
    masks = [patches.make(family, side, size, seed=k) for k in range(count)]
    return torch.stack([torch.from_numpy(mask) for mask in masks])[:, None]


def data_set(name: str) -> str:
    """The key in `recon.data.SETS` of the set that a checkpoint was trained on."""
    try:
        return read_config(hub.resolve(name))["checkpoint"]["data_set"]
    except KeyError as error:
        raise CheckpointError(f"'{name}' does not say which image set it was trained on.") from error


def markdown(found: list[Row]) -> str:
    """Rows as a Markdown table, a line a method and a patch."""
    lines = [
        "| observed | patch | method | PSNR (dB) | SSIM | bits/dim | 90 % intervals cover |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for row in found:
        patch = {"sobol": "Sobol'"}.get(row.family, row.family)
        bits = "–" if row.bits_per_dim is None else f"{row.bits_per_dim:.3f}"
        cover = "–" if row.coverage is None else f"{100 * row.coverage:.1f} %"
        lines.append(f"| {row.size} | {patch} | {row.method} | {row.psnr_db:.2f} | {row.ssim:.3f} | {bits} | {cover} |")
    return "\n".join(lines)
