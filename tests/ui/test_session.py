"""What a person has on the page, there and back: as a dict, as JSON, as a link; and what somebody tampered with."""

from __future__ import annotations

import base64
import json
import re
import zlib

import numpy as np
import pytest

from recon.errors import ObservationError
from recon.painting import Painting
from recon.ui.session import MOST_BYTES, Session


def same(one: Session, other: Session) -> bool:
    return one.to_dict() == other.to_dict()


def packed(raw: bytes) -> str:
    return base64.urlsafe_b64encode(zlib.compress(raw, 9)).decode().rstrip("=")


def unpacked(link: str) -> bytes:
    return zlib.decompress(base64.urlsafe_b64decode(link + "=" * (-len(link) % 4)))


def linked(**changes) -> str:
    """The link of a sound session of 2 x 2 cells, one of them painted, with some of its settings replaced."""
    head = {**SOUND.settings(), "side": 2, **changes}
    return packed(json.dumps({key: value for key, value in head.items() if value is not GONE}).encode() + b"\0" + BODY)


GONE = object()
BODY = bytes([0b1000_0000, 1, 2, 3])
SOUND = Session("a-model", size=4, painting=Painting.parse({"side": 2, "cells": [[0, 0, 1, 2, 3]]}))


@pytest.mark.parametrize("count", [0, 1, 64, 1024])
def test_there_and_back(paint, count):
    session = Session("gaussian-celeba", "farthest", max(count, 1), 2**32 - 1, "face", paint(count))
    assert same(Session.from_dict(session.to_dict()), session)
    assert same(Session.from_dict(json.loads(json.dumps(session.to_dict()))), session)
    again = Session.from_link(session.to_link())
    assert same(again, session)
    assert again.painting.mask.sum() == count and again.painting.values.dtype == np.uint8
    assert (again.model, again.family, again.size, again.seed) == (
        "gaussian-celeba",
        "farthest",
        max(count, 1),
        2**32 - 1,
    )


@pytest.mark.parametrize("side", [1, 2, 3, 28, 128])
def test_other_sides_fit_in_a_link_too(paint, side):
    session = Session("m", size=1, painting=paint(side * side, side))
    assert same(Session.from_link(session.to_link()), session)


def test_a_link_is_short_and_needs_no_escaping(paint):
    link = Session("gaussian-celeba", size=1024, painting=paint(1024)).to_link()
    assert re.fullmatch("[A-Za-z0-9_-]+", link) and len(link) < 4400
    assert len(Session("gaussian-celeba", painting=paint(64)).to_link()) < 600


def test_names_may_be_in_any_language(paint):
    session = Session("modèle-ünïcode-模型-🙂", picture="café", painting=paint(3))
    assert same(Session.from_link(session.to_link()), session)
    assert same(Session.from_dict(json.loads(json.dumps(session.to_dict()))), session)


def test_no_painting_is_an_empty_one():
    assert same(Session.from_link(Session("m").to_link()), Session("m", painting=Painting.empty(32)))


def test_the_helper_makes_sound_links():
    assert same(Session.from_link(linked()), SOUND)
    assert unpacked(SOUND.to_link()).endswith(b"\0" + BODY)


HEAD = json.dumps({**SOUND.settings(), "side": 2}).encode()
BAD_LINKS = {
    "nothing": "",
    "spaces": "   ",
    "not base64": "%%%%",
    "one letter": "A",
    "unicode": "ŝuŝu-模型-🙂",
    "a lone surrogate": "\ud800",
    "a null": "\0",
    "base64 of noise": base64.urlsafe_b64encode(bytes(range(256))).decode(),
    "not compressed": base64.urlsafe_b64encode(HEAD + b"\0" + BODY).decode(),
    "compressed nothing": packed(b""),
    "no settings": packed(b"\0" + BODY),
    "no separator": packed(HEAD),
    "settings cut off": packed(HEAD[:-3] + b"\0" + BODY),
    "settings not UTF-8": packed(b"\xff\xfe{}\0" + BODY),
    "settings a list": packed(b'["side"]\0' + BODY),
    "settings a number": packed(b"7\0" + BODY),
    "settings null": packed(b"null\0" + BODY),
    "settings nested 100000 deep": packed(b"[" * 100_000 + b"\0" + BODY),
    "an endless number": packed(HEAD.replace(b'"seed": 0', b'"seed": ' + b"9" * 5000) + b"\0" + BODY),
    "a bomb of spaces": packed(b" " * 50_000_000),
    "a bomb behind sound settings": packed(HEAD + b"\0" + bytes(50_000_000)),
    "a body without mask": packed(HEAD + b"\0"),
    "a body without colours": packed(HEAD + b"\0" + BODY[:1]),
    "a colour cut off": packed(HEAD + b"\0" + BODY[:-1]),
    "a colour too many": packed(HEAD + b"\0" + BODY + b"\1\2\3"),
    "no side": linked(side=GONE),
    "side 0": linked(side=0),
    "side -1": linked(side=-1),
    "side 129": linked(side=129),
    "side 10^12": linked(side=10**12),
    "side 2.5": linked(side=2.5),
    "side true": linked(side=True),
    "side text": linked(side="2"),
    "side a list": linked(side=[2]),
    "another side than the body's": linked(side=32),
    "no version": linked(recon=GONE),
    "another version": linked(recon=2),
    "version text": linked(recon="1"),
    "no model": linked(model=GONE),
    "model null": linked(model=None),
    "model a number": linked(model=5),
    "model a list": linked(model=["gaussian-celeba"]),
    "picture null": linked(picture=None),
    "picture a list": linked(picture=[]),
    "no patch": linked(patch=GONE),
    "patch a list": linked(patch=["sobol", 4, 0]),
    "patch empty": linked(patch={}),
    "family unknown": linked(patch={"family": "sobel", "size": 4, "seed": 0}),
    "family endless": linked(patch={"family": "s" * 100_000, "size": 4, "seed": 0}),
    "family null": linked(patch={"family": None, "size": 4, "seed": 0}),
    "family a list": linked(patch={"family": ["sobol"], "size": 4, "seed": 0}),
    "family an object": linked(patch={"family": {}, "size": 4, "seed": 0}),
    "size 0": linked(patch={"family": "sobol", "size": 0, "seed": 0}),
    "size beyond the grid": linked(patch={"family": "sobol", "size": 5, "seed": 0}),
    "size 1.5": linked(patch={"family": "sobol", "size": 1.5, "seed": 0}),
    "size NaN": linked(patch={"family": "sobol", "size": float("nan"), "seed": 0}),
    "size true": linked(patch={"family": "sobol", "size": True, "seed": 0}),
    "size text": linked(patch={"family": "sobol", "size": "4", "seed": 0}),
    "seed -1": linked(patch={"family": "sobol", "size": 4, "seed": -1}),
    "seed 2^32": linked(patch={"family": "sobol", "size": 4, "seed": 2**32}),
    "seed infinite": linked(patch={"family": "sobol", "size": 4, "seed": float("inf")}),
    "seed missing": linked(patch={"family": "sobol", "size": 4}),
}


