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
    corner      Cholesky factor of what the new ones are given those of `before`; of all where there is none
    left        what stands to the left of it in the factor of all, (new, known)
    """

    left: Tensor
    strokes: int  # since it was begun or joined

    @torch.no_grad()
    def __init__(
        self,
        covariance: Tensor | ByScale | Sequence[Tensor | ByScale],
        channels: int,
        mask: Tensor,
        before: Factored | None = None,
    ):
        first = covariance[0] if isinstance(covariance, Sequence) else covariance
        self.covariance, self.mask, self.before = covariance, mask.to(first.device), before
        self.strokes = 0 if before is None else before.strokes + 1
        if before is None:
            self.observed = self.mask.repeat(channels).nonzero()[:, 0]
            self.corner = cholesky(prior_rows(covariance, self.observed, self.observed[:0])[0])
        else:
            fresh = (self.mask & ~before.mask).repeat(channels).nonzero()[:, 0]
            own, known = prior_rows(covariance, fresh, before.observed)
            self.left = before.solve(known.mT).mT
            self.observed = torch.cat([before.observed, fresh])
            self.corner = cholesky(own - self.left @ self.left.mT)
        if self.strokes > PIECES:
            self.corner, self.before, self.strokes = self.cholesky, None, 0

    @property
    def nbytes(self) -> int:
        """How many it keeps; what it shares with others is counted as well."""
        return self.corner.nbytes + (0 if self.before is None else self.left.nbytes + self.before.nbytes)

    @property
    def cholesky(self) -> Tensor:
        """Of the observed block, (observed, observed)"""
        return self.corner if self.before is None else blocks(self.before.cholesky, self.left, self.corner)

    @property
    def log_determinant(self) -> Tensor:
        """Of `cholesky`, float64 ()"""
        own = self.corner.diagonal(dim1=-2, dim2=-1).double().log().sum(-1)
        return own if self.before is None else own + self.before.log_determinant

    def solve(self, rows: Tensor) -> Tensor:
        """cholesky^-1 rows, of (observed, n). A stroke more is a block more: the factor is not copied for it."""
        if self.before is None:
            return torch.linalg.solve_triangular(self.corner, rows, upper=False)
        known = len(self.before.observed)
        upper = self.before.solve(rows[..., :known, :])
        lower = torch.linalg.solve_triangular(self.corner, rows[..., known:, :] - self.left @ upper, upper=False)
        return torch.cat([upper, lower], -2)

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
