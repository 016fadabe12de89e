"""PixelTransformer of clips (Tulsiani & Gupta 2021, section 6.3): grey levels at a few times and places to the grey
level at any."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from recon.clips.process import ProcessMixture
from recon.models.signal_model import SignalModel
from recon.models.signal_transformer import Values
from recon.points import Points

HALVINGS = 20
REACH = 2.0  # of the bins' centres, in standard deviations of what it stands on


class ClipTransformer(SignalModel):
    """Of clips over [-1, 1]^3: time, row and column.

    transformer  arguments of its `SignalTransformer`; the paper has 256 bins, of colours
    """

    kind = "clip_transformer"

    def __init__(self, *, transformer: Mapping[str, Any] | None = None):
        super().__init__(3, transformer, stands=True)
        self.processes = ProcessMixture()
        self.spread_bins(REACH)
        with torch.no_grad():  # together they begin as what it stands on, about
            bins = self.transformer.head.bias.view(self.transformer.bins, -1)
            bins[:, 0] = -0.5 * self.transformer.centres[:, 0].square()

    def prepare(self, generator: torch.Generator) -> None:
        self.processes.fit(generator)

    @torch.no_grad()
    def calibrate(self, points: Points, share: float) -> None:
        """Widen or narrow all bins so that the law's own central intervals of that `share` hold that share of the
        truth: far from a Gaussian, they are not those that its standard deviation would make."""
        self.widen.fill_(1)
        law, truth = self.law(*points.known), points.truth[..., None]
        low, high = 0.2, 5.0
        for _ in range(HALVINGS):
            middle = math.sqrt(low * high)
            rank = Values(law.log_weights, law.means, law.log_scales + math.log(middle)).cdf(truth)
            held = ((rank - 0.5).abs() <= share / 2).double().mean().item()
            low, high = (middle, high) if held < share else (low, middle)
        self.widen.fill_(middle)

    def closed_form(self, positions: Tensor, values: Tensor, present: Tensor, queries: Tensor) -> tuple[Tensor, Tensor]:
        return self.processes.posterior(positions, values, present, queries)
