"""Pixels that are asked for group after group, each given all before, without reading everything again for each.

What is known is read once; pixels drawn since then look at it and at each other, and it does not look back (a causal
buffer over a context that was encoded once: Hassan et al. 2025, arXiv 2510.09477). After some groups everything known
is read anew. Only the group that is asked for is decoded. The paper reads all pixels again for every single one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from recon.errors import PredictionError
from recon.models.signal_transformer import Memory
from recon.observation import Observation
from recon.prediction import Prediction

if TYPE_CHECKING:
    from recon.models.pixel_transformer import PixelTransformer

ANEW = 8  # groups, after which everything is read anew


class InTurn:
    """Called with what is known of some images, and the group that is asked for, bool (batch, 1, height, width): a
    prediction that means something there alone. What is known only grows from one call to the next, and is known at
    the same pixels of all images: PredictionError else. What was known stays as it was."""

    def __init__(self, model: PixelTransformer, anew: int = ANEW):
        self.model, self.anew = model, anew
        self.memory: Memory | None = None
        self.read: Tensor | None = None  # bool (pixels,): what the memory holds
        self.groups = 0  # since everything was read

    @torch.no_grad()
    def __call__(self, known: Observation, where: Tensor) -> Prediction:
        if not bool((known.mask == known.mask[:1]).all() and (where == where[:1]).all()):
            raise PredictionError("Pixels in turn are the same ones of all images.")
        self.model.check(known)
        mask = known.mask[0].flatten()
        if self.read is not None and (self.read & ~mask).any():
            raise PredictionError("What is known in turn only grows.")
        self.look(known.values, mask)
        assert self.memory is not None
        asked = where[0].flatten().nonzero()[:, 0]
        found = self.model.transformer.recall(self.memory, self.model.places[asked].expand(len(known.values), -1, -1))
        output = found.new_zeros(len(found), len(mask), found.shape[-1])
        output[:, asked] = found
        return Prediction(self.model.on_grid(self.model.law(output, mask.sum().expand(len(found)))), known)

    def look(self, values: Tensor, mask: Tensor) -> None:
        """Read what is known and was not read before; or all of it."""
        transformer = self.model.transformer
        if self.read is None or self.memory is None or self.groups >= self.anew or transformer.latents is not None:
            self.memory, self.groups = transformer.remember(*self.model.samples(values, mask)), 0
        elif (mask & ~self.read).any():
            self.memory = transformer.extend(self.memory, *self.model.samples(values, mask & ~self.read))
        self.read = mask
        self.groups += 1
