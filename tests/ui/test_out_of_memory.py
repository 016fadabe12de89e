"""A GPU whose memory is full, simulated: the page goes on with the CPU, and says so. And a model that answers no
numbers."""

from __future__ import annotations

import pytest
import torch

from recon import sampling
from recon.errors import CheckpointError, PredictionError
from recon.models.base import Model
from recon.ui import engine as room
from recon.ui.handlers import Handlers
from tests.models.fitted import fitted, observe


class Full:
    """Raises what torch does, until the model was told to forget."""

    def __init__(self, monkeypatch, model):
        self.times, predict, forget = 0, type(model).distribution, type(model).forget

        def distribution(this, observation):
            self.times += 1
            if not self.forgot:
                raise torch.OutOfMemoryError("CUDA out of memory.")
            return predict(this, observation)

        def forgotten(this):
            self.forgot = True
            forget(this)

        self.forgot = False
        monkeypatch.setattr(type(model), "distribution", distribution)
        monkeypatch.setattr(type(model), "forget", forgotten)


@pytest.fixture
def page(monkeypatch):
    found = room.Engine("cpu")
    model = found.model("gsm-celeba")
    return found, Full(monkeypatch, model)


def test_a_stroke_is_answered_by_the_cpu_which_is_said(page, face):
    engine, full = page
    results = Handlers(engine).results(face, "gsm-celeba", "", "mean", False, "")
    assert full.times == 2 and results[0]["png"]
    assert "CPU (the GPU's memory was full)" in results[4] and engine.device == "cpu"


def test_samples_end_in_a_sentence_and_the_next_ones_come(page, face, monkeypatch):
    engine, _ = page
    observation = engine.observe("gsm-celeba", face)
    model = engine.model("gsm-celeba")
    monkeypatch.setattr(model, "exact_joint", False)
    with pytest.raises(PredictionError, match="memory is full"):
        engine.desk.sample(model, observation, 1, 2)
    assert engine.desk.sample(model, observation, 1, 2).shape == (1, 3, 32, 32)


def test_who_has_no_room_to_make_gets_the_error():
    model, observation = fitted(), observe(fitted(), 5)[0]

    class Never(Model):
        side, channels, device = 4, 3, torch.device("cpu")

        def distribution(self, observation):
            raise torch.OutOfMemoryError

    from recon.ui.desk import Desk

    with pytest.raises(torch.OutOfMemoryError):
        Desk().ask(Never(), observation)
    assert Desk().ask(model, observation).mean.shape == (3, 4, 4)


def test_what_is_no_number_is_not_shown(face, monkeypatch):
    engine = room.Engine("cpu")
    model = engine.model("gaussian-celeba")
    model.location[5] = torch.nan
    note = Handlers(engine).results(face, "gaussian-celeba", "", "mean", False, "")[5]
    assert "no numbers" in note
    known = observe(fitted(), 5)[0]
    other = fitted()
    other.location[:] = torch.nan
    for ask in (lambda: other.predict(known).mean, lambda: sampling.sample(other, known, 1)):
        with pytest.raises(PredictionError, match="no numbers"):
            ask()


def test_a_model_for_which_there_is_no_room_is_loaded_on_the_cpu(monkeypatch):
    engine, load = room.Engine("cuda"), room.hub.load

    def full(name, device):
        if device == "cuda":
            raise CheckpointError("no room") from torch.OutOfMemoryError()
        return load(name, device)

    monkeypatch.setattr(room.hub, "load", full)
    with engine.desk.later():  # as where a doubt needs one more model
        assert engine.model("gaussian-mnist").device.type == "cpu"
    assert engine.device == "cpu" and not engine.desk.turns.taken


def test_steps_of_others_end_in_a_sentence_when_models_leave_the_gpu():
    engine = room.Engine("cpu")

    def steps():
        yield 1
        raise RuntimeError("Expected all tensors to be on the same device")

    mine = engine.desk.by_turns(steps())
    next(mine)
    engine.leave_gpu()
    with pytest.raises(PredictionError, match="memory is full"):
        next(mine)
    with pytest.raises(RuntimeError, match="same device"):  # any other time it is a fault of ours
        list(engine.desk.by_turns(steps()))


def test_what_takes_a_turn_makes_room():
    engine = room.Engine("cpu")
    with pytest.raises(PredictionError, match="memory is full"), engine.desk.later():
        raise torch.OutOfMemoryError
    assert not engine.had_room and not engine.desk.turns.taken
