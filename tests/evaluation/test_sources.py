"""Pictures to experiment on: of the right shape, on 8-bit levels, the same for the same seed."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image

from recon import Observation
from recon.errors import ExperimentError, ImageError
from recon.evaluation import sources
from recon.models.gaussian import Gaussian

MAKERS = {"photographs": (sources.photographs, 3), "faces": (sources.faces, 1), "leaves": (sources.leaves, 3)}


@pytest.mark.parametrize("make, channels", MAKERS.values(), ids=MAKERS)
def test_pictures(make, channels):
    found = make(6, seed=3)
    assert found.shape == (6, channels, 32, 32) and found.dtype == torch.float32
    Observation(found, torch.ones(6, 1, 32, 32, dtype=torch.bool))  # refuses what is outside of [0, 1]
    assert (found * 255).round().div(255).allclose(found, atol=1e-6)
    assert found.equal(make(6, seed=3)) and not found.equal(make(6, seed=4))
    assert len({picture.numpy().tobytes() for picture in found}) == 6
    assert (found.std((2, 3)).mean(1) > 0.02).all(), "none of them is flat"


def test_there_are_a_hundred_faces():
    found = sources.faces(256)
    assert len(found) == 100 and len({face.numpy().tobytes() for face in found}) == 100


def test_what_a_model_draws_of_nothing():
    model = Gaussian(side=8, channels=1, even=0)
    found = sources.drawn(model, 4, seed=1, side=8)
    assert found.shape == (4, 1, 8, 8) and (found * 255).round().div(255).equal(found)
    assert found.equal(sources.drawn(model, 4, seed=1, side=8))


def test_files(tmp_path):
    paths = [tmp_path / "wide.png", tmp_path / "grey.png"]
    stripes = np.zeros((64, 128, 3), np.uint8)
    stripes[:, 32:96, 0] = 255
    Image.fromarray(stripes).save(paths[0])
    Image.fromarray(np.full((40, 40), 51, np.uint8)).save(paths[1])
    found = sources.files(paths)
    assert found.shape == (2, 3, 32, 32)
    assert (found[0, 0] == 1).all() and (found[0, 1:] == 0).all(), "the middle square is kept, at its own aspect"
    assert (found[1] == 51 / 255).all()


def test_a_file_that_is_no_picture_is_named(tmp_path):
    (tmp_path / "notes.png").write_text("no picture")
    with pytest.raises(ImageError, match=r"notes\.png: This file holds no picture"):
        sources.files([tmp_path / "notes.png"])
    with pytest.raises(ExperimentError, match="no pictures yet"):
        sources.files([])
