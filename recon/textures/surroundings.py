"""Blocks of pixels inside what surrounds them: the local step of Metropolis within Gibbs.

A block is redrawn by the model in raster order, given what is left of it and above. What the model then makes of the
pixels after the block, whose contexts hold pixels of it, says how well the block fits. Both need only a crop around it.
"""

from __future__ import annotations

import copy
import math
from typing import TypeVar

import torch
from torch import Tensor

from recon.models.directed import LEVELS, Directed, one_thread
from recon.models.mcgsm import MCGSM, ConditionalMixture
from recon.models.window import Window

Kind = TypeVar("Kind", bound=Directed)
REACH = 7  # pixels around a block that stand for the whole past of a model with a long memory


class Surroundings:
    """Square blocks of `side` pixels, each in a crop of `above` more rows, `below` more, and `beside` more columns to
    either side. Pixels up to `reach` columns beside the block and `below` rows under it depend on it.

    A subclass says how a block is drawn (`redraw`) and how likely the pixels of a crop are (`log_prob`).
    """

    def __init__(self, side: int, above: int, below: int, beside: int, reach: int):
        self.side, self.above, self.below, self.beside, self.reach = side, above, below, beside, reach
        self.height, self.width = above + side + below, 2 * beside + side
        self.block = (slice(None), slice(above, above + side), slice(beside, beside + side))
        self.dependent = (slice(None), slice(above, None), slice(beside - reach, beside + side + reach))
        self.own = (slice(None), slice(side), slice(reach, reach + side))  # the block among these

    @property
    def reaches(self) -> int:
        """Pixels around a hole that hold every crop"""
        return max(self.above, self.below, self.beside) + self.side

    @property
    def apart(self) -> tuple[int, int]:
        """Rows or columns from one block to the next so that no pixel's density involves both."""
        return self.side + self.below, self.side + 2 * self.reach

    def redraw(self, crops: Tensor, free: Tensor, generator: torch.Generator) -> None:
        """Draw the pixels `free`, bool (crops, side, side), of each block in place, given all before them."""
        raise NotImplementedError

    def log_prob(self, crops: Tensor) -> Tensor:
        """Log densities of the pixels `dependent`: (crops, rows, columns)"""
        raise NotImplementedError


class Windowed(Surroundings):
    """Of an MCGSM. Nothing is cut off: crops hold every pixel that the densities involve."""

    def __init__(self, model: MCGSM, side: int):
        window = model.window
        super().__init__(side, window.above, window.above, 2 * window.beside, window.beside)
        self.mixture = model.mixture
        self.filters, self.constant = model.mixture.filters()
        self.steps = window.steps(self.width).to(self.filters.device)
        self.places = torch.arange(self.height * self.width).view(1, self.height, self.width)

    def linear(self, flat: Tensor, places: Tensor) -> Tensor:
        return flat[:, places[..., None].to(flat.device) + self.steps] @ self.filters + self.constant

    def redraw(self, crops: Tensor, free: Tensor, generator: torch.Generator) -> None:
        flat = crops.view(len(crops), -1)
        with one_thread():
            places, free = self.places[self.block].flatten(), free.flatten(1)
            for number in free.any(0).nonzero()[:, 0].tolist():
                place, chosen = places[number], free[:, number]
                drawn = self.mixture.sample(self.linear(flat, place), generator)
                flat[:, place] = torch.where(chosen, drawn, flat[:, place])

    def log_prob(self, crops: Tensor) -> Tensor:
        places = self.places[self.dependent][0]
        flat = crops.reshape(len(crops), -1)
        found = self.mixture.log_prob_of(flat[:, places.flatten()], self.linear(flat, places.flatten()))
        return found.view(-1, *places.shape)


