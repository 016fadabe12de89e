"""Experiments: intervals that mean what they say, differences in pairs, the same numbers for the same settings."""

from __future__ import annotations

import csv
import math
from itertools import pairwise

import pytest
import torch
from scipy import stats

from recon import Observation, baselines, hub, metrics, patches
from recon.distributions import Beta
from recon.errors import CheckpointError, ExperimentError, PatchError, ReconError
from recon.evaluation import experiment
from recon.evaluation.experiment import COLUMNS, LEVELS, PAIRED, Experiment, Row, estimate
from recon.models.base import Model


class Uniform(Model):
    """Every value is as likely, whatever was observed; it remembers the masks that it was asked about."""

    kind, side, channels = "uniform", 16, 3
    device = torch.device("cpu")

    def __init__(self):
        super().__init__()
        self.asked: list[torch.Tensor] = []

    def distribution(self, observation: Observation) -> Beta:
        self.asked.append(observation.mask)
        return Beta(torch.ones_like(observation.values), torch.ones_like(observation.values))


class Coin(Uniform):
    """The same of black and white."""

    kind, channels, binary = "coin", 1, True


def loader(name: str):
    return {"uniform": Uniform, "coin": Coin}[name]() if name in ("uniform", "coin") else baselines.load(name)


def rows_of(found: Experiment) -> list[Row]:
    return [row for step in experiment.run(found, loader) for row in step.rows]


def settings(pictures, **changes) -> Experiment:
    asked = {"models": ("nearest",), "families": ("random", "sobol"), "sizes": (4, 64), "seeds": 2}
    return Experiment(pictures(5, side=16), **{**asked, **changes})


def test_an_interval_is_students():
    values = torch.tensor([0.3, 0.1, 0.7, 0.4])
    found = estimate(values)
    low, high = stats.t.interval(0.95, 3, values.mean().item(), stats.sem(values.double().numpy()))
    assert (found.mean, found.low, found.high, found.count) == pytest.approx((0.375, low, high, 4))


def test_95_of_100_intervals_hold_the_true_mean(generator):
    runs = 3 + 2 * torch.randn(2000, 12, generator=generator)
    held = sum(found.low <= 3 <= found.high for found in map(estimate, runs))
    assert held / len(runs) == pytest.approx(0.95, abs=0.015)


def test_a_picture_without_error_is_left_out_and_the_count_says_so():
    found = estimate(torch.tensor([20.0, math.inf, 22.0]))
    assert (found.mean, found.count) == (21, 2) and found.low < 21 < found.high
    assert math.isnan(estimate(torch.tensor([math.inf])).mean)
    one = estimate(torch.tensor([20.0, math.inf]))
    assert one.mean == 20 and math.isnan(one.low) and math.isnan(one.high)


def test_a_paired_difference_is_sharper_than_the_means(generator):
    pictures = 20 + 5 * torch.randn(50, generator=generator)
    better = pictures + 0.5 + 0.1 * torch.randn(50, generator=generator)
    one, other = (Row("m", "sobol", 4, "psnr_db", None, each) for each in (better, pictures))
    found = one.minus(other)
    assert found.mean == pytest.approx(0.5, abs=0.1) and found.low > 0.4 and found.high < 0.6
    assert one.estimate.low < other.estimate.mean < one.estimate.high, "the bars overlap all the same"
    assert other.minus(one).mean == pytest.approx(-found.mean)


@pytest.mark.parametrize("measure", ["psnr_db", "ssim"])
def test_rows_are_the_metrics_averaged_over_seeds(pictures, measure, monkeypatch):
    monkeypatch.setattr(experiment, "BATCH", 2)
    found = settings(pictures, measure=measure)
    rows = rows_of(found)
    assert [(row.family, row.size) for row in rows] == [("random", 4), ("random", 64), ("sobol", 4), ("sobol", 64)]
    metric = {"psnr_db": metrics.psnr_db, "ssim": metrics.ssim}[measure]
    for row in rows:
        seeds = (0, 1) if row.family == "random" else (0,)
        said = []
        for seed in seeds:
            mask = torch.from_numpy(patches.make(row.family, 16, row.size, seed)).expand(5, 1, 16, 16)
            said.append(
                metric(baselines.load("nearest").predict(Observation(found.pictures, mask)).mean, found.pictures)
            )
        assert row.estimate.mean == pytest.approx(sum(said) / len(said)) and row.estimate.count == 5


def test_an_interval_says_nothing_of_two_values(pictures):
    found = Experiment(pictures(2, 1), ("bmm-mnist",), ("sobol",), (64,), measure="coverage")
    with pytest.raises(ExperimentError, match="black and white alone"):
        next(experiment.run(found))


