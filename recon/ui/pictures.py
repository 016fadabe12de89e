"""Pictures to start from: scikit-image's own photographs, and drawings made by code. No image set is among them."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np
from PIL import Image, ImageDraw

from recon import images
from recon.errors import ImageError

NONE = ""  # paint freely
OWN = "own"  # what a person brought, or made of two


def face() -> Image.Image:
    """The astronaut Eileen Collins, her face framed as CelebA frames faces (NASA, public domain; in scikit-image)"""
    from skimage import data

    return Image.fromarray(data.astronaut()[55:195, 150:290])


def photograph(name: str) -> Callable[[], Image.Image]:
    """A photograph that scikit-image ships."""

    def open_it() -> Image.Image:
        from skimage import data

        return Image.fromarray(getattr(data, name)())

    return open_it


def digit(strokes: list[list[tuple[float, float]]]) -> Callable[[], Image.Image]:
    """White strokes on black, drawn as a pen would, in the middle of the frame as MNIST has them."""

    def draw_it() -> Image.Image:
        image = Image.new("L", (256, 256))
        pen = ImageDraw.Draw(image)
        for stroke in strokes:
            path = [(x * 256, y * 256) for x, y in stroke]
            pen.line(path, fill=255, width=20, joint="curve")
            for x, y in (path[0], path[-1]):
                pen.ellipse((x - 10, y - 10, x + 10, y + 10), fill=255)
        return image.convert("RGB")

    return draw_it


def curve(centre: tuple[float, float], radii: tuple[float, float], start: float, end: float) -> list:
    """Points on an arc of an ellipse, angles in turns, clockwise from the right."""
    turns = np.linspace(start, end, 24) * 2 * np.pi
    return [(centre[0] + radii[0] * np.cos(t), centre[1] + radii[1] * np.sin(t)) for t in turns]


def hills() -> Image.Image:
    """Three ridges under an evening sky."""
    y, x = np.mgrid[0:256, 0:256] / 256
    picture = np.stack([0.95 - 0.55 * (1 - y), 0.62 - 0.1 * np.abs(y - 0.5), 0.42 + 0.42 * (1 - y)], -1)
    ridges = [(0.55, 0.09, 1.3, 0.2), (0.68, 0.07, 2.1, 0.55), (0.82, 0.05, 3.2, 0.8)]
    for k, (height, swing, waves, phase) in enumerate(ridges):
        ridge = height + swing * np.sin(2 * np.pi * (waves * x + phase)) + 0.02 * np.sin(31 * x + k)
        colour = np.array([0.36, 0.38, 0.5]) * (1 - 0.36 * k) + np.array([0.02, 0.06, 0.0]) * k
        picture = np.where((y > ridge)[..., None], colour, picture)
    sun = np.hypot(x - 0.68, y - 0.34) < 0.07
    picture[sun] = (1.0, 0.9, 0.66)
    return Image.fromarray((picture.clip(0, 1) * 255).astype(np.uint8))


three = digit([curve((0.47, 0.36), (0.17, 0.13), -0.42, 0.25), curve((0.47, 0.63), (0.19, 0.15), -0.25, 0.42)])
five = digit(
    [[(0.66, 0.22), (0.4, 0.22), (0.37, 0.46)], [(0.37, 0.46), *curve((0.47, 0.61), (0.18, 0.17), -0.32, 0.4)]]
)

EXAMPLES: dict[str, tuple[str, Callable[[], Image.Image]]] = {
    "face": ("astronaut, her face", face),
    "astronaut": ("astronaut", photograph("astronaut")),
    "cat": ("cat", photograph("chelsea")),
    "coffee": ("coffee", photograph("coffee")),
    "rocket": ("rocket", photograph("rocket")),
    "camera": ("photographer (grey)", photograph("camera")),
    "coins": ("coins (grey)", photograph("coins")),
    "hills": ("hills, drawn by code", hills),
    "three": ("a three, drawn by code", three),
    "five": ("a five, drawn by code", five),
}


def choices() -> list[tuple[str, str]]:
    """(title, name) for a menu; the first is to paint freely."""
    return [("none: paint freely", NONE), *((title, name) for name, (title, _) in EXAMPLES.items())]


@cache
def load(name: str, side: int = 32) -> np.ndarray:
    """An example at the grid's size: uint8 (side, side, 3); ImageError if there is none of that name."""
    if name not in EXAMPLES:
        raise ImageError(f"There is no example picture {name!r}; there are {', '.join(EXAMPLES)}.")
    small = on_grid(EXAMPLES[name][1](), side)
    small.setflags(write=False)
    return small


def composed(upper: np.ndarray | None, lower: str) -> np.ndarray:
    """The upper half of a picture, uint8 (side, side, 3), over the lower half of an example (Tulsiani & Gupta, Figure
    5); ImageError if there is none of that name, or no picture."""
    if upper is None:
        raise ImageError("There is no picture to put above it: choose or upload one first.")
    half = len(upper) // 2
    return np.concatenate([upper[:half], load(lower, len(upper))[half:]])


def on_grid(image: Image.Image, side: int) -> np.ndarray:
    """Cropped and reduced: uint8 (side, side, 3)"""
    return as_colour(images.fit(image, side))


def as_colour(array: np.ndarray) -> np.ndarray:
    """uint8 (height, width[, 3]) as (height, width, 3)"""
    return np.repeat(array[..., None], 3, -1) if array.ndim == 2 else array.copy()
