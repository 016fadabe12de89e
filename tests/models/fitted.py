"""Small Gaussians for the tests, and the textbook's answers for them."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from recon import Observation
from recon.models.gaussian import Gaussian


def draws(count: int, channels: int, side: int, seed: int = 0, spread: float = 0.05) -> Tensor:
    """Pictures with a random covariance, well inside [0, 1] so that clipping plays no part."""
    generator = torch.Generator().manual_seed(seed)
    dims = channels * side * side
    mixing = torch.randn(dims, dims, generator=generator) / math.sqrt(dims)
    mixing += torch.eye(dims)
    mean = 0.4 + 0.2 * torch.rand(dims, generator=generator)
    return (mean + spread * torch.randn(count, dims, generator=generator) @ mixing).view(count, channels, side, side)


def fitted(channels: int = 3, side: int = 4, mirrored: bool = True, rank: int | None = None, **draw) -> Gaussian:
    return Gaussian.fit([draws(500, channels, side, **draw)], rank or channels * side * side, mirrored)


def observe(model: Gaussian, size: int, seed: int = 0, count: int = 1) -> tuple[Observation, Tensor]:
    """An observation of `size` pixels, a mask for all of `count` pictures, and the pictures."""
    values = draws(count, model.channels, model.side, seed=seed + 10)
    mask = torch.zeros(model.side**2, dtype=torch.bool)
    mask[torch.randperm(model.side**2, generator=torch.Generator().manual_seed(seed))[:size]] = True
    return Observation(values, mask.view(1, 1, model.side, model.side).repeat(count, 1, 1, 1)), values


def brute_force(model: Gaussian, known: Observation) -> tuple[Tensor, Tensor, Tensor]:
    """Hidden dimensions, their conditional mean (batch, hidden) and covariance, by the textbook formula in float64."""
    covariance, centre = model.covariance().double(), model.location.double()
    dims = known.mask[0].expand(model.channels, -1, -1).flatten()
    seen, hidden = dims.nonzero()[:, 0], (~dims).nonzero()[:, 0]
    gain = covariance[hidden][:, seen] @ covariance[seen][:, seen].inverse()
    mean = centre[hidden] + (known.values.flatten(1).double()[:, seen] - centre[seen]) @ gain.T
    return hidden, mean, covariance[hidden][:, hidden] - gain @ covariance[seen][:, hidden]


def marginals(model: Gaussian, known: Observation) -> tuple[Tensor, Tensor]:
    """Before clipping: means (batch, dims), and the covariance of each pixel's channels (batch, h, w, c, c)."""
    found = model.distribution(known)
    return found.location.flatten(1), found.factor @ found.factor.mT
