"""PixelTransformer of clips (Tulsiani & Gupta 2021, section 6.3): grey levels at a few times and places to the grey
level at any."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from recon.clips.kinds import KINDS, MOST
from recon.clips.process import EXAMPLES, ProcessMixture
from recon.models.signal_model import Posterior, SignalModel

PLACES = 100  # of each example, whose levels tell where bins are
REACH = 2.0  # of the bins' centres, in standard deviations of what it stands on


class ClipTransformer(SignalModel):
    """Of clips over [-1, 1]^3: time, row and column.

    transformer  arguments of its `SignalTransformer`; the paper has 256 bins, of colours
    stands       on a mixture of Gaussian processes; the paper's does not
    samples      the fewest and the most points that it learns from, for as many of which it is calibrated
    queries      of a clip that a training step asks for
    """

    kind = "clip_transformer"
    limits = (0.0, 1.0)

    def __init__(
        self,
        *,
        transformer: Mapping[str, Any] | None = None,
        stands: bool = True,
        samples: Sequence[int] = (8, MOST),
        queries: int = 192,
    ):
        super().__init__(3, transformer, stands, samples, queries, sizes=samples[1].bit_length())
        self.processes = ProcessMixture() if stands else None
        self.spread_bins(REACH)
        if stands:
            with torch.no_grad():  # together they begin as what it stands on, about
                bins = self.transformer.head.bias.view(self.transformer.bins, -1)
                bins[:, 0] = -0.5 * self.transformer.centres[:, 0].square()

    def prepare(self, generator: torch.Generator) -> None:
        if self.processes is not None:
            self.processes.fit(generator)
            return
        some = EXAMPLES // len(KINDS)
        places = 2 * torch.rand(some, PLACES, 3, generator=generator) - 1
        self.begin_at(torch.cat([draw(some, generator).value(places).flatten() for draw in KINDS.values()]))

    def conditioned(self, positions: Tensor, values: Tensor, present: Tensor) -> Posterior:
        assert self.processes is not None
        return self.processes.conditioned(positions, values, present)
