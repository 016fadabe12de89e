"""What a Gaussian keeps of the pictures that it is fitted to, and of its weights."""

from __future__ import annotations

import copy
import json
import pickle

import pytest
import torch
from torch import Tensor

from recon import hub
from recon.errors import PredictionError
from recon.models import gaussian
from recon.models.conditioned import ROUNDING
from recon.models.gaussian import Gaussian
from recon.models.scale_mixture import ScaleMixture
from tests.models.fitted import draws, fitted, observe


def empirical(pictures: Tensor, mirrored: bool) -> tuple[Tensor, Tensor]:
    if mirrored:
        pictures = torch.cat([pictures, pictures.flip(-1)])
    flat = pictures.flatten(1).double()
    return flat.mean(0), torch.cov(flat.T, correction=0)


@pytest.mark.parametrize("mirrored", [True, False])
@pytest.mark.parametrize("channels", [1, 3])
def test_fit_has_the_moments_of_its_pictures(mirrored, channels):
    pictures = draws(500, channels, 6)
    model = Gaussian.fit(pictures.split(130), channels * 36, mirrored)
    mean, covariance = empirical(pictures, mirrored)
    assert torch.allclose(model.location.double(), mean, atol=1e-6)
    # half precision keeps eleven bits of each eigenvector's entries
    assert (model.covariance().double() - covariance).abs().max() < 2e-3 * covariance.max()
    assert model.even_half.shape[1] + model.odd_half.shape[1] == channels * 36
    if mirrored:
        flipped = model.covariance().view([channels, 6, 6] * 2).flip(2).flip(5).reshape(channels * 36, -1)
        assert torch.allclose(flipped, model.covariance(), atol=1e-8)


def test_mirrored_storage_is_exact():
    """At full rank and full precision, the halves are the covariance of pictures and their mirror images."""
    pictures = draws(300, 3, 4)
    _, covariance = empirical(pictures, mirrored=True)
    even, odd = gaussian.split_halves(pictures.double())
    even = torch.cov(even.T, correction=0)
    odd = odd.T @ odd / len(odd)
    assert torch.allclose(gaussian.unfold(even, odd, 3, 4), covariance, atol=1e-12)
    model = Gaussian(side=4, channels=3, even=24, odd=24)
    for name, half in (("even_half", even), ("odd_half", odd)):
        setattr(model, name, torch.linalg.cholesky(half).float())
    model.rest.zero_()
    assert torch.allclose(model.covariance().double(), covariance, atol=1e-8)


def test_halves_join_again():
    picture = torch.rand(1, 3, 6, 6)
    even, odd = gaussian.split_halves(picture)
    assert torch.allclose(gaussian.join_halves(even[0], odd[0], 3, 6), picture.flatten(), atol=1e-6)
    assert torch.allclose(even.square().sum() + odd.square().sum(), picture.square().sum())
    assert gaussian.split_halves(picture + picture.flip(-1))[1].abs().max() < 1e-6


@pytest.mark.parametrize("rank", [1, 2, 5, 50])
def test_low_rank_keeps_each_pixels_covariance(rank):
    """Whatever the rank, with columns of one kind only too, what the factor leaves stands in `rest`."""
    pictures = draws(500, 3, 6)
    pictures = (pictures + pictures.flip(-1)) / 2 if rank < 5 else pictures  # symmetric: every eigenvector is even
    model = Gaussian.fit([pictures], rank)
    assert model.even_half.shape[1] + model.odd_half.shape[1] == rank
    _, covariance = empirical(pictures, mirrored=True)
    expected, found = (gaussian.pixel_blocks(c, 3) for c in (covariance, model.covariance().double()))
    assert torch.allclose(found, expected, atol=3 * ROUNDING)
    assert torch.linalg.eigvalsh(model.rest.permute(2, 3, 0, 1)).min() >= 0.99 * ROUNDING


def test_save_and_load(tmp_path):
    model = fitted(side=4, rank=20)
    model.save_pretrained(tmp_path / "saved")
    path = tmp_path / "saved" / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"checkpoint": {"kind": "gaussian"}}))
    again = hub.read(tmp_path / "saved")
    assert isinstance(again, Gaussian) and again.mirrored and again.even_half.dtype == torch.float16
    known, values = observe(model, 6)
    assert again.predict(known).mean.equal(model.predict(known).mean)
    assert again.log_likelihood(known, values).equal(model.log_likelihood(known, values))


def test_other_weights_give_other_answers_at_once():
    model, other = fitted(seed=1), fitted(seed=2)
    observation, _ = observe(model, 5)
    model.predict(observation)  # works out the covariance, and keeps it
    model.load_state_dict(other.state_dict())
    assert torch.equal(model.predict(observation).mean, other.predict(observation).mean)


@pytest.mark.parametrize(
    "batches, told",
    [
        ([], "no pictures"),
        ([torch.rand(0, 3, 4, 4)], "no pictures"),
        ([torch.rand(9, 3, 5, 5)], "even side"),
        ([torch.rand(9, 3, 4, 4), torch.rand(9, 3, 6, 6)], "one size"),
    ],
)
def test_what_cannot_be_fitted_is_a_sentence(batches, told):
    with pytest.raises(PredictionError, match=told):
        Gaussian.fit(batches, 4)


@pytest.mark.parametrize(
    "batch, said",
    [
        (torch.zeros(9, 3, 4, 4, dtype=torch.uint8), "float tensors"),
        (torch.full((9, 3, 4, 4), 200.0), "between 0 and 1"),
        (torch.full((9, 3, 4, 4), torch.nan), "between 0 and 1"),
        (torch.zeros(9, 3, 4, 6), "square, not 4 x 6"),
        (torch.zeros(3, 4, 4), "float tensors"),
    ],
)
def test_what_is_no_pictures_is_refused(batch, said):
    for fit in (Gaussian.fit, ScaleMixture.fit):
        with pytest.raises(PredictionError, match=said):
            fit([batch], rank=4)


def test_double_precision_is_as_good():
    pictures = draws(100, 3, 4)
    single, double = (ScaleMixture.fit([batch], rank=48) for batch in (pictures, pictures.double()))
    assert all(torch.equal(a, b) for a, b in zip(single.buffers(), double.buffers(), strict=True))


def test_what_is_done_to_an_answer_is_not_done_to_the_next():
    model = fitted()
    known, _ = observe(model, 5)
    before = model.predict(known).variance
    model.predict(known).distribution.factor.mul_(3)
    assert torch.equal(model.predict(known).variance, before)


@pytest.mark.parametrize("again", [copy.deepcopy, lambda model: pickle.loads(pickle.dumps(model))])
def test_a_copy_remembers_nothing_yet_and_answers_alike(again):
    model = fitted()
    known, _ = observe(model, 5)
    mean = model.predict(known).mean
    other = again(model)
    assert not other.conditioned and other.conditioned is not model.conditioned
    assert torch.allclose(other.predict(known).mean, mean, atol=1e-6) and len(other.conditioned) == 1
