"""Random numbers for a batch, or for a part of one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class PartOf:
    """A generator for rows `begin` and on of a batch of `total`: processes that hold a part each draw together what one
    would draw for all of it."""

    generator: torch.Generator
    begin: int
    total: int


Chance = torch.Generator | PartOf


def uniform(shape: Sequence[int], chance: Chance, device: torch.device) -> Tensor:
    """Numbers in [0, 1) of a shape whose first axis is that of the batch"""
    if isinstance(chance, torch.Generator):
        return torch.rand(tuple(shape), generator=chance, device=device)
    whole = torch.rand((chance.total, *shape[1:]), generator=chance.generator, device=device)
    return whole[chance.begin : chance.begin + shape[0]]
