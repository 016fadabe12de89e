"""PixelTransformer of shapes (Tulsiani & Gupta 2021, section 6.2): signed distances at a few points to the distance
anywhere in the cube."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from recon.models.signal_model import SignalModel
from recon.shapes import chairs
from recon.shapes.field_basis import FieldBasis

EXAMPLES = 1500  # shapes that the basis is found from
REACH = 2.0  # of the bins' centres, in standard deviations of what it stands on


class ShapeTransformer(SignalModel):
    """Of shapes in [-1, 1]^3.

    side, rank   of the `FieldBasis` that it stands on
    transformer  arguments of its `SignalTransformer`; the paper has 150 bins
    """

    kind = "shape_transformer"

    def __init__(self, *, side: int = 24, rank: int = 96, transformer: Mapping[str, Any] | None = None):
        super().__init__(3, transformer, stands=True)
        self.basis = FieldBasis(side, rank)
        self.spread_bins(REACH)

    def prepare(self, generator: torch.Generator) -> None:
        self.basis.fit(chairs.draw(EXAMPLES, generator))

    def closed_form(self, positions: Tensor, values: Tensor, present: Tensor, queries: Tensor) -> tuple[Tensor, Tensor]:
        return self.basis.posterior(positions, values, present, queries)
