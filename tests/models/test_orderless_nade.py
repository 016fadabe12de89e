"""Orderless NADE: it starts at the mean of two closed forms' logits, sees nothing hidden, and draws black and white."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

import recon
from recon import hub, metrics
from recon.distributions import Bernoulli
from recon.errors import PredictionError
from recon.models import BernoulliMixture, OrderlessNADE
from recon.training import loop
from recon.training.recipe import Training
from tests.models.test_scale_mixture import SIDE, observe

RANK = 40


def binary(count: int, seed: int = 0) -> Tensor:
    """A white rectangle each, on black."""
    generator = torch.Generator().manual_seed(seed)
    corner = torch.randint(0, 5, (count, 2, 1), generator=generator)
    size = torch.randint(2, 5, (count, 2, 1), generator=generator)
    places = torch.arange(SIDE)
    rows, columns = ((places >= corner) & (places < corner + size)).unbind(1)
    return (rows[:, None, :, None] & columns[:, None, None, :]).float()


@pytest.fixture(scope="module")
def fresh() -> OrderlessNADE:
    torch.manual_seed(0)
    model = OrderlessNADE(side=SIDE, channels=1, even=RANK, mirrored=False, shapes=20, width=8, blocks=1)
    model.prepare(binary(3000).split(500))
    return model


@pytest.fixture
def stirred(fresh) -> OrderlessNADE:
    """With weights that do something, as after training."""
    model = OrderlessNADE(side=SIDE, channels=1, even=RANK, mirrored=False, shapes=20, width=8, blocks=1)
    model.start_from(fresh)
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for weight in model.parameters():
            weight.add_(0.15 * torch.randn(weight.shape, generator=generator))
    return model


def test_it_starts_at_the_mean_of_two_logits(fresh):
    observation = observe(binary(20, seed=1), 16)
    found = fresh.predict(observation)
    assert isinstance(found.distribution, Bernoulli) and fresh.binary
    linear = fresh.condition(observation).location.clamp(0.01, 0.99).logit()
    shape = fresh.mixture.predict(observation).distribution.logits
    assert torch.allclose(found.distribution.logits, (linear + shape) / 2, atol=1e-5)


def test_the_closed_forms_are_fitted_to_the_pictures(fresh):
    again = BernoulliMixture.fit(binary(3000).split(500), 20)
    assert torch.equal(fresh.mixture.logits, again.logits)
    assert torch.allclose(fresh.base.location, binary(3000).flatten(1).mean(0), atol=1e-5)
    other = OrderlessNADE(side=SIDE, channels=1, even=SIDE**2 + 1, mirrored=False)
    with pytest.raises(PredictionError, match=f"{SIDE**2} even and 0 odd"):
        other.prepare(binary(500).split(100))


def test_hidden_pixels_do_not_matter(stirred):
    values = binary(3, seed=2)
    observation = observe(values, 10)
    other = torch.where(observation.mask, values, 1 - values)
    assert torch.equal(stirred(values, observation.mask), stirred(other, observation.mask))


def test_the_objective_is_the_loss_of_hidden_pixels(stirred):
    values = binary(6, seed=3)
    observation = observe(values, 10)
    found = stirred.objective(values, observation.mask, torch.Generator())
    bits = metrics.bits_per_dim(stirred.predict(observation), values)
    assert found.item() == pytest.approx(bits * torch.tensor(2.0).log().item(), rel=1e-4)


def test_training_helps(stirred, tmp_path):
    values = binary(200, seed=5)
    observation = observe(values, 16)
    before = metrics.bits_per_dim(stirred.predict(observation), values)
    recipe = Training(steps=60, batch=20, rate=1e-2, shared=True, clip=1.0)
    for _ in loop.run(stirred, (binary(600, seed=6) * 255).byte(), recipe, tmp_path / "state.safetensors"):
        pass
    assert metrics.bits_per_dim(stirred.predict(observation), values) < before - 0.05


def test_nothing_and_everything_observed(stirred):
    values = binary(1, seed=8)
    nothing = stirred.predict(observe(values, 0))
    assert nothing.mean.isfinite().all() and (nothing.variance > 0).all()
    everything = stirred.predict(observe(values, SIDE**2))
    assert torch.equal(everything.mean, values) and not everything.variance.any()


def test_joint_samples_are_black_and_white(stirred):
    observation = observe(binary(1, seed=9), 6)
    drawn = recon.sample(stirred, observation, count=3, seed=0, steps=8)
    assert set(drawn.unique().tolist()) <= {0.0, 1.0}
    assert torch.equal(drawn * observation.mask, (observation.values * observation.mask).expand_as(drawn))


def test_save_and_load(stirred, tmp_path):
    stirred.save_pretrained(tmp_path / "saved")
    config = tmp_path / "saved" / "config.json"
    config.write_text(config.read_text().rstrip("}\n") + ', "checkpoint": {"kind": "orderless_nade"}}')
    back, observation = hub.read(tmp_path / "saved"), observe(binary(1, seed=9), 10)
    stirred.base.forget()
    assert back.binary and torch.equal(back.predict(observation).mean, stirred.predict(observation).mean)
