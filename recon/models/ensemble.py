"""Ensembles over flips and rotations: EoMCGSM and EoRIDE (Theis & Bethge 2015, section "Ensembles").

    q(x) = 1/K sum_k p_k(T_k x) |det T_k|

T_k reorders the pixels of a picture, so |det T_k| = 1. The average is one of probabilities, of whole pictures or
patches: its logarithm is never below the mean of its members'. How much above depends on the size: of a large picture
the best member says nearly everything, and log K is soon lost among the pixels.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from recon.errors import PredictionError
from recon.models.directed import LEVELS, Directed, dequantised


@dataclass(frozen=True)
class Symmetry:
    """A symmetry of the square, on (..., height, width): first transposed, then flipped. A rotation is both."""

    transposed: bool = False
    upside_down: bool = False
    mirrored: bool = False

    def apply(self, values: Tensor) -> Tensor:
        values = values.mT if self.transposed else values
        return values.flip(self._flipped) if self._flipped else values

    def undo(self, values: Tensor) -> Tensor:
        values = values.flip(self._flipped) if self._flipped else values
        return values.mT if self.transposed else values

    @property
    def _flipped(self) -> list[int]:
        return [axis for axis, wanted in ((-2, self.upside_down), (-1, self.mirrored)) if wanted]


MIRRORED = (Symmetry(), Symmetry(mirrored=True))
EIGHT = tuple(Symmetry(t, u, m) for t in (False, True) for u in (False, True) for m in (False, True))


class Ensemble(nn.Module):
    """A mixture, of equal weights, of directed models applied to transformed pictures.

    members     one model for each symmetry, or a single one for all of them (the authors' cheap ensemble); models of
                patches (`recon.models.patches`) serve too
    symmetries  T_k

    Raises PredictionError if their numbers do not fit.
    """

    def __init__(self, members: Sequence[nn.Module], symmetries: Sequence[Symmetry] = EIGHT):
        super().__init__()
        if not symmetries or len(members) not in (1, len(symmetries)):
            raise PredictionError("An ensemble takes one model, or one for each symmetry.")
        self.members = nn.ModuleList(members)
        self.symmetries = tuple(symmetries)

    def settled(self, height: int, width: int) -> Tensor:
        """bool (height, width): the pixels that are `settled` for every member."""
        found = torch.ones(height, width, dtype=torch.bool)
        for model, symmetry in self._pairs():
            found &= symmetry.undo(model.settled(*symmetry.apply(found).shape))
        return found

    def log_probs(self, values: Tensor, whole: bool = True) -> Tensor:
        """log p_k(T_k x) of pictures (batch, height, width), summed over pixels, (members, batch), in nats.

        whole  sum over all pixels; else over those `settled` for every member, the same ones for each. Members
               then condition on different borders, as in the authors' evaluation, and q is a density only nearly.
        PredictionError where no pixel is.
        """
        counted = torch.ones(values.shape[-2:], dtype=torch.bool)
        if not whole:
            counted = self.settled(*values.shape[-2:])
            if not counted.any():
                raise PredictionError("This picture is smaller than what the models look at.")
        counted = counted.to(values.device)
        found = [
            symmetry.undo(model.log_prob(symmetry.apply(values)))[:, counted].sum(-1)
            for model, symmetry in self._pairs()
        ]
        return torch.stack(found)

    def log_prob(self, values: Tensor, whole: bool = True) -> Tensor:
        """log q of pictures (batch, height, width), (batch,), in nats; see `log_probs`."""
        return torch.logsumexp(self.log_probs(values, whole), 0) - math.log(len(self.symmetries))

    @torch.no_grad()
    def bits_per_pixel(self, image: Tensor, generator: torch.Generator, whole: bool = True) -> float:
        """Of uint8 (batch, height, width) with uniform noise, as `Directed.bits_per_pixel`; each picture of the batch
        is averaged over the members by itself."""
        values = dequantised(image, generator)
        pixels = values[0].numel() if whole else int(self.settled(*image.shape[-2:]).sum())
        nats = self.log_prob(values, whole).double().mean().item() / pixels
        return math.log2(LEVELS) - nats / math.log(2)

    def _pairs(self) -> list[tuple[Directed, Symmetry]]:
        shared = [*self.members] * (len(self.symmetries) // len(self.members))
        return list(zip(shared, self.symmetries, strict=True))  # type: ignore[arg-type]  # what was put into the list
