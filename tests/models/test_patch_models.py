"""Densities of mean-free patches: 63 numbers of 64 pixels, and the way back to all of them."""

import math

import pytest
import torch
from torch.distributions import MultivariateNormal

from recon.errors import PredictionError
from recon.models.ensemble import EIGHT, MIRRORED, Ensemble, Symmetry
from recon.models.patches import (
    PatchMCGSM,
    PatchRIDE,
    log_prob_with_mean,
    with_last,
    without_last,
    without_mean,
)
from recon.models.ride import RIDE


def rugged(seed: int, side: int = 8, count: int = 100) -> torch.Tensor:
    """Patches (count, side, side) with a smooth covariance"""
    generator = torch.Generator().manual_seed(seed)
    places = torch.cartesian_prod(torch.arange(side), torch.arange(side)).double()
    covariance = 0.04 * (-torch.cdist(places, places) / 4).exp()
    law = torch.linalg.cholesky(covariance)
    drawn = 0.5 + torch.randn(count, side * side, generator=generator, dtype=torch.double) @ law.T
    return drawn.view(-1, side, side)


def linear(dims: int) -> PatchMCGSM:
    """One component and one scale: what is left is the whitening."""
    model = PatchMCGSM(dims, components=1, scales=1, features=1)
    for name, tensor in model.named_parameters():
        if name.endswith(("predictors", "precisions", "weights")):
            tensor.data.zero_()
    return model.requires_grad_(False)


def some(dims: int, seed: int = 0) -> PatchMCGSM:
    """One whose every parameter matters."""
    torch.manual_seed(seed)
    model = PatchMCGSM(dims, components=3, scales=2, features=4)
    y = torch.randn(500, dims) @ torch.randn(dims, dims)
    for dim in range(dims):
        model.precondition(y, dim)
    for tensor in model.parameters():
        tensor.data += 0.3 * torch.randn_like(tensor)
    return model.requires_grad_(False)


def patch_ride() -> PatchRIDE:
    torch.manual_seed(0)
    model = PatchRIDE(RIDE(hidden=4, components=2, scales=2, features=3))
    model.precondition(without_mean(rugged(0, count=500))[0].float())
    torch.nn.init.normal_(model.ride.mixture.predictors)
    return model.requires_grad_(False)


def test_the_last_pixel_comes_back():
    patches = rugged(0, count=5)
    free, means = without_mean(patches)
    assert torch.allclose(free.sum((1, 2)), torch.zeros(5, dtype=torch.double), atol=1e-12)
    assert torch.allclose(with_last(without_last(free), 8, 8) + means[:, None, None], patches)


@pytest.mark.parametrize("symmetry", EIGHT)
def test_a_symmetry_is_linear_in_the_63_numbers_with_determinant_1_or_minus_1(symmetry: Symmetry):
    def moved(y: torch.Tensor) -> torch.Tensor:
        return without_last(symmetry.apply(with_last(y, 8, 8)))

    matrix = moved(torch.eye(63, dtype=torch.double)).T
    y = torch.randn(63, dtype=torch.double, generator=torch.Generator().manual_seed(0))
    assert torch.allclose(matrix @ y, moved(y[None])[0])
    assert abs(torch.linalg.det(matrix).item()) == pytest.approx(1, abs=1e-9)


def test_whitening_alone_is_the_gaussian_of_its_samples():
    """The chain rule: linear predictors, each of all before it, are one Gaussian with the samples' covariance."""
    free = without_mean(rugged(1, side=5, count=3000))[0]
    y, model = without_last(free), linear(24).double()
    for dim in range(24):
        model.precondition(y, dim)
    expected = MultivariateNormal(y.mean(0), y.T.cov(correction=0)).log_prob(y[:200])
    found = model.log_prob(free[:200])
    assert found.shape == (200, 5, 5) and not found[:, -1, -1].any()
    assert torch.allclose(found.sum((1, 2)), expected, atol=0.02)


def test_the_whole_patch_s_density_from_that_of_the_mean_and_the_rest():
    """Of a Gaussian all three are known, and p(m | y) may be p(m) only where they are independent."""
    side, generator = 3, torch.Generator().manual_seed(2)
    root = torch.randn(9, 9, dtype=torch.double, generator=generator)
    whole = MultivariateNormal(torch.randn(9, dtype=torch.double, generator=generator), root @ root.T)
    to_both = torch.cat([torch.eye(9, dtype=torch.double)[:8] - 1 / 9, torch.full((1, 9), 1 / 9, dtype=torch.double)])
    mean, covariance = to_both @ whole.mean, to_both @ whole.covariance_matrix @ to_both.T
    x = torch.randn(20, 9, dtype=torch.double, generator=generator)
    free, means = without_mean(x.view(-1, side, side))
    y = without_last(free)
    assert torch.allclose(torch.cat([y, means[:, None]], 1), x @ to_both.T)
    log_prob = MultivariateNormal(mean[:8], covariance[:8, :8]).log_prob(y)
    slope = torch.linalg.solve(covariance[:8, :8], covariance[:8, 8])
    spread = (covariance[8, 8] - covariance[8, :8] @ slope).sqrt()
    of_mean = torch.distributions.Normal(mean[8] + (y - mean[:8]) @ slope, spread).log_prob(means)
    assert torch.allclose(log_prob_with_mean(log_prob, of_mean, 9), whole.log_prob(x))


