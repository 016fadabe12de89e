"""Distributions at the ends of what numbers can hold: sharp, flat, far away."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
import torch
from scipy import integrate, stats

from recon import distributions
from recon.distributions import Beta, Gaussian, GaussianMixture

SHAPES = [1e-6, 1e-3, 0.1, 1.0, 30.0, 1e4, 1e6]


@pytest.mark.parametrize(("alpha", "beta"), list(itertools.product(SHAPES, SHAPES)))
def test_beta_with_extreme_shapes(alpha, beta, generator):
    distribution = Beta(*(torch.full((1, 1, 1, 1), shape) for shape in (alpha, beta)))
    masses = distribution.level_masses(0, 0)
    assert masses.sum().item() == pytest.approx(1, abs=1e-9) and masses.isfinite().all()
    logs = torch.stack([distribution.log_mass(torch.full((1, 1, 1, 1), k / 255)) for k in range(256)])
    assert logs.isfinite().all() and logs.exp().sum().item() == pytest.approx(1, abs=1e-9)
    for value in (0.0, 0.3, 1.0):
        assert distribution.log_prob(torch.full((1, 1, 1, 1), value)).isfinite().all()
    mean, variance = stats.beta.stats(alpha, beta)
    assert distribution.mean.item() == pytest.approx(float(mean), rel=1e-4)
    assert distribution.variance.item() == pytest.approx(float(variance), rel=1e-4)
    draws = Beta(*(torch.full((2000, 1, 1, 1), shape) for shape in (alpha, beta))).sample(generator)
    assert draws.isfinite().all() and draws.min() >= 0 and draws.max() <= 1
    error = 5 * math.sqrt(distribution.variance.item() / 2000) + 1e-6
    assert draws.double().mean().item() == pytest.approx(distribution.mean.item(), abs=error)
    low, high = distribution.interval(0.9)
    assert 0 <= low.item() <= high.item() <= 1


def test_a_sharp_betas_density_keeps_its_digits():
    alpha, beta, value = 3e4, 2e4, 0.6
    found = Beta(*(torch.full((1, 1, 1, 1), x) for x in (alpha, beta))).log_prob(torch.full((1, 1, 1, 1), value))
    assert found.item() == pytest.approx(stats.beta.logpdf(np.float32(value), alpha, beta), abs=1e-4)


def test_the_clamp_of_the_beta_density():
    """At the clamp Beta(.5, .5) earns 4.6 nats, and Beta(2, 3) loses 9: whoever reports them must name it."""
    for shapes, nats in (((0.5, 0.5), 4.61), ((2.0, 3.0), -9.03)):
        distribution = Beta(*(torch.full((1, 1, 1, 1), shape) for shape in shapes))
        ends = [distribution.log_prob(torch.full((1, 1, 1, 1), x)) for x in (0.0, 1e-6, 1e-5)]
        assert ends[0].item() == pytest.approx(nats, abs=0.01)
        assert ends[0].equal(ends[1]) and torch.allclose(ends[1], ends[2], atol=1e-4)
        assert ends[0].item() == pytest.approx(stats.beta.logpdf(1e-5, *shapes), abs=1e-4)
        wider = Beta(distribution.alpha, distribution.beta, clamp=1e-2).log_prob(torch.zeros(1, 1, 1, 1))
        assert wider.item() == pytest.approx(stats.beta.logpdf(1e-2, *shapes), abs=1e-4)


@pytest.mark.parametrize("scale", [1e-5, 1e-3, 1.0, 30.0, 1e3])
@pytest.mark.parametrize("location", [-3.0, 0.0, 0.5, 1.0, 20.0])
def test_gaussians_with_extreme_parameters(location, scale):
    one = torch.full((1, 1, 1, 1), location)
    alike = [
        Gaussian(one, torch.full((1, 1, 1, 1, 1), scale)),
        GaussianMixture(torch.zeros(1, 1, 1, 1, 1), one[None], torch.full((1, 1, 1, 1, 1), scale).log()),
    ]
    edges = (np.arange(255) + 0.5) / 255
    expected = np.diff(stats.norm.cdf(edges, location, scale), prepend=0, append=1)
    for distribution in alike:
        logs = torch.cat([distribution.log_mass(torch.full((1, 1, 1, 1), k / 255)) for k in range(256)]).flatten()
        assert logs.isfinite().all()
        np.testing.assert_allclose(logs.exp(), expected, atol=1e-5)
        assert logs.exp().sum().item() == pytest.approx(1, abs=1e-9)
        np.testing.assert_allclose(distribution.level_masses(0, 0)[0], expected, atol=1e-5)
        assert 0 <= distribution.mean.item() <= 1 and 0 <= distribution.variance.item() <= 0.2501


def test_masses_far_in_the_tails_keep_their_digits():
    gaussian = Gaussian(torch.zeros(1, 1, 1, 1), torch.full((1, 1, 1, 1, 1), 0.01))
    for level in (20, 200, 255):
        low, high = (level - 0.5) / 255 / np.float32(0.01), (level + 0.5) / 255 / np.float32(0.01)
        upper = stats.norm.logsf(high) if level < 255 else -np.inf
        expected = stats.norm.logsf(low) + np.log1p(-np.exp(upper - stats.norm.logsf(low)))
        found = gaussian.log_mass(torch.full((1, 1, 1, 1), level / 255)).item()
        assert found == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize(("alpha", "beta", "level"), [(2, 80, 230), (80, 2, 25), (2, 80, 255), (80, 2, 0)])
def test_masses_far_in_a_betas_tails_keep_their_digits(alpha, beta, level):
    low, high = max(level - 0.5, 0) / 255, min(level + 0.5, 255) / 255
    expected, _ = integrate.quad(stats.beta(alpha, beta).pdf, low, high, epsabs=0)
    distribution = Beta(*(torch.full((1, 1, 1, 1), float(shape)) for shape in (alpha, beta)))
    found = distribution.log_mass(torch.full((1, 1, 1, 1), level / 255)).item()
    assert found == pytest.approx(math.log(expected), rel=1e-6)


@pytest.mark.parametrize(("location", "scale"), [(0.5, 0.1), (0.0, 0.2), (1.1, 0.05), (-0.4, 0.5), (0.9, 1e-3), (2, 3)])
def test_clipped_moments_against_integration(location, scale):
    points = np.linspace(0, 1, 400_001)
    density = stats.norm.pdf(points, location, scale)
    above = stats.norm.sf(1, location, scale)
    first = integrate.trapezoid(points * density, points) + above
    spread = integrate.trapezoid((points - first) ** 2 * density, points)
    spread += (1 - first) ** 2 * above + first**2 * stats.norm.cdf(0, location, scale)
    gaussian = Gaussian(torch.full((1, 1, 1, 1), float(location)), torch.full((1, 1, 1, 1, 1), scale))
    assert gaussian.mean.item() == pytest.approx(first, abs=1e-6)
    assert gaussian.variance.item() == pytest.approx(spread, rel=1e-3)
    assert gaussian.variance.dtype == gaussian.mean.dtype == torch.float32


@pytest.mark.parametrize(
    ("location", "scale"),
    [(-0.5, 0.1), (-2, 0.1), (3, 0.3), (-1e4, 0.1), (100, 0.3), (0.3, 3.9), (-3, 1e3), (0.5, 1e-4)],
)
def test_clipped_moments_where_next_to_nothing_is_left(location, scale):
    """Also far outside, where two large numbers nearly cancel: to a hundredth of a level, and never below 0."""

    def moment(power: int) -> float:
        corners = [min(max(at, -38), 38) for at in (-location / scale, (1 - location) / scale)]
        inner = lambda z: min(max(location + scale * z, 0), 1) ** power * stats.norm.pdf(z)  # noqa: E731
        return integrate.quad(inner, -39, 39, points=sorted({*corners, 0.0}), limit=500, epsabs=1e-13)[0]

    gaussian = Gaussian(torch.full((1, 1, 1, 1), float(location)), torch.full((1, 1, 1, 1, 1), scale))
    first, second = (each.item() for each in gaussian.moments)
    assert first == pytest.approx(moment(1), abs=1e-6) and second - first**2 >= -1e-12
    expected = math.sqrt(max(moment(2) - moment(1) ** 2, 0))
    assert math.sqrt(gaussian.variance.item()) == pytest.approx(expected, rel=1e-3, abs=5e-5)


def test_log_normal_mass():
    low = torch.tensor([-1.0, 3.0, -40.0, 39.0, -1e6, 1e-3], dtype=torch.float64)
    high = torch.tensor([1.0, 4.0, -39.0, 40.0, 1e6, 2e-3], dtype=torch.float64)
    found = distributions.log_normal_mass(low, high)
    assert found.isfinite().all() and found[4] == 0
    assert found[0].item() == pytest.approx(math.log(stats.norm.cdf(1) - stats.norm.cdf(-1)))
    assert found[1].item() == pytest.approx(math.log(stats.norm.sf(3) - stats.norm.sf(4)))
    assert found[2].item() == pytest.approx(found[3].item())
    assert found[3].item() == pytest.approx(stats.norm.logsf(39), abs=1e-3)
    assert found[5].item() == pytest.approx(math.log(1e-3 * stats.norm.pdf(1.5e-3)), abs=1e-6)
