"""Measurements against numbers worked out by hand."""

import math

import numpy as np
import pytest
import torch
from skimage import metrics as skimage_metrics

from recon import Observation, Prediction, metrics
from recon.distributions import Beta, Gaussian
from recon.distributions.base import share_within
from recon.errors import PredictionError


def uniform(count: int = 2, channels: int = 3, side: int = 4, observed: int = 1) -> Prediction:
    """Beta(1, 1) everywhere, with the first rows observed to be 0."""
    mask = torch.zeros(count, 1, side, side, dtype=torch.bool)
    mask[:, :, :observed] = True
    shape = (count, channels, side, side)
    return Prediction(Beta(torch.ones(shape), torch.ones(shape)), Observation(torch.zeros(shape), mask))


def test_bits_per_dim_of_the_uniform_density():
    """255 steps share the unit interval: an inner level has one, the two outer ones half of one."""
    values = torch.full((2, 3, 4, 4), 100 / 255)
    assert metrics.bits_per_dim(uniform(), values) == pytest.approx(math.log2(255))
    values[1] = 1.0
    each = metrics.bits_per_dim_each(uniform(), values)
    assert each.tolist() == pytest.approx([math.log2(255), math.log2(510)]) and each.dtype == torch.float64
    assert metrics.bits_per_dim(uniform(), values) == pytest.approx(each.mean().item())
    assert metrics.bits_per_dim(uniform(), values, levels=2) == pytest.approx(1)


def test_nats_per_dim():
    assert metrics.nats_per_dim(uniform(), torch.rand(2, 3, 4, 4)) == pytest.approx(0, abs=1e-6)
    gaussian = Prediction(
        Gaussian(torch.zeros(2, 3, 4, 4), torch.eye(3).expand(1, 4, 4, 3, 3)), uniform(observed=2).observation
    )
    value = torch.full((2, 3, 4, 4), 0.6)
    assert metrics.nats_per_dim(gaussian, value) == pytest.approx(0.5 * (0.36 + math.log(2 * math.pi)))


def test_where():
    values = torch.full((2, 3, 4, 4), 100 / 255)
    values[..., 3, :] = 0.0
    last = torch.zeros(4, 4, dtype=torch.bool)
    last[3] = True
    for where in (last, last.numpy(), last.expand(2, 4, 4), last.expand(2, 1, 4, 4)):
        assert metrics.bits_per_dim(uniform(), values, where) == pytest.approx(math.log2(510))
        assert metrics.coverage(uniform(), values, 0.9, where) == 0
    everything = torch.ones(4, 4, dtype=torch.bool)
    expected = (2 * math.log2(255) + math.log2(510)) / 4  # one row of four costs nothing
    assert metrics.bits_per_dim(uniform(), values, everything) == pytest.approx(expected)


@pytest.mark.parametrize(
    "where",
    [
        torch.zeros(4, 4, dtype=torch.bool),
        torch.ones(3, 3, dtype=torch.bool),
        torch.ones(3, 4, 4, dtype=torch.bool),
        torch.ones(2, 3, 4, 4, dtype=torch.bool),
        torch.ones(4, 4),
    ],
)
def test_nowhere(where):
    for ask in (metrics.bits_per_dim, metrics.nats_per_dim):
        with pytest.raises(PredictionError):
            ask(uniform(), torch.zeros(2, 3, 4, 4), where)
    with pytest.raises(PredictionError):
        metrics.coverage(uniform(), torch.zeros(2, 3, 4, 4), 0.9, where)
    with pytest.raises(PredictionError, match="every pixel was observed"):
        metrics.bits_per_dim(uniform(observed=4), torch.zeros(2, 3, 4, 4))


def test_psnr_db():
    truth = torch.zeros(2, 3, 4, 4)
    estimate = truth.clone()
    estimate[0] += 0.1
    estimate[1] += 0.01
    assert metrics.psnr_db_each(estimate, truth).tolist() == pytest.approx([20, 40], rel=1e-5)
    assert metrics.psnr_db(estimate, truth) == pytest.approx(30, rel=1e-5), "the mean of decibels, not of errors"
    assert metrics.psnr_db(truth, truth) == math.inf
    a, b = np.random.default_rng(0).random((2, 1, 3, 4, 4))
    expected = skimage_metrics.peak_signal_noise_ratio(a[0], b[0], data_range=1)
    assert metrics.psnr_db(torch.from_numpy(a), torch.from_numpy(b)) == pytest.approx(expected)


