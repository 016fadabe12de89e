"""Mend a picture: fill a hole by a directed model, from its top to its bottom, then let Metropolis fit it in.

Drawn in raster order alone, a hole knows nothing of the pixels right of it and below. So several candidates are drawn
side by side and, where a model's memory is a window, weighed by the likelihood of each known pixel that the wave of
drawing has just passed; when few of them carry the weight they are drawn anew from each other (a particle filter,
Gordon, Salmond & Smith 1993). The start goes on around which the known pixels are likeliest (Theis & Bethge 2015: the
best of five), and Metropolis within Gibbs makes the seam below disappear.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from recon.errors import PredictionError
from recon.models.directed import Directed, one_thread
from recon.models.mcgsm import MCGSM
from recon.models.window import Window
from recon.textures.metropolis import SIDES, check, metropolis
from recon.textures.surroundings import Touched, tempered

AT_ONCE = 4  # candidates that are weighed between two steps
ENOUGH = 0.5  # effective share of the candidates under which they are drawn anew


@dataclass
class Step:
    """Where the mending of a picture is.

    canvas      (height, width) in [0, 1]; changes as it goes on: clone it to keep it
    phase       "start" or "sweep"
    done, of    starts that are drawn, or sweeps, with a fraction while one is under way
    bits        per pixel, of the hole and of what depends on it; None until a start is drawn
    acceptance  share of the blocks of this sweep that were taken; None before
    """

    canvas: Tensor
    phase: str
    done: float
    of: int
    bits: float | None = None
    acceptance: float | None = None


@torch.no_grad()
def mend(
    model: Directed,
    image: Tensor,
    hole: Tensor,
    generator: torch.Generator,
    starts: int = 5,
    sweeps: int = 20,
    candidates: int = 16,
    sides: Sequence[int] = SIDES,
    tries: int = 4,
    temperature: float = 1.0,
) -> Iterator[Step]:
    """Fill the hole; yields after each wave of pixels, start, and batch of blocks. The last canvas is the result.

    image       (height, width) in [0, 1]; what lies in the hole is not looked at
    hole        bool (height, width)
    starts      ancestral ones, of which one goes on: that which makes the known pixels likeliest
    sweeps      of Metropolis; 0 leaves the best start
    candidates  side by side in each start; 1 is plain raster order
    tries       proposals a block; several fit a seam in less time than more sweeps do
    Other arguments are those of `metropolis`.
    Raises PredictionError for a hole that is none or all, sizes that differ, or no start or candidate.
    """
    check(image, hole)
    if min(starts, candidates) < 1 or sweeps < 0:
        raise PredictionError("There is at least one start, and one candidate in it.")
    hole = hole.to(model.device)
    touched = Touched(model, hole)
    empty = image.to(model.device, copy=True)
    empty[hole] = model.outside
    best, bits, most = empty, None, float("-inf")
    for start in range(starts):
        for canvas, share in ancestral(model, empty, hole, generator, candidates, temperature):
            yield Step(canvas, "start", start + share, starts, bits)
        weight = touched.weight(canvas[None]).item()
        if weight > most:
            best, bits, most = canvas.clone(), touched.bits(canvas[None]).item(), weight
        yield Step(best, "start", start + 1, starts, bits)
    if sweeps:
        for state in metropolis(model, best, hole, generator, sweeps, sides, tries=tries, temperature=temperature):
            yield Step(state.canvas, "sweep", state.done, sweeps, state.bits, state.acceptance)


def ancestral(
    model: Directed, empty: Tensor, hole: Tensor, generator: torch.Generator, candidates: int, temperature: float
) -> Iterator[tuple[Tensor, float]]:
    """Draw the hole once; yields the picture so far, (height, width), and the share that is drawn. Of a model with a
    long memory, the best of candidates that know nothing of what is right of them and below."""
    if isinstance(model, MCGSM):
        yield from filtered(model, empty, hole, generator, candidates, temperature)
        return
    # only what is near is read: all candidates share what is far, and as much of it as counts is within `near`
    touched, picture, drawn, pixels = Touched(model, hole), empty.clone(), 0, int(hole.sum())
    shown = picture[touched.near]
    canvas = shown.repeat(candidates, 1, 1)
    for front in model.draw(canvas, hole[touched.near], generator, temperature):
        drawn += len(front)
        shown.copy_(canvas[0])
        yield picture, drawn / pixels
    weights = []
    for some in canvas.split(AT_ONCE):  # not all at once, which would take seconds in which nobody can say stop
        weights.append(touched.weight(some))
        yield picture, 1.0
    shown.copy_(canvas[torch.cat(weights).argmax()])
    yield picture, 1.0


def filtered(
    model: MCGSM, empty: Tensor, hole: Tensor, generator: torch.Generator, candidates: int, temperature: float
) -> Iterator[tuple[Tensor, float]]:
    """The same by a particle filter: one of the candidates, drawn in proportion to its weight."""
    touched = Touched(model, hole)
    model = tempered(model, temperature)
    window = model.window
    filters, constant = model.mixture.filters()
    padded = window.padded(empty[touched.near].repeat(candidates, 1, 1), model.outside)
    width, flat = padded.shape[-1], padded.flatten(1)
    steps, free = window.steps(width).to(flat.device), hole[touched.near]
    picture = empty.clone()
    shown = picture[touched.near]
    weights, drawn, pixels = flat.new_zeros(candidates, dtype=torch.float64), 0, int(touched.pixels.sum())
    for front in window.fronts(touched.pixels[touched.near].cpu()):
        down, right = front.to(flat.device).unbind(1)
        places, chosen = (down + window.above) * width + right + window.beside, free[down, right]
        with one_thread():
            linear = flat[:, places[:, None] + steps] @ filters + constant
            flat[:, places[chosen]] = model.mixture.sample(linear[:, chosen], generator)
            known = model.mixture.log_prob_of(flat[:, places[~chosen]], linear[:, ~chosen])
        weights += known.double().sum(1)
        if 1 / weights.softmax(0).square().sum() < ENOUGH * candidates:
            flat = flat[systematic(weights, generator)]
            weights.zero_()
        drawn += len(front)
        shown.copy_(torch.where(free, inner(flat[:1], width, window)[0], shown))
        yield picture, drawn / pixels
    last = systematic(weights, generator)[torch.randint(candidates, (1,), generator=generator, device=flat.device)]
    shown.copy_(torch.where(free, inner(flat[last], width, window)[0], shown))
    yield picture, 1.0


def inner(flat: Tensor, width: int, window: Window) -> Tensor:
    """Flattened padded pictures without their padding"""
    return flat.unflatten(1, (-1, width))[:, window.above :, window.beside : width - window.beside]


def systematic(weights: Tensor, generator: torch.Generator) -> Tensor:
    """Indices drawn in proportion to exp(weights), as many as there are, evenly spaced in the cumulative sum."""
    count = len(weights)
    uniform = torch.rand(1, generator=generator, device=weights.device, dtype=weights.dtype)
    steps = (torch.arange(count, device=weights.device) + uniform) / count
    return torch.searchsorted(weights.softmax(0).cumsum(0), steps).clamp_max(count - 1)
