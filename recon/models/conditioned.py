"""A Gaussian conditioned on a mask: all of it that does not depend on the observed values.

Someone who paints, and whoever draws samples group by group, adds pixels to a mask that was conditioned on a moment
ago: then the factor is extended by rows instead of being made anew.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING

import torch
from torch import Tensor

if TYPE_CHECKING:
    from recon.models.detail import ByScale

ROUNDING = 1 / (12 * 255**2)  # variance of rounding to 8 bits: no pixel is known better than that
MOST_OBSERVED = 1536  # pixels that a large picture is conditioned on: 240 MB in colour, and seconds
KEPT = 0.75  # of the columns that rows were made for are hidden still, or the rows are cut to those that are
PIECES = 8  # of rows or of a factor, each of one stroke; more are joined
BLOCK = 256  # dimensions: triangles this large are inverted at once
SMALL = 1536**2  # right-hand sides, in numbers, for which that does not pay: all of 32 x 32 colour


class Conditioned:
    """What observing the pixels of a mask makes of a Gaussian: it moves every mean, and leaves each pixel some spread.

    covariance        prior, (dims, dims), dimensions as (channel, row, column); a tensor, or what makes rows of it
                      when indexed (`recon.models.detail.ByScale`)
    mask              observed pixels, bool (pixels,)
    before            the same for a mask within this one, to extend; None to start anew

    observed          dimensions, int64, in the order in which they came
    cholesky          of the prior's observed block, (observed, observed)
    columns           dimensions, int64: the hidden ones, and maybe a few that were hidden when the first rows were made
    rows              cholesky^-1 times the prior's observed rows at `columns`, in pieces, (some of observed, columns)
    spread            posterior covariance of each pixel's channels in `columns`, (pixels, channels, channels)
    pixel_factor      Cholesky factors of each pixel's posterior covariance, (side, side, channels, channels)
    is_extended       whether it was the one before another
    """

    is_extended = False

    @torch.no_grad()
    def __init__(self, covariance: Tensor | ByScale, channels: int, mask: Tensor, before: Conditioned | None = None):
        self.mask, self.channels = mask, channels
        if before is None:
            dims = mask.repeat(channels)
            self.observed, self.columns = dims.nonzero()[:, 0], (~dims).nonzero()[:, 0]
            known, rest = prior_rows(covariance, self.observed, self.columns)
            self.cholesky = cholesky(known)
            # only hidden columns are solved for, so that cost falls again when nearly everything is observed
            self.rows: tuple[Tensor, ...] = (solve(self.cholesky, rest),)
            prior = pixel_blocks(covariance, channels).flatten(2)[:, :, ~mask].permute(2, 0, 1)
            self.spread = prior - self.taken_by(self.rows[0])
            self.live = torch.ones_like(self.columns, dtype=torch.bool)
        else:
            self.extend(covariance, before)
        pixels = len(self.columns) // channels
        live = self.live[:pixels]
        spread = self.spread if live.all() else self.spread[live]
        spread = spread.clone()
        spread.diagonal(dim1=-2, dim2=-1).clamp_min_(0).add_(ROUNDING)
        own = torch.eye(channels, dtype=self.spread.dtype, device=mask.device)
        factor = (math.sqrt(ROUNDING) * own).repeat(len(mask), 1, 1)
        factor[~mask] = cholesky(spread)
        side = math.isqrt(len(mask))
        self.pixel_factor = factor.view(side, side, channels, channels)

    def extend(self, covariance: Tensor | ByScale, before: Conditioned) -> None:
        """Block Cholesky: the rows of the pixels that are new, below those of `before`, which are not copied: columns
        that nobody needs any more stay in them until they are many."""
        self.live = ~self.mask.repeat(self.channels)[before.columns]
        new = (before.live & ~self.live).nonzero()[:, 0]
        fresh, self.columns = before.columns[new], before.columns
        known = torch.cat([piece[:, new] for piece in before.rows])
        own, prior = prior_rows(covariance, fresh, self.columns)
        corner = cholesky(own - known.T @ known)
        for piece, part in zip(before.rows, known.split([len(piece) for piece in before.rows]), strict=True):
            prior = torch.addmm(prior, part.T, piece, alpha=-1)
        rows = torch.linalg.solve_triangular(corner, prior, upper=False)
        self.observed = torch.cat([before.observed, fresh])
        self.cholesky = blocks(before.cholesky, known.T, corner)
        self.rows = (*before.rows, rows)
        self.spread = before.spread - self.taken_by(rows)
        if self.live.sum() < KEPT * len(self.live):
            self.rows = (torch.cat([piece[:, self.live] for piece in self.rows]),)
            self.spread = self.spread[self.live[: len(self.spread)]]
            self.columns, self.live = self.columns[self.live], self.live[self.live]
        elif len(self.rows) > PIECES:
            self.rows = (torch.cat(self.rows),)
        if "inverse" in before.__dict__:  # someone asked for it then, and will again
            eye = torch.eye(len(corner), dtype=corner.dtype, device=corner.device)
            inverse = torch.linalg.solve_triangular(corner, eye, upper=False)
            self.inverse = blocks(before.inverse, -inverse @ (known.T @ before.inverse), inverse)

    @property
    def hidden(self) -> Tensor:
        """Dimensions, int64"""
        return self.columns[self.live]

    @property
    def whitened(self) -> Tensor:
        """cholesky^-1 times the prior's observed rows, hidden columns: (observed, hidden)"""
        return torch.cat([piece[:, self.live] for piece in self.rows])

    @property
    def nbytes(self) -> int:
        """How many it keeps, about; those that it shares with others are counted as well."""
        inverse = self.__dict__.get("inverse", self.cholesky[:0])  # of which only some models make use
        return self.cholesky.nbytes + inverse.nbytes + sum(piece.nbytes for piece in self.rows)

    def taken_by(self, rows: Tensor) -> Tensor:
        """What whitened rows (n, columns) take off each pixel's covariance: (pixels, channels, channels)"""
        each = rows.view(len(rows), self.channels, rows.shape[1] // self.channels)
        taken = rows.new_zeros(self.channels, self.channels, each.shape[2])
        for part in each.split(32):  # so few stay in the cache
            for a in range(self.channels):
                taken[a, : a + 1] += (part[:, a, None] * part[:, : a + 1]).sum(0)
        for a in range(self.channels):
            taken[:a, a] = taken[a, :a]
        return taken.permute(2, 0, 1)

    @cached_property
    def inverse(self) -> Tensor:
        """Of `cholesky`, (observed, observed)"""
        eye = torch.eye(len(self.cholesky), dtype=self.cholesky.dtype, device=self.cholesky.device)
        return torch.linalg.solve_triangular(self.cholesky, eye, upper=False)

    def gain(self, residual: Tensor) -> Tensor:
        """What residuals (n, dims), of which only the observed are used, add to every dimension: (n, dims)"""
        moved = torch.zeros_like(residual)
        told = self.whiten(residual).split([len(piece) for piece in self.rows], 1)
        moved[:, self.columns] = sum(part @ piece for part, piece in zip(told, self.rows, strict=True))
        moved[:, self.observed] = residual[:, self.observed]
        return moved

    def whiten(self, residual: Tensor) -> Tensor:
        """Observed residuals, of (n, dims), as independent numbers of variance 1 under the model: (n, observed)"""
        return torch.linalg.solve_triangular(self.cholesky, residual[:, self.observed].T, upper=False).T

    def leave_one_out(self, residual: Tensor) -> Tensor:
        """Each observed dimension's residual given all the other observed ones, in its standard deviations; 0 where
        hidden: [K^-1 r]_i / sqrt([K^-1]_ii) of residuals (n, dims), by Rasmussen & Williams 2006, equation 5.12."""
        found = torch.zeros_like(residual)
        if len(self.observed):
            solved = residual[:, self.observed] @ self.inverse.T @ self.inverse
            found[:, self.observed] = solved / self.inverse.square().sum(0).sqrt()
        return found


def blocks(upper: Tensor, left: Tensor, corner: Tensor) -> Tensor:
    """Lower triangular [[upper, 0], [left, corner]], of matrices (..., n, n)"""
    known, size = upper.shape[-1], upper.shape[-1] + corner.shape[-1]
    whole = upper.new_empty(*upper.shape[:-2], size, size)
    whole[..., :known, :known], whole[..., :known, known:] = upper, 0
    whole[..., known:, :known], whole[..., known:, known:] = left, corner
    return whole


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
    """lower^-1 rows, for lower triangular (n, n) and (n, m): large ones by blocks, so that all but their corners is
    products of matrices, at twice the speed."""
    if len(lower) <= 3 * BLOCK or rows.numel() <= SMALL:
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
