"""Where in a picture contrast is strong: a gate over a scale mixture's scales, for each pixel by itself.

A scale mixture gives all hidden pixels of a picture the same distribution over scales. But where observed pixels were a
surprise, given the others, hidden ones beside them are of strong contrast; and of weak contrast in a sky. The gate of a
mixture of experts (Jacobs, Jordan, Nowlan & Hinton 1991) says so: a softmax that is linear in a few things seen nearby.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from recon.models.blur import blurred, gathered
from recon.models.conditioned import Conditioned
from recon.models.scale_mixture import SHARES, ScaleMixture, gated
from recon.observation import Observation

if TYPE_CHECKING:
    from recon.models.mogsm import MoGSM

WIDTHS = (0.35, 0.6, 1.2)  # of the neighbourhoods that surprise is gathered in, in mean distances of observed pixels
MEMORY = 0.1  # of one pixel as surprising as expected, where none is near
LEAST = 1e-5  # squared gradient that is told from none
FARTHEST = 4.0  # standard deviations from what is usual: beyond, a feature says no more
FEATURES = len(WIDTHS) + 7
RIDGE = 1e-4  # nats a pixel for a squared weight
ROUNDS = 60  # of L-BFGS
PER_MASK = 10  # pictures share a mask
TIMES = 3  # that each picture is seen, under another mask
PIXELS = 100  # of it, each time
BY_CHANNEL = 0.3  # A pixel's scale is one for all channels. Flat colour makes it small; brightness, whose intervals are
# its own, needs it larger: chosen on validation pictures for what 90 % intervals hold from few pixels


class LocalContrast(nn.Module):
    """Buffers: `centre`, `spread` (features,), by which features are standardised; `weights` (features + 1, scales)."""

    centre: Tensor
    spread: Tensor
    weights: Tensor

    def __init__(self, scales: int):
        super().__init__()
        self.register_buffer("centre", torch.zeros(FEATURES))
        self.register_buffer("spread", torch.ones(FEATURES))
        self.register_buffer("weights", torch.zeros(FEATURES + 1, scales))

    def forward(self, base: ScaleMixture, observation: Observation) -> Tensor:
        """What speaks for each scale at each pixel, logits (batch, scales, side, side); `gated` takes them."""
        return torch.einsum("bfhw,fs->bshw", self.standard(features(base, observation)), self.weights)

    def standard(self, found: Tensor) -> Tensor:
        """Features (batch, features, ...) in standard deviations, and a one: (batch, features + 1, ...)"""
        shape = (-1, *[1] * (found.ndim - 2))
        scaled = ((found - self.centre.view(shape)) / self.spread.view(shape)).clamp(-FARTHEST, FARTHEST)
        return torch.cat([scaled, torch.ones_like(scaled[:, :1])], 1)

    def fit(self, mixture: MoGSM, pictures: Tensor, orders: Tensor) -> None:
        """Maximum likelihood of hidden pixels of `pictures`, (count, channels, side, side), which the mixture has not
        seen: those that it was fitted to surprise it less. PER_MASK of them at a time share a mask, the first pixels of
        one of `orders`, (any, pixels)."""
        lots = pictures.split(PER_MASK) * TIMES
        generator = torch.Generator().manual_seed(0)
        seen = []
        for k, lot in enumerate(lots):
            mask = torch.zeros(mixture.side**2, dtype=torch.bool, device=pictures.device)
            mask[orders[k % len(orders), : max(1, round(SHARES[k % len(SHARES)] * len(mask)))].to(mask.device)] = True
            seen.append(examples(mixture, lot, mask, generator))
        mixture.forget_masks()
        every = torch.cat([each.features for each in seen]).transpose(0, 1).flatten(1)
        self.centre.copy_(every.mean(1))
        self.spread.copy_(every.std(1).clamp_min(1e-6))
        weights = self.weights.clone().requires_grad_()
        search = torch.optim.LBFGS([weights], max_iter=ROUNDS, line_search_fn="strong_wolfe")

        def closure() -> float:
            search.zero_grad()
            loss = RIDGE * weights.square().sum()
            loss.backward()
            total = loss.item()
            for each in seen:
                lean = torch.einsum("bfp,fs->bsp", self.standard(each.features), weights)
                loss = each.nats(lean) / every.shape[1]
                loss.backward()
                total += loss.item()
            return total

        with torch.enable_grad():
            search.step(closure)
        self.weights.copy_(weights.detach())


@dataclass(frozen=True)
class Examples:
    """Hidden pixels of some pictures under one mask.

    features  (pictures, features, pixels)
    parts     of the mixture
    """

    features: Tensor
    parts: Sequence[ExamplesOfPart]

    def nats(self, lean: Tensor) -> Tensor:
        """Negative log likelihood of all pixels together, given logits (pictures, scales, pixels): of whole pixels, and
        BY_CHANNEL of it of each channel by itself."""
        scales = [gated(part.posterior, part.log_kernel, lean[part.images]) for part in self.parts]
        whole = self.mixed([scale + part.log_mass for scale, part in zip(scales, self.parts, strict=True)])
        each = [scale[:, :, None] + part.log_masses for scale, part in zip(scales, self.parts, strict=True)]
        return -(1 - BY_CHANNEL) * whole - BY_CHANNEL * self.mixed([one.flatten(2) for one in each])

    def mixed(self, each: Sequence[Tensor]) -> Tensor:
        """Sum of the log of what parts say together, (n, scales, places) of each: a number"""
        total = each[0].new_full((len(self.features), each[0].shape[2]), -torch.inf)
        for part, log_mass in zip(self.parts, each, strict=True):
            found = log_mass.logsumexp(1) + part.log_weights[:, None]
            total = torch.logaddexp(total, torch.full_like(total, -torch.inf).index_copy(0, part.images, found))
        return total.sum()


@dataclass(frozen=True)
class ExamplesOfPart:
    """What one part of the mixture says of them.

    images       of those to which it matters, (n,)
    log_weights  its weight for each, (n,)
    posterior    of the picture's scale, (n, scales)
    log_kernel   of the pixel's given the picture's, (scales, scales)
    log_mass     of the true level at every scale, (n, scales, pixels)
    log_masses   the same of each channel by itself, (n, scales, channels, pixels)
    """

    images: Tensor
    log_weights: Tensor
    posterior: Tensor
    log_kernel: Tensor
    log_mass: Tensor
    log_masses: Tensor


def examples(mixture: MoGSM, pictures: Tensor, mask: Tensor, generator: torch.Generator) -> Examples:
    """Some hidden pixels of each picture, of which the same are observed, bool (pixels,)."""
    side = mixture.side
    few = (~mask).nonzero()[:, 0]
    few = few[torch.randperm(len(few), generator=generator)[:PIXELS].to(few.device)]
    observation = Observation(pictures, mask.view(1, 1, side, side).expand(len(pictures), -1, -1, -1))
    parts = []
    for part, images, weights in mixture.at_work(observation):
        values = observation.values[images]
        law, conditioned = part.distribution(Observation(values, observation.mask[images])), part.condition(mask)
        log_mass = torch.stack([one.log_mass(pictures[images]).flatten(1)[:, few] for one in law.components()], 1)
        masses = part.masses(law.location[:, 0], conditioned, pictures[images], few)
        posterior = part.log_posterior(conditioned, values.flatten(1) - part.location).exp()
        parts.append(
            ExamplesOfPart(
                images,
                weights.log().float(),
                posterior.float(),
                part.log_kernel,
                log_mass.float(),
                masses.clamp_min(1e-30).log().float().unflatten(2, (mixture.channels, len(few))),
            )
        )
    return Examples(features(mixture.base, observation).flatten(2)[:, :, few], parts)


def features(base: ScaleMixture, observation: Observation) -> Tensor:
    """What the gate sees, (batch, features, side, side): logs of how surprising observed pixels were, nearby and in the
    whole picture, of the conditional mean's gradient, of how unsure the closed form is; how much is observed; and how
    bright it is expected to be."""
    side, values = base.side, observation.values
    found = values.new_empty(observation.batch, FEATURES, side, side)
    for which, conditioned in base.by_mask(observation):
        found[which] = features_of(base, conditioned, values[which])
    return found


def features_of(base: ScaleMixture, conditioned: Conditioned, values: Tensor) -> Tensor:
    """The same of pictures (n, channels, side, side) that share a mask."""
    count, _, side, _ = values.shape
    residual = values.flatten(1) - base.location
    surprise = conditioned.leave_one_out(residual).view_as(values).square().mean(1, keepdim=True)
    mask = conditioned.mask.view(1, 1, side, side).to(values)
    observed = mask.sum().clamp_min(1)
    apart = math.sqrt(side**2 / observed.item())
    reaches = [width * apart for width in WIDTHS]
    near = [((gathered(surprise, r) + MEMORY) / (gathered(mask, r) + MEMORY)).log() for r in reaches]
    picture = ((surprise.sum((1, 2, 3)) + MEMORY) / (observed + MEMORY)).log()
    mean = (base.location + conditioned.gain(residual)).view_as(values)
    edge = F.pad(mean, (1, 1, 1, 1), mode="replicate")
    across, down = edge[:, :, 1:-1, 2:] - edge[:, :, 1:-1, :-2], edge[:, :, 2:, 1:-1] - edge[:, :, :-2, 1:-1]
    gradient = (across.square() + down.square()).mean(1, keepdim=True)
    wide = blurred(gradient, 1.0) / blurred(torch.ones_like(gradient[:1]), 1.0)
    unsure = conditioned.pixel_factor.square().sum((-1, -2)).sqrt().log().view(1, 1, side, side)
    bright = mean.mean(1, keepdim=True)
    whole = [picture.view(-1, 1, 1, 1), (gradient + LEAST).log(), (wide + LEAST).log(), unsure]
    whole += [(observed / side**2).log().view(1, 1, 1, 1), bright, bright.square()]
    return torch.cat([each.expand(count, 1, side, side) for each in near + whole], 1)
