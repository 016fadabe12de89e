"""PixelTransformer of shapes (Tulsiani & Gupta 2021, section 6.2): signed distances at a few points to the distance
anywhere in the cube."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from recon.models.signal_model import Posterior, SignalModel
from recon.shapes import chairs
from recon.shapes.process import ShapeProcess

EXAMPLES = 2500  # shapes that its fields are found from
PLACES = 40  # of each of them, whose distances tell where bins are
REACH = 2.0  # of the bins' centres, in standard deviations of what it stands on


class ShapeTransformer(SignalModel):
    """Of shapes in [-1, 1]^3.

    side, rank   of the `ShapeProcess` that it stands on
    transformer  arguments of its `SignalTransformer`; the paper has 150 bins
    stands       on that process; the paper's does not
    samples      the fewest and the most points that it learns from, for as many of which it is calibrated
    queries      of a shape that a training step asks for
    """

    kind = "shape_transformer"

    def __init__(
        self,
        *,
        side: int = 24,
        rank: int = 160,
        transformer: Mapping[str, Any] | None = None,
        stands: bool = True,
        samples: Sequence[int] = (4, 512),
        queries: int = 256,
    ):
        super().__init__(3, transformer, stands, samples, queries, sizes=samples[1].bit_length())
        self.process = ShapeProcess(side, rank) if stands else None
        self.spread_bins(REACH)

    def prepare(self, generator: torch.Generator) -> None:
        found = chairs.draw(EXAMPLES, generator)
        if self.process is not None:
            self.process.fit(found)
        else:
            self.begin_at(found.distance(2 * torch.rand(len(found), PLACES, 3, generator=generator) - 1).flatten())

    def conditioned(self, positions: Tensor, values: Tensor, present: Tensor) -> Posterior:
        assert self.process is not None
        return self.process.conditioned(positions, values, present)
