"""Gaussians' observed blocks, factored: enough for the density of observed pixels and for conditional means, at a small
part of the cost of `Conditioned`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from recon.models.conditioned import cholesky, prior_rows
from recon.models.triangle import Triangle

if TYPE_CHECKING:
    from recon.models.detail import ByScale


class Factored:
    """One Gaussian's observed block, or those of several at once.

    covariance  prior, as `Conditioned` takes it; or several, (dims, dims) each, and then all below has an axis for
                them in front
    mask        observed pixels, bool (pixels,)
    before      the same for a mask within this one, to extend; None to start anew

    observed    dimensions, int64, in the order in which they came
    factor      Cholesky factor of the block
    nbytes      how many it keeps; what it shares with others is counted as well
    is_extended whether it was the one before another
    told        residuals of what was asked about last, if that was one picture, and whitened: (observed, 1) each
    """

    is_extended = False
    told: tuple[Tensor, Tensor] | None = None

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
            self.factor = Triangle(cholesky(prior_rows(covariance, self.observed, self.observed[:0])[0]))
        else:
            self.told = before.told
            fresh = (self.mask & ~before.mask).repeat(channels).nonzero()[:, 0]
            own, known = prior_rows(covariance, fresh, before.observed)
            left = before.factor.solve(known.mT).mT
            self.observed = torch.cat([before.observed, fresh])
            self.factor = before.factor.extended(left, cholesky(own - left @ left.mT))
        self.nbytes = self.factor.nbytes

    def whiten(self, residual: Tensor) -> Tensor:
        """As `Evidence.whitened`, of residuals (n, dims): (n, observed)"""
        rows = residual[..., self.observed].mT
        same = self.told is not None and self.told[0].equal(rows[..., : self.told[0].shape[-2], :])
        solved = self.factor.solve(rows, self.told[1] if self.told is not None and same else None)
        if rows.shape[-1] == 1:
            self.told = rows, solved
        return solved.mT

    def gain(self, residual: Tensor) -> Tensor:
        """As `Evidence.gain`, of one covariance: what the observed residuals of (n, dims) move every dimension by,
        (n, dims)"""
        solved = self.factor.solve_transposed(self.whiten(residual).mT)
        assert not isinstance(self.covariance, Sequence)
        if isinstance(self.covariance, Tensor):
            return solved.mT @ self.covariance.index_select(0, self.observed)  # half the time of an index
        return solved.mT @ self.covariance[self.observed]
