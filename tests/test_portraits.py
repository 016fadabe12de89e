"""What is drawn for the cards: a picture of each kind of checkpoint, the same every time."""

from __future__ import annotations

import io

import numpy as np
import pytest
import torch
from PIL import Image

from recon import hub, portraits
from recon.transfer import CARD, WEIGHTS, size_of


@pytest.mark.parametrize(
    ("name", "size", "told"),
    [
        ("gsm-celeba", (768, 96), "Eight pictures"),
        ("mcgsm-gravel", (96, 48), "A piece of the texture"),
        ("curves", (768, 288), "6 points of a random sextic"),
        ("clips", (600, 72), "A clip that it makes up"),
        ("chairs", (192, 64), "Three chairs"),
    ],
)
def test_each_kind_has_one(name, size, told, monkeypatch):
    monkeypatch.setattr(portraits, "TEXTURE", (16, 32))
    monkeypatch.setattr(portraits, "SHAPE_SIDE", 64)
    if name == "chairs":  # as quick as it can be
        monkeypatch.setattr("recon.shapes.answer.field.__defaults__", (8,))
    if name == "clips":
        monkeypatch.setattr("recon.clips.answer.FEWEST", 4)
        monkeypatch.setattr("recon.clips.answer.MOST", 4)
    found = portraits.portrait(name)
    picture = Image.open(io.BytesIO(found.png))
    assert picture.size == size and np.asarray(picture.convert("L")).std() > 3 and found.told.startswith(told)
    if name in ("gsm-celeba", "curves"):
        assert portraits.portrait(name) == found


def test_every_checkpoint_is_of_a_kind_that_has_one():
    for listed in (hub.checkpoints, hub.textures, hub.signals):
        for record in listed():
            draw, told = portraits.drawing(record.name)
            assert callable(draw) and told and ("texture" in told) == (listed is hub.textures)


def test_a_ball_is_seen_as_one():
    line = (2 * torch.arange(16) + 1) / 16 - 1
    x, y, z = torch.meshgrid(line, line, line, indexing="ij")
    seen = portraits.shaded((x**2 + y**2 + z**2).sqrt() - 0.5)
    side = portraits.SHAPE_SIDE
    share = (seen < 1).double().mean().item()
    assert share == pytest.approx(np.pi * 0.25 / 2.3**2, rel=0.1)  # of a window 2.3 wide
    assert seen[side // 2, side // 2] < 1 and seen[0, 0] == 1
    assert seen[int(0.35 * side), side // 2] > seen[int(0.65 * side), side // 2]  # light comes from above


def test_every_card_says_how_large_its_model_is():
    for listed in (hub.checkpoints, hub.textures, hub.signals):
        for record in listed():
            folder = hub.resolve(record.name)
            assert f" numbers, {size_of(folder / WEIGHTS)}. From" in (folder / CARD).read_text(), (
                f"the card of {record.name} is of before"
            )


def test_sizes_are_said_in_megabytes(tmp_path):
    for size, told in ((12_345_678, "12.3 MB"), (1_000_000, "1.0 MB"), (73_400, "0.07 MB")):
        with open(tmp_path / "file", "wb") as file:
            file.truncate(size)
        assert size_of(tmp_path / "file") == told
