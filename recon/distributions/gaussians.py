"""Gaussians and mixtures of them, clipped to [0, 1]: one a channel, or one a pixel with its channels coupled.

Each keeps its first two `moments`, float64 (batch, channels, height, width): mean and variance are asked for together.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Self

import torch
from torch import Tensor

from recon.distributions.base import Distribution, finite, level_edges
from recon.distributions.clipped import clipped_moments, log_normal_mass

MOST_STEPS = 40  # to a quantile; seven are usual
NEAR = 2**-24
WEIGHTLESS = 1e-6  # a component of no more weight at any pixel has no part in mean and variance


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

    @cached_property
    def moments(self) -> tuple[Tensor, Tensor]:
        first, second = clipped_moments(self.means, self.log_scales.exp())
        weights = self.weights
        return (weights * first).sum(2), (weights * second).sum(2)

    @property
    def mean(self) -> Tensor:
        return self.moments[0].to(self.means.dtype)

    @property
    def variance(self) -> Tensor:
        first, second = self.moments
        return (second - first.square()).clamp_min(0).to(self.means.dtype)

    def log_prob(self, values: Tensor) -> Tensor:
        standard = (values.unsqueeze(2) - self.means) * (-self.log_scales).exp()
        log_density = -0.5 * (standard.square() + math.log(2 * math.pi)) - self.log_scales
        return torch.logsumexp(self.log_weights.log_softmax(2) + log_density, 2).sum(1)

    def log_mass(self, values: Tensor, levels: int = 256) -> Tensor:
        edges = (edge.unsqueeze(2) for edge in level_edges(values, levels))
        low, high = ((edge - self.means) * (-self.log_scales).exp() for edge in edges)
        return torch.logsumexp(self.log_weights.double().log_softmax(2) + log_normal_mass(low, high), 2).sum(1)

    def tempered(self, temperature: float) -> GaussianMixture:
        wider = self.log_scales + 0.5 * math.log(temperature)
        return GaussianMixture(self.log_weights.log_softmax(2) / temperature, self.means, wider)

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

    @cached_property
    def moments(self) -> tuple[Tensor, Tensor]:
        return clipped_moments(self.location, self.scale)

    @property
    def mean(self) -> Tensor:
        return self.moments[0].to(self.location.dtype)

    @property
    def variance(self) -> Tensor:
        first, second = self.moments
        return (second - first.square()).clamp_min(0).to(self.location.dtype)

    def log_prob(self, values: Tensor) -> Tensor:
        whitened = self.whiten(values)
        log_diagonal = self.factor.diagonal(dim1=-2, dim2=-1).log().sum(-1)
        size = self.location.shape[1]
        return -0.5 * (whitened.square().sum(-1) + size * math.log(2 * math.pi)) - log_diagonal

    def log_mass(self, values: Tensor, levels: int = 256) -> Tensor:
        """Chain rule over the channels: each given the levels of those before it, so that all levels sum to one. Given
        that a channel is saturated, the next is given 0 or 1, not all that lies beyond: less than the truth where
        several are."""
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

    def tempered(self, temperature: float) -> Gaussian:
        return Gaussian(self.location, self.factor * math.sqrt(temperature))

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
class ClippedMixture(Distribution):
    """A mixture of Gaussians for every pixel, clipped to [0, 1]; the channels go together by the choice of component.

    log_weights  (batch, components, height, width), not necessarily normalised
    location     (batch, components, channels, height, width)
    Sizes of 1 stand for what is common to all images, components or pixels. A subclass adds the spread; its tensors,
    too, have images along their first axis and components along the second.
    """

    log_weights: Tensor
    location: Tensor

    @property
    def weights(self) -> Tensor:
        """Normalised, one for all channels: (batch, components, 1, height, width), float64"""
        return self.log_weights.double().softmax(1).unsqueeze(2)

    @property
    def scale(self) -> Tensor:
        """Standard deviation of each channel before clipping, (batch, components, channels or 1, height, width)"""
        raise NotImplementedError

    @cached_property
    def moments(self) -> tuple[Tensor, Tensor]:
        weights = self.weights
        heavy = ~(weights.amax((0, 2, 3, 4)) <= WEIGHTLESS)  # so that what is no number is among them
        few, weights = self.some(heavy), weights[:, heavy]  # of a scale mixture half
        first, second = clipped_moments(few.location, few.scale)
        return (weights * first).sum(1), (weights * second).sum(1)

    def some(self, which: Tensor) -> Self:
        """Of some components alone, bool (components,)"""
        return self.each(lambda t: t[:, which] if t.shape[1] > 1 else t)

    @property
    def mean(self) -> Tensor:
        return self.moments[0].to(self.location.dtype)

    @property
    def variance(self) -> Tensor:
        first, second = self.moments
        return (second - first.square()).clamp_min(0).to(self.location.dtype)

    def cdf(self, values: Tensor) -> Tensor:
        values = values.double() if values.ndim == 0 else values.double().unsqueeze(1)
        return (self.weights * torch.special.ndtr((values - self.location) / self.scale.double())).sum(1)

    def quantile(self, probability: float) -> Tensor:
        """By Newton's steps to 2^-24, halving where one would leave what is known to hold the quantile: it lies between
        the least and the greatest of the components' own."""
        tensors = torch.broadcast_tensors(self.weights, self.location.double(), self.scale.double())
        shape = tensors[1][:, 0].shape
        weights, location, scale = (tensor.movedim(1, 0).flatten(1) for tensor in tensors)
        found = location.new_empty(shape.numel())
        each = location + scale * torch.special.ndtri(location.new_tensor(probability))
        low, high = each.amin(0).clamp(0, 1), each.amax(0).clamp(0, 1)
        under, over = ((weights * torch.special.ndtr((edge - location) / scale)).sum(0) for edge in (0, 1))
        low, high = low.where(over > probability, 1), high.where(under < probability, 0)  # what lies beyond is the edge
        at, which = (weights * each).sum(0).clamp(low, high), torch.arange(len(found), device=found.device)
        for _ in range(MOST_STEPS):
            standard = (at - location) / scale
            beyond = (weights * torch.special.ndtr(standard)).sum(0) - probability
            low, high = torch.where(beyond < 0, at, low), torch.where(beyond < 0, high, at)
            density = (weights / scale * (-0.5 * standard.square()).exp()).sum(0) / math.sqrt(2 * math.pi)
            before, at = at, at - beyond / density
            at = torch.where((at >= low) & (at <= high), at, (low + high) / 2)
            found[which] = at
            going = (at - before).abs() > NEAR
            count = int(going.sum())
            if not count:
                break
            if 2 * count < len(going):  # a few take long
                weights, location, scale = weights[:, going], location[:, going], scale[:, going]
                at, low, high, which = at[going], low[going], high[going], which[going]
        return found.view(shape).float()


