"""Links, downloads and what a reload brings back, without a browser."""

from __future__ import annotations

import base64
import io
import json
import zipfile

import gradio as gr
import numpy as np
import pytest

from recon.painting import decode_picture, encode_picture
from recon.ui import handlers as room
from recon.ui import pictures
from recon.ui.drawing import SAMPLES
from recon.ui.engine import patch_mask, reveal
from recon.ui.menus import ANY
from recon.ui.session import Session
from tests.ui.spoken import chosen, spoken


@pytest.fixture(scope="module")
def do(engine):
    return room.Handlers(engine)


def test_a_link_opens_again(do, name, face):
    link = do.link(name, "random", 64, 5, "face", face)
    restored = do.restore(f"link:{link}", "mean", False, "[]")
    *_, truth, painter, line = restored[:8]
    *found, word = restored[8:]
    assert chosen(restored) == [name, "random", 64, 5, "face"]
    assert painter["value"] == face.to_payload() and painter["picture"] == truth and painter["ink"] == "colour"
    assert np.array_equal(decode_picture(truth, 32), pictures.load("face"))
    assert "CelebA" in line and len(found) == 6 and word == "faces"


@pytest.mark.parametrize("seed", [None, 0, 7.0, 2**32 - 1])
def test_whatever_seed_a_link_takes_it_gives_back(do, name, face, seed):
    again = Session.from_link(do.link(name, "random", 64, seed, None, face))
    assert again.seed == int(seed or 0) and again.picture == ""


@pytest.mark.parametrize("seed", [2**32, -1, 1.5])
def test_no_link_is_made_that_would_not_open(do, name, face, seed):
    with pytest.raises(gr.Error) as told:
        do.link(name, "random", 64, seed, "", face)
    spoken(told)


def test_the_zip_holds_a_session_that_opens(do, name, face, truth, tmp_path):
    packed = do.download(name, "sobol", 64, 3, "face", face, truth)
    with zipfile.ZipFile(io.BytesIO(base64.b64decode(packed))) as archive:
        assert len([file for file in archive.namelist() if file.startswith("sample")]) == 2 * SAMPLES
        path = archive.extract("session.json", tmp_path)
    found = do.load_file(path, "mean", False, "[]")
    assert chosen(found) == [name, "sobol", 64, 3, "face"] and found[6]["value"] == face.to_payload()


def test_the_zip_holds_a_picture_of_ones_own(do, name, face, tmp_path):
    own = encode_picture(pictures.load("cat"))
    packed = do.download(name, "sobol", 64, 3, pictures.OWN, face, own)
    with zipfile.ZipFile(io.BytesIO(base64.b64decode(packed))) as archive:
        path = archive.extract("session.json", tmp_path)
    found = do.load_file(path, "mean", False, "[]")
    assert chosen(found)[4] == pictures.OWN and found[5] == own and found[6]["picture"] == own


def test_a_link_says_that_it_leaves_ones_own_picture_out(do, name, face, monkeypatch):
    told: list[str] = []
    monkeypatch.setattr(room.gr, "Info", told.append)
    do.link(name, "sobol", 64, 3, "face", face, encode_picture(pictures.load("face")))
    do.link(name, "sobol", 64, 3, "", face, "")
    assert not told
    link = do.link(name, "sobol", 64, 3, pictures.OWN, face, encode_picture(pictures.load("cat")))
    assert len(told) == 1 and "not your picture" in told[0]
    assert chosen(do.restore(f"link:{link}", "mean", False, "[]"))[4] == pictures.NONE


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"\xff\xfe\x00",
        b"[1, 2]",
        b"null",
        b"{}",
        b"[" * 100_000,
        b'{"recon": 1}',
        b"PK\3\4 a zip",
        b"9" * 9999,
    ],
    ids=lambda content: repr(content)[:20],
)
def test_a_file_that_is_no_session_is_a_sentence(do, tmp_path, content):
    path = tmp_path / "session.json"
    path.write_bytes(content)
    with pytest.raises(gr.Error) as told:
        do.load_file(path, "mean", False, "[]")
    spoken(told)


