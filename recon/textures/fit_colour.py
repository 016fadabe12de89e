"""Fitting a colour model: luma as a grey picture, then each chroma beside the planes before it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import torch
from torch import Tensor

from recon.errors import DataError
from recon.models.colour import Colour, planes_of
from recon.models.directed import dequantised
from recon.models.ride import RIDE
from recon.textures import fit
from recon.textures.fit_ride import SIZES, fit_ride


def fit_colour(
    model: Colour,
    learned: Tensor,
    held_out: Tensor,
    *,
    steps: int = 2000,
    chroma_steps: int = 1500,
    rate: float = 3e-3,
    decay: float = 0.0,
    mirrored: bool = False,
    seed: int = 0,
    every: int = 100,
) -> Iterator[fit.Progress]:
    """Fit `model` in place, on the CPU; yields after every so many steps. The same seed gives the same model.

    learned, held_out     colour pictures of one size, uint8 (count, 3, height, width); the latter say when to stop
    steps, rate, decay,   of luma, see `fit.fit` and `fit_ride`; a RIDE's patches are no larger than pictures leave room
    mirrored              for
    chroma_steps          of Adam, for each chroma
    Noise is added once: level and noise of three colours make each value of a plane. The generator may be closed at any
    time. Raises DataError where pictures are too small.
    """
    if learned.dim() != 4 or learned.shape[1] != 3 or learned.shape[1:] != held_out.shape[1:]:
        raise DataError("A colour model learns from colour pictures of one size.")
    generator = torch.Generator().manual_seed(seed)
    images = torch.cat([learned, held_out])
    # picture by picture, and planes last: a plane and those before it are then one picture of longer rows
    planes = torch.stack([planes_of(dequantised(image, generator)).movedim(0, -1) for image in images])
    luma = places(planes[..., 0].contiguous(), model.luma.settled(*images.shape[-2:]), 1, len(learned))
    if isinstance(model.luma, RIDE):
        room = min(images.shape[-2] - model.luma.context.above, images.shape[-1] - 2 * model.luma.context.beside)
        sizes = [size for size in SIZES if size <= room]
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
        )
    else:
        running = fit.fit(model.luma, luma, steps=steps, seed=seed, every=every)
    for told in running:
        yield replace(told, phase=f"luma, {told.phase}")
    for k, (name, chroma) in enumerate(zip(("blue", "red"), model.chromas, strict=True), 1):
        inner = chroma.window.inner(*images.shape[-2:])
        seen = places(planes[..., : k + 1].flatten(2), inner, k + 1, len(learned))
        for told in fit.fit(chroma, seen, steps=chroma_steps, finish=0, seed=seed, every=every):
            yield replace(told, phase=f"{name}, {told.phase}")


def places(images: Tensor, inner: Tensor, planes: int, learned: int) -> fit.Pixels:
    """Pixels of the last of `planes` planes side by side, (count, height, width planes): those that are `inner`, bool
    (height, width); the first `learned` pictures are to learn from."""
    own = inner.flatten().nonzero()[:, 0] * planes + planes - 1
    if len(own) == 0:
        raise DataError("These pictures are too small to learn from.")
    spread = torch.arange(len(images))[:, None] * images[0].numel() + own
    return fit.Pixels(images, spread[:learned].flatten(), spread[learned:].flatten())
