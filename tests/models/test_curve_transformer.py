"""A transformer of curves: its law, its samples, what it stands on, and its calibration."""

import math

import pytest
import torch

from recon import hub
from recon.curves import sextics
from recon.curves.answer import answer
from recon.curves.gaussian_process import GaussianProcess, of_sextics
from recon.errors import PredictionError
from recon.models import CurveTransformer

TINY = {"width": 16, "heads": 2, "encoder_layers": 1, "decoder_layers": 1, "hidden": 24, "frequencies": 5}
QUERIES = torch.linspace(-1, 1, 30)


def model(stands=True, **options):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return CurveTransformer(transformer=TINY | {"dropout": 0.0} | options, stands=stands).requires_grad_(False)


def points(count=3, size=5, seed=0):
    generator = torch.Generator().manual_seed(seed)
    curves = sextics.draw(count, generator)
    return sextics.observed(curves, torch.full((count,), size), QUERIES[:, None].expand(count, -1, -1), generator)


def law(found, told):
    return found.law(*told.known)


@pytest.mark.parametrize("stands", [True, False])
def test_its_density_integrates_to_one(stands):
    found, told = model(stands), points(1)
    values = torch.linspace(-30, 30, 200_001)
    said = found.law(told.positions, told.values, told.present, torch.tensor([[[0.3]]]))
    density = said.log_prob(values[:, None, None]).exp()[:, 0]
    assert abs(torch.trapezoid(density, values).item() - 1) < 1e-3


def test_silent_it_says_what_it_stands_on():
    found, told = model(), points()
    found.transformer.head.weight.zero_()
    said = law(found, told)
    posterior = GaussianProcess(of_sextics).posterior(*told.known)
    assert torch.allclose(said.mean[..., 0].double(), posterior.mean, atol=1e-4)
    assert torch.allclose(said.variance[..., 0].double(), posterior.variance, rtol=0.02, atol=1e-6)


@pytest.mark.parametrize("stands", [True, False])
def test_neither_order_nor_padding_matters(stands):
    found, told = model(stands), points()
    order = torch.randperm(5, generator=torch.Generator().manual_seed(1))
    turned = found.law(told.positions[:, order], told.values[:, order], told.present, told.queries)
    more = torch.tensor([[0.5, 7.0]]).expand(3, -1)
    positions, values = torch.cat([told.positions, more[..., None]], 1), torch.cat([told.values, more], 1)
    present = torch.cat([told.present, torch.zeros(3, 2, dtype=torch.bool)], 1)
    longer = found.law(positions, values, present, told.queries)
    for other in (turned, longer):
        assert torch.allclose(other.mean, law(found, told).mean, atol=1e-4)
        assert torch.allclose(other.log_scales, law(found, told).log_scales, atol=1e-3)


def test_calibrated_bands_hold_their_share():
    found = model(stands=False)
    told = points(400, 6)
    found.calibrate(told, 0.8)
    said = law(found, told)
    wide = 1.2816 * said.variance[..., 0].sqrt()
    assert abs(((told.truth - said.mean[..., 0]).abs() <= wide).double().mean().item() - 0.8) < 0.01
    assert found.widen != 1


def test_a_sample_goes_through_the_points_and_samples_differ_between_them():
    found = model()
    found.transformer.head.weight.zero_()  # the closed form, whose samples are known
    x, y = torch.tensor([-0.6, 0.2]), torch.tensor([0.4, -0.3])
    queries = torch.cat([x, torch.tensor([-1.0, 0.9])])
    drawn = found.sample(x[:, None], y, queries[:, None], 300, torch.Generator().manual_seed(0))
    again = found.sample(x[:, None], y, queries[:, None], 300, torch.Generator().manual_seed(0))
    assert torch.equal(drawn, again) and drawn.shape == (300, 4)
    assert (drawn[:, :2] - y).abs().max() < 6 * sextics.NOISE
    present = torch.ones(1, 2, dtype=torch.bool)
    exact = GaussianProcess(of_sextics).posterior(x[None, :, None], y[None], present, queries[None, :, None])
    assert torch.allclose(drawn[:, 2:].mean(0).double(), exact.mean[0, 2:], atol=0.15)
    assert torch.allclose(drawn[:, 2:].std(0).double(), exact.variance[0, 2:].sqrt(), rtol=0.15)


def test_what_it_cannot_take():
    told = points()
    with pytest.raises(PredictionError, match="position"):
        model().law(told.positions[:, :3], told.values, told.present, told.queries)


def test_training_lowers_its_objective(generator):
    found = model(stands=False).requires_grad_(True)
    optimiser = torch.optim.Adam(found.parameters(), lr=5e-3)
    losses = []
    for _ in range(250):
        curves = sextics.draw(32, generator)
        sizes = torch.randint(1, 12, (32,), generator=generator)
        queries = 2 * torch.rand(32, 10, 1, generator=generator) - 1
        loss = found.objective(sextics.observed(curves, sizes, queries, generator), generator)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    assert sum(losses[-10:]) < sum(losses[:10]) - 3 and math.isfinite(losses[-1])


@pytest.mark.parametrize("name", ["curves", "curves-paper"])
def test_the_bundled_ones_know_sextics(name):
    found = hub.load_signal(name, CurveTransformer)
    told = points(100, 10, seed=9)
    said = law(found, told)
    error = (said.mean[..., 0] - told.truth).abs().mean()
    assert error < 0.1
    held = ((told.truth - said.mean[..., 0]).abs() < 1.645 * said.variance[..., 0].sqrt()).double().mean()
    assert 0.85 < held < 0.95
    one = answer(found, told.positions[0, :, 0], told.values[0], QUERIES, count=4)
    assert one.samples.shape == (4, 30) and (one.samples - one.mean).abs().mean() < 0.2
