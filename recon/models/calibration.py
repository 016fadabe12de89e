"""A temperature for the weights of a mixture, chosen on pictures that training did not see (Guo et al. 2017)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from recon.distributions.base import share_within

TRIED = (0.3, 1.5, 49)  # temperatures: from, to, how many
BAND = 0.9
CLOSE = 0.005
FEW = 0.02  # that intervals hold beyond their due by touching a level


def share_held(below: Tensor, above: Tensor, share: float, counted: Tensor | None = None) -> float:
    """Share of levels, which reach from `below` to `above` in their distributions (any shape), that central intervals
    of that probability touch. Where that is much more than is in them, a level's mass spread over its part of the
    distribution (as `metrics.pit` does it), it is the share in them: every interval that reaches black touches all that
    is black. counted: which of them count, bool of a shape that broadcasts"""
    low, high = (1 - share) / 2, (1 + share) / 2
    counted = torch.ones_like(below, dtype=torch.bool) if counted is None else counted.expand(below.shape)
    below, above = below[counted], above[counted]
    touched = ((above >= low) & (below <= high)).double().mean().item()
    spread = share_within(below, above, low, high).mean().item()
    return spread if touched - spread > FEW else touched


def best(tried: Tensor, nats: Sequence[float], held: Sequence[float], slack: float) -> float:
    """Of the temperatures `tried` that lose no more than `slack` nats against the likeliest, the one whose 90 %
    intervals hold what is nearest to 90 %. nats, held: of each, negative log likelihood and what intervals hold"""
    good = [k for k, lost in enumerate(nats) if lost <= min(nats) + slack]
    return tried[min(good, key=lambda k: abs(held[k] - BAND))].item()


def likeliest(tried: Tensor, nats: Sequence[float], held: Sequence[float], slack: float) -> float:
    """Of those that `best` chooses from, the likeliest whose 90 % intervals hold within CLOSE of 90 %; where there is
    none, the one that comes nearest to it"""
    close = [k for k, share in enumerate(held) if abs(share - BAND) <= CLOSE and nats[k] <= min(nats) + slack]
    return tried[min(close, key=lambda k: nats[k])].item() if close else best(tried, nats, held, slack)
