"""The Clips part of the page, without a browser."""

import base64
import io

import gradio as gr
import numpy as np
import pytest
import torch
from PIL import Image

from recon.clips import answer, patterns
from recon.errors import ReconError
from recon.models import ClipTransformer
from recon.ui import clipping
from recon.ui.clipping import KEPT, OWN, SAMPLES, TITLES, Clipping, packed, question, unpacked
from recon.ui.course import Course, answering
from recon.ui.desk import Desk
from tests.clips.test_files import moving
from tests.ui.spoken import spoken

ASKED = ("beach", patterns.SCATTERED, 64)


@pytest.fixture
def do(monkeypatch):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        tiny = ClipTransformer(transformer={"width": 16, "heads": 2, "encoder_layers": 1, "decoder_layers": 1,
                                            "hidden": 24, "frequencies": 5, "bins": 3})  # fmt: skip
    monkeypatch.setattr(clipping, "load", lambda name: tiny.requires_grad_(False))
    monkeypatch.setattr("recon.clips.answer.MOST", 128)
    monkeypatch.setattr("recon.clips.answer.FEWEST", 64)
    return Clipping()


def course(shown):
    (found := Course()).show(shown)
    return found


def answered(do, *asked):
    """What is shown in the end, and the outputs"""
    course = Course()
    *_, outputs = answering(Desk(), do.answer, do.begun(), do.halted)(course, 1.0, *asked)
    return course.shown, outputs


def frames(uri):
    """What a browser draws of a clip: uint8 (16, 24, 24[, channels])"""
    levels = np.asarray(Image.open(io.BytesIO(base64.b64decode(uri.partition(",")[2]))))
    return levels.reshape(16, 24, *levels.shape[1:])


def test_fewer_values_are_the_first_of_many_and_a_seed_is_a_clip():
    few, many = (question("things", patterns.SCATTERED, size, 3, None) for size in (32, 128))
    assert torch.equal(few.pixels, many.pixels[:32]) and torch.equal(few.truth, many.truth)
    assert not torch.equal(few.truth, question("things", patterns.SCATTERED, 32, 4, None).truth)


@pytest.mark.parametrize("title", TITLES)
def test_an_answer_is_four_clips_and_what_is_said(do, title):
    current, (board, said, drawn, status) = answered(do, title, patterns.SCATTERED, 64, 0, None)
    titles = [clip["title"] for clip in board["clips"]]
    assert titles == ["Observed", "Reconstruction", "How unsure", "The true clip"]
    seen, _, unsure, truth = (frames(clip["png"]) for clip in board["clips"])
    assert (seen[..., 1] > 0).sum() == 64 and unsure.shape[-1] == 3
    assert np.array_equal(seen[..., 0][seen[..., 1] > 0], truth[seen[..., 1] > 0])
    assert "dB" in said and "takes this clip for" in said and drawn["clips"] == [] and "Nothing" in status
    assert " % of the values" in said
    assert torch.equal(current.asked.truth[current.asked.pixels.unbind(-1)], current.asked.values)


def test_an_answer_says_how_far_it_is_and_touches_nothing_else(do):
    *steps, _ = do.answer(*ASKED, 0, None)
    assert len(steps) == answer.PARTS
    for k, (shown, (board, said, *below)) in enumerate([(None, do.begun()), *steps]):
        assert shown is None and f"part {k} of {answer.PARTS}" in said and "texture-busy" in said
        assert all(one == gr.skip() for one in (board, *below))
    assert "Stopped" in do.halted(None)[1] and "from 64 values still" in do.halted(answered(do, *ASKED, 0, None)[0])[1]


def test_a_clip_of_ones_own(do, tmp_path):
    (path := tmp_path / "bar.gif").write_bytes(moving(20))
    own, kind = do.open(str(path))
    current, (board, *_) = answered(do, OWN, patterns.ENDS, 64, 0, own)
    assert kind["value"] == OWN and OWN in kind["choices"] and torch.equal(current.asked.truth, unpacked(own))
    assert "64 of 9216" in board["clips"][0]["note"]
    with pytest.raises(gr.Error) as told:
        answered(do, OWN, patterns.SCATTERED, 64, 0, None)
    assert "Open a clip of your own first" in spoken(told)
    path.write_bytes(moving(1))
    with pytest.raises(gr.Error) as told:
        do.open(str(path))
    assert "does not move" in spoken(told)


def test_samples_come_one_after_another(do):
    current = answered(do, *ASKED, 0, None)[0]
    steps = list(do.imagine(current))
    walls = [wall for wall, _ in steps if "clips" in wall]
    assert [len(wall["clips"]) for wall in walls] == list(range(SAMPLES + 1))
    assert all("texture-busy" in said for _, said in steps[:-1]) and "from each other" in steps[-1][1]
    drawn = [clip["png"] for clip in walls[-1]["clips"]]
    others = [wall for wall, _ in do.imagine(current, 1) if "clips" in wall]
    assert len({*drawn, *(clip["png"] for clip in others[-1]["clips"])}) == 2 * SAMPLES
    assert do.stopped(steps[4])[0] == steps[4][0] and "Stopped" in do.stopped(steps[4])[1]


def test_the_gif_has_all_three(do):
    shown = course(answered(do, *ASKED, 0, None)[0])
    with Image.open(io.BytesIO(base64.b64decode(do.as_gif(shown)))) as file:
        assert file.n_frames == 16 and file.size == (8 * 74, 8 * 24)


def test_before_there_is_a_clip_and_what_is_none(do):
    for asked in (lambda: do.as_gif(Course()), lambda: list(do.imagine(None))):
        with pytest.raises(gr.Error, match="on its way"):
            asked()
    for wrong in (("moons", patterns.SCATTERED, 64), ("beach", "nowhere", 64)):
        with pytest.raises(gr.Error) as told:
            answered(do, *wrong, 0, None)
        assert "There" in spoken(told)


def test_a_clip_is_packed_and_unpacked_and_what_is_torn_is_a_sentence():
    clip = torch.randint(256, (16, 24, 24), generator=torch.Generator().manual_seed(0)) / 255
    assert torch.equal(unpacked(packed(clip)), clip) and unpacked("") is None and unpacked(None) is None
    for torn in ("a", "!!!!", packed(clip)[:400], packed(clip[:, :12])):
        with pytest.raises(gr.Error) as told:
            unpacked(torn)
        assert "open it again" in spoken(told)


def test_what_a_reload_brings_back(do):
    kept = dict(zip(KEPT, (OWN, patterns.ENDS, 64, 3, packed(torch.zeros(16, 24, 24))), strict=True))
    chosen, shown = do.restored(kept)
    assert chosen == list(kept.values()) and shown[0] == gr.update(choices=[*TITLES, OWN], value=OWN)
    assert do.restored({**kept, "kind": "beach", "own": ""})[1][0] == gr.update(choices=list(TITLES), value="beach")
    for name, wrong in (("own", ""), ("own", "torn"), ("kind", "x"), ("way", 3), ("size", 65), ("seed", 0.5)):
        with pytest.raises((ReconError, gr.Error, ValueError)):
            do.restored({**kept, name: wrong})
