"""The mixture of Bernoullis against brute force over all pictures, and against what it was made of."""

from __future__ import annotations

import itertools

import pytest
import torch
from torch import Tensor

import recon
from recon import Observation, hub, metrics
from recon.errors import PredictionError
from recon.models import BernoulliMixture
from recon.prediction import Prediction

SIDE = 3


@pytest.fixture(scope="module")
def small() -> BernoulliMixture:
    """Three components of 3 x 3 pixels."""
    model = BernoulliMixture(side=SIDE, channels=1, components=3)
    generator = torch.Generator().manual_seed(0)
    model.logits.copy_(2 * torch.randn(3, SIDE**2, generator=generator))
    model.log_weights.copy_(torch.tensor([0.2, 0.3, 0.5]).log())
    return model


def everything(model: BernoulliMixture) -> tuple[Tensor, Tensor]:
    """All pictures and the probability of each: (512, 9) and (512,)"""
    pictures = torch.tensor(list(itertools.product((0.0, 1.0), repeat=SIDE**2))).double()
    white = model.logits.double().sigmoid()[:, None]
    each = (white * pictures + (1 - white) * (1 - pictures)).prod(2)
    return pictures, model.log_weights.double().exp() @ each


def some(observed: dict[int, float]) -> Observation:
    values, mask = torch.zeros(SIDE**2), torch.zeros(SIDE**2, dtype=torch.bool)
    for place, value in observed.items():
        values[place], mask[place] = value, True
    return Observation(values.view(1, 1, SIDE, SIDE), mask.view(1, 1, SIDE, SIDE))


@pytest.mark.parametrize("observed", [{}, {4: 1.0}, {0: 0.0, 4: 1.0, 7: 1.0, 8: 0.0}])
def test_marginals_are_those_of_all_pictures(small, observed):
    pictures, probability = everything(small)
    assert probability.sum().item() == pytest.approx(1)
    fits = torch.stack([pictures[:, place] == value for place, value in observed.items()]) if observed else None
    probability = probability if fits is None else probability * fits.all(0)
    expected = (probability / probability.sum()) @ pictures
    found = small.predict(some(observed)).mean.flatten().double()
    assert torch.allclose(found, expected, atol=1e-5)


def test_joint_samples_are_of_the_joint_distribution(small):
    observation = some({4: 1.0, 0: 0.0})
    drawn = recon.sample(small, observation, count=20000, seed=0).flatten(1).double()
    pictures, probability = everything(small)
    fits = (pictures[:, 4] == 1) & (pictures[:, 0] == 0)
    pictures, probability = pictures[fits], probability[fits] / probability[fits].sum()
    second = pictures.T @ (probability[:, None] * pictures)
    assert torch.allclose(drawn.T @ drawn / len(drawn), second, atol=0.02)
    cold = small.sample_joint(observation, 500, torch.Generator().manual_seed(0), temperature=1e-3).flatten(1)
    assert len(cold.unique(dim=0)) <= 3


def test_fitting_finds_what_pictures_were_made_of():
    shapes = torch.zeros(2, 8, 8)
    shapes[0, :4], shapes[1, :, :4] = 1, 1
    generator = torch.Generator().manual_seed(0)
    chosen = torch.randint(2, (600,), generator=generator)
    pictures = torch.bernoulli(shapes[chosen] * 0.8 + 0.1, generator=generator)[:, None]
    model = BernoulliMixture.fit(pictures.split(100), components=2)
    white = model.logits.float().sigmoid().view(2, 8, 8)
    order = [0, 1] if white[0, 0, 7] > 0.5 else [1, 0]
    assert torch.allclose(white[order], shapes * 0.8 + 0.1, atol=0.1)
    assert torch.allclose(model.log_weights.exp().sum(), torch.tensor(1.0))
    mask = torch.zeros(len(pictures), 1, 8, 8, dtype=torch.bool)
    mask[:, :, ::3, ::3] = True
    observation = Observation(pictures * mask, mask)
    alone = Prediction(BernoulliMixture.fit(pictures.split(100), 1).distribution(observation), observation)
    assert metrics.bits_per_dim(model.predict(observation), pictures) < metrics.bits_per_dim(alone, pictures) - 0.1


def test_what_cannot_be_fitted():
    with pytest.raises(PredictionError, match="as many pictures; there are 4"):
        BernoulliMixture.fit([torch.zeros(4, 1, 8, 8)], components=5)
    with pytest.raises(PredictionError, match="as many pictures; there are 0"):
        BernoulliMixture.fit([], components=5)
    with pytest.raises(PredictionError, match="black and white"):
        BernoulliMixture.fit([torch.full((9, 1, 8, 8), 0.5)], components=5)


def test_save_and_load(small, tmp_path):
    small.save_pretrained(tmp_path / "saved")
    config = tmp_path / "saved" / "config.json"
    config.write_text(config.read_text().rstrip("}\n") + ', "checkpoint": {"kind": "bernoulli_mixture"}}')
    back = hub.read(tmp_path / "saved")
    assert back.binary and back.exact_joint
    assert torch.equal(back.predict(some({1: 1.0})).mean, small.predict(some({1: 1.0})).mean)
