"""PixelTransformer of curves (Tulsiani & Gupta 2021, section 6.1): from any few points to a Gaussian at any position.

With `stands` it stands on the closed form: it is told what a Gaussian process with the prior's own covariance says of
each position, and answers in units of that. The process is exact but for what is not Gaussian in the prior. Without, it
is the paper's, and has to learn to divide as well.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from recon.curves.gaussian_process import GaussianProcess, of_sextics
from recon.curves.sextics import NOISE, Points
from recon.errors import PredictionError
from recon.models.directed import Stored
from recon.models.signal_transformer import SignalTransformer, Values

LEAST = 1e-4  # of what the closed form says that it is sure to
GRID = torch.linspace(-1, 1, 65)  # positions among which `sample` picks the next
DRAWN = 16  # the most that it draws


class CurveTransformer(Stored):
    """Of curves over [-1, 1].

    transformer  arguments of its `SignalTransformer`; one bin, as in the paper, unless said
    stands       on the closed form
    """

    kind = "curve_transformer"
    widen: Tensor

    def __init__(self, *, transformer: Mapping[str, Any] | None = None, stands: bool = True):
        super().__init__()
        self.transformer = SignalTransformer(1, 1, **{"told": 2 * stands, **(transformer or {})})
        self.process = GaussianProcess(of_sextics) if stands else None
        self.register_buffer("widen", torch.ones(()))  # of standard deviations: calibration

    def law(
        self,
        positions: Tensor,
        values: Tensor,
        present: Tensor,
        queries: Tensor,
        generator: torch.Generator | None = None,
    ) -> Values:
        """Of the curve's value at queries (curves, m), given points (curves, n) as `sextics.Points` has them; values
        are (curves, m, 1). A generator turns dropout on."""
        if positions.shape != values.shape or positions.shape != present.shape or len(queries) != len(positions):
            raise PredictionError("Points have a position, a value and a presence each, and queries belong to them.")
        context = self.transformer.encode(positions[..., None], values[..., None], present, generator)
        if self.process is None:
            law = self.transformer.law(self.transformer.decode(context, queries[..., None], generator))
            return Values(law.log_weights, law.means, law.log_scales + self.widen.log())
        found = self.process.posterior(positions.cpu(), values.cpu(), present.cpu(), queries.cpu())
        centre = found.mean.to(values)[..., None]
        spread = found.variance.sqrt().clamp_min(LEAST).to(values)[..., None]
        told = torch.cat([centre, spread.log()], -1)
        law = self.transformer.law(self.transformer.decode(context, queries[..., None], generator, told))
        scales = law.log_scales + spread.log() + self.widen.log()
        return Values(law.log_weights, centre[..., None] + spread[..., None] * law.means, scales)

    def objective(self, points: Points, generator: torch.Generator) -> Tensor:
        """Equation 3: mean negative log density of the truth at the queries, in nats"""
        law = self.law(points.positions, points.values, points.present, points.queries, generator)
        return -law.log_prob(points.truth[..., None]).mean()

    @torch.no_grad()
    def calibrate(self, points: Points, share: float) -> None:
        """Widen or narrow all standard deviations so that bands of that `share` hold that share of the truth."""
        self.widen.fill_(1)
        law = self.law(points.positions, points.values, points.present, points.queries)
        apart = ((points.truth[..., None] - law.mean).abs() / law.variance.sqrt()).flatten()
        wanted = torch.special.ndtri(torch.tensor(0.5 + share / 2, dtype=torch.float64)).item()
        self.widen.fill_(apart.quantile(share).item() / wanted)

    @torch.no_grad()
    def sample(
        self, positions: Tensor, values: Tensor, queries: Tensor, count: int, generator: torch.Generator
    ) -> Tensor:
        """Whole curves given points (n,), at queries (m,): (count, m).

        The value where there is most doubt is drawn and becomes one more point, until none is left of which less is
        known than of a point; the mean given all of these is the curve. The paper draws all values in a random order.
        """
        positions, values = (known.float().expand(count, -1) for known in (positions, values))
        grid, lines = GRID.expand(count, -1), torch.arange(count)
        for _ in range(DRAWN):
            law = self.law(positions, values, torch.ones_like(values, dtype=torch.bool), grid)
            doubt, where = law.variance[..., 0].max(1)  # each curve has a place of its own
            if doubt.max() < NOISE**2:
                break
            drawn = law.sample(generator)[lines, where, 0]
            noise = NOISE * torch.randn(count, generator=generator)
            positions = torch.cat([positions, grid[lines, where][:, None]], 1)
            values = torch.cat([values, (drawn + noise)[:, None]], 1)
        present = torch.ones_like(values, dtype=torch.bool)
        return self.law(positions, values, present, queries.float().expand(count, -1)).mean[..., 0]
