"""Clips as a mixture of Gaussian processes, one for each kind (Tresp 2000): closed form given any few values.

The covariance of two grey levels so far apart in space and time is that of a picture that moves at a velocity nobody
knows: averaged over Gaussian velocities, a Gaussian bump becomes wider and lower with time (Gneiting 2002, equation 14,
is of this form where rows and columns are alike). A kind has a few such bumps, of several widths, fitted by maximum
likelihood.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from recon.clips.kinds import KINDS, NOISE, Clips, grid, noisy

WIDTHS = (0.15, 0.4, 1.5)  # of bumps, before they are fitted
CELLS = 12  # of the mean, a side
EXAMPLES = 1000  # that the mean is estimated from
FITTED = (150, 16, 128)  # steps, clips a step and points a clip
TELLING = 96  # points of a clip, at most, that say of which kind it is
NEGLIGIBLE = 1e-3  # a kind's posterior probability below which nothing is asked of it


class SpaceTime(nn.Module):
    """One Gaussian process over time, rows and columns, [-1, 1] each.

    bumps  a row each, logarithms of: standard deviation; length in rows and in columns; standard deviation of the
           velocity in rows and in columns; and of the time after which a bump is as low as at a length's distance
    rest   log standard deviation of what no bump explains
    """

    mean: Tensor
    bumps: Tensor
    rest: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(CELLS, CELLS))
        self.register_buffer("bumps", torch.tensor([[0.1, wide, wide, 0.5, 0.5, 3.0] for wide in WIDTHS]).log())
        self.register_buffer("rest", torch.tensor(0.05).log())

    def kernel(self, a: Tensor, b: Tensor) -> Tensor:
        """Covariances of positions (clips, n, 3) and (clips, m, 3): (clips, n, m)"""
        # a clip after another: what is computed for one stays in the processor's cache
        return torch.stack([self._kernel(*pair) for pair in zip(a, b, strict=True)])

    def _kernel(self, a: Tensor, b: Tensor) -> Tensor:
        time, down, right = ((a[:, None, axis] - b[:, axis]).square() for axis in range(3))
        found = a.new_zeros(())
        for scale, high, wide, falling, sliding, fading in (2 * self.bumps).exp().unbind():
            rows, columns = 1 + time * (falling / high), 1 + time * (sliding / wide)
            exponent = (time / fading).addcdiv(down, high * rows).addcdiv(right, wide * columns)
            found = found + scale * (-0.5 * exponent).exp() * (rows * columns).rsqrt()
        return found

    def mean_at(self, positions: Tensor) -> Tensor:
        """(clips, points)"""
        places = positions[None, ..., 1:].flip(-1)  # torch has the last axis first
        return F.grid_sample(self.mean[None, None], places, padding_mode="border", align_corners=False)[0, 0]

    def factor(self, positions: Tensor, present: Tensor) -> Tensor:
        """Lower Cholesky factor of the known values' covariance; what is absent is independent of all"""
        both = present[:, :, None] & present[:, None]
        own = torch.where(present, (2 * self.rest).exp() + NOISE**2, 1.0)
        return torch.linalg.cholesky(torch.where(both, self.kernel(positions, positions), 0.0) + own.diag_embed())

    def known(self, factor: Tensor, positions: Tensor, values: Tensor, present: Tensor) -> tuple[Tensor, Tensor]:
        """The values, whitened, (clips, n, 1), and their log density in nats, (clips,)"""
        apart = torch.where(present, values - self.mean_at(positions), 0.0)[..., None]
        white = torch.linalg.solve_triangular(factor, apart, upper=False)
        logs = factor.diagonal(dim1=-2, dim2=-1).log().sum(-1)
        count = present.sum(-1)
        return white, -0.5 * white.square().sum((-1, -2)) - logs - 0.5 * math.log(2 * math.pi) * count

    def posterior(
        self, factor: Tensor, white: Tensor, positions: Tensor, present: Tensor, queries: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Mean and variance at queries (clips, m, 3), (clips, m) each, of values as a camera has them"""
        between = torch.where(present[..., None], self.kernel(positions, queries), 0.0)
        explained = torch.linalg.solve_triangular(factor, between, upper=False)
        mean = self.mean_at(queries) + (explained * white).sum(-2)
        prior = (2 * self.bumps[:, 0]).exp().sum() + (2 * self.rest).exp() + NOISE**2
        return mean, (prior - explained.square().sum(-2)).clamp_min(NOISE**2)

    def fit(self, draw: Callable[[int, torch.Generator], Clips], generator: torch.Generator) -> None:
        """To clips that are drawn: the mean, then everything else."""
        places = grid(1, CELLS).repeat(EXAMPLES, 1, 1)
        places[..., 0] = 2 * torch.rand(places.shape[:2], generator=generator) - 1  # at any time
        self.mean.copy_(draw(EXAMPLES, generator).value(places).mean(0).view(CELLS, CELLS))
        steps, count, points = FITTED
        fitted = [self.bumps, self.rest]
        optimiser = torch.optim.Adam([part.requires_grad_() for part in fitted], lr=0.05)
        present = torch.ones(count, points, dtype=torch.bool)
        for step in range(steps):
            optimiser.param_groups[0]["lr"] = 0.05 * (1 - step / steps)
            positions = 2 * torch.rand(count, points, 3, generator=generator) - 1
            values = noisy(draw(count, generator).value(positions), generator)
            _, density = self.known(self.factor(positions, present), positions, values, present)
            optimiser.zero_grad()
            (-density.mean() / points).backward()
            optimiser.step()
        for part in fitted:
            part.requires_grad_(False)


class ProcessMixture(nn.Module):
    """Of all kinds, each as probable as another before anything is known."""

    def __init__(self) -> None:
        super().__init__()
        self.processes = nn.ModuleDict({kind: SpaceTime() for kind in KINDS})

    def fit(self, generator: torch.Generator) -> None:
        for kind, process in self.each():
            process.fit(KINDS[kind], generator)

    def each(self) -> list[tuple[str, SpaceTime]]:
        return cast(list[tuple[str, SpaceTime]], list(self.processes.items()))

    def weights(self, positions: Tensor, values: Tensor, present: Tensor) -> Tensor:
        """How probable each kind is given points as `Points` has them: (clips, kinds)"""
        count, order = present.sum(-1, keepdim=True), present.byte().argsort(dim=-1, descending=True, stable=True)
        # every so many, for neighbours in order may be neighbours in space
        at = torch.arange(min(TELLING, values.shape[1]), device=values.device) * (1 + (count - 1) // TELLING)
        chosen, told = order.gather(1, at.clamp_max(values.shape[1] - 1)), at < count
        places = positions.gather(1, chosen[..., None].expand(-1, -1, 3))
        points = places, values.gather(1, chosen), told
        densities = [process.known(process.factor(places, told), *points)[1] for _, process in self.each()]
        return torch.stack(densities, -1).softmax(-1)

    def conditioned(
        self, positions: Tensor, values: Tensor, present: Tensor
    ) -> Callable[[Tensor], tuple[Tensor, Tensor]]:
        """What `posterior` says at queries, given points as `Points` has them"""
        weights = self.weights(positions, values, present)
        weights = torch.where(weights < NEGLIGIBLE, 0.0, weights)
        weights = weights / weights.sum(-1, keepdim=True)
        known = []
        for (_, process), weight in zip(self.each(), weights.unbind(-1), strict=True):
            rows = weight.nonzero()[:, 0]
            if len(rows):
                there = positions[rows], values[rows], present[rows]
                factor = process.factor(there[0], there[2])
                white, _ = process.known(factor, *there)
                known.append((process, rows, weight[rows, None], (factor, white, there[0], there[2])))

        def posterior(queries: Tensor) -> tuple[Tensor, Tensor]:
            mean, square = queries.new_zeros(2, *queries.shape[:2])
            for process, rows, share, given in known:
                middle, variance = process.posterior(*given, queries[rows])
                mean.index_add_(0, rows, share * middle)
                square.index_add_(0, rows, share * (variance + middle.square()))
            return mean, (square - mean.square()).clamp_min(NOISE**2).sqrt()

        return posterior

    def posterior(self, positions: Tensor, values: Tensor, present: Tensor, queries: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and standard deviation at queries (clips, m, 3), (clips, m) each"""
        return self.conditioned(positions, values, present)(queries)
