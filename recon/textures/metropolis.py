"""Metropolis within Gibbs: draw the pixels of a hole given all pixels around it (Theis & Bethge 2015, inpainting).

A directed model draws a pixel given those left of it and above. To respect those right of it and below, blocks of
pixels are redrawn by the model, and a new block y is taken for the old one x or turned down (Metropolis & Hastings).
As it was drawn by the model, what counts is the likelihood w of the pixels after the block alone: it is taken with
probability min(1, w(y) / w(x)). Of several tries one is chosen in proportion to w (multiple-try Metropolis, Liu, Liang
& Wong 2000, with independent proposals) and taken with probability min(1, sum w(y) / (sum w(y) - w(chosen) + w(x))).
Both leave the model's distribution, given the known pixels and within the range that the model draws from, as it is.

Blocks that share no pixel's density are redrawn together, in one batch.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from recon.errors import PredictionError
from recon.models.directed import Directed
from recon.textures import surroundings
from recon.textures.surroundings import Surroundings

SIDES = (5,)


@dataclass
class Sweep:
    """Where a chain is.

    canvas      (height, width), the picture; the chain's own: clone it to keep it
    done        sweeps, with a fraction while one is under way
    acceptance  share of the blocks proposed in this sweep that were taken
    bits        per pixel, of the hole and of what depends on it, see `Touched`; at the last end of a sweep
    """

    canvas: Tensor
    done: float
    acceptance: float
    bits: float


def check(image: Tensor, hole: Tensor) -> None:
    """Raises PredictionError unless `image` is one picture, and `hole` some but not all of its pixels."""
    if image.dim() != 2 or hole.shape != image.shape or hole.dtype != torch.bool:
        raise PredictionError("A picture to mend is (height, width), and its hole says yes or no for each pixel.")
    if not hole.any():
        raise PredictionError("There is no hole to fill.")
    if hole.all():
        raise PredictionError("Nothing of the picture is left around the hole.")


@torch.no_grad()
def metropolis(
    model: Directed,
    image: Tensor,
    hole: Tensor,
    generator: torch.Generator,
    sweeps: int,
    sides: Sequence[int] = SIDES,
    stride: int = 3,
    tries: int = 1,
    temperature: float = 1.0,
) -> Iterator[Sweep]:
    """Sweep over the hole again and again; yields after each batch of blocks.

    image        (height, width) in [0, 1], the hole filled somehow
    hole         bool (height, width): the pixels that change; blocks across its border are cut
    sides        of the square blocks: one sweep with the first, one with the next, and round again
    stride       pixels from one block to the next, where blocks are not smaller than that
    tries        proposals a block
    temperature  of every expert's variance, as in `Directed.generate`; bits are those of the model as it is
    Raises PredictionError for a hole that is none or all, sizes that differ, or less than one sweep, side or try.
    """
    check(image, hole)
    if min(sweeps, stride, tries, *sides) < 1:
        raise PredictionError("Sweeps, sides, strides and tries are at least one each.")
    hole = hole.to(model.device)
    touched, model = surroundings.Touched(model, hole), surroundings.tempered(model, temperature)
    every = [surroundings.of(model, side) for side in sides]
    margin = max(around.reaches for around in every)
    # as `log_prob` has it, beyond the border there is the mean
    padded = F.pad(image.to(model.device) - model.outside, [margin] * 4) + model.outside
    canvas = padded[margin:-margin, margin:-margin]
    canvas.copy_(image)  # bit by bit, which taking the mean away and adding it is not
    ends = surroundings.ends(model)
    chains = [Chain(padded, hole, margin, around, ends) for around in every]
    bits = touched.bits(canvas[None]).item()
    for sweep in range(sweeps):
        chain, taken, proposed = chains[sweep % len(chains)], 0, 0
        parts = chain.parts(stride, generator)
        for number, corners in enumerate(parts, 1):
            taken += chain.step(corners, generator, tries)
            proposed += len(corners)
            if number == len(parts):
                bits = touched.bits(canvas[None]).item()
            yield Sweep(canvas, sweep + number / len(parts), taken / proposed, bits)


class Chain:
    """Blocks of one size in one hole of a picture that has `margin` pixels around it."""

    def __init__(self, padded: Tensor, hole: Tensor, margin: int, around: Surroundings, ends: tuple[float, float]):
        self.padded, self.around = padded, around
        self.low, self.high = ends
        self.hole = F.pad(hole, [margin] * 4)
        self.inside = F.pad(torch.ones_like(hole), [margin] * 4)

    def parts(self, stride: int, generator: torch.Generator) -> list[Tensor]:
        """Corners of the blocks of a sweep, (blocks, 2), in parts that can be redrawn together, in random order, on a
        grid that begins at random."""
        side, device = self.around.side, generator.device
        stride = min(stride, side)
        begin = torch.randint(stride, (2,), generator=generator, device=device).tolist()
        rows, columns = (
            torch.arange(places.min().item() - side + 1 + first, places.max().item() + 1, stride)
            for places, first in zip(self.hole.nonzero().cpu().unbind(1), begin, strict=True)
        )
        down, across = (-(-apart // stride) for apart in self.around.apart)
        found = []
        for part in torch.randperm(down * across, generator=generator, device=device).tolist():
            first, second = divmod(part, across)
            corners = torch.cartesian_prod(rows[first::down], columns[second::across]).to(self.hole.device)
            if len(corners):
                corners = corners[self.hole[self.block(corners)].flatten(1).any(1)]
            if len(corners):
                found.append(corners)
        return found

    def block(self, corners: Tensor) -> tuple[Tensor, Tensor]:
        """Indices of the pixels of blocks: rows (blocks, side, 1) and columns (blocks, 1, side)"""
        span = torch.arange(self.around.side, device=corners.device)
        return (corners[:, :1] + span)[:, :, None], (corners[:, 1:] + span)[:, None]

    def crop(self, corners: Tensor) -> tuple[Tensor, Tensor]:
        """Indices of the pixels of blocks and of what surrounds them"""
        around, device = self.around, corners.device
        rows = corners[:, :1] - around.above + torch.arange(around.height, device=device)
        columns = corners[:, 1:] - around.beside + torch.arange(around.width, device=device)
        return rows[:, :, None], columns[:, None]

    def step(self, corners: Tensor, generator: torch.Generator, tries: int) -> int:
        """Propose new blocks at these corners and take them or not; how many were taken."""
        around, where = self.around, self.crop(corners)
        crops, free = self.padded[where], self.hole[self.block(corners)]
        proposals = crops.repeat_interleave(tries, 0)
        around.redraw(proposals, free.repeat_interleave(tries, 0), generator)
        # what was drawn by the model cancels; of all other pixels those after the block's first one count
        counted = self.inside[where][around.dependent].double()
        counted[around.own] *= ~free
        counted[:, 0, : around.reach] = 0
        old = (around.log_prob(crops) * counted).sum((1, 2))
        new = (around.log_prob(proposals) * counted.repeat_interleave(tries, 0)).sum((1, 2)).view(-1, tries)
        drawn = proposals[around.block].unflatten(0, (-1, tries))
        # `sample` clamps to the range, so what lies at its ends was drawn beyond them
        beyond = ((drawn <= self.low) | (drawn >= self.high)) & free[:, None]
        chosen, taken = choose(old, new.masked_fill(beyond.flatten(2).any(2), -torch.inf), generator)
        drawn = drawn[torch.arange(len(chosen), device=chosen.device), chosen]
        self.padded[self.block(corners)] = torch.where(free & taken[:, None, None], drawn, crops[around.block])
        return int(taken.sum())


def choose(old: Tensor, new: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Which of the tries is chosen, int64 (blocks,), and whether it is taken, bool (blocks,).

    old, new  log w of the block as it is (blocks,) and of the tries (blocks, tries)
    """
    # Gumbel's trick, which takes weights of zero; float64 keeps the noise finite
    noise = -torch.rand(new.shape, generator=generator, device=new.device, dtype=torch.float64).log()
    chosen = (new - noise.log()).argmax(1)
    rest = new.scatter(1, chosen[:, None], -torch.inf).logsumexp(1)
    ratio = new.logsumexp(1) - torch.logaddexp(rest, old)
    uniform = torch.rand(ratio.shape, generator=generator, device=ratio.device, dtype=torch.float64)
    return chosen, uniform.log() < ratio
