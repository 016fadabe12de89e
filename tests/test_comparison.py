"""Answers beside each other: the scores are the library's own, and what one cannot answer is its own sentence."""

from __future__ import annotations

import pytest
import torch

from recon import comparison, hub, metrics, patches
from recon.errors import CheckpointError, ObservationError
from recon.memory import memory_of
from recon.models.gaussian import Gaussian
from recon.observation import Observation


@pytest.fixture
def truth(pictures):
    return pictures(1, 3, 16)


@pytest.fixture
def models(pictures):
    """A small Gaussian of each kind of pixels, by name."""
    colour, grey = (Gaussian.fit([pictures(40, channels, 16)], 12) for channels in (3, 1))
    binary = Gaussian.fit([pictures(40, 1, 16)], 12)
    binary.binary = True
    return {"colour": colour, "grey": grey, "binary": binary}


@pytest.fixture
def load(models):
    return lambda name: models[name] if name in models else hub.load(name)


@pytest.fixture
def seen(truth):
    return Observation(truth, torch.from_numpy(patches.sobol(16, 40))[None, None])


def test_scores_are_those_of_the_prediction(models, load, truth, seen):
    model, nearest = comparison.of_models(["colour", "nearest"], seen, truth, load)
    prediction = models["colour"].predict(seen)
    assert torch.equal(model.mean, prediction.mean[0])
    assert torch.equal(model.deviation, prediction.variance[0].sqrt())
    assert model.psnr_db == metrics.psnr_db(prediction.mean, truth)
    assert model.ssim == metrics.ssim(prediction.mean, truth)
    assert model.bits_per_dim == metrics.bits_per_dim(prediction, truth)
    assert model.milliseconds > 0 and model.problem == ""
    assert torch.equal(torch.where(seen.mask[0], nearest.mean, 0), seen.values[0])
    assert nearest.deviation is None and nearest.bits_per_dim is None and nearest.psnr_db > 0


def test_a_model_is_given_its_kind_of_pixels_and_judged_by_them(load, truth, seen):
    found = {one.name: one for one in comparison.of_models(["colour", "grey", "binary"], seen, truth, load)}
    assert [one.pixels for one in found.values()] == ["colour", "grey", "binary"]
    assert [len(one.mean) for one in found.values()] == [3, 1, 1]
    assert set(found["binary"].observation.values.unique().tolist()) <= {0, 1}
    everything = torch.ones_like(seen.mask)
    grey = Observation(truth, everything).with_channels(1)
    assert found["grey"].psnr_db == metrics.psnr_db(found["grey"].mean[None], grey.values)
    assert found["binary"].ssim == metrics.ssim(found["binary"].mean[None], grey.binarised().values)


def test_a_classical_method_is_judged_in_the_colours_that_it_was_given(load, truth, seen):
    grey = Observation(truth, torch.ones_like(seen.mask)).with_channels(1).values
    (found,) = comparison.of_models("linear", seen.with_channels(1), truth, load)
    assert found.psnr_db == metrics.psnr_db(found.mean[None], grey) and not found.problem


def test_without_a_picture_there_are_no_scores(load, seen):
    (found,) = comparison.of_models(["colour"], seen, None, load)
    assert found.mean is not None and found.milliseconds > 0
    assert found.psnr_db is None and found.ssim is None and found.bits_per_dim is None


def test_where_nothing_is_hidden_there_is_nothing_to_score(load, truth):
    (found,) = comparison.of_models(["colour"], Observation(truth, torch.ones(1, 1, 16, 16).bool()), truth, load)
    assert torch.equal(found.mean, truth[0]) and found.psnr_db is None and found.bits_per_dim is None


def test_one_that_fails_is_a_sentence_and_the_others_go_on(load, truth, seen):
    gone, nearest = comparison.of_models(["no-such-model", "nearest"], seen, truth, load)
    assert "There is no model called" in gone.problem and gone.mean is None and gone.discrepancy is None
    assert nearest.problem == "" and nearest.psnr_db > 0
    nothing = Observation(truth, torch.zeros_like(seen.mask))
    model, nearest = comparison.of_models(["colour", "nearest"], nothing, truth, load)
    assert model.psnr_db > 0 and model.discrepancy is None
    assert "no pixel is observed" in nearest.problem


def test_results_come_one_by_one(truth, seen):
    asked = []

    def load(name):
        asked.append(name)
        return hub.load(name)

    found = comparison.of_models(["nearest", "linear"], seen, truth, load)
    next(found)
    assert asked == ["nearest"]


def test_what_is_timed_was_not_conditioned_on_before(models, load, truth, seen, monkeypatch):
    """The answer remembered of the same patch, from a warm-up or from a page beside it, would take no time."""
    model, remembered = models["colour"], []
    predict = model.predict
    monkeypatch.setattr(
        model, "predict", lambda asked: remembered.append(len(memory_of(model.conditioned))) or predict(asked)
    )
    predict(seen)
    next(comparison.of_models(["colour"], seen, truth, load))
    assert remembered == [0] * comparison.ROUNDS and len(model.conditioned) == 1


def test_patches_share_a_budget_and_say_how_even_they_are(models, truth):
    families = ["random", "sobol", "block", "no-such-patch"]
    *found, bad = comparison.of_patches(families, models["grey"], truth, 40, seed=3)
    assert [one.name for one in found] == families[:3] and "no patch family" in bad.problem
    for one in found:
        mask = patches.make(one.name, 16, 40, 3)
        assert torch.equal(one.observation.mask[0, 0], torch.from_numpy(mask))
        assert one.discrepancy == patches.discrepancy(mask)
        assert one.pixels == "grey" and one.psnr_db > 0 and one.bits_per_dim > 0
    assert found[1].discrepancy < found[0].discrepancy < found[2].discrepancy


def test_the_same_seed_gives_the_same_patches(models, truth):
    def once(seed):
        return [one.psnr_db for one in comparison.of_patches(["random", "halton"], models["colour"], truth, 20, seed)]

    assert once(4) == once(4) != once(5)


def test_what_cannot_be_compared(load, truth, seen):
    with pytest.raises(ObservationError, match="at a time"):
        next(comparison.of_models(["nearest"], seen.repeat(2), None, load))
    with pytest.raises(ObservationError, match="another size"):
        next(comparison.of_models(["nearest"], seen, truth[..., :8], load))
    with pytest.raises(ObservationError, match="square"):
        next(comparison.of_patches(["random"], hub.load("nearest"), truth[..., :12], 9))
    with pytest.raises(CheckpointError):
        hub.load("no-such-model")


def test_of_pictures_too_small_for_ssim_the_rest_is_told(pictures):
    model, picture = Gaussian.fit([pictures(40, 3, 8)], 12), pictures(1, 3, 8)
    seen = Observation(picture, torch.eye(8, dtype=torch.bool)[None, None])
    (found,) = comparison.of_models(["small"], seen, picture, load=lambda name: model)
    assert not found.problem and found.ssim is None and found.psnr_db > 0 and found.bits_per_dim > 0


def test_one_name_is_a_list_of_one(load, truth, seen):
    (result,) = comparison.of_models("nearest", seen, truth, load)
    assert result.name == "nearest" and not result.problem
