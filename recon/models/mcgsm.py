"""Factorised mixture of conditional Gaussian scale mixtures (Theis, Hosseini & Bethge 2012; Theis & Bethge 2015).

Of one number y given a vector x, `ConditionalMixture`: experts are Gaussians around linear predictions, a gate says
from quadratic features of x which of them speaks, and at which scale.

    p(c, s | x)    proportional to  exp(eta_cs - 1/2 exp(alpha_cs) sum_n beta_cn^2 (b_n' x)^2)
    p(y | x, c, s) = N(y; a_c' x, exp(-alpha_cs))

Of pictures, `MCGSM`: y is a pixel, x its causal neighbourhood. Both are whitened first, y by what x predicts of it
linearly ("conditional whitening"), so that at the start of fitting the model is the best linear predictor.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch import Tensor, nn

from recon.errors import PredictionError
from recon.models.directed import LEVELS, Directed, one_thread
from recon.models.window import Window

RIDGE = 1e-6  # of the neighbourhood's covariance, in units of its mean variance
AT_ONCE = 16_384  # pixels whose every component and scale is in memory together
LEAST = 1e-12  # of variances: a picture may be all of one colour


class Whitening(NamedTuple):
    """x' = whitening (x - centre), y' = (y - level - slope (x - centre)) / spread; the whitening is symmetric."""

    centre: Tensor
    whitening: Tensor
    slope: Tensor
    level: Tensor
    spread: Tensor


def conditional_whitening(x: Tensor, y: Tensor) -> Whitening:
    """Estimated in double precision from samples x (count, inputs) and y (count,)."""
    x, y = x.double(), y.double()
    centre, level = x.mean(0), y.mean()
    x, y = x - centre, y - level
    covariance = x.T @ x / len(x)
    ridge = RIDGE * covariance.diagonal().mean() + LEAST
    covariance += ridge * torch.eye(len(centre), dtype=x.dtype, device=x.device)
    values, vectors = torch.linalg.eigh(covariance)
    slope = torch.linalg.solve(covariance, x.T @ y / len(x))
    spread = (y - x @ slope).square().mean().sqrt().clamp_min(1e-6)
    return Whitening(centre, (vectors / values.sqrt()) @ vectors.T, slope, level, spread)


class ConditionalMixture(nn.Module):
    """p(y | x) for vectors x of `inputs` numbers.

    components, scales, features  C, S and N of the formulas above

    Buffers hold the whitening: x' = whitening (x - centre), y' = (y - level - slope (x - centre)) / spread; and the
    range that y was seen in.
    """

    centre: Tensor
    whitening: Tensor
    slope: Tensor
    level: Tensor
    spread: Tensor
    range: Tensor

    def __init__(self, inputs: int, components: int = 12, scales: int = 4, features: int = 32):
        super().__init__()
        if min(inputs, components, scales, features) < 1:
            raise PredictionError("An MCGSM has at least one input, component, scale and feature.")
        self.inputs, self.components, self.scales = inputs, components, scales
        self.priors = nn.Parameter(torch.zeros(components, scales))  # eta
        self.precisions = nn.Parameter(torch.linspace(-1.5, 2.5, scales).repeat(components, 1))  # alpha, logs
        self.weights = nn.Parameter(torch.rand(components, features) * math.sqrt(2 / features))  # beta
        self.features = nn.Parameter(torch.randn(inputs, features) / math.sqrt(inputs))  # b
        self.predictors = nn.Parameter(torch.randn(inputs, components) * 0.01)  # a
        self.register_buffer("centre", torch.zeros(inputs))
        self.register_buffer("whitening", torch.eye(inputs))
        self.register_buffer("slope", torch.zeros(inputs))
        self.register_buffer("level", torch.zeros(()))
        self.register_buffer("spread", torch.ones(()))
        self.register_buffer("range", torch.tensor([0.0, 1.0]))

    @torch.no_grad()
    def precondition(self, x: Tensor, y: Tensor) -> None:
        """Set the whitening from samples x (count, inputs) and y (count,)."""
        self.range.copy_(torch.stack([y.min(), y.max()]))
        for name, value in conditional_whitening(x, y)._asdict().items():
            getattr(self, name).copy_(value)

    def filters(self) -> tuple[Tensor, Tensor]:
        """All that is linear in x, folded together with the whitening: (inputs, features + components) and the constant
        (features + components,). First the features b' x', then each expert's mean of y itself."""
        means = self.slope[:, None] + self.spread * self.whitening @ self.predictors
        found = torch.cat([self.whitening @ self.features, means], 1)
        constant = -self.centre @ found
        shift = torch.cat([constant.new_zeros(self.features.shape[1]), self.level.expand(self.components)])
        return found, constant + shift

    def answer(self, linear: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """What x says of y, from x times `filters` plus its constant, (..., features + components): log weights of the
        gate (..., components, scales), means (..., components, 1), log standard deviations (components, scales)."""
        features, means = linear.split([self.features.shape[1], self.components], -1)
        energy = features.square() @ self.weights.square().T
        gate = self.priors - 0.5 * self.precisions.exp() * energy[..., None]
        log_weights = gate.flatten(-2).log_softmax(-1).unflatten(-1, self.priors.shape)
        return log_weights, means[..., None], self.spread.log() - 0.5 * self.precisions

    def log_prob_of(self, y: Tensor, linear: Tensor) -> Tensor:
        """log p(y | x), of the shape of y"""
        log_weights, means, log_scales = self.answer(linear)
        standard = (y[..., None, None] - means) * (-log_scales).exp()
        terms = log_weights - 0.5 * standard.square() - log_scales
        return torch.logsumexp(terms.flatten(-2), -1) - 0.5 * math.log(2 * math.pi)

    def log_prob(self, x: Tensor, y: Tensor) -> Tensor:
        """log p(y | x) in nats; x (..., inputs), y (...)"""
        filters, constant = self.filters()
        return self.log_prob_of(y, x @ filters + constant)

    def log_mass_of(self, level: Tensor, linear: Tensor) -> Tensor:
        """log P(level), of the 256 levels of [0, 1], what lies beyond black and white counted in with them."""
        log_weights, means, log_scales = self.answer(linear)
        wide = log_scales.exp()
        low, high = ((level + end)[..., None, None] / LEVELS for end in (0, 1))
        low = torch.where((level == 0)[..., None, None], -torch.inf, (low - means) / wide)
        high = torch.where((level == LEVELS - 1)[..., None, None], torch.inf, (high - means) / wide)
        # on the side where both are small, so that nothing is lost where both are nearly one
        flip = low > 0
        low, high = torch.where(flip, -high, low), torch.where(flip, -low, high)
        above, below = torch.special.log_ndtr(high), torch.special.log_ndtr(low)
        mass = above + torch.log1p(-(below - above).exp().clamp_max(1 - 1e-7))
        return torch.logsumexp((log_weights + mass).flatten(-2), -1)

    def sample(self, linear: Tensor, generator: torch.Generator, temperature: float = 1.0) -> Tensor:
        """One y for each, of the shape of `linear` without its last axis, within the range that was seen: a picture
        drawn pixel by pixel that leaves it does not come back. Temperature scales each expert's variance."""
        log_weights, means, log_scales = self.answer(linear)
        flat = log_weights.flatten(-2)
        uniform = torch.rand(flat.shape[:-1], generator=generator, device=flat.device)
        # by the cumulative sum, not `multinomial`: that differs between kernels, and is slower for few
        chosen = (flat.exp().cumsum(-1) < uniform[..., None]).sum(-1).clamp_max(flat.shape[-1] - 1)
        scale = log_scales.flatten()[chosen].exp() * math.sqrt(temperature)
        mean = means[..., 0].gather(-1, (chosen // self.scales)[..., None])[..., 0]
        drawn = mean + scale * torch.randn(mean.shape, generator=generator, device=mean.device)
        return drawn.clamp(*self.range)


class MCGSM(Directed):
    """MCGSM of grey pictures.

    above, beside  the causal window, see `Window`
    The other arguments are `ConditionalMixture`'s.
    """

    kind = "mcgsm"

    def __init__(self, *, above: int = 7, beside: int = 7, components: int = 12, scales: int = 4, features: int = 32):
        super().__init__()
        self.window = Window(above, beside)
        self.mixture = ConditionalMixture(self.window.size, components, scales, features)
        self.margin = 4 * max(above, beside)

    @property
    def outside(self) -> Tensor:
        return self.mixture.level

    def settled(self, height: int, width: int) -> Tensor:
        return self.window.inner(height, width)

    def linear(self, values: Tensor) -> Tensor:
        """What the filters make of every pixel's neighbourhood: (batch, height, width, features + components)"""
        filters, constant = self.mixture.filters()
        return self.window.convolved(values, filters, self.outside).movedim(1, -1) + constant

    def log_prob(self, values: Tensor) -> Tensor:
        linear = self.linear(values).flatten(0, 2).split(AT_ONCE)
        found = [self.mixture.log_prob_of(*part) for part in zip(values.flatten().split(AT_ONCE), linear, strict=True)]
        return torch.cat(found).view(values.shape)

    def log_mass(self, image: Tensor) -> Tensor:
        """log P(level | the levels before it) of uint8 (batch, height, width): a discrete model of 8-bit pictures,
        whose neighbourhoods hold the middles of levels."""
        middles = (image.float() + 0.5) / LEVELS
        return self.mixture.log_mass_of(image.float(), self.linear(middles))

    @torch.no_grad()
    def draw(
        self, canvas: Tensor, free: Tensor, generator: torch.Generator, temperature: float = 1.0
    ) -> Iterator[Tensor]:
        filters, constant = self.mixture.filters()
        known = constant.expand(*canvas.shape, -1)
        return draw_in_waves(self.mixture, self.window, filters, known, canvas, free, generator, temperature)


@torch.no_grad()
def draw_in_waves(
    mixture: ConditionalMixture,
    window: Window,
    filters: Tensor,
    known: Tensor,
    canvas: Tensor,
    free: Tensor,
    generator: torch.Generator,
    temperature: float,
) -> Iterator[Tensor]:
    """`Directed.draw` of a mixture that sees a causal window.

    filters  what the window's pixels are multiplied by, (window.size, features + components), see `filters`
    known    what there is beside that at each pixel, (batch, height, width, features + components)
    """
    padded = window.padded(canvas, mixture.level)
    steps, flat = window.steps(padded.shape[-1]).to(canvas.device), padded.flatten(1)
    for front in window.fronts(free.cpu()):
        rows, columns = front.to(canvas.device).unbind(1)
        places = (rows + window.above) * padded.shape[-1] + columns + window.beside
        with one_thread():
            linear = flat[:, places[:, None] + steps] @ filters + known[:, rows, columns]
            drawn = mixture.sample(linear, generator, temperature)
        flat[:, places] = drawn
        canvas[:, rows, columns] = drawn
        yield front
