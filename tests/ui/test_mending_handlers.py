"""What happens in the Mend section of the Textures tab, without a browser, with a tiny model."""

from __future__ import annotations

import base64
import io
import re

import gradio as gr
import numpy as np
import pytest
import torch
from PIL import Image
from skimage.restoration import inpaint_biharmonic

from recon.errors import PredictionError
from recon.models.directed import dequantised, quantised
from recon.models.mcgsm import MCGSM
from recon.textures.mending import mend
from recon.textures.pictures import CROP, Exemplar, own
from recon.ui.hole import Hole
from recon.ui.mending_handlers import MOST, NOTHING, Mending, Work
from recon.ui.mending_job import STARTS
from recon.ui.texture_run import MCGSM_KIND, RIDE_KIND, Settings
from recon.ui.texture_session import Fitted, Visit
from tests.ui.spoken import pixels, skipped, spoken
from tests.ui.test_texturing import noise

VIEW, STATUS, LINES, ROW, ON, SAVE = range(6)


def tiny(texture: Exemplar) -> MCGSM:
    """A model of two rows and columns that has seen the texture, and is the best linear predictor of it."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = MCGSM(above=2, beside=2, components=2, scales=2, features=3)
    values = dequantised(texture.image)
    places = model.window.inner(*values.shape).flatten().nonzero()[:, 0]
    model.mixture.precondition(model.window.at(values, places), values.flatten()[places])
    return model.requires_grad_(False)


def painted(top: int = 10, left: int = 0, rows: int = 90, columns: int = 90) -> Hole:
    """In a picture of 90 x 100 pixels, unless another part is asked for"""
    mask = np.zeros((rows, columns), bool)
    mask[20:29, 30:41] = True
    return Hole(top, left, mask)


@pytest.fixture(scope="module")
def visit() -> Visit:
    texture = own(noise(), CROP)
    found = Visit(texture=texture)
    found.keep(texture, MCGSM_KIND, Fitted(tiny(texture)))
    return found


@pytest.fixture
def do() -> Mending:
    return Mending()


def filled(do: Mending, visit: Visit, seed: int = 0, sweeps: int = 2) -> tuple[Work, list[list]]:
    work = Work()
    begun = do.begin(visit, work, painted(), MCGSM_KIND, seed, sweeps)
    assert "waiting for its turn" in begun[STATUS] and "texture-busy" in begun[STATUS]
    return work, [begun, *do.run(work)]


def test_the_hole_is_filled_as_the_library_does_it_and_nothing_else_is_touched(do, visit):
    work, shown = filled(do, visit)
    image, hole = dequantised(visit.texture.image[10:100]), torch.from_numpy(painted().mask)
    *_, last = mend(visit.fitted().model, image, hole, torch.Generator().manual_seed(0), STARTS, 2)
    assert torch.equal(work.job.canvas, last.canvas)
    found = pixels(shown[-1][VIEW]["png"])[..., 0]
    assert np.array_equal(found, quantised(last.canvas).numpy())
    assert np.array_equal(found[~painted().mask], visit.texture.image[10:100].numpy()[~painted().mask])
    said = shown[-1][STATUS]
    assert "2 sweeps" in said and f"{last.bits:.2f} bits/px" in said and "texture-busy" not in said
    assert shown[-1][ON]["interactive"] and shown[-1][SAVE]["interactive"]


def test_a_seed_decides_it(do, visit):
    (one, _), (same, _), (other, _) = (filled(do, visit, seed) for seed in (3, 3, 4))
    assert torch.equal(one.job.canvas, same.job.canvas) and not torch.equal(one.job.canvas, other.job.canvas)


def test_curves_grow_and_true_pixels_are_beside_them(do, visit, monkeypatch):
    monkeypatch.setattr("recon.ui.mending_handlers.SELDOM", 0)
    work, shown = filled(do, visit, sweeps=3)
    bits, taken, true = shown[-1][LINES]["traces"]
    assert bits["x"] == [0, 1, 2, 3] and taken["x"] == [1, 2, 3]
    assert all(0 <= share <= 100 for share in taken["y"]) and true["y"] == [work.job.truth_bits] * 2
    lengths = [len(one[LINES]["traces"][0]["x"]) for one in shown if not skipped(one[LINES])]
    assert lengths == sorted(lengths) and len(set(lengths)) >= 4


def test_stop_keeps_what_it_has_at_every_stage_and_going_on_changes_nothing(do, visit, monkeypatch):
    monkeypatch.setattr("recon.ui.mending_handlers.OFTEN", 0)
    whole, shown = filled(do, visit)
    for stage in ("drawing start 1", "drawing start 3", "sweep 1 of", "sweep 2 of"):
        work = Work()
        do.begin(visit, work, painted(), MCGSM_KIND, 0, 2)
        steps = do.run(work)
        for one in steps:
            if stage in one[STATUS]:
                break
        assert "stop" in do.stop(work)
        *_, last = steps
        assert "stopped" in last[STATUS] and "texture-busy" not in last[STATUS] and last[SAVE]["interactive"]
        if stage == "drawing start 3":
            assert work.job.canvas is work.job.best  # not half of another
        again = do.more(work, 2)
        assert "texture-busy" in again[STATUS]
        work.job.until = 2
        *_, last = do.run(work)
        assert torch.equal(work.job.canvas, whole.job.canvas), stage
        assert last[LINES] == shown[-1][LINES]


def test_stop_before_its_turn(do, visit):
    work = Work()
    do.begin(visit, work, painted(), MCGSM_KIND, 0, 2)
    assert "stopped" in do.stop(work)
    (last,) = do.run(work)
    assert "stopped" in last[STATUS] and not last[SAVE]["interactive"]
    with pytest.raises(gr.Error) as told:
        do.save(work)
    spoken(told)


def test_going_on_adds_sweeps(do, visit):
    work, _ = filled(do, visit)
    do.more(work, 3)
    *_, last = do.run(work)
    assert "5 sweeps" in last[STATUS] and last[ROW]["pictures"][1]["title"] == "After 5 sweeps"


def test_another_hole_ends_the_one_before_which_says_nothing_more(do, visit, monkeypatch):
    monkeypatch.setattr("recon.ui.mending_handlers.OFTEN", 0)
    work = Work()
    do.begin(visit, work, painted(), MCGSM_KIND, 0, 2)
    steps = do.run(work)
    next(steps)
    first = work.job
    do.begin(visit, work, painted(), MCGSM_KIND, 1, 2)
    assert first.stop.is_set() and list(steps) == []
    *_, last = do.run(work)
    assert "seed 1" in last[STATUS]


def test_side_by_side_is_what_scikit_image_makes_of_the_same_hole(do, visit):
    work, _ = filled(do, visit)
    best, after, smooth, true = do.beside(work)["pictures"]
    near = painted().near(24)
    expected = inpaint_biharmonic(work.job.image.double().numpy(), painted().mask)
    shown = pixels(smooth["png"])[..., 0].astype(float)
    assert np.abs(shown - np.floor(expected * 256)[near]).max() <= 1
    assert re.search(r" m?s$", smooth["said"]) and "dB" in smooth["said"] and "dB" not in true["said"]
    assert np.array_equal(pixels(true["png"])[..., 0], visit.texture.image[10:100].numpy()[near])
    assert best["title"] == "Best start" and after["title"] == "After 2 sweeps"
    assert f"{work.job.points[0][1]:.2f} bits/px" in best["said"]
    error = np.square((expected - work.job.image.numpy())[painted().mask]).mean()
    assert f"{-10 * np.log10(error):.1f} dB" in smooth["said"]
    before = work.job.biharmonic
    do.beside(work)
    assert work.job.biharmonic is before  # it is solved once
    assert Mending().beside(Work()) == {"pictures": []}


def test_what_is_saved_is_the_whole_picture(do, visit):
    work, _ = filled(do, visit)
    found = np.asarray(Image.open(io.BytesIO(base64.b64decode(do.save(work)))))
    assert found.shape == tuple(visit.texture.image.shape) and found.dtype == np.uint8
    changed = np.argwhere(found != visit.texture.image.numpy())
    assert len(changed) > 50 and (changed.min(0) >= [30, 30]).all() and (changed.max(0) <= [38, 40]).all()


@pytest.mark.parametrize(
    "asked",
    [(Hole(0, 0, np.zeros((90, 90), bool)), MCGSM_KIND, 0, 2), (Hole(0, 0, np.ones((90, 90), bool)), MCGSM_KIND, 0, 2),
     (painted(top=50), MCGSM_KIND, 0, 2), (painted(columns=91), MCGSM_KIND, 0, 2), (painted(), "no such", 0, 2),
     (painted(), MCGSM_KIND, -1, 2), (painted(), MCGSM_KIND, 0, 0), (painted(), MCGSM_KIND, 0, MOST + 1),
     (painted(), MCGSM_KIND, 0, None), (painted(), RIDE_KIND, 0, 2)],
)  # fmt: skip
def test_what_cannot_be_filled_is_told_so_and_what_was_filled_stays(do, visit, asked):
    work, _ = filled(do, visit, sweeps=1)
    job = work.job
    with pytest.raises(gr.Error) as told:
        do.begin(visit, work, *asked)
    spoken(told)
    assert work.job is job and not job.stop.is_set()


def test_before_there_is_anything(do, visit):
    (nothing,) = do.run(Work())
    assert all(skipped(output) for output in nothing)
    assert NOTHING in do.stop(Work())
    for press in (lambda: do.more(Work(), 2), lambda: do.save(Work())):
        with pytest.raises(gr.Error) as told:
            press()
        spoken(told)
    with pytest.raises(PredictionError):
        work = Work()
        do.begin(visit, work, painted(), MCGSM_KIND, 0, 2)
        work.job.whole()


def test_the_painter_has_the_texture_and_a_line_says_which_model(do, visit):
    update, said = do.look(visit, MCGSM_KIND)
    assert np.array_equal(pixels(update["picture"])[..., 0], visit.texture.image.numpy())
    assert "came with the page" in said
    learned = Visit(texture=visit.texture)
    assert "Learn it" in do.look(learned, MCGSM_KIND)[1]
    learned.keep(visit.texture, MCGSM_KIND, Fitted(visit.fitted().model, Settings()))
    assert "learned here" in do.look(learned, MCGSM_KIND)[1]
    assert "RIDE" in do.look(learned, RIDE_KIND)[1]
    assert all(skipped(output) for output in do.look(Visit(), MCGSM_KIND))


def test_where_there_is_one_kind_of_model_that_one_fills(do, visit):
    assert "RIDE" in do.look(visit, RIDE_KIND)[1]
    *_, said, kind = do.suit(visit, RIDE_KIND)
    assert kind["value"] == MCGSM_KIND and "Filled by the MCGSM" in said
    assert skipped(do.suit(visit, MCGSM_KIND)[-1]) and all(skipped(output) for output in do.suit(Visit(), RIDE_KIND))
