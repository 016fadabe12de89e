"""Gaussian processes against the textbook's formulas, written out plainly."""

import numpy as np
import pytest
import torch

from recon.curves import sextics
from recon.curves.answer import MOST, answer, usual
from recon.curves.gaussian_process import GaussianProcess, fitted_rbf, of_sextics, rbf
from recon.errors import ObservationError

QUERIES = torch.linspace(-1, 1, 40)


def drawn(count, size, seed=0):
    generator = torch.Generator().manual_seed(seed)
    curves = sextics.draw(count, generator)
    return sextics.observed(curves, torch.full((count,), size), QUERIES[:, None].expand(count, -1, -1), generator)


@pytest.mark.parametrize("kernel", [of_sextics, rbf(0.7, 0.3)])
def test_the_posterior_is_the_textbooks(kernel):
    points = drawn(1, 7)
    x, y, q = points.positions[0].double(), points.values[0].double(), QUERIES[:, None].double()
    inner = kernel(x, x) + sextics.NOISE**2 * torch.eye(7)
    weights = kernel(q, x) @ torch.linalg.inv(inner)
    found = GaussianProcess(kernel).posterior(*points.known)
    assert torch.allclose(found.mean[0], weights @ y, atol=1e-4)
    assert torch.allclose(found.covariance[0], kernel(q, q) - weights @ kernel(x, q), atol=1e-4)
    likely = torch.distributions.MultivariateNormal(torch.zeros(7, dtype=torch.float64), inner).log_prob(y)
    nats = GaussianProcess(kernel).log_evidence(points.positions, points.values, points.present)
    assert torch.allclose(nats[0], likely, atol=1e-3)


def test_what_is_absent_is_not_looked_at():
    process, points = GaussianProcess(of_sextics), drawn(2, 6)
    present = points.present.clone()
    present[0, 4:] = False
    values = torch.where(present, points.values, torch.nan)
    found = process.posterior(points.positions, values, present, points.queries)
    fewer = process.posterior(points.positions[:1, :4], values[:1, :4], present[:1, :4], points.queries[:1])
    assert torch.allclose(found.mean[0], fewer.mean[0]) and torch.allclose(found.covariance[0], fewer.covariance[0])


def test_the_sextics_own_covariance_is_what_they_have():
    values = sextics.values_at(
        sextics.draw(40_000, torch.Generator().manual_seed(1)), QUERIES[:, None].expand(40_000, -1, -1)
    )
    covariance = of_sextics(QUERIES[:, None], QUERIES[:, None])
    assert (values.T.cov() - covariance).abs().max() < 0.02 * covariance.abs().max()


def test_samples_have_the_posteriors_mean_and_spread():
    posterior = GaussianProcess(of_sextics).posterior(*drawn(1, 4).known)
    samples = posterior.sample(20_000, torch.Generator().manual_seed(0))[:, 0]
    assert (samples.mean(0) - posterior.mean[0]).abs().max() < 0.03
    assert (samples.var(0) / posterior.variance[0] - 1).abs().max() < 0.06


def test_the_fitted_kernel_is_likelier_than_others():
    points = drawn(200, 10)
    best = fitted_rbf(points)
    told = [points.positions, points.values, points.present]
    others = [GaussianProcess(rbf(scale, length)) for scale, length in ((0.7, 0.5), (0.7, 0.1), (0.3, 0.2), (2, 0.2))]
    nats = [process.log_evidence(*told).mean().item() for process in (best, *others)]
    assert nats[0] == max(nats)


def test_bands_hold_what_they_say_where_the_process_is_right():
    points = drawn(300, 8, seed=3)
    posterior = GaussianProcess(of_sextics).posterior(*points.known)
    held = ((points.truth - posterior.mean).abs() < 1.645 * posterior.variance.sqrt()).double().mean().item()
    assert 0.88 < held < 0.93


def test_an_answer_has_bands_and_samples_and_the_same_seed_gives_the_same():
    x, y = torch.tensor([-0.5, 0.1]), torch.tensor([0.3, -0.2])
    first, again, other = (answer(usual(), x, y, QUERIES, count=3, seed=seed) for seed in (1, 1, 2))
    assert torch.equal(first.samples, again.samples) and not torch.equal(first.samples, other.samples)
    assert first.samples.shape == (3, 40)
    low, high = first.band(0.9)
    inner = first.band(0.5)
    assert (low < inner[0]).all() and (inner[1] < high).all()
    assert torch.allclose((low + high) / 2, first.mean)
    nothing = answer(usual(), torch.zeros(0), torch.zeros(0), QUERIES)
    assert nothing.samples.shape == (0, 40) and np.allclose(nothing.mean, 0)


@pytest.mark.parametrize(
    ("positions", "values", "says"),
    [
        ([0.0], [0.0, 1.0], "a position and a value"),
        ([1.5], [0.0], "between"),
        ([0.0], [9.0], "between"),
        ([float("nan")], [0.0], "two numbers"),
        ([0.0], [float("inf")], "two numbers"),
        ([0.0] * (MOST + 1), [0.0] * (MOST + 1), f"{MOST} points"),
    ],
)
def test_what_are_no_points(positions, values, says):
    with pytest.raises(ObservationError, match=says):
        answer(usual(), torch.tensor(positions), torch.tensor(values), QUERIES)