def test_a_file_that_is_gone_is_a_sentence(do, tmp_path):
    with pytest.raises(gr.Error) as told:
        do.load_file(tmp_path / "gone.json", "mean", False, "[]")
    spoken(told)


@pytest.fixture
def warnings(monkeypatch):
    """What the page would warn of."""
    said: list[str] = []
    monkeypatch.setattr(room.gr, "Warning", said.append)
    return said


def started(found, name) -> bool:
    """Whether the page shows what it starts with."""
    return chosen(found) == [name, "sobol", 64, 0, "face"] and len(found[6]["value"]["cells"]) == 64


def kept(face, picture, **changes) -> str:
    said = {**Session("gaussian-celeba", "random", 9, 4, "", face).to_dict(), "truth": picture, **changes}
    return "tab:" + json.dumps(said)


def test_the_page_starts_with_a_face(do, name, warnings):
    assert started(do.restore("", "mean", False, "[]"), name) and not warnings


def test_a_reload_brings_an_uploaded_picture_back(do, face, truth, warnings):
    found = do.restore(kept(face, truth), "mean", False, "[]")
    assert [*chosen(found), found[5]] == ["gaussian-celeba", "random", 9, 4, pictures.OWN, truth] and found[6][
        "value"
    ] == face.to_payload()
    assert not warnings


BAD_KEPT = {
    "a torn link": "link:abc",
    "an empty link": "link:",
    "a link in unicode": "link:ŝŝŝ",
    "a tab that is no JSON": "tab:{",
    "a tab that is null": "tab:null",
    "a tab that is a list": "tab:[]",
    "a tab nested deep": "tab:" + "[" * 100_000,
}


@pytest.mark.parametrize("said", BAD_KEPT.values(), ids=BAD_KEPT)
def test_what_cannot_be_restored_is_a_warning_and_the_start(do, name, warnings, said):
    assert started(do.restore(said, "mean", False, "[]"), name)
    assert len(warnings) == 1 and warnings[0].endswith(".")


CHANGES = {
    "a family that is a list": {"patch": {"family": [], "size": 1, "seed": 0}},
    "a truth of another size": {"truth": "AAAA"},
    "a truth that is a number": {"truth": 5},
    "a truth that is a list": {"truth": [1]},
    "no painting": {"painting": None},
}


@pytest.mark.parametrize("changes", CHANGES.values(), ids=CHANGES)
def test_a_kept_session_with_one_thing_wrong_is_a_warning_and_the_start(do, name, face, truth, warnings, changes):
    assert started(do.restore(kept(face, truth, **changes), "mean", False, "[]"), name)
    assert len(warnings) == 1


@pytest.mark.parametrize("side", [32, 64])
@pytest.mark.parametrize("gone", ["gaussian-moon", "<img src=x onerror=alert(1)>", "a" * 1000])
def test_a_painting_outlives_the_model_that_it_was_made_with(do, engine, warnings, gone, side):
    painting = reveal(pictures.load("face", side), patch_mask("sobol", 64, 0, side))
    restored = do.restore(f"link:{Session(gone, 'random', 64, 5, '', painting).to_link()}", "mean", False, "[]")
    model, *_, painter = restored[:7]
    assert painter["value"] == painting.to_payload() and engine.menus.sees(model["value"], side)
    assert restored[8]["png"] and do.title(model["value"]) in warnings[0]
    assert len(warnings[0]) < 200 and "<" not in warnings[0]


@pytest.mark.parametrize(
    "model, word", [("gsm-landscapes", "landscapes"), ("nearest", ANY), ("table1-mnist-sobol", "binary digits")]
)
def test_a_link_sets_both_menus(do, face, model, word):
    found = do.restore(f"link:{Session(model, painting=face).to_link()}", "mean", False, "[]")
    assert found[0]["value"] == model and model in dict(map(reversed, found[0]["choices"])) and found[-1] == word


def test_an_example_that_is_no_more_is_no_picture(do, name, face):
    link = Session(name, picture="moon", painting=face).to_link()
    found = do.restore(f"link:{link}", "mean", False, "[]")
    assert found[4] == "" and found[5] == "" and found[6]["value"] == face.to_payload()
