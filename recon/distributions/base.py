"""What every distribution answers, and the one of a method that gives a mean alone."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from typing import Self

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

    @property
    def moments(self) -> tuple[Tensor, Tensor]:
        """First and second, float64, of the same shape"""
        first = self.mean.double()
        return first, self.variance.double() + first.square()

    @abstractmethod
    def log_prob(self, values: Tensor) -> Tensor:
        """Log density in nats at `values`, of the shape above, channels together: (batch, height, width)"""

    @abstractmethod
    def sample(self, generator: torch.Generator) -> Tensor:
        """One draw of every pixel by itself, (batch, channels, height, width) in [0, 1]"""

    @abstractmethod
    def tempered(self, temperature: float) -> Distribution:
        """Of the same family, its density to the power of 1 / temperature; of a mixture, each component's and each
        weight's by itself."""

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

    def each(self, of: Callable[[Tensor], Tensor]) -> Self:
        """The same with `of` each of its tensors in its place"""
        tensors = {f.name: getattr(self, f.name) for f in fields(self) if isinstance(getattr(self, f.name), Tensor)}
        return replace(self, **{name: of(tensor) for name, tensor in tensors.items()})

    def picture(self, image: int) -> Distribution:
        """The distribution of one image of the batch, as a batch of one."""
        return self.each(lambda t: t[min(image, len(t) - 1)][None])

    def pixel(self, row: int, column: int, image: int = 0) -> Distribution:
        """The distribution of one pixel, as one of a single image of 1 x 1."""
        return self.each(lambda t: t[image : image + 1, ..., row : row + 1, column : column + 1])


def finite(values: Tensor) -> Tensor:
    """The same; PredictionError where they are not all numbers, as of a model whose weights are none."""
    if not bool(values.isfinite().all()):
        raise PredictionError("This model's answer has values that are no numbers, so it is not shown.")
    return values


def share_within(below: Tensor, above: Tensor, low: float, high: float) -> Tensor:
    """How much of each level, which reaches from `below` to `above` in its distribution, lies between two
    probabilities, its mass spread evenly over its part (Czado, Gneiting & Held 2009)."""
    below, above = with_mass(below, above)
    return (above.clamp(low, high) - below.clamp(low, high)) / (above - below)


def with_mass(below: Tensor, above: Tensor) -> tuple[Tensor, Tensor]:
    """The same parts, float64, where a level is out of all bounds of a little mass: it too is somewhere."""
    below, above = below.double(), above.double()
    wide = (above - below).clamp_min(1e-12)
    below = torch.minimum(below, 1 - wide)
    return below, below + wide


def level_edges(values: Tensor, levels: int) -> tuple[Tensor, Tensor]:
    """Lower and upper edge of the level nearest to each value, float64; the outer levels reach to -+BEYOND."""
    level = (values.double().clamp(0, 1) * (levels - 1)).round()
    low = torch.where(level == 0, -BEYOND, (level - 0.5) / (levels - 1))
    high = torch.where(level == levels - 1, BEYOND, (level + 0.5) / (levels - 1))
    return low, high


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

    def tempered(self, temperature: float) -> Distribution:
        raise self.silent()

    @staticmethod
    def silent() -> PredictionError:
        return PredictionError("This method gives a mean alone: it does not say how sure it is.")
