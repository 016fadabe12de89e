"""What a Gaussian copula needs of a mixture: its quantiles."""

from __future__ import annotations

import torch
from torch import Tensor

HALVINGS = 26  # of the interval in which a quantile lies: as exact as float32


def mixture_quantile(log_weights: Tensor, means: Tensor, scales: Tensor, normal: Tensor) -> Tensor:
    """Where mixtures of Gaussians, (n or 1, components, ...), have the probability below them that the standard normal
    has below `normal`, (n, ...)."""
    each = means + scales * normal[:, None]  # the components' own quantiles, between which the mixture's lies
    low, high = each.amin(1), each.amax(1)
    weights, wanted = log_weights.exp().double(), torch.special.ndtr(normal.double())
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        below = (weights * torch.special.ndtr(((middle[:, None] - means) / scales).double())).sum(1) < wanted
        low, high = torch.where(below, middle, low), torch.where(below, high, middle)
    return (low + high) / 2
