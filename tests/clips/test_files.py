"""Clips from files and to files."""

import io

import numpy as np
import pytest
import torch
from PIL import Image

from recon.clips import files
from recon.errors import ImageError


def moving(count, kind="GIF", size=(60, 40)):
    """A bright bar that goes down, a frame after another"""
    frames = []
    for k in range(count):
        levels = np.zeros((size[1], size[0], 3), np.uint8)
        levels[k * size[1] // count : (k + 1) * size[1] // count] = 255
        frames.append(Image.fromarray(levels))
    stream = io.BytesIO()
    frames[0].save(stream, kind, save_all=True, append_images=frames[1:], duration=50)
    return stream.getvalue()


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG"])
def test_frames_come_evenly_in_grey(kind):
    clip = files.read(moving(31, kind), 16, 24)
    assert clip.shape == (16, 24, 24) and clip.dtype == torch.float32 and clip.min() >= 0 and clip.max() <= 1
    rows = clip.mean(2).argmax(1)
    assert rows[0] == 0 and rows[-1] == 23 and (rows[1:] >= rows[:-1]).all()


def test_a_short_one_has_frames_twice():
    clip = files.read(moving(3))
    assert torch.equal(clip[0], clip[1]) and not torch.equal(clip[0], clip[-1])


def test_what_is_no_clip(monkeypatch):
    with pytest.raises(ImageError, match="does not move"):
        files.read(moving(1))
    with pytest.raises(ImageError, match="no picture"):
        files.read(b"GIF89a and nothing more")
    monkeypatch.setattr(files, "MOST_PIXELS", 6 * 60 * 40 - 1)
    with pytest.raises(ImageError, match="6 frames of 60 x 40 pixels: too much"):
        files.read(moving(6))


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG"])
def test_a_file_that_ends_anywhere_is_read_or_a_sentence(kind):
    whole = moving(4, kind, (16, 16))
    for end in range(0, len(whole), 3):
        try:
            assert files.read(whole[:end], 4, 8).shape == (4, 8, 8)
        except ImageError as error:
            assert str(error).endswith(".")


def test_a_gif_comes_back():
    clip = files.read(moving(16, size=(24, 24)))
    found = files.to_gif(clip, scale=2)
    with Image.open(io.BytesIO(found)) as file:
        assert file.size == (48, 48) and file.n_frames == 16 and file.info["loop"] == 0
    assert (files.read(found) - clip).abs().max() < 0.02
