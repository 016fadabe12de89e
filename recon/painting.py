"""A painting: which pixels of a square grid somebody has filled in, and with what colour.

It is what the painter on the page sends, what a link carries and what the API takes, so whatever comes in here may have
been written by anybody. Everything is checked once, at this door; behind it a `Painting` can be trusted.
"""

import base64
import json
from dataclasses import dataclass
from typing import Any

import numpy as np

from recon.errors import ObservationError

MAX_SIDE = 128
# A full grid of the largest side is about 400 KB of JSON; a longer text is not worth the time to parse it.
MAX_TEXT = 1_000_000
FIELDS = ("row", "column", "red", "green", "blue")


@dataclass(frozen=True, eq=False)
class Painting:
    """`values` uint8 (side, side, 3), black where nothing is painted; `mask` bool (side, side), true where painted."""

    side: int
    values: np.ndarray
    mask: np.ndarray

    @property
    def count(self) -> int:
        return int(self.mask.sum())

    @classmethod
    def empty(cls, side: int) -> "Painting":
        side = _checked_side(side)
        return cls(side, np.zeros((side, side, 3), np.uint8), np.zeros((side, side), bool))

    @classmethod
    def from_arrays(cls, values: np.ndarray, mask: np.ndarray) -> "Painting":
        """Copies what is under the mask; grey values, (side, side) or (side, side, 1), become equal channels."""
        values, mask = np.asarray(values), np.asarray(mask)
        if mask.dtype != bool or mask.ndim != 2 or mask.shape[0] != mask.shape[1]:
            raise ObservationError(f"A mask must be a square of booleans; this is {mask.dtype} of shape {mask.shape}.")
        side = _checked_side(mask.shape[0])
        if values.ndim == 2:
            values = values[..., None]
        if values.dtype != np.uint8 or values.shape not in {(side, side, 1), (side, side, 3)}:
            raise ObservationError(
                f"The values under a mask of side {side} must be uint8 of shape {(side, side, 3)}; "
                f"these are {values.dtype} of shape {values.shape}."
            )
        known = np.where(mask[..., None], values, np.uint8(0))
        return cls(side, known.repeat(3 // values.shape[2], axis=2), mask.copy())

    @classmethod
    def parse(cls, payload: Any, side: int | None = None) -> "Painting":
        """Reads `{"side": 32, "cells": [[row, column, red, green, blue], ...]}`, as a dict or as JSON.

        Raises `ObservationError`, and nothing else, for anything that is not such a painting or has not the given side.
        """
        payload = _from_json(payload) if isinstance(payload, str) else payload
        if not isinstance(payload, dict):
            raise ObservationError(f"A painting is an object with a side and a list of cells, not {_shown(payload)}.")
        for key in ("side", "cells"):
            if key not in payload:
                raise ObservationError(f"The painting has no {key}.")
        own_side, cells = _checked_side(payload["side"]), payload["cells"]
        if side is not None and own_side != side:
            raise ObservationError(f"The painting is {own_side} pixels a side; {side} are needed here.")
        if not isinstance(cells, (list, tuple)):
            raise ObservationError(f"The painting's cells must be a list, not {_shown(cells)}.")
        if len(cells) > own_side**2:
            raise ObservationError(f"The painting has {len(cells)} cells; a grid of side {own_side} has {own_side**2}.")

        painting = cls.empty(own_side)
        for number, cell in enumerate(cells, start=1):
            row, column, *colour = _checked_cell(cell, number, own_side)
            if painting.mask[row, column]:
                raise ObservationError(f"Row {row}, column {column} is painted twice.")
            painting.mask[row, column] = True
            painting.values[row, column] = colour
        return painting

    def to_payload(self) -> dict[str, Any]:
        """Row by row, as the painter writes it, so that equal paintings have equal payloads."""
        return {"side": self.side, "cells": np.hstack([np.argwhere(self.mask), self.values[self.mask]]).tolist()}


def encode_picture(values: np.ndarray) -> str:
    """A picture, uint8 (side, side, 3), as the painter's `picture` takes it: its raw RGB bytes in base64."""
    values = np.asarray(values)
    if values.dtype != np.uint8 or values.ndim != 3 or values.shape[0] != values.shape[1] or values.shape[2] != 3:
        raise ObservationError(
            f"A picture to paint from must be square, uint8 and RGB; this is {values.dtype} of shape {values.shape}."
        )
    return base64.b64encode(values.tobytes()).decode("ascii")


def decode_picture(truth: str | None, side: int) -> np.ndarray | None:
    """The true picture, uint8 (side, side, 3), from what the browser keeps of it; None where there is none."""
    if not truth:
        return None
    try:
        raw = base64.b64decode(truth, validate=True)
    except (ValueError, TypeError) as error:
        raise ObservationError("The picture behind the painting could not be read.") from error
    if len(raw) != side * side * 3:
        raise ObservationError("The picture behind the painting has another size than the grid.")
    return np.frombuffer(raw, np.uint8).reshape(side, side, 3)


def _from_json(text: str) -> Any:
    if len(text) > MAX_TEXT:
        raise ObservationError(f"The painting's text is {len(text)} characters long; {MAX_TEXT} is the most.")
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:  # too deep a nesting is a RecursionError
        raise ObservationError("The painting's text is not valid JSON.") from error


def _checked_side(side: Any) -> int:
    if not _is_whole(side) or not 1 <= side <= MAX_SIDE:
        raise ObservationError(f"A painting's side must be a whole number from 1 to {MAX_SIDE}, not {_shown(side)}.")
    return int(side)


def _checked_cell(cell: Any, number: int, side: int) -> list[int] | tuple[int, ...]:
    if not isinstance(cell, (list, tuple)) or len(cell) != len(FIELDS):
        raise ObservationError(f"Cell {number} must be [row, column, red, green, blue], not {_shown(cell)}.")
    for position, (name, entry) in enumerate(zip(FIELDS, cell, strict=True)):
        most = side - 1 if position < 2 else 255
        if not _is_whole(entry) or not 0 <= entry <= most:
            wanted = f"a whole number from 0 to {most}"
            raise ObservationError(f"The {name} of cell {number} must be {wanted}, not {_shown(entry)}.")
    return cell


def _is_whole(number: Any) -> bool:
    return isinstance(number, (int, np.integer)) and not isinstance(number, bool)


def _shown(thing: Any) -> str:
    """A few characters that name a bad entry. Never `repr` of just anything: it may be endless, or fail."""
    if thing is None or isinstance(thing, (bool, float)):
        return str(thing)
    if isinstance(thing, int):
        return str(thing) if abs(thing) < 10**12 else "a huge number"
    if isinstance(thing, str):
        return json.dumps(thing if len(thing) <= 24 else thing[:24] + "…", ensure_ascii=False)
    if isinstance(thing, (list, tuple)):
        return f"a list of {len(thing)}"
    return "an object" if isinstance(thing, dict) else f"a {type(thing).__name__}"


def where(selected: str, side: int) -> tuple[int, int] | tuple[None, None]:
    """Row and column of the pixel that is looked at."""
    try:
        row, column = json.loads(selected or "[]")
    except (ValueError, TypeError, RecursionError):
        return None, None
    inside = all(type(place) is int and 0 <= place < side for place in (row, column))
    return (row, column) if inside else (None, None)
