"""The colours of a hole: its luma is mended, and chroma is drawn given luma, around it and in it."""

from __future__ import annotations

import torch
from torch import Tensor

from recon.models.colour import Colour, colours_of, planes_of
from recon.models.directed import dequantised


class Tint:
    """Of one hole in one picture.

    model    that draws chroma
    colours  of the part of the picture, uint8 (3, height, width)
    mask     bool (height, width), the hole

    Until something is drawn the hole has the mean chroma of what is around it.
    """

    def __init__(self, model: Colour, colours: Tensor, mask: Tensor):
        self.model, self.mask = model, mask
        self.true = dequantised(colours)
        self.planes = planes_of(self.true)
        self.planes[1:, mask] = self.planes[1:, ~mask].mean(1, keepdim=True)

    def draw(self, luma: Tensor, seed: int) -> None:
        """Chroma of the hole given luma (height, width) of the whole part. The same seed gives the same."""
        self.planes[0, self.mask] = luma[self.mask]
        planes = self.planes[None].clone()
        for _ in self.model.tint(planes, self.mask, torch.Generator().manual_seed(seed)):
            pass
        self.planes = planes[0]

    def over(self, luma: Tensor) -> Tensor:
        """R, G and B in [0, 1], (3, height, width), of the part with that luma in its hole; the rest is as it was."""
        planes = self.planes.clone()
        planes[0, self.mask] = luma[self.mask]
        return torch.where(self.mask, colours_of(planes).clamp(0, 1), self.true)