def test_psnr_db_of_a_region():
    truth, where = torch.zeros(2, 3, 4, 4), torch.zeros(2, 1, 4, 4, dtype=torch.bool)
    where[:, :, 0] = True
    estimate = torch.where(where, 0.1, 0.9).expand_as(truth)
    assert metrics.psnr_db(estimate, truth, where) == pytest.approx(20, rel=1e-5)


def test_ssim(pictures):
    truth = pictures(2)
    assert metrics.ssim(truth, truth) == pytest.approx(1)
    noisy = (truth + 0.1 * torch.randn(truth.shape, generator=torch.Generator().manual_seed(0))).clamp(0, 1)
    assert 0 < metrics.ssim(noisy, truth) < 0.95
    expected = [
        skimage_metrics.structural_similarity(
            a.numpy(), b.numpy(), data_range=1, channel_axis=0, gaussian_weights=True, use_sample_covariance=False
        )
        for a, b in zip(noisy.double(), truth.double(), strict=True)
    ]
    assert metrics.ssim(noisy, truth) == pytest.approx(np.mean(expected))
    assert metrics.ssim(truth[:, :1], truth[:, :1]) == pytest.approx(1)
    with pytest.raises(PredictionError, match="11 x 11"):
        metrics.ssim(truth[..., :10], truth[..., :10])


def test_coverage_of_values_drawn_from_the_prediction(generator):
    prediction = uniform(50, side=16)
    for level in (0.5, 0.9):
        values = torch.rand(50, 3, 16, 16, generator=generator)
        assert metrics.coverage(prediction, values, level) == pytest.approx(level, abs=0.02)


def test_a_narrow_interval_can_hold_its_rounded_value():
    known = uniform(1, observed=0).observation
    narrow = Prediction(Gaussian(torch.full((1, 3, 4, 4), 0.5), 1e-5 * torch.eye(3).expand(1, 4, 4, 3, 3)), known)
    assert metrics.coverage(narrow, torch.full((1, 3, 4, 4), 128 / 255)) == 1
    assert metrics.coverage(narrow, torch.full((1, 3, 4, 4), 130 / 255)) == 0


def test_coverage_of_each_image_at_several_levels(generator):
    values = torch.rand(3, 3, 16, 16, generator=generator)
    prediction = uniform(3, side=16)
    found = metrics.coverage_each(prediction, values, (0.5, 0.9))
    assert found.shape == (2, 3)
    for level, each in zip((0.5, 0.9), found, strict=True):
        assert each.mean().item() == pytest.approx(metrics.coverage(prediction, values, level))
    with pytest.raises(PredictionError, match="between 0 and 1"):
        metrics.coverage_each(prediction, values, (0.5, 1.0))


@pytest.mark.parametrize("centre", [-0.3, 0.002, 0.4, 1.2])
def test_coverage_is_that_of_the_intervals_ends(generator, centre):
    """It never finds the ends, and must agree with them, where intervals are clipped to [0, 1] too."""
    spread = 0.2 * torch.eye(3).expand(1, 16, 16, 3, 3)
    observation = uniform(3, side=16).observation
    prediction = Prediction(Gaussian(torch.full((3, 3, 16, 16), centre), spread), observation)
    values = (torch.randn(3, 3, 16, 16, generator=generator) * 0.2 + centre).clamp(0, 1).mul(255).round() / 255
    low, high = prediction.interval(0.8)
    inside = ((values >= low - 0.5 / 255) & (values <= high + 0.5 / 255))[~observation.mask.expand_as(values)]
    assert metrics.coverage(prediction, values, 0.8) == pytest.approx(inside.double().mean().item())


def test_ssim_of_each_image(pictures):
    truth = pictures(3)
    found = metrics.ssim_each(truth.flip(0), truth)
    assert found.shape == (3,) and found[1] == pytest.approx(1)
    assert metrics.ssim(truth.flip(0), truth) == pytest.approx(found.mean().item())