class Truncated(Surroundings):
    """Of any directed model: its past is cut off `reach` pixels from the block, and so are pixels that depend on it.

    With a reach of 7 and blocks of 5 these are the paper's surroundings of 19 x 19. Of a model with a long memory the
    chain then draws what is only nearly its distribution, the better the less what is cut off matters."""

    def __init__(self, model: Directed, side: int, reach: int = REACH):
        super().__init__(side, reach, reach, reach, reach)
        self.model = model

    def redraw(self, crops: Tensor, free: Tensor, generator: torch.Generator) -> None:
        whole = torch.zeros(self.height, self.width, dtype=torch.bool)
        # blocks cut by the hole's border in the same way are drawn together
        for mask, which in groups(free):
            whole[self.block[1:]] = mask.cpu()
            drawn = crops[which]
            for _ in self.model.draw(drawn, whole, generator):
                pass
            crops[which] = drawn

    def log_prob(self, crops: Tensor) -> Tensor:
        return self.model.log_prob(crops)[self.dependent]


def groups(free: Tensor) -> list[tuple[Tensor, Tensor]]:
    """The masks that occur among bool (count, side, side), and the indices of each."""
    masks, owner = torch.unique(free, dim=0, return_inverse=True)
    return [(mask, (owner == number).nonzero()[:, 0]) for number, mask in enumerate(masks) if mask.any()]


def of(model: Directed, side: int) -> Surroundings:
    """Exact ones where a model's memory is a window, else truncated ones."""
    return Windowed(model, side) if isinstance(model, MCGSM) else Truncated(model, side)


class Touched:
    """The pixels whose densities a hole has a part in: those in it, and known ones that depend on them.

    pixels  bool (height, width); of a model with a long memory, those within `REACH`
    """

    def __init__(self, model: Directed, hole: Tensor):
        window = model.window if isinstance(model, MCGSM) else Window(REACH, REACH)
        all_of_it = torch.ones(window.size, 1, device=hole.device)
        self.model = model
        self.pixels = hole | (window.convolved(hole[None].float(), all_of_it, 0.0)[0, 0] > 0.5)
        self.known = ~hole[self.pixels]
        rows, columns = self.pixels.nonzero().unbind(1)
        memory = model.margin
        self.near = tuple(
            slice(max(0, int(places.min()) - memory), int(places.max()) + 1 + memory) for places in (rows, columns)
        )

    def log_prob(self, canvas: Tensor) -> Tensor:
        """Of these pixels, in nats: (batch, pixels), float64; canvas (batch, height, width), or what of it is `near`"""
        if canvas.shape[1:] == self.pixels.shape:
            canvas = canvas[(slice(None), *self.near)]
        return self.model.log_prob(canvas)[:, self.pixels[self.near]].double()

    @torch.no_grad()
    def weight(self, canvas: Tensor) -> Tensor:
        """Log likelihood of the known ones among them, (batch,): the importance weight of a hole that the model drew in
        raster order. The hole's own likelihood is no part of it, and would favour the dullest of all fillings."""
        return self.log_prob(canvas)[:, self.known].sum(1)

    @torch.no_grad()
    def bits(self, canvas: Tensor) -> Tensor:
        """Mean bits per pixel, (batch,)"""
        return math.log2(LEVELS) - self.log_prob(canvas).mean(1) / math.log(2)


def ends(model: Directed) -> tuple[float, float]:
    """The range that the model's `draw` clamps to"""
    found = [part.range.tolist() for part in model.modules() if isinstance(part, ConditionalMixture)]
    return (max(low for low, _ in found), min(high for _, high in found)) if found else (0.0, 1.0)


def tempered(model: Kind, temperature: float) -> Kind:
    """The model whose every expert has `temperature` times the variance: its `log_prob` is the density of what the
    model's `draw` draws at that temperature."""
    if temperature == 1:
        return model
    model = copy.deepcopy(model)
    for part in model.modules():
        if isinstance(part, ConditionalMixture):
            # the experts' means are slope + spread * predictors, and stay
            part.spread.mul_(math.sqrt(temperature))
            part.predictors.data.div_(math.sqrt(temperature))
    return model
