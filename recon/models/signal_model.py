"""What models of curves and of shapes share: any few values of a signal to the law of the value anywhere.

A model may stand on a closed form: it is told what a Gaussian says of each position, with the covariance of the signals
that it learns from, and answers in units of that. The Gaussian is exact but for what is not Gaussian in the signals.
Without, it is PixelTransformer as in the paper, and has to learn what a matrix inverse does as well.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from recon.errors import PredictionError
from recon.models.base import Stored
from recon.models.signal_transformer import SignalTransformer, Values
from recon.points import Points

LEAST = 1e-4  # of what the closed form says that it is sure to


class SignalModel(Stored):
    """Of a signal with one value at each position of [-1, 1]^dimensions.

    transformer  arguments of its `SignalTransformer`
    stands       on a closed form, which a subclass has to have
    """

    kind: str
    widen: Tensor

    def __init__(self, dimensions: int, transformer: Mapping[str, Any] | None, stands: bool):
        super().__init__()
        self.dimensions, self.stands = dimensions, stands
        self.transformer = SignalTransformer(dimensions, 1, **{"told": 2 * stands, **(transformer or {})})
        self.register_buffer("widen", torch.ones(()))  # of standard deviations: calibration

    def spread_bins(self, reach: float) -> None:
        """Where there are several bins: evenly from -reach to reach, in standard deviations of what it stands on"""
        transformer = self.transformer
        if transformer.bins > 1:
            transformer.centres.copy_(torch.linspace(-reach, reach, transformer.bins)[:, None])
            transformer.spreads.fill_(reach / (transformer.bins - 1))  # half the way to the next

    def closed_form(self, positions: Tensor, values: Tensor, present: Tensor, queries: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and standard deviation at the queries, (signals, queries) each"""
        raise NotImplementedError

    def prepare(self, generator: torch.Generator) -> None:
        """Before training: estimate what is not trained, from signals that it draws."""

    def law(
        self,
        positions: Tensor,
        values: Tensor,
        present: Tensor,
        queries: Tensor,
        generator: torch.Generator | None = None,
    ) -> Values:
        """Of the values at the queries, (signals, queries, 1), given points as `Points` has them; a generator turns
        dropout on. Raises PredictionError where shapes do not fit together."""
        if positions.shape != (*values.shape, self.dimensions) or present.shape != values.shape:
            raise PredictionError(f"A point has a position of {self.dimensions}, a value, and whether it is there.")
        if queries.dim() != 3 or queries.shape[::2] != (len(values), self.dimensions):
            raise PredictionError(f"Queries are (signals, queries, {self.dimensions}), of as many signals.")
        context = self.transformer.encode(positions, values[..., None], present, generator)
        if not self.stands:
            law = self.transformer.law(self.transformer.decode(context, queries, generator))
            return Values(law.log_weights, law.means, law.log_scales + self.widen.log())
        mean, deviation = self.closed_form(positions, values, present, queries)
        centre, spread = mean[..., None], deviation.clamp_min(LEAST)[..., None]
        told = torch.cat([centre, spread.log()], -1)
        law = self.transformer.law(self.transformer.decode(context, queries, generator, told))
        scales = law.log_scales + spread.log() + self.widen.log()
        return Values(law.log_weights, centre[..., None] + spread[..., None] * law.means, scales)

    def objective(self, points: Points, generator: torch.Generator) -> Tensor:
        """Equation 3: mean negative log density of the truth at the queries, in nats"""
        return -self.law(*points.known, generator).log_prob(points.truth[..., None]).mean()

    @torch.no_grad()
    def calibrate(self, points: Points, share: float) -> None:
        """Widen or narrow all standard deviations so that bands of that `share`, as wide as a Gaussian's, hold that
        share of the truth."""
        self.widen.fill_(1)
        law = self.law(*points.known)
        apart = ((points.truth[..., None] - law.mean).abs() / law.variance.sqrt()).flatten()
        wanted = torch.special.ndtri(torch.tensor(0.5 + share / 2, dtype=torch.float64)).item()
        self.widen.fill_(apart.double().quantile(share).item() / wanted)
