"""BSDS300, photographs of 321 x 481 pixels in grey: what directed models of natural images are measured on."""

from __future__ import annotations

import os
from pathlib import Path

import torch
from torch import Tensor

from recon.data import packed
from recon.errors import DataError

FILE = "bsds300_grey.npz"
HELD_OUT = 14  # pictures at the end of the training split that serve as validation


def load(split: str) -> Tensor:
    """uint8 (count, 321, 481); split is "train", "valid" or "test". Martin et al. 2001; non-commercial research only.

    140 of the 200 training pictures and 70 of the 100 test pictures, those upright turned by 90 degrees. Raises
    DataError unless RECON_DATA names a folder that holds them.
    """
    folder = os.environ.get("RECON_DATA")
    if not folder or not (Path(folder) / FILE).exists():
        raise DataError(f"BSDS300 is not here: set RECON_DATA to a folder that holds {FILE}.")
    images = torch.from_numpy(packed.read(Path(folder) / FILE, "test" if split == "test" else "train"))
    if split == "test":
        return images
    return images[-HELD_OUT:] if split == "valid" else images[:-HELD_OUT]


def patches(images: Tensor, each: int, generator: torch.Generator, side: int = 8) -> Tensor:
    """So many patches of every picture, at random places: uint8 (count, each, side, side) of (count, height, width).

    Raises DataError where the pictures are smaller than a patch.
    """
    count, height, width = images.shape
    if min(height, width) < side:
        raise DataError(f"These pictures are smaller than {side} x {side} pixels.")
    rows = torch.randint(height - side + 1, (count, each), generator=generator)
    columns = torch.randint(width - side + 1, (count, each), generator=generator)
    corners = (torch.arange(count)[:, None] * height + rows) * width + columns
    within = torch.arange(side)[:, None] * width + torch.arange(side)
    return images.reshape(-1)[corners[..., None, None] + within]
