"""A prediction knows what was observed, and answers for the rest."""

import pytest
import torch

from recon import Observation, Prediction
from recon.distributions import Beta, Gaussian
from recon.errors import PredictionError


@pytest.fixture
def prediction() -> Prediction:
    mask = torch.zeros(2, 1, 4, 4, dtype=torch.bool)
    mask[..., 0, :] = True
    known = Observation(torch.full((2, 3, 4, 4), 0.75), mask)
    return Prediction(Beta(torch.full((2, 3, 4, 4), 2.0), torch.full((2, 3, 4, 4), 3.0)), known)


def test_observed_pixels_are_known(prediction, generator):
    low, high = prediction.interval(0.9)
    for found in (prediction.mean, low, high, prediction.sample(generator)):
        assert found.shape == (2, 3, 4, 4)
        assert (found[..., 0, :] == 0.75).all() and (found[..., 1:, :] != 0.75).all()
    assert (prediction.variance[..., 0, :] == 0).all() and (prediction.variance[..., 1:, :] > 0).all()
    assert prediction.has_spread


def test_observed_pixels_are_no_surprise(prediction):
    values = torch.full((2, 3, 4, 4), 0.4)
    for nats in (prediction.log_prob(values), prediction.log_mass(values)):
        assert nats.shape == (2, 4, 4)
        assert (nats[:, 0] == 0).all() and (nats[:, 1:] != 0).all()


def test_what_is_not_a_number_where_observed_does_not_spread(prediction):
    values = torch.full((2, 3, 4, 4), 0.4)
    values[..., 0, :] = float("nan")
    assert prediction.log_prob(values).isfinite().all() and prediction.log_mass(values).isfinite().all()


@pytest.mark.parametrize("level", [0, 1, -0.5, 90, float("nan")])
def test_levels_lie_between_0_and_1(prediction, level):
    with pytest.raises(PredictionError, match="between 0 and 1"):
        prediction.interval(level)


@pytest.mark.parametrize("shape", [(3, 4, 4), (1, 3, 4, 4), (2, 1, 4, 4), (2, 3, 4, 5)])
def test_values_must_have_the_shape(prediction, shape):
    for ask in (prediction.log_prob, prediction.log_mass):
        with pytest.raises(PredictionError, match="must have the shape"):
            ask(torch.zeros(shape))


def test_values_of_another_precision(prediction):
    values = torch.full((2, 3, 4, 4), 0.4)
    assert torch.allclose(prediction.log_prob(values.double()), prediction.log_prob(values))


def test_one_covariance_for_a_whole_batch(generator):
    """A Gaussian's factor may be shared by all images; every question still has the batch's shape."""
    known = Observation(torch.zeros(5, 3, 4, 4), torch.zeros(5, 1, 4, 4, dtype=torch.bool))
    shared = Prediction(Gaussian(torch.full((5, 3, 4, 4), 0.5), 0.1 * torch.eye(3).expand(1, 4, 4, 3, 3)), known)
    low, high = shared.interval()
    for found in (shared.mean, shared.variance, low, high, shared.sample(generator)):
        assert found.shape == (5, 3, 4, 4)
    assert shared.log_mass(known.values).shape == shared.log_prob(known.values).shape == (5, 4, 4)
    assert shared.distribution.level_masses(3, 3, image=4).shape == (3, 256)
