"""Gaussians' observed blocks, factored: enough for the density of observed pixels and for conditional means, at a small
part of the cost of `Conditioned`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from recon.models.conditioned import cholesky, prior_rows
from recon.models.triangle import Told, Triangle, told_before

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
    told        the picture that was whitened last, here or before the mask had grown
    """

    is_extended = False
    told: Told | None = None

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
        """Observed residuals, of (n, dims), as independent numbers of variance 1 under the model: (n, observed)"""
        observed = residual[..., self.observed].mT
        before = told_before(self.told, observed)
        whitened = self.factor.solve(observed, None if before is None else before.whitened)
        if observed.shape[-1] == 1:
            self.told = Told(observed, whitened)
        return whitened.mT

    def gain(self, residual: Tensor) -> Tensor:
        """As `Evidence.gain`, of one covariance: what the observed residuals of (n, dims) move every dimension by,
        (n, dims)"""
        solved = self.factor.solve_transposed(self.whiten(residual).mT)
        assert not isinstance(self.covariance, Sequence)
        if isinstance(self.covariance, Tensor):
            return solved.mT @ self.covariance.index_select(0, self.observed)  # half the time of an index
        return solved.mT @ self.covariance[self.observed]
