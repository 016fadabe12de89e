"""What is seen near a hidden pixel, and of the whole picture, that tells how strong contrast is there."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional as F

from recon.models.blur import blurred, gathered
from recon.models.conditioned import Conditioned
from recon.models.scale_mixture import ScaleMixture
from recon.observation import Observation

WIDTHS = (0.35, 0.6, 1.2)  # of the neighbourhoods that surprise is gathered in, in mean distances of observed pixels
MEMORY = 0.1  # of one pixel as surprising as expected, where none is near
LEAST = 1e-5  # squared gradient that is told from none
FEATURES = len(WIDTHS) + 7


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
