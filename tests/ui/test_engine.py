"""Questions put to models, without gradio."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from recon import baselines, patches
from recon.errors import CheckpointError, ReconError
from recon.painting import Painting
from recon.ui import engine as room
from recon.ui import pictures

FACE = "face"


@pytest.fixture
def half(engine):
    """A face of which every other pixel is known, and the whole of it."""
    truth = pictures.load(FACE)
    return room.reveal(truth, patches.sobol(32, 512)), truth


def test_the_page_opens_with_a_model_that_is_there(engine):
    assert engine.default in engine.records
    names = [name for _, name in engine.choices()]
    assert names[0] in engine.records and names[-4:] == list(baselines.NAMES)
    assert len(set(names)) == len(names) and not any(name.startswith("table1") for name in names)
    titles = [title for title, _ in engine.choices()]
    assert len(set(titles)) == len(titles)
    for name in names:
        assert engine.summary(name).endswith(".") and len(engine.summary(name)) < 200


def test_without_checkpoints_the_classical_methods_remain(monkeypatch):
    monkeypatch.setattr(room.hub, "checkpoints", list)
    bare = room.Engine("cpu")
    assert bare.default in baselines.NAMES and len(bare.choices()) == len(baselines.NAMES)
    assert bare.answer(bare.default, Painting.parse({"side": 32, "cells": [[0, 0, 9, 9, 9]]})).mean.shape == (3, 32, 32)


def test_every_model_answers_and_keeps_what_is_observed(engine, half):
    painting, truth = half
    for _, name in engine.choices():
        if engine.side(name) != painting.side:
            with pytest.raises(CheckpointError, match="works on 64 x 64 pixels, the painting has 32"):
                engine.answer(name, painting, truth)
            continue
        answer = engine.answer(name, painting, truth)
        channels = answer.prediction.observation.channels
        assert answer.mean.shape == (channels, 32, 32) and answer.mean.isfinite().all(), name
        seen = answer.prediction.observation.values[0]
        mask = torch.from_numpy(painting.mask)
        torch.testing.assert_close(answer.mean[:, mask], seen[:, mask].cpu())
        assert answer.truth.shape == (1, channels, 32, 32)
        scores = answer.scores()
        assert scores["psnr_db"] > 5 and -1 <= scores["ssim"] <= 1
        if not answer.prediction.has_spread:
            assert answer.deviation is None and answer.interval is None and scores["bits_per_dim"] is None
            continue
        low, high = answer.interval
        assert (answer.deviation >= 0).all() and (low <= high + 1e-6).all()
        assert not answer.deviation[:, mask].any() and scores["bits_per_dim"] > 0


def test_a_model_is_loaded_once(engine, paint):
    name = engine.default
    assert engine.model(name) is engine.model(name)
    assert engine.answer(name, paint(3)).model is engine.model(name)


@pytest.mark.parametrize("name", ["", "gaussian-moon", "../checkpoints/gaussian-celeba", "NEAREST"])
def test_an_unknown_model_is_a_sentence(engine, paint, name):
    with pytest.raises(CheckpointError, match=r"There is no model called .* on this page\."):
        engine.answer(name, paint(3))


def test_an_empty_painting_is_a_question_too(engine):
    answer = engine.answer(engine.default, Painting.empty(32))
    assert answer.mean.isfinite().all() and (answer.deviation > 0).all()
    assert answer.scores() == {}
    with pytest.raises(ReconError, match="no pixel is observed"):
        engine.answer("nearest", Painting.empty(32))


@pytest.mark.parametrize("name", [None, *baselines.NAMES])
def test_with_all_observed_there_is_nothing_left(engine, paint, name):
    painting = paint(1024)
    answer = engine.answer(name or engine.default, painting, painting.values)
    np.testing.assert_allclose(answer.mean.permute(1, 2, 0).numpy() * 255, painting.values, atol=0.01)
    assert answer.deviation is None or not answer.deviation.any()
    assert set(answer.scores().values()) == {None}


def test_a_perfect_reconstruction_is_infinitely_good(engine):
    flat = np.full((32, 32, 3), 77, np.uint8)
    answer = engine.answer("nearest", room.reveal(flat, patches.sobol(32, 9)), flat)
    assert math.isinf(answer.scores()["psnr_db"]) and answer.scores()["ssim"] == pytest.approx(1)


def test_a_binary_model_sees_black_and_white(engine, binary, half):
    painting, truth = half
    answer = engine.answer(binary, painting, truth)
    observed = answer.prediction.observation
    assert observed.channels == 1 and set(observed.values[observed.mask].unique().tolist()) <= {0.0, 1.0}
    assert set(answer.truth.unique().tolist()) <= {0.0, 1.0}
    assert (answer.mean >= 0).all() and (answer.mean <= 1).all()


def test_a_grey_model_takes_colour(engine, half):
    painting, truth = half
    grey = next(name for name, record in engine.records.items() if record.channels == 1 and not record.binary)
    assert engine.answer(grey, painting, truth).mean.shape == (1, 32, 32)


@pytest.mark.parametrize("side", [1, 16, 33, 128])
def test_another_side_is_a_sentence(engine, paint, side):
    with pytest.raises(CheckpointError, match=rf"works on 32 x 32 pixels, the painting has {side}\."):
        engine.answer(engine.default, paint(1, side))


def test_a_truth_of_another_side_is_left_out(engine, paint):
    assert engine.answer(engine.default, paint(5), np.zeros((16, 16, 3), np.uint8)).truth is None


def test_reveal_takes_what_the_mask_picks():
    picture = pictures.load("hills")
    mask = patches.random(32, 40, seed=1)
    painting = room.reveal(picture, mask)
    assert np.array_equal(painting.mask, mask) and np.array_equal(painting.values[mask], picture[mask])
    assert not painting.values[~mask].any()


@pytest.mark.parametrize("number, wanted", [(0, 0), (7, 7), (7.0, 7), (-3, -3), (2**40, 2**40), (np.float64(4), 4)])
def test_whole_numbers(number, wanted):
    found = room.whole(number, "seed")
    assert found == wanted and type(found) is int


BAD_NUMBERS = [2.5, float("nan"), float("inf"), float("-inf"), True, "3", [3], {}, 1 + 0j, b"3"]


@pytest.mark.parametrize("number", BAD_NUMBERS, ids=repr)
def test_what_is_not_whole_is_a_sentence(number):
    with pytest.raises(ReconError, match="The seed must be a whole number, not "):
        room.whole(number, "seed")


def test_an_empty_field_is_a_sentence():
    with pytest.raises(ReconError, match="The seed is empty"):
        room.seed_of(None)


@pytest.mark.parametrize("family", sorted(patches.FAMILIES))
def test_patches_of_every_family(family):
    mask = room.patch_mask(family, 100.0, 5.0)
    assert mask.shape == (32, 32) and mask.sum() == 100


@pytest.mark.parametrize(
    "family, size, seed",
    [
        ("sobel", 3, 0), (None, 3, 0), (["sobol"], 3, 0), ("sobol", 0, 0), ("sobol", 1025, 0), ("sobol", 2.5, 0),
        ("sobol", float("inf"), 0), ("random", 3, -1), ("random", 3, 0.5), ("random", 3, None), ("sobol", -1, 0),
    ],
)  # fmt: skip
def test_patches_that_cannot_be(family, size, seed):
    with pytest.raises(ReconError) as told:
        room.patch_mask(family, size, seed)
    assert str(told.value).endswith(".")


@pytest.mark.parametrize("names", [("mdn-celeba", "gsm-celeba"), ("gsm-celeba", "mdn-celeba")])
def test_models_on_the_same_closed_form_share_it(names):
    fresh = room.Engine("cpu")
    for name in names:
        fresh.model(name)
    assert fresh.model("mdn-celeba").base is fresh.model("gsm-celeba") is fresh.closed_form("celeba")
    assert fresh.closed_form("cifar10") is not fresh.closed_form("celeba")


def test_doubts_take_the_models_that_are_at_hand():
    fresh = room.Engine("cpu")
    fresh.model("mdn-celeba")
    fresh.judge.doubt("celeba", fresh.observe("mdn-celeba", room.reveal(pictures.load(FACE), patches.sobol(32, 64))))
    assert fresh.judge.closed_form("celeba") is fresh.model("mdn-celeba").base
    assert fresh.judge.closed_form("landscapes") is fresh.model("gsm-landscapes")
