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
    pieces      rows of the observed block's Cholesky factor, those of one stroke each: (new, known) to the left of the
                diagonal and (new, new) at it
    is_extended whether it was the one before another
    """

    is_extended = False

    @torch.no_grad()
    def __init__(
        self,
        covariance: Tensor | ByScale | Sequence[Tensor | ByScale],
        channels: int,
        mask: Tensor,
        before: Factored | None = None,
    ):
        first = covariance[0] if isinstance(covariance, Sequence) else covariance
        self.covariance, self.mask = covariance, mask.to(first.device)
        self.observed: Tensor
        fresh = (self.mask if before is None else self.mask & ~before.mask).repeat(channels).nonzero()[:, 0]
        known = fresh[:0] if before is None else before.observed
        own, rest = prior_rows(covariance, fresh, known)
        self.observed = torch.cat([known, fresh])
        self.pieces: tuple[tuple[Tensor, Tensor], ...]
        if before is None:
            self.pieces = ((rest, cholesky(own)),)
            return
        left = before.solve(rest.mT).mT
        self.pieces = (*before.pieces, (left, cholesky(own - left @ left.mT)))
        if len(self.pieces) > PIECES:
            self.pieces = ((left[..., :0], self.cholesky),)

    @property
    def nbytes(self) -> int:
        """How many it keeps; what it shares with others is counted as well."""
        return sum(left.nbytes + corner.nbytes for left, corner in self.pieces)

    @property
    def cholesky(self) -> Tensor:
        """Of the observed block, (observed, observed)"""
        (_, whole), *more = self.pieces
        for left, corner in more:
            whole = blocks(whole, left, corner)
        return whole

    @property
    def log_determinant(self) -> Tensor:
        """Of `cholesky`, float64 ()"""
        diagonal = torch.cat([corner.diagonal(dim1=-2, dim2=-1) for _, corner in self.pieces], -1)
        return diagonal.double().log().sum(-1)

    def solve(self, rows: Tensor) -> Tensor:
        """cholesky^-1 rows, of (observed, n). A stroke more is a piece more: nothing is copied for it."""
        (_, first), *more = self.pieces
        known = first.shape[-1]
        solved = torch.linalg.solve_triangular(first, rows[..., :known, :], upper=False)
        for left, corner in more:
            known = left.shape[-1]
            these = rows[..., known : known + corner.shape[-1], :] - left @ solved
            solved = torch.cat([solved, torch.linalg.solve_triangular(corner, these, upper=False)], -2)
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
