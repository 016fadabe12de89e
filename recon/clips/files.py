"""Clips from files and to files: what moves in a GIF, a WebP or a PNG."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from recon import images
from recon.clips.kinds import FRAMES, SIDE
from recon.errors import ImageError

MOST = 2000  # frames that are looked through
MOST_PIXELS = 400_000_000  # of all frames together: seconds
TIME = 125  # milliseconds a frame


def read(source: str | Path | bytes, frames: int = FRAMES, side: int = SIDE) -> Tensor:
    """A clip from a file or its bytes, (frames, side, side): frames evenly from its beginning to its end, their middle
    square, grey. Raises ImageError for what is no picture, does not move, or is too long."""
    file = images.open_image(source)
    try:
        return torch.from_numpy(np.stack(list(levels(file, frames, side))))
    except ImageError:
        raise
    except Exception as error:  # Pillow's decoders raise nearly anything on a broken file
        raise ImageError("This clip is damaged.") from error


def levels(file: Image.Image, frames: int, side: int) -> Iterator[np.ndarray]:
    count = getattr(file, "n_frames", 1)
    if count < 2:
        raise ImageError("This picture does not move: a clip is a GIF, a WebP or a PNG of several frames.")
    if count > MOST or count * file.width * file.height > MOST_PIXELS:  # all frames up to the last have to be decoded
        size = f"{count} frames of {file.width} x {file.height} pixels"
        raise ImageError(f"This clip has {size}: too much to look through.")
    for at in np.linspace(0, count - 1, frames).round().astype(int):
        file.seek(int(at))
        grey = images.fit(file.copy(), side).astype(np.float32) / 255
        yield grey if grey.ndim == 2 else grey @ np.array([0.299, 0.587, 0.114], np.float32)


def to_gif(clip: Tensor, scale: int = 8) -> bytes:
    """A clip (frames, height, width) in [0, 1], each pixel enlarged, that goes round and round"""
    shown = (clip.clamp(0, 1) * 255).round().to(torch.uint8).numpy()
    frames = [images.enlarge(Image.fromarray(one), scale) for one in shown]
    stream = io.BytesIO()
    frames[0].save(stream, "GIF", save_all=True, append_images=frames[1:], duration=TIME, loop=0)
    return stream.getvalue()
