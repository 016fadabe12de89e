"""Covariances that float32 can hardly invert."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

import recon
from recon import Observation, patches
from recon.models import conditioned
from recon.models.conditioned import ROUNDING
from recon.models.gaussian import Gaussian
from tests.models.fitted import marginals


def test_nearly_singular_covariances_are_conditioned_all_the_same():
    """Pictures of one colour: a single eigenvector holds all, and all the rest is noise below float32's reach."""
    greys = torch.linspace(0, 1, 200).view(-1, 1, 1, 1).expand(-1, 3, 16, 16)
    model = Gaussian.fit([greys], rank=1)
    mask = torch.from_numpy(patches.random(16, 200, seed=0))[None, None]
    prediction = model.predict(Observation(torch.full((1, 3, 16, 16), 0.7), mask))
    assert torch.allclose(prediction.mean, torch.tensor(0.7), atol=2e-3)
    assert prediction.variance.isfinite().all() and prediction.variance.max() < 1e-4


def test_cholesky_of_what_float32_takes_for_singular():
    matrices = torch.stack([torch.ones(3, 3), torch.eye(3)])
    factors = conditioned.cholesky(matrices)
    assert torch.allclose(factors @ factors.mT, matrices, atol=2 * ROUNDING) and factors.dtype == torch.float32


@pytest.mark.parametrize("name", ["gaussian-cifar10", "gaussian-mnist"])
def test_float32_is_enough_for_the_real_ones(name):
    """Conditioning the bundled covariances, whose smallest eigenvalues are 1e-6 of the largest."""
    if name not in [checkpoint.name for checkpoint in recon.checkpoints()]:
        pytest.skip(f"{name} is not bundled")
    model = recon.load(name, device="cpu")
    drawn = model.location + model.draw(1, torch.Generator().manual_seed(0))
    picture = drawn.view(1, model.channels, 32, 32).clamp(0, 1)
    covariance = exact_covariance(model)
    for size in (5, 128, 500, 1000):
        known = Observation(picture, torch.from_numpy(patches.random(32, size, seed=size))[None, None])
        hidden, mean, variance = exact(model, covariance, known)
        found, blocks = marginals(model, known)
        spread = blocks.diagonal(dim1=-2, dim2=-1)[0].movedim(-1, 0).flatten()[hidden].double()
        assert (found[0, hidden] - mean).abs().max() < 1 / 255, "less than a level"
        assert (found[0, hidden] - mean).square().mean().sqrt() < 1e-3
        assert (spread - variance - ROUNDING).abs().max() < 2 * ROUNDING


def exact_covariance(model: Gaussian) -> Tensor:
    """What the model stores, multiplied out in float64."""
    factor, pixels = model.factor().double(), torch.arange(model.side**2)
    covariance = factor @ factor.T
    blocks = covariance.view([model.channels, model.side**2] * 2)
    for a in range(model.channels):
        for b in range(model.channels):
            blocks[a, pixels, b, pixels] += model.rest[a, b].flatten()
    return covariance


def exact(model: Gaussian, covariance: Tensor, known: Observation) -> tuple[Tensor, Tensor, Tensor]:
    """Hidden dimensions, their conditional means and variances, in float64."""
    dims = known.mask[0].expand(model.channels, -1, -1).flatten()
    seen, hidden = dims.nonzero()[:, 0], (~dims).nonzero()[:, 0]
    cholesky = torch.linalg.cholesky(covariance[seen][:, seen])
    gain = torch.linalg.solve_triangular(cholesky, covariance[seen][:, hidden], upper=False)
    residual = (known.values.flatten() - model.location)[seen].double()
    whitened = torch.linalg.solve_triangular(cholesky, residual[:, None], upper=False)
    mean = model.location[hidden] + (gain.T @ whitened)[:, 0]
    return hidden, mean, covariance.diagonal()[hidden] - gain.square().sum(0)
