"""Pictures of textures: those at hand, and a person's own, as grey levels of a size that is learned in a minute."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from recon import images
from recon.errors import ImageError
from recon.textures import shipped

LARGEST = 512  # pixels a side
SMALLEST = 64
CROP, HALVE = "crop", "halve"


@dataclass(frozen=True)
class Exemplar:
    """A picture to learn a texture from.

    name     of those at hand, or "" for a person's own
    title    what a page calls it
    image    its grey levels, uint8 (height, width)
    said     what was done to it and where it comes from, a sentence or more
    colours  uint8 (3, height, width), of one that has any
    """

    name: str
    title: str
    image: Tensor
    said: str
    colours: Tensor | None = None

    @property
    def shown(self) -> np.ndarray:
        """As it is looked at, uint8 (height, width[, 3])"""
        return self.image.numpy() if self.colours is None else self.colours.movedim(0, -1).numpy()

    @property
    def key(self) -> str:
        """Equal for equal pictures: what is learned of one is found again."""
        height, width = self.image.shape
        return self.name or f"{height}x{width}:{hash(self.shown.tobytes())}"


@cache
def at_hand(name: str) -> Exemplar:
    """One of the textures that come with the page; DataError if there is none of that name."""
    image = shipped.load(name)
    texture = shipped.TEXTURES[name]
    source = texture.source.replace("`", "")
    return Exemplar(name, texture.title.capitalize(), image, f"{source[0].upper()}{source[1:]}.")


def fits(image: Image.Image) -> bool:
    """Whether a picture is no larger than what is learned from."""
    return max(image.size) <= LARGEST


def own(image: Image.Image, how: str = CROP) -> Exemplar:
    """A person's picture; the grey levels of a coloured one are its Rec. 601 luma, .299 R + .587 G + .114 B.

    how  what is done with one of more than LARGEST pixels a side: CROP keeps its middle, HALVE averages 2 x 2 pixels
         until it fits
    Raises ImageError for what is no picture, smaller than SMALLEST pixels a side, or of one grey all over.
    """
    if how not in (CROP, HALVE):
        raise ImageError("A large picture is cropped or halved.")
    if not isinstance(image, Image.Image):
        raise ImageError("There is no picture yet: drop one in.")
    images.check_size(image)
    said = [f"Your picture of {image.width} x {image.height} pixels."]
    if image.has_transparency_data:
        said.append("What is transparent was laid on white.")
    pixels = images.eight_bit(image)
    if pixels.mode == "RGB" and not coloured(pixels):
        pixels = pixels.getchannel(0)
    levels = np.asarray(pixels)
    if not fits(image):
        levels, done = cropped(levels) if how == CROP else halved(levels)
        said.append(done)
    colours = torch.tensor(levels).movedim(-1, 0).contiguous() if pixels.mode == "RGB" else None
    if colours is not None:
        said.append("It is learned as luma, Rec. 601, and its colours given luma.")
        levels = np.asarray(Image.fromarray(levels).convert("L"))
    height, width = levels.shape
    if min(height, width) < SMALLEST:
        raise ImageError(
            f"There are {width} x {height} pixels to learn from: a texture needs {SMALLEST} or more each way."
        )
    if levels.min() == levels.max():
        raise ImageError("This picture is of one grey all over: there is nothing to learn.")
    return Exemplar("", "Your picture", torch.tensor(levels), " ".join(said), colours)


def coloured(image: Image.Image) -> bool:
    """Whether the channels of an RGB picture differ anywhere."""
    rgb = np.asarray(image)
    return bool((rgb != rgb[..., :1]).any())


def cropped(levels: np.ndarray) -> tuple[np.ndarray, str]:
    """The middle of (height, width[, 3]), up to LARGEST a side, and what was done, in words."""
    rows, columns = (
        slice((side - min(side, LARGEST)) // 2, (side + min(side, LARGEST)) // 2) for side in levels.shape[:2]
    )
    levels = levels[rows, columns]
    return levels, f"Its middle was kept, {levels.shape[1]} x {levels.shape[0]} pixels."


def halved(levels: np.ndarray) -> tuple[np.ndarray, str]:
    """2 x 2 pixels of (height, width[, 3]) averaged until no side is longer than LARGEST, and what was done, in words.
    A last odd row or column is left out."""
    values = levels.astype(np.float32)
    while max(values.shape) > LARGEST:
        height, width = (side // 2 * 2 for side in values.shape[:2])
        if min(height, width) == 0:
            break
        values = values[:height, :width].reshape(height // 2, 2, width // 2, 2, *values.shape[2:]).mean((1, 3))
    return (values + 0.5).astype(np.uint8), f"It was halved to {values.shape[1]} x {values.shape[0]} pixels."
