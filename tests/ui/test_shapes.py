"""The Shapes part of the page, without a browser."""

import gradio as gr
import numpy as np
import pytest
import torch

from recon.models import ShapeTransformer
from recon.shapes import answer, chairs, mesh
from recon.ui import shaping
from recon.ui.shaping import SAMPLES, Shaping, question


@pytest.fixture
def do(monkeypatch):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        tiny = ShapeTransformer(side=12, rank=16, transformer={"width": 16, "heads": 2, "encoder_layers": 1,
                                "decoder_layers": 1, "hidden": 24, "frequencies": 5, "bins": 3})  # fmt: skip
    tiny.requires_grad_(False).process.fit(chairs.draw(60, torch.Generator().manual_seed(0)))
    monkeypatch.setattr(shaping, "load", lambda name: tiny)
    monkeypatch.setattr(answer, "MOST", 96)
    monkeypatch.setattr(answer, "FEWEST", 32)
    return Shaping()


def test_fewer_points_are_the_first_of_many():
    few, many = question(3, 16), question(3, 64)
    assert torch.equal(few.positions, many.positions[:16]) and torch.equal(few.truth, many.truth)
    assert not torch.equal(few.truth, question(4, 16).truth)


def test_an_answer_has_points_a_shape_a_slice_and_what_is_said(do):
    current, dots, shape, middle, said, row, *samples, status, times = do.answer(0, 64, False)
    assert current.seed == 0 and len(current.asked.values) == 64
    assert len(dots.data) == 1 and len(dots.data[0].x) == 64
    vertices = np.stack([shape.data[0].x, shape.data[0].y, shape.data[0].z])
    assert np.abs(vertices).max() < 1.1 and len(middle.data) == 2
    assert "in common with the true one" in said and samples == [None] * SAMPLES and row["visible"] is False
    with_truth = do.answer(0, 64, True)
    assert len(with_truth[1].data) == 2 and len(with_truth[3].data) == 3
    assert "Nothing is drawn" in status and times == 0


def test_arriving_again_changes_nothing(do):
    assert all(one == gr.skip() for one in do.arrive("said", 0, 16, False))
    assert len(do.arrive("", 0, 16, False)) == len(do.arrive("said", 0, 16, False)) == 8 + SAMPLES


def test_chairs_come_one_after_another(do):
    shown = do.answer(0, 32, False)[0]
    steps = list(do.imagine(shown))
    first, *whole, last = [step for step in steps if "values of the next" not in step[-2]]
    assert len(whole) == SAMPLES and len(steps) > 3 * SAMPLES
    for k, (_, *figures, status, times) in enumerate([first, *whole]):
        assert sum(figure is not None for figure in figures) == k and f"{k} of {SAMPLES}" in status and times == 1
    assert "in common with each other" in last[-2]
    again, other = (next(step for step in do.imagine(shown, k) if f"1 of {SAMPLES}" in step[-2])[1] for k in (0, 1))
    assert again == whole[0][1] and other != again


def test_a_field_without_a_surface_is_an_empty_cube():
    assert len(shaping.drawn(torch.ones(8, 8, 8)).data) == 0


def test_the_file_is_the_mean_shape(do):
    text = do.as_obj(do.answer(0, 64, False)[0])
    assert text.startswith("v ") and text.count("\nf ") > 100
    with pytest.raises(gr.Error):
        do.answer(-1, 64, False)


def test_a_mesh_is_drawn_whole():
    found = mesh.surface(question(0, 8).truth)
    figure = shaping.drawn(question(0, 8).truth)
    assert len(figure.data[0].x) == len(found.vertices) and len(figure.data[0].i) == len(found.faces)


def test_before_there_is_a_chair(do):
    with pytest.raises(gr.Error, match="on its way"):
        do.as_obj(None)
    with pytest.raises(gr.Error, match="on its way"):
        list(do.imagine(None))
