"""Packed image sets: `.npz` archives whose splits are arrays, or strips encoded as WebP mosaics or JPEG scans.

A packed split s has three arrays: `s_bytes`, all encoded strips one after another; `s_offsets`, where each begins, and
the end; `s_shape`, the array that comes out. `codec` is "webp" (each strip a lossless mosaic of `cols` pictures a row)
or "jpeg" (each strip one picture's scan data, behind a common `header`).
"""

from __future__ import annotations

import io
from itertools import pairwise
from pathlib import Path

import numpy as np
from PIL import Image

from recon.errors import DataError


def read(path: Path, split: str) -> np.ndarray:
    """One split as uint8 (count, height, width[, 3]); DataError if the file or the split is not there."""
    try:
        with np.load(path, allow_pickle=False) as archive:
            if split in archive.files:
                return archive[split]
            if f"{split}_bytes" in archive.files:
                return unpack(archive, split)
    except Exception as error:  # zip, zlib, NumPy and Pillow each have their own word for a damaged file
        raise DataError(f"{path.name} could not be read from the data folder: {error}.") from error
    raise DataError(f"{path.name} has no split {split!r}.")


def unpack(archive: np.lib.npyio.NpzFile, split: str) -> np.ndarray:
    """A packed split, decoded."""
    shape = tuple(int(n) for n in archive[f"{split}_shape"])
    stream, offsets = archive[f"{split}_bytes"], archive[f"{split}_offsets"]
    strips = [stream[start:end].tobytes() for start, end in pairwise(offsets)]
    if str(archive["codec"]) == "webp":
        return mosaics(strips, shape)
    header = archive["header"].tobytes()
    return np.stack([decode(header + strip, shape) for strip in strips]).reshape(shape)


def mosaics(strips: list[bytes], shape: tuple[int, ...]) -> np.ndarray:
    """Pictures cut from mosaics, row by row; the last mosaic may hold blanks at its end."""
    count, height, width = shape[:3]
    tiles = []
    for strip in strips:
        sheet = decode(strip, shape)
        across = sheet.reshape(sheet.shape[0] // height, height, sheet.shape[1] // width, width, *shape[3:])
        tiles.append(across.swapaxes(1, 2).reshape(-1, *shape[1:]))
    return np.concatenate(tiles)[:count]


def decode(blob: bytes, shape: tuple[int, ...]) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(blob)).convert("RGB" if len(shape) == 4 else "L"))