def test_the_paper_s_two_columns_differ_by_a_constant():
    """Nats for 63 dim. and bit/px for 64 dim. of the poster's table; two rows are a nat off, which may be misprints."""
    nats = [152.1, 143.2, 155.2, 157.0, 155.3, 156.2, 155.1, 155.8, 156.2, 156.4, 158.1, 152.1, 154.5]
    bits = [3.346, 3.146, 3.416, 3.457, 3.418, 3.439, 3.413, 3.430, 3.439, 3.443, 3.481, 3.346, 3.400]
    of_mean = 0.50
    for nat, bit in zip(nats, bits, strict=True):
        found = log_prob_with_mean(torch.tensor(nat), torch.tensor(of_mean)) / 64 / math.log(2)
        assert found.item() == pytest.approx(bit, abs=0.0005 + 0.05 / 64 / math.log(2))


@pytest.mark.parametrize("symmetries", [(Symmetry(),), MIRRORED])
def test_integrates_to_one(symmetries: tuple[Symmetry, ...]):
    """Patches of one row of three pixels; the mirrored ensemble drops another pixel, and still does."""
    ensemble = Ensemble([some(2).double()], symmetries)
    line = torch.linspace(-60, 60, 481, dtype=torch.double)
    values = with_last(torch.cartesian_prod(line, line), 1, 3)
    density = ensemble.log_prob(values).exp()
    assert density.sum().item() * (line[1] - line[0]).item() ** 2 == pytest.approx(1, abs=1e-3)


@pytest.mark.parametrize("model", [some(63), patch_ride()])
def test_an_ensemble_is_never_below_the_mean_of_its_members(model: PatchMCGSM | PatchRIDE):
    ensemble, free = Ensemble([model]), without_mean(rugged(3, count=20))[0].float()
    each, found = ensemble.log_probs(free), ensemble.log_prob(free)
    assert each.std(0).min() > 0.1
    assert (found > each.mean(0)).all()
    assert torch.allclose(each[0], model.log_prob(free).sum((1, 2)))


@pytest.mark.parametrize("model", [some(63), patch_ride()])
def test_no_pixel_sees_those_after_it_and_the_last_is_not_counted(model: PatchMCGSM | PatchRIDE):
    free = without_mean(rugged(4, count=1))[0].float()
    changed = free.clone()
    changed[0, 3, 4] += 0.1
    before, after = model.log_prob(free), model.log_prob(changed)
    moved = (before != after).flatten()
    assert moved[28] and not moved[:28].any() and moved[29:63].any()
    assert not before[0, -1, -1] and not moved[63]


def test_a_patch_of_a_ride_knows_nothing_of_the_others():
    model, free = patch_ride(), without_mean(rugged(5, count=7))[0].float()
    alone = torch.cat([model.log_prob(each[None]) for each in free])
    assert torch.allclose(model.log_prob(free), alone, atol=1e-5)


def test_the_first_pixel_has_a_mixture_with_means_of_their_own():
    y = torch.cat([torch.linspace(-2.1, -1.9, 500), torch.linspace(1.9, 2.1, 500)])[:, None]
    model = linear(1)
    model.precondition(y, 0)
    mixture = model.mixture(0)
    assert mixture.level.item() == pytest.approx(0, abs=0.02) and mixture.spread.item() == pytest.approx(2, abs=0.1)
    mixture.predictors.fill_(0.5)
    shifted = torch.distributions.Normal(mixture.level + 0.5 * mixture.spread, mixture.spread)
    assert torch.allclose(model.log_prob_of(y, 0), shifted.log_prob(y[:, 0]), atol=1e-4)


def test_a_start_from_the_pixel_before_says_of_this_what_that_said():
    """Of samples that are the same at every distance, both have the same whitened neighbours but the furthest."""
    y = torch.randn(500, 6, generator=torch.Generator().manual_seed(6))
    model = some(6)
    model.start_from(3, 5)
    for dim in (3, 5):
        mixture = model.mixture(dim)
        mixture.centre.zero_()
        mixture.whitening.copy_(torch.eye(dim))
        mixture.slope.zero_()
        mixture.level.zero_()
        mixture.spread.fill_(1)
    assert torch.allclose(model.log_prob_of(y, 5), model.log_prob_of(y[:, 2:], 3), atol=1e-5)
    for source, dim in ((0, 2), (3, 3), (4, 2)):
        with pytest.raises(PredictionError, match="earlier"):
            model.start_from(source, dim)


def test_refuses_patches_of_another_size():
    with pytest.raises(PredictionError, match="4 pixels"):
        some(3).log_prob(torch.zeros(1, 3, 3))
    with pytest.raises(PredictionError, match="at least one"):
        PatchMCGSM(0)
