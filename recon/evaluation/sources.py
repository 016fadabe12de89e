"""Pictures to experiment on where no image set is at hand: what scikit-image ships, what code and models draw.

All give float32 (count, channels, side, side) in [0, 1] on 8-bit levels, and the same ones for the same seed.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageDraw
from torch import Tensor

from recon import images, sampling
from recon.errors import ExperimentError, ImageError
from recon.observation import Observation
from recon.prediction import Predictor

PHOTOGRAPHS = ("astronaut", "chelsea", "coffee", "rocket")
SMALLEST = 64  # pixels: the side of the least piece, so that each pixel is a mean of four at least
FLAT = 12.0  # levels of 255: a piece whose channels vary less shows nothing but sky
FACES = 100
LEAVES = 200  # a picture; the least has a radius of two pixels
FINE = 8  # leaves are drawn so many times larger, and averaged


def photographs(count: int, seed: int = 0, side: int = 32) -> Tensor:
    """Pieces of the colour photographs that scikit-image ships, 3 channels: squares at random places, of random sizes
    from 64 pixels up to the whole height, averaged down. Nearly flat ones are drawn again."""
    from skimage import data

    if count < 1:
        return torch.empty(0, 3, side, side)
    whole = [Image.fromarray(getattr(data, name)()) for name in PHOTOGRAPHS]
    rng = np.random.default_rng(seed)
    found: list[np.ndarray] = []
    while len(found) < count:
        photograph = whole[rng.integers(len(whole))]
        size = int(np.exp(rng.uniform(np.log(SMALLEST), np.log(min(photograph.size) + 1))))
        left, top = (int(rng.integers(room - size + 1)) for room in photograph.size)
        piece = images.fit(photograph.crop((left, top, left + size, top + size)), side)
        if piece.std((0, 1)).mean() >= FLAT:
            found.append(piece)
    return images.to_tensor(np.stack(found))


def faces(count: int, seed: int = 0, side: int = 32) -> Tensor:
    """Grey faces of Labeled Faces in the Wild (Huang et al. 2007), of the hundred that scikit-image ships at 25 x 25,
    enlarged by cubic interpolation: smoother than faces photographed at this size would be. At most 100."""
    from skimage import data

    chosen = np.random.default_rng(seed).permutation(FACES)[:count]
    small = (data.lfw_subset()[chosen] * 255).round().astype(np.uint8)
    large = [Image.fromarray(face).resize((side, side), Image.Resampling.BICUBIC) for face in small]
    return images.to_tensor(np.stack([np.asarray(face) for face in large]))


def leaves(count: int, seed: int = 0, side: int = 32) -> Tensor:
    """Dead leaves, 3 channels: discs of random colours that hide each other, of radii whose density falls with their
    cube, the simplest pictures with the edges and the scales of natural ones (Lee, Mumford & Huang 2001)."""
    rng = np.random.default_rng(seed)
    wide = side * FINE
    small, large = 1 / (wide / 16) ** 2, 1 / wide**2
    found = []
    for _ in range(count):
        picture = Image.new("RGB", (wide, wide), tuple(rng.integers(256, size=3).tolist()))
        pen = ImageDraw.Draw(picture)
        radii = 1 / np.sqrt(large + rng.random(LEAVES) * (small - large))
        places = rng.uniform(-0.2, 1.2, (LEAVES, 2)) * wide
        colours = (rng.integers(256, size=(LEAVES, 1)) + rng.integers(256, size=(LEAVES, 3))) // 2
        for radius, (x, y), colour in zip(radii, places, colours, strict=True):
            pen.ellipse((x - radius, y - radius, x + radius, y + radius), fill=tuple(colour.tolist()))
        found.append(images.fit(picture, side))
    return images.to_tensor(np.stack(found))


def drawn(model: Predictor, count: int, seed: int = 0, side: int = 32) -> Tensor:
    """Joint samples of a model that has seen nothing: its own idea of a picture. They are a fair test of patches, and
    none of the model, which cannot be surprised by them."""
    shape = (1, getattr(model, "channels", 3), side, side)
    nothing = Observation(torch.zeros(shape), torch.zeros(1, 1, side, side, dtype=torch.bool))
    samples = sampling.sample(model, nothing, count, seed=seed).cpu()
    return (samples * 255).round() / 255


def files(paths: Iterable[str | Path], side: int = 32) -> Tensor:
    """Pictures from files, 3 channels, centre-cropped and averaged down; ImageError names the file that is none."""
    found = []
    for path in paths:
        try:
            picture = images.fit(images.open_image(path), side)
        except ImageError as error:
            raise ImageError(f"{Path(path).name}: {error}") from error
        found.append(picture if picture.ndim == 3 else np.repeat(picture[..., None], 3, -1))
    if not found:
        raise ExperimentError("There are no pictures yet: choose some files, or other data.")
    return images.to_tensor(np.stack(found))
