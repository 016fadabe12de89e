"""Observations in files, for programs: one image each, read as it was written.

A .png has 8 bits, and what is transparent was not observed; or a mask lies beside it, a.mask.png beside a.png, white
where a pixel was observed. An .npz holds `values` (channels, height, width) in [0, 1] and `mask` (height, width),
exactly. A .json is what the page's API takes, {"side": 32, "cells": [[row, column, red, green, blue], ...]}, of squares
and 8 bits; with "channels": 1 the colours are grey.
"""

from __future__ import annotations

import io
import json
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from recon import images
from recon.errors import ObservationError
from recon.observation import Observation
from recon.painting import Painting

MASK = ".mask.png"
KINDS = (".png", ".npz", ".json")
MOST_BYTES = 50_000_000  # of a file
MOST_NUMBERS = 3 * 4096**2  # of an array


def write(observation: Observation, path: str | Path, masked: bool = False) -> None:
    """Write an observation of one image, by the ending of `path`, one of KINDS; a .png with `masked` as a picture that
    is black where nothing was observed and its mask beside it, for programs that know no transparency. Raises
    ObservationError."""
    path = Path(path)
    if observation.batch != 1:
        raise ObservationError(f"A file holds one image, not {observation.batch}.")
    if path.suffix.lower() not in KINDS:
        raise unknown(path)
    try:
        WRITERS[path.suffix.lower()](observation, path, masked)
    except OSError as error:
        raise ObservationError(f"{path.name} cannot be written ({error.strerror or 'no room'}).") from error


def to_npz(observation: Observation, path: Path, masked: bool) -> None:
    values, mask = arrays(observation)
    with path.open("wb") as file:  # to a path that does not end as it likes numpy would add its own ending
        np.savez_compressed(file, values=values.numpy(), mask=mask)


def to_png(observation: Observation, path: Path, masked: bool) -> None:
    values, mask = arrays(observation)
    pixels = images.to_array(values)
    if masked:
        Image.fromarray(np.where(mask if pixels.ndim == 2 else mask[..., None], pixels, np.uint8(0))).save(path)
        Image.fromarray(mask).save(beside(path))
        return
    beside(path).unlink(missing_ok=True)  # it would be taken for this one's
    alpha = np.where(mask, np.uint8(255), np.uint8(0))[..., None]
    whole = np.concatenate([pixels[..., None] if pixels.ndim == 2 else pixels, alpha], 2)
    Image.fromarray(whole).save(path)


def to_json(observation: Observation, path: Path, masked: bool) -> None:
    values, mask = arrays(observation)
    pixels = images.to_array(values)
    if mask.shape[0] != mask.shape[1]:
        raise ObservationError("Cells are of a square grid.")
    colours = pixels[mask] if pixels.ndim == 3 else pixels[mask][:, None].repeat(3, 1)
    cells = np.hstack([np.argwhere(mask), colours]).tolist()
    said = {"side": len(mask), "cells": cells} | ({"channels": 1} if pixels.ndim == 2 else {})
    path.write_text(json.dumps(said), encoding="utf-8")


def arrays(observation: Observation) -> tuple[Tensor, np.ndarray]:
    """Values (channels, height, width) and mask, bool (height, width), of the one image"""
    return observation.values[0].cpu(), observation.mask[0, 0].cpu().numpy()


WRITERS = {".png": to_png, ".npz": to_npz, ".json": to_json}


def read(path: str | Path) -> Observation:
    """The observation in a file. Raises ObservationError, or ImageError, for what is none."""
    path = Path(path)
    readers = {".png": of_png, ".npz": of_npz, ".json": of_json}
    if path.suffix.lower() not in readers:
        raise unknown(path)
    try:
        if path.stat().st_size > MOST_BYTES:
            raise ObservationError(f"{path.name} is larger than {MOST_BYTES // 10**6} MB.")
        return readers[path.suffix.lower()](path)
    except OSError as error:
        raise ObservationError(f"{path.name} cannot be read ({error.strerror or 'damaged'}).") from error


def is_observation(path: Path) -> bool:
    """Whether a file says which of its pixels are observed; a picture does not, all of it is there."""
    if path.suffix.lower() in (".npz", ".json"):
        return True
    if path.suffix.lower() != ".png":
        return False
    return beside(path).exists() or has_holes(images.open_image(path, whole=True))


def beside(path: Path) -> Path:
    return path.with_name(path.stem + MASK)


def has_holes(image: Image.Image) -> bool:
    return image.has_transparency_data and bool((np.asarray(image.convert("RGBA"))[..., 3] < 255).any())


def of_png(path: Path) -> Observation:
    image = images.open_image(path, whole=True)
    if image.mode.startswith("I;16") or image.mode in ("I", "F"):  # of those, "L" would keep the darkest levels alone
        image = images.eight_bit(image)
    if beside(path).exists():
        mask = np.asarray(images.open_image(beside(path), whole=True).convert("L")) > 127
        if mask.shape != (image.height, image.width):
            raise ObservationError(f"{beside(path).name} has another size than {path.name}.")
    else:
        mask = np.asarray(image.convert("RGBA"))[..., 3] > 127
    pixels = np.asarray(image.convert("L" if image.mode in ("1", "L", "LA") else "RGB"))
    return Observation(images.to_tensor(pixels)[None], torch.from_numpy(mask)[None, None])


def of_npz(path: Path) -> Observation:
    try:
        with np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as found:
            # what an archive says of its size is asked before any of it is unpacked
            if sum(info.file_size for info in found.zip.infolist()) > 8 * MOST_NUMBERS:  # type: ignore[attr-defined]
                raise ObservationError(f"{path.name} holds more than {MOST_NUMBERS} numbers.")
            values, mask = np.asarray(found["values"], np.float32), np.asarray(found["mask"])
    except ObservationError:
        raise
    except (Exception, MemoryError) as error:  # zip and NumPy raise nearly anything on a broken file
        raise ObservationError(f"{path.name} does not hold the arrays `values` and `mask`.") from error
    if values.ndim != 3 or mask.ndim != 2 or mask.dtype != bool:
        raise ObservationError(f"{path.name}: values are (channels, height, width), the mask bool (height, width).")
    return Observation(torch.from_numpy(values)[None], torch.from_numpy(mask)[None, None])


def of_json(path: Path) -> Observation:
    try:
        said = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise ObservationError(f"{path.name} is not valid JSON.") from error
    if not isinstance(said, dict):
        raise ObservationError(f"{path.name} is no painting.")
    painting = Painting.parse(said)
    grey = said.get("channels") == 1
    pixels = painting.values[..., 0] if grey else painting.values
    return Observation(images.to_tensor(pixels)[None], torch.from_numpy(painting.mask)[None, None])


def unknown(path: Path) -> ObservationError:
    return ObservationError(f"An observation is a file of one of the kinds {', '.join(KINDS)}, not {path.name}.")
