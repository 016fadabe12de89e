"""The card's tables: a checkpoint on test pictures beside the best classical method, over patches and sizes; and
whether its intervals hold what they say."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache

import torch
from torch import Tensor

from recon import baselines, data, hub, metrics, patches
from recon.errors import CheckpointError
from recon.evaluation import beside
from recon.models.calibration import FEW
from recon.observation import Observation
from recon.transfer import read_config

SIZES = (16, 32, 64, 128, 256)
LARGER = (512, 1024)  # of pictures larger than 32 x 32
SHARED = 10  # larger pictures that have a random patch in common, for it takes a closed form up to a second
FAMILIES = ("random", "sobol")
BATCH = 100  # pictures of 32 x 32; larger ones are fewer at a time, so that they stay in the cache
LEVELS = (0.5, 0.8, 0.9, 0.95)  # of intervals
SPREAD = """

An interval covers a level that it touches; where one level has most of the mass, as black has here, all intervals
that reach it cover it whole. With a level's mass spread over its part of the distribution (Czado, Gneiting & Held
2009), 90 % is what the middle 90 % of a right distribution hold."""
BARS = "▁▂▃▄▅▆▇█"


@dataclass(frozen=True)
class Row:
    """One method on one patch family and size; PSNR and SSIM over all pixels, the rest over unobserved ones.

    coverage  share of values within their central intervals of each of LEVELS; None for a mean alone, and for a binary
              model, of whose two values an interval says nothing
    pit       histogram of the probability integral transform, shares of 20 bins
    """

    method: str
    family: str
    size: int
    psnr_db: float
    ssim: float
    bits_per_dim: float | None = None
    coverage: tuple[float, ...] | None = None
    pit: tuple[float, ...] | None = None

    @property
    def middle(self) -> float | None:
        """Share of the values in the middle 90 % of their distributions, a level's mass spread over its part of them as
        the PIT has it: what intervals of 90 % hold where one level, black say, may have most of the mass"""
        return None if self.pit is None else sum(self.pit[1:-1])


def table(name: str, limit: int = 300, others: Sequence[str] = ()) -> str:
    """The tables of one checkpoint as Markdown, beside `others` of the same image set if there are any."""
    found = rows(name, limit)
    text = markdown(found, [best_baseline(data_set(name), row.family, row.size, limit) for row in found])
    larger = any(row.size in LARGER for row in found)
    text += f"\n\nA random patch is one for {SHARED} pictures." * larger
    return (
        text + "\n\n" + beside.table(name, found, {other: rows(other, limit) for other in others}) if others else text
    )


def rows(name: str, limit: int) -> list[Row]:
    """`name` on the first `limit` test pictures of the set that it was trained on.

    Random patches are drawn anew for every picture, larger ones for every few; a Sobol' patch is one for all. Observed
    pixels are kept, so PSNR counts them as right.
    """
    model = hub.load(name)
    truth = test_pictures(data_set(name), limit)
    sizes = SIZES + LARGER * (truth.shape[-1] > 32)
    asked = [(size, family) for size in sizes for family in FAMILIES]
    return [
        measure(model, name, family, size, truth, patch_masks(family, size, len(truth), truth.shape[-1]))
        for size, family in asked
    ]


def measure(model, method: str, family: str, size: int, truth: Tensor, masks: Tensor) -> Row:
    """One row. truth (count, channels, side, side) in [0, 1], masks bool (count, 1, side, side)"""
    means, bits, covered, pits = [], [], [], []
    batch = max(1, BATCH * 32**2 // truth.shape[-1] ** 2)
    for images, mask in zip(truth.split(batch), masks.split(batch), strict=True):
        prediction = model.predict(Observation(images.to(model.device), mask.to(model.device)))
        means.append(prediction.mean.cpu())
        if prediction.has_spread:
            bits.append(metrics.bits_per_dim_each(prediction, images.to(model.device)).cpu())
        if prediction.has_spread and not model.binary:
            covered.append(metrics.coverage_each(prediction, images.to(model.device), LEVELS).cpu())
            pits.append(metrics.pit(prediction, images.to(model.device)).cpu() * len(images))
    mean, row = torch.cat(means), Row(method, family, size, 0.0, 0.0)
    row = replace(row, psnr_db=metrics.psnr_db(mean, truth), ssim=metrics.ssim(mean, truth))
    if bits:
        row = replace(row, bits_per_dim=torch.cat(bits).mean().item())
    if covered:
        coverage, pit = torch.cat(covered, 1).mean(1), torch.stack(pits).sum(0) / len(truth)
        row = replace(row, coverage=tuple(coverage.tolist()), pit=tuple(pit.tolist()))
    return row


def best_baseline(set_name: str, family: str, size: int, limit: int) -> Row:
    """The classical method with the highest PSNR."""
    return max((baseline(name, set_name, family, size, limit) for name in baselines.NAMES), key=lambda r: r.psnr_db)


@cache
def baseline(name: str, set_name: str, family: str, size: int, limit: int) -> Row:
    """A baseline's row, measured once for all checkpoints of a set."""
    truth = test_pictures(set_name, limit)
    masks = patch_masks(family, size, len(truth), truth.shape[-1])
    return measure(baselines.load(name), name, family, size, truth, masks)


