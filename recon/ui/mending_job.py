"""A hole that is being filled: kept whole, so that it can be stopped at every stage and gone on with."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from recon.errors import PredictionError
from recon.models.colour import Colour, planes_of
from recon.models.directed import Directed, dequantised, quantised
from recon.textures.mending import mend
from recon.textures.metropolis import check
from recon.textures.pictures import Exemplar
from recon.textures.surroundings import Touched
from recon.ui.hole import Hole
from recon.ui.mending_colour import Tint

STARTS = 5  # as in the paper
EVER = 10**9  # sweeps; who fills a hole says when it is enough


@dataclass(frozen=True)
class Biharmonic:
    """What `skimage.restoration.inpaint_biharmonic` fills the hole with, grey levels and as it is looked at, and how
    long that took."""

    canvas: Tensor
    shown: Tensor
    seconds: float


@dataclass
class Job:
    """From the press of the button on.

    until    sweeps that are asked for
    canvas   (rows, columns) in [0, 1], the part of the picture as it is filled; None before anything is drawn
    colour   the model that draws the hole's chroma; None leaves a picture grey
    best     the likeliest start, before Metropolis
    first    the same as it is looked at
    started  starts that are drawn, with a fraction while one is under way
    done     sweeps, with a fraction
    points   sweeps, bits per pixel and acceptance at the end of each; the first is the best start
    bits     per pixel, of the luma of the hole and of what depends on it
    seconds  that it worked
    """

    texture: Exemplar
    model: Directed
    named: str
    hole: Hole
    seed: int
    until: int
    colour: Colour | None = None
    canvas: Tensor | None = None
    best: Tensor | None = None
    first: Tensor | None = None
    started: float = 0.0
    done: float = 0.0
    acceptance: float | None = None
    points: list[tuple[float, float, float | None]] = field(default_factory=list)
    seconds: float = 0.0
    waits: bool = True
    stop: threading.Event = field(default_factory=threading.Event)
    biharmonic: Biharmonic | None = None
    truth_bits: float | None = None

    def __post_init__(self) -> None:
        where = self.hole.part(*self.texture.image.shape)
        self.image = dequantised(self.texture.image[where])
        self.mask = torch.from_numpy(self.hole.mask)
        check(self.image, self.mask)
        self.tint = None
        if self.colour is not None and self.texture.colours is not None:
            self.tint = Tint(self.colour, self.texture.colours[:, *where], self.mask)
        self.work = self.steps()

    @property
    def busy(self) -> bool:
        """Whether there is more to do, and nobody has said stop"""
        return not self.stop.is_set() and (self.started < STARTS or self.done < self.until)

    def go(self) -> Iterator[None]:
        """Work until it is stopped or all sweeps are done; yields often. It goes on where it was left."""
        before = time.perf_counter()
        while self.busy:
            next(self.work)
            now = time.perf_counter()
            self.seconds, before = self.seconds + now - before, now
            yield
        if self.stop.is_set() and self.best is not None and self.started < STARTS:
            self.canvas = self.best  # rather than half of another
        self.draw_chroma(self.canvas)

    def steps(self) -> Iterator[None]:
        """All of it, without an end."""
        self.truth_bits = self.bits_of(self.image)
        generator = torch.Generator().manual_seed(self.seed)
        for step in mend(self.model, self.image, self.mask, generator, STARTS, EVER):
            self.canvas = step.canvas
            if step.phase == "start":
                self.started = step.done
                if step.bits is not None and step.bits != self.bits:
                    self.best, self.points = step.canvas.clone(), [(0.0, step.bits, None)]
            else:
                if self.first is None:
                    self.draw_chroma(self.best)
                self.done, self.acceptance = step.done, step.acceptance
                if step.bits is not None and step.done == int(step.done):
                    self.points.append((step.done, step.bits, step.acceptance))
            yield

    def draw_chroma(self, luma: Tensor | None) -> None:
        """Given what there is of luma, which changes until the end: at the best start, and whenever the job rests."""
        if self.tint is not None and luma is not None:
            self.tint.draw(luma, self.seed)
        if self.best is not None and not self.done:
            self.first = self.shown(self.best)

    def shown(self, canvas: Tensor) -> Tensor:
        """As it is looked at, in [0, 1]: (height, width), or (3, height, width) of a coloured picture"""
        return canvas if self.tint is None else self.tint.over(canvas)

    @property
    def true(self) -> Tensor:
        """What lies under the hole too, as it is looked at"""
        return self.image if self.tint is None else self.tint.true

    @property
    def bits(self) -> float | None:
        return self.points[-1][1] if self.points else None

    def bits_of(self, canvas: Tensor) -> float:
        """The same of another filling"""
        return Touched(self.model, self.mask).bits(canvas[None]).item()

    def psnr_db(self, canvas: Tensor) -> float:
        """Of the luma of the hole's pixels alone, beside the true ones"""
        error = (canvas - self.image)[self.mask].double().square().mean()
        return float(-10 * error.log10())

    def interpolate(self) -> Biharmonic:
        """Fill the hole by scikit-image instead, and keep that."""
        from skimage.restoration import inpaint_biharmonic

        before = time.perf_counter()
        coloured = self.true.dim() == 3
        known = torch.where(self.mask, 0.0, self.true).double().movedim(0, -1 if coloured else 0).numpy()
        filled = inpaint_biharmonic(known, self.hole.mask, channel_axis=-1 if coloured else None)
        shown = torch.from_numpy(np.clip(filled, 0, 1).astype(np.float32)).movedim(-1 if coloured else 0, 0)
        canvas = torch.where(self.mask, planes_of(shown)[0], self.image) if coloured else shown
        self.biharmonic = Biharmonic(canvas, shown, time.perf_counter() - before)
        return self.biharmonic

    def whole(self) -> np.ndarray:
        """The whole picture with its hole mended, uint8 (height, width[, 3]); PredictionError before anything is
        drawn."""
        if self.canvas is None:
            raise PredictionError("Nothing is filled yet.")
        colours = self.texture.colours if self.tint else None
        found = (self.texture.image if colours is None else colours).clone()
        found[..., *self.hole.part(*found.shape[-2:])] = quantised(self.shown(self.canvas))
        return found.numpy() if self.tint is None else found.movedim(0, -1).numpy()
