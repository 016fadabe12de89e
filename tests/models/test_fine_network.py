"""The density network on a Gaussian by scale: layers that come from another side, and samples by a copula."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F

import recon
from recon import Observation, hub
from recon.models import MixtureDensity, ScaleMixture
from recon.models.copula import mixture_quantile
from recon.schedules import ORDERS
from recon.training import masks
from tests.models.test_detail import SIDE, fit, observe, pictures


@pytest.fixture(scope="module")
def base() -> ScaleMixture:
    return fit(ScaleMixture)


def network(base: ScaleMixture, seed: int = 1, copies: int = 0) -> MixtureDensity:
    """With weights that do something, as after training."""
    sizes = {"even": base.even_half.shape[1], "odd": base.odd_half.shape[1], "copies": copies}
    model = MixtureDensity(side=base.side, channels=3, width=8, blocks=1, components=3, fine=base.side == SIDE, **sizes)
    model.start_from(base)
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for weight in model.parameters():
            weight.copy_(0.15 * torch.randn(weight.shape, generator=generator))
    return model.eval()


@pytest.fixture(scope="module")
def coarse() -> ScaleMixture:
    return ScaleMixture.fit(F.avg_pool2d(pictures(600), 2).split(200), rank=40)


@pytest.mark.parametrize("copies", [0, 2])
def test_layers_come_from_a_network_of_another_side(base, coarse, copies):
    small, large = network(coarse, copies=copies), network(base, seed=2, copies=copies)
    large.start_from(small)
    for name, weight in small.named_parameters():
        assert torch.equal(weight, large.get_parameter(name)), name
    assert torch.equal(large.base.location, base.location) and torch.equal(large.base.even_half, base.even_half)
    other = MixtureDensity(side=base.side, channels=3, even=3, odd=3, width=16, fine=True)
    with pytest.raises(RuntimeError):
        other.start_from(small)


def test_calibration_conditions_on_one_patch_for_many_pictures(base, monkeypatch):
    model, values = network(base, copies=2), pictures(6, seed=9)
    seen = []
    condition = model.base.condition
    monkeypatch.setattr(model.base, "condition", lambda mask: seen.append(mask) or condition(mask))
    model.calibrate([values], masks.orders(6, SIDE, torch.Generator().manual_seed(1)))
    assert len(seen) == len(model.temperatures) and all(one.ndim == 1 for one in seen)
    assert (model.temperatures != 1).any()


def test_samples_have_the_networks_marginals(base):
    model = network(base)
    observation = observe(pictures(1, seed=3), 30)
    drawn = model.sample_joint(observation, 1500, torch.Generator().manual_seed(0)).double()
    prediction, hidden = model.predict(observation), ~observation.mask[0, 0]
    assert torch.equal(drawn[:1].float() * observation.mask, observation.values * observation.mask)
    error = (drawn.mean(0) - prediction.mean[0]).abs() / (prediction.variance[0] / 1500).sqrt().clamp_min(1e-5)
    assert error[:, hidden].max() < 6
    ratio = (drawn.var(0) / prediction.variance[0])[:, hidden]
    assert ratio.mean().item() == pytest.approx(1, abs=0.04) and ratio.min() > 0.7 and ratio.max() < 1.4
    low, high = prediction.interval(0.8)
    inside = ((drawn >= low) & (drawn <= high)).double().mean(0)[:, hidden]
    assert inside.mean().item() == pytest.approx(0.8, abs=0.015)


def test_samples_agree_as_the_closed_forms_do(base):
    observation = observe(pictures(1, seed=3), 10)

    def nearness(joint: torch.Tensor) -> float:
        stray = ((joint - joint.mean(0)) / joint.std(0).clamp_min(1e-4)).double()
        return (stray[..., :-1] * stray[..., 1:]).mean().item()

    each = [
        nearness(model.sample_joint(observation, 400, torch.Generator().manual_seed(0)))
        for model in (network(base), base)
    ]
    assert each[1] > 0.3 and each[0] == pytest.approx(each[1], abs=0.15)


def test_they_are_drawn_at_once(base, monkeypatch):
    model, observation = network(base), observe(pictures(1, seed=4), 12)
    assert model.copula and not model.exact_joint
    one = recon.sample(model, observation, count=3, seed=4)
    assert torch.equal(one, recon.sample(model, observation, count=3, seed=4, order=next(iter(ORDERS)), steps=7))
    calm = recon.sample(model, observation, count=3, seed=4, temperature=0.1)
    assert calm.var(0).mean() < 0.5 * one.var(0).mean()
    nothing = Observation(torch.zeros(1, 3, SIDE, SIDE), torch.zeros(1, 1, SIDE, SIDE, dtype=torch.bool))
    assert recon.sample(model, nothing, count=2).isfinite().all()


def test_quantiles():
    weights = torch.tensor([0.2, 0.5, 0.3]).view(1, 3, 1)
    means, scales = torch.tensor([-1.0, 0.5, 4.0]).view(1, 3, 1), torch.tensor([0.3, 2.0, 0.1]).view(1, 3, 1)
    normal = torch.linspace(-4, 4, 41)[None]
    found = mixture_quantile(weights.log(), means, scales, normal)
    below = (weights * torch.special.ndtr((found[:, None] - means) / scales)).sum(1)
    assert torch.allclose(below, torch.special.ndtr(normal), atol=1e-4) and (found.diff() > 0).all()


def test_it_is_kept_and_read(base, tmp_path):
    model = network(base)
    model.save_pretrained(tmp_path / "saved")
    config = tmp_path / "saved" / "config.json"
    config.write_text(config.read_text().rstrip("}\n") + ', "checkpoint": {"kind": "mixture_density"}}')
    back, observation = hub.read(tmp_path / "saved"), observe(pictures(1, seed=9), 10)
    model.base.forget()  # an extended factor rounds otherwise than one made at once
    assert back.copula and torch.equal(back.predict(observation).mean, model.predict(observation).mean)
