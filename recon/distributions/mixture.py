"""A mixture of whole distributions: each image's own weights over some of a few models' answers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from recon.distributions.base import Distribution


@dataclass(frozen=True)
class Part:
    """What one component says, of those images alone to which it matters.

    images   indices into the batch, int64 (n,)
    weights  of the component for each of them, float64 (n,)
    answer   distribution of these n images
    """

    images: Tensor
    weights: Tensor
    answer: Distribution


@dataclass(frozen=True)
class Mixture(Distribution):
    """For every image a mixture of its parts; the weights of one image, over the parts that have it, sum to one.

    Every pixel by itself is distributed so; that all pixels of a picture share their component is for joint samples.
    """

    batch: int
    parts: tuple[Part, ...]

    def total(self, of: Callable[[Part], Tensor]) -> Tensor:
        """Sum over the parts of weights times `of` a part, (n, ...): (batch, ...), float64"""
        found: Tensor | None = None
        for part in self.parts:
            each = of(part).double()
            found = each.new_zeros(self.batch, *each.shape[1:]) if found is None else found
            found[part.images] += part.weights.view(-1, *[1] * (each.ndim - 1)) * each
        assert found is not None
        return found

    @cached_property
    def moments(self) -> tuple[Tensor, Tensor]:
        """First and second, float64 (batch, channels, height, width)"""
        return self.total(lambda part: part.answer.moments[0]), self.total(lambda part: part.answer.moments[1])

    @property
    def mean(self) -> Tensor:
        return self.moments[0].float()

    @property
    def variance(self) -> Tensor:
        first, second = self.moments
        return (second - first.square()).clamp_min(0).float()

    def log_prob(self, values: Tensor) -> Tensor:
        return self.mixed(lambda part: part.answer.log_prob(values[part.images]))

    def log_mass(self, values: Tensor, levels: int = 256) -> Tensor:
        return self.mixed(lambda part: part.answer.log_mass(values[part.images], levels))

    def mixed(self, of: Callable[[Part], Tensor]) -> Tensor:
        """Log of the sum of weights times exp(`of` a part), (n, height, width): (batch, height, width), float64"""
        found: Tensor | None = None
        for part in self.parts:
            each = of(part).double() + part.weights.log().view(-1, 1, 1)
            found = each.new_full((self.batch, *each.shape[1:]), -torch.inf) if found is None else found
            found[part.images] = torch.logaddexp(found[part.images], each)
        assert found is not None
        return found

    def cdf(self, values: Tensor) -> Tensor:
        common = values.ndim < 4 or len(values) == 1
        return self.total(lambda part: part.answer.cdf(values if common else values[part.images]))

    def sample(self, generator: torch.Generator) -> Tensor:
        found = torch.zeros_like(self.mean)
        level = torch.rand(found[:, :1].shape, generator=generator, device=found.device)
        reached = torch.zeros(self.batch, 1, 1, 1, dtype=torch.float64, device=found.device)
        for part in self.parts:  # a pixel is of the last part whose range of levels begins below its own
            theirs = level[part.images] >= reached[part.images]
            found[part.images] = torch.where(theirs, part.answer.sample(generator), found[part.images])
            reached[part.images] += part.weights.view(-1, 1, 1, 1)
        return found

    def tempered(self, temperature: float) -> Mixture:
        raised = [part.weights ** (1 / temperature) for part in self.parts]
        sums = torch.zeros(self.batch, dtype=torch.float64, device=raised[0].device)
        for part, weights in zip(self.parts, raised, strict=True):
            sums[part.images] += weights
        return Mixture(
            self.batch,
            tuple(
                Part(part.images, weights / sums[part.images], part.answer.tempered(temperature))
                for part, weights in zip(self.parts, raised, strict=True)
            ),
        )

    def picture(self, image: int) -> Mixture:
        return self.part_of(image, lambda answer, place: answer.picture(place))

    def pixel(self, row: int, column: int, image: int = 0) -> Mixture:
        return self.part_of(image, lambda answer, place: answer.pixel(row, column, place))

    def part_of(self, image: int, of: Callable[[Distribution, int], Distribution]) -> Mixture:
        """`of` each part that has the image, which stands at a place of its own in it"""
        found = []
        for part in self.parts:
            for place in (part.images == image).nonzero()[:, 0].tolist():
                answer = of(part.answer, place)
                found.append(Part(torch.zeros_like(part.images[:1]), part.weights[place : place + 1], answer))
        return Mixture(1, tuple(found))
