"""PixelTransformer of curves (Tulsiani & Gupta 2021, section 6.1): from a few points to a Gaussian anywhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from recon.curves.gaussian_process import GaussianProcess, of_sextics
from recon.curves.sextics import NOISE
from recon.models.signal_model import Posterior, SignalModel

GRID = torch.linspace(-1, 1, 65)[:, None]  # positions among which `sample` picks the next
DRAWN = 16  # the most that it draws


class CurveTransformer(SignalModel):
    """Of random sextics over [-1, 1].

    transformer  arguments of its `SignalTransformer`; one bin, as in the paper, unless said
    stands       on the Gaussian process with the sextics' own covariance
    samples      the fewest and the most points that it learns from; in the paper 4 to 20, and a person begins at none
    queries      of a curve that a training step asks for
    """

    kind = "curve_transformer"

    def __init__(
        self,
        *,
        transformer: Mapping[str, Any] | None = None,
        stands: bool = True,
        samples: Sequence[int] = (0, 20),
        queries: int = 20,
    ):
        super().__init__(1, transformer, stands, samples, queries)
        self.process = GaussianProcess(of_sextics)

    def conditioned(self, positions: Tensor, values: Tensor, present: Tensor) -> Posterior:
        def posterior(queries: Tensor) -> tuple[Tensor, Tensor]:
            found = self.process.posterior(positions.cpu(), values.cpu(), present.cpu(), queries.cpu())
            return found.mean.to(values), found.variance.sqrt().to(values)

        return posterior

    @torch.no_grad()
    def sample(
        self, positions: Tensor, values: Tensor, queries: Tensor, count: int, generator: torch.Generator
    ) -> Tensor:
        """Whole curves given points (n, 1) and their values (n,), at queries (m, 1): (count, m).

        The value where there is most doubt is drawn and becomes one more point, until none is left of which less is
        known than of a point; the mean given all of these is the curve. The paper draws all values in a random order.
        """
        positions, values = positions.float().expand(count, -1, -1), values.float().expand(count, -1)
        grid, lines = GRID.expand(count, -1, -1), torch.arange(count)
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
        return self.law(positions, values, present, queries.float().expand(count, -1, -1)).mean[..., 0]
