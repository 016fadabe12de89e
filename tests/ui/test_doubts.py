"""The quiet warning: it comes for what is no picture of the kind, and stays away from what is."""

from __future__ import annotations

import numpy as np
import pytest

from recon.painting import Painting
from recon.ui import doubts, pictures
from recon.ui.engine import patch_mask, reveal


def seen(picture: np.ndarray, size: int = 64) -> Painting:
    return reveal(picture, patch_mask("sobol", size, 0))


def test_a_face_is_a_face(engine, name, face):
    assert doubts.warning(engine, name, face) == ""


def test_its_negative_noise_and_a_landscape_are_not(engine, name):
    face, noise = pictures.load("face"), np.random.default_rng(0).integers(0, 256, (32, 32, 3), dtype=np.uint8)
    assert "look less like faces than like negatives of them" in doubts.warning(engine, name, seen(255 - face))
    assert "look like noise" in doubts.warning(engine, name, seen(noise))
    assert "more like landscapes" in doubts.warning(engine, name, seen(pictures.load("hills")))
    assert doubts.warning(engine, "mdn-landscapes", seen(pictures.load("hills"))) == ""
    negative = doubts.warning(engine, "mdn-landscapes", seen(255 - pictures.load("hills")))
    assert "look less like landscapes than like negatives" in negative, "as a classifier says, and no Gaussian"


def test_a_face_is_no_digit_for_a_binary_model_either(engine, binary, face):
    assert "The model knows digits only" in doubts.warning(engine, binary, face)
    assert doubts.warning(engine, binary, seen(pictures.load("three"))) == ""


@pytest.mark.parametrize("size", [0, 1, 7])
def test_too_few_pixels_say_nothing(engine, name, paint, size):
    assert doubts.warning(engine, name, paint(size)) == ""


def test_where_nothing_is_known_nothing_is_said(engine, paint):
    noise = paint(64)
    for name in ("nearest", "no-such-model", None):
        assert doubts.warning(engine, name, noise) == ""
    assert doubts.warning(engine, "mdn-celeba", paint(30, side=24)) == ""
