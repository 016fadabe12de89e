"""Fitting an MCGSM: Adam on random pixels, then L-BFGS on many at once; a generator that can be left anywhere.

Some pixels are held out, the lowest rows of a single picture. What the model reaches on them is watched, and the best
it had there is kept: with many components and few pixels it would otherwise learn the picture by heart.
"""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from recon.errors import DataError
from recon.models.colour import GuidedMCGSM, GuidedWindow
from recon.models.directed import LEVELS, Directed, dequantised
from recon.models.mcgsm import MCGSM, ConditionalMixture
from recon.models.window import Window

HELD_OUT = 0.2  # of the rows of a picture, the lowest ones
WATCHED = 10_000  # pixels of either kind that bits are measured on
WHITENED = 60_000  # pixels that the whitening is estimated from
LEAST = 2_000  # pixels to learn from
EMA = 0.99
PATIENCE = 3  # iterations of L-BFGS without anything gained


@dataclass(frozen=True)
class Progress:
    """Where a fit stands; bits are per pixel, by the density of values with uniform noise.

    phase     "Adam" or "L-BFGS"; of a RIDE "patches of 8" and so on
    learned   on pixels that are learned from
    held_out  on pixels that are not
    best      the lowest of `held_out` so far: what the model goes back to when the fit ends or is left
    """

    phase: str
    step: int
    steps: int
    learned: float
    held_out: float
    best: float
    seconds: float


