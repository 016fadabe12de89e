"""What a model of clips reaches on clips that no training saw: made by code, and real ones where they are at hand."""

from __future__ import annotations

import math
import os
from pathlib import Path

import numpy as np
import torch
from scipy.interpolate import griddata
from torch import Tensor

from recon.clips import kinds, patterns
from recon.clips.answer import AT_ONCE, decibels, film, imagined, laws, load, mean
from recon.models import ClipTransformer

SIZES = (32, 128, 512)
SEED = 10**6  # no training draws from it
REAL = "sequences128.npz"
ABOUT = """Of each number of points, scattered over 16 frames of 24 x 24 pixels: PSNR of the mean, over all pixels of
all clips, then nats a pixel, over unobserved ones (both for the model, and for the mixture of Gaussian processes that
it stands on), PSNR of linear interpolation in time and space (the nearest point beyond the outermost ones), and the
share of the truth in 90 % intervals; of two samples, how far they are from each other in dB, and a sample's mean error
at the known points."""
HEAD = "| clips | points | PSNR (processes) | nats (processes) | linear | 90 % intervals | samples apart | off |"


def made(kind: str, count: int) -> Tensor:
    """Clips of a kind, with a camera's grain, (count, frames, side, side)"""
    generator = torch.Generator().manual_seed(SEED)
    return kinds.noisy(kinds.whole(kinds.KINDS[kind](count, generator)), generator)


def real() -> Tensor | None:
    """The four sequences as clips, 16 frames of each or as many as there are spread over 16, pixels averaged to 24 x
    24; None where RECON_DATA has them not."""
    path = Path(os.environ.get("RECON_DATA", ""), REAL)
    if not path.is_file():
        return None
    found = []
    with np.load(path) as packed:
        for name in packed:
            levels = torch.from_numpy(packed[name]).float() / 255
            chosen = torch.linspace(0, min(len(levels), kinds.FRAMES) - 1, kinds.FRAMES).round().long()
            small = torch.nn.functional.interpolate(levels[chosen][:, None], kinds.SIDE, mode="area")[:, 0]
            found.append(small)
    return torch.stack(found)


def measure(model: ClipTransformer, truth: Tensor, size: int, seed: int) -> list[float]:
    """Of one clip: squared error and nats of the model, each beside that of the processes, nan where it stands on none;
    squared error of linear interpolation; coverage; samples' squared distance, and their error at the points"""
    pixels = patterns.on_grid(patterns.SCATTERED, size, seed)
    positions, values = patterns.positions(pixels), truth[pixels.unbind(-1)]
    hidden = torch.ones_like(truth, dtype=torch.bool)
    hidden[pixels.unbind(-1)] = False
    queries, asked = kinds.grid()[hidden.flatten()], truth[hidden]
    with torch.no_grad():
        parts = zip(laws(model, positions, values, queries), asked.split(AT_ONCE), strict=True)
        logs = [law.log_prob(levels[None, :, None])[0] for law, levels in parts]
    plain, likely = stood_on(model, positions, values, queries, asked)
    nats = [-torch.cat(logs).mean().item(), likely]
    found = film(model, positions, values)
    scores = [found.error(truth), plain / truth.numel()]
    line = torch.from_numpy(linear(positions.numpy(), values.numpy(), queries.numpy()))
    straight = (line - asked).square().sum().item() / truth.numel()
    drawn = [sample(model, positions, values, seed + k) for k in range(2)]
    apart = (drawn[0] - drawn[1]).square().mean().item()
    off = (drawn[0][pixels.unbind(-1)] - values).abs().mean().item()
    return [*scores, *nats, straight, found.held(truth), apart, off]


@torch.no_grad()
def stood_on(
    model: ClipTransformer, positions: Tensor, values: Tensor, queries: Tensor, asked: Tensor
) -> tuple[float, float]:
    """Of the processes alone: the sum of squared errors, and nats a value"""
    if not model.stands:
        return math.nan, math.nan
    present = torch.ones(1, len(values), dtype=torch.bool)
    middle, spread = model.closed_form(positions[None], values[None], present, queries[None])
    nats = -torch.distributions.Normal(middle[0], spread[0]).log_prob(asked).mean().item()
    return (middle[0] - asked).square().sum().item(), nats


def sample(model: ClipTransformer, positions: Tensor, values: Tensor, seed: int) -> Tensor:
    *_, points = imagined(model, positions, values, torch.Generator().manual_seed(seed))
    return mean(model, *points)


def linear(positions: np.ndarray, values: np.ndarray, queries: np.ndarray) -> np.ndarray:
    """Delaunay's, float32, and the nearest point's value where no simplex is"""
    nearest = griddata(positions, values, queries, "nearest")
    found = griddata(positions, values, queries, "linear")
    return np.where(np.isnan(found), nearest, found).astype(np.float32)


def table(name: str, limit: int) -> str:
    """Markdown: the checkpoint `name` on made clips of each kind and, with RECON_DATA, on real ones."""
    model = load(name)
    lines = [HEAD, "| --- |" + " --- |" * 7]
    sets = {kind: made(kind, limit) for kind in kinds.KINDS}
    if (sequences := real()) is not None:
        sets["real"] = sequences
    for title, clips in sets.items():
        for size in SIZES:
            scores = np.array([measure(model, truth, size, SEED + k) for k, truth in enumerate(clips)])
            own, processes, nats, plain, straight, held, apart, off = scores.mean(0)
            pairs = f"{decibels(own)} | {nats:.3f}"
            if model.stands:
                pairs = f"{decibels(own)} ({decibels(processes)}) | {nats:.3f} ({plain:.3f})"
            lines.append(
                f"| {len(clips)} {title} | {size} | {pairs} "
                f"| {decibels(straight)} | {held:.1%} | {decibels(apart)} | {off:.4f} |"
            )
    return "\n".join(lines)
