"""A mixture of Gaussians for every pixel, each with one variance for all channels, clipped to [0, 1]."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from recon.distributions.base import Distribution, level_edges
from recon.distributions.gaussians import clipped_moments, log_normal_mass


@dataclass(frozen=True)
class IsotropicMixture(Distribution):
    """Channels go together by the choice of the component, and are independent in each.

    log_weights  (batch, components, height, width), not necessarily normalised
    means        (batch, components, channels, height, width)
    log_scales   (batch, components, height, width)
    """

    log_weights: Tensor
    means: Tensor
    log_scales: Tensor

    @property
    def weights(self) -> Tensor:
        """(batch, components, 1, height, width), float64"""
        return self.log_weights.double().softmax(1).unsqueeze(2)

    @property
    def spread(self) -> Tensor:
        """Standard deviations before clipping, (batch, components, 1, height, width)"""
        return self.log_scales.exp().unsqueeze(2)

    @cached_property
    def moments(self) -> tuple[Tensor, Tensor]:
        first, second = clipped_moments(self.means, self.spread)
        return (self.weights * first).sum(1), (self.weights * second).sum(1)

    @property
    def mean(self) -> Tensor:
        return self.moments[0].to(self.means.dtype)

    @property
    def variance(self) -> Tensor:
        first, second = self.moments
        return (second - first.square()).clamp_min(0).to(self.means.dtype)

    def log_prob(self, values: Tensor) -> Tensor:
        size = values.shape[1]
        distance = ((values.unsqueeze(1) - self.means) / self.spread).square().sum(2)
        each = -0.5 * distance - size * (self.log_scales + 0.5 * math.log(2 * math.pi))
        return torch.logsumexp(self.log_weights.log_softmax(1) + each, 1)

    def log_mass(self, values: Tensor, levels: int = 256) -> Tensor:
        low, high = ((edge.unsqueeze(1) - self.means) / self.spread for edge in level_edges(values, levels))
        return torch.logsumexp(self.log_weights.double().log_softmax(1) + log_normal_mass(low, high).sum(2), 1)

    def tempered(self, temperature: float) -> IsotropicMixture:
        weights = self.log_weights.log_softmax(1) / temperature
        return IsotropicMixture(weights, self.means, self.log_scales + 0.5 * math.log(temperature))

    def cdf(self, values: Tensor) -> Tensor:
        values = values.double() if values.ndim == 0 else values.double().unsqueeze(1)
        return (self.weights * torch.special.ndtr((values - self.means) / self.spread.double())).sum(1)

    def sample(self, generator: torch.Generator) -> Tensor:
        weights = self.log_weights.softmax(1).movedim(1, -1)
        drawn = torch.multinomial(weights.flatten(0, -2), 1, generator=generator).view(weights.shape[:-1])[:, None]
        mean = self.means.take_along_dim(drawn[:, :, None], 1)[:, 0]
        noise = torch.randn(mean.shape, generator=generator, device=mean.device)
        return (mean + self.log_scales.take_along_dim(drawn, 1).exp() * noise).clamp(0, 1)
