"""Gaussians' observed blocks, factored: enough for the density of observed pixels and for conditional means, at a small
part of the cost of `Conditioned`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from recon.models.conditioned import blocks, cholesky, prior_rows

if TYPE_CHECKING:
    from recon.models.detail import ByScale


class Factored:
    """One Gaussian's observed block, or those of several at once.

    covariance  prior, as `Conditioned` takes it; or several, (dims, dims) each, and then all below has an axis for
                them in front
    mask        observed pixels, bool (pixels,)
    before      the same for a mask within this one, to extend; None to start anew

    observed    dimensions, int64, in the order in which they came
    cholesky    of the observed block, (observed, observed)
    """

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
        if before is None:
            self.observed = self.mask.repeat(channels).nonzero()[:, 0]
            self.cholesky = cholesky(prior_rows(covariance, self.observed, self.observed[:0])[0])
        else:
            fresh = (self.mask & ~before.mask).repeat(channels).nonzero()[:, 0]
            own, known = prior_rows(covariance, fresh, before.observed)
            left = torch.linalg.solve_triangular(before.cholesky, known.mT, upper=False).mT
            self.observed = torch.cat([before.observed, fresh])
            self.cholesky = blocks(before.cholesky, left, cholesky(own - left @ left.mT))

    @property
    def nbytes(self) -> int:
        """How many it keeps"""
        return self.cholesky.nbytes

    @property
    def log_determinant(self) -> Tensor:
        """Of `cholesky`, float64 ()"""
        return self.cholesky.diagonal(dim1=-2, dim2=-1).double().log().sum(-1)

    def whiten(self, residual: Tensor) -> Tensor:
        """As `Conditioned.whiten`, of residuals (n, dims): (n, observed)"""
        return torch.linalg.solve_triangular(self.cholesky, residual[..., self.observed].mT, upper=False).mT

    def gain(self, residual: Tensor) -> Tensor:
        """As `Conditioned.gain`, of one covariance: what the observed residuals of (n, dims) move every dimension by,
        (n, dims)"""
        solved = torch.linalg.solve_triangular(self.cholesky.mT, self.whiten(residual).mT, upper=True)
        assert not isinstance(self.covariance, Sequence)
        if isinstance(self.covariance, Tensor):
            return solved.mT @ self.covariance.index_select(0, self.observed)  # half the time of an index
        return solved.mT @ self.covariance[self.observed]
