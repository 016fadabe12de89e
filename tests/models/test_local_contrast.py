"""The gate over scales: its arithmetic by brute force, and what it gains where contrast varies within a picture."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from recon import Observation, metrics
from recon.models import MoGSM, local_contrast
from recon.models.blur import averaged, blurred, gathered
from recon.models.local_features import FEATURES, features
from recon.models.scale_mixture import gated
from recon.training import masks

SIDE = 16


def pictures(count: int, seed: int = 0) -> tuple[Tensor, Tensor]:
    """Smooth fields of which one half, left or right, has a fifth of the contrast: (count, 3, side, side), and whether
    it is the left one."""
    generator = torch.Generator().manual_seed(seed)
    places = torch.cartesian_prod(torch.arange(SIDE), torch.arange(SIDE)).double()
    spatial = torch.linalg.cholesky(torch.exp(-torch.cdist(places, places) / 3)).float()
    colours = torch.linalg.cholesky(0.7 * torch.ones(3, 3) + 0.3 * torch.eye(3))
    field = torch.einsum("pq,cd,ndq->ncp", spatial, colours, torch.randn(count, 3, SIDE**2, generator=generator))
    left = torch.rand(count, generator=generator) < 0.5
    calm = (torch.arange(SIDE) < SIDE // 2) == left[:, None]
    contrast = torch.where(calm, 0.02, 0.1)[:, None, None, :]
    return (0.5 + contrast * field.view(count, 3, SIDE, SIDE)).clamp(0.01, 0.99), left


@pytest.fixture(scope="module")
def model() -> MoGSM:
    patch = pytest.MonkeyPatch()
    patch.setattr(local_contrast, "TRIED", (-1.0, 1.0, 11))
    patch.setattr(local_contrast, "TIMES", 1)
    patch.setattr(local_contrast, "ROUNDS", 25)
    fitted = MoGSM.fit(list(pictures(900)[0].split(300)), rank=3 * SIDE**2, components=2, own=64, local=True)
    generator = torch.Generator().manual_seed(0)
    fitted.calibrate(iter([pictures(120, seed=9)[0]]), masks.orders(200, SIDE, generator))
    patch.undo()
    return fitted


def observe(values: Tensor, size: int = 48, seed: int = 0) -> Observation:
    mask = torch.zeros(SIDE**2, dtype=torch.bool)
    mask[torch.randperm(SIDE**2, generator=torch.Generator().manual_seed(seed))[:size]] = True
    return Observation(values, mask.view(1, 1, SIDE, SIDE).repeat(len(values), 1, 1, 1))


def copied(model: MoGSM, local: bool) -> MoGSM:
    """The same without its gate, or with one that says nothing yet."""
    base = model.base
    sizes = {"even": base.even_half.shape[1], "odd": base.odd_half.shape[1]}
    copy = MoGSM(side=SIDE, channels=3, components=model.components, own=max(model.own), local=local, **sizes)
    state = {name: value for name, value in model.state_dict().items() if not name.startswith("gate.")}
    copy.load_state_dict(state, strict=not local)
    return copy


def test_the_gate_by_brute_force(generator):
    posterior = torch.rand(2, 5, generator=generator).softmax(1)
    log_kernel = torch.randn(5, 5, generator=generator).log_softmax(1)
    lean = 3 * torch.randn(2, 5, 7, generator=generator)
    for image in range(2):
        for pixel in range(7):
            given = [(log_kernel[scale] + lean[image, :, pixel]).softmax(0) for scale in range(5)]
            expected = sum(p * one for p, one in zip(posterior[image], given, strict=True))
            assert torch.allclose(gated(posterior, log_kernel, lean)[image, :, pixel].exp(), expected, atol=1e-6)


def test_a_gate_that_says_nothing_changes_nothing(model):
    observation = observe(pictures(3, seed=1)[0])
    one, other = (copied(model, local).predict(observation) for local in (False, True))
    assert torch.allclose(one.variance, other.variance, rtol=1e-4)


def test_it_tells_the_calm_half_from_the_other(model):
    values, left = pictures(60, seed=2)
    spread = model.predict(observe(values)).variance.mean(1).sqrt()
    hidden = ~observe(values).mask[:, 0]
    halves = [(spread * hidden)[:, :, part].sum((1, 2)) for part in (slice(SIDE // 2), slice(SIDE // 2, SIDE))]
    assert ((halves[0] < halves[1]) == left).float().mean() > 0.95


def test_it_has_fewer_bits_and_its_intervals_hold(model):
    values, _ = pictures(100, seed=3)
    observation = observe(values)
    ours, theirs = model.predict(observation), copied(model, local=False).predict(observation)
    assert metrics.bits_per_dim(ours, values) < metrics.bits_per_dim(theirs, values) - 0.1
    assert metrics.coverage(ours, values) == pytest.approx(0.9, abs=0.03)
    assert metrics.psnr_db(ours.mean, values) == pytest.approx(metrics.psnr_db(theirs.mean, values), abs=0.02)


def test_joint_samples_have_the_predictions_spread(model, generator):
    observation = observe(pictures(1, seed=4)[0])
    samples, prediction = model.sample_joint(observation, 4000, generator), model.predict(observation)
    hidden = ~observation.mask[0, 0]
    error = (samples.mean(0) - prediction.mean[0]).abs() / (prediction.variance[0] / 4000).sqrt().clamp_min(1e-4)
    assert error.max() < 5.5
    ratio = samples.var(0)[:, hidden] / prediction.variance[0][:, hidden]
    assert ratio.mean().item() == pytest.approx(1, abs=0.03) and ratio.min() > 0.75 and ratio.max() < 1.3


@pytest.mark.parametrize("size", [0, 1, SIDE**2])
def test_nothing_one_and_everything_observed(model, size):
    observation = observe(pictures(2, seed=5)[0], size)
    ((_, evidence),) = model.base.evidence(observation)
    found = features(model.base, evidence)
    assert found.shape == (2, FEATURES, SIDE, SIDE) and found.isfinite().all()
    prediction = model.predict(observation)
    assert prediction.mean.isfinite().all() and prediction.variance.isfinite().all()


def test_masks_of_a_batch_may_differ(model):
    values, _ = pictures(3, seed=6)
    each = [observe(values[i : i + 1], 5 + 20 * i, seed=i) for i in range(3)]
    together = model.predict(Observation(values, torch.cat([one.mask for one in each])))
    for i, one in enumerate(each):
        assert torch.allclose(together.variance[i], model.predict(one).variance[0], atol=1e-6)


def test_it_is_saved_with_its_gate(model, tmp_path):
    model.save_pretrained(tmp_path)
    again = MoGSM.from_pretrained(tmp_path)
    observation = observe(pictures(1, seed=7)[0])
    assert again.gate is not None
    assert torch.allclose(again.predict(observation).variance, model.predict(observation).variance, atol=1e-6)


def test_blurring(generator):
    ones = torch.ones(1, 1, 32, 32)
    assert blurred(ones, 1.5)[0, 0, 16, 16].item() == pytest.approx(1, abs=1e-6)
    point = torch.zeros(1, 1, 33, 33)
    point[0, 0, 16, 16] = 1
    near, wide = gathered(point, [1.0, 2.0])[0]
    assert near[16, 16].item() == wide[16, 16].item() == 1
    assert near[16, 18].item() == pytest.approx(math.exp(-2)) and wide[16, 18].item() == pytest.approx(math.exp(-0.5))
    assert near[16, 20].item() == 0 < wide[17, 22].item(), "cut off at three deviations"
    oblong = torch.rand(1, 1, 9, 14, generator=generator)
    assert torch.allclose(blurred(oblong, 1.5), blurred(oblong.mT, 1.5).mT)
    noise = averaged(torch.randn(2000, 1, 12, 12, generator=generator), 2.5)
    assert noise.var(0).mean().item() == pytest.approx(1, abs=0.03)


def test_small_pictures_have_few_hidden_pixels(monkeypatch):
    monkeypatch.setattr(local_contrast, "TRIED", (-1.0, 1.0, 3))
    monkeypatch.setattr(local_contrast, "ROUNDS", 2)
    generator = torch.Generator().manual_seed(0)
    few = 0.5 + 0.05 * torch.randn(80, 1, 8, 8, generator=generator).clamp(-3, 3)
    model = MoGSM.fit([few], rank=64, components=2, own=8, local=True)
    model.calibrate([few[:20]], masks.orders(20, 8, generator))
    assert model.gate is not None and model.gate.weights.isfinite().all()
