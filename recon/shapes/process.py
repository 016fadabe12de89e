"""What a few signed distances say of all others, in closed form: a Student-t process (Shah, Wilson & Ghahramani 2014).

A field is a mean, a few fields that are added to it with Gaussian weights (`FieldBasis`), and what these leave over: a
Gaussian process of Matern's kind (Rasmussen & Williams 2006, equation 4.17), for it is not alike at neighbours by
chance. How much is left over differs: little of a chair like those that the fields were found from, more of another.
So there are two such processes, weighed by how likely the known distances are under each; and how far everything goes
from the mean is not known but inferred, which makes of each a Student-t process: what surprises it makes it less sure.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from recon.shapes.chairs import Chairs
from recon.shapes.field_basis import FieldBasis

LEFT = ((0.008, 0.1), (0.02, 0.25))  # standard deviation and length of what is left over: of the usual, of the unusual
FREEDOM = 10.0  # degrees of it that the Student-t process has before anything is known
FLOOR = 1e-3  # standard deviation that a distance is never known below


class ShapeProcess(nn.Module):
    """Of fields over [-1, 1]^3; `side` and `rank` are its `FieldBasis`'s."""

    def __init__(self, side: int, rank: int):
        super().__init__()
        self.basis = FieldBasis(side, rank)

    def fit(self, chairs: Chairs) -> None:
        self.basis.fit(chairs)

    def conditioned(
        self, positions: Tensor, values: Tensor, present: Tensor
    ) -> Callable[[Tensor], tuple[Tensor, Tensor]]:
        """What `posterior` says at queries, given points as `Points` has them"""
        seen, weighed = self.weighed(positions, values, present)

        def posterior(queries: Tensor) -> tuple[Tensor, Tensor]:
            middle, fields = self.basis.at(queries)
            together = seen.to(fields) @ fields.transpose(-1, -2)
            apart = separations(positions, queries)
            mean, square = torch.zeros_like(middle), torch.zeros_like(middle)
            for (wide, long), known in weighed:
                between = torch.where(present[..., None], together + wide**2 * matern(apart, long), 0.0)
                explained = torch.linalg.solve_triangular(known.factor.to(between), between, upper=False)
                unknown = fields.square().sum(-1) + wide**2 + FLOOR**2 - explained.square().sum(-2)
                found = middle + (explained * known.white.to(between)).sum(-2)
                variance = unknown.clamp_min(FLOOR**2) * known.scale[:, None]
                mean = mean + known.weight[:, None] * found
                square = square + known.weight[:, None] * (variance + found.square())
            return mean, (square - mean.square()).clamp_min(FLOOR**2).sqrt()

        return posterior

    def posterior(self, positions: Tensor, values: Tensor, present: Tensor, queries: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and, of each process, the Student-t's scale, as one standard deviation, at queries (signals, m, 3):
        (signals, m) each"""
        return self.conditioned(positions, values, present)(queries)

    def weighed(
        self, positions: Tensor, values: Tensor, present: Tensor
    ) -> tuple[Tensor, list[tuple[tuple[float, float], Known]]]:
        """The fields at the known positions, float64; what is left over, and what the values say, under each of the
        processes"""
        mean, seen = self.basis.at(positions)
        seen = torch.where(present[..., None], seen, 0.0).double()
        together = seen @ seen.transpose(-1, -2)
        apart = torch.where(present, values - mean, 0.0).double()[..., None]
        count = present.sum(-1)
        found = []
        for left in LEFT:
            factor = torch.linalg.cholesky(together + covariance(positions, present, *left))
            white = torch.linalg.solve_triangular(factor, apart, upper=False)
            squared = white.square().sum((-1, -2))
            logs = factor.diagonal(dim1=-2, dim2=-1).log().sum(-1)
            density = -logs - 0.5 * (FREEDOM + count) * (squared / FREEDOM).log1p()  # but for what is the same for all
            found.append((factor, white, (FREEDOM + squared) / (FREEDOM + count), density))
        weights = torch.stack([density for *_, density in found]).softmax(0)
        known = [
            Known(factor, white, scale.to(mean), weight.to(mean))
            for (factor, white, scale, _), weight in zip(found, weights, strict=True)
        ]
        return seen, list(zip(LEFT, known, strict=True))


@dataclass(frozen=True)
class Known:
    """What known values say under one process.

    factor  lower Cholesky factor of their covariance (signals, n, n), float64
    white   how far they are from the mean, whitened (signals, n, 1), float64
    scale   what variances are multiplied with, inferred (signals,)
    weight  how probable the process is (signals,)
    """

    factor: Tensor
    white: Tensor
    scale: Tensor
    weight: Tensor


def covariance(positions: Tensor, present: Tensor, wide: float, long: float) -> Tensor:
    """Of what is left over, float64 (signals, n, n); what is absent is independent of all, with variance 1"""
    both = present[:, :, None] & present[:, None]
    own = torch.where(present, FLOOR**2, 1.0).double().diag_embed()
    return torch.where(both, wide**2 * matern(separations(positions, positions), long).double(), 0.0) + own


def separations(a: Tensor, b: Tensor) -> Tensor:
    """Between positions (signals, n, 3) and (signals, m, 3): (signals, n, m)"""
    return torch.cdist(a, b, compute_mode="donot_use_mm_for_euclid_dist")


def matern(apart: Tensor, long: float) -> Tensor:
    """Matern's correlation with smoothness 3/2 at distances"""
    scaled = apart * (math.sqrt(3) / long)
    return (1 + scaled) * (-scaled).exp()
