"""Gaussians' observed blocks, factored: enough for the density of observed pixels and for conditional means, at a small
part of the cost of `Conditioned`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from recon.models.conditioned import PIECES, blocks, cholesky, prior_rows

if TYPE_CHECKING:
    from recon.models.detail import ByScale


class Factored:
    """One Gaussian's observed block, or those of several at once.

    covariance  prior, as `Conditioned` takes it; or several, (dims, dims) each, and then all below has an axis for
                them in front
    mask        observed pixels, bool (pixels,)
    before      the same for a mask within this one, to extend; None to start anew

    observed    dimensions, int64, in the order in which they came
    first       Cholesky factor of the block of those it was begun with, (n, n)
    more        its further rows, those of one stroke each: (new, known) to the left of the diagonal, (new, new) at it
    is_extended whether it was the one before another
    """

    observed: Tensor
    first: Tensor
    more: tuple[tuple[Tensor, Tensor], ...] = ()
    is_extended = False

    @torch.no_grad()
    def __init__(
        self,
        covariance: Tensor | ByScale | Sequence[Tensor | ByScale],
        channels: int,
        mask: Tensor,
        before: Factored | None = None,
    ):
        single = covariance[0] if isinstance(covariance, Sequence) else covariance
        self.covariance, self.mask = covariance, mask.to(single.device)
        if before is None:
            self.observed = self.mask.repeat(channels).nonzero()[:, 0]
            self.first = cholesky(prior_rows(covariance, self.observed, self.observed[:0])[0])
            return
        fresh = (self.mask & ~before.mask).repeat(channels).nonzero()[:, 0]
        own, known = prior_rows(covariance, fresh, before.observed)
        left = before.solve(known.mT).mT
        self.observed = torch.cat([before.observed, fresh])
        self.first, self.more = before.first, (*before.more, (left, cholesky(own - left @ left.mT)))
        if len(self.more) >= PIECES:
            self.first, self.more = self.cholesky, ()

    @property
    def nbytes(self) -> int:
        """How many it keeps; what it shares with others is counted as well."""
        return self.first.nbytes + sum(left.nbytes + corner.nbytes for left, corner in self.more)

    @property
    def cholesky(self) -> Tensor:
        """Of the observed block, (observed, observed)"""
        whole = self.first
        for left, corner in self.more:
            whole = blocks(whole, left, corner)
        return whole

    @property
    def log_determinant(self) -> Tensor:
        """Of `cholesky`, float64 ()"""
        corners = (self.first, *(corner for _, corner in self.more))
        return torch.cat([each.diagonal(dim1=-2, dim2=-1) for each in corners], -1).double().log().sum(-1)

    def solve(self, rows: Tensor) -> Tensor:
        """cholesky^-1 rows, of (observed, n). What a stroke adds is used where it is, not copied."""
        solved = torch.linalg.solve_triangular(self.first, rows[..., : self.first.shape[-1], :], upper=False)
        for left, corner in self.more:
            known, new = left.shape[-1], corner.shape[-1]
            rest = rows[..., known : known + new, :] - left @ solved
            solved = torch.cat([solved, torch.linalg.solve_triangular(corner, rest, upper=False)], -2)
        return solved

    def whiten(self, residual: Tensor) -> Tensor:
        """As `Conditioned.whiten`, of residuals (n, dims): (n, observed)"""
        return self.solve(residual[..., self.observed].mT).mT

    def gain(self, residual: Tensor) -> Tensor:
        """As `Conditioned.gain`, of one covariance: what the observed residuals of (n, dims) move every dimension by,
        (n, dims)"""
        solved = torch.linalg.solve_triangular(self.cholesky.mT, self.whiten(residual).mT, upper=True)
        assert not isinstance(self.covariance, Sequence)
        if isinstance(self.covariance, Tensor):
            return solved.mT @ self.covariance.index_select(0, self.observed)  # half the time of an index
        return solved.mT @ self.covariance[self.observed]
