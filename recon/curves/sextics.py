"""Random polynomials of degree 6, and points on them.

A polynomial is given by its values at the seven Chebyshev nodes of [-1, 1], each uniform in [-1, 1]: so drawn, it stays
within the plot, and wiggles all over it, which one of random coefficients does not. The paper says that they are
random, not how. Points are known as well as a hand can click them.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from recon.points import Points

DEGREE = 6
NOISE = 0.02  # standard deviation of a point's value: one or two pixels of a plot
NODES = torch.cos((2 * torch.arange(DEGREE + 1, dtype=torch.float64) + 1) * math.pi / (2 * DEGREE + 2))
VARIANCE = 1 / 3  # of a value at a node


def basis(positions: Tensor) -> Tensor:
    """Lagrange's polynomials of the nodes at positions (..., 1): (..., 7), float64. Times the values at the nodes they
    are the value."""
    apart = NODES[:, None] - NODES
    found = []
    for k in range(DEGREE + 1):
        others = torch.arange(DEGREE + 1) != k
        found.append(((positions.double() - NODES[others]) / apart[k, others]).prod(-1))
    return torch.stack(found, -1)


def draw(count: int, generator: torch.Generator) -> Tensor:
    """Random sextics: their values at the nodes, (count, 7), float64"""
    return 2 * torch.rand(count, DEGREE + 1, generator=generator, dtype=torch.float64) - 1


def values_at(curves: Tensor, positions: Tensor) -> Tensor:
    """Of curves (count, 7) at positions (count, points, 1): (count, points), float64"""
    return (basis(positions) * curves[:, None]).sum(-1)


def observed(curves: Tensor, sizes: Tensor, queries: Tensor, generator: torch.Generator) -> Points:
    """Points with noise at uniform positions, `sizes` (count,) of them on each curve, and the truth at `queries`."""
    most = int(sizes.max())
    positions = 2 * torch.rand(len(curves), most, 1, generator=generator) - 1
    noise = NOISE * torch.randn(positions.shape[:2], generator=generator)
    present = torch.arange(most) < sizes[:, None]
    values = torch.where(present, values_at(curves, positions).float() + noise, 0.0)
    return Points(positions, values, present, queries, values_at(curves, queries).float())
