"""Gaussian processes (Rasmussen & Williams 2006, sections 2.2 and 5.4.1): curves, any few points of which are known up
to Gaussian noise, in closed form. Their own prior makes one of `sextics`; the tool that people know has an RBF kernel.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from recon.curves import sextics
from recon.points import Points

Kernel = Callable[[Tensor, Tensor], Tensor]  # of positions (..., n, 1) and (..., m, 1): covariances (..., n, m)
JITTER = 1e-9


@dataclass(frozen=True)
class Posterior:
    """Of the curve's own values, without noise: mean (curves, queries), covariance (curves, queries, queries),
    float64."""

    mean: Tensor
    covariance: Tensor

    @property
    def variance(self) -> Tensor:
        return self.covariance.diagonal(dim1=-2, dim2=-1).clamp_min(0)

    def sample(self, count: int, generator: torch.Generator) -> Tensor:
        """Curves at the queries, (count, curves, queries)"""
        values, vectors = torch.linalg.eigh(self.covariance)  # of low rank: Cholesky would fail
        root = vectors * values.clamp_min(0).sqrt()[..., None, :]
        noise = torch.randn(count, *self.mean.shape, generator=generator, dtype=self.mean.dtype)
        return self.mean + (root @ noise[..., None])[..., 0]


@dataclass(frozen=True)
class GaussianProcess:
    """Of mean zero.

    noise  standard deviation of a known point's value
    """

    kernel: Kernel
    noise: float = sextics.NOISE

    def _cholesky(self, positions: Tensor, present: Tensor) -> Tensor:
        both = present[..., :, None] & present[..., None, :]
        covariance = torch.where(both, self.kernel(positions, positions), 0.0)  # what is absent is independent of all
        return torch.linalg.cholesky(covariance + torch.diag_embed(torch.where(present, self.noise**2 + JITTER, 1.0)))

    def posterior(self, positions: Tensor, values: Tensor, present: Tensor, queries: Tensor) -> Posterior:
        """Given points, as `Points` has them, at queries (curves, m, 1)."""
        positions, values, queries = positions.double(), values.double(), queries.double()
        factor = self._cholesky(positions, present)
        between = torch.where(present[..., None], self.kernel(positions, queries), 0.0)
        explained = torch.linalg.solve_triangular(factor, between, upper=False)
        known = torch.linalg.solve_triangular(factor, torch.where(present, values, 0.0)[..., None], upper=False)
        mean = (explained.transpose(-1, -2) @ known)[..., 0]
        return Posterior(mean, self.kernel(queries, queries) - explained.transpose(-1, -2) @ explained)

    def log_evidence(self, positions: Tensor, values: Tensor, present: Tensor) -> Tensor:
        """Log density of the points' values, in nats, (curves,)"""
        factor = self._cholesky(positions.double(), present)
        known = torch.linalg.solve_triangular(
            factor, torch.where(present, values.double(), 0.0)[..., None], upper=False
        )
        logs = factor.diagonal(dim1=-2, dim2=-1).log().sum(-1)
        return -0.5 * known.square().sum((-1, -2)) - logs - 0.5 * math.log(2 * math.pi) * present.sum(-1)


def of_sextics(a: Tensor, b: Tensor) -> Tensor:
    """The covariance of random sextics at two positions"""
    return sextics.VARIANCE * sextics.basis(a) @ sextics.basis(b).transpose(-1, -2)


def rbf(scale: Tensor | float, length: Tensor | float) -> Kernel:
    """scale^2 exp(-d^2 / (2 length^2)): smooth curves"""

    def kernel(a: Tensor, b: Tensor) -> Tensor:
        return scale**2 * torch.exp(-0.5 * ((a - b.transpose(-1, -2)) / length).square())

    return kernel


def fitted_rbf(points: Points, steps: int = 40) -> GaussianProcess:
    """With the scale and the length under which all of the curves' points together are likeliest (L-BFGS), the noise
    known."""
    logs = torch.zeros(2, dtype=torch.float64).requires_grad_()
    optimiser = torch.optim.LBFGS([logs], max_iter=steps, line_search_fn="strong_wolfe")

    def loss() -> Tensor:
        optimiser.zero_grad()
        process = GaussianProcess(rbf(logs[0].exp(), logs[1].exp()))
        found = -process.log_evidence(points.positions, points.values, points.present).mean()
        found.backward()
        return found

    optimiser.step(loss)
    scale, length = logs.detach().exp().tolist()
    return GaussianProcess(rbf(scale, length))
