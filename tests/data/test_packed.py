"""Packed image sets of every kind, made here."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from recon.data import packed
from recon.errors import DataError


def smooth(count: int, side: int, colour: bool) -> np.ndarray:
    rng = np.random.default_rng(0)
    coarse = rng.integers(0, 256, (count, 2, 2, 3) if colour else (count, 2, 2), dtype=np.uint8)
    resized = [Image.fromarray(image).resize((side, side), Image.Resampling.BICUBIC) for image in coarse]
    return np.stack([np.asarray(image) for image in resized])


def encode(image: np.ndarray, kind: str, **options) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(image).save(stream, kind, **options)
    return stream.getvalue()


def strips(blobs: list[bytes], shape: tuple[int, ...], split: str = "train") -> dict[str, np.ndarray]:
    return {
        f"{split}_bytes": np.frombuffer(b"".join(blobs), dtype=np.uint8),
        f"{split}_offsets": np.cumsum([0, *map(len, blobs)]).astype(np.uint64),
        f"{split}_shape": np.array(shape),
    }


def webp(path: Path, images: np.ndarray, across: int) -> None:
    """Mosaics of `across` x `across`, the last one filled up with blanks; grey ones are stored as colour."""
    height, width = images.shape[1:3]
    sheets = []
    for start in range(0, len(images), across**2):
        tiles = images[start : start + across**2]
        blanks = np.zeros((across**2 - len(tiles), *images.shape[1:]), dtype=np.uint8)
        grid = np.concatenate([tiles, blanks]).reshape(across, across, height, width, *images.shape[3:])
        sheet = grid.swapaxes(1, 2).reshape(across * height, across * width, *images.shape[3:])
        sheets.append(encode(sheet, "WEBP", lossless=True))
    np.savez(path, codec="webp", cols=across, **strips(sheets, images.shape))


def jpeg(path: Path, images: np.ndarray) -> np.ndarray:
    """Scans behind one header; returns what they decode to."""
    blobs = [encode(image, "JPEG", quality=90) for image in images]
    header = blobs[0][: blobs[0].index(b"\xff\xda")]
    assert all(blob.startswith(header) for blob in blobs)
    scans = [blob[len(header) :] for blob in blobs]
    np.savez(path, codec="jpeg", header=np.frombuffer(header, dtype=np.uint8), **strips(scans, images.shape))
    return np.stack([np.asarray(Image.open(io.BytesIO(blob))) for blob in blobs])


@pytest.fixture
def path(tmp_path) -> Path:
    return tmp_path / "set.npz"


@pytest.mark.parametrize("colour", [True, False])
def test_plain_archives(path, colour):
    images = smooth(5, 8, colour)
    np.savez(path, train=images[:3], test=images[3:])
    assert (packed.read(path, "train") == images[:3]).all() and (packed.read(path, "test") == images[3:]).all()


@pytest.mark.parametrize("colour", [True, False])
@pytest.mark.parametrize("count", [1, 4, 9, 11])
def test_webp_mosaics(path, colour, count):
    images = smooth(count, 8, colour)
    webp(path, images, across=2)
    found = packed.read(path, "train")
    assert found.dtype == np.uint8 and found.shape == images.shape and (found == images).all()


@pytest.mark.parametrize("colour", [True, False])
def test_jpeg_scans(path, colour):
    images = smooth(5, 16, colour)
    decoded = jpeg(path, images)
    found = packed.read(path, "train")
    assert found.shape == images.shape and (found == decoded).all()
    assert np.abs(found.astype(int) - images).mean() < 8, "and they are those pictures"


def test_a_split_that_is_not_there(path):
    np.savez(path, train=smooth(2, 4, False))
    with pytest.raises(DataError, match=r"set.npz has no split 'valid'"):
        packed.read(path, "valid")


@pytest.mark.parametrize("damage", ["none", "empty", "text", "cut", "npy", "pickle", "scan"])
def test_damaged_archives(path, damage):
    jpeg(path, smooth(3, 16, True))
    whole = path.read_bytes()
    if damage == "none":
        path.unlink()
    elif damage == "npy":
        np.save(path.with_suffix(".npy"), np.zeros(3))
        path.with_suffix(".npy").rename(path)
    elif damage == "pickle":
        np.savez(path, train=np.array([{"a": 1}], dtype=object))
    elif damage == "scan":
        np.savez(path, codec="jpeg", header=np.zeros(9, np.uint8), **strips([b"nothing"], (1, 16, 16)))
    else:
        path.write_bytes({"empty": b"", "text": b"no archive", "cut": whole[: len(whole) // 2]}[damage])
    with pytest.raises(DataError, match=r"set.npz could not be read"):
        packed.read(path, "train")
