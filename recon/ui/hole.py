"""A hole that somebody painted into a part of a picture.

It comes from a browser, so it may have been written by anybody: it is checked once, at this door.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from typing import Any

import numpy as np

from recon.errors import ObservationError

LARGEST = 256  # pixels a side of the part that is mended; "hole_painter.js" has it too
FIELDS = ("rows", "columns", "top", "left")


@dataclass(frozen=True, eq=False)
class Hole:
    """The part of a picture whose upper left pixel is (top, left), and which of its pixels are to be filled.

    mask  bool (rows, columns)
    """

    top: int
    left: int
    mask: np.ndarray

    @classmethod
    def parse(cls, payload: Any) -> Hole:
        """Reads `{"rows": 256, "columns": 256, "top": 0, "left": 0, "mask": ...}`: the mask row by row, a bit a pixel,
        the first one the highest of its byte, in base64.

        Raises ObservationError, and nothing else, for anything that is not such a hole.
        """
        if not isinstance(payload, dict):
            raise ObservationError("There is no hole yet: paint one into the picture.")
        numbers: list[int] = []
        for name in FIELDS:
            number = payload.get(name)
            if isinstance(number, bool) or not isinstance(number, int):
                raise ObservationError(f"The {', '.join(FIELDS)} of a hole are whole numbers.")
            numbers.append(number)
        rows, columns, top, left = numbers
        if not (1 <= rows <= LARGEST and 1 <= columns <= LARGEST):
            raise ObservationError(f"A hole is painted into a part of up to {LARGEST} x {LARGEST} pixels.")
        if min(top, left) < 0:
            raise ObservationError("A hole lies inside its picture.")
        packed = payload.get("mask")
        if not isinstance(packed, str) or len(packed) > 4 * LARGEST**2:
            raise ObservationError("The pixels of the hole did not arrive. Please paint it again.")
        try:
            bits = np.unpackbits(np.frombuffer(base64.b64decode(packed, validate=True), np.uint8))
        except (ValueError, binascii.Error) as error:
            raise ObservationError("The pixels of the hole could not be read. Please paint it again.") from error
        if len(bits) != -(-rows * columns // 8) * 8:
            raise ObservationError("The hole has another size than it says. Please paint it again.")
        return cls(top, left, bits[: rows * columns].astype(bool).reshape(rows, columns))

    def to_payload(self) -> dict[str, Any]:
        """As the painter of holes writes it."""
        rows, columns = self.mask.shape
        packed = base64.b64encode(np.packbits(self.mask).tobytes()).decode("ascii")
        return {"rows": rows, "columns": columns, "top": self.top, "left": self.left, "mask": packed}

    def part(self, height: int, width: int) -> tuple[slice, slice]:
        """Rows and columns of the part, in a picture of that size; ObservationError where it lies outside of it."""
        rows, columns = self.mask.shape
        if self.top + rows > height or self.left + columns > width:
            raise ObservationError("The picture has changed since the hole was painted. Look at it and try again.")
        return slice(self.top, self.top + rows), slice(self.left, self.left + columns)

    def near(self, margin: int) -> tuple[slice, slice]:
        """Rows and columns of the part that hold the hole and up to `margin` pixels around it."""
        found = []
        for axis, size in enumerate(self.mask.shape):
            places = np.flatnonzero(self.mask.any(1 - axis))
            found.append(slice(max(0, int(places[0]) - margin), min(size, int(places[-1]) + 1 + margin)))
        return found[0], found[1]
