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
from recon.models.directed import Directed, dequantised, quantised
from recon.textures.mending import mend
from recon.textures.metropolis import check
from recon.textures.pictures import Exemplar
from recon.textures.surroundings import Touched
from recon.ui.hole import Hole

STARTS = 5  # as in the paper
EVER = 10**9  # sweeps; who fills a hole says when it is enough


@dataclass(frozen=True)
class Biharmonic:
    """What `skimage.restoration.inpaint_biharmonic` fills the hole with, and how long that took."""

    canvas: Tensor
    seconds: float


@dataclass
class Job:
    """From the press of the button on.

    until    sweeps that are asked for
    canvas   (rows, columns) in [0, 1], the part of the picture as it is filled; None before anything is drawn
    best     the likeliest start, before Metropolis
    started  starts that are drawn, with a fraction while one is under way
    done     sweeps, with a fraction
    points   sweeps, bits per pixel and acceptance at the end of each; the first is the best start
    bits     per pixel, of the hole and of what depends on it
    seconds  that it worked
    """

    texture: Exemplar
    model: Directed
    named: str
    hole: Hole
    seed: int
    until: int
    canvas: Tensor | None = None
    best: Tensor | None = None
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
                self.done, self.acceptance = step.done, step.acceptance
                if step.bits is not None and step.done == int(step.done):
                    self.points.append((step.done, step.bits, step.acceptance))
            yield

    @property
    def bits(self) -> float | None:
        return self.points[-1][1] if self.points else None

    def bits_of(self, canvas: Tensor) -> float:
        """The same of another filling"""
        return Touched(self.model, self.mask).bits(canvas[None]).item()

    def psnr_db(self, canvas: Tensor) -> float:
        """Of the pixels of the hole alone, beside the true ones"""
        error = (canvas - self.image)[self.mask].double().square().mean()
        return float(-10 * error.log10())

    def interpolate(self) -> Biharmonic:
        """Fill the hole by scikit-image instead, and keep that."""
        from skimage.restoration import inpaint_biharmonic

        before = time.perf_counter()
        found = inpaint_biharmonic(self.image.double().numpy(), self.hole.mask)
        canvas = torch.from_numpy(np.clip(found, 0, 1).astype(np.float32))
        self.biharmonic = Biharmonic(canvas, time.perf_counter() - before)
        return self.biharmonic

    def whole(self) -> Tensor:
        """The whole picture with its hole mended, uint8; PredictionError before anything is drawn."""
        if self.canvas is None:
            raise PredictionError("Nothing is filled yet.")
        found = self.texture.image.clone()
        found[self.hole.part(*found.shape)] = quantised(self.canvas)
        return found
