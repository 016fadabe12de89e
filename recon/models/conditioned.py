"""A Gaussian conditioned on a mask: all of it that does not depend on the observed values.

Someone who paints, and whoever draws samples group by group, adds pixels to a mask that was conditioned on a moment
ago: then the factor is extended by rows instead of being made anew.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from recon.models.triangle import PIECES, Told, Triangle, of_inverse, told_before

if TYPE_CHECKING:
    from recon.models.detail import ByScale

ROUNDING = 1 / (12 * 255**2)  # variance of rounding to 8 bits: no pixel is known better than that
MOST_OBSERVED = 1536  # pixels that a large picture is conditioned on: 240 MB in colour, and seconds
KEPT = 0.75  # of the columns that rows were made for are hidden still, or the rows are cut to those that are
BLOCK = 96  # dimensions: triangles this large are inverted at once
WIDE = 600  # right-hand sides from which on that pays


class Conditioned:
    """What observing the pixels of a mask makes of a Gaussian: it moves every mean, and leaves each pixel some spread.

    covariance        prior, (dims, dims), dimensions as (channel, row, column); a tensor, or what makes rows of it
                      when indexed (`recon.models.detail.ByScale`)
    mask              observed pixels, bool (pixels,)
    before            the same for a mask within this one, to extend; None to start anew

    observed          dimensions, int64, in the order in which they came
    factor            Cholesky factor of the prior's observed block
    columns           dimensions, int64: the hidden ones, and maybe a few that were hidden when the first rows were made
    rows              factor^-1 times the prior's observed rows at `columns`, in pieces, (some of observed, columns)
    spread            posterior covariance of each pixel's channels in `columns`, (pixels, channels, channels)
    pixel_factor      Cholesky factors of each pixel's posterior covariance, (side, side, channels, channels)
    nbytes            how many it keeps, about; those that it shares with others are counted as well
    is_extended       whether it was the one before another
    told              the picture whose gain was asked for last, here or before the mask had grown
    """

    is_extended = False
    told: Told | None = None

    @torch.no_grad()
    def __init__(self, covariance: Tensor | ByScale, channels: int, mask: Tensor, before: Conditioned | None = None):
        self.mask, self.channels = mask, channels
        if before is None:
            dims = mask.repeat(channels)
            self.observed, self.columns = dims.nonzero()[:, 0], (~dims).nonzero()[:, 0]
            known, rest = prior_rows(covariance, self.observed, self.columns)
            self.factor = Triangle(cholesky(known))
            # only hidden columns are solved for, so that cost falls again when nearly everything is observed
            self.rows: tuple[Tensor, ...] = (solve(self.factor.first, rest),)
            prior = pixel_blocks(covariance, channels).flatten(2)[:, :, ~mask].permute(2, 0, 1)
            self.spread = prior - self.taken_by(self.rows[0])
            self.live = torch.ones_like(self.columns, dtype=torch.bool)
        else:
            self.extend(covariance, before)
        pixels = len(self.columns) // channels
        spread = self.spread[self.live[:pixels]]
        spread.diagonal(dim1=-2, dim2=-1).clamp_min_(0).add_(ROUNDING)
        own = torch.eye(channels, dtype=self.spread.dtype, device=mask.device)
        factor = (math.sqrt(ROUNDING) * own).repeat(len(mask), 1, 1)
        factor[~mask] = cholesky(spread)
        side = math.isqrt(len(mask))
        self.pixel_factor = factor.view(side, side, channels, channels)
        self.nbytes = self.factor.nbytes + sum(piece.nbytes for piece in self.rows)

    def extend(self, covariance: Tensor | ByScale, before: Conditioned) -> None:
        """Block Cholesky: the rows of the pixels that are new, below those of `before`, which are not copied: columns
        that nobody needs any more stay in them until they are many."""
        self.told = before.told
        self.live = ~self.mask.repeat(self.channels)[before.columns]
        new = (before.live & ~self.live).nonzero()[:, 0]
        fresh, self.columns = before.columns[new], before.columns
        known = torch.cat([piece[:, new] for piece in before.rows])
        own, prior = prior_rows(covariance, fresh, self.columns)
        corner = cholesky(own - known.T @ known)
        for piece, part in zip(before.rows, known.split([len(piece) for piece in before.rows]), strict=True):
            prior = torch.addmm(prior, part.T, piece, alpha=-1)
        rows = solve(corner, prior)
        self.observed = torch.cat([before.observed, fresh])
        self.factor = before.factor.extended(known.T, corner)
        self.rows = (*before.rows, rows)
        self.spread = before.spread - self.taken_by(rows)
        if self.live.sum() < KEPT * len(self.live):
            self.rows = (torch.cat([piece[:, self.live] for piece in self.rows]),)
            self.spread = self.spread[self.live[: len(self.spread)]]
            self.columns, self.live = self.columns[self.live], self.live[self.live]
        elif len(self.rows) > PIECES:
            self.rows = (torch.cat(self.rows),)
        if "precision" in before.__dict__:  # someone asked for it then, and will again
            self.precision = of_inverse(before.precision, before.factor, known.T, corner)

    @property
    def hidden(self) -> Tensor:
        """Dimensions, int64"""
        return self.columns[self.live]

    @property
    def whitened(self) -> Tensor:
        """factor^-1 times the prior's observed rows, hidden columns: (observed, hidden)"""
        return torch.cat([piece[:, self.live] for piece in self.rows])

    @cached_property
    def precision(self) -> Tensor:
        """Diagonal of the inverse of the prior's observed block, (observed,)"""
        eye = torch.eye(len(self.observed), dtype=self.spread.dtype, device=self.spread.device)
        return self.factor.solve(eye).square().sum(0)

    def taken_by(self, rows: Tensor) -> Tensor:
        """What whitened rows (n, columns) take off each pixel's covariance: (pixels, channels, channels)"""
        each = rows.view(len(rows), self.channels, rows.shape[1] // self.channels)
        taken = rows.new_zeros(self.channels, self.channels, each.shape[2])
        for part in each.split(32):  # so few stay in the cache
            taken += (part[:, :, None] * part[:, None]).sum(0)
        return taken.permute(2, 0, 1)

    def gain(self, residual: Tensor) -> Tensor:
        """What residuals (n, dims), of which only the observed are used, add to every dimension: (n, dims)"""
        return Evidence(self, residual).gain


@dataclass(frozen=True, eq=False)
class Evidence:
    """What pictures that share a mask say beyond it; each thing is worked out once.

    conditioned  on the mask
    residual     of the pictures from the mean, (n, dims), of which only the observed part is used
    """

    conditioned: Conditioned
    residual: Tensor

    @cached_property
    def observed(self) -> Tensor:
        """Residuals, (observed, n)"""
        return self.residual[:, self.conditioned.observed].T

    @cached_property
    def before(self) -> Told | None:
        """What the same picture said when no more than this was observed of it, if that is known"""
        return told_before(self.conditioned.told, self.observed)

    @cached_property
    def whitened(self) -> Tensor:
        """Observed residuals as independent numbers of variance 1 under the model: (observed, n)"""
        return self.conditioned.factor.solve(self.observed, None if self.before is None else self.before.whitened)

    @cached_property
    def gain(self) -> Tensor:
        """What they add to every dimension, (n, dims); of one picture it is told to who asks with more of it."""
        conditioned, moved, known = self.conditioned, torch.zeros_like(self.residual), 0
        lengths = [len(piece) for piece in conditioned.rows]
        starts = list(accumulate(lengths, initial=0))
        before = self.before
        if before is not None and before.gain is not None and len(before.observed) in starts:
            moved, known = before.gain.clone(), len(before.observed)
        parts = zip(starts[:-1], self.whitened.split(lengths), conditioned.rows, strict=True)
        moved[:, conditioned.columns] += sum(part.T @ piece for start, part, piece in parts if start >= known)
        moved[:, conditioned.observed] = self.observed.T
        if len(moved) == 1:
            conditioned.told = Told(self.observed, self.whitened, moved.clone())
        return moved

    @cached_property
    def left_out(self) -> Tensor:
        """Each observed dimension's residual given all the other observed ones, in its standard deviations; 0 where
        hidden: [K^-1 r]_i / sqrt([K^-1]_ii) of residuals r, by Rasmussen & Williams 2006, equation 5.12. (n, dims)"""
        conditioned, found = self.conditioned, torch.zeros_like(self.residual)
        if len(conditioned.observed):
            solved = conditioned.factor.solve_transposed(self.whitened).T
            found[:, conditioned.observed] = solved / conditioned.precision.sqrt()
        return found


def cholesky(matrices: Tensor) -> Tensor:
    """Lower Cholesky factors, (..., n, n); of what is singular in float32, with ROUNDING added to the diagonal."""
    factor, failed = torch.linalg.cholesky_ex(matrices)
    if failed.any():
        noise = ROUNDING * torch.eye(matrices.shape[-1], dtype=torch.float64, device=matrices.device)
        singular = failed.bool()
        factor[singular] = torch.linalg.cholesky(matrices[singular].double() + noise).to(matrices.dtype)
    return factor


def prior_rows(
    covariance: Tensor | ByScale | Sequence[Tensor | ByScale], dims: Tensor, others: Tensor
) -> tuple[Tensor, Tensor]:
    """Prior covariance of some dimensions with one another, (n, n), and with others, (n, m); of several covariances
    (several, n, n) and (several, n, m)"""
    if isinstance(covariance, Tensor):
        rows = covariance.index_select(0, dims)  # a third of the time of an index
        return rows.index_select(1, dims), rows.index_select(1, others)
    if isinstance(covariance, Sequence):
        own, rest = zip(*(prior_rows(each, dims, others) for each in covariance), strict=True)
        return torch.stack(own), torch.stack(rest)
    rows = covariance.rows(dims, torch.cat([dims, others]))
    return rows[:, : len(dims)], rows[:, len(dims) :]


def solve(lower: Tensor, rows: Tensor) -> Tensor:
    """lower^-1 rows, for lower triangular (n, n) and (n, m): of many columns by blocks whose corners are inverted, so
    that nearly all is products of matrices. A stroke's takes a quarter of the time, a new patch's two thirds."""
    if rows.shape[1] < WIDE:
        return torch.linalg.solve_triangular(lower, rows, upper=False)
    solved, eye = rows.new_empty(rows.shape), torch.eye(BLOCK, dtype=rows.dtype, device=rows.device)
    for start in range(0, len(lower), BLOCK):
        these = slice(start, start + BLOCK)
        corner, left = lower[these, these], rows[these]
        if start:
            left = torch.addmm(left, lower[these, :start], solved[:start], alpha=-1)
        size = len(corner)
        inverse = torch.linalg.solve_triangular(corner, eye[:size, :size], upper=False)
        torch.mm(inverse, left, out=solved[these])
    return solved


def thinned(mask: Tensor) -> Tensor:
    """The MOST_OBSERVED pixels of a mask (pixels,) that are nearest to hidden ones, and of those that are as near, any:
    what lies behind others tells little more."""
    from scipy.ndimage import distance_transform_edt

    side = math.isqrt(len(mask))
    distance = torch.from_numpy(distance_transform_edt(mask.view(side, side).cpu().numpy())).flatten()
    # not in the order of rows: what is left out is to lie evenly
    jitter = 1e-3 * torch.rand(len(mask), generator=torch.Generator().manual_seed(0), dtype=distance.dtype)
    order = (distance + jitter).masked_fill(~mask.cpu(), torch.inf).argsort()
    kept = torch.zeros_like(mask)
    kept[order[:MOST_OBSERVED].to(mask.device)] = True
    return kept


def pixel_blocks(covariance: Tensor | ByScale, channels: int) -> Tensor:
    """Every pixel's covariance of channels, out of (dims, dims): (channels, channels, side, side)"""
    if not isinstance(covariance, Tensor):
        return covariance.pixel_blocks()
    pixels = len(covariance) // channels
    side = math.isqrt(pixels)
    found = covariance.view(channels, pixels, channels, pixels).diagonal(dim1=1, dim2=3)
    return found.reshape(channels, channels, side, side)
