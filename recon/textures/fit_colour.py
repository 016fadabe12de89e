"""Fitting a colour model: luma as a grey picture, then each chroma beside the planes before it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from recon.errors import DataError
from recon.models.colour import Colour, planes_of
from recon.models.directed import LEVELS, dequantised
from recon.models.ride import RIDE
from recon.textures import fit
from recon.textures.fit_ride import SIZES, fit_ride

JITTER = 0.4  # levels


@dataclass(frozen=True)
class Jittered(fit.Pixels):
    """Pixels whose neighbours in their own plane have Gaussian noise on them, its standard deviation `jitter` levels.

    Chroma is smooth, and learned as it is it is best predicted by going on as it went so far. Drawn by such a model,
    never quite like a real one, it may swing ever wider: rainbows. With noise a model leans more on luma.
    """

    jitter: float = JITTER

    def at(self, window, places: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        x, y = super().at(window, places, generator)
        own = x[:, : window.own.size]
        own += self.jitter / LEVELS * torch.randn(own.shape, generator=generator)
        return x, y


def rows_learned(height: int, width: int, share: float = fit.HELD_OUT) -> Tensor:
    """bool (1, height, width): all but the lowest `share` of the rows, as `fit.rows_held_out` has it."""
    found = torch.ones(1, height, width, dtype=torch.bool)
    found[:, round(height * (1 - share)) :] = False
    return found


def fit_colour(
    model: Colour,
    images: Tensor,
    learned: Tensor,
    *,
    steps: int = 2000,
    chroma_steps: int = 1500,
    rate: float = 3e-3,
    decay: float = 0.0,
    mirrored: bool = False,
    seed: int = 0,
    every: int = 100,
    jitter: float = JITTER,
    stop: Callable[[], bool] = lambda: False,
) -> Iterator[fit.Progress]:
    """Fit `model` in place, on the CPU; yields after every so many steps. The same seed gives the same model.

    images                colour pictures of one size, uint8 (count, 3, height, width)
    learned               bool (count, height, width): the pixels to learn from; others say when to stop
    steps                 of luma, see `fit.fit` and `fit_ride`
    rate, decay,          of luma if it is a RIDE, whose patches are no larger than pictures leave room for; an MCGSM is
    mirrored              fitted at the rate that `fit.fit` has by itself
    chroma_steps          of Adam, for each chroma
    jitter                see `Jittered`
    stop                  see `fit.fit`
    Noise is added once: level and noise of three colours make each value of a plane. The generator may be closed at any
    time. Raises DataError where pictures are too small, or nothing is held out.
    """
    planes = side_by_side(images, learned, seed)
    luma = pixels(planes[..., :1], model.luma.settled(*images.shape[-2:]), learned)
    if isinstance(model.luma, RIDE):
        context = model.luma.context
        room = min(images.shape[-2] - context.above, images.shape[-1] - 2 * context.beside)
        sizes = [size for size in SIZES if size <= room] or SIZES
        running = fit_ride(
            model.luma,
            luma,
            steps=steps,
            sizes=sizes,
            rate=rate,
            decay=decay,
            mirrored=mirrored,
            seed=seed,
            every=every,
            stop=stop,
        )
    else:
        running = fit.fit(model.luma, luma, steps=steps, seed=seed, every=every, stop=stop)
    for told in running:
        yield replace(told, phase=f"luma, {told.phase}")
    if not stop():
        yield from fit_planes(
            model, planes, learned, steps=chroma_steps, seed=seed, every=every, jitter=jitter, stop=stop
        )


def fit_chroma(
    model: Colour,
    images: Tensor,
    learned: Tensor,
    *,
    steps: int = 1500,
    seed: int = 0,
    every: int = 100,
    jitter: float = JITTER,
    stop: Callable[[], bool] = lambda: False,
) -> Iterator[fit.Progress]:
    """The same of its chroma alone, where luma is learned already; `steps` for each."""
    planes = side_by_side(images, learned, seed)
    yield from fit_planes(model, planes, learned, steps=steps, seed=seed, every=every, jitter=jitter, stop=stop)


def fit_planes(
    model: Colour,
    planes: Tensor,
    learned: Tensor,
    *,
    steps: int,
    seed: int,
    every: int,
    jitter: float,
    stop: Callable[[], bool],
) -> Iterator[fit.Progress]:
    """`fit_chroma` of planes that are `side_by_side`."""
    inside = planes.shape[1:3]
    for k, (name, chroma) in enumerate(zip(("blue", "red"), model.chromas, strict=True), 1):
        if stop():
            return
        seen = pixels(planes[..., : k + 1], chroma.window.inner(*inside), learned)
        seen = Jittered(seen.images, seen.learned, seen.held_out, jitter)
        for told in fit.fit(chroma, seen, steps=steps, finish=0, seed=seed, every=every, stop=stop):
            yield replace(told, phase=f"{name}, {told.phase}")


def side_by_side(images: Tensor, learned: Tensor, seed: int) -> Tensor:
    """Y, C_b and C_r with noise, (count, height, width, 3): with planes last, a plane and those before it are one
    picture of longer rows. Raises DataError for what is no colour pictures."""
    if images.dim() != 4 or images.shape[1] != 3 or learned.shape != images[:, 0].shape:
        raise DataError("A colour model learns from colour pictures of one size.")
    generator = torch.Generator().manual_seed(seed)
    # picture by picture, so that twice as much is never in memory
    return torch.stack([planes_of(dequantised(image, generator)).movedim(0, -1) for image in images])


def pixels(planes: Tensor, inner: Tensor, learned: Tensor) -> fit.Pixels:
    """Those of the last plane of (count, height, width, planes) that are `inner`, bool (height, width)."""
    last = planes.shape[-1] - 1
    found = [(some & inner).flatten().nonzero()[:, 0] * (last + 1) + last for some in (learned, ~learned)]
    if not all(len(some) for some in found):
        raise DataError("These pictures are too small to learn from.")
    return fit.Pixels(planes.flatten(2).contiguous(), *found)
