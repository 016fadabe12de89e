"""Directed models of colour pictures: luma first, then each chroma given it, as the code of Theis & Bethge (2015) does.

    p(R, G, B) = p(Y) p(C_b | Y) p(C_r | Y, C_b) |det T|,    (Y, C_b, C_r) = T (R, G, B), as JPEG has it

Luma is any directed model of grey pictures. A chroma is a `GuidedMCGSM`: it sees, beside the causal window of its own
plane, the planes before it on all sides of the pixel, since these are there already.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from recon.errors import PredictionError
from recon.models.base import Stored
from recon.models.directed import LEVELS, dequantised, mean_of
from recon.models.mcgsm import MCGSM, ConditionalMixture, draw_in_waves
from recon.models.ride import RIDE
from recon.models.window import Window

LUMA = {model.kind: model for model in (MCGSM, RIDE)}
EVERY = 16  # steps between two pictures that are shown: each is converted as a whole
TO_PLANES = torch.tensor(  # ITU-R BT.601, as in JPEG; chroma of a grey pixel is one half
    [
        [0.299, 0.587, 0.114],
        [-0.299 / 1.772, -0.587 / 1.772, 0.5],
        [0.5, -0.587 / 1.402, -0.114 / 1.402],
    ]
)
TO_COLOURS = torch.linalg.inv(TO_PLANES.double())
GREY = torch.tensor([0.0, 0.5, 0.5])
LOG_DET = torch.linalg.slogdet(TO_PLANES.double())[1].item()


def planes_of(image: Tensor) -> Tensor:
    """R, G and B in [0, 1], (..., 3, height, width), to Y, C_b and C_r, each within [0, 1] too"""
    return torch.einsum("pc,...chw->...phw", TO_PLANES.to(image), image) + GREY.to(image)[:, None, None]


def colours_of(planes: Tensor) -> Tensor:
    """Back again; what no screen can show, beyond [0, 1], is left as it is."""
    return torch.einsum("cp,...phw->...chw", TO_COLOURS.to(planes), planes - GREY.to(planes)[:, None, None])


@dataclass(frozen=True)
class GuidedWindow:
    """A causal window of a plane, and squares of (2 reach + 1)^2 pixels around its pixel of the `guides` before it.

    Of planes side by side in each pixel, (height, width, guides + 1), it is a window like any other.
    """

    own: Window
    guides: int
    reach: int

    @property
    def square(self) -> int:
        return (2 * self.reach + 1) ** 2

    @property
    def size(self) -> int:
        return self.own.size + self.guides * self.square

    def steps(self, width: int) -> Tensor:
        """As `Window.steps`, in planes side by side: rows of `width` = columns (guides + 1) numbers. Places are those
        of the last plane."""
        planes = self.guides + 1
        own = [dy * width + dx * planes for dy, dx in self.own.offsets]
        near = range(-self.reach, self.reach + 1)
        guides = [dy * width + dx * planes + k - self.guides for k in range(self.guides) for dy in near for dx in near]
        return torch.tensor(own + guides)

    def inner(self, height: int, width: int) -> Tensor:
        """As `Window.inner`, bool (height, width)"""
        found, reach = self.own.inner(height, width), self.reach
        found[:reach] = found[height - reach :] = False
        found[:, :reach] = found[:, width - reach :] = False
        return found


class GuidedMCGSM(nn.Module):
    """p(plane | other planes), pixel by pixel: an MCGSM whose window is a `GuidedWindow`.

    guides  planes that are known
    reach   how far around a pixel they are looked at
    The other arguments are `MCGSM`'s.
    """

    def __init__(
        self,
        guides: int,
        *,
        reach: int = 2,
        above: int = 3,
        beside: int = 3,
        components: int = 8,
        scales: int = 4,
        features: int = 24,
    ):
        super().__init__()
        if guides < 1 or reach < 0:
            raise PredictionError("A guided MCGSM has at least one plane that is known.")
        self.window = GuidedWindow(Window(above, beside), guides, reach)
        self.mixture = ConditionalMixture(self.window.size, components, scales, features)

    def _of_guides(self, guides: Tensor, filters: Tensor, constant: Tensor) -> Tensor:
        """What the filters make of the guides (batch, guides, height, width), (batch, height, width, outputs), and the
        constant; beyond the border a guide repeats its last pixel."""
        reach = self.window.reach
        kernel = filters[self.window.own.size :].unflatten(0, (self.window.guides, 2 * reach + 1, 2 * reach + 1))
        around = F.pad(guides, (reach,) * 4, mode="replicate")
        return F.conv2d(around, kernel.permute(3, 0, 1, 2)).movedim(1, -1) + constant

    def log_prob(self, values: Tensor, guides: Tensor) -> Tensor:
        """log p of every pixel of `values`, (batch, height, width), in nats per unit of [0, 1], given the guides
        (batch, guides, height, width) and the pixels before it; beyond the border there is the mean."""
        filters, constant = self.mixture.filters()
        own = self.window.own.convolved(values, filters[: self.window.own.size], self.mixture.level).movedim(1, -1)
        return self.mixture.log_prob_of(values, own + self._of_guides(guides, filters, constant))

    @torch.no_grad()
    def draw(
        self, canvas: Tensor, guides: Tensor, free: Tensor, generator: torch.Generator, temperature: float = 1.0
    ) -> Iterator[Tensor]:
        """As `Directed.draw`, given the guides."""
        filters, constant = self.mixture.filters()
        own, known = self.window.own, self._of_guides(guides, filters, constant)
        return draw_in_waves(self.mixture, own, filters[: own.size], known, canvas, free, generator, temperature)


class Colour(Stored):
    """A directed model of colour pictures.

    luma    what makes the model of luma: its kind, "mcgsm" or "ride", and its arguments
    chroma  arguments of both `GuidedMCGSM`s

    Raises PredictionError for another kind.
    """

    kind = "colour"

    def __init__(self, *, luma: Mapping[str, Any], chroma: Mapping[str, Any] | None = None):
        super().__init__()
        asked = dict(luma)
        kind = asked.pop("kind", None)
        if kind not in LUMA:
            raise PredictionError(f"Luma is modelled by one of {', '.join(LUMA)}, not by {kind!r}.")
        self.luma = LUMA[kind](**asked)
        self.chroma = nn.ModuleList(GuidedMCGSM(guides, **(chroma or {})) for guides in (1, 2))

    @classmethod
    def over(cls, luma: MCGSM | RIDE, chroma: Mapping[str, Any] | None = None) -> Colour:
        """With that model of luma, the same one, not a copy, and chroma that has learned nothing yet."""
        found = cls(luma={"kind": luma.kind, **luma.arguments}, chroma=chroma)
        found.luma = luma
        return found

    def settled(self, height: int, width: int) -> Tensor:
        """bool (height, width): the pixels that have all windows inside the picture, see `Directed.settled`."""
        found = self.luma.settled(height, width)
        for model in self.chromas:
            found = found & model.window.inner(height, width)
        return found

    @property
    def chromas(self) -> list[GuidedMCGSM]:
        """Of C_b given Y, and of C_r given both"""
        return [model for model in self.chroma if isinstance(model, GuidedMCGSM)]

    def log_probs(self, image: Tensor) -> Tensor:
        """log p of every pixel's Y, C_b and C_r given all before, (batch, 3, height, width), from R, G and B in [0, 1].
        Summed over planes, and log |det T| added, they are the density of R, G and B: `log_prob`."""
        planes = planes_of(image)
        chroma = [model.log_prob(planes[:, k], planes[:, :k]) for k, model in enumerate(self.chromas, 1)]
        return torch.stack([self.luma.log_prob(planes[:, 0]), *chroma], 1)

    def log_prob(self, image: Tensor) -> Tensor:
        """log p of every pixel's three values, (batch, height, width), in nats per unit of [0, 1]^3, from R, G and B in
        [0, 1], (batch, 3, height, width)."""
        return self.log_probs(image).sum(1) + LOG_DET

    @torch.no_grad()
    def bits_per_dim(self, image: Tensor, generator: torch.Generator, whole: bool = True) -> float:
        """Bits for each of the three values of a pixel of uint8 (batch, 3, height, width), with uniform noise; `whole`
        as in `Directed.bits_per_pixel`."""
        nats = mean_of(self.log_prob(dequantised(image, generator)), None if whole else self.settled(*image.shape[-2:]))
        return math.log2(LEVELS) - nats / 3 / math.log(2)

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
        """New pictures: yields (count, 3, height, width), R, G and B in [0, 1], after every few steps; first grey ones,
        then their colours; the last one is finished. `start` is of luma, as `Directed.generate` has it."""
        margin = max(4 * model.window.own.above for model in self.chromas)
        reach = max(model.window.reach for model in self.chromas)
        tall, wide = height + margin + reach, width + 2 * margin
        canvas = torch.empty(count, 3, tall, wide, device=self.luma.device)
        canvas[:] = GREY.to(canvas)[:, None, None]
        shown = canvas[..., margin : margin + height, margin : margin + width]
        free = torch.ones(tall, wide, dtype=torch.bool)
        for step, grown in enumerate(self.luma.generate(tall, wide, generator, count, temperature, start)):
            canvas[:, 0] = grown
            if step % EVERY == 0:
                yield colours_of(shown).clamp(0, 1)
        for _ in self.tint(canvas, free, generator, temperature):
            yield colours_of(shown).clamp(0, 1)

    @torch.no_grad()
    def complete(
        self, image: Tensor, hole: Tensor, generator: torch.Generator, temperature: float = 1.0
    ) -> Iterator[Tensor]:
        """Fill a hole, luma first: yields (batch, 3, height, width) after every few steps. As `Directed.complete`, of
        colour pictures in [0, 1]."""
        if image.dim() != 4 or image.shape[1] != 3:
            raise PredictionError("A colour picture has three channels.")
        if hole.shape != image.shape[-2:]:
            raise PredictionError("The hole and the picture differ in size.")
        image, hole = image.to(self.luma.device), hole.to(self.luma.device)
        canvas = planes_of(image)
        canvas[:, 1:, hole] = GREY.to(canvas)[1:, None]
        for step, filled in enumerate(self.luma.complete(canvas[:, 0], hole, generator, temperature)):
            canvas[:, 0] = filled
            if step % EVERY == 0:
                yield torch.where(hole, colours_of(canvas).clamp(0, 1), image)
        for _ in self.tint(canvas, hole, generator, temperature):
            yield torch.where(hole, colours_of(canvas).clamp(0, 1), image)

    @torch.no_grad()
    def tint(
        self, planes: Tensor, free: Tensor, generator: torch.Generator, temperature: float = 1.0
    ) -> Iterator[Tensor]:
        """Draw the chroma of the pixels `free`, bool (height, width), given the luma of all: of planes (batch, 3,
        height, width), in place; yields them after every few steps and at the end."""
        for k, model in enumerate(self.chromas, 1):
            planes[:, k, free] = model.mixture.level
            plane = planes[:, k].clone()
            for step, front in enumerate(model.draw(plane, planes[:, :k], free, generator, temperature), 1):
                rows, columns = front.unbind(1)
                planes[:, k, rows, columns] = plane[:, rows, columns]
                if step % EVERY == 0:
                    yield planes
        yield planes
