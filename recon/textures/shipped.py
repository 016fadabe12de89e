"""Textures that come with the page: three photographs that scikit-image ships, and dead leaves, which are made."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from recon.data.dead_leaves import dead_leaves
from recon.errors import DataError

LEAVES = 512  # pixels a side


@dataclass(frozen=True)
class Texture:
    """title is what the page calls it, source where it comes from, terms under which."""

    name: str
    title: str
    source: str
    terms: str


PHOTOGRAPH = "a photograph of 512 x 512 pixels that scikit-image ships"
TEXTURES = {
    found.name: found
    for found in [
        Texture("grass", "grass", PHOTOGRAPH, "CC0"),
        Texture("gravel", "gravel", PHOTOGRAPH, "CC0"),
        Texture("brick", "bricks", PHOTOGRAPH, "CC0"),
        Texture("leaves", "dead leaves", "made by `recon.data.dead_leaves`", "none needed"),
    ]
}


def load(name: str) -> Tensor:
    """uint8 (512, 512). Raises DataError for a name that is not in TEXTURES."""
    if name not in TEXTURES:
        raise DataError(f"There is no texture {name!r}; there are {', '.join(TEXTURES)}.")
    if name == "leaves":
        return dead_leaves(LEAVES, LEAVES, torch.Generator().manual_seed(0))
    from skimage import data

    return torch.from_numpy(getattr(data, name)())


def find(texture: str) -> tuple[Texture, Tensor]:
    """One of TEXTURES by its name, or a picture's file: what is known of it, and uint8 (height, width), of a file as
    `recon.textures.pictures.own` makes it. Raises DataError for what is neither, ImageError for a bad file."""
    if texture in TEXTURES or not Path(texture).is_file():
        image = load(texture)
        return TEXTURES[texture], image
    from recon.images import open_image
    from recon.textures import pictures

    image = pictures.own(open_image(texture, whole=True)).image
    name = re.sub(r"[^a-z0-9]+", "-", Path(texture).stem.lower()).strip("-") or "picture"
    name = f"my-{name}" if name in TEXTURES else name  # a model of it is not to take the place of one that ships
    return Texture(name, name, "a picture of one's own", "its owner's"), image
