"""Where to look next, against brute force."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from recon import acquisition, baselines, patches
from recon.errors import PatchError, PredictionError
from recon.models import ConvNADE, Gaussian
from recon.models.conditioned import ROUNDING
from tests.models.test_scale_mixture import SIDE, observe, pictures


@pytest.fixture(scope="module")
def model() -> Gaussian:
    return Gaussian.fit(list(pictures(3000).split(500)), rank=3 * SIDE**2)


def left(model: Gaussian, observed: list[int]) -> float:
    """Total variance that is left when these pixels are observed, from the whole covariance."""
    covariance = model.covariance().double()
    known = torch.tensor([d for d in range(len(covariance)) if d % SIDE**2 in observed])
    noise = ROUNDING * torch.eye(len(known)).double()
    gained = torch.linalg.solve(covariance[known][:, known] + noise, covariance[known])
    return (covariance.trace() - (covariance[:, known] @ gained).trace()).item()


@pytest.mark.parametrize("size", [0, 5])
def test_the_largest_drop_is_the_largest(model, size):
    observation = observe(pictures(1, seed=1), size)
    known = observation.mask.flatten().nonzero()[:, 0].tolist()
    ((row, column),) = acquisition.largest_drop(model, observation)
    hidden = [place for place in range(SIDE**2) if place not in known]
    after = {place: left(model, [*known, place]) for place in hidden}
    best = min(after.values())
    assert after[row * SIDE + column] == pytest.approx(best, rel=1e-4)


def test_several_are_chosen_one_after_the_other(model):
    observation = observe(pictures(1, seed=1), 5)
    together = acquisition.largest_drop(model, observation, 4)
    assert len(set(together)) == 4
    for row, column in together[:3]:
        assert acquisition.largest_drop(model, observation)[0] == (row, column)
        where = torch.zeros_like(observation.mask)
        where[0, 0, row, column] = True
        observation = observation.add(observation.values, where)


def test_a_design_beats_chance_and_is_the_drop_from_nothing(model):
    order = acquisition.design(model, 10)
    assert len(set(order)) == 10
    nothing = observe(pictures(1), 0)
    assert [row * SIDE + column for row, column in acquisition.largest_drop(model, nothing, 10)] == order
    rng = np.random.default_rng(0)
    assert left(model, order) < min(left(model, rng.permutation(SIDE**2)[:10].tolist()) for _ in range(20))
    assert sorted(acquisition.design(model)) == list(range(SIDE**2))


def test_any_model_with_spread_can_be_asked_where_it_is_least_sure(model):
    observation = observe(pictures(1, seed=2), 6)
    variance = model.predict(observation).variance[0].sum(0)
    (row, column), *others = acquisition.largest_variance(model, observation, 5)
    assert variance[row, column] == variance.max()
    distance = min(np.hypot(row - r, column - c) for r, c in others)
    assert distance > 1, "the next ones do not crowd around it"
    torch.manual_seed(0)
    network = ConvNADE(side=32, channels=1, head="bernoulli", width=2)
    from recon import Observation

    blank = Observation(torch.zeros(1, 1, 32, 32), torch.zeros(1, 1, 32, 32, dtype=torch.bool))
    assert acquisition.next_pixels(network, blank, 2) == acquisition.largest_variance(network, blank, 2)
    assert acquisition.next_pixels(model, observation, 2) == acquisition.largest_drop(model, observation, 2)


def test_a_weighted_drop_is_the_gaussians_own_where_the_model_is_that_gaussian(model):
    observation = observe(pictures(1, seed=2), 6)
    (first, *others) = acquisition.largest_weighted_drop(model, observation, 4)
    assert [first] == acquisition.largest_drop(model, observation)
    assert len({first, *others}) == 4 and min(np.hypot(first[0] - r, first[1] - c) for r, c in others) > 1


def test_a_weighted_drop_is_that_of_the_variances_that_the_model_says(model):
    """Against brute force, for a model that is ten times less sure of the left half than the Gaussian is before what it
    says is clipped to [0, 1]."""
    observation = observe(pictures(1, seed=2), 6)
    mask = observation.mask.flatten()

    class Doubting:
        base = model

        def predict(self, observation):
            found = acquisition.conditional(model, mask).diagonal().view(1, -1, SIDE, SIDE)
            return SimpleNamespace(variance=found * weights.view(SIDE, SIDE))

    weights = torch.ones(SIDE, SIDE)
    weights[:, : SIDE // 2] = 10
    weights = weights.flatten()
    before = acquisition.conditional(model, mask).diagonal().view(-1, SIDE**2).sum(0) @ weights
    gained = {}
    for place in (~mask).nonzero()[:, 0].tolist():
        more = mask.clone()
        more[place] = True
        gained[place] = (
            before - acquisition.conditional(model, more).diagonal().view(-1, SIDE**2).sum(0) @ weights
        ).item()
    ((row, column),) = acquisition.largest_weighted_drop(Doubting(), observation)
    assert gained[row * SIDE + column] == pytest.approx(max(gained.values()), rel=1e-3)
    assert column < SIDE // 2


def test_what_cannot_be_asked_is_a_sentence(model):
    full, two = observe(pictures(1), SIDE**2), observe(pictures(2), 3)
    for wrong, count, told in (
        (full, 1, "0 pixels left"),
        (two, 1, "one image"),
        (observe(pictures(1), 3), 0, "not 0"),
    ):
        with pytest.raises(PredictionError, match=told):
            acquisition.next_pixels(model, wrong, count)
    for size in (SIDE**2 + 1, -1, 2.5):
        with pytest.raises(PredictionError, match="whole number of pixels"):
            acquisition.design(model, size)
    with pytest.raises(PredictionError, match="no Gaussian"):
        acquisition.largest_weighted_drop(baselines.load("nearest"), observe(pictures(1), 3))
    with pytest.raises(PredictionError, match="how sure"):
        acquisition.next_pixels(baselines.load("nearest"), observe(pictures(1), 3))


def test_designed_patches_are_families_of_their_own():
    names = [name for name in patches.FAMILIES if name.startswith("designed_")]
    assert "designed_mnist" in names
    for name in names:
        assert sorted(patches.design_order(name.removeprefix("designed_"))) == list(range(1024))
        small, large = (patches.make(name, 32, size) for size in (16, 64))
        assert small.sum() == 16 and large.sum() == 64 and large[small].all()
    with pytest.raises(PatchError, match="32 pixels a side"):
        patches.make("designed_mnist", 16, 4)
    with pytest.raises(PatchError, match="No patch is designed for 'cats'"):
        patches.designed(32, 4, "cats")
