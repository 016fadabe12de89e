"""The mixture density network: it starts as the closed form, sees nothing hidden, and its bound is a bound."""

from __future__ import annotations

import copy

import pytest
import torch

from recon import Observation, hub, metrics
from recon.errors import PredictionError
from recon.models import MixtureDensity, ScaleMixture
from recon.training import loop
from recon.training.recipe import Training
from tests.models.test_scale_mixture import SIDE, observe, pictures


@pytest.fixture(scope="module")
def base() -> ScaleMixture:
    return ScaleMixture.fit(list(pictures(3000).split(500)), rank=3 * SIDE**2)


def fresh(base: ScaleMixture, **options) -> MixtureDensity:
    sizes = {"even": base.even_half.shape[1], "odd": base.odd_half.shape[1]}
    torch.manual_seed(0)
    model = MixtureDensity(side=SIDE, channels=3, width=8, blocks=1, components=3, **sizes, **options)
    model.start_from(base)
    return model


def stirred(base: ScaleMixture) -> MixtureDensity:
    """With weights that do something, as after training."""
    model = fresh(base)
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for weight in model.parameters():
            weight.add_(0.15 * torch.randn(weight.shape, generator=generator))
    return model


def test_it_starts_near_the_closed_form(base):
    values = pictures(100, seed=1)
    observation = observe(values, 16)
    network, closed = fresh(base).predict(observation), base.predict(observation)
    assert (network.mean - closed.mean).abs().mean() < 1e-3  # but for what wide tails lose to clipping
    bits = [metrics.bits_per_dim(prediction, values) for prediction in (network, closed)]
    assert bits[0] == pytest.approx(bits[1], abs=0.35)


def test_hidden_pixels_do_not_matter(base):
    model, values = stirred(base), pictures(2, seed=2)
    observation = observe(values, 10)
    other = torch.where(observation.mask, values, torch.rand(values.shape))
    one, two = model(values, observation.mask), model(other, observation.mask)
    assert torch.equal(one, two)


def test_the_bound_is_one_and_tight(base):
    """Its mean over the noise is not below -log P of the exact levels, and above it only where densities are sharp."""
    model, values = stirred(base), pictures(4, seed=3)
    values[:, :, 2] = 1.0  # saturated pixels are part of it
    values[:, :, 5] = 0.0
    values = (values * 255).round() / 255
    observation = observe(values, 10)
    with torch.no_grad():
        known = model.condition(observation)
        mixture = model.split(model.network(model.features(observation, known)), known)
        noise = torch.Generator().manual_seed(0)
        draws = [
            model.bound(values, known, mixture, torch.rand(values.shape, generator=noise) - 0.5) for _ in range(300)
        ]
    bound = torch.stack(draws).double().mean(0)
    exact = -model.predict(observation).distribution.log_mass(values)
    hidden = ~observation.mask[:, 0]
    inner = hidden.clone()
    inner[:, [2, 5]] = False
    assert (bound - exact)[inner].min() > -0.05, "Monte Carlo error apart"
    assert (bound - exact)[inner].mean() < 0.05
    ends = hidden & ~inner
    assert torch.allclose(bound[ends], exact[ends], atol=1e-3), "black and white have their mass itself"


def test_the_distribution_is_what_training_sees(base):
    model, values = stirred(base), pictures(2, seed=4)
    values = (values * 255).round() / 255
    observation = observe(values, 10)
    with torch.no_grad():
        known = model.condition(observation)
        mixture = model.split(model.network(model.features(observation, known)), known)
        density = -model.bound(values, known, mixture, torch.zeros_like(values)) + 3 * torch.tensor(255.0).log()
    found = model.predict(observation).distribution.log_prob(values)
    assert torch.allclose(found.float(), density, atol=2e-2, rtol=1e-3)


def test_leave_one_out(base):
    observation = observe(pictures(3, seed=5), 6)
    ((_, evidence),) = base.evidence(observation)
    conditioned, residual, found = evidence.conditioned, evidence.residual, evidence.left_out
    assert not found[:, conditioned.hidden].any()
    covariance = base.covariance().double()
    for left in conditioned.observed[[0, 7, 17]].tolist():
        others = conditioned.observed[conditioned.observed != left]
        weights = torch.linalg.solve(covariance[others][:, others], covariance[others, left])
        expected = residual[:, left].double() - residual[:, others].double() @ weights
        expected = expected / (covariance[left, left] - covariance[left, others] @ weights).sqrt()
        assert torch.allclose(found[:, left].double(), expected, atol=1e-2)


def test_all_of_a_model_made_single_answers_as_before(base):
    model, observation = fresh(base), observe(pictures(2, seed=5), 6)
    expected = model.predict(observation)
    assert torch.allclose(model.float().predict(observation).variance, expected.variance, atol=1e-6)


def test_training_helps(base, tmp_path):
    images = (pictures(600, seed=6) * 255).round().byte()
    model, values = fresh(base), pictures(100, seed=7)
    observation = observe(values, 16)
    before = metrics.bits_per_dim(model.predict(observation), values)
    recipe = Training(steps=60, batch=20, rate=3e-3, shared=True, clip=1.0, start="x")
    for _ in loop.run(model, images, recipe, tmp_path / "state.safetensors"):
        pass
    assert metrics.bits_per_dim(model.predict(observation), values) < before - 0.05


