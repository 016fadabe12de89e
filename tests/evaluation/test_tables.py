"""The tables: rows that say what was measured, and Table 1's interval."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy import stats

from recon import Observation, Prediction, baselines, data, metrics
from recon.distributions import Bernoulli, Beta
from recon.errors import CheckpointError
from recon.evaluation import beside, reconstruction, table1
from recon.evaluation.reconstruction import Row
from recon.models.base import Model


class Uniform(Model):
    """Every value is as likely, whatever was observed."""

    kind, side, channels = "uniform", 32, 3
    device = torch.device("cpu")

    def distribution(self, observation: Observation) -> Beta:
        return Beta(torch.ones_like(observation.values), torch.ones_like(observation.values))


class Coin(Uniform):
    """The same in black and white."""

    kind, channels, binary = "coin", 1, True

    def distribution(self, observation: Observation) -> Bernoulli:
        return Bernoulli(torch.zeros_like(observation.values))


def test_patch_masks():
    random, sobol = (reconstruction.patch_masks(family, 40, 3) for family in ("random", "sobol"))
    for masks in (random, sobol):
        assert masks.shape == (3, 1, 32, 32) and masks.dtype == torch.bool and (masks.flatten(1).sum(1) == 40).all()
    assert sobol[0].equal(sobol[1]) and not random[0].equal(random[1])
    shared = reconstruction.patch_masks("random", 40, 12, 64)
    assert shared.shape == (12, 1, 64, 64) and shared[0].equal(shared[9]) and not shared[9].equal(shared[10])


def test_a_row_is_the_mean_over_pictures_in_whatever_batches(pictures, monkeypatch):
    truth = pictures(5)
    masks = reconstruction.patch_masks("random", 100, 5)
    together = reconstruction.measure(Uniform(), "uniform", "random", 100, truth, masks)
    prediction = Uniform().predict(Observation(truth, masks))
    assert together.psnr_db == pytest.approx(metrics.psnr_db(prediction.mean, truth))
    assert together.ssim == pytest.approx(metrics.ssim(prediction.mean, truth))
    assert together.bits_per_dim == pytest.approx(math.log2(255), abs=0.01)
    assert together.coverage == pytest.approx([metrics.coverage(prediction, truth, p) for p in (0.5, 0.8, 0.9, 0.95)])
    assert together.pit == pytest.approx(metrics.pit(prediction, truth).tolist())
    monkeypatch.setattr(reconstruction, "BATCH", 2)
    apart = reconstruction.measure(Uniform(), "uniform", "random", 100, truth, masks)
    for name in ("psnr_db", "ssim", "bits_per_dim", "coverage", "pit"):
        assert getattr(apart, name) == pytest.approx(getattr(together, name))


def test_a_baselines_row_has_no_spread(pictures):
    row = reconstruction.measure(
        baselines.load("nearest"), "nearest", "sobol", 128, pictures(2), reconstruction.patch_masks("sobol", 128, 2)
    )
    assert row.bits_per_dim is None and row.coverage is None and row.psnr_db > 15


def test_a_binary_model_has_no_intervals(pictures):
    truth = (pictures(2)[:, :1] > 0.5).float()
    row = reconstruction.measure(Coin(), "coin", "sobol", 128, truth, reconstruction.patch_masks("sobol", 128, 2))
    assert row.bits_per_dim == pytest.approx(1) and row.coverage is None and row.pit is None


def test_markdown():
    pit = (0.05,) * 18 + (0.1, 0.0)
    rows = [Row("model", "sobol", 128, 22.617, 0.8, 4.1, (0.5, 0.8, 0.9, 0.95), pit), Row("m", "random", 32, 16, 0.5)]
    lines = reconstruction.markdown(rows, [Row("rbf", "sobol", 128, 21.0, 0.7), Row("linear", "random", 32, 15.0, 0.4)])
    head, rule, first, second, *rest = lines.splitlines()
    assert head.count("|") == rule.count("|") == first.count("|") == second.count("|") == 8
    assert first == "| 128 | Sobol' | 22.62 | 0.800 | 4.100 | 50.0 / 80.0 / 90.0 / 95.0 | 21.00, rbf |"
    assert second == "| 32 | random | 16.00 | 0.500 | – | – | 15.00, linear |"
    assert "from 0.00 to 2.00 times" in rest[1] and rest[-1] == f"`{'▅' * 18}█▁`"


def test_where_a_level_has_most_of_the_mass_the_table_says_what_intervals_hold_of_it():
    rows = [Row("model", "sobol", 64, 22.6, 0.8, 4.1, (0.9, 0.95, 0.98, 0.99), (0.04, *(0.05,) * 18, 0.06))]
    head, rule, first, *rest = reconstruction.markdown(rows, [Row("rbf", "sobol", 64, 21.0, 0.7)]).splitlines()
    assert head.count("|") == rule.count("|") == first.count("|") == 9
    assert "90 %, levels spread" in head and first.endswith("/ 99.0 | 90.0 | 21.00, rbf |")
    assert rest[0] == "" and "touches" in rest[1]


def test_a_checkpoint_must_say_what_it_was_trained_on(tmp_path, monkeypatch):
    folder = tmp_path / "quiet"
    folder.mkdir()
    (folder / "config.json").write_text('{"checkpoint": {"kind": "gaussian"}}')
    monkeypatch.setattr(reconstruction.hub, "resolve", lambda name: folder)
    with pytest.raises(CheckpointError, match="which image set"):
        reconstruction.data_set("quiet")


def test_table1_is_over_hidden_pixels_of_all_pictures(digits, monkeypatch):
    monkeypatch.setattr(table1.hub, "load", lambda name: Coin())
    assert table1.loss("table1-mnist-sobol") == (pytest.approx(math.log(2)), 8)
    assert table1.loss("table1-mnist-random3", limit=5) == (pytest.approx(math.log(2)), 5)


def test_table1_asks_each_network_about_its_own_patch(digits, monkeypatch):
    asked = {}

    class Curious(Coin):
        def predict(self, observation: Observation) -> Prediction:
            asked[name] = observation.mask
            return super().predict(observation)

    monkeypatch.setattr(table1.hub, "load", lambda name: Curious())
    for name in ("table1-mnist-sobol", "table1-mnist-random0", "table1-mnist-random1"):
        table1.loss(name)
        assert (asked[name].flatten(1).sum(1) == 128).all() and (asked[name] == asked[name][:1]).all()
    masks = [mask[0] for mask in asked.values()]
    assert all(not masks[a].equal(masks[b]) for a, b in ((0, 1), (0, 2), (1, 2)))


def test_table1s_interval(monkeypatch):
    losses = [0.11, 0.12, 0.10, 0.115, 0.105]
    monkeypatch.setattr(table1, "loss", lambda name, limit: (losses[int(name[-1])] if "random" in name else 0.1, 8000))
    mnist, cifar = table1.rows()
    low, high = stats.t.interval(0.95, 4, np.mean(losses), stats.sem(losses))
    assert (mnist.random, mnist.low, mnist.high) == pytest.approx((0.11, low, high))
    assert (mnist.data, cifar.data, mnist.sobol, mnist.pictures) == ("mnist", "cifar10", 0.1, 8000)
    text = table1.text([mnist, cifar]).splitlines()
    assert len(text) == 4 and "0.1100 (" in text[2] and "0.0994" in text[2] and "-1.1536" in text[3]
    assert set(table1.SETS) <= {"mnist", "cifar10"} <= set(data.SETS)


def test_beside_others_it_says_where_it_loses():
    mine = [Row("a", family, size, 20.0, 0.5, 4.0) for size in (16, 32) for family in ("random", "sobol")]
    better = [Row("b", row.family, row.size, 20.1, 0.5, 4.0 + 0.1 * (row.size == 16)) for row in mine]
    other = [Row("c", row.family, row.size, 19.0 + 2 * (row.family == "sobol"), 0.4, 3.9) for row in mine]
    text = beside.table("a", mine, {"b": better, "c": other})
    assert "| 16 | Sobol' | 20.00 / 0.500 / 4.000 | 20.10 / 0.500 / 4.100 | 21.00 / 0.400 / 3.900 |" in text
    assert "- Behind `b` everywhere in PSNR, nowhere in SSIM, nowhere in bits/dim." in text
    assert "- Behind `c` at 16, 32 Sobol' pixels in PSNR, nowhere in SSIM, everywhere in bits/dim." in text
