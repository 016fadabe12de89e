"""A painted hole on its way from the browser: what is one, and what is told otherwise."""

from __future__ import annotations

import base64

import gradio as gr
import numpy as np
import pytest

from recon.errors import ObservationError
from recon.ui.hole import LARGEST, Hole
from recon.ui.hole_painter import HolePainter
from tests.ui.spoken import spoken

GOOD = {"rows": 5, "columns": 3, "top": 2, "left": 1, "mask": base64.b64encode(b"\x80\x02").decode()}


def test_bits_are_read_row_by_row_and_written_the_same():
    hole = Hole.parse(GOOD)
    assert (hole.top, hole.left) == (2, 1) and hole.mask.shape == (5, 3)
    assert np.argwhere(hole.mask).tolist() == [[0, 0], [4, 2]]
    assert hole.to_payload() == GOOD
    random = np.random.default_rng(0).random((LARGEST, 77)) < 0.3
    assert np.array_equal(Hole.parse(Hole(0, 0, random).to_payload()).mask, random)


@pytest.mark.parametrize(
    "changed",
    [{"rows": 0}, {"rows": LARGEST + 1}, {"rows": "5"}, {"columns": True}, {"columns": 4.0}, {"top": -1},
     {"left": None}, {"rows": 6}, {"mask": None}, {"mask": "!"}, {"mask": "gA=="}, {"mask": "A" * 10**6},
     {"mask": "é"}],
)  # fmt: skip
def test_what_is_no_hole_is_told_so(changed):
    with pytest.raises(ObservationError) as told:
        Hole.parse({**GOOD, **changed})
    assert str(told.value).endswith(".")
    with pytest.raises(gr.Error) as plain:
        HolePainter(render=False).preprocess({**GOOD, **changed})
    spoken(plain)


@pytest.mark.parametrize("payload", [None, "hole", [1, 2], 7])
def test_nor_is_anything_else(payload):
    with pytest.raises(ObservationError, match="paint one"):
        Hole.parse(payload)


def test_its_part_lies_in_the_picture_or_a_sentence_says_no():
    hole = Hole(2, 1, np.ones((5, 3), bool))
    assert hole.part(7, 4) == (slice(2, 7), slice(1, 4))
    for size in ((6, 4), (7, 3)):
        with pytest.raises(ObservationError, match="changed"):
            hole.part(*size)


def test_what_is_near_it_ends_at_the_part():
    mask = np.zeros((20, 30), bool)
    mask[3:5, 10:12] = mask[8, 25] = True
    assert Hole(0, 0, mask).near(4) == (slice(0, 13), slice(6, 30))


def test_the_component_takes_and_gives_holes():
    painter = HolePainter(render=False)
    assert np.array_equal(painter.preprocess(GOOD).mask, Hole.parse(GOOD).mask)
    assert painter.postprocess(Hole.parse(GOOD)) == GOOD and painter.postprocess(None) is None
    assert set(painter.api_info()["required"]) == set(GOOD)
