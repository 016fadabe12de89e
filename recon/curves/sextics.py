"""Random polynomials of degree 6, and points on them.

A polynomial is given by its values at the seven Chebyshev nodes of [-1, 1], each uniform in [-1, 1]: so drawn, it stays
within the plot, and wiggles all over it, which one of random coefficients does not. The paper says that they are
random, not how. Points are known as well as a hand can click them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields

import torch
from torch import Tensor

DEGREE = 6
NOISE = 0.02  # standard deviation of a point's value: one or two pixels of a plot
NODES = torch.cos((2 * torch.arange(DEGREE + 1, dtype=torch.float64) + 1) * math.pi / (2 * DEGREE + 2))
VARIANCE = 1 / 3  # of a value at a node


@dataclass(frozen=True)
class Points:
    """Points of curves, and what is asked: positions and values (curves, points), present bool (curves, points), of
    which there may be fewer on some curves; queries (curves, queries), and the curves' values there."""

    positions: Tensor
    values: Tensor
    present: Tensor
    queries: Tensor
    truth: Tensor

    def to(self, device: str) -> Points:
        return Points(*(getattr(self, part.name).to(device) for part in fields(self)))


def basis(positions: Tensor) -> Tensor:
    """Lagrange's polynomials of the nodes, (..., 7), float64: times the values at the nodes they are the value."""
    apart = NODES[:, None] - NODES
    found = []
    for k in range(DEGREE + 1):
        others = torch.arange(DEGREE + 1) != k
        found.append(((positions.double()[..., None] - NODES[others]) / apart[k, others]).prod(-1))
    return torch.stack(found, -1)


def draw(count: int, generator: torch.Generator) -> Tensor:
    """Random sextics: their values at the nodes, (count, 7), float64"""
    return 2 * torch.rand(count, DEGREE + 1, generator=generator, dtype=torch.float64) - 1


def values_at(curves: Tensor, positions: Tensor) -> Tensor:
    """Of curves (count, 7) at positions (count, points): (count, points), float64"""
    return (basis(positions) * curves[:, None]).sum(-1)


def observed(curves: Tensor, sizes: Tensor, queries: Tensor, generator: torch.Generator) -> Points:
    """Points with noise at uniform positions, `sizes` (count,) of them on each curve, and the truth at `queries`."""
    most = int(sizes.max())
    positions = 2 * torch.rand(len(curves), most, generator=generator) - 1
    noise = NOISE * torch.randn(positions.shape, generator=generator)
    present = torch.arange(most) < sizes[:, None]
    values = torch.where(present, values_at(curves, positions).float() + noise, 0.0)
    return Points(positions, values, present, queries, values_at(curves, queries).float())
