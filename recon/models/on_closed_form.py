"""What the networks that stand on the closed form have in common: its answer as their input, and the layers.

The scale mixture is conditioned on what is observed. A small convolutional network is told the conditional mean, what
was observed and where, how unsure the closed form is, and how surprised by each observed pixel given the others (its
leave-one-out residual: Rasmussen & Williams 2006, equation 5.12).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from recon.errors import PredictionError
from recon.models.base import Model, Network
from recon.models.blur import blurred
from recon.models.neighbours import Neighbours
from recon.models.scale_mixture import ScaleMixture
from recon.observation import Observation

LEVEL = 1 / 255
GROWING = ("stem.weight", "head.weight", "head.bias")


@dataclass(frozen=True)
class Base:
    """What the closed form says: the coordinates and the inputs of the network.

    location  conditional mean (batch, channels, side, side)
    factor    Cholesky factors of each pixel's covariance, the picture's contrast in them (batch, side, side, c, c)
    surprise  leave-one-out residuals of observed pixels in standard deviations, 0 elsewhere (batch, channels, ...)
    contrast  expected log scale of a pixel given what is observed (batch,)
    near      the nearest observed pixels, for networks that ask for them
    """

    location: Tensor
    factor: Tensor
    surprise: Tensor
    contrast: Tensor
    near: Neighbours | None = None


class OnClosedForm(Network):
    """A network of `outputs` numbers a pixel that stands on the closed form `base`.

    width   channels of the network, at half the picture's resolution
    blocks  of two 3x3 convolutions each
    more    inputs beside `features`
    """

    def __init__(self, base: ScaleMixture, outputs: int, width: int, blocks: int, more: int = 0):
        super().__init__()
        self.side, self.channels = base.side, base.channels
        self.base = base
        self.stem = nn.Conv2d(4 * (5 * base.channels + 4 + more), width, 3, padding=1)
        self.blocks = nn.ModuleList(Block(width) for _ in range(blocks))
        self.head = nn.Conv2d(width, 4 * outputs, 1)
        nn.init.zeros_(self.head.weight)
        nn.init.zeros_(self.head.bias)  # type: ignore[arg-type]

    def start_from(self, model: Model) -> None:
        """Another network of this kind, or the scale mixture to stand on. Of one for pictures of another side only its
        layers: they are convolutions, and whitened residuals are alike at every side. One that has fewer inputs and
        outputs is the first part of this one, and the rest begins at zero."""
        state = model.state_dict()
        if isinstance(model, ScaleMixture):
            self.base.load_state_dict(state)
        elif model.side != self.side:
            layers = {name: weight.detach() for name, weight in model.named_parameters()}  # the base has buffers alone
            self.load_state_dict(self.state_dict() | layers)
        elif isinstance(model, OnClosedForm):
            mine = self.state_dict()
            self.load_state_dict(mine | state | {name: widened(state[name], mine[name]) for name in GROWING})
        else:
            self.load_state_dict(state)

    def prepare(self, batches: Iterable[Tensor]) -> None:
        base = self.base
        rank = base.even_half.shape[1] + base.odd_half.shape[1]
        fitted = ScaleMixture.fit(batches, rank, base.mirrored)
        try:
            base.load_state_dict(fitted.state_dict())
        except RuntimeError as error:
            found = f"{fitted.even_half.shape[1]} even and {fitted.odd_half.shape[1]} odd"
            raise PredictionError(f"The closed form of these pictures has {found} eigenvectors.") from error

    def condition(self, observation: Observation) -> Base:
        """The closed form given an observation; no gradient passes."""
        with torch.no_grad():
            values, base = observation.values, self.base
            location, surprise = torch.empty_like(values), torch.zeros_like(values)
            contrast = values.new_empty(observation.batch)
            factor = values.new_empty(observation.batch, self.side, self.side, self.channels, self.channels)
            for which, evidence in base.evidence(observation):
                location[which] = base.mean_given(evidence)
                contrast[which] = (base.local_posterior(evidence) @ base.log_scales).float()
                root = (0.5 * contrast[which]).exp()
                factor[which] = evidence.conditioned.pixel_factor * root.view(-1, 1, 1, 1, 1)
                left_out = evidence.left_out / root[:, None]
                surprise[which] = left_out.clamp(-6, 6).view(-1, *values.shape[1:])
            return Base(location, factor, surprise, contrast)

    def features(self, observation: Observation, base: Base) -> Tensor:
        """The network's input, (batch, inputs, side, side)"""
        mask = observation.mask.to(observation.values)
        log_scale = base.factor.square().sum(-1).sqrt().movedim(-1, 1).clamp_min(LEVEL).log() + 2.5
        near, far = (blurred(mask, reach) * 8 for reach in (1.5, 4.0))
        contrast = base.contrast.view(-1, 1, 1, 1).expand(-1, 1, self.side, self.side)
        seen = (observation.values - 0.5) * mask
        parts = [base.location - 0.5, seen, log_scale, base.surprise, base.surprise.abs(), mask, near, far, contrast]
        return torch.cat(parts, 1)

    def network(self, features: Tensor) -> Tensor:
        """(batch, outputs, side, side) from the inputs; zeros before training."""
        hidden = self.stem(F.pixel_unshuffle(features, 2).contiguous(memory_format=torch.channels_last))
        for block in self.blocks:
            hidden = block(hidden)
        return F.pixel_shuffle(self.head(F.silu(hidden)), 2)


class Block(nn.Module):
    """Residual block, pre-activation; it starts as the identity."""

    def __init__(self, width: int):
        super().__init__()
        self.first = nn.Conv2d(width, width, 3, padding=1)
        self.second = nn.Conv2d(width, width, 3, padding=1)
        nn.init.zeros_(self.second.weight)
        nn.init.zeros_(self.second.bias)  # type: ignore[arg-type]

    def forward(self, hidden: Tensor) -> Tensor:
        return hidden + self.second(F.silu(self.first(F.silu(hidden))))


def widened(tensor: Tensor, like: Tensor) -> Tensor:
    """With zeros after it where `like` has more rows or columns"""
    more = [n for own, wanted in zip(tensor.shape[::-1], like.shape[::-1], strict=True) for n in (0, wanted - own)]
    if any(n < 0 for n in more[1::2]) or tensor.ndim != like.ndim:
        raise RuntimeError("it has more weights than this one")
    return F.pad(tensor, more)
