"""PixelTransformer of shapes (Tulsiani & Gupta 2021, section 6.2): signed distances at a few points to the distance
anywhere in the cube."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from recon.models.signal_model import Posterior, SignalModel
from recon.shapes import chairs
from recon.shapes.process import ShapeProcess

EXAMPLES = 2500  # shapes that its fields are found from
SIZES = 10  # 1 to 512 points, each calibrated by itself
REACH = 2.0  # of the bins' centres, in standard deviations of what it stands on


class ShapeTransformer(SignalModel):
    """Of shapes in [-1, 1]^3.

    side, rank   of the `ShapeProcess` that it stands on
    transformer  arguments of its `SignalTransformer`; the paper has 150 bins
    """

    kind = "shape_transformer"

    def __init__(self, *, side: int = 24, rank: int = 160, transformer: Mapping[str, Any] | None = None):
        super().__init__(3, transformer, stands=True, sizes=SIZES)
        self.process = ShapeProcess(side, rank)
        self.spread_bins(REACH)

    def prepare(self, generator: torch.Generator) -> None:
        self.process.fit(chairs.draw(EXAMPLES, generator))

    def conditioned(self, positions: Tensor, values: Tensor, present: Tensor) -> Posterior:
        return self.process.conditioned(positions, values, present)
