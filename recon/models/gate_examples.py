"""Hidden pixels of pictures as the parts of a mixture of scale mixtures see them: what its gate learns from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from recon.distributions.base import level_edges
from recon.models.local_features import features
from recon.models.scale_mixture import gated, some_of
from recon.observation import Observation

if TYPE_CHECKING:
    from recon.models.mogsm import MoGSM

PIXELS = 100  # of each picture


@dataclass(frozen=True)
class Examples:
    """Hidden pixels of some pictures under one mask.

    features  (pictures, features, pixels)
    parts     of the mixture
    """

    features: Tensor
    parts: Sequence[ExamplesOfPart]

    def nats(self, lean: Tensor) -> Tensor:
        """Negative log likelihood given logits (pictures, scales, pixels): (pictures, pixels)"""
        total = torch.full_like(lean[:, 0], -torch.inf)
        for part in self.parts:
            found = (part.scales(lean) + part.log_mass).logsumexp(1) + part.weights.log()[:, None]
            total = torch.logaddexp(total, torch.full_like(total, -torch.inf).index_copy(0, part.images, found))
        return -total

    def edges(self, lean: Tensor) -> tuple[Tensor, Tensor]:
        """Where the true levels begin and end in their distributions, each (pictures, channels, pixels)"""
        below, above = (torch.zeros(len(lean), *self.parts[0].below.shape[2:], device=lean.device) for _ in range(2))
        for part in self.parts:
            weights = part.weights[:, None, None, None] * part.scales(lean).exp()[:, :, None]
            below.index_add_(0, part.images, (weights * part.below).sum(1))
            above.index_add_(0, part.images, (weights * part.above).sum(1))
        return below, above


@dataclass(frozen=True)
class ExamplesOfPart:
    """What one part of the mixture says of them.

    images       of those to which it matters, (n,)
    weights      its weight for each, (n,)
    posterior    of the picture's scale, (n, scales)
    log_kernel   of the pixel's given the picture's, (scales, scales)
    log_mass     of the true level at every scale, (n, scales, pixels)
    below        where it begins in each channel's distribution at every scale, (n, scales, channels, pixels)
    above        where it ends
    """

    images: Tensor
    weights: Tensor
    posterior: Tensor
    log_kernel: Tensor
    log_mass: Tensor
    below: Tensor
    above: Tensor

    def scales(self, lean: Tensor) -> Tensor:
        """Log probabilities of every pixel's scale, (n, scales, pixels)"""
        return gated(self.posterior, self.log_kernel, lean[self.images])


def examples(mixture: MoGSM, pictures: Tensor, mask: Tensor, generator: torch.Generator) -> Examples:
    """Some hidden pixels of each picture, of which the same are observed, bool (pixels,)."""
    side = mixture.side
    few = some_of(~mask, min(PIXELS, side**2 // 4), generator)
    observation = Observation(pictures, mask.view(1, 1, side, side).expand(len(pictures), -1, -1, -1))
    parts = []
    ((_, evidence),) = mixture.base.evidence(observation)
    for part, images, weights in mixture.at_work(mixture.posterior_given(evidence, observation.values)):
        ((_, theirs),) = part.evidence(observation.some(images))
        law, truth = part.law(theirs), pictures[images]
        log_mass = torch.stack([one.log_mass(truth).flatten(1)[:, few] for one in law.components()], 1)
        location, spread = (each.flatten(3)[..., few] for each in (law.location, law.scale))
        edges = (edge.flatten(2)[:, None, :, few] for edge in level_edges(truth, 256))
        below, above = (torch.special.ndtr((edge - location) / spread).float() for edge in edges)
        posterior = part.log_posterior(theirs).exp().float()
        parts.append(
            ExamplesOfPart(images, weights.float(), posterior, part.log_kernel, log_mass.float(), below, above)
        )
    return Examples(features(mixture.base, evidence).flatten(2)[:, :, few], parts)
