"""What is said of one curve: its mean, its bands, and curves that it could be."""

from __future__ import annotations

import functools
from dataclasses import dataclass

import torch
from torch import Tensor

from recon import hub
from recon.curves import sextics
from recon.curves.gaussian_process import GaussianProcess, fitted_rbf
from recon.errors import ObservationError
from recon.models import CurveTransformer

MOST = 60  # points
RANGE = 3.0  # of their values, either way
LEARNED = 300  # curves that the RBF kernel is fitted to


@dataclass(frozen=True)
class Answer:
    """queries, mean and deviation (m,), samples (count, m)"""

    queries: Tensor
    mean: Tensor
    deviation: Tensor
    samples: Tensor

    def band(self, share: float) -> tuple[Tensor, Tensor]:
        """Where each value lies with that probability, (m,) each; the law of a value is a Gaussian"""
        wide = torch.special.ndtri(torch.tensor(0.5 + share / 2, dtype=torch.float64)).item() * self.deviation
        return self.mean - wide, self.mean + wide


def answer(
    model: CurveTransformer | GaussianProcess,
    positions: Tensor,
    values: Tensor,
    queries: Tensor,
    count: int = 0,
    seed: int = 0,
) -> Answer:
    """Of the curve through points (n,), at queries (m,), with `count` samples; the same seed draws the same.

    Raises ObservationError for points that are none, are too many, or lie elsewhere.
    """
    check(positions, values)
    generator = torch.Generator().manual_seed(seed)
    present = torch.ones(1, len(positions), dtype=torch.bool)
    one = (positions[None, :, None].float(), values[None].float(), present, queries[None, :, None].float())
    if isinstance(model, GaussianProcess):
        found = model.posterior(*one)
        return Answer(queries, found.mean[0], found.variance[0].sqrt(), found.sample(count, generator)[:, 0])
    with torch.no_grad():
        law = model.law(*one)
    samples = (
        model.sample(positions[:, None], values, queries[:, None], count, generator) if count else law.mean[:0, :, 0]
    )
    return Answer(queries, law.mean[0, :, 0], law.variance[0, :, 0].sqrt(), samples)


@functools.cache
def load(name: str) -> CurveTransformer:
    """The checkpoint of that name; kept. Raises CheckpointError, also for one that is of no curves."""
    return hub.load_signal(name, CurveTransformer)


def check(positions: Tensor, values: Tensor) -> None:
    """Raise ObservationError for what are no points of a curve over [-1, 1]."""
    if positions.dim() != 1 or positions.shape != values.shape:
        raise ObservationError("A point has a position and a value.")
    if len(positions) > MOST:
        raise ObservationError(f"A curve can have {MOST} points; there are {len(positions)}.")
    if not (positions.isfinite().all() and values.isfinite().all()):
        raise ObservationError("A point is made of two numbers.")
    if len(positions) and (positions.abs().max() > 1 or values.abs().max() > RANGE):
        raise ObservationError(f"A point lies between -1 and 1, and its value between -{RANGE:g} and {RANGE:g}.")


@functools.lru_cache(maxsize=1)
def usual() -> GaussianProcess:
    """The Gaussian process that people know, its RBF kernel fitted to random sextics."""
    generator = torch.Generator().manual_seed(0)
    curves = sextics.draw(LEARNED, generator)
    sizes = torch.randint(4, 21, (LEARNED,), generator=generator)
    return fitted_rbf(sextics.observed(curves, sizes, torch.zeros(LEARNED, 1, 1), generator))
