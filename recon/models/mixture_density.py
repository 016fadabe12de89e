"""A mixture density network (Bishop 1994) that stands on the closed form: it models what the Gaussian scale mixture
leaves over.

The scale mixture is conditioned on what is observed; each hidden pixel's residual is whitened by the Cholesky factor of
its conditional covariance, and a small convolutional network says, for every pixel, a mixture of coupled Gaussians in
those coordinates. At the start of training that is nearly the scale mixture itself. Told are, beside the conditional
mean, what was observed and where: how unsure the closed form is, and how surprised by each observed pixel given the
others (its leave-one-out residual: Rasmussen & Williams 2006, equation 5.12).

Joint samples are drawn group by group (`recon.sampling`). At 64 x 64, where conditioning anew on each group would take
minutes, they come in one step by a Gaussian copula (Nelsen 2006, section 3.1): which pixels go together is taken from
the closed form, how each is distributed from the network.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from recon.distributions import CoupledMixture
from recon.models.base import Model, Network
from recon.models.scale_mixture import ScaleMixture
from recon.observation import Observation

LEVEL = 1 / 255
HALVINGS = 26  # of the interval in which a quantile lies: as exact as float32
NET = 1e-3  # weight that is spread evenly over a pixel's components whatever the network says
MEAN_WEIGHT = 0.5  # of the squared error of the mean in training; likelihood alone is slow to move it


@dataclass(frozen=True)
class Base:
    """What the closed form says: the coordinates and the inputs of the network.

    location  conditional mean (batch, channels, side, side)
    factor    Cholesky factors of each pixel's covariance, the picture's contrast in them (batch, side, side, c, c)
    surprise  leave-one-out residuals of observed pixels in standard deviations, 0 elsewhere (batch, channels, ...)
    contrast  expected log scale of a pixel given what is observed (batch,)
    """

    location: Tensor
    factor: Tensor
    surprise: Tensor
    contrast: Tensor


class MixtureDensity(Network):
    """width: channels of the network, at half the picture's resolution; blocks: of two 3x3 convolutions each;
    components: Gaussians a pixel. The other arguments are `ScaleMixture`'s."""

    kind = "mixture_density"

    def __init__(
        self,
        *,
        side: int,
        channels: int,
        even: int,
        odd: int = 0,
        mirrored: bool = True,
        fine: bool = False,
        scales: int = 15,
        width: int = 64,
        blocks: int = 4,
        components: int = 4,
    ):
        super().__init__()
        self.side, self.channels, self.components, self.copula = side, channels, components, fine
        self.base = ScaleMixture(
            side=side, channels=channels, even=even, odd=odd, mirrored=mirrored, fine=fine, scales=scales
        )
        inputs = 5 * channels + 4
        self.outputs = components * (1 + 2 * channels + channels * (channels - 1) // 2)
        self.stem = nn.Conv2d(4 * inputs, width, 3, padding=1)
        self.blocks = nn.ModuleList(Block(width) for _ in range(blocks))
        self.head = nn.Conv2d(width, 4 * self.outputs, 1)
        nn.init.zeros_(self.head.weight)
        nn.init.zeros_(self.head.bias)  # type: ignore[arg-type]

    def start_from(self, model: Model) -> None:
        """Another network of this kind, or the scale mixture to stand on. Of one for pictures of another side only its
        layers: they are convolutions, and whitened residuals are alike at every side."""
        state = model.state_dict()
        if isinstance(model, ScaleMixture):
            self.base.load_state_dict(state)
        elif isinstance(model, MixtureDensity) and model.side != self.side:
            layers = {name: tensor for name, tensor in state.items() if not name.startswith("base.")}
            self.load_state_dict(self.state_dict() | layers)
        else:
            self.load_state_dict(state)

    def condition(self, observation: Observation) -> Base:
        """The closed form given an observation; no gradient passes."""
        with torch.no_grad():
            values, base = observation.values, self.base
            location, surprise = torch.empty_like(values), torch.zeros_like(values)
            contrast = values.new_empty(observation.batch)
            factor = values.new_empty(observation.batch, self.side, self.side, self.channels, self.channels)
            for which, conditioned in base.by_mask(observation):
                residual = values[which].flatten(1) - base.location
                location[which] = (base.location + conditioned.gain(residual)).view(-1, *values.shape[1:])
                contrast[which] = (base.local_posterior(conditioned, residual) @ base.log_scales).float()
                root = (0.5 * contrast[which]).exp()
                factor[which] = conditioned.pixel_factor * root.view(-1, 1, 1, 1, 1)
                left_out = conditioned.leave_one_out(residual) / root[:, None]
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

    def forward(self, values: Tensor, mask: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """Parameters of every pixel's mixture in whitened coordinates, (batch, outputs, side, side)."""
        observation = Observation(values * mask, mask)
        return self.network(self.features(observation, self.condition(observation)))

    def network(self, features: Tensor) -> Tensor:
        hidden = self.stem(F.pixel_unshuffle(features, 2).contiguous(memory_format=torch.channels_last))
        for block in self.blocks:
            hidden = block(hidden)
        return F.pixel_shuffle(self.head(F.silu(hidden)), 2)

    def split(self, output: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """log weights (batch, components, ...), shifts and log scales (batch, components, channels, ...), and couplings
        (batch, components, pairs of channels, ...), all in whitened coordinates; at zero output, a scale mixture."""
        c = self.channels
        each = output.unflatten(1, (self.components, -1))
        start = torch.linspace(-1.2, 1.0, self.components, device=output.device).view(-1, 1, 1, 1)
        log_scales = (each[:, :, 1 + c : 1 + 2 * c] + start).clamp(-5, 4)
        # the last component is a net under the others: wide, and never of no weight, so that no value is impossible
        log_scales = torch.cat([log_scales[:, :-1], log_scales[:, -1:].clamp_min(0.5)], 1)
        weights = each[:, :, 0].softmax(1) * (1 - NET) + NET / self.components
        return weights.log(), each[:, :, 1 : 1 + c], log_scales, each[:, :, 1 + 2 * c :]

    def objective(self, batch: Tensor, masks: Tensor, generator: torch.Generator) -> Tensor:
        """`bound` over hidden pixels, in nats a channel and pictures weighed alike; and the squared error of the mean
        beside what the closed form expects of it, so that each picture's PSNR counts alike."""
        observation = Observation(batch * masks, masks)
        base = self.condition(observation)
        mixture = self.split(self.network(self.features(observation, base)))
        noise = torch.rand(batch.shape, generator=generator, device=batch.device) - 0.5
        hidden = ~masks[:, 0]

        def total(pixels: Tensor) -> Tensor:
            return (pixels * hidden).flatten(1).sum(1)

        nats = total(self.bound(batch, base, mixture, noise)) / hidden.flatten(1).sum(1)
        moved = (mixture[0].exp()[:, :, None] * mixture[1]).sum(1).movedim(1, -1)
        left = (batch - base.location).movedim(1, -1) - (base.factor @ moved[..., None])[..., 0]
        error = total(left.square().sum(-1)) / total(base.factor.square().sum((-2, -1)))
        return nats.mean() / self.channels + MEAN_WEIGHT * error.mean()

    def bound(self, values: Tensor, base: Base, mixture: tuple[Tensor, ...], noise: Tensor) -> Tensor:
        """Upper bound on -log P(256 levels) of each pixel, channels together, in nats: (batch, side, side).

        The density of the values with `noise`, uniform over one level (-1/2 to 1/2), added; at black and white, whose
        levels hold all beyond, the mass itself. mixture is as `split` gives it.
        """
        log_weights, shifts, log_scales, couplings = mixture
        level = (values * 255).round()
        saturated = (level == 255).float() - (level == 0).float()
        deviation = (level + torch.where(saturated == 0, noise, 0.0)) * LEVEL - base.location
        factor = base.factor
        total = log_weights
        whitened: list[Tensor] = []
        for c in range(self.channels):
            known = sum(factor[..., c, d] * whitened[d] for d in range(c))
            whitened.append((deviation[:, c] - known) / factor[..., c, c])
            along = self.along(c, shifts, couplings, whitened)
            to_edge = 0.5 * LEVEL * saturated[:, c] / factor[..., c, c]  # from black or white to where its level begins
            standard = ((whitened[c] - to_edge)[:, None] - along) * (-log_scales[:, :, c]).exp()
            log_level = math.log(LEVEL * math.sqrt(0.5 / math.pi)) - factor[..., c, c].log()
            density = -0.5 * standard.square() - log_scales[:, :, c] + log_level[:, None]
            tail = torch.special.log_ndtr(-saturated[:, c, None] * standard)
            total = total + torch.where(saturated[:, c, None] == 0, density, tail)
        return -torch.logsumexp(total, 1)

    @torch.no_grad()
    def distribution(self, observation: Observation) -> CoupledMixture:
        base = self.condition(observation)
        output = self.network(self.features(observation, base))
        log_weights, shifts, log_scales, couplings = self.split(output)
        size = (*log_scales.shape[:2], *log_scales.shape[3:], self.channels, self.channels)
        inner = log_scales.new_zeros(size)  # factors in whitened coordinates, row by row: (1 - couplings)^-1 scales
        for c in range(self.channels):
            inner[..., c, c] = log_scales[:, :, c].exp()
            for d in range(c):
                pair = couplings[:, :, c * (c - 1) // 2 + d]
                inner[..., c, :] += pair[..., None] * inner[..., d, :]
        factor = base.factor[:, None]
        moved = (factor @ shifts.movedim(2, -1)[..., None])[..., 0].movedim(-1, 2)
        return CoupledMixture(log_weights, base.location[:, None] + moved, factor @ inner)

    @torch.no_grad()
    def sample_joint(
        self, observation: Observation, count: int, generator: torch.Generator, temperature: float = 1.0
    ) -> Tensor:
        """Joint samples given one image's observation, by a Gaussian copula: (count, channels, side, side), clipped to
        [0, 1]. Each pixel is distributed as `predict` says; how pixels agree is the Gaussian's."""
        self.check(observation)
        observation = observation.to(self.device)
        ((_, conditioned),) = self.base.by_mask(observation)
        stray = self.base.draw(count, generator)
        stray = (stray - conditioned.gain(stray)).view(count, *observation.values.shape[1:]).movedim(1, -1)
        normal = torch.linalg.solve_triangular(conditioned.pixel_factor, stray[..., None], upper=False)[..., 0]
        base = self.condition(observation)
        log_weights, shifts, log_scales, couplings = self.split(self.network(self.features(observation, base)))
        log_weights = (log_weights / temperature).log_softmax(1)
        scales = (log_scales + 0.5 * math.log(temperature)).exp()
        drawn: list[Tensor] = []
        for c in range(self.channels):
            along = self.along(c, shifts, couplings, drawn)
            drawn.append(quantile(log_weights, along, scales[:, :, c], normal[..., c]))
            standard = (drawn[c][:, None] - along) / scales[:, :, c]
            log_weights = (log_weights - 0.5 * standard.square() - scales[:, :, c].log()).log_softmax(1)
        moved = (base.factor @ torch.stack(drawn, -1)[..., None])[..., 0].movedim(-1, 1)
        return torch.where(observation.mask, observation.values, (base.location + moved).clamp(0, 1))

    @staticmethod
    def along(c: int, shifts: Tensor, couplings: Tensor, before: list[Tensor]) -> Tensor:
        """Where each component's channel c lies given the channels before it, in whitened coordinates."""
        found = shifts[:, :, c]
        for d in range(c):
            found = found + couplings[:, :, c * (c - 1) // 2 + d] * (before[d][:, None] - shifts[:, :, d])
        return found


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


def quantile(log_weights: Tensor, means: Tensor, scales: Tensor, normal: Tensor) -> Tensor:
    """Where mixtures of Gaussians, (n or 1, components, ...), have the probability below them that the standard normal
    has below `normal`, (n, ...)."""
    each = means + scales * normal[:, None]  # the components' own quantiles, between which the mixture's lies
    low, high = each.amin(1), each.amax(1)
    weights, wanted = log_weights.exp().double(), torch.special.ndtr(normal.double())
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        below = (weights * torch.special.ndtr(((middle[:, None] - means) / scales).double())).sum(1) < wanted
        low, high = torch.where(below, middle, low), torch.where(below, high, middle)
    return (low + high) / 2


def blurred(mask: Tensor, reach: float) -> Tensor:
    """Mean of the mask around each pixel, under a Gaussian of standard deviation `reach`; outside is unobserved."""
    radius = math.ceil(2 * reach)
    weights = (-0.5 * (torch.arange(-radius, radius + 1, device=mask.device) / reach).square()).exp()
    weights = weights / weights.sum()
    once = F.conv2d(mask, weights.view(1, 1, 1, -1), padding=(0, radius))
    return F.conv2d(once, weights.view(1, 1, -1, 1), padding=(radius, 0))
