"""What a prediction is made of: a distribution for every pixel and channel of a batch of images.

Pixels lie in [0, 1], while a Gaussian does not know it. Its value is therefore read as clipped: the mean, the
variance, the intervals, the samples and the 256-level masses are those of clip(x, 0, 1), so that saturated pixels
have the probability that the model gives them. Only `log_prob` is the density before clipping.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass, fields, replace

import torch
from torch import Tensor
from torch.nn import functional as F

from recon.errors import PredictionError

LOG_TINY = -690.0  # about log(1e-300): what a level costs whose probability underflows in float64
BEYOND = 1e6  # stands for infinity at the outer levels: no mass lies there, and gradients stay finite


@dataclass(frozen=True)
class Distribution(ABC):
    """Marginals of shape (batch, channels, height, width). Channels are independent unless a subclass couples them."""

    has_spread = True

    @property
    @abstractmethod
    def mean(self) -> Tensor:
        """(batch, channels, height, width) in [0, 1]"""

    @property
    @abstractmethod
    def variance(self) -> Tensor:
        """(batch, channels, height, width)"""

    @abstractmethod
    def log_prob(self, values: Tensor) -> Tensor:
        """Log density in nats at `values`, of the shape above, channels together: (batch, height, width)"""

    @abstractmethod
    def sample(self, generator: torch.Generator) -> Tensor:
        """One draw of every pixel by itself, (batch, channels, height, width) in [0, 1]"""

    @abstractmethod
    def cdf(self, values: Tensor) -> Tensor:
        """P(x <= values) of each channel by itself, before clipping; float64, `values` broadcast to the shape."""

    def log_mass(self, values: Tensor, levels: int = 256) -> Tensor:
        """Log probability in nats of the level nearest to each value, channels together: (batch, height, width).

        Level k of `levels` is the interval (k -+ 1/2) / (levels - 1); the two outer ones are open.
        """
        low, high = level_edges(values, levels)
        mass = self.cdf(high) - self.cdf(low)
        return mass.clamp_min(math.exp(LOG_TINY)).log().sum(1)

    def interval(self, level: float) -> tuple[Tensor, Tensor]:
        """Central interval of probability `level`, clipped to [0, 1]; two of (batch, channels, height, width)"""
        return self.quantile((1 - level) / 2), self.quantile((1 + level) / 2)

    def quantile(self, probability: float) -> Tensor:
        """The value in [0, 1] that `probability` of the mass does not exceed, by bisection to 2^-24"""
        shape = self.mean.shape
        low = torch.zeros(shape, dtype=torch.float64, device=self.mean.device)
        high = torch.ones_like(low)
        for _ in range(24):
            middle = (low + high) / 2
            below = self.cdf(middle) < probability
            low, high = torch.where(below, middle, low), torch.where(below, high, middle)
        # what lies below 0 is clipped to it, and then an interval begins at 0 itself
        return torch.where(low == 0, 0.0, high).float()

    def level_masses(self, row: int, column: int, levels: int = 256, image: int = 0) -> Tensor:
        """Probability of every level of one pixel, channel by channel: (channels, levels), rows sum to one."""
        pixel = self.pixel(row, column, image)
        inner = (torch.arange(levels - 1, dtype=torch.float64, device=pixel.mean.device) + 0.5) / (levels - 1)
        upper = pixel.cdf(inner.view(1, 1, 1, -1))[0, :, 0]
        # one column of ones makes the outer level hold all that lies beyond
        padded = F.pad(upper, (1, 1))
        padded[:, -1] = 1
        return padded.diff(dim=-1).clamp_min(0)

    def pixel(self, row: int, column: int, image: int = 0) -> Distribution:
        """The distribution of one pixel, as one of a single image of 1 x 1."""
        rows, columns = (slice(row, row + 1), slice(column, column + 1))
        tensors = {f.name: getattr(self, f.name) for f in fields(self) if isinstance(getattr(self, f.name), Tensor)}
        return replace(self, **{name: t[image : image + 1, ..., rows, columns] for name, t in tensors.items()})


def level_edges(values: Tensor, levels: int) -> tuple[Tensor, Tensor]:
    """Lower and upper edge of the level nearest to each value, float64; the outer levels reach to -+BEYOND."""
    level = (values.double().clamp(0, 1) * (levels - 1)).round()
    low = torch.where(level == 0, -BEYOND, (level - 0.5) / (levels - 1))
    high = torch.where(level == levels - 1, BEYOND, (level + 0.5) / (levels - 1))
    return low, high


@dataclass(frozen=True)
class Bernoulli(Distribution):
    """Black or white. `logits` are of white: (batch, channels, height, width)."""

    logits: Tensor

    @property
    def mean(self) -> Tensor:
        return self.logits.sigmoid()

    @property
    def variance(self) -> Tensor:
        return self.logits.sigmoid() * (-self.logits).sigmoid()

    def log_prob(self, values: Tensor) -> Tensor:
        if not bool(((values == 0) | (values == 1)).all()):
            raise PredictionError("A binary model gives probabilities to black and white only: binarise the values.")
        return -F.binary_cross_entropy_with_logits(self.logits, values, reduction="none").sum(1)

    def log_mass(self, values: Tensor, levels: int = 256) -> Tensor:
        return self.log_prob(values)  # the levels between black and white have probability 0

    def cdf(self, values: Tensor) -> Tensor:
        black = (-self.logits.double()).sigmoid()
        return torch.where(values < 0, 0.0, torch.where(values < 1, black, torch.ones_like(black)))

    def sample(self, generator: torch.Generator) -> Tensor:
        return torch.bernoulli(self.mean, generator=generator)


@dataclass(frozen=True)
class Beta(Distribution):
    """Beta(alpha, beta), the head of ConvNADE-Beta-Color (Emmett-Iwaniw & Kirk, section 3.1); both are shapes.

    clamp  `log_prob` moves values into [clamp, 1 - clamp] first, as the paper does with 1e-5: the density is 0 or
           infinite at the ends. What is earned or lost at saturated pixels depends on it: name it beside any number.
           `log_mass` needs none.
    """

    alpha: Tensor
    beta: Tensor
    clamp: float = 1e-5

    @property
    def mean(self) -> Tensor:
        return self.alpha / (self.alpha + self.beta)

    @property
    def variance(self) -> Tensor:
        total = self.alpha + self.beta
        return (self.alpha / total) * (self.beta / total) / (total + 1)

    def log_prob(self, values: Tensor) -> Tensor:
        a, b = self.alpha, self.beta
        if not a.requires_grad:
            # the terms of sharp densities nearly cancel: a step of training bears what float32 loses, a result does not
            a, b, values = a.double(), b.double(), values.double()
        values = values.clamp(self.clamp, 1 - self.clamp)
        normaliser = torch.lgamma(a) + torch.lgamma(b) - torch.lgamma(a + b)
        return ((a - 1) * values.log() + (b - 1) * torch.log1p(-values) - normaliser).sum(1).to(self.alpha.dtype)

    def cdf(self, values: Tensor) -> Tensor:
        return self.special("betainc", values.double().clamp(0, 1))

    def log_mass(self, values: Tensor, levels: int = 256) -> Tensor:
        low, high = (edge.clamp(0, 1) for edge in level_edges(values, levels))
        # the difference of whichever tail is the smaller keeps its digits
        below = self.special("betainc", high) - self.special("betainc", low)
        above = self.special("betaincc", low) - self.special("betaincc", high)
        return torch.maximum(below, above).clamp_min(math.exp(LOG_TINY)).log().sum(1)

    def quantile(self, probability: float) -> Tensor:
        return self.special("betaincinv", torch.full_like(self.alpha, probability, dtype=torch.float64)).float()

    def sample(self, generator: torch.Generator) -> Tensor:
        # log G(a) = log G(a + 1) + log(U) / a keeps shapes near zero from underflowing to 0 / 0
        log_a, log_b = (log_gamma_draw(shape.double(), generator) for shape in (self.alpha, self.beta))
        return torch.sigmoid(log_a - log_b).float()

    def special(self, name: str, values: Tensor) -> Tensor:
        """A function of the incomplete beta family, which torch lacks, from SciPy (float64, no gradient)."""
        from scipy import special

        arrays = (t.detach().double().cpu().numpy() for t in (self.alpha, self.beta, values))
        return torch.from_numpy(getattr(special, name)(*arrays)).to(self.alpha.device)


def log_gamma_draw(shape: Tensor, generator: torch.Generator) -> Tensor:
    """The logarithm of a draw from Gamma(shape, 1)"""
    draw = torch._standard_gamma(shape + 1, generator=generator)
    uniform = torch.rand(shape.shape, generator=generator, dtype=shape.dtype, device=shape.device)
    return draw.log() + uniform.clamp_min(1e-300).log() / shape


@dataclass(frozen=True)
class GaussianMixture(Distribution):
    """A mixture of Gaussians for every channel by itself, clipped to [0, 1].

    log_weights, means, log_scales  (batch, channels, components, height, width); log_weights need not be normalised
    """

    log_weights: Tensor
    means: Tensor
    log_scales: Tensor

    @property
    def weights(self) -> Tensor:
        return self.log_weights.double().softmax(2)

    @property
    def mean(self) -> Tensor:
        first, _ = clipped_moments(self.means, self.log_scales.exp())
        return (self.weights * first).sum(2).to(self.means.dtype)

    @property
    def variance(self) -> Tensor:
        first, second = clipped_moments(self.means, self.log_scales.exp())
        mean = (self.weights * first).sum(2)
        return ((self.weights * second).sum(2) - mean.square()).clamp_min(0).to(self.means.dtype)

    def log_prob(self, values: Tensor) -> Tensor:
        standard = (values.unsqueeze(2) - self.means) * (-self.log_scales).exp()
        log_density = -0.5 * (standard.square() + math.log(2 * math.pi)) - self.log_scales
        return torch.logsumexp(self.log_weights.log_softmax(2) + log_density, 2).sum(1)

    def log_mass(self, values: Tensor, levels: int = 256) -> Tensor:
        edges = (edge.unsqueeze(2) for edge in level_edges(values, levels))
        low, high = ((edge - self.means) * (-self.log_scales).exp() for edge in edges)
        return torch.logsumexp(self.log_weights.double().log_softmax(2) + log_normal_mass(low, high), 2).sum(1)

    def cdf(self, values: Tensor) -> Tensor:
        values = values.double() if values.ndim == 0 else values.double().unsqueeze(2)
        standard = (values - self.means.double()) * (-self.log_scales).exp()
        return (self.weights * torch.special.ndtr(standard)).sum(2)

    def sample(self, generator: torch.Generator) -> Tensor:
        uniform = torch.rand(self.means.shape, generator=generator, device=self.means.device)
        # Gumbel's trick: the largest of perturbed log weights is a draw of the component
        chosen = (self.log_weights - (-uniform.clamp(1e-7, 1 - 1e-7).log()).log()).argmax(2, keepdim=True)
        mean, scale = self.means.gather(2, chosen)[:, :, 0], self.log_scales.gather(2, chosen)[:, :, 0].exp()
        return (mean + scale * torch.randn(mean.shape, generator=generator, device=mean.device)).clamp(0, 1)


@dataclass(frozen=True)
class Gaussian(Distribution):
    """A Gaussian for every pixel with its channels coupled, clipped to [0, 1].

    location  (batch, channels, height, width)
    factor    (batch or 1, height, width, channels, channels), lower Cholesky factor of each pixel's covariance
    """

    location: Tensor
    factor: Tensor

    @property
    def scale(self) -> Tensor:
        """Standard deviation of each channel before clipping, (batch or 1, channels, height, width)"""
        return self.factor.square().sum(-1).sqrt().movedim(-1, 1)

    @property
    def mean(self) -> Tensor:
        return clipped_moments(self.location, self.scale)[0].to(self.location.dtype)

    @property
    def variance(self) -> Tensor:
        first, second = clipped_moments(self.location, self.scale)
        return (second - first.square()).clamp_min(0).to(self.location.dtype)

    def log_prob(self, values: Tensor) -> Tensor:
        whitened = self.whiten(values)
        log_diagonal = self.factor.diagonal(dim1=-2, dim2=-1).log().sum(-1)
        size = self.location.shape[1]
        return -0.5 * (whitened.square().sum(-1) + size * math.log(2 * math.pi)) - log_diagonal

    def log_mass(self, values: Tensor, levels: int = 256) -> Tensor:
        """Chain rule over the channels: each given the levels of those before it, so that all levels sum to one."""
        low, high = (edge.movedim(1, -1) for edge in level_edges(values, levels))
        level = (values.double().clamp(0, 1) * (levels - 1)).round() / (levels - 1)
        diagonal = self.factor.diagonal(dim1=-2, dim2=-1).double()
        # a channel's level less its own surprise is where those before it move its centre to
        centre = level.movedim(1, -1) - diagonal * self.whiten(level)
        return log_normal_mass((low - centre) / diagonal, (high - centre) / diagonal).sum(-1)

    def whiten(self, values: Tensor) -> Tensor:
        """(batch, height, width, channels), in the precision of `values`"""
        deviation = (values - self.location).movedim(1, -1).unsqueeze(-1)
        factor = self.factor.to(deviation).expand(*deviation.shape[:-2], -1, -1)
        return torch.linalg.solve_triangular(factor, deviation, upper=False).squeeze(-1)

    def cdf(self, values: Tensor) -> Tensor:
        return torch.special.ndtr((values.double() - self.location.double()) / self.scale)

    def pixel(self, row: int, column: int, image: int = 0) -> Gaussian:
        at = (slice(row, row + 1), slice(column, column + 1))
        factor = self.factor.expand(len(self.location), -1, -1, -1, -1)
        return Gaussian(self.location[image : image + 1, :, *at], factor[image : image + 1, *at])

    def quantile(self, probability: float) -> Tensor:
        distance = torch.special.ndtri(torch.tensor(probability, dtype=torch.float64)).item()
        return (self.location + distance * self.scale).clamp(0, 1)

    def sample(self, generator: torch.Generator) -> Tensor:
        noise = torch.randn(self.location.movedim(1, -1).shape, generator=generator, device=self.location.device)
        return (self.location + (self.factor @ noise.unsqueeze(-1)).squeeze(-1).movedim(-1, 1)).clamp(0, 1)


@dataclass(frozen=True)
class Point(Distribution):
    """A mean alone, which is what an interpolator gives: every question about spread raises PredictionError."""

    location: Tensor
    has_spread = False

    @property
    def mean(self) -> Tensor:
        return self.location.clamp(0, 1)

    @property
    def variance(self) -> Tensor:
        raise self.silent()

    def log_prob(self, values: Tensor) -> Tensor:
        raise self.silent()

    def log_mass(self, values: Tensor, levels: int = 256) -> Tensor:
        raise self.silent()

    def cdf(self, values: Tensor) -> Tensor:
        raise self.silent()

    def interval(self, level: float) -> tuple[Tensor, Tensor]:
        raise self.silent()

    def sample(self, generator: torch.Generator) -> Tensor:
        raise self.silent()

    @staticmethod
    def silent() -> PredictionError:
        return PredictionError("This method gives a mean alone: it does not say how sure it is.")


def clipped_moments(mean: Tensor, scale: Tensor) -> tuple[Tensor, Tensor]:
    """First and second moment of clip(x, 0, 1) for x ~ N(mean, scale^2) (the doubly censored normal), in float64:
    a narrow one's variance is what is left of two numbers near one."""
    mean, scale = mean.double(), scale.double().clamp_min(1e-6)
    low, high = -mean / scale, (1 - mean) / scale
    below, above = torch.special.ndtr(low), torch.special.ndtr(-high)
    inside = 1 - below - above
    density_low, density_high = ((-0.5 * edge.square()).exp() / math.sqrt(2 * math.pi) for edge in (low, high))
    first = mean * inside + scale * (density_low - density_high)
    # E[x^2; inside]: the boundary terms are those of the truncated normal's second moment
    second = mean * first + scale.square() * inside - scale * density_high
    return (first + above).clamp(0, 1), (second + above).clamp(0, 1)


def log_normal_mass(low: Tensor, high: Tensor) -> Tensor:
    """log(Phi(high) - Phi(low)) for low < high, in float64 and without cancellation in either tail."""
    low, high = low.double(), high.double()
    # both edges on the right: the mirror image has the same mass and its digits
    flip = low > 0
    low, high = torch.where(flip, -high, low), torch.where(flip, -low, high)
    log_high, log_low = torch.special.log_ndtr(high), torch.special.log_ndtr(low)
    return log_high + torch.log1p(-(log_low - log_high).clamp(max=0).exp()).clamp_min(LOG_TINY)
