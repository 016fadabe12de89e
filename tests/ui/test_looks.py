"""What the reconstruction's picture may show, asked through the Reconstruct tab's handlers."""

from __future__ import annotations

import numpy as np
import pytest

from recon import patches
from recon.painting import Painting
from recon.ui import handlers as room
from recon.ui import looks, pictures
from recon.ui.engine import reveal
from tests.ui.spoken import pixels

VIEW, MAP, CARD, _, STATUS, NOTE = range(6)
LOOKS = [look for _, look in looks.LOOKS]


@pytest.fixture(scope="module")
def do(engine):
    return room.Handlers(engine)


@pytest.mark.parametrize("look", LOOKS)
@pytest.mark.parametrize("count", [0, 1, 64, 1024])
@pytest.mark.parametrize("model", [None, "nearest"])
def test_every_look_of_every_painting(do, name, truth, look, count, model):
    painting = reveal(pictures.load("face"), patches.sobol(32, count)) if count else Painting.empty(32)
    found = do.run(painting, model or name, truth, look, True, "[3, 4]")
    assert len(found) == 6
    if model and not count:  # nothing to interpolate: no older answer stays, and a note says why
        assert found[VIEW]["png"] == "" and "no answer" in found[STATUS] and "no pixel is observed" in found[NOTE]
        return
    assert pixels(found[VIEW]["png"]).shape == (32, 32, 3)
    assert found[VIEW]["observed"] == np.flatnonzero(painting.mask).tolist() and found[VIEW]["selected"] == [3, 4]
    assert ("deviation" in found[MAP]) == (model is None) and "Pixel row 3, column 4" in found[CARD]
    assert "CPU" in found[STATUS] and " ms" in found[STATUS]


def test_looks_differ_and_are_what_they_say(do, name, truth, face):
    shown = {look: pixels(do.run(face, name, truth, look, False, "[]")[VIEW]["png"]) for look in LOOKS}
    assert np.array_equal(shown["finer"], shown["mean"])  # of a model that answers at pixels alone
    assert len({picture.tobytes() for picture in shown.values()}) == len(LOOKS) - 1
    assert np.array_equal(shown["observed"], face.values)
    for look in ("mean", "sample", "nearest"):
        assert np.abs(shown[look][face.mask].astype(int) - face.values[face.mask]).max() <= 1, look
    assert not shown["error"][face.mask].any()


def test_marks_only_when_asked(do, name, face):
    assert do.run(face, name, "", "mean", False, "[]")[VIEW]["observed"] == []


def test_a_sample_of_a_classical_method_is_its_mean(do, face):
    seen = [do.run(face, "linear", "", look, False, "[]")[VIEW]["png"] for look in ("mean", "sample")]
    assert seen[0] == seen[1]


def test_a_finer_picture_is_asked_for_between_the_pixels(do, face):
    found = do.run(face, "pixel-transformer-celeba", "", "finer", True, "[]")
    coarse = do.run(face, "pixel-transformer-celeba", "", "mean", False, "[]")
    fine, coarse = (pixels(one[VIEW]["png"]) for one in (found, coarse))
    assert fine.shape == (128, 128, 3) and found[VIEW]["side"] == 32 and "128 x 128" in found[NOTE]
    cells = fine.reshape(32, 4, 32, 4, 3).swapaxes(1, 2).astype(float)
    assert np.abs(cells.mean((2, 3)) - coarse)[~face.mask].mean() < 8 and cells.std((2, 3)).max() > 2


@pytest.mark.parametrize(
    "look, model, told",
    [("sample", "linear", "no samples"), ("error", None, "no error"), ("finer", None, "at pixels alone")],
)
def test_a_look_that_cannot_be_had_says_so(do, name, face, look, model, told):
    assert told in do.run(face, model or name, "", look, False, "[]")[NOTE]
