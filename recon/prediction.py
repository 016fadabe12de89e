"""The answer to an observation: one distribution a pixel."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from recon import patches
from recon.distributions import Distribution
from recon.distributions.base import finite
from recon.errors import PredictionError
from recon.observation import Observation


class Predictor(Protocol):
    """Whatever answers an observation: a model with weights, or a classical method."""

    kind: str
    binary: bool  # pixels are 0 or 1
    exact_joint: bool  # `sample_joint` draws joint samples in closed form

    @property
    def device(self) -> torch.device: ...

    def check(self, observation: Observation) -> None: ...

    def predict(self, observation: Observation) -> Prediction: ...

    def in_turn(self) -> Callable[[Observation, Tensor], Prediction]: ...

    def sample_joint(
        self, observation: Observation, count: int, generator: torch.Generator, temperature: float = 1.0
    ) -> Tensor: ...


@dataclass(frozen=True, eq=False)
class Prediction:
    """A distribution for every hidden pixel; an observed one is known: its value, with no spread and no surprise.

    distribution  the model's marginals, shapes (batch, channels, height, width)
    observation   what they were conditioned on
    """

    distribution: Distribution
    observation: Observation

    @property
    def has_spread(self) -> bool:
        """False for an interpolator that gives a mean alone."""
        return self.distribution.has_spread

    def picture(self, image: int) -> Prediction:
        """What is said of one image of the batch"""
        known = Observation(self.observation.values[image][None], self.observation.mask[image][None])
        return Prediction(self.distribution.picture(image), known)

    @property
    def mean(self) -> Tensor:
        """(batch, channels, height, width) in [0, 1]. PredictionError, as from `variance`, `interval` and
        `sample`, where a model gives what is no number."""
        return finite(self.known(self.distribution.mean, self.observation.values))

    @property
    def variance(self) -> Tensor:
        """(batch, channels, height, width), in squared units of [0, 1]; 0 where observed"""
        return finite(self.known(self.distribution.variance, 0.0))

    def interval(self, level: float = 0.9) -> tuple[Tensor, Tensor]:
        """Central interval (low, high) that holds `level` of the probability; each (batch, channels, height, width)."""
        if not 0 < level < 1:
            raise PredictionError(f"The level of an interval lies between 0 and 1, not at {level}.")
        low, high = self.distribution.interval(level)
        values = self.observation.values
        return finite(self.known(low, values)), finite(self.known(high, values))

    def log_prob(self, values: Tensor) -> Tensor:
        """Log density in nats of each pixel's `values`, channels together: (batch, height, width); 0 where observed.

        For a Bernoulli prediction it is a log probability.
        """
        return self.hidden(self.distribution.log_prob(whole(self.observation, values)))

    def log_mass(self, values: Tensor, levels: int = 256) -> Tensor:
        """Log probability in nats of each pixel's values as one of `levels` per channel: (batch, height, width).

        `values` in [0, 1] are rounded to the nearest level k / (levels - 1), whose share is the probability between
        the half-way points to its neighbours; the first and the last level hold all that lies beyond. 0 where observed.
        PredictionError unless there are two levels or more.
        """
        if not patches.is_whole(levels) or levels < 2:
            raise PredictionError(f"Values are one of two levels or more, not of {levels}.")
        return self.hidden(self.distribution.log_mass(whole(self.observation, values), levels))

    def sample(self, generator: torch.Generator, temperature: float = 1.0) -> Tensor:
        """Each pixel by itself, (batch, channels, height, width): right at every pixel, but not one picture.

        For pictures whose pixels agree see `recon.sample`.
        """
        distribution = self.distribution if temperature == 1 else self.distribution.tempered(temperature)
        return finite(self.known(distribution.sample(generator), self.observation.values))

    def known(self, values: Tensor, observed: Tensor | float) -> Tensor:
        return torch.where(self.observation.mask, observed, values)

    def hidden(self, nats: Tensor) -> Tensor:
        return torch.where(self.observation.mask[:, 0], 0.0, nats)


def whole(observation: Observation, values: Tensor) -> Tensor:
    """True values of whole images, (batch, channels, height, width), on the observation's device; where something was
    observed it is that. PredictionError where they are of another shape, or a hidden one is no number in [0, 1]."""
    known = observation.values
    if values.shape != known.shape:
        raise PredictionError(f"Values must have the shape {tuple(known.shape)}, not {tuple(values.shape)}.")
    return in_unit(torch.where(observation.mask, known, values.to(known)))


def in_unit(values: Tensor) -> Tensor:
    """True values; PredictionError unless all are numbers in [0, 1]."""
    if not bool(((values >= 0) & (values <= 1)).all()):
        raise PredictionError("True values are numbers between 0 and 1: of uint8 pictures, divide by 255.")
    return values
