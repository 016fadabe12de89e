"""Clips from files and to files: what moves in a GIF, a WebP or a PNG."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from recon import images
from recon.clips.kinds import FRAMES, SIDE
from recon.errors import ImageError

MOST = 2000  # frames that are looked through
TIME = 125  # milliseconds a frame


def read(source: str | Path | bytes, frames: int = FRAMES, side: int = SIDE) -> Tensor:
    """A clip from a file or its bytes, (frames, side, side): frames evenly from its beginning to its end, their middle
    square, grey. Raises ImageError for what is no picture, does not move, or is too long."""
    file = images.open_image(source)
    count = getattr(file, "n_frames", 1)
    if count < 2:
        raise ImageError("This picture does not move: a clip is a GIF, a WebP or a PNG of several frames.")
    if count > MOST:
        raise ImageError(f"This clip has {count} frames; up to {MOST} are looked through.")
    found = []
    for at in np.linspace(0, count - 1, frames).round().astype(int):
        try:
            file.seek(int(at))
            levels = images.fit(file.copy(), side).astype(np.float32) / 255
        except (EOFError, OSError, SyntaxError, ValueError) as error:
            raise ImageError("This clip is damaged.") from error
        found.append(levels if levels.ndim == 2 else levels @ np.array([0.299, 0.587, 0.114], np.float32))
    return torch.from_numpy(np.stack(found))


def to_gif(clip: Tensor, scale: int = 8) -> bytes:
    """A clip (frames, height, width) in [0, 1], each pixel enlarged, that goes round and round"""
    levels = (clip.clamp(0, 1) * 255).round().to(torch.uint8).numpy()
    frames = [images.enlarge(Image.fromarray(one), scale) for one in levels]
    stream = io.BytesIO()
    frames[0].save(stream, "GIF", save_all=True, append_images=frames[1:], duration=TIME, loop=0)
    return stream.getvalue()
