"""Joint samples on the page, without a browser."""

from __future__ import annotations

import itertools

import gradio as gr
import numpy as np
import pytest

from recon import schedules
from recon.errors import PredictionError
from recon.ui import drawing as room
from tests.ui.spoken import event, pixels, skipped, spoken


@pytest.fixture(scope="module")
def do(engine):
    return room.Drawing(engine)


def test_samples_come_and_end(do, face):
    name = "gsm-celeba"
    steps = list(do.draw(face, name, 3))
    assert steps[0][0]["busy"] and not steps[0][0]["pngs"]
    grid, line = steps[-1]
    assert not grid["busy"] and len(grid["pngs"]) == room.SAMPLES == len(set(grid["pngs"]))
    assert "exact joint samples" in line and line.endswith((" ms", " s"))
    for png in grid["pngs"]:
        assert np.abs(pixels(png)[face.mask].astype(int) - face.values[face.mask]).max() <= 1
    assert list(do.draw(face, name, 3))[-1][0]["pngs"] == grid["pngs"]
    assert list(do.draw(face, name, None))[-1][0]["pngs"] != grid["pngs"]


def test_samples_form_in_steps(do, binary, face):
    steps = list(do.draw(face, binary, 0))
    grid, line = steps[-1]
    assert len(grid["pngs"]) == room.SAMPLES and not grid["busy"] and "joint samples in" in line
    assert all(len(grid["pngs"]) in (0, room.SAMPLES) and grid["busy"] for grid, _ in steps[:-1])


@pytest.mark.parametrize("seed", [2**31, 2**32 - 1])
def test_large_seeds_draw(do, name, face, seed):
    assert len(list(do.draw(face, name, seed, "sobol", 4))[-1][0]["pngs"]) == room.SAMPLES


@pytest.mark.parametrize("seed", [-1, 2**32, 2**64, 10**30, 0.5, float("inf"), "0"], ids=repr)
def test_a_seed_that_cannot_be_drawn_with_is_a_sentence(do, name, face, seed):
    with pytest.raises(gr.Error) as told:
        list(do.draw(face, name, seed))
    spoken(told)


def test_a_classical_method_has_no_samples(do, face):
    with pytest.raises(gr.Error) as told:
        list(do.draw(face, "nearest", 0))
    assert "mean alone" in spoken(told)


def test_what_has_come_of_a_drawing_that_fails_stays(do, binary, face, monkeypatch):
    drawing = do.engine.desk.drawing

    def failing(*how):
        steps = drawing(*how)
        yield next(steps)
        raise PredictionError("The GPU's memory is full.")

    monkeypatch.setattr(do.engine.desk, "drawing", failing)
    monkeypatch.setattr(room.time, "perf_counter", itertools.count().__next__)  # a second a look
    steps = []
    with pytest.raises(gr.Error, match="full"):
        for step in do.draw(face, binary, 0):
            steps.append(step)
    grid, line = steps[-1]
    assert not grid["busy"] and len(grid["pngs"]) == room.SAMPLES and line == "stopped"


def test_a_drawing_that_cannot_begin_leaves_the_gallery_alone(do, name, face):
    steps = []
    with pytest.raises(gr.Error):
        for step in do.draw(face, name, -1):
            steps.append(step)
    assert len(steps) == 1 and skipped(steps[0][0]) and steps[0][1] == "not drawn"


def test_a_drawing_ends_after_a_while_whatever_the_model(do, binary, face, monkeypatch):
    monkeypatch.setattr(room, "MOST_SECONDS", 0.0)
    grid, line = list(do.draw(face, binary, 0))[-1]
    assert not grid["busy"] and "stopped" in line


def test_a_sample_takes_the_place_of_the_mean(do, name, face):
    grid, _ = list(do.draw(face, name, 0))[-1]
    look, view = do.choose(event(index=2), grid, face, True, "[1, 2]")
    assert look == "sample" and view["png"] == grid["pngs"][2] and view["selected"] == [1, 2]


@pytest.mark.parametrize("index", [-1, 8, 2.0, "1", None])
def test_a_sample_that_is_not_there_changes_nothing(do, face, index):
    assert all(map(skipped, do.choose(event(index=index), {"pngs": ["a"] * 8}, face, True, "[]")))


@pytest.mark.parametrize("order", schedules.ORDERS)
def test_every_order_draws(do, face, order):
    grid, line = list(do.draw(face, "mdn-celeba", 0, order, 2, 0.9))[-1]
    assert len(set(grid["pngs"])) == room.SAMPLES and "in 2 groups" in line and schedules.ORDERS[order] in line


@pytest.mark.parametrize(
    ("order", "steps", "temperature"),
    [("spiral", 4, 1.0), ("sobol", 0, 1.0), ("sobol", 4.5, 1.0), ("sobol", 4, -1.0), ("sobol", 4, 9), (None, 4, 1)],
)
def test_a_way_of_drawing_that_is_none_is_a_sentence(do, face, order, steps, temperature):
    with pytest.raises(gr.Error) as told:
        list(do.draw(face, "mdn-celeba", 0, order, steps, temperature))
    spoken(told)
