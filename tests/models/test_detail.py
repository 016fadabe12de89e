"""A Gaussian by scale against the covariance that it stands for, formed whole: pictures here are small."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from recon import Observation, acquisition, hub, metrics
from recon.errors import PredictionError
from recon.models import Gaussian, ScaleMixture, conditioned
from recon.models.conditioned import ROUNDING, Conditioned, solve, thinned
from recon.models.detail import ByScale

SIDE = 16
DIMS = 3 * SIDE**2


def pictures(count: int, seed: int = 0) -> Tensor:
    """Blurred noise, rougher on the right, with channels that go together."""
    generator = torch.Generator().manual_seed(seed)
    noise = torch.randn(count, 4, SIDE + 8, SIDE + 8, generator=generator)
    wide, near = (F.avg_pool2d(noise, size, 1)[:, :, :SIDE, :SIDE] * size for size in (7, 2))
    middle = (torch.linspace(-1, 1, SIDE).square() + 0.3) * 0.04
    mixed = 0.1 * wide[:, :3] + 0.05 * wide[:, 3:] + middle * near[:, :3]
    return (0.5 + mixed).clamp(0, 1)


def fit(kind: type[Gaussian] = Gaussian, rank: int = 60) -> Gaussian:
    found = pictures(1500)
    return kind.fit(found.split(500), rank, coarse=F.avg_pool2d(found, 2).split(400))


@pytest.fixture(scope="module")
def model() -> Gaussian:
    return fit()


@pytest.fixture(scope="module")
def whole(model) -> Tensor:
    return model.covariance()[torch.arange(DIMS)].double()


def observe(values: Tensor, size: int, seed: int = 0) -> Observation:
    mask = torch.zeros(SIDE**2, dtype=torch.bool)
    mask[torch.randperm(SIDE**2, generator=torch.Generator().manual_seed(seed))[:size]] = True
    return Observation(values, mask.view(1, 1, SIDE, SIDE).repeat(len(values), 1, 1, 1))


def test_its_covariance_is_one(model, whole):
    assert isinstance(model.covariance(), ByScale)
    assert torch.allclose(whole, whole.T, atol=1e-7)
    assert torch.linalg.eigvalsh(whole).min() > -1e-6 * whole.diagonal().max()
    rows = torch.tensor([3, DIMS - 1, 70])
    assert torch.allclose(model.covariance()[rows].double(), whole[rows], atol=1e-6)
    columns = torch.tensor([0, 9])
    assert torch.allclose(model.covariance().rows(rows, columns).double(), whole[rows][:, columns], atol=1e-6)
    blocks = conditioned.pixel_blocks(whole.float(), 3)
    assert torch.allclose(model.covariance().pixel_blocks(), blocks, atol=1e-6)


def test_it_is_the_mirrored_pictures_covariance(model, whole):
    mirrored = whole.view([3, SIDE, SIDE] * 2).flip(2).flip(5).reshape(DIMS, DIMS)
    assert (mirrored - whole).abs().max() < 2e-3 * whole.max()
    found = pictures(4000, seed=1)
    both = torch.cat([found, found.flip(-1)]).flatten(1).double()
    sample = torch.cov(both.T)
    scale = sample.diagonal().sqrt()
    error = (whole - sample) / torch.outer(scale, scale)
    assert error.square().mean().sqrt() < 0.04 and (whole.diagonal() / sample.diagonal()).log().abs().max() < 0.25


@pytest.mark.parametrize("size", [0, 1, 40, 255, 256])
def test_conditioned_it_is_the_textbooks(model, whole, size):
    values = pictures(3, seed=2)
    observation = observe(values, size)
    dims = observation.mask[0].expand(3, -1, -1).flatten()
    seen, hidden = dims.nonzero()[:, 0], (~dims).nonzero()[:, 0]
    gain = torch.linalg.solve(whole[seen][:, seen], whole[seen][:, hidden]).T
    centre = model.location.double()
    mean = centre[hidden] + (values.flatten(1).double()[:, seen] - centre[seen]) @ gain.T
    variance = (whole[hidden][:, hidden] - gain @ whole[seen][:, hidden]).diagonal()
    ((_, evidence),) = model.evidence(observation)
    found, told = evidence.conditioned, model.mean_given(evidence).flatten(1)
    assert torch.allclose(told[:, hidden].double(), mean, atol=2e-3)
    spread = found.pixel_factor.square().sum(-1).movedim(-1, 0).flatten()[hidden]
    assert torch.allclose(spread.double(), variance + ROUNDING, rtol=0.02, atol=2e-5)


def test_extended_it_is_as_made_anew(model):
    order = torch.randperm(SIDE**2, generator=torch.Generator().manual_seed(1))
    small, large = torch.zeros(2, SIDE**2, dtype=torch.bool)
    small[order[:30]] = True
    large[order[:34]] = True
    residual = pictures(2, seed=3).flatten(1) - model.location
    grown = Conditioned(model.covariance(), 3, large, Conditioned(model.covariance(), 3, small))
    anew = Conditioned(model.covariance(), 3, large)
    assert torch.allclose(grown.gain(residual), anew.gain(residual), atol=1e-3)
    assert torch.allclose(grown.pixel_factor, anew.pixel_factor, atol=1e-3)


def test_joint_samples_have_its_covariance(model, whole):
    drawn = model.draw(20000, torch.Generator().manual_seed(0)).double()
    scale = whole.diagonal().sqrt()
    error = (torch.cov(drawn.T) - whole) / torch.outer(scale, scale)
    assert error.abs().max() < 0.06 and error.square().mean().sqrt() < 0.009
    observation = observe(pictures(1, seed=4), 40)
    joint = model.sample_joint(observation, 3000, torch.Generator().manual_seed(1)).double()
    prediction = model.predict(observation)
    hidden = ~observation.mask[0, 0]
    ratio = (joint.var(0) / prediction.variance[0])[:, hidden]
    assert ratio.mean().item() == pytest.approx(1, abs=0.03) and ratio.min() > 0.8 and ratio.max() < 1.25


def test_it_knows_detail_that_averages_do_not(model):
    """Beside the fine pictures' own full covariance, and the averages' alone."""
    values = pictures(200, seed=5)
    observation = observe(values, 100)
    full = Gaussian.fit(pictures(1500).split(500), DIMS)
    ours, theirs = (metrics.psnr_db(each.predict(observation).mean, values) for each in (model, full))
    assert ours > theirs - 0.3
    assert metrics.coverage(model.predict(observation), values) == pytest.approx(0.9, abs=0.03)


def test_a_scale_mixture_by_scale_is_kept_and_read(tmp_path):
    mixture = fit(ScaleMixture)
    mixture.save_pretrained(tmp_path / "saved")
    config = tmp_path / "saved" / "config.json"
    assert '"fine": true' in config.read_text()
    config.write_text(config.read_text().rstrip("}\n") + ', "checkpoint": {"kind": "scale_mixture"}}')
    back, observation = hub.read(tmp_path / "saved"), observe(pictures(1, seed=6), 20)
    assert torch.equal(back.predict(observation).mean, mixture.predict(observation).mean)
    one, other = (each.sample_joint(observation, 2, torch.Generator().manual_seed(0)) for each in (back, mixture))
    assert torch.equal(one, other)
    assert mixture.predict(observation).variance.min() >= 0


def test_the_next_pixels_are_among_the_best(model, whole, monkeypatch):
    monkeypatch.setattr(acquisition, "CANDIDATES", 10**6)
    observation = observe(pictures(1, seed=7), 30)
    dense = Gaussian(side=SIDE, channels=3, even=1, odd=0)
    dense.load_state_dict({"location": model.location}, strict=False)
    dense.full = whole.float()
    assert acquisition.largest_drop(model, observation, 3) == acquisition.largest_drop(dense, observation, 3)
    monkeypatch.setattr(acquisition, "CANDIDATES", 40)
    few = acquisition.next_pixels(model, observation, 3)
    assert len(set(few)) == 3 and not any(observation.mask[0, 0][place] for place in few)
    assert acquisition.largest_weighted_drop(model, observation) == acquisition.next_pixels(model, observation)
    last = observe(pictures(1, seed=7), SIDE**2 - 1)
    assert not last.mask[0, 0][acquisition.next_pixels(model, last)[0]]


def test_what_takes_the_whole_covariance_is_refused(model):
    values = pictures(1)
    with pytest.raises(PredictionError, match="joint density of 16 x 16"):
        model.log_likelihood(observe(values, 10), values)
    with pytest.raises(PredictionError, match="whole covariance"):
        acquisition.design(model, 4)
    with pytest.raises(PredictionError, match="pictures of 16 pixels"):
        Gaussian.fit([pictures(3)[..., :8, :8]], 4, coarse=[pictures(3)[..., :8, :8]])


def test_of_very_many_pixels_those_near_hidden_ones_count(model, monkeypatch):
    monkeypatch.setattr("recon.models.gaussian.MOST_OBSERVED", 60)
    monkeypatch.setattr("recon.models.conditioned.MOST_OBSERVED", 60)
    mask = torch.ones(SIDE, SIDE, dtype=torch.bool)
    mask[:, 8:] = False
    kept = thinned(mask.flatten()).view(SIDE, SIDE)
    assert kept.sum() == 60 and kept[:, 5:8].all() and not kept[:, 8:].any() and not kept[:, :4].any()
    values = pictures(20, seed=8)
    half = Observation(values, mask.expand(20, 1, -1, -1))
    few = model.predict(half)
    assert torch.equal(few.mean * half.mask, values * half.mask)
    monkeypatch.setattr("recon.models.gaussian.MOST_OBSERVED", DIMS)
    all_of_it = model.predict(half)
    assert metrics.psnr_db(few.mean, values) > metrics.psnr_db(all_of_it.mean, values) - 0.2
    full = Observation(values, torch.ones_like(half.mask))
    assert torch.equal(model.predict(full).mean, values)


def test_triangles_are_solved_by_blocks(monkeypatch):
    monkeypatch.setattr(conditioned, "BLOCK", 7)
    monkeypatch.setattr(conditioned, "WIDE", 9)
    matrix = torch.randn(40, 40, generator=torch.Generator().manual_seed(0)).double()
    lower = torch.linalg.cholesky(matrix @ matrix.T + 40 * torch.eye(40))
    rows = torch.randn(40, 9, generator=torch.Generator().manual_seed(1)).double()
    assert torch.allclose(solve(lower, rows), torch.linalg.solve(lower, rows))


def test_what_is_remembered_is_bounded(model, monkeypatch):
    monkeypatch.setattr("recon.memory.MOST_BYTES", 4 * 3 * 120 * DIMS)
    model.forget()
    for seed in range(6):
        model.predict(observe(pictures(1), 40, seed))
    assert 1 <= len(model.conditioned) <= 3 and math.isfinite(model.location.sum())


def test_calibrated_its_intervals_hold_what_they_say():
    model = fit(ScaleMixture)
    assert model.tilt.tolist() == [0.0] * 8 and ScaleMixture(side=SIDE, channels=3, even=4, odd=4).tilt is None
    off = model.log_scales - (model.log_scales[:, None] - 1.0)  # a pixel's contrast is too small by that
    model.log_kernel.copy_((-0.5 * off.square()).log_softmax(1))
    model.forget()
    truth = pictures(60, seed=3)
    asked = observe(truth, 32)

    def held() -> float:
        low, high = model.predict(asked).interval(0.9)
        inside = (truth >= low) & (truth <= high)
        return inside[~asked.mask.expand_as(inside)].double().mean().item()

    before, generator = held(), torch.Generator().manual_seed(0)
    orders = torch.rand(20, SIDE**2, generator=generator).argsort(1)
    model.calibrate([pictures(50, seed=4)], orders)
    assert before < 0.85 and held() == pytest.approx(0.9, abs=0.02)
    one = observe(truth[:1], 32)
    samples = model.sample_joint(one, 400, torch.Generator().manual_seed(1))
    ratio = samples.double().var(0) / model.predict(one).variance[0]
    assert ratio[:, ~asked.mask[0, 0]].mean().item() == pytest.approx(1, abs=0.1), "samples are tilted as well"
    tilts = model.tilt.clone()
    model.calibrate([pictures(50, seed=4)], orders)
    assert model.tilt.equal(tilts), "it does not add to what was there"
