"""Signed distances as a Gaussian: a mean field and a few fields that are added to it, each with a weight of its own
(principal components; Karhunen 1947, Loeve 1948). Given some values, the weights' posterior is closed form.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from recon.shapes.chairs import Chairs, grid

AT_ONCE = 16  # shapes whose distances are computed together


class FieldBasis(nn.Module):
    """Fields over [-1, 1]^3, known at the middles of side^3 cells and linear between them.

    rank  fields beside the mean, scaled so that their weights have a standard deviation of 1
    """

    mean: Tensor
    fields: Tensor
    rest: Tensor

    def __init__(self, side: int, rank: int):
        super().__init__()
        self.side = side
        self.register_buffer("mean", torch.zeros(side, side, side, dtype=torch.float16))
        self.register_buffer("fields", torch.zeros(rank, side, side, side, dtype=torch.float16))
        self.register_buffer("rest", torch.ones(()))  # standard deviation of what the fields leave over

    @torch.no_grad()
    def fit(self, chairs: Chairs) -> None:
        """From examples, more than there are fields."""
        values = distances(chairs, self.side)
        mean = values.mean(0)
        values = values - mean
        rank = len(self.fields)
        gram, vectors = torch.linalg.eigh((values @ values.T).double())
        fields = vectors[:, -rank:].flip(1).T.float() @ values / math.sqrt(len(values))
        self.mean.copy_(mean.view_as(self.mean))
        self.fields.copy_(fields.view_as(self.fields))
        self.rest.fill_((gram[:-rank].clamp_min(0).sum() / values.numel()).sqrt().item())

    def at(self, positions: Tensor) -> tuple[Tensor, Tensor]:
        """The mean, (signals, points), and the fields, (signals, points, rank), at positions (signals, points, 3)"""
        stacked = torch.cat([self.mean[None], self.fields]).float()
        places = positions.flip(-1).flatten(0, 1)[None, None, None]  # torch has the last axis first
        found = F.grid_sample(stacked[None], places, mode="bilinear", padding_mode="border", align_corners=False)
        found = found.view(len(stacked), *positions.shape[:2]).permute(1, 2, 0)
        return found[..., 0], found[..., 1:]

    def posterior(self, positions: Tensor, values: Tensor, present: Tensor, queries: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and standard deviation at queries (signals, m, 3), (signals, m) each, given points as `Points` has
        them"""
        weights, factor = self._weights(positions, values, present)
        mean, fields = self.at(queries)
        spread = torch.linalg.solve_triangular(factor, fields.transpose(-1, -2), upper=False)
        return mean + (fields @ weights)[..., 0], (spread.square().sum(-2) + self.rest.square()).sqrt()

    def sample(
        self,
        positions: Tensor,
        values: Tensor,
        present: Tensor,
        queries: Tensor,
        count: int,
        generator: torch.Generator,
    ) -> Tensor:
        """How far fields that could be are from the mean at queries (1, m, 3), in standard deviations: (count, m). What
        the fields leave over is not drawn, so that they are smooth: what is drawn is made as wide in its place."""
        _, factor = self._weights(positions, values, present)
        _, fields = self.at(queries)
        noise = torch.randn(count, factor.shape[-1], generator=generator).to(fields)
        spread = torch.linalg.solve_triangular(factor, fields.transpose(-1, -2), upper=False)[0]
        return noise @ spread / spread.square().sum(0).sqrt().clamp_min(1e-6)

    def _weights(self, positions: Tensor, values: Tensor, present: Tensor) -> tuple[Tensor, Tensor]:
        """The weights' posterior: mean (signals, rank, 1), and the lower Cholesky factor of the precision"""
        mean, fields = self.at(positions)
        seen = torch.where(present[..., None], fields, 0.0).double() / self.rest.double()
        known = torch.where(present, values - mean, 0.0).double() / self.rest.double()
        precision = seen.transpose(-1, -2) @ seen + torch.eye(seen.shape[-1], dtype=seen.dtype, device=seen.device)
        factor = torch.linalg.cholesky(precision)
        return torch.cholesky_solve(seen.transpose(-1, -2) @ known[..., None], factor).float(), factor.float()


def distances(chairs: Chairs, side: int) -> Tensor:
    """Signed distances at the middles of side^3 cells, (chairs, side^3)"""
    places, found = grid(side), []
    for first in range(0, len(chairs), AT_ONCE):
        part = chairs.part(first, first + AT_ONCE)
        found.append(part.distance(places.expand(len(part), -1, -1)))
    return torch.cat(found)
