"""The patches that a network is trained on: the paper's, one for all pictures, or a fresh one for every picture.

Importable where qmcpy is not installed: torch's unscrambled Sobol' points are the same ones.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from recon.errors import RecipeError

MaskMaker = Callable[[int, torch.Generator], Tensor]  # (count, generator) -> bool (count, 1, side, side)


def maker(patch: str, side: int, size: int, seed: int, shared: bool = False) -> MaskMaker:
    """Masks by a recipe's word.

    "sobol", "random"  one fixed patch of `size` pixels for every picture (Emmett-Iwaniw & Kirk, section 3.2);
                       `seed` picks the random one
    "any"              a fresh patch for every picture, or with `shared` for every batch, of a random family and size
    """
    if patch == "any" and shared:
        return lambda count, generator: any_patch(1, side, generator).expand(count, -1, -1, -1)
    if patch == "any":
        return lambda count, generator: any_patch(count, side, generator)
    if patch not in ("sobol", "random"):
        raise RecipeError(f"A recipe's patch is sobol, random or any, not {patch!r}.")
    fixed = torch.zeros(side * side, dtype=torch.bool)
    fixed[fixed_order(patch, side, seed)[:size]] = True
    fixed = fixed.view(1, 1, side, side)
    return lambda count, generator: fixed.expand(count, -1, -1, -1)


def fixed_order(patch: str, side: int, seed: int) -> Tensor:
    if patch == "sobol":
        return sobol_order(side)
    return torch.randperm(side * side, generator=torch.Generator().manual_seed(seed))


def any_patch(count: int, side: int, generator: torch.Generator, least: int = 1) -> Tensor:
    """A patch for each of `count` pictures: a third shifted Sobol', a third random, and a third what people paint or
    lose: a square seen, a square hidden, a half, a few strokes. Sizes of the first two are log-uniform over `least` to
    half of the pixels."""
    ranks = torch.rand(count, side * side, generator=generator).argsort(1).argsort(1)
    even = shifted_sobol_ranks(count, side, generator)
    kinds = torch.randint(6, (count,), generator=generator)
    ranks = torch.where((kinds < 2)[:, None], even, ranks)
    logs = torch.rand(count, 1, generator=generator) * torch.tensor(side * side / 2 / least).log()
    masks = (ranks < least * logs.exp()).view(count, 1, side, side)
    for i in (kinds >= 4).nonzero()[:, 0].tolist():
        masks[i, 0] = painted(side, generator)
    return masks


def sobol_order(side: int) -> Tensor:
    """All pixels in the order of the Sobol' sequence, as in `recon.patches.sobol_order`."""
    if side & (side - 1):
        raise RecipeError(f"A Sobol' patch needs a side that is a power of two, not {side}.")
    points = (torch.quasirandom.SobolEngine(2).draw(side * side) * side).long()
    return points[:, 0] + side * (side - 1 - points[:, 1])


def thinned(mask: Tensor, most: int) -> Tensor:
    """An even choice of the pixels in `mask`, bool (side, side): the first `most` in Sobol' order, bool (pixels,)"""
    order = sobol_order(mask.shape[0]).to(mask.device)
    found = torch.zeros_like(mask.flatten())
    found[order[mask.flatten()[order]][:most]] = True
    return found


def shifted_sobol_ranks(count: int, side: int, generator: torch.Generator) -> Tensor:
    """For each picture, every pixel's place in a Sobol' order under a random digital shift: (count, pixels)"""
    rank = torch.empty(side * side, dtype=torch.long)
    rank[sobol_order(side)] = torch.arange(side * side)
    pixels = torch.arange(side * side)
    shift = torch.randint(side, (2, count, 1), generator=generator)
    return rank[(pixels // side ^ shift[0]) * side + (pixels % side ^ shift[1])]


def orders(count: int, side: int, generator: torch.Generator) -> Tensor:
    """In which pixels become known, (count, pixels): by turns at random and in a Sobol' order under a random digital
    shift, where there is one."""
    found = torch.rand(count, side * side, generator=generator).argsort(1)
    if side & (side - 1) == 0:
        found[::2] = shifted_sobol_ranks(len(found[::2]), side, generator).argsort(1)
    return found


def painted(side: int, generator: torch.Generator) -> Tensor:
    """A region as a person would paint or lose it: bool (side, side), at least one pixel and not all."""

    def draw(low: int, high: int) -> int:
        return int(torch.randint(low, high, (), generator=generator))

    mask = torch.zeros(side, side, dtype=torch.bool)
    kind = draw(0, 4)
    if kind == 0:  # a half or a part of it
        edge = draw(side // 8, side - side // 8)
        mask[:edge] = True
        mask = torch.rot90(mask, draw(0, 4))
    elif kind in (1, 2):  # a square seen, or a square hidden
        height, width = draw(2, side // 2 + 1), draw(2, side // 2 + 1)
        top, left = draw(0, side - height + 1), draw(0, side - width + 1)
        mask[top : top + height, left : left + width] = True
        mask = mask if kind == 1 else ~mask
    else:  # strokes: random walks that keep their direction
        for _ in range(draw(1, 7)):
            place = torch.rand(2, generator=generator) * side
            turns = torch.randn(draw(4, side), generator=generator).cumsum(0) * 0.4
            angle = turns + 6.28 * torch.rand((), generator=generator)
            path = place + torch.stack([angle.sin(), angle.cos()], 1).cumsum(0)
            rows, columns = path.round().long().clamp(0, side - 1).unbind(1)
            mask[rows, columns] = True
    return mask
