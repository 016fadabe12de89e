"""Dead leaves (Matheron 1968; Lee, Mumford & Huang 2001): discs that fall on each other until nothing shows through.

Radii follow a power law with exponent -3, which makes the picture look alike at every scale, as natural ones do. The
leaf that fell last is laid first and the others go beneath it until every pixel is covered: that is an exact sample of
the pile in its steady state, where laying them in order would have to wait for it.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional as F

from recon.errors import DataError

FINER = 2  # samples a pixel's side, averaged: edges are smooth, as a lens makes them
AT_ONCE = 256  # leaves drawn from the generator at a time


def dead_leaves(
    height: int,
    width: int,
    generator: torch.Generator,
    smallest: float = 2.0,
    largest: float = 100.0,
    exponent: float = 3.0,
) -> Tensor:
    """One picture, uint8 (height, width): opaque discs, each of a grey that is uniform over the levels.

    smallest, largest  radii in pixels; their density is proportional to radius to the power -exponent
    Raises DataError for radii or an exponent that describe no discs.
    """
    if not 0.5 <= smallest < largest or exponent <= 1:
        raise DataError("Leaves need radii from half a pixel on, the largest above the smallest, an exponent above 1.")
    rows, columns = height * FINER, width * FINER
    picture, bare = torch.zeros(rows, columns), torch.ones(rows, columns, dtype=torch.bool)
    while bare.any():
        uniform = torch.rand(AT_ONCE, 4, generator=generator, dtype=torch.float64)
        radii = FINER * power_law(uniform[:, 0], smallest, largest, exponent)
        beyond = FINER * largest  # centres may lie outside the picture
        ys = uniform[:, 1] * (rows + 2 * beyond) - beyond
        xs = uniform[:, 2] * (columns + 2 * beyond) - beyond
        for y, x, radius, grey in torch.stack([ys, xs, radii, uniform[:, 3]], 1).tolist():
            top, bottom = max(0, math.ceil(y - radius)), min(rows, math.floor(y + radius) + 1)
            left, right = max(0, math.ceil(x - radius)), min(columns, math.floor(x + radius) + 1)
            if top >= bottom or left >= right:
                continue
            part = (slice(top, bottom), slice(left, right))
            if not bare[part].any():
                continue
            dy = torch.arange(top, bottom) - y
            dx = torch.arange(left, right) - x
            new = (dy.square()[:, None] + dx.square() <= radius**2) & bare[part]
            picture[part][new] = grey
            bare[part] &= ~new
    return (F.avg_pool2d(picture[None], FINER)[0] * 255).round().to(torch.uint8)


def power_law(uniform: Tensor, smallest: float, largest: float, exponent: float) -> Tensor:
    """Radii whose density is proportional to r^-exponent between two, from uniform numbers, by the inverse of its
    cumulative distribution."""
    power = 1 - exponent
    low, high = smallest**power, largest**power
    return (low + uniform * (high - low)) ** (1 / power)