@dataclass(frozen=True)
class Pixels:
    """Pictures of one size and places in them, flattened: those to learn from and those held out.

    images  (count, height, width): uint8 levels, which get new noise each time they are looked at; or values already
            dequantised, float32
    """

    images: Tensor
    learned: Tensor
    held_out: Tensor

    def at(self, window: Window | GuidedWindow, places: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Neighbourhoods (places, size) and pixels (places,), with uniform noise"""
        flat = self.images.view(-1)
        x = flat[places[:, None] + window.steps(self.images.shape[-1])]
        return noisy(x, generator), noisy(flat[places], generator)


def noisy(pixels: Tensor, generator: torch.Generator) -> Tensor:
    """Levels with uniform noise over each; values as they are."""
    return dequantised(pixels, generator) if pixels.dtype == torch.uint8 else pixels


def rows_held_out(image: Tensor, model: Directed, share: float = HELD_OUT) -> Pixels:
    """Of one picture, uint8 (height, width): the lowest `share` of its rows is held out; only `settled` pixels
    count. Raises DataError if the picture is too small."""
    height, width = image.shape
    cut = round(height * (1 - share))
    inner = model.settled(height, width)
    learned, held_out = inner.clone(), inner.clone()
    learned[cut:] = False
    held_out[:cut] = False
    if learned.sum() < LEAST or not held_out.any():
        raise DataError(f"This picture is too small to learn a texture from: {width} x {height} pixels.")
    return Pixels(image[None], learned.flatten().nonzero()[:, 0], held_out.flatten().nonzero()[:, 0])


def fit(
    model: MCGSM | GuidedMCGSM,
    pixels: Pixels,
    *,
    steps: int = 1500,
    finish: int = 8,
    batch: int = 2048,
    rate: float = 1e-2,
    seed: int = 0,
    every: int = 50,
    finish_on: int = 200_000,
    stop: Callable[[], bool] = lambda: False,
) -> Generator[Progress, None, None]:
    """Fit `model` in place, on the CPU; yields after every so many steps. The same seed gives the same model.

    steps, batch, rate  of Adam; the rate falls to nearly 0 along a half cosine; a moving average of the weights is
                        kept; 0 steps measure what whitening alone gives
    finish, finish_on   iterations of L-BFGS, and the pixels that it sees; 0 leaves it out; it ends when held-out bits
                        have risen a few times
    stop                asked at every step, and within those of L-BFGS; once it says yes, what Adam has by then is
                        measured and yielded, an iteration of L-BFGS is given up, and the fit ends
    The generator may be closed at any time: the model then has the weights that were best on held-out pixels.
    """
    generator = torch.Generator().manual_seed(seed)
    some = pick(pixels.learned, WHITENED, generator)
    model.mixture.precondition(*pixels.at(model.window, some, generator))
    watched = [
        pixels.at(model.window, pick(p, WATCHED, generator), generator) for p in (pixels.learned, pixels.held_out)
    ]
    keeper = Keeper(model, lambda: [bits(model, x, y) for x, y in watched])
    try:
        if not steps:
            yield keeper.progress("Adam", 0, 0)

        def loss() -> Tensor:
            places = pixels.learned[torch.randint(len(pixels.learned), (batch,), generator=generator)]
            x, y = pixels.at(model.window, places, generator)
            return -model.mixture.log_prob(x, y).mean()

        for step in adam(model, loss, keeper, steps, rate):
            stopped = stop()
            if step % every == 0 or step == steps or stopped:
                yield keeper.progress("Adam", step, steps)
            if stopped:
                return
        if finish:
            keeper.to_best()
            x, y = pixels.at(model.window, pick(pixels.learned, finish_on, generator), generator)
            worse = 0
            for step in lbfgs(model.mixture, x, y, finish, stop):
                keeper.take(model.state_dict())
                found = keeper.progress("L-BFGS", step, finish)
                yield found
                worse = worse + 1 if found.held_out > found.best else 0
                if worse == PATIENCE:
                    break
    finally:
        keeper.to_best()


class Keeper:
    """Holds the weights that count: the latest average, and the best there has been on held-out pixels.

    measure  bits per pixel that the model, as it is then, reaches on pixels learned from and on those held out
    """

    def __init__(self, model: nn.Module, measure: Callable[[], Sequence[float]]):
        self.model, self.measure, self.began = model, measure, time.monotonic()
        self.average = {name: tensor.clone() for name, tensor in model.state_dict().items()}
        self.best, self.least = self.average, math.inf

    def take(self, state: dict[str, Tensor], decay: float = 0.0) -> None:
        """Move the average towards a state."""
        self.average = {name: old.lerp(state[name], 1 - decay) for name, old in self.average.items()}

    @torch.no_grad()
    def progress(self, phase: str, step: int, steps: int) -> Progress:
        """Measure the average; it is the best from here on if it is."""
        current = {name: tensor.clone() for name, tensor in self.model.state_dict().items()}
        self.model.load_state_dict(self.average)
        learned, held_out = self.measure()
        self.model.load_state_dict(current)
        if held_out < self.least:
            self.least, self.best = held_out, self.average
        return Progress(phase, step, steps, learned, held_out, self.least, time.monotonic() - self.began)

    def to_best(self) -> None:
        self.model.load_state_dict(self.best)


def adam(
    model: nn.Module, loss: Callable[[], Tensor], keeper: Keeper, steps: int, rate: float, clip: float = math.inf
) -> Iterator[int]:
    """Steps of Adam; `loss` draws samples anew each time it is called. The rate falls to nearly 0 along a half cosine;
    `clip` is the largest norm of a gradient."""
    optimiser = torch.optim.Adam(model.parameters(), lr=rate, betas=(0.9, 0.99))
    for step in range(1, steps + 1):
        for group in optimiser.param_groups:
            group["lr"] = rate * min(1.0, step / 50) * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * step / steps)))
        optimiser.zero_grad(set_to_none=True)
        loss().backward()
        if math.isfinite(clip):
            nn.utils.clip_grad_norm_(model.parameters(), clip)
        optimiser.step()
        keeper.take(model.state_dict(), min(EMA, step / (step + 10)))
        yield step


class _Stopped(Exception):
    """Leaves a line search, which has no other door."""


def lbfgs(
    mixture: ConditionalMixture, x: Tensor, y: Tensor, iterations: int, stop: Callable[[], bool] = lambda: False
) -> Iterator[int]:
    """Iterations of L-BFGS on the same pixels. One that `stop` ends is not yielded."""
    optimiser = torch.optim.LBFGS(
        mixture.parameters(), max_iter=1, history_size=20, line_search_fn="strong_wolfe", tolerance_change=0
    )

    def closure() -> Tensor:
        optimiser.zero_grad(set_to_none=True)
        total = x.new_zeros(())
        for part, pixel in zip(x.split(10_000), y.split(10_000), strict=True):
            if stop():
                raise _Stopped
            loss = -mixture.log_prob(part, pixel).sum() / len(y)
            loss.backward()
            total += loss.detach()
        return total

    with contextlib.suppress(_Stopped):
        for step in range(1, iterations + 1):
            optimiser.step(closure)
            yield step


def pick(places: Tensor, count: int, generator: torch.Generator) -> Tensor:
    """So many of the places, each once; all if there are no more."""
    return places[torch.randperm(len(places), generator=generator)[:count]]


@torch.no_grad()
def measure(model: Directed, pixels: Pixels, seed: int = 0) -> tuple[float, float]:
    """Bits per pixel on all pixels learned from, and on all held out, every picture read whole. The same pixels and
    seed give any two models the same values to predict."""
    generator = torch.Generator().manual_seed(seed)
    found = torch.cat([model.log_prob(noisy(image[None], generator)).flatten() for image in pixels.images])
    learned, held_out = (found[places].double().mean().item() for places in (pixels.learned, pixels.held_out))
    return math.log2(LEVELS) - learned / math.log(2), math.log2(LEVELS) - held_out / math.log(2)


@torch.no_grad()
def bits(model: MCGSM | GuidedMCGSM, x: Tensor, y: Tensor) -> float:
    """Bits per pixel of y given neighbourhoods x"""
    return math.log2(LEVELS) - model.mixture.log_prob(x, y).mean().item() / math.log(2)
