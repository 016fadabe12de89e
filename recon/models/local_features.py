"""What is seen near a hidden pixel, and of the whole picture, that tells how strong contrast is there."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional as F

from recon.models.blur import blurred, gathered
from recon.models.conditioned import Evidence
from recon.models.scale_mixture import ScaleMixture

WIDTHS = (0.35, 0.6, 1.2)  # of the neighbourhoods that surprise is gathered in, in mean distances of observed pixels
MEMORY = 0.1  # of one pixel as surprising as expected, where none is near
LEAST = 1e-5  # squared gradient that is told from none
FEATURES = len(WIDTHS) + 7


def features(base: ScaleMixture, evidence: Evidence) -> Tensor:
    """What the gate sees of images that share a mask, (n, features, side, side): logs of how surprising observed pixels
    were, nearby and in the whole picture, of the conditional mean's gradient, of how unsure the closed form is; how
    much is observed; and how bright it is expected to be. evidence: what they say to `base`"""
    mean, conditioned, side = base.mean_given(evidence), evidence.conditioned, base.side
    surprise = evidence.left_out.view_as(mean).square().mean(1, keepdim=True)
    mask = conditioned.mask.view(1, 1, side, side).to(mean)
    observed = mask.sum().clamp_min(1)
    apart = math.sqrt(side**2 / observed.item())
    around = gathered(torch.cat([surprise, mask]), [width * apart for width in WIDTHS]) + MEMORY
    near = (around[:-1] / around[-1:]).log()
    picture = ((surprise.sum((1, 2, 3)) + MEMORY) / (observed + MEMORY)).log()
    edge = F.pad(mean, (1, 1, 1, 1), mode="replicate")
    across, down = edge[:, :, 1:-1, 2:] - edge[:, :, 1:-1, :-2], edge[:, :, 2:, 1:-1] - edge[:, :, :-2, 1:-1]
    gradient = (across.square() + down.square()).mean(1, keepdim=True)
    wide = blurred(gradient, 1.0) / blurred(torch.ones_like(gradient[:1]), 1.0)
    unsure = conditioned.pixel_factor.square().sum((-1, -2)).sqrt().log().view(1, 1, side, side)
    bright = mean.mean(1, keepdim=True)
    whole = [near, picture.view(-1, 1, 1, 1), (gradient + LEAST).log(), (wide + LEAST).log(), unsure]
    whole += [(observed / side**2).log().view(1, 1, 1, 1), bright, bright.square()]
    return torch.cat([each.expand(len(mean), -1, side, side) for each in whole], 1)
