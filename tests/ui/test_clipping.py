"""The Clips part of the page, without a browser."""

import base64
import io

import gradio as gr
import numpy as np
import pytest
import torch
from PIL import Image

from recon.clips import patterns
from recon.models import ClipTransformer
from recon.ui import clipping, samples
from recon.ui.clipping import OWN, SAMPLES, TITLES, Clipping, question
from recon.ui.engine import MOST_SEED
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
    current, board, said, drawn, status, times = do.answer(title, patterns.SCATTERED, 64, 0, None)
    titles = [clip["title"] for clip in board["clips"]]
    assert titles == ["Observed", "Reconstruction", "How unsure", "The true clip"]
    seen, _, unsure, truth = (frames(clip["png"]) for clip in board["clips"])
    assert (seen[..., 1] > 0).sum() == 64 and unsure.shape[-1] == 3
    assert np.array_equal(seen[..., 0][seen[..., 1] > 0], truth[seen[..., 1] > 0])
    assert "dB" in said and "takes this" in said and drawn["clips"] == [] and "Nothing" in status and times == 0
    assert torch.equal(current.asked.truth[current.asked.pixels.unbind(-1)], current.asked.values)


def test_arriving_again_changes_nothing(do):
    assert all(one == gr.skip() for one in do.arrive("said", *ASKED, 0, None))
    assert len(do.arrive("", *ASKED, 0, None)) == 6


def test_a_clip_of_ones_own(do, tmp_path):
    (path := tmp_path / "bar.gif").write_bytes(moving(20))
    own, kind = do.open(str(path))
    current, board, *_ = do.answer(OWN, patterns.ENDS, 64, 0, own)
    assert kind["value"] == OWN and OWN in kind["choices"] and torch.equal(current.asked.truth, own)
    assert "64 of 9216" in board["clips"][0]["note"]
    with pytest.raises(gr.Error) as told:
        do.answer(OWN, patterns.SCATTERED, 64, 0, None)
    assert "Open a clip of your own first" in spoken(told)
    path.write_bytes(moving(1))
    with pytest.raises(gr.Error) as told:
        do.open(str(path))
    assert "does not move" in spoken(told)


def test_samples_come_one_after_another(do):
    current = do.answer(*ASKED, 0, None)[0]
    steps = list(do.imagine(current))
    walls = [wall for wall, *_ in steps if isinstance(wall, dict) and "clips" in wall]
    assert [len(wall["clips"]) for wall in walls] == list(range(1, SAMPLES + 1))
    assert samples.DRAWING in steps[0][1] and "from each other" in steps[-1][1]
    drawn = [clip["png"] for clip in walls[-1]["clips"]]
    others = [wall for wall, *_ in do.imagine(current, steps[-1][2]) if isinstance(wall, dict) and "clips" in wall]
    assert steps[-1][2] == 1 and len({*drawn, *(clip["png"] for clip in others[-1]["clips"])}) == 2 * SAMPLES


def test_the_gif_has_all_three(do):
    with Image.open(io.BytesIO(base64.b64decode(do.as_gif(do.answer(*ASKED, 0, None)[0])))) as file:
        assert file.n_frames == 16 and file.size == (8 * 74, 8 * 24)


def test_before_there_is_a_clip_and_what_is_none(do):
    for asked in (do.as_gif, lambda shown: list(do.imagine(shown))):
        with pytest.raises(gr.Error, match="on its way"):
            asked(None)
    for wrong in (("moons", patterns.SCATTERED, 64), ("beach", "nowhere", 64)):
        with pytest.raises(gr.Error) as told:
            do.answer(*wrong, 0, None)
        assert "There" in spoken(told)


def test_what_is_stopped_says_so_but_not_when_all_are_drawn(do):
    steps = list(do.imagine(do.answer(*ASKED, 0, None)[0]))
    assert samples.stopped(steps[4]) == [steps[4][0], samples.STOPPED, 1]
    assert samples.stopped(steps[-1]) == steps[-1]


def test_seeds_go_round():
    assert samples.next_seed(3) == 4 and samples.next_seed(MOST_SEED - 1) == 0