def test_bits_and_coverage_are_over_hidden_pixels(pictures):
    (bits,) = rows_of(settings(pictures, models=("uniform",), families=("sobol",), sizes=(64,), measure="bits_per_dim"))
    assert bits.estimate.mean == pytest.approx(math.log2(255), abs=0.02)
    found = settings(pictures, models=("uniform",), families=("sobol",), sizes=(64,), measure="coverage")
    rows = rows_of(found)
    assert tuple(row.level for row in rows) == LEVELS
    mask = torch.from_numpy(patches.sobol(16, 64)).expand(5, 1, 16, 16)
    prediction = Uniform().predict(Observation(found.pictures, mask))
    for row in rows:
        assert row.estimate.mean == pytest.approx(
            metrics.held_each(prediction, found.pictures, [row.level]).mean().item(), abs=1e-6
        )


def test_one_patch_for_all_pictures_of_a_cell(pictures):
    model = Uniform()
    found = settings(pictures, models=("uniform",), sizes=(4,))
    list(experiment.run(found, lambda name: model))
    assert len(model.asked) == 3, "two random patches and one of Sobol'"
    assert all((mask == mask[:1]).all() for mask in model.asked)
    assert not model.asked[0].equal(model.asked[1])


def test_progress_counts_to_its_end(pictures, monkeypatch):
    monkeypatch.setattr(experiment, "BATCH", 2)
    found = settings(pictures, models=("nearest", "linear"))
    steps = list(experiment.run(found, loader))
    done = [step.done for step in steps]
    assert done == sorted(done) and done[-1] == found.reconstructions == steps[0].total == 2 * (2 + 1) * 2 * 5
    assert max(b - a for a, b in pairwise(done)) <= 2


def test_the_same_settings_give_the_same_numbers(pictures):
    found = settings(pictures)
    again = [row.each for row in rows_of(found)]
    assert all(row.each.equal(each) for row, each in zip(rows_of(found), again, strict=True))


@pytest.mark.parametrize("channels", [1, 3])
def test_models_see_pictures_of_their_kind(pictures, channels):
    whole = pictures(3, channels=channels, side=16)
    assert experiment.seen_by(Uniform(), whole).shape[1] == 3
    black = experiment.seen_by(Coin(), whole)
    assert black.shape[1] == 1 and set(black.unique().tolist()) <= {0.0, 1.0}
    assert experiment.seen_by(baselines.load("nearest"), whole).equal(whole)


BAD = {
    "no model": ({"models": ()}, ExperimentError),
    "no family": ({"families": ()}, ExperimentError),
    "no size": ({"sizes": ()}, ExperimentError),
    "a name that is no list of them": ({"models": "nearest"}, ExperimentError),
    "a model twice": ({"models": ("nearest", "nearest")}, ExperimentError),
    "an unknown family": ({"families": ("sobel",)}, PatchError),
    "a size of 0": ({"sizes": (0,)}, PatchError),
    "a size beyond the grid": ({"sizes": (257,)}, PatchError),
    "every pixel": ({"sizes": (256,)}, ExperimentError),
    "an unknown measure": ({"measure": "mse"}, ExperimentError),
    "no seed": ({"seeds": 0}, ExperimentError),
    "half a seed": ({"seeds": 1.5}, ExperimentError),
    "bits of a mean alone": ({"measure": "bits_per_dim"}, ExperimentError),
    "coverage of a mean alone": ({"measure": "coverage"}, ExperimentError),
}


@pytest.mark.parametrize("changes, error", BAD.values(), ids=BAD)
def test_what_cannot_be_run_is_a_sentence(pictures, changes, error):
    with pytest.raises(error) as told:
        settings(pictures, **changes)
    assert isinstance(told.value, ReconError) and str(told.value).endswith(".")


def test_pictures_must_be_several_and_pictures(pictures):
    asked = {"models": ("nearest",), "families": ("sobol",), "sizes": (4,)}
    levels = pictures(3).mul(255).to(torch.uint8)
    for wrong in (pictures(1), pictures(3)[0], pictures(3)[:, :2], pictures(3)[..., :5], levels, [pictures(3)]):
        with pytest.raises(ExperimentError):
            Experiment(wrong, **asked)


def test_an_unknown_model_is_said_when_it_is_loaded(pictures):
    with pytest.raises(CheckpointError, match="no model called"):
        list(experiment.run(settings(pictures, models=("gaussian-moon",)), hub.load))


def test_csv_says_what_was_measured_and_how(pictures):
    rows = rows_of(settings(pictures))
    lines = experiment.to_csv(rows, {"data": "made up", "pictures": 5}).splitlines()
    assert lines[:2] == ["# data: made up", "# pictures: 5"]
    read = list(csv.DictReader(lines[2:]))
    assert tuple(read[0]) == COLUMNS + PAIRED and len(read) == len(rows)
    for line, row in zip(read, rows, strict=True):
        assert (line["model"], line["family"], int(line["size"])) == (row.model, row.family, row.size)
        assert float(line["mean"]) == pytest.approx(row.estimate.mean, rel=1e-5) and line["level"] == ""
    assert [line["difference"] for line in read[:2]] == ["", ""], "the first line is what the others are set beside"
    assert float(read[3]["difference_low"]) == pytest.approx(rows[3].minus(rows[1]).low, rel=1e-5)
