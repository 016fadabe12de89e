"""PixelTransformer of clips (Tulsiani & Gupta 2021, section 6.3): grey levels at a few times and places to the grey
level at any."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from recon.clips.process import ProcessMixture
from recon.models.signal_model import Posterior, SignalModel

SIZES = 10  # 1 to 512 points, each calibrated by itself
REACH = 2.0  # of the bins' centres, in standard deviations of what it stands on


class ClipTransformer(SignalModel):
    """Of clips over [-1, 1]^3: time, row and column.

    transformer  arguments of its `SignalTransformer`; the paper has 256 bins, of colours
    """

    kind = "clip_transformer"
    limits = (0.0, 1.0)

    def __init__(self, *, transformer: Mapping[str, Any] | None = None):
        super().__init__(3, transformer, stands=True, sizes=SIZES)
        self.processes = ProcessMixture()
        self.spread_bins(REACH)
        with torch.no_grad():  # together they begin as what it stands on, about
            bins = self.transformer.head.bias.view(self.transformer.bins, -1)
            bins[:, 0] = -0.5 * self.transformer.centres[:, 0].square()

    def prepare(self, generator: torch.Generator) -> None:
        self.processes.fit(generator)

    def conditioned(self, positions: Tensor, values: Tensor, present: Tensor) -> Posterior:
        return self.processes.conditioned(positions, values, present)
