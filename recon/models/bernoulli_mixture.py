"""The closed form of binary pictures: a mixture of Bernoullis, one a pixel in each component, also known as latent
class analysis (Bishop 2006, section 9.3.3, who fits it to digits).

Given the component pixels are independent, so that any observed ones tell by Bayes' rule how likely each component is,
and the hidden ones are a mixture of what the components say.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Self

import torch
from torch import Tensor
from torch.nn import functional as F

from recon.distributions import Bernoulli
from recon.errors import PredictionError
from recon.models.base import Model
from recon.observation import Observation

STEPS = 20  # of expectation-maximisation; further ones fit the training pictures only
START = 0.5  # share of a random picture in a component at the start; the rest is the mean
PART = 5000  # pictures at a time


class BernoulliMixture(Model):
    """Mixture of Bernoullis over side x side pictures of 0 and 1; dimensions run as (channel, row, column).

    Buffers: `logits` float16 (components, dims), of white; `log_weights` float32 (components,).
    """

    kind = "bernoulli_mixture"
    binary = True
    exact_joint = True
    logits: Tensor
    log_weights: Tensor

    def __init__(self, *, side: int, channels: int, components: int):
        super().__init__()
        self.side, self.channels = side, channels
        self.register_buffer("logits", torch.zeros(components, channels * side**2, dtype=torch.float16))
        self.register_buffer("log_weights", torch.zeros(components).log_softmax(0))

    @classmethod
    @torch.no_grad()
    def fit(cls, batches: Iterable[Tensor], components: int, seed: int = 0) -> Self:
        """By expectation-maximisation from `components` random pictures, one picture's worth of the mean added to each.

        batches  float (batch, channels, side, side), 0 or 1

        Raises PredictionError where there are fewer pictures than components, or values between black and white.
        """
        parts = [batch.cpu() for batch in batches]
        pictures = torch.cat(parts) if parts else torch.empty(0, 1, 1, 1)
        if len(pictures) < components:
            raise PredictionError(f"A mixture of {components} needs as many pictures; there are {len(pictures)}.")
        if not bool(((pictures == 0) | (pictures == 1)).all()):
            raise PredictionError("A mixture of Bernoullis is fitted to black and white pictures: binarise them.")
        model = cls(side=pictures.shape[-1], channels=pictures.shape[1], components=components)
        flat = pictures.flatten(1)
        mean = (flat.sum(0) + 0.5) / (len(flat) + 1)
        first = torch.randperm(len(flat), generator=torch.Generator().manual_seed(seed))[:components]
        white = START * flat[first] + (1 - START) * mean
        log_weights = model.log_weights.clone()
        for _ in range(STEPS):
            odds, constant = white.logit(), (-white).log1p().sum(1) + log_weights
            total, seen = torch.zeros(components), torch.zeros_like(white)
            for part in flat.split(PART):
                share = (part @ odds.T + constant).softmax(1)
                total += share.sum(0)
                seen += share.T @ part
            white = (seen + mean) / (total[:, None] + 1)
            log_weights = ((total + 1) / (total + 1).sum()).log()
        model.logits.copy_(white.logit())
        model.log_weights.copy_(log_weights)
        return model

    def log_posterior(self, observation: Observation) -> Tensor:
        """Of the components given what is observed: (batch, components)"""
        mask = observation.mask.expand_as(observation.values).flatten(1).float()
        white, logits = observation.values.flatten(1) * mask, self.logits.float()
        evidence = white @ logits.T - mask @ F.softplus(logits).T
        return (evidence + self.log_weights).log_softmax(1)

    @torch.no_grad()
    def distribution(self, observation: Observation) -> Bernoulli:
        posterior = self.log_posterior(observation).exp()
        logits = self.logits.float()
        white, black = posterior @ logits.sigmoid(), posterior @ (-logits).sigmoid()
        return Bernoulli((white.log() - black.log()).view_as(observation.values))

    @torch.no_grad()
    def sample_joint(
        self, observation: Observation, count: int, generator: torch.Generator, temperature: float = 1.0
    ) -> Tensor:
        """Exact joint samples given one image's observation: (count, channels, side, side), 0 or 1.

        temperature  divides the logits of the chosen component
        """
        self.check(observation)
        observation = observation.to(self.device)
        posterior = self.log_posterior(observation)[0].exp()
        chosen = torch.multinomial(posterior, count, replacement=True, generator=generator)
        white = (self.logits[chosen].float() / temperature).sigmoid()
        drawn = torch.bernoulli(white, generator=generator).view(count, *observation.values.shape[1:])
        return torch.where(observation.mask, observation.values, drawn)
