"""What can be known of a random sextic from a few points: the exact posterior, beside the models of curves.

    python -m benchmarks.sextics [--curves 500] [--steps 6000]

The prior is uniform in a cube, of values at seven nodes, so the posterior is a Gaussian cut off at the cube's faces. It
is sampled by hit-and-run (Smith 1984): along the axes and along the Gaussian's own, in turn, each from the Gaussian cut
off on that line. Every chain begins at the truth, which is itself one draw from the posterior. Printed are, as `python
-m recon evaluate curves` has them, the mean error of the mean and the share of the truth in a 90 % band.
"""

from __future__ import annotations

import argparse

import torch
from torch import Tensor

from recon import hub
from recon.curves import sextics
from recon.curves.answer import load
from recon.curves.gaussian_process import GaussianProcess, of_sextics
from recon.evaluation.curves import BAND, SEED, SIZES, held_out, measure
from recon.models import CurveTransformer
from recon.points import Points

BURN, EVERY = 1000, 10
TINY = 1e-9


def main() -> None:
    ask = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ask.add_argument("--curves", type=int, default=500)
    ask.add_argument("--steps", type=int, default=6000)
    asked = ask.parse_args()
    print(f"| {asked.curves} curves | " + " | ".join(f"{size} points" for size in SIZES) + " |")
    print("| --- |" + " --- |" * len(SIZES))
    rows: dict[str, list[str]] = {"the exact posterior": []}
    truth = sextics.draw(asked.curves, torch.Generator().manual_seed(SEED))
    for size in SIZES:
        points = held_out(asked.curves, size)
        curves = torch.stack(list(posterior(points, truth, asked.steps)))
        values = curves @ sextics.basis(points.queries[0]).T  # (draws, curves, queries)
        low, high = values.quantile((1 - BAND) / 2, dim=0), values.quantile((1 + BAND) / 2, dim=0)
        held = ((points.truth >= low) & (points.truth <= high)).double().mean()
        error = (values.mean(0) - points.truth).abs().mean()
        rows["the exact posterior"].append(f"{error:.4f}, {held:.1%}")
        for title, model in models().items():
            found = measure(model, points)
            rows.setdefault(title, []).append(f"{found.error:.4f}, {found.coverage:.1%}")
    for title, cells in rows.items():
        print(f"| {title} | {' | '.join(cells)} |")


def models() -> dict[str, CurveTransformer | GaussianProcess]:
    names = [record.name for record in hub.signals() if record.model == CurveTransformer.kind]
    return {"the Gaussian in its place": GaussianProcess(of_sextics)} | {name: load(name) for name in names}


def posterior(points: Points, start: Tensor, steps: int):
    """Draws of the values at the nodes, (curves, 7) each, every EVERY steps after BURN; chains begin at `start`."""
    seen = sextics.basis(points.positions) / sextics.NOISE
    precision = seen.transpose(-1, -2) @ seen
    linear = (seen.transpose(-1, -2) @ (points.values.double() / sextics.NOISE)[..., None])[..., 0]
    size = start.shape[1]
    own = torch.linalg.eigh(precision).eigenvectors
    generator, at = torch.Generator().manual_seed(0), start.clone()
    for step in range(steps):
        k = step % (2 * size)
        line = own[..., k] if k < size else torch.eye(size, dtype=at.dtype)[k - size].expand_as(at)
        inverse = (line * (precision @ line[..., None])[..., 0]).sum(-1)
        slope = (line * (linear - (precision @ at[..., None])[..., 0])).sum(-1)
        # how far it is along the line to the cube's faces
        ends = torch.stack([(-1 - at) / line, (1 - at) / line])
        ends = torch.where(line.abs() < TINY, torch.tensor([-torch.inf, torch.inf])[:, None, None].double(), ends)
        at = at + cut_off(slope, inverse, ends.amin(0).amax(-1), ends.amax(0).amin(-1), generator)[:, None] * line
        if step >= BURN and step % EVERY == 0:
            yield at


def cut_off(slope: Tensor, inverse: Tensor, low: Tensor, high: Tensor, generator: torch.Generator) -> Tensor:
    """A draw from exp(slope t - inverse t^2 / 2) between `low` and `high`, which have 0 between them"""
    uniform = torch.rand(low.shape, generator=generator, dtype=low.dtype)
    scale = inverse.clamp_min(TINY).rsqrt()
    mean = slope * scale.square()
    below, above = (torch.special.ndtr((end - mean) / scale) for end in (low, high))
    drawn = mean + scale * torch.special.ndtri((below + (above - below) * uniform).clamp(1e-12, 1 - 1e-12))
    drawn = torch.where(above - below < TINY, 0.0, drawn)  # too far out to tell: it stays
    drawn = torch.where(scale > 1e3, low + (high - low) * uniform, drawn)  # of this line the points say nothing
    return torch.minimum(torch.maximum(drawn, low), high)


if __name__ == "__main__":
    main()