@dataclass(frozen=True)
class CoupledMixture(ClippedMixture):
    """Its channels are coupled in each component.

    factor  (batch, components, height, width, channels, channels), lower Cholesky factors
    """

    factor: Tensor

    @property
    def scale(self) -> Tensor:
        return self.factor.square().sum(-1).movedim(-1, 2).sqrt()

    def log_prob(self, values: Tensor) -> Tensor:
        return self.mixed([component.log_prob(values) for component in self.components()])

    def log_mass(self, values: Tensor, levels: int = 256) -> Tensor:
        """As a `Gaussian`'s, component by component: each sums to one over all levels, so the mixture does."""
        return self.mixed([component.log_mass(values, levels) for component in self.components()])

    def mixed(self, each: list[Tensor]) -> Tensor:
        return torch.logsumexp(self.log_weights.double().log_softmax(1) + torch.stack(each, 1), 1)

    def components(self) -> Iterator[Gaussian]:
        for k in range(self.log_weights.shape[1]):
            location = self.location[:, min(k, self.location.shape[1] - 1)]
            yield Gaussian(location, self.factor[:, min(k, self.factor.shape[1] - 1)])

    def tempered(self, temperature: float) -> Self:
        weights = self.log_weights.log_softmax(1) / temperature
        return replace(self, log_weights=weights, factor=self.factor * math.sqrt(temperature))

    def pixel(self, row: int, column: int, image: int = 0) -> Self:
        def of(tensor: Tensor, axis: int) -> Tensor:
            one = tensor[min(image, len(tensor) - 1)][None]
            return one.narrow(axis, min(row, one.shape[axis] - 1), 1).narrow(
                axis + 1, min(column, one.shape[axis + 1] - 1), 1
            )

        at = {"log_weights": of(self.log_weights, 2), "location": of(self.location, 3), "factor": of(self.factor, 2)}
        return replace(self, **at)

    def sample(self, generator: torch.Generator) -> Tensor:
        chosen = finite(self.weights[:, :, 0].float()).movedim(1, -1)
        shape = torch.broadcast_shapes(chosen.shape[:-1], self.location[:, 0, 0].shape)
        drawn = torch.multinomial(chosen.expand(*shape, -1).flatten(0, -2), 1, generator=generator).view(shape)
        components = [component.sample(generator) for component in self.components()]
        return torch.stack(components, 1).take_along_dim(drawn[:, None, None], 1)[:, 0]


@dataclass(frozen=True)
class ScaledMixture(CoupledMixture):
    """Of Gaussians that differ in scale alone.

    location  (batch, 1, channels, height, width)
    factor    (batch or 1, 1, height, width, channels, channels), at scale 1
    root      (1, components), by which each multiplies the factor
    """

    root: Tensor

    @property
    def scale(self) -> Tensor:
        return super().scale * self.root[:, :, None, None, None]

    def components(self) -> Iterator[Gaussian]:
        for root in self.root[0]:
            yield Gaussian(self.location[:, 0], self.factor[:, 0] * root)
