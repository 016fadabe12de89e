"""Densities of small patches without their mean: the 63 dimensions of 8 x 8 pixels on which models of natural images
are compared (Uria, Murray & Larochelle 2013; Theis & Bethge 2015, Table 1, "63 dim.").

Of a patch x of n pixels the mean m is taken off, and of what is left the last pixel is dropped, which the others imply:

    y_i = x_i - m for i < n,    m = sum_i x_i / n

The inverse is x_i = y_i + m for i < n and x_n = m - sum_i y_i; its determinant is n, so that of the whole patch

    log p(x) = log p(y) + log p(m | y) - log n,

where m is taken to be independent of y, as in the authors' code. A reordering T of the pixels keeps m. What it makes of
y is linear with determinant 1 or -1: on (y, m) it is A^-1 T A, A being the inverse above, and m goes by itself.
So an `Ensemble` over symmetries may average densities of y.

Models here take mean-free patches (batch, side, side), all n pixels, and give log p(pixel | those before it) of each, 0
for the last: what `Ensemble` asks for.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from recon.errors import PredictionError
from recon.models.mcgsm import ConditionalMixture
from recon.models.ride import RIDE

AT_ONCE = 16_384  # patches whose one pixel is in memory with every component and scale


def without_mean(patches: Tensor) -> tuple[Tensor, Tensor]:
    """Mean-free patches and means of patches (..., height, width): (..., height, width) and (...)"""
    means = patches.mean((-2, -1))
    return patches - means[..., None, None], means


def without_last(patches: Tensor) -> Tensor:
    """y of mean-free patches (..., height, width): (..., height width - 1)"""
    return patches.flatten(-2)[..., :-1]


def with_last(y: Tensor, height: int, width: int) -> Tensor:
    """The inverse of `without_last`"""
    return torch.cat([y, -y.sum(-1, keepdim=True)], -1).unflatten(-1, (height, width))


def log_prob_with_mean(log_prob: Tensor, of_mean: Tensor, pixels: int = 64) -> Tensor:
    """log p(x) of whole patches from log p(y) and log p(m), or log p(m | y), in nats"""
    return log_prob + of_mean - math.log(pixels)


class PatchMCGSM(nn.Module):
    """MCGSM of patches of one size: a `ConditionalMixture` for every pixel but the last, given all pixels before it in
    raster order. The first pixel is given nothing: a plain mixture of Gaussians, each with a mean of its own.

    dims  numbers of y
    The other arguments are `ConditionalMixture`'s.

    With `dims` of 1 it is a density of one number, such as m: see `ConditionalMixture.log_prob` and `inputs`.
    """

    def __init__(self, dims: int = 63, components: int = 16, scales: int = 4, features: int = 48):
        super().__init__()
        if dims < 1:
            raise PredictionError("A patch has at least one number.")
        self.mixtures = nn.ModuleList(
            ConditionalMixture(max(dim, 1), components, scales, features) for dim in range(dims)
        )

    def mixture(self, dim: int) -> ConditionalMixture:
        return self.mixtures[dim]  # type: ignore[return-value]  # what was put into the list

    @staticmethod
    def inputs(y: Tensor, dim: int) -> Tensor:
        """What the mixture of this dimension is given, (batch, max(dim, 1)), of y (batch, dims)"""
        return y[:, :dim] if dim else torch.ones_like(y[:, :1])

    @torch.no_grad()
    def precondition(self, y: Tensor, dim: int) -> None:
        """Set the whitening of one dimension from samples y (count, dims)."""
        mixture = self.mixture(dim)
        mixture.precondition(self.inputs(y, dim), y[:, dim])
        if not dim:
            # the constant input would be centred away; it is what gives each component its mean
            mixture.centre.zero_()
            mixture.whitening.fill_(1)
            mixture.slope.zero_()

    @torch.no_grad()
    def start_from(self, source: int, dim: int) -> None:
        """Begin a dimension's mixture with the weights of an earlier one, of the pixel `dim` - `source` before it: what
        those say of a whitened pixel is said of the one as far before this; pixels without a counterpart have no say.
        The whitening stays. Raises PredictionError for one that is not earlier, or the first, which has no inputs."""
        if not 0 < source < dim:
            raise PredictionError("A mixture starts from an earlier one that has inputs.")
        theirs, own = self.mixture(source), self.mixture(dim)
        for name in ("priors", "precisions", "weights"):
            getattr(own, name).copy_(getattr(theirs, name))
        for name in ("features", "predictors"):
            getattr(own, name).copy_(F.pad(getattr(theirs, name), (0, 0, dim - source, 0)))

    def log_prob_of(self, y: Tensor, dim: int) -> Tensor:
        """log p(y_dim | those before it) in nats, (batch,), of y (batch, dims)"""
        mixture = self.mixture(dim)
        return torch.cat([mixture.log_prob(self.inputs(part, dim), part[:, dim]) for part in y.split(AT_ONCE)])

    def log_prob(self, values: Tensor) -> Tensor:
        """Of mean-free patches (batch, height, width), each pixel, in nats; see the module's docstring. Raises
        PredictionError for patches of another size."""
        y = without_last(values)
        if y.shape[1] != len(self.mixtures):
            raise PredictionError(f"This model is of patches of {len(self.mixtures) + 1} pixels.")
        found = [self.log_prob_of(y, dim) for dim in range(len(self.mixtures))]
        return torch.stack([*found, torch.zeros_like(found[0])], 1).view_as(values)


class PatchRIDE(nn.Module):
    """RIDE of patches: zeros, which is the mean, lie around each; the LSTM begins at its first pixel."""

    def __init__(self, ride: RIDE):
        super().__init__()
        self.ride = ride

    def laid_out(self, values: Tensor) -> tuple[Tensor, Tensor]:
        """Patches (batch, height, width) with zeros around them, below each other in one picture; and where in it their
        own pixels are, int64 (batch, height, width): what `RIDE.log_prob_at` takes."""
        above, beside = self.ride.context.above, self.ride.context.beside
        padded = F.pad(values, (beside, beside, above, 0))
        places = torch.arange(padded.numel(), device=values.device).view_as(padded)
        return padded.flatten(0, 1), places[:, above:, beside : beside + values.shape[-1]]

    def precondition(self, values: Tensor) -> None:
        """Set the whitening from every pixel but the last of mean-free patches (count, height, width)."""
        picture, places = self.laid_out(values)
        places = without_last(places).flatten()
        self.ride.precondition(self.ride.context.at(picture, places), picture.flatten()[places])

    def log_prob(self, values: Tensor) -> Tensor:
        """Of mean-free patches (batch, height, width), each pixel, in nats; see the module's docstring."""
        found = [self.ride.log_prob_at(*self.laid_out(part)) for part in values.split(AT_ONCE // values[0].numel() * 4)]
        counted = torch.ones_like(values[0])
        counted[-1, -1] = 0
        return torch.cat(found) * counted
