"""What models of curves reach on random sextics that no training saw, beside Gaussian processes."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from recon.curves import sextics
from recon.curves.answer import load, usual
from recon.curves.gaussian_process import GaussianProcess, of_sextics
from recon.models import CurveTransformer
from recon.points import Points

SIZES = (4, 6, 10, 20)
QUERIES = 101  # positions that a curve is measured at, evenly spread
BAND = 0.9
SEED = 10**6  # no training draws from it
ABOUT = """Of each number of points: mean error of the mean, and the share of the truth in the 90 % band. Points lie at
random and are known within ± .02."""


@dataclass(frozen=True)
class Reached:
    """error: mean of |mean - truth|; coverage: share of the truth in the band"""

    error: float
    coverage: float


def held_out(count: int, size: int) -> Points:
    """Curves with `size` points each; the same curves for every size."""
    curves = sextics.draw(count, torch.Generator().manual_seed(SEED))
    queries = torch.linspace(-1, 1, QUERIES)[:, None].expand(count, -1, -1)
    generator = torch.Generator().manual_seed(SEED + size)
    return sextics.observed(curves, torch.full((count,), size), queries, generator)


def measure(model: CurveTransformer | GaussianProcess, points: Points) -> Reached:
    if isinstance(model, GaussianProcess):
        posterior = model.posterior(*points.known)
        return reached(posterior.mean, posterior.variance.sqrt(), points.truth)
    with torch.no_grad():
        law = model.law(*points.known)
    return reached(law.mean[..., 0], law.variance[..., 0].sqrt(), points.truth)


def reached(mean: Tensor, deviation: Tensor, truth: Tensor) -> Reached:
    apart = (mean - truth).abs().double()
    wide = torch.special.ndtri(torch.tensor(0.5 + BAND / 2, dtype=torch.float64)) * deviation
    return Reached(apart.mean().item(), (apart <= wide).double().mean().item())


def table(name: str, limit: int) -> str:
    """Markdown: the checkpoint `name`, the process of the sextics' own covariance, and the usual one."""
    models: dict[str, CurveTransformer | GaussianProcess] = {
        name: load(name),
        "Gaussian process, the sextics' covariance": GaussianProcess(of_sextics),
        "Gaussian process, RBF fitted to sextics": usual(),
    }
    lines = [
        f"| {limit} curves | " + " | ".join(f"{size} points" for size in SIZES) + " |",
        "| --- |" + " --- |" * len(SIZES),
    ]
    for title, model in models.items():
        found = [measure(model, held_out(limit, size)) for size in SIZES]
        lines.append(f"| {title} | " + " | ".join(f"{one.error:.4f}, {one.coverage:.1%}" for one in found) + " |")
    return "\n".join(lines)
