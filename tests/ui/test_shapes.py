"""The Shapes part of the page, without a browser."""

import base64

import gradio as gr
import numpy as np
import pytest
import torch

from recon.errors import ReconError
from recon.models import ShapeTransformer
from recon.shapes import answer, chairs, mesh
from recon.ui import shaping
from recon.ui.course import Course, answering
from recon.ui.desk import Desk
from recon.ui.shaping import ANY, SAMPLES, TITLES, Shaping, question
from tests.shapes.test_gltf import parts


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


def course(shown):
    (found := Course()).show(shown)
    return found


def answered(do, *asked):
    """What is shown in the end, and the outputs"""
    course = Course()
    *_, outputs = answering(Desk(), do.answer, do.begun(), do.halted)(course, 1.0, *asked)
    return course.shown, outputs


def test_fewer_points_are_the_first_of_many():
    few, many = question(ANY, 3, 16), question(ANY, 3, 64)
    assert torch.equal(few.positions, many.positions[:16]) and torch.equal(few.truth, many.truth)
    assert not torch.equal(few.truth, question(ANY, 4, 16).truth)


def test_there_are_chairs_of_each_kind_that_is_offered():
    truths = [question(kind, 0, 8).truth for kind in TITLES]
    assert set(TITLES) == {ANY, *chairs.KINDS} and len({truth.numpy().tobytes() for truth in truths}) > 3
    with pytest.raises(gr.Error, match="offered here"):
        question("throne", 0, 8)


def test_an_answer_has_points_a_slice_a_shape_and_what_is_said(do):
    shown, (dots, middle, shape, said, row, *samples, status) = answered(do, ANY, 0, 64, False)
    assert shown.seed == 0 and len(shown.asked.values) == 64
    assert len(dots.data) == 1 and len(dots.data[0].x) == 64
    vertices = np.stack([shape.data[0].x, shape.data[0].y, shape.data[0].z])
    assert np.abs(vertices).max() < 1.1 and len(middle.data) == 2
    assert " % of the distances" in said
    assert "in common with the true one" in said and samples == [None] * SAMPLES and row["visible"] is False
    assert "Nothing is drawn" in status
    with_truth = answered(do, ANY, 0, 64, True)[1]
    assert len(with_truth[0].data) == 2 and len(with_truth[1].data) == 3
    assert [len(one.data) for one in do.look(course(shown), True)] == [2, 3]
    assert do.look(Course(), True) == [gr.skip()] * 2


def test_an_answer_says_how_far_it_is_and_touches_nothing_else(do):
    *steps, _ = do.answer(ANY, 0, 16, False)
    assert len(steps) == answer.PARTS
    for k, (shown, (*before, said, row, _, _, _, status)) in enumerate([(None, do.begun()), *steps]):
        assert shown is None and f"part {k} of {answer.PARTS}" in said and "texture-busy" in said
        assert all(one == gr.skip() for one in (*before, row, status))
    said = do.halted(None)[3]
    assert "Stopped" in said and "still" not in said
    shown = answered(do, ANY, 2, 16, False)[0]
    assert "seed 2 still, from 16 dots" in do.halted(shown)[3]


def test_chairs_come_one_after_another(do):
    shown = answered(do, ANY, 0, 32, False)[0]
    steps = list(do.imagine(shown))
    first, *whole, last = [step for step in steps if "of the next" not in step[-1]]
    assert len(whole) == SAMPLES and len(steps) > SAMPLES * (answer.PARTS + 3)
    for k, (_, *figures, status) in enumerate([first, *whole]):
        assert sum(figure is not None for figure in figures) == k and f"{k} of {SAMPLES}" in status
    assert "in common with each other" in last[-1] and "texture-busy" not in last[-1]
    again, other = (next(step for step in do.imagine(shown, k) if f"1 of {SAMPLES}<" in step[-1])[1] for k in (0, 1))
    assert again == whole[0][1] and other != again
    assert do.stopped(whole[0])[:-1] == whole[0][:-1] and "Stopped" in do.stopped(whole[0])[-1]


def test_a_field_without_a_surface_is_an_empty_cube():
    assert len(shaping.drawn(torch.ones(8, 8, 8)).data) == 0


def test_the_file_is_the_mean_shape(do):
    shown = course(answered(do, ANY, 0, 64, False)[0])
    text, (_, places, _, indices) = do.as_obj(shown), parts(base64.b64decode(do.as_glb(shown)))
    assert text.count("v ") == len(places) and text.count("\nf ") == len(indices) / 3
    assert text.startswith("v ") and text.count("\nf ") > 100
    with pytest.raises(gr.Error):
        answered(Shaping(), ANY, -1, 64, False)


def test_a_mesh_is_drawn_whole():
    found = mesh.surface(question(ANY, 0, 8).truth)
    figure = shaping.drawn(question(ANY, 0, 8).truth)
    assert len(figure.data[0].x) == len(found.vertices) and len(figure.data[0].i) == len(found.faces)


def test_before_there_is_a_chair(do):
    with pytest.raises(gr.Error, match="on its way"):
        do.as_obj(Course())
    with pytest.raises(gr.Error, match="on its way"):
        list(do.imagine(None))


def test_what_a_reload_brings_back(do):
    kept = {"kind": "tub", "seed": 4, "size": 32, "seen": True}
    assert do.restored(kept) == (["tub", 4, 32, True], ["tub", 4, 32, True]) and tuple(kept) == shaping.KEPT
    for name, wrong in (("kind", "throne"), ("kind", []), ("seed", -1), ("size", 33), ("size", True), ("seen", 1)):
        with pytest.raises((ReconError, ValueError)):
            do.restored({**kept, name: wrong})