def sentence(error: BaseException) -> str:
    """What a person would read, short and without the machine's own words."""
    said = str(error)
    assert said.endswith(".") and 10 < len(said) < 240 and "Traceback" not in said and "Error" not in said
    return said


@pytest.mark.parametrize("link", BAD_LINKS.values(), ids=BAD_LINKS)
def test_a_torn_link_is_a_sentence(link):
    with pytest.raises(ObservationError) as told:
        Session.from_link(link)
    sentence(told.value)


def test_a_link_torn_anywhere_is_a_sentence(paint):
    link = Session("gaussian-celeba", painting=paint(40)).to_link()
    for end in range(0, len(link), 3):
        with pytest.raises(ObservationError):
            Session.from_link(link[:end])


def test_a_link_with_a_letter_changed_is_a_sentence_or_a_session(paint):

    link = Session("gaussian-celeba", painting=paint(40)).to_link()
    rng = np.random.default_rng(0)
    for at in rng.integers(len(link), size=200):
        try:
            Session.from_link(link[:at] + "A" + link[at + 1 :]).to_dict()
        except ObservationError:
            continue


def test_a_bomb_is_not_unpacked():
    bomb = packed(b" " * 100_000_000)
    assert len(bomb) < MOST_BYTES  # it is the unpacked size that is refused
    tracemalloc = pytest.importorskip("tracemalloc")
    tracemalloc.start()
    with pytest.raises(ObservationError):
        Session.from_link(bomb)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 5_000_000


def said(**changes) -> dict:
    whole = {**SOUND.to_dict(), **changes}
    return {key: value for key, value in whole.items() if value is not GONE}


PATCH = {"family": "sobol", "size": 4, "seed": 0}
BAD_DICTS = {
    "None": None,
    "a list": [],
    "text": "recon",
    "a number": 1,
    "an empty object": {},
    "another program's": {"version": 1, "layers": []},
    "no painting": said(painting=GONE),
    "painting null": said(painting=None),
    "painting a list": said(painting=[[0, 0, 1, 2, 3]]),
    "no cells": said(painting={"side": 2}),
    "cells an object": said(painting={"side": 2, "cells": {}}),
    "a cell off the grid": said(painting={"side": 2, "cells": [[2, 0, 1, 2, 3]]}),
    "a colour of 300": said(painting={"side": 2, "cells": [[0, 0, 300, 2, 3]]}),
    "a colour NaN": said(painting={"side": 2, "cells": [[0, 0, float("nan"), 2, 3]]}),
    "a cell too short": said(painting={"side": 2, "cells": [[0, 0, 1]]}),
    "a cell twice": said(painting={"side": 2, "cells": [[0, 0, 1, 2, 3]] * 2}),
    "side huge": said(painting={"side": 10**9, "cells": []}),
    "patch null": said(patch=None),
    "family a list": said(patch={**PATCH, "family": ["sobol"]}),
    "size text": said(patch={**PATCH, "size": "4"}),
    "seed a float": said(patch={**PATCH, "seed": 0.0}),
    "model an object": said(model={}),
    "version 2": said(recon=2),
}


@pytest.mark.parametrize("value", BAD_DICTS.values(), ids=BAD_DICTS)
def test_what_is_no_session_is_a_sentence(value):
    with pytest.raises(ObservationError) as told:
        Session.from_dict(value)
    sentence(told.value)


def test_a_file_may_leave_the_picture_out():
    assert Session.from_dict(said(picture=GONE)).picture == ""
