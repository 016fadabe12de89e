"""A mixture density network (Bishop 1994) that stands on the closed form: it models what the Gaussian scale mixture
leaves over.

The scale mixture is conditioned on what is observed; each hidden pixel's residual is whitened by the Cholesky factor of
its conditional covariance, and a small convolutional network says, for every pixel, a mixture of coupled Gaussians in
those coordinates. At the start of training that is nearly the scale mixture itself. A few components more may stand at
the very colours of the nearest observed pixels, as a pointer network points at what it has read (Vinyals, Fortunato &
Jaitly 2015; its mixture with a density is that of Merity et al. 2017, "Pointer sentinel mixture models"): skies,
walls and backgrounds are of one colour, and of two at their edges.

Joint samples are drawn group by group (`recon.sampling`). At 64 x 64, where conditioning anew on each group would take
minutes, they come in one step by a Gaussian copula (Nelsen 2006, section 3.1): which pixels go together is taken from
the closed form, how each is distributed from the network.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import replace

import torch
from torch import Tensor

from recon.chance import Chance, uniform
from recon.distributions import CoupledMixture
from recon.distributions.base import level_edges
from recon.distributions.clipped import log_ndtr
from recon.errors import PredictionError
from recon.models.calibration import BAND, TRIED, likeliest, share_held
from recon.models.copula import mixture_quantile
from recon.models.neighbours import Neighbours, neighbours
from recon.models.on_closed_form import LEVEL, Base, OnClosedForm
from recon.models.scale_mixture import PER_MASK, ScaleMixture
from recon.models.signal_transformer import at_counts
from recon.observation import Observation

NET = 1e-3  # weight that is spread evenly over a pixel's components whatever the network says
MEAN_WEIGHT = 0.5  # of the squared error of the mean in training; likelihood alone is slow to move it
ENDS = 2  # components that stand at black and at white
REACH = 4 * LEVEL  # unit of the shifts and scales of those that stand somewhere
NET_SCALE = 0.25  # of the net, in units of [0, 1], where the closed form's own spread may be nearly nothing
FLOOR = 1e-5  # weight of a component under all, beside copies: in the middle of [0, 1] and
FLOOR_SCALE = 0.4  # as wide as that
RARE = 4.0  # nats by which what stands at a neighbour's colour is less likely at the start
ABSENT = -30.0  # logit of a neighbour that is not there
FAR = 8.0  # pixels, the unit of offsets
CALIBRATED = 100  # pictures
SLACK = 0.03  # nats a channel that calibration may cost


class MixtureDensity(OnClosedForm):
    """Mixture density network.

    width, blocks  `OnClosedForm`'s; the other arguments not named here are `ScaleMixture`'s
    components     Gaussians a pixel in whitened coordinates
    ends           two more that stand at black and at white, a few levels wide at the start: for grey pictures of which
                   much is exactly black. A clipped Gaussian that has moved beyond black is an atom there.
    copies         as many more that stand at the colours of the nearest observed pixels, and one under all, of hardly
                   any weight and as wide as all colours

    Raises PredictionError for `ends` of pictures in colour, and for `ends` beside `copies`.
    """

    kind = "mixture_density"
    temperatures: Tensor | None  # of the weights, for 1, 2, 4, ... observed pixels: calibration, beside copies

    def __init__(
        self,
        *,
        side: int,
        channels: int,
        even: int,
        odd: int = 0,
        mirrored: bool = True,
        scales: int = 15,
        width: int = 64,
        blocks: int = 4,
        components: int = 4,
        ends: bool = False,
        copies: int = 0,
        fine: bool = False,
    ):
        if ends and channels != 1:
            raise PredictionError("Components at black and at white are for grey pictures (1 channel).")
        if ends and copies:
            raise PredictionError("A density network has components at black and white, or at neighbours' colours.")
        base = ScaleMixture(
            side=side, channels=channels, even=even, odd=odd, mirrored=mirrored, fine=fine, scales=scales
        )
        each = 1 + 2 * channels + channels * (channels - 1) // 2
        outputs = (components + ENDS * ends + copies) * each
        super().__init__(base, outputs, width, blocks, more=copies * (channels + 3))
        self.components, self.ends, self.copies, self.copula = components, ends, copies, fine
        sizes = max(1, (side * side // 2).bit_length())
        self.register_buffer("temperatures", torch.ones(sizes) if copies else None)

    def forward(self, values: Tensor, mask: Tensor, generator: Chance | None = None) -> Tensor:
        """Parameters of every pixel's mixture in whitened coordinates, (batch, outputs, side, side)."""
        observation = Observation(values * mask, mask)
        return self.network(self.features(observation, self.condition(observation)))

    def condition(self, observation: Observation) -> Base:
        base = super().condition(observation)
        return replace(base, near=neighbours(observation, self.copies)) if self.copies else base

    def features(self, observation: Observation, base: Base) -> Tensor:
        told = super().features(observation, base)
        if base.near is None:
            return told
        near = base.near
        colour = 4 * (near.values - base.location[:, None]) * near.there[:, :, None]
        distance = (near.distance.log1p() / 2).where(near.there, FAR)
        placed = torch.cat([near.offset / FAR, distance[:, :, None]], 2).clamp_max(3)
        return torch.cat([told, colour.flatten(1, 2), placed.flatten(1, 2)], 1)

    def split(self, output: Tensor, base: Base) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """log weights (batch, components, ...), shifts and log scales (batch, components, channels, ...), and couplings
        (batch, components, pairs of channels, ...), all in whitened coordinates; at zero output, a scale mixture, and
        beside it, which come last, black and white with `ends`, with `copies` neighbours' colours and the floor."""
        c, count = self.channels, self.components
        each = output.unflatten(1, (count + ENDS * self.ends + self.copies, -1))
        couplings = each[:, :, 1 + 2 * c :]
        start = torch.linspace(-1.2, 1.0, count, device=output.device).view(-1, 1, 1, 1)
        own = each[:, :count]
        log_scales = (own[:, :, 1 + c : 1 + 2 * c] + start).clamp(-5, 4)
        # the last component is a net under the others: wide, and never of no weight, so that no value is impossible
        net = log_scales[:, -1:].clamp_min(0.5)
        spread = base.factor.diagonal(dim1=-2, dim2=-1).movedim(-1, 1)[:, None]
        if self.ends:
            net = torch.maximum(net, math.log(NET_SCALE) - spread.log())
        shifts, log_scales = [own[:, :, 1 : 1 + c]], [log_scales[:, :-1], net]
        if self.ends:
            ends = torch.linspace(0, 1, ENDS, device=output.device).view(1, -1, 1, 1, 1)
            self.stand(ends, each[:, count:], base, shifts, log_scales)
        if base.near is not None:
            self.stand(base.near.values, each[:, count:], base, shifts, log_scales)
            shifts.append(whitened(0.5 - base.location[:, None], base.factor[:, None]))
            log_scales.append(math.log(FLOOR_SCALE) - spread.log())
            couplings = torch.cat([couplings, torch.zeros_like(couplings[:, :1])], 1)
        return self.log_weights(each[:, :, 0], base.near), torch.cat(shifts, 1), torch.cat(log_scales, 1), couplings

    def log_weights(self, logits: Tensor, near: Neighbours | None) -> Tensor:
        """What stands somewhere has little weight at the start, so that the mean starts near the closed form's."""
        own, others = logits.split([self.components, logits.shape[1] - self.components], 1)
        if near is None:
            weights = torch.cat([own, others - 3.0], 1).softmax(1)
            return (weights * (1 - NET) + NET / logits.shape[1]).log()
        return above_floor(torch.cat([own, (others - RARE).masked_fill(~near.there, ABSENT)], 1))

    def stand(self, at: Tensor, each: Tensor, base: Base, shifts: list[Tensor], log_scales: list[Tensor]) -> None:
        """Add components that stand at the colours `at`, (batch or 1, components, channels, ...), moved and widened as
        the network says."""
        c = self.channels
        moved = at + REACH * each[:, :, 1 : 1 + c] - base.location[:, None]
        shifts.append(whitened(moved, base.factor[:, None]))
        spread = base.factor.diagonal(dim1=-2, dim2=-1).movedim(-1, 1)[:, None]
        log_scales.append(each[:, :, 1 + c : 1 + 2 * c].clamp(-3, 4) + math.log(REACH) - spread.log())

    def objective(self, batch: Tensor, masks: Tensor, generator: Chance) -> Tensor:
        """`bound` over hidden pixels, in nats a channel and pictures weighed alike; and the squared error of the mean
        beside what the closed form expects of it, so that each picture's PSNR counts alike."""
        observation = Observation(batch * masks, masks)
        base = self.condition(observation)
        mixture = self.split(self.network(self.features(observation, base)), base)
        noise = uniform(batch.shape, generator, batch.device) - 0.5
        hidden = ~masks[:, 0]

        def total(pixels: Tensor) -> Tensor:
            return (pixels * hidden).flatten(1).sum(1)

        nats = total(self.bound(batch, base, mixture, noise)) / hidden.flatten(1).sum(1)
        left = (batch - self.mean(base, mixture)).movedim(1, -1)
        error = total(left.square().sum(-1)) / total(base.factor.square().sum((-2, -1)))
        return nats.mean() / self.channels + MEAN_WEIGHT * error.mean()

    def mean(self, base: Base, mixture: tuple[Tensor, ...]) -> Tensor:
        """Of every pixel, (batch, channels, side, side): as predicted with `ends`, where clipping is what matters;
        before clipping without."""
        if self.ends:
            return self.in_pixels(base, mixture).mean
        moved = (mixture[0].exp()[:, :, None] * mixture[1]).sum(1).movedim(1, -1)
        return base.location + (base.factor @ moved[..., None])[..., 0].movedim(-1, 1)

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
        standing = whitened(deviation, factor).unbind(1)
        for c in range(self.channels):
            along = self.along(c, shifts, couplings, standing)
            to_edge = 0.5 * LEVEL * saturated[:, c] / factor[..., c, c]  # from black or white to where its level begins
            standard = ((standing[c] - to_edge)[:, None] - along) * (-log_scales[:, :, c]).exp()
            log_level = math.log(LEVEL * math.sqrt(0.5 / math.pi)) - factor[..., c, c].log()
            density = -0.5 * standard.square() - log_scales[:, :, c] + log_level[:, None]
            tail = log_ndtr(-saturated[:, c, None] * standard)
            total = total + torch.where(saturated[:, c, None] == 0, density, tail)
        return -torch.logsumexp(total, 1)

    @torch.no_grad()
    def distribution(self, observation: Observation) -> CoupledMixture:
        found = self.uncalibrated(observation)
        return CoupledMixture(self.calibrated(found.log_weights, observation), found.location, found.factor)

    def calibrated(self, log_weights: Tensor, observation: Observation) -> Tensor:
        if self.temperatures is None:
            return log_weights
        temperatures = at_counts(self.temperatures, observation.mask.flatten(1).sum(1))
        return above_floor(log_weights[:, :-1] / temperatures.view(-1, 1, 1, 1))

    @torch.no_grad()
    def uncalibrated(self, observation: Observation) -> CoupledMixture:
        base = self.condition(observation)
        return self.in_pixels(base, self.split(self.network(self.features(observation, base)), base))

    @torch.no_grad()
    def calibrate(self, batches: Iterable[Tensor], orders: Tensor) -> None:
        """The temperature of the weights for each number of observed pixels, where there are copies: likelihood is of
        all channels together, and each by itself is then known better than the mixture says."""
        if self.temperatures is None:
            return
        pictures = next(iter(batches))[:CALIBRATED]
        tried, edges = torch.linspace(*TRIED).to(pictures), level_edges(pictures, 256)
        if self.copula:  # so large that conditioning on a patch for every picture would take hours
            orders = orders[: -(-len(pictures) // PER_MASK)].repeat_interleave(PER_MASK, 0)
        for k in range(len(self.temperatures)):
            mask = torch.zeros(len(pictures), self.side**2, dtype=torch.bool, device=pictures.device)
            mask.scatter_(1, orders[: len(pictures), : 2**k].to(pictures.device), True)
            mask = mask.view(-1, 1, self.side, self.side)
            law, hidden = self.uncalibrated(Observation(pictures * mask, mask)), ~mask
            masses = torch.stack([component.log_mass(pictures) for component in law.components()], 1)
            each = [torch.special.ndtr((edge[:, None] - law.location) / law.scale) for edge in edges]
            nats, shares = [], []
            for temperature in tried:
                log_weights = above_floor(law.log_weights[:, :-1] / temperature)
                found = torch.logsumexp(log_weights + masses, 1)[hidden[:, 0]]
                nats.append(-found.mean().item() / self.channels)
                below, above = ((log_weights.exp()[:, :, None] * part).sum(1) for part in each)
                shares.append(share_held(below, above, BAND, hidden))
            self.temperatures[k] = likeliest(tried, nats, shares, SLACK)

    def in_pixels(self, base: Base, mixture: tuple[Tensor, ...]) -> CoupledMixture:
        """What `split` gave, in the coordinates of pixels."""
        log_weights, shifts, log_scales, couplings = mixture
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
        self.check_one(observation)
        observation = observation.to(self.device)
        conditioned = self.base.condition(observation.mask.flatten())
        stray = self.base.draw(count, generator)
        stray = (stray - conditioned.gain(stray)).view(count, *observation.values.shape[1:]).movedim(1, -1)
        normal = torch.linalg.solve_triangular(conditioned.pixel_factor, stray[..., None], upper=False)[..., 0]
        base = self.condition(observation)
        log_weights, shifts, log_scales, couplings = self.split(self.network(self.features(observation, base)), base)
        log_weights = (self.calibrated(log_weights, observation) / temperature).log_softmax(1)
        scales = (log_scales + 0.5 * math.log(temperature)).exp()
        drawn: list[Tensor] = []
        for c in range(self.channels):
            along = self.along(c, shifts, couplings, drawn)
            drawn.append(mixture_quantile(log_weights, along, scales[:, :, c], normal[..., c]))
            standard = (drawn[c][:, None] - along) / scales[:, :, c]
            log_weights = (log_weights - 0.5 * standard.square() - scales[:, :, c].log()).log_softmax(1)
        moved = (base.factor @ torch.stack(drawn, -1)[..., None])[..., 0].movedim(-1, 1)
        return torch.where(observation.mask, observation.values, (base.location + moved).clamp(0, 1))

    @staticmethod
    def along(c: int, shifts: Tensor, couplings: Tensor, before: Sequence[Tensor]) -> Tensor:
        """Where each component's channel c lies given the channels before it, in whitened coordinates."""
        found = shifts[:, :, c]
        for d in range(c):
            found = found + couplings[:, :, c * (c - 1) // 2 + d] * (before[d][:, None] - shifts[:, :, d])
        return found


def above_floor(logits: Tensor) -> Tensor:
    """Log weights of components (batch, components, ...) and of the floor under them, whose weight is always FLOOR"""
    found = logits.log_softmax(1) + math.log1p(-FLOOR)
    return torch.cat([found, torch.full_like(found[:, :1], math.log(FLOOR))], 1)


def whitened(deviation: Tensor, factor: Tensor) -> Tensor:
    """factor^-1 times deviation, (..., channels, side, side); factors (..., side, side, channels, channels), lower"""
    found: list[Tensor] = []
    for c in range(factor.shape[-1]):
        known = sum(factor[..., c, d] * found[d] for d in range(c))
        found.append((deviation[..., c, :, :] - known) / factor[..., c, c])
    return torch.stack(found, -3)
