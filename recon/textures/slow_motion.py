"""A texture drawn one pixel at a time, with what the model said of every pixel before it was drawn: to be looked at."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from recon.errors import PredictionError
from recon.models.mcgsm import MCGSM
from recon.models.ride import RIDE

MOST = 128  # pixels a side


@dataclass(frozen=True)
class SlowMotion:
    """A small texture and the mixture that each of its pixels was drawn from.

    canvas  float (above + side, beside + side + beside): the texture with the context that its windows reach into
    gate    (side, side, components, scales): probability of each expert, given the pixels before this one
    means   (side, side, components): where the experts of a component stand, in [0, 1]
    spreads (components, scales): their standard deviations
    above, beside  of the causal window
    remembers  whether the model has seen more than its window: what lies left of it and above
    """

    canvas: Tensor
    gate: Tensor
    means: Tensor
    spreads: Tensor
    above: int
    beside: int
    remembers: bool = False

    @property
    def side(self) -> int:
        return self.gate.shape[0]

    @property
    def texture(self) -> Tensor:
        """The pixels drawn, (side, side)"""
        return self.canvas[self.above :, self.beside : self.beside + self.side]

    def log_density(self) -> Tensor:
        """log p of each pixel drawn given those before it, (side, side), in nats per unit of [0, 1]"""
        experts = torch.distributions.Normal(self.means[..., None], self.spreads)
        terms = self.gate.log() + experts.log_prob(self.texture[..., None, None])
        return terms.flatten(-2).logsumexp(-1)


@torch.no_grad()
def slow_motion(
    model: MCGSM | RIDE,
    side: int,
    generator: torch.Generator,
    temperature: float = 1.0,
    start: Tensor | None = None,
) -> SlowMotion:
    """Draw `side` x `side` pixels and keep what the model said of each; arguments as `Directed.generate`'s.

    All are drawn first, a wave at a time, and asked about afterwards: a pixel's distribution depends on the values
    before it alone, however they came about.
    """
    if not 1 <= side <= MOST:
        raise PredictionError(f"In slow motion a texture has 1 to {MOST} pixels a side.")
    remembers = isinstance(model, RIDE)
    window = model.context if isinstance(model, RIDE) else model.window
    above, beside = window.above, window.beside
    canvas, free = model.blank(above + side, beside + side + beside, generator, 1, start)
    for _ in model.draw(canvas, free, generator, temperature):
        pass
    # an LSTM has read all of the canvas, what is cut off from it included
    top, left = model.margin + above, model.margin + beside
    linear = model.linear(canvas)[0, top:, left : left + side]
    log_weights, means, log_scales = model.mixture.answer(linear)
    spreads = log_scales.exp() * temperature**0.5
    shown = canvas[0, model.margin :, model.margin : left + side + beside].clone()
    return SlowMotion(shown, log_weights.exp(), means[..., 0].clone(), spreads, above, beside, remembers)
