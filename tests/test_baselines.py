"""What the classical interpolators promise: observed pixels kept, and what each reproduces exactly."""

import numpy as np
import pytest
import torch

import recon
from recon import Observation, baselines, patches
from recon.errors import CheckpointError, PredictionError


def observe(values: torch.Tensor, size: int, family: str = "random") -> Observation:
    masks = [torch.from_numpy(patches.make(family, values.shape[-1], size, seed)) for seed in range(len(values))]
    return Observation(values, torch.stack(masks)[:, None])


@pytest.mark.parametrize("name", baselines.NAMES)
def test_observed_pixels_are_kept_and_flat_pictures_found(name):
    flat = torch.tensor([0.2, 0.5, 1.0]).view(1, 3, 1, 1).expand(2, 3, 16, 16)
    known = observe(flat, 30)
    prediction = baselines.load(name).predict(known)
    assert prediction.mean.dtype == torch.float32 and prediction.mean.shape == flat.shape
    assert torch.allclose(prediction.mean, flat, atol=0.02 if name == "biharmonic" else 1e-5)
    seen = known.mask.expand_as(flat)
    assert prediction.mean[seen].equal(flat[seen])


@pytest.mark.parametrize("name", ["linear", "rbf"])
def test_slopes_are_found(name):
    rows, columns = torch.meshgrid(torch.linspace(0, 0.4, 16), torch.linspace(0, 0.6, 16), indexing="ij")
    slope = (rows + columns).view(1, 1, 16, 16)
    mask = torch.from_numpy(patches.random(16, 60, seed=0))
    mask[::15, ::15] = True  # the corners, so that all lies within the triangles
    mean = baselines.load(name).predict(Observation(slope, mask[None, None])).mean
    assert torch.allclose(mean, slope, atol=1e-5)


def test_nearest_takes_the_nearest():
    values = torch.zeros(1, 1, 4, 4)
    values[..., 0, 0], values[..., 3, 3] = 0.2, 0.8
    mask = values > 0
    mean = baselines.load("nearest").predict(Observation(values, mask)).mean[0, 0]
    assert mean[0, 1] == mean[1, 1] == pytest.approx(0.2) and mean[3, 2] == mean[2, 2] == pytest.approx(0.8)


@pytest.mark.parametrize("name", baselines.NAMES)
def test_images_with_one_mask_or_many_are_as_one_by_one(name, pictures):
    values = pictures(3, side=16)
    for known in (observe(values, 40), observe(values, 40, "sobol")):
        together = baselines.load(name).predict(known).mean
        for k in range(3):
            alone = baselines.load(name).predict(Observation(values[k : k + 1], known.mask[k : k + 1])).mean
            assert torch.allclose(together[k : k + 1], alone, atol=1e-5)


@pytest.mark.parametrize("name", baselines.NAMES)
@pytest.mark.parametrize("seen", [[(3, 4)], [(0, 0), (7, 7)], [(2, 0), (2, 3), (2, 7)], [(0, 0), (1, 0), (0, 1)]])
def test_few_points_or_points_on_a_line(name, seen):
    values, mask = torch.full((1, 3, 8, 8), 0.5), torch.zeros(1, 1, 8, 8, dtype=torch.bool)
    for row, column in seen:
        mask[..., row, column] = True
    mean = baselines.load(name).predict(Observation(values, mask)).mean
    assert mean.isfinite().all() and (mean >= 0).all() and (mean <= 1).all()
    assert (mean[mask.expand_as(mean)] == 0.5).all()


@pytest.mark.parametrize("name", baselines.NAMES)
def test_everything_or_nothing_observed(name, pictures):
    values = pictures(2, channels=1, side=8)
    everything = torch.ones(2, 1, 8, 8, dtype=torch.bool)
    assert baselines.load(name).predict(Observation(values, everything)).mean.equal(values)
    with pytest.raises(PredictionError, match="no pixel is observed"):
        baselines.load(name).predict(Observation(values, ~everything))


def test_a_baseline_loads_like_a_model_but_has_no_spread(pictures, generator):
    model = recon.load("linear")
    assert model is baselines.load("linear") and model.kind == "baseline" and not model.exact_joint
    known = observe(pictures(1, side=8), 20)
    prediction = model.predict(known)
    assert not prediction.has_spread
    for ask in (lambda: prediction.variance, lambda: prediction.interval(), lambda: prediction.sample(generator)):
        with pytest.raises(PredictionError, match="mean alone"):
            ask()
    with pytest.raises(PredictionError, match="mean alone"):
        recon.sample(model, known)


def test_unknown_baseline():
    with pytest.raises(CheckpointError, match="nearest, linear, rbf, biharmonic"):
        baselines.load("cubic")


def test_the_better_method_is_better(pictures):
    values = pictures(4)
    known = observe(values, 128, "sobol")
    scores = [recon.metrics.psnr_db(baselines.load(name).predict(known).mean, values) for name in baselines.NAMES]
    assert scores[0] + 1 < min(scores[1:]), "on a smooth picture nearest is far behind"
    assert np.isfinite(scores).all()