def test_nothing_and_everything_observed(base):
    model, values = stirred(base), pictures(1, seed=8)
    nothing = model.predict(observe(values, 0))
    assert nothing.mean.isfinite().all() and (nothing.variance > 0).all()
    everything = model.predict(observe(values, SIDE**2))
    assert torch.equal(everything.mean, values) and not everything.variance.any()


def test_save_load_and_go_on(base, tmp_path):
    model = stirred(base)
    model.save_pretrained(tmp_path / "saved")
    config = tmp_path / "saved" / "config.json"
    config.write_text(config.read_text().rstrip("}\n") + ', "checkpoint": {"kind": "mixture_density"}}')
    back, observation = hub.read(tmp_path / "saved"), observe(pictures(1, seed=9), 10)
    model.base.forget()  # an extended factor rounds otherwise than one made at once
    assert torch.equal(back.predict(observation).mean, model.predict(observation).mean)
    further = fresh(base)
    further.start_from(back)
    assert torch.equal(further.predict(observation).mean, model.predict(observation).mean)


def test_observations_that_differ_in_mask(base):
    model, values = stirred(base), pictures(2, seed=10)
    masks = torch.cat([observe(values[:1], 8, seed=1).mask, observe(values[:1], 20, seed=2).mask])
    together = model.predict(Observation(values, masks))
    for k in range(2):
        alone = model.predict(Observation(values[k : k + 1], masks[k : k + 1]))
        assert torch.allclose(together.mean[k], alone.mean[0], atol=1e-5)


@pytest.fixture(scope="module")
def digits() -> torch.Tensor:
    """Grey pictures of which about half is exactly black and some exactly white, with a border that always is black."""
    grey = ((pictures(3000, channels=1) - 0.5) * 6).clamp(0, 1)
    grey[:, :, 0] = grey[:, :, -1] = 0.0
    return (grey * 255).round() / 255


@pytest.fixture(scope="module")
def with_ends(digits) -> MixtureDensity:
    base = ScaleMixture.fit(list(digits.split(500)), rank=SIDE**2, mirrored=False)
    torch.manual_seed(0)
    sizes = {"even": base.even_half.shape[1], "mirrored": False}
    model = MixtureDensity(side=SIDE, channels=1, width=8, blocks=1, components=3, ends=True, **sizes)
    model.start_from(base)
    with torch.no_grad():
        for weight in model.parameters():
            weight.add_(0.1 * torch.randn(weight.shape, generator=torch.Generator().manual_seed(1)))
    return model


def test_ends_stand_at_black_and_white_whatever_the_closed_form_says(with_ends, digits):
    network = copy.deepcopy(with_ends)
    torch.nn.init.zeros_(network.head.weight)
    torch.nn.init.zeros_(network.head.bias)
    found = network.predict(observe(digits[:5], 10)).distribution
    assert found.log_weights.shape[1] == 5
    for k, place in ((3, 0.0), (4, 1.0)):
        assert torch.allclose(found.location[:, k], torch.full_like(found.location[:, k], place), atol=1e-4)
        assert torch.allclose(found.scale[:, k], torch.full_like(found.scale[:, k], 4 / 255), rtol=1e-3)


def test_with_ends_training_sees_what_is_predicted(with_ends, digits):
    observation = observe(digits[:40], 10)
    known = with_ends.condition(observation)
    mixture = with_ends.split(with_ends.network(with_ends.features(observation, known)), known)
    with torch.no_grad():
        mean = with_ends.mean(known, mixture)
        bound = with_ends.bound(digits[:40], known, mixture, torch.zeros_like(digits[:40]))
    prediction = with_ends.predict(observation)
    assert torch.equal(mean, prediction.distribution.mean)
    exact = -prediction.distribution.log_mass(digits[:40])
    saturated = ((digits[:40] == 0) | (digits[:40] == 1))[:, 0]
    assert torch.allclose(bound[saturated].double(), exact[saturated], atol=1e-3)


def test_with_ends_no_level_is_impossible(with_ends, digits):
    distribution = with_ends.predict(observe(digits[:5], 10)).distribution
    for row, column in ((0, 3), (4, 4)):  # black in every picture, and not
        masses = distribution.level_masses(row, column)
        assert masses.sum() == pytest.approx(1) and masses.min() > 1e-10


def test_ends_learn_black(with_ends, digits, tmp_path):
    model, values = copy.deepcopy(with_ends), digits[:100]
    observation = observe(values, 16)
    closed = metrics.bits_per_dim(model.base.predict(observation), values)
    recipe = Training(steps=100, batch=20, rate=3e-3, shared=True, clip=1.0, start="x")
    for _ in loop.run(model, (digits * 255).round().byte(), recipe, tmp_path / "state.safetensors"):
        pass
    found = model.predict(observation)
    assert metrics.bits_per_dim(found, values) < closed - 0.1
    assert metrics.psnr_db(found.mean, values) > metrics.psnr_db(model.base.predict(observation).mean, values)
    assert found.distribution.level_masses(0, 3)[0, 0] > 0.95


def test_colour_has_no_ends():
    with pytest.raises(PredictionError, match="grey"):
        MixtureDensity(side=SIDE, channels=3, even=1, ends=True)
