"""What becomes of a normal distribution where values end: its moments once clipped to [0, 1], and logs of its tails."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from recon.distributions.base import LOG_TINY

TAIL = 30.0  # standard deviations
FAR = 12.0  # standard deviations, too
WIDE = 4.0  # standard deviation, of what is then clipped to [0, 1]


def clipped_moments(mean: Tensor, scale: Tensor) -> tuple[Tensor, Tensor]:
    """First and second moment of clip(x, 0, 1) for x ~ N(mean, scale^2) (the doubly censored normal), in float64.

    They are put together around the mean, or around the edge that it is beyond, from how far x strays to the other side
    of either edge: h(t) = E[(z + t)+] and q(t) = E[(z + t)+^2] of a standard normal z (h is the expected improvement of
    Mockus 1978). In the precision given, but for the last sums: a narrow one's variance is what is left of two numbers
    near one.
    """
    scale = scale.clamp_min(1e-6)
    if bool((scale > WIDE).any()):  # nearly all of it is then taken off
        mean, scale = mean.double(), scale.double()
    centre = mean.clamp(0, 1)
    # where next to nothing strays, numbers would only become subnormal
    low, high = (-(edge / scale).abs().clamp_max(FAR) for edge in (mean, 1 - mean))
    h_low, q_low = beyond(low)
    h_high, q_high = beyond(high)
    shift = scale * (h_low - h_high)
    inner = torch.where(mean < 0, q_low, 1 - q_low) - torch.where(mean > 1, 1 - q_high, q_high)
    square = scale.square() * inner - 2 * scale * (centre * h_low + (1 - centre) * h_high)
    middle = centre.double()
    return (middle + shift).clamp(0, 1), (middle.square() + 2 * middle * shift + square).clamp(0, 1)


def beyond(at: Tensor) -> tuple[Tensor, Tensor]:
    """E[(z + at)+] and E[(z + at)+^2] of a standard normal z"""
    below = torch.special.ndtr(at)
    first = torch.addcmul(normal_density(at), at, below)
    return first, torch.addcmul(below, at, first)


def normal_density(standard: Tensor) -> Tensor:
    return (-0.5 * standard.square()).exp() / math.sqrt(2 * math.pi)


def log_normal_mass(low: Tensor, high: Tensor) -> Tensor:
    """log(Phi(high) - Phi(low)) for low < high, in float64 and without cancellation in either tail."""
    low, high = low.double(), high.double()
    # both edges on the right: the mirror image has the same mass and its digits
    flip = low > 0
    low, high = torch.where(flip, -high, low), torch.where(flip, -low, high)
    log_high, log_low = torch.special.log_ndtr(high), torch.special.log_ndtr(low)
    return log_high + torch.log1p(-(log_low - log_high).clamp(max=0).exp()).clamp_min(LOG_TINY)


def log_ndtr(standard: Tensor) -> Tensor:
    """Log of the normal distribution function. In the far tail it goes on as -x^2 / 2 - log(-x) does: there the
    derivative of PyTorch's own overflows in float32."""
    near, far = standard.clamp_min(-TAIL), standard.clamp_max(-TAIL)
    return torch.special.log_ndtr(near) + 0.5 * (TAIL**2 - far.square()) - (far / -TAIL).log()
