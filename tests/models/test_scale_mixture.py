"""The scale mixture against brute force, and what it gains on pictures whose contrast varies."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor
from torch.distributions import MultivariateNormal

import recon
from recon import Observation, hub, metrics
from recon.models import Gaussian, ScaleMixture

SIDE = 8


def pictures(count: int, seed: int = 0, contrast: float = 0.8, channels: int = 3) -> Tensor:
    """Smooth fields well inside [0, 1], each with a contrast of its own: log-normal, of that standard deviation."""
    generator = torch.Generator().manual_seed(seed)
    places = torch.cartesian_prod(torch.arange(SIDE), torch.arange(SIDE)).double()
    spatial = torch.exp(-torch.cdist(places, places) / 3)
    colours = 0.7 * torch.ones(channels, channels) + 0.3 * torch.eye(channels)
    mixing = torch.linalg.cholesky(torch.kron(colours.double(), spatial)).float()
    scale = (contrast * torch.randn(count, 1, generator=generator)).exp().sqrt()
    field = torch.randn(count, channels * SIDE**2, generator=generator) @ mixing.T
    return (0.5 + 0.06 * scale * field).view(count, channels, SIDE, SIDE).clamp(0.01, 0.99)


@pytest.fixture(scope="module")
def model() -> ScaleMixture:
    return ScaleMixture.fit(list(pictures(4000).split(500)), rank=3 * SIDE**2)


def observe(values: Tensor, size: int, seed: int = 0) -> Observation:
    mask = torch.zeros(SIDE**2, dtype=torch.bool)
    mask[torch.randperm(SIDE**2, generator=torch.Generator().manual_seed(seed))[:size]] = True
    return Observation(values, mask.view(1, 1, SIDE, SIDE).repeat(len(values), 1, 1, 1))


def plain(model: ScaleMixture) -> ScaleMixture:
    """The same with one scale for all pixels of a picture."""
    copy = ScaleMixture(side=SIDE, channels=3, even=model.even_half.shape[1], odd=model.odd_half.shape[1])
    copy.load_state_dict(model.state_dict())
    copy.log_kernel.copy_(torch.eye(copy.scales).clamp_min(1e-12).log())
    return copy


def log_density(model: ScaleMixture, values: Tensor, dims: Tensor) -> Tensor:
    """Of some dimensions, by torch's multivariate normal at every scale."""
    covariance = model.covariance()[dims][:, dims].double()
    residual = (values.flatten(1) - model.location).double()[:, dims]
    nothing = torch.zeros(len(dims), dtype=torch.float64)
    each = [MultivariateNormal(nothing, s * covariance).log_prob(residual) for s in model.log_scales.exp()]
    return torch.logsumexp(torch.stack(each, 1) + model.log_prior.double().log_softmax(0), 1)


