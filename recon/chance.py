"""Random numbers for a batch, or for a part of one."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
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
_MAKING = threading.RLock()


@contextmanager
def first_weights(seed: int = 0) -> Iterator[None]:
    """torch's layers draw their first weights from the global generator: in here that begins with `seed`, one thread at
    a time, and afterwards is as it was."""
    with _MAKING, torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        yield


def uniform(shape: Sequence[int], chance: Chance, device: torch.device) -> Tensor:
    """Numbers in [0, 1) of a shape whose first axis is that of the batch"""
    if isinstance(chance, torch.Generator):
        return torch.rand(tuple(shape), generator=chance, device=device)
    whole = torch.rand((chance.total, *shape[1:]), generator=chance.generator, device=device)
    return whole[chance.begin : chance.begin + shape[0]]
