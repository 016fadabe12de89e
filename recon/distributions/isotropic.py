"""A mixture of Gaussians for every pixel, each with one variance for all channels, clipped to [0, 1]."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from recon.distributions.base import finite, level_edges
from recon.distributions.clipped import log_normal_mass
from recon.distributions.gaussians import ClippedMixture


@dataclass(frozen=True)
class IsotropicMixture(ClippedMixture):
    """Its channels are independent in each component, and have the same variance there.

    log_scales  (batch, components, height, width)
    """

    log_scales: Tensor

    @property
    def scale(self) -> Tensor:
        return self.log_scales.exp().unsqueeze(2)

    def log_prob(self, values: Tensor) -> Tensor:
        size = values.shape[1]
        distance = ((values.unsqueeze(1) - self.location) / self.scale).square().sum(2)
        each = -0.5 * distance - size * (self.log_scales + 0.5 * math.log(2 * math.pi))
        return torch.logsumexp(self.log_weights.log_softmax(1) + each, 1)

    def log_mass(self, values: Tensor, levels: int = 256) -> Tensor:
        low, high = ((edge.unsqueeze(1) - self.location) / self.scale for edge in level_edges(values, levels))
        return torch.logsumexp(self.log_weights.double().log_softmax(1) + log_normal_mass(low, high).sum(2), 1)

    def tempered(self, temperature: float) -> IsotropicMixture:
        weights = self.log_weights.log_softmax(1) / temperature
        return IsotropicMixture(weights, self.location, self.log_scales + 0.5 * math.log(temperature))

    def sample(self, generator: torch.Generator) -> Tensor:
        weights = finite(self.log_weights.softmax(1)).movedim(1, -1)
        drawn = torch.multinomial(weights.flatten(0, -2), 1, generator=generator).view(weights.shape[:-1])[:, None]
        mean = self.location.take_along_dim(drawn[:, :, None], 1)[:, 0]
        noise = torch.randn(mean.shape, generator=generator, device=mean.device)
        return (mean + self.log_scales.take_along_dim(drawn, 1).exp() * noise).clamp(0, 1)