def test_with_one_scale_it_is_the_gaussian(model):
    single = plain(model)
    single.log_prior.fill_(-1e4)
    single.log_prior[single.scales // 2] = 0
    gaussian = Gaussian(side=SIDE, channels=3, even=model.even_half.shape[1], odd=model.odd_half.shape[1])
    gaussian.load_state_dict(model.state_dict(), strict=False)
    values = pictures(3, seed=1)
    observation = observe(values, 20)
    one, other = single.predict(observation), gaussian.predict(observation)
    assert torch.allclose(one.mean, other.mean, atol=1e-5) and torch.allclose(one.variance, other.variance, rtol=1e-3)
    assert torch.allclose(one.log_mass(values).float(), other.log_mass(values).float(), atol=1e-2)


def test_the_pictures_scale_by_bayes_rule(model):
    observation = observe(pictures(4, seed=2), 9)
    ((_, evidence),) = model.evidence(observation)
    residual, known = evidence.residual, evidence.conditioned.observed
    covariance = model.covariance()[known][:, known].double()
    logs = [
        MultivariateNormal(torch.zeros(len(known)).double(), s * covariance).log_prob(residual[:, known].double())
        for s in model.log_scales.exp()
    ]
    expected = (torch.stack(logs, 1) + model.log_prior).softmax(1)
    assert torch.allclose(model.log_posterior(evidence).exp(), expected, atol=1e-4)


def test_a_hidden_pixel_by_brute_force(model):
    """With one scale a picture, the density of the last pixel is a ratio of two mixtures of Gaussians."""
    single, values = plain(model), pictures(2, seed=3)
    observation = observe(values, SIDE**2 - 1)
    (place,) = (~observation.mask[0].flatten()).nonzero()[:, 0].tolist()
    hidden = torch.arange(3) * SIDE**2 + place
    known = torch.tensor([d for d in range(3 * SIDE**2) if d % SIDE**2 != place])
    expected = log_density(single, values, torch.cat([known, hidden])) - log_density(single, values, known)
    found = single.predict(observation).log_prob(values).flatten(1)[:, place]
    assert torch.allclose(found, expected, atol=0.05)


def test_the_joint_density_is_a_ratio_of_two_mixtures(model):
    values = pictures(2, seed=3)
    observation = observe(values, 20)
    everything = torch.arange(3 * SIDE**2)
    known = everything[observation.mask[0].flatten().repeat(3)]
    expected = log_density(model, values, everything) - log_density(model, values, known)
    assert torch.allclose(model.log_likelihood(observation, values), expected, rtol=1e-3)


def test_it_tells_strong_contrast_from_weak(model):
    weak, strong = (0.5 + factor * (pictures(50, seed=4, contrast=0) - 0.5) for factor in (0.4, 2.5))
    spread = [model.predict(observe(values.clamp(0, 1), 16)).variance.sqrt().mean().item() for values in (weak, strong)]
    assert spread[1] > 3 * spread[0]


def test_it_beats_the_gaussian_and_its_intervals_hold(model):
    values = pictures(300, seed=5)
    gaussian = Gaussian(side=SIDE, channels=3, even=model.even_half.shape[1], odd=model.odd_half.shape[1])
    gaussian.load_state_dict(model.state_dict(), strict=False)
    observation = observe(values, 16)
    ours, theirs = model.predict(observation), gaussian.predict(observation)
    assert metrics.bits_per_dim(ours, values) < metrics.bits_per_dim(theirs, values) - 0.05
    assert metrics.psnr_db(ours.mean, values) == pytest.approx(metrics.psnr_db(theirs.mean, values), abs=0.02)
    assert metrics.coverage(ours, values) == pytest.approx(0.9, abs=0.02)


def test_joint_samples_have_the_predictions_marginals(model):
    observation = observe(pictures(1, seed=6), 12)
    drawn = model.sample_joint(observation, 4000, torch.Generator().manual_seed(0)).double()
    prediction = model.predict(observation)
    assert torch.equal(drawn[:1].float() * observation.mask, observation.values * observation.mask)
    error = (drawn.mean(0) - prediction.mean[0]).abs() / (prediction.variance[0] / 4000).sqrt().clamp_min(1e-4)
    assert error.max() < 5.5
    ratio = (drawn.var(0) / prediction.variance[0])[:, ~observation.mask[0, 0]]
    assert ratio.mean().item() == pytest.approx(1, abs=0.03) and ratio.min() > 0.8 and ratio.max() < 1.25
    low, high = prediction.interval(0.9)
    inside = ((drawn >= low) & (drawn <= high)).double().mean(0)[:, ~observation.mask[0, 0]]
    assert inside.mean().item() == pytest.approx(0.9, abs=0.01)


def test_joint_samples_agree_with_their_neighbours(model):
    observation = observe(pictures(1, seed=6), 3)
    drawn = model.sample_joint(observation, 500, torch.Generator().manual_seed(0))
    stray = (drawn - drawn.mean(0)).double()
    near = (stray[..., :-1] * stray[..., 1:]).mean() / stray.square().mean()
    assert near > 0.5, "what one pixel strays, the next does too"
    again = recon.sample(model, observation, count=3, seed=4)
    assert torch.equal(again, recon.sample(model, observation, count=3, seed=4))


def test_masks_of_a_batch_may_differ(model):
    values = pictures(3, seed=7)
    each = [observe(values[k : k + 1], 8 + k, seed=k) for k in range(3)]
    together = Observation(values, torch.cat([one.mask for one in each]))
    found = model.predict(together)
    for k, one in enumerate(each):
        alone = model.predict(one)
        assert torch.allclose(found.mean[k], alone.mean[0], atol=1e-5)
        assert torch.allclose(found.log_mass(values)[k], alone.log_mass(values[k : k + 1])[0], atol=1e-3)


def test_nothing_and_everything_observed(model):
    values = pictures(1, seed=8)
    nothing = model.predict(observe(values, 0))
    assert nothing.mean.isfinite().all() and (nothing.variance > 0).all()
    everything = model.predict(observe(values, SIDE**2))
    assert torch.equal(everything.mean, values) and not everything.variance.any()


def test_save_and_load(model, tmp_path):
    model.save_pretrained(tmp_path / "saved")
    config = tmp_path / "saved" / "config.json"
    assert '"scales": 15' in config.read_text()
    config.write_text(config.read_text().rstrip("}\n") + ', "checkpoint": {"kind": "scale_mixture"}}')
    back, observation = hub.read(tmp_path / "saved"), observe(pictures(1, seed=9), 10)
    model.forget()  # an extended factor rounds otherwise than one made at once
    assert torch.equal(back.predict(observation).mean, model.predict(observation).mean)
    assert math.isclose(back.log_prior.exp().sum().item(), 1, rel_tol=1e-5)
