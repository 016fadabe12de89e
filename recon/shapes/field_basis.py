"""Fields of signed distances: a mean and a few fields that are added to it, each with a weight of its own (principal
components; Karhunen 1947, Loeve 1948).
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

    def __init__(self, side: int, rank: int):
        super().__init__()
        self.side = side
        self.register_buffer("mean", torch.zeros(side, side, side, dtype=torch.float16))
        self.register_buffer("fields", torch.zeros(rank, side, side, side, dtype=torch.float16))

    @torch.no_grad()
    def fit(self, chairs: Chairs) -> None:
        """From examples, more than there are fields."""
        values = distances(chairs, self.side)
        mean = values.mean(0)
        values = values - mean
        rank = len(self.fields)
        _, vectors = torch.linalg.eigh((values @ values.T).double())
        fields = vectors[:, -rank:].flip(1).T.float() @ values / math.sqrt(len(values))
        self.mean.copy_(mean.view_as(self.mean))
        self.fields.copy_(fields.view_as(self.fields))

    def at(self, positions: Tensor) -> tuple[Tensor, Tensor]:
        """The mean, (signals, points), and the fields, (signals, points, rank), at positions (signals, points, 3)"""
        stacked = torch.cat([self.mean[None], self.fields]).to(positions)
        places = positions.flip(-1).flatten(0, 1)[None, None, None]  # torch has the last axis first
        found = F.grid_sample(stacked[None], places, mode="bilinear", padding_mode="border", align_corners=False)
        found = found.view(len(stacked), *positions.shape[:2]).permute(1, 2, 0)
        return found[..., 0], found[..., 1:]


def distances(chairs: Chairs, side: int) -> Tensor:
    """Signed distances at the middles of side^3 cells, (chairs, side^3)"""
    places, found = grid(side), []
    for first in range(0, len(chairs), AT_ONCE):
        part = chairs.part(first, first + AT_ONCE)
        found.append(part.distance(places.expand(len(part), -1, -1)))
    return torch.cat(found)
