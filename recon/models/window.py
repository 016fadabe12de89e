"""The causal neighbourhood of a pixel: the pixels before it in raster order that a directed model looks at."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from recon.errors import PredictionError


@dataclass(frozen=True)
class Window:
    """`above` rows above a pixel, `beside` columns to either side of it, and the `beside` pixels before it in its own
    row: above (2 beside + 1) + beside pixels. Theis & Bethge's 3 rows x 5 columns are Window(2, 2).

    Raises PredictionError where no pixel is left.
    """

    above: int
    beside: int

    def __post_init__(self):
        if self.above < 0 or self.beside < 1:
            raise PredictionError("A causal window has at least the pixel to the left.")

    @property
    def offsets(self) -> list[tuple[int, int]]:
        """(rows, columns) from the pixel to its neighbours, in raster order"""
        b = self.beside
        rows = [(-dy, dx) for dy in range(self.above, 0, -1) for dx in range(-b, b + 1)]
        return rows + [(0, dx) for dx in range(-b, 0)]

    @property
    def size(self) -> int:
        return self.above * (2 * self.beside + 1) + self.beside

    def padded(self, values: Tensor, outside: Tensor | float) -> Tensor:
        """(batch, height, width) with `outside` in place of what is beyond the border, as far as windows reach."""
        b = self.beside
        shifted = F.pad(values - outside, (b, b, self.above, 0))
        return shifted + outside

    def steps(self, width: int) -> Tensor:
        """Distances to the neighbours in a flattened picture of `width` columns, int64 (size,)"""
        return torch.tensor([dy * width + dx for dy, dx in self.offsets])

    def at(self, values: Tensor, places: Tensor) -> Tensor:
        """Neighbourhoods, (places, size), of pixels whose whole window lies in the picture `values` (height, width);
        places are int64 indices into it, flattened."""
        return values.reshape(-1)[places[:, None] + self.steps(values.shape[-1]).to(places.device)]

    def inner(self, height: int, width: int) -> Tensor:
        """bool (height, width): the pixels whose whole window lies in a picture of that size."""
        found = torch.zeros(height, width, dtype=torch.bool)
        found[self.above :, self.beside : width - self.beside] = True
        return found

    def convolved(self, values: Tensor, filters: Tensor, outside: Tensor | float) -> Tensor:
        """Every pixel's neighbourhood times filters (size, outputs): (batch, outputs, height, width)"""
        a, b = self.above, self.beside
        missing = filters.new_zeros(b + 1, filters.shape[1])  # the pixel itself and those after it in its row
        kernel = torch.cat([filters, missing]).T.reshape(-1, 1, a + 1, 2 * b + 1)
        return F.conv2d(self.padded(values, outside)[:, None], kernel)

    def fronts(self, free: Tensor) -> Iterator[Tensor]:
        """Pixels that can be drawn together, wave by wave: int64 (pixels, 2), rows and columns.

        Pixels with the same column + (beside + 1) row do not see each other, and see only pixels of smaller ones.
        free  bool (height, width): the pixels to be drawn
        """
        places = free.nonzero()
        wave = places[:, 1] + (self.beside + 1) * places[:, 0]
        order = wave.argsort(stable=True)
        counts = torch.unique_consecutive(wave[order], return_counts=True)[1]
        yield from places[order].split(counts.tolist())
