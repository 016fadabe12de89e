"""Blurring by a Gaussian, as fields of pictures need it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache

import torch
from torch import Tensor


def blurred(field: Tensor, reach: float) -> Tensor:
    """Mean of a field (batch, 1, height, width) around each pixel, under a Gaussian of standard deviation `reach`, in
    pixels, cut off at two of them; outside the field it is 0."""
    radius = math.ceil(2 * reach)
    whole = sum(math.exp(-0.5 * (offset / reach) ** 2) for offset in range(-radius, radius + 1))
    down, along = weights(field, [reach], 2)
    return across(field, down, along) / whole**2


def gathered(field: Tensor, reaches: Sequence[float]) -> Tensor:
    """Sum around each pixel of a field (batch, 1, height, width), one at the pixel itself counting whole, by each of
    some reaches, cut off at three of them: (batch, reaches, height, width)"""
    return across(field, *weights(field, reaches, 3))


def averaged(noise: Tensor, reach: float) -> Tensor:
    """White noise of variance 1, blurred, and again of variance 1 at every pixel."""
    down, along = weights(noise, [reach], 3)
    squares = across(torch.ones_like(noise[:1]), down.square(), along.square())
    return across(noise, down, along) / squares.sqrt()


def weights(field: Tensor, reaches: Sequence[float], deviations: int) -> tuple[Tensor, Tensor]:
    """Of every row for every row, (reaches, height, height), and of every column for every column, (reaches, width,
    width)"""
    height, width = (bands(size, tuple(reaches), deviations, field.device).to(field) for size in field.shape[2:])
    return height, width


@lru_cache(64)
def bands(size: int, reaches: tuple[float, ...], deviations: int, device: torch.device) -> Tensor:
    """float64 (reaches, size, size)"""
    reach = torch.tensor(reaches, dtype=torch.float64, device=device).view(-1, 1, 1)
    place = torch.arange(size, dtype=torch.float64, device=device)
    offset = place[:, None] - place
    near = offset.abs() <= (deviations * reach).ceil()
    return (-0.5 * (offset / reach).square()).exp() * near


def across(field: Tensor, down: Tensor, along: Tensor) -> Tensor:
    """Columns and rows by themselves, as products of matrices: of fields this small the quickest"""
    return down @ field @ along
