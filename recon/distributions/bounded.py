"""Distributions that know that pixels lie in [0, 1]: Bernoulli and Beta."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from recon.distributions.base import LOG_TINY, Distribution, finite, level_edges
from recon.errors import PredictionError


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
        return torch.bernoulli(finite(self.mean), generator=generator)

    def tempered(self, temperature: float) -> Bernoulli:
        return Bernoulli(self.logits / temperature)


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

    def tempered(self, temperature: float) -> Beta:
        """A power that has no integral, of a shape near 0 under a low temperature, is kept from it."""
        alpha, beta = (((shape - 1) / temperature + 1).clamp_min(1e-3) for shape in (self.alpha, self.beta))
        return Beta(alpha, beta, self.clamp)

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
