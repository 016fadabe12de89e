"""A sheet to draw figures on: words, pictures, lines and bands, by Pillow alone.

Lengths are in points, of which a page shows 72 to 96 an inch; a file has FINE pixels for each. All is drawn twice as
fine as that and averaged, so that lines are smooth.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from recon import images

FINE = 2
DRAWN = 2 * FINE  # pixels for a point while it is drawn
INK, QUIET, HAIR, FRAME = "#1f2430", "#6b7280", "#e3e6ec", "#c3c9d4"
UNKNOWN = np.array([219, 228, 255], np.uint8)  # a pixel that is not observed: no grey
EDGE = 10  # a white margin
LABEL, GAP, HEAD = 94, 6, 24  # room for words beside rows, between pictures, above columns

Column = list[Image.Image | None]
Row = tuple[str, Sequence[Image.Image | None]]  # what it shows, and its pictures


class Sheet:
    """White, of that many points, and `edge` more on every side"""

    def __init__(self, width: float, height: float, edge: float = EDGE) -> None:
        self.edge = edge
        size = round((width + 2 * edge) * DRAWN), round((height + 2 * edge) * DRAWN)
        self.image = Image.new("RGB", size, "white")
        self.pen = ImageDraw.Draw(self.image, "RGBA")  # what is translucent is laid over

    def at(self, places: np.ndarray) -> list[tuple[float, float]]:
        """Places (n, 2), each x and y, in pixels"""
        return [(x, y) for x, y in ((places + self.edge) * DRAWN).tolist()]

    def words(self, x: float, y: float, text: str, size: float = 12, anchor: str = "lm", colour: str = INK) -> None:
        """`anchor` as in Pillow: which part of the words is there"""
        font = ImageFont.load_default(size * DRAWN)
        self.pen.text(self.at(np.array([[x, y]]))[0], text, fill=colour, font=font, anchor=anchor)

    def picture(self, x: float, y: float, side: float, picture: Image.Image) -> None:
        """As wide as `side`. A small one's pixels stay squares, and it is framed."""
        wide, small = round(side * DRAWN), picture.width < side * FINE
        size = wide, round(wide * picture.height / picture.width)
        way = Image.Resampling.NEAREST if small else Image.Resampling.LANCZOS
        left, top = (round(part) for part in self.at(np.array([[x, y]]))[0])
        self.image.paste(picture.resize(size, way).convert("RGB"), (left, top))
        if small:
            self.pen.rectangle((left, top, left + size[0] - 1, top + size[1] - 1), outline=FRAME, width=DRAWN // 2)

    def line(self, places: np.ndarray, colour: str, width: float = 1, dash: float = 0) -> None:
        """Through places (n, 2); in dashes of that length and gaps as long"""
        for part in dashes(places, dash) if dash else [places]:
            self.pen.line(self.at(part), fill=colour, width=round(width * DRAWN), joint="curve")

    def band(self, low: np.ndarray, high: np.ndarray, colour: str) -> None:
        """Between two lines, (n, 2) each; a colour with an alpha lets what is below shine through"""
        self.pen.polygon(self.at(np.concatenate([low, high[::-1]])), fill=colour)

    def dot(self, x: float, y: float, radius: float, colour: str) -> None:
        (left, top), (right, bottom) = self.at(np.array([[x - radius, y - radius], [x + radius, y + radius]]))
        self.pen.ellipse((left, top, right, bottom), fill=colour, outline="white", width=DRAWN // 2)

    def done(self) -> Image.Image:
        return self.image.reduce(DRAWN // FINE)


@dataclass(frozen=True)
class Axes:
    """Where on a sheet values are: its upper left corner and its size, in points; from where to where it goes across
    and up; whether across is a logarithm."""

    sheet: Sheet
    corner: tuple[float, float]
    size: tuple[float, float]
    across: tuple[float, float]
    up: tuple[float, float]
    logarithmic: bool = False

    def at(self, x: Sequence[float] | np.ndarray, y: Sequence[float] | np.ndarray) -> np.ndarray:
        """Places (n, 2) of values (n,), those beyond the top and the bottom there"""
        scale = np.log if self.logarithmic else np.asarray
        right = np.interp(scale(x), scale(self.across), (0, self.size[0]))
        return np.stack([right, np.interp(y, self.up, (self.size[1], 0))], 1) + self.corner

    def ticks(self, across: dict[float, str], up: dict[float, str], numbered: bool = True) -> None:
        """Thin lines, and the words below them and, if `numbered`, before them"""
        for x, words in across.items():
            ends = self.at([x, x], self.up)
            self.sheet.line(ends, HAIR, 0.75)
            self.sheet.words(ends[0, 0], ends[0, 1] + 8, words, 10, "mm", QUIET)
        for y, words in up.items():
            ends = self.at(self.across, [y, y])
            self.sheet.line(ends, HAIR, 0.75)
            self.sheet.words(ends[0, 0] - 5, ends[0, 1], words * numbered, 10, "rm", QUIET)


def dashes(places: np.ndarray, length: float) -> list[np.ndarray]:
    """Every other piece, of that length, of a line through places (n, 2)"""
    run = np.concatenate([[0.0], np.linalg.norm(np.diff(places, axis=0), axis=1).cumsum()])
    found = []
    for start in np.arange(0.0, run[-1], 2 * length):
        inner = (run > start) & (run < start + length)
        ends = [np.array([np.interp(at, run, axis) for axis in places.T]) for at in (start, start + length)]
        found.append(np.stack([ends[0], *places[inner], ends[1]]))
    return found


def table(
    blocks: Sequence[tuple[str, Sequence[Row]]], heads: Sequence[str], side: float, label: float = LABEL
) -> Image.Image:
    """Rows of pictures that are `side` wide, in blocks with or without a title, under heads of columns; `label` is the
    room before them."""
    step = side + GAP
    height = HEAD + HEAD * len(blocks) + step * sum(len(rows) for _, rows in blocks) - GAP
    sheet = Sheet(label + len(heads) * step - GAP, height - (0 if blocks[0][0] else HEAD))
    for column, head in enumerate(heads):
        sheet.words(label + column * step + side / 2, HEAD / 2 - 2, head, 12, "mm", QUIET)
    y = float(HEAD)
    for k, (title, rows) in enumerate(blocks):
        if title:
            sheet.words(0, y + HEAD / 2 - 2, title, 13)
        elif k > 0:
            sheet.line(np.array([[0, y + HEAD / 2], [label + len(heads) * step, y + HEAD / 2]]), HAIR, 0.75)
        y += HEAD if title or k > 0 else 0
        for words, pictures in rows:
            sheet.words(0, y + side / 2, words, 12, "lm", QUIET)
            for column, picture in enumerate(pictures):
                if picture is not None:
                    sheet.picture(label + column * step, y, side, picture)
            y += step
    return sheet.done()


def beside(pictures: Sequence[Image.Image]) -> Image.Image:
    """Of one height, from the left to the right"""
    found = Image.new("RGB", (sum(one.width for one in pictures), pictures[0].height), "white")
    x = 0
    for one in pictures:
        found.paste(one, (x, 0))
        x += one.width
    return found


def headed(title: str, picture: Image.Image) -> Image.Image:
    """A title above a picture that was drawn on a sheet"""
    above = Sheet(picture.width / FINE, HEAD, 0)
    above.words(EDGE, HEAD / 2 + 4, title, 13)
    found = Image.new("RGB", (picture.width, picture.height + HEAD * FINE), "white")
    found.paste(above.done(), (0, 0))
    found.paste(picture, (0, HEAD * FINE))
    return found


def shown(values: Tensor, mask: Tensor | None = None) -> Image.Image:
    """A picture (channels, height, width) in [0, 1]; what is not in the mask (1, height, width) is UNKNOWN."""
    picture = images.to_pil(values).convert("RGB")
    if mask is None:
        return picture
    return Image.fromarray(np.where(mask[0, ..., None].numpy(), np.asarray(picture), UNKNOWN))


def save(picture: Image.Image, path: Path, colours: int | None = 256) -> None:
    """As PNG, of so many colours, chosen for it, which make it a third of the size; of all that it has if None"""
    path.parent.mkdir(parents=True, exist_ok=True)
    if colours is not None:
        picture = picture.quantize(colours, dither=Image.Dither.NONE)
    picture.save(path, optimize=True)
