"""Blurring by a Gaussian, as fields of pictures need it."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional as F


def blurred(field: Tensor, reach: float) -> Tensor:
    """Mean of a field (batch, 1, height, width) around each pixel, under a Gaussian of standard deviation `reach`, in
    pixels, cut off at two of them; outside the field it is 0."""
    weights = kernel(field, reach, 2)
    return across(field, weights / weights.sum())


def gathered(field: Tensor, reach: float) -> Tensor:
    """Sum around each pixel, one at the pixel itself counting whole."""
    return across(field, kernel(field, reach, 3))


def averaged(noise: Tensor, reach: float) -> Tensor:
    """White noise of variance 1, blurred, and again of variance 1 at every pixel."""
    weights = kernel(noise, reach, 3)
    return across(noise, weights) / across(torch.ones_like(noise[:1]), weights.square()).sqrt()


def kernel(field: Tensor, reach: float, deviations: int) -> Tensor:
    radius = math.ceil(deviations * reach)
    return (-0.5 * (torch.arange(-radius, radius + 1, device=field.device) / reach).square()).exp()


def across(field: Tensor, weights: Tensor) -> Tensor:
    radius = len(weights) // 2
    once = F.conv2d(field, weights.view(1, 1, 1, -1), padding=(0, radius))
    return F.conv2d(once, weights.view(1, 1, -1, 1), padding=(radius, 0))
