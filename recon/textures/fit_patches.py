"""Fitting models of small patches, `recon.models.patches`: Adam, then L-BFGS where that is asked for, on patches that
were drawn beforehand; others say when to stop. Bits are per pixel, as in `recon.textures.fit`."""

from __future__ import annotations

import math
from collections.abc import Iterator

import torch
from torch import Tensor

from recon.models.directed import LEVELS
from recon.models.patches import PatchMCGSM, PatchRIDE
from recon.textures.fit import Keeper, Progress, adam, lbfgs, pick

WATCHED = 10_000  # patches of either kind that bits are measured on
WATCHED_BY_RIDE = 2_000
WHITENED = 60_000  # patches that the whitening is estimated from
CLIP = 1.0  # norm of RIDE's gradient, nats per pixel


def fit_dim(
    model: PatchMCGSM,
    dim: int,
    learned: Tensor,
    held_out: Tensor,
    *,
    steps: int = 500,
    finish: int = 0,
    batch: int = 1024,
    rate: float = 2e-2,
    seed: int = 0,
    every: int = 100,
    finish_on: int = 100_000,
) -> Iterator[Progress]:
    """Fit the mixture of one dimension in place; yields after every so many steps. The same seed gives the same model.

    learned, held_out  y, (count, dims) each
    finish, finish_on  iterations of L-BFGS, and the samples that it sees; none if 0
    The other arguments are `recon.textures.fit.fit`'s; 0 steps measure what whitening alone gives.
    The generator may be closed at any time: the mixture then has the weights that were best on held-out patches.
    """
    generator = torch.Generator().manual_seed(seed)
    mixture = model.mixture(dim)
    model.precondition(learned[pick(torch.arange(len(learned)), WHITENED, generator)], dim)
    watched = [y[pick(torch.arange(len(y)), WATCHED, generator)] for y in (learned, held_out)]
    keeper = Keeper(mixture, lambda: [in_bits(model.log_prob_of(y, dim)) for y in watched])

    def loss() -> Tensor:
        chosen = torch.randint(len(learned), (batch,), generator=generator)
        return -model.log_prob_of(learned[chosen], dim).mean()

    try:
        if not steps:
            yield keeper.progress("Adam", 0, 0)
        for step in adam(mixture, loss, keeper, steps, rate):
            if step % every == 0 or step == steps:
                yield keeper.progress("Adam", step, steps)
        if finish:
            keeper.to_best()
            y = learned[pick(torch.arange(len(learned)), finish_on, generator)]
            for step in lbfgs(mixture, model.inputs(y, dim), y[:, dim], finish):
                keeper.take(mixture.state_dict())
                yield keeper.progress("L-BFGS", step, finish)
    finally:
        keeper.to_best()


def fit_ride(
    model: PatchRIDE,
    learned: Tensor,
    held_out: Tensor,
    *,
    steps: int = 1000,
    batch: int = 100,
    rate: float = 3e-3,
    seed: int = 0,
    every: int = 100,
) -> Iterator[Progress]:
    """Fit a RIDE in place, as `fit_dim` does a mixture; learned, held_out  mean-free patches (count, side, side)."""
    generator = torch.Generator().manual_seed(seed)
    dims = learned[0].numel() - 1
    model.precondition(learned[pick(torch.arange(len(learned)), WHITENED // dims * 8, generator)])
    watched = [y[pick(torch.arange(len(y)), WATCHED_BY_RIDE, generator)] for y in (learned, held_out)]
    keeper = Keeper(model, lambda: [in_bits(model.log_prob(patches).sum((1, 2)) / dims) for patches in watched])

    def loss() -> Tensor:
        chosen = torch.randint(len(learned), (batch,), generator=generator)
        return -model.log_prob(learned[chosen]).sum() / (batch * dims)

    try:
        for step in adam(model, loss, keeper, steps, rate, CLIP):
            if step % every == 0 or step == steps:
                yield keeper.progress("Adam", step, steps)
    finally:
        keeper.to_best()


def in_bits(log_prob: Tensor) -> float:
    """Bits per pixel from the nats of some"""
    return math.log2(LEVELS) - log_prob.double().mean().item() / math.log(2)