@cache
def test_pictures(set_name: str, limit: int) -> Tensor:
    return data.load(set_name, "test", limit=limit).float() / 255


def patch_masks(family: str, size: int, count: int, side: int = 32) -> Tensor:
    """Of `count` pictures: bool (count, 1, side, side)"""
    each = SHARED if side > 32 else 1
    masks = [patches.make(family, side, size, seed=k // each) for k in range(count)]
    return torch.stack([torch.from_numpy(mask) for mask in masks])[:, None]


def data_set(name: str) -> str:
    """The key in `recon.data.SETS` of the set that a checkpoint was trained on."""
    try:
        return read_config(hub.resolve(name))["checkpoint"]["data_set"]
    except KeyError as error:
        raise CheckpointError(f"'{name}' does not say which image set it was trained on.") from error


def markdown(found: list[Row], beside: list[Row]) -> str:
    """Rows as a Markdown table, a line a patch, with the best classical method's PSNR beside each; and the PIT of 128
    Sobol' pixels."""
    levels = " / ".join(f"{100 * level:.0f}" for level in LEVELS)
    few = any(row.coverage and row.middle and row.coverage[2] - row.middle > FEW for row in found)
    spread = "90 %, levels spread (%) | " * few
    lines = [
        "| observed | patch | PSNR (dB) | SSIM | bits/dim"
        f" | {levels} % intervals cover (%) | {spread}best classical (dB) |",
        "| --- " * (8 if few else 7) + "|",
    ]
    for row, other in zip(found, beside, strict=True):
        patch = {"sobol": "Sobol'"}.get(row.family, row.family)
        bits = "–" if row.bits_per_dim is None else f"{row.bits_per_dim:.3f}"
        cover = "–" if row.coverage is None else " / ".join(f"{100 * share:.1f}" for share in row.coverage)
        scores = f"{row.psnr_db:.2f} | {row.ssim:.3f} | {bits} | {cover}" + f" | {100 * (row.middle or 0):.1f}" * few
        lines.append(f"| {row.size} | {patch} | {scores} | {other.psnr_db:.2f}, {other.method} |")
    for row in found:
        if row.pit is not None and (row.size, row.family) == (128, "sobol"):
            lines += ["", *histogram(row.pit)]
    return "\n".join(lines) + SPREAD * few


def histogram(pit: tuple[float, ...]) -> list[str]:
    """The PIT in words and as a row of bars, as high as twice the even share at the most."""
    even = [share * len(pit) for share in pit]
    bars = "".join(BARS[min(len(BARS) - 1, int(share * len(BARS) / 2))] for share in even)
    told = f"from {min(even):.2f} to {max(even):.2f} times the even share"
    return [
        "Where the true values fall in their distributions (PIT, 128 Sobol' pixels, 20 bins; flat is right,"
        f" a hump means too unsure, a trough too sure): {told}.",
        "",
        f"`{bars}`",
    ]
