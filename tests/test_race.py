"""A race: every runner at every size, the one that looks among them."""

from __future__ import annotations

import pytest
import torch

from recon import acquisition, baselines, metrics, patches
from recon.errors import ObservationError
from recon.models import ConvNADE, Gaussian
from recon.observation import Observation
from recon.race import LEARNS_MOST, LEAST_SURE, Lap, look_and_add, race, runners

SIDE = 16


@pytest.fixture(scope="module")
def model() -> Gaussian:
    generator = torch.Generator().manual_seed(1)
    coarse = torch.rand(200, 3, 4, 4, generator=generator)
    return Gaussian.fit([torch.nn.functional.interpolate(coarse, size=(SIDE, SIDE), mode="bilinear")], 40)


@pytest.fixture
def truth(pictures):
    return pictures(1, 3, SIDE)


def test_size_by_size_a_lap_of_each(model, truth):
    laps = list(race(model, truth, ["random", "sobol", LEAST_SURE], sizes=(4, 10), seed=3))
    assert [(lap.size, lap.name) for lap in laps] == [
        (n, who) for n in (4, 10) for who in ("random", "sobol", LEAST_SURE)
    ]
    for lap in laps:
        assert isinstance(lap, Lap) and lap.observation.mask.sum() == lap.size and not lap.problem
        assert torch.equal(lap.observation.values, torch.where(lap.observation.mask, truth, 0))
        assert torch.equal(lap.mean, model.predict(lap.observation).mean[0])
        assert lap.psnr_db == metrics.psnr_db(lap.mean[None], truth)
    assert torch.equal(laps[3].observation.mask[0, 0], torch.from_numpy(patches.random(SIDE, 10, 3)))


def test_who_observes_more_keeps_what_was_observed(model, truth):
    before: dict[str, torch.Tensor] = {}
    for lap in race(model, truth, ["random", "sobol", "farthest", LEAST_SURE, LEARNS_MOST], sizes=(4, 8, 16, 32)):
        mask = lap.observation.mask
        assert lap.name not in before or bool(mask[before[lap.name]].all())
        before[lap.name] = mask


def test_the_one_that_looks_starts_where_the_model_is_least_sure(model, truth):
    nothing = Observation(truth, torch.zeros(1, 1, SIDE, SIDE, dtype=torch.bool))
    known = look_and_add(LEAST_SURE, model, nothing, truth, 3)
    for _ in range(3):
        where = torch.zeros_like(nothing.mask)
        ((row, column),) = acquisition.largest_variance(model, nothing)
        where[0, 0, row, column] = True
        nothing = nothing.add(truth, where)
    assert torch.equal(known.mask, nothing.mask)


def test_the_one_that_looks_goes_where_the_picture_leads(pictures):
    torch.manual_seed(0)
    network = ConvNADE(side=24, channels=1, head="bernoulli", width=4).eval()
    one, other = (
        [lap.observation.mask for lap in race(network, truth, [LEAST_SURE, "farthest"], sizes=(40,))]
        for truth in (torch.zeros(1, 1, 24, 24), pictures(1, 1, 24).round())
    )
    assert not torch.equal(one[0], other[0]) and torch.equal(one[1], other[1])


def test_the_same_seed_runs_the_same_race(model, truth):
    def once(seed):
        return [lap.psnr_db for lap in race(model, truth, ["random", "farthest", LEAST_SURE], sizes=(4, 8), seed=seed)]

    assert once(5) == once(5) != once(6)


def test_a_mean_alone_has_no_choice_of_its_own_and_the_others_run_on(truth):
    laps = list(race(baselines.load("nearest"), truth, ["sobol", LEAST_SURE], sizes=(4, 8)))
    assert [(lap.name, lap.size) for lap in laps] == [("sobol", 4), (LEAST_SURE, 4), ("sobol", 8)]
    assert "cannot say where to look" in laps[1].problem
    assert laps[1].psnr_db is None and laps[2].psnr_db > 0


def test_a_grey_model_runs_on_the_grey_picture(truth, pictures):
    grey = Gaussian.fit([pictures(40, 1, SIDE)], 12)
    (lap,) = race(grey, truth, ["sobol"], sizes=(8,))
    assert lap.pixels == "grey" and lap.mean.shape == lap.truth.shape == (1, SIDE, SIDE)


def test_who_runs(model):
    always = ["random", "sobol", "farthest"]
    assert runners(model, "celeba") == [*always, "designed_celeba", LEAST_SURE, LEARNS_MOST]
    assert runners(baselines.load("nearest")) == runners(baselines.load("linear"), "of nobody") == [*always, LEAST_SURE]


@pytest.mark.parametrize(
    ("shape", "sizes", "told"),
    [
        ((2, 3, 8, 8), (4,), "one square"),
        ((1, 3, 8, 6), (4,), "one square"),
        ((1, 3, 8, 8), (8, 4), "must grow"),
        ((1, 3, 8, 8), (4.5,), "are whole"),
        ((1, 3, 8, 8), (4, 65), "has 64 pixels"),
        ((1, 3, 8, 8), (0, 4), "has 64 pixels"),
    ],
)
def test_what_is_no_race(model, shape, sizes, told):
    with pytest.raises(ObservationError, match=told):
        next(race(model, torch.zeros(shape), "sobol", sizes))