def test_the_pit_of_values_drawn_from_the_prediction_is_flat_and_of_others_is_not(generator):
    prediction = uniform(50, side=16)
    values = (torch.rand(50, 3, 16, 16, generator=generator) * 255).round() / 255
    flat = metrics.pit(prediction, values)
    assert (
        flat.shape == (20,) and flat.sum().item() == pytest.approx(1) and flat.numpy() == pytest.approx(0.05, abs=5e-3)
    )
    narrow = metrics.pit(prediction, 0.5 + 0.2 * (values - 0.5), bins=10)
    assert narrow[4:6].sum() > 0.9 and narrow[:3].sum() < 1e-6, "a hump: the prediction is too unsure"


def test_the_pit_spreads_a_level_over_its_mass():
    """Under a uniform density level 128 begins at one half, and level 127 ends there."""
    for level, expected in ((128, [0, 1]), (127, [1, 0])):
        found = metrics.pit(uniform(1), torch.full((1, 3, 4, 4), level / 255), bins=2)
        assert found.tolist() == pytest.approx(expected, abs=1e-6)
    quarter = metrics.pit(uniform(1), torch.full((1, 3, 4, 4), 128 / 255), bins=510)[255:257]
    assert quarter.tolist() == pytest.approx([0.5, 0.5], abs=1e-6)


def test_what_intervals_hold_is_what_they_say_even_where_most_is_of_one_level(generator):
    """Four of five values are black: an interval that reaches black touches them all."""
    law = Gaussian(torch.full((1, 1, 64, 64), -0.3), torch.full((1, 64, 64, 1, 1), 0.6))
    prediction = Prediction(law, Observation(torch.zeros(1, 1, 64, 64), torch.zeros(1, 1, 64, 64, dtype=torch.bool)))
    values = (torch.randn(1, 1, 64, 64, generator=generator) * 0.6 - 0.3).clamp(0, 1)
    held = metrics.held_each(prediction, values, (0.5, 0.9))
    assert held.shape == (2, 1) and held[:, 0].tolist() == pytest.approx([0.5, 0.9], abs=0.02)
    assert metrics.coverage_each(prediction, values, (0.5,)).item() > 0.65
    with pytest.raises(PredictionError, match="between 0 and 1"):
        metrics.held_each(prediction, values, (1.0,))


@pytest.mark.parametrize(
    "bad", [torch.full((1, 1, 12, 12), 200, dtype=torch.uint8), torch.full((1, 1, 12, 12), math.nan)]
)
def test_the_truth_is_in_the_unit_interval(bad):
    nothing = Observation(torch.zeros(1, 1, 12, 12), torch.zeros(1, 1, 12, 12, dtype=torch.bool))
    prediction = Prediction(Gaussian(torch.full((1, 1, 12, 12), 0.5), torch.ones(1, 12, 12, 1, 1)), nothing)
    for measure in (metrics.psnr_db, metrics.ssim):
        with pytest.raises(PredictionError, match="between 0 and 1"):
            measure(prediction.mean, bad)
    for measure in (metrics.bits_per_dim, metrics.coverage, metrics.pit):
        with pytest.raises(PredictionError, match="between 0 and 1"):
            measure(prediction, bad)


def test_psnr_is_of_as_many_pictures():
    with pytest.raises(PredictionError, match="are compared to as many"):
        metrics.psnr_db(torch.zeros(1, 3, 4, 4), torch.zeros(2, 3, 4, 4))


@pytest.mark.parametrize("mean, value", [(0.2, 0.9), (0.9, 0.2)])
def test_a_value_out_of_all_bounds_has_its_place_in_the_pit(mean, value):
    law = Gaussian(torch.full((1, 3, 4, 4), mean), 0.01 * torch.eye(3).expand(1, 4, 4, 3, 3))
    found = metrics.pit(Prediction(law, uniform(1).observation), torch.full((1, 3, 4, 4), value), bins=10)
    assert found.tolist() == pytest.approx([0.0] * 9 + [1.0] if value > mean else [1.0] + [0.0] * 9)


def test_a_value_between_two_modes_lies_in_the_middle():
    between = share_within(torch.tensor([0.5]), torch.tensor([0.5]), 0.25, 0.75)
    assert between.item() == pytest.approx(1)
