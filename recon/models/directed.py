"""Directed models of images: p(x) is a product over pixels of p(pixel | those before it in raster order).

They (Theis & Bethge 2015) take pictures of any size and say exactly how likely they are. They do not answer scattered
pixels, so they have no `predict`; they draw pictures (`generate`) and fill holes (`complete`), in raster order or
a wave of pixels at a time.

Pixels are in [0, 1): an 8-bit picture is `dequantised` to (level + u) / 256, u uniform or one half, and densities are
of these values. Bits per pixel count a level as the unit.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator

import torch
from torch import Tensor

from recon.errors import PredictionError
from recon.models.base import Stored

LEVELS = 256
NOISE = 0.1  # standard deviation of what a new picture begins from


def dequantised(image: Tensor, generator: torch.Generator | None = None) -> Tensor:
    """uint8 (..., height, width) to float32 in [0, 1): each level with uniform noise over it, or its middle."""
    noise = 0.5 if generator is None else torch.rand(image.shape, generator=generator, device=image.device)
    return (image.float() + noise) / LEVELS


def quantised(values: Tensor) -> Tensor:
    """The level that each value lies in, uint8"""
    return (values * LEVELS).floor().clamp(0, LEVELS - 1).to(torch.uint8)


def mean_of(nats: Tensor, counted: Tensor | None) -> float:
    """Over pixels of (batch, height, width), all of them, or those `counted`, bool (height, width); PredictionError
    where there is none."""
    if counted is not None:
        if not counted.any():
            raise PredictionError("This picture is smaller than what the model looks at.")
        nats = nats[:, counted]
    return nats.double().mean().item()


@contextlib.contextmanager
def one_thread() -> Iterator[None]:
    """For thousands of steps of some microseconds each: threads that wait for each other would take most of the time,
    all of it on a machine that has other work."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


class Directed(Stored):
    """A directed model of grey pictures of any size.

    A subclass implements `log_prob` and `draw`. `margin` is how many pixels beyond a picture `generate` draws and cuts
    off, so that the emptiness outside does not show.
    """

    margin: int

    def log_prob(self, values: Tensor) -> Tensor:
        """log p(pixel | those before it) of every pixel, (batch, height, width), in nats per unit of [0, 1]; beyond
        the border there is the mean."""
        raise NotImplementedError

    def draw(
        self, canvas: Tensor, free: Tensor, generator: torch.Generator, temperature: float = 1.0
    ) -> Iterator[Tensor]:
        """Fill the pixels `free`, bool (height, width), of the canvas (batch, height, width) in place, each given all
        before it; yields the pixels just drawn, (pixels, 2), after each step."""
        raise NotImplementedError

    @property
    def outside(self) -> Tensor:
        """Value of pixels that are not there."""
        raise NotImplementedError

    def settled(self, height: int, width: int) -> Tensor:
        """bool (height, width): the pixels that have all of their context inside the picture; densities are compared
        on these alone (the "infinite image" of the paper)."""
        raise NotImplementedError

    @property
    def device(self) -> torch.device:
        return next(iter([*self.parameters(), *self.buffers()])).device

    @torch.no_grad()
    def bits_per_pixel(self, image: Tensor, generator: torch.Generator, whole: bool = True) -> float:
        """Of uint8 (batch, height, width) with uniform noise, by the exact density: an upper bound on the bits of the
        levels themselves.

        whole  count every pixel; else only `settled` ones, as the paper does. PredictionError where there is none.
        """
        nats = mean_of(self.log_prob(dequantised(image, generator)), None if whole else self.settled(*image.shape[-2:]))
        return math.log2(LEVELS) - nats / math.log(2)

    @torch.no_grad()
    def generate(
        self,
        height: int,
        width: int,
        generator: torch.Generator,
        count: int = 1,
        temperature: float = 1.0,
        start: Tensor | None = None,
    ) -> Iterator[Tensor]:
        """New pictures, drawn row by row: yields (count, height, width) after each step, unfinished pixels at
        `outside`; the last one is finished.

        It begins outside the picture, from noise or from `start`, (rows, columns), a texture whose pixels (mirrored
        where it ends) surround what is drawn.
        """
        canvas, free = self.blank(height, width, generator, count, start)
        inside = canvas[:, self.margin :, self.margin : self.margin + width]
        for _ in self.draw(canvas, free, generator, temperature):
            yield inside

    def blank(
        self, height: int, width: int, generator: torch.Generator, count: int = 1, start: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """What `generate` begins with: the canvas, (count, height + margin, width + 2 margin), whose last rows and
        middle columns are the pictures, and which of its pixels are to be drawn, bool."""
        margin = self.margin
        free = torch.zeros(height + margin, width + 2 * margin, dtype=torch.bool)
        canvas = torch.empty(count, *free.shape, device=self.device)
        if start is None:
            canvas.normal_(generator=generator).mul_(NOISE).add_(self.outside).clamp_(0, 1)
        else:
            canvas[:] = around(start.to(canvas), *free.shape)
        edge = margin // 2
        free[edge:, edge : free.shape[1] - edge] = True
        canvas[:, free] = self.outside
        return canvas, free

    @torch.no_grad()
    def complete(
        self, image: Tensor, hole: Tensor, generator: torch.Generator, temperature: float = 1.0
    ) -> Iterator[Tensor]:
        """Fill a hole in raster order: yields (batch, height, width) after each step.

        image  in [0, 1], (batch, height, width); what lies in the hole is not looked at
        hole   bool (height, width)
        Pixels to the right of the hole and below it are not respected; `recon.textures.metropolis` does that.
        Raises PredictionError if there is nothing to fill or the sizes differ.
        """
        if hole.shape != image.shape[-2:]:
            raise PredictionError("The hole and the picture differ in size.")
        if not hole.any():
            raise PredictionError("There is no hole to fill.")
        canvas = image.to(self.device, copy=True)
        canvas[:, hole] = self.outside
        for _ in self.draw(canvas, hole, generator, temperature):
            yield canvas


def around(texture: Tensor, height: int, width: int) -> Tensor:
    """A texture mirrored at its borders until it covers (height, width)."""
    rows, columns = (
        (torch.arange(size) % (2 * side)) for size, side in zip((height, width), texture.shape, strict=True)
    )
    rows = torch.minimum(rows, 2 * texture.shape[0] - 1 - rows)
    columns = torch.minimum(columns, 2 * texture.shape[1] - 1 - columns)
    return texture[rows][:, columns]
