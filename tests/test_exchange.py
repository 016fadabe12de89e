"""Observations in files: what is written is read again, and what is none is refused in a sentence."""

from __future__ import annotations

import io
import json

import numpy as np
import pytest
import torch
from PIL import Image

from recon import Observation, exchange, patches
from recon.errors import ObservationError, ReconError


def observation(channels: int = 3, side: int = 8, levels: bool = True) -> Observation:
    values = torch.rand(1, channels, side, side, generator=torch.Generator().manual_seed(0))
    mask = torch.from_numpy(patches.random(side, 20, seed=1))[None, None]
    return Observation((values * 255).round() / 255 if levels else values, mask)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("kind", exchange.KINDS)
def test_what_is_written_is_read(tmp_path, kind, channels):
    known = observation(channels, levels=kind != ".npz")
    exchange.write(known, tmp_path / f"a{kind}")
    found = exchange.read(tmp_path / f"a{kind}")
    assert torch.equal(found.mask, known.mask)
    torch.testing.assert_close(found.values, known.values, rtol=0, atol=1e-7)
    assert exchange.is_observation(tmp_path / f"a{kind}")


def test_a_mask_may_lie_beside_the_picture(tmp_path):
    known = observation()
    Image.fromarray((known.values[0].movedim(0, -1).numpy() * 255).round().astype(np.uint8)).save(tmp_path / "a.png")
    assert not exchange.is_observation(tmp_path / "a.png")
    Image.fromarray(known.mask[0, 0].numpy()).save(tmp_path / "a.mask.png")
    assert exchange.is_observation(tmp_path / "a.png") and torch.equal(
        exchange.read(tmp_path / "a.png").mask, known.mask
    )
    Image.new("1", (7, 8)).save(tmp_path / "a.mask.png")
    with pytest.raises(ObservationError, match="another size"):
        exchange.read(tmp_path / "a.png")


@pytest.mark.parametrize("channels", [1, 3])
def test_a_mask_is_written_beside_the_picture(tmp_path, channels):
    known = observation(channels)
    exchange.write(known, tmp_path / "a.png", masked=True)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.mask.png", "a.png"]
    assert Image.open(tmp_path / "a.png").mode == ("L" if channels == 1 else "RGB")
    found = exchange.read(tmp_path / "a.png")
    assert torch.equal(found.mask, known.mask) and found.values.shape == known.values.shape
    torch.testing.assert_close(found.values * found.mask, known.values * known.mask, rtol=0, atol=1e-7)
    exchange.write(Observation(known.values, ~known.mask), tmp_path / "a.png")  # with holes, in its place
    assert torch.equal(exchange.read(tmp_path / "a.png").mask, ~known.mask)


def test_the_pages_painting_is_one(tmp_path):
    (tmp_path / "a.json").write_text(json.dumps({"side": 4, "cells": [[1, 2, 255, 0, 51]]}))
    found = exchange.read(tmp_path / "a.json")
    assert found.mask.sum() == 1 and found.values[0, :, 1, 2].tolist() == pytest.approx([1, 0, 0.2])


def arrays(**named) -> bytes:
    stream = io.BytesIO()
    np.savez_compressed(stream, **named)
    return stream.getvalue()


NOISE = arrays(values=np.random.default_rng(0).random((3, 40, 40)), mask=np.ones((40, 40), bool))


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.txt", b"0"),
        ("a.npz", b"no archive"),
        ("a.npz", b""),
        ("a.npz", arrays(values=np.zeros((3, 4, 4), np.float32))),
        ("a.npz", arrays(values=np.zeros((3, 4, 4)), mask=np.zeros((5, 4), bool))),
        ("a.npz", arrays(values=np.zeros((4, 4)), mask=np.zeros((4, 4), bool))),
        ("a.npz", arrays(values=np.zeros((3, 4, 4)), mask=np.zeros((4, 4)))),
        ("a.npz", arrays(values=np.full((3, 4, 4), np.nan), mask=np.ones((4, 4), bool))),
        ("a.npz", arrays(values=np.array(["a"]), mask=np.ones((4, 4), bool))),
        ("a.npz", arrays(values=np.array([{}], object), mask=np.ones((4, 4), bool))),  # pickled, and not opened
        ("a.json", b"{"),
        ("a.json", b"[]"),
        ("a.json", b"3"),
        ("a.json", json.dumps('{"side": 4, "cells": []}').encode()),
        ("a.npz", bytes(255 - byte if 60 < k < 300 else byte for k, byte in enumerate(NOISE))),
        ("a.npz", NOISE[:900]),
        ("a.json", b'{"side": 4, "cells": [[9, 0, 0, 0, 0]]}'),
        ("a.json", b"\xff\xfe"),
        ("a.png", b"\x89PNG\r\n\x1a\n"),
        ("missing.png", None),
    ],
)
def test_what_is_no_observation_is_refused_in_a_sentence(tmp_path, name, content):
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(ReconError) as said:
        exchange.read(tmp_path / name)
    assert str(said.value).endswith(".") and str(tmp_path) not in str(said.value)


def test_an_archive_that_would_unpack_to_gigabytes_is_not_unpacked(tmp_path, monkeypatch):
    monkeypatch.setattr(exchange, "MOST_NUMBERS", 1000)
    (tmp_path / "a.npz").write_bytes(
        arrays(values=np.zeros((3, 200, 200), np.float32), mask=np.zeros((200, 200), bool))
    )
    with pytest.raises(ObservationError, match="more than 1000 numbers"):
        exchange.read(tmp_path / "a.npz")


def test_what_no_file_can_hold(tmp_path):
    known = observation()
    with pytest.raises(ObservationError, match="one image"):
        exchange.write(known.repeat(2), tmp_path / "a.png")
    with pytest.raises(ObservationError, match="kinds"):
        exchange.write(known, tmp_path / "a.gif")
    wide = Observation(torch.zeros(1, 1, 4, 8), torch.ones(1, 1, 4, 8, dtype=torch.bool))
    with pytest.raises(ObservationError, match="square"):
        exchange.write(wide, tmp_path / "a.json")


def test_sixteen_bits_are_brought_to_eight(tmp_path):
    Image.fromarray(np.array([[0, 65535], [32768, 257]], np.uint16)).save(tmp_path / "a.png")
    Image.fromarray(np.array([[255, 255], [255, 0]], np.uint8)).save(exchange.beside(tmp_path / "a.png"))
    found = exchange.read(tmp_path / "a.png")
    assert found.values[0, 0].mul(255).round().tolist() == [[0, 255], [128, 0]]


def test_what_cannot_be_written_is_a_sentence(tmp_path):
    known = Observation(torch.zeros(1, 1, 4, 4), torch.ones(1, 1, 4, 4, dtype=torch.bool))
    for name in ("a.png", "a.npz", "a.json"):
        with pytest.raises(ObservationError, match=rf"{name} cannot be written"):
            exchange.write(known, tmp_path / "nowhere" / name)


@pytest.mark.parametrize("name", ["A.PNG", "A.NPZ", "A.JSON"])
def test_endings_may_be_large(tmp_path, name):
    known = Observation(torch.zeros(1, 1, 4, 4), torch.ones(1, 1, 4, 4, dtype=torch.bool))
    exchange.write(known, tmp_path / name)
    assert exchange.read(tmp_path / name).mask.all()
