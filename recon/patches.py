"""Which pixels to observe: patches of a square grid, as bool masks (height, width), True where observed.

A family is a function of `side` and `size` (and of a `seed` where chance enters) whose patches are, but for `grid` and
`block`, the first `size` pixels of an order of all pixels: a larger patch contains the smaller ones.

"Pixel patch", random and low-discrepancy, after Emmett-Iwaniw & Kirk, section 3.2.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable
from functools import lru_cache, partial
from inspect import signature
from pathlib import Path

import numpy as np
import torch
from torch.quasirandom import SobolEngine

from recon.errors import PatchError

MAX_SIDE = 256
DESIGNS = Path(__file__).parent / "designs"


def random(side: int, size: int, seed: int = 0) -> np.ndarray:
    """`size` pixels drawn uniformly without replacement."""
    side, size = check(side, size)
    return first(generator(seed).permutation(side * side), side, size)


def sobol(side: int, size: int) -> np.ndarray:
    """The first pixels of the two-dimensional Sobol' sequence (the paper's low-discrepancy patch).

    Point (u1, u2) falls in column floor(side u1) and row side - 1 - floor(side u2). `side` must be a power of two; then
    the first side^2 points visit every pixel once. Points come in Gray-code order; the first 2^k are the same set in
    any order.
    """
    side, size = check(side, size)
    return first(sobol_order(side), side, size)


def sobol_shifted(side: int, size: int, seed: int = 0) -> np.ndarray:
    """A Sobol' patch under a random digital shift (an XOR of each coordinate), which keeps its even coverage."""
    side, size = check(side, size)
    return first(shifted_order(sobol_order(side), side, seed), side, size)


def halton(side: int, size: int, seed: int | None = None) -> np.ndarray:
    """The first pixels that the Halton sequence (bases 2 and 3) meets; with a seed, shifted at random."""
    side, size = check(side, size)
    return first(visit(points("Halton", 8 * side * side), side, size, seed), side, size)


def lattice(side: int, size: int, seed: int | None = None) -> np.ndarray:
    """The first pixels that a rank-1 lattice (in radical-inverse order) meets; with a seed, shifted at random."""
    side, size = check(side, size)
    count = 1 << max(3, (8 * side * side - 1).bit_length())
    return first(visit(points("Lattice", count), side, size, seed), side, size)


def farthest(side: int, size: int, seed: int = 0) -> np.ndarray:
    """Each pixel as far as can be from all before it, from a random first one (farthest point sampling)."""
    side, size = check(side, size)
    return first(farthest_order(np.zeros((side, side), dtype=bool), size, seed), side, size)


def farthest_order(known: np.ndarray, size: int, seed: int = 0) -> np.ndarray:
    """The first `size` pixels (row-major indices) outside `known`, bool (height, width), each as far as can be from all
    known and chosen ones; the very first is random where nothing is known."""
    from scipy.ndimage import distance_transform_edt

    (height, width), rng = known.shape, generator(seed)
    jitter = rng.random(known.shape) * 1e-3  # breaks the many ties of a grid by chance, not by raster order
    nearest = distance_transform_edt(~known) if known.any() else np.full(known.shape, np.inf)
    distance = np.where(known, -1.0, nearest + jitter)  # from each pixel to the nearest of them, jittered
    order = np.empty(size, dtype=np.int64)
    for k in range(size):
        order[k] = np.argmax(distance) if k or known.any() else rng.integers(known.size)
        row, column = divmod(order[k], width)
        # only pixels closer than the chosen one's own distance can now be nearer to it than to another
        reach = int(min(distance[row, column], height + width)) + 1
        top, bottom = max(row - reach, 0), min(row + reach + 1, height)
        left, right = max(column - reach, 0), min(column + reach + 1, width)
        near = np.s_[top:bottom, left:right]
        rows, columns = np.ogrid[near]
        distance[near] = np.minimum(distance[near], np.hypot(rows - row, columns - column) + jitter[near])
        distance[row, column] = -1
    return order


def grid(side: int, size: int) -> np.ndarray:
    """A regular grid, as square as `size` allows; rows are filled evenly where it is no product of two numbers."""
    side, size = check(side, size)
    rows = min(side, max(-(-size // side), round(size**0.5)))
    mask = np.zeros((side, side), dtype=bool)
    # row i holds its share of `size`; the shares differ by one at the most
    ends = np.arange(rows + 1) * size // rows
    for row, count in zip(centres(side, rows), np.diff(ends), strict=True):
        mask[row, centres(side, count)] = True
    return mask


def block(side: int, size: int) -> np.ndarray:
    """The `size` pixels nearest to the centre: a square when `size` is one whose root is odd or even as `side` is."""
    side, size = check(side, size)
    middle = (side - 1) / 2
    rows, columns = np.abs(np.indices((side, side)) - middle).reshape(2, -1)
    # rings of the largest coordinate make squares; inside a ring, edges before corners
    return first(np.lexsort((rows + columns, np.maximum(rows, columns))), side, size)


def designed(side: int, size: int, data: str = "cifar10") -> np.ndarray:
    """The patch that tells a Gaussian most about the pictures of an image set, chosen greedily before any is seen
    (`recon.acquisition.design`; `python -m recon design` makes the list that is read here). `side` is 32."""
    side, size = check(side, size)
    order = design_order(data)
    if len(order) != side * side:
        raise PatchError(
            f"The patch designed for {data} is one of {round(len(order) ** 0.5)} pixels a side, not {side}."
        )
    return first(order, side, size)


Family = Callable[..., np.ndarray]
FAMILIES: dict[str, Family] = {
    "random": random,
    "sobol": sobol,
    "sobol_shifted": sobol_shifted,
    "halton": halton,
    "lattice": lattice,
    "farthest": farthest,
    "grid": grid,
    "block": block,
    **{f"designed_{path.stem}": partial(designed, data=path.stem) for path in sorted(DESIGNS.glob("*.json"))},
}
SEEDED = {name for name, family in FAMILIES.items() if "seed" in signature(family).parameters}


def make(family: str, side: int, size: int, seed: int = 0) -> np.ndarray:
    """A patch of the family named; `seed` is ignored by those without chance."""
    if not isinstance(family, str) or family not in FAMILIES:
        raise PatchError(f"There is no patch family {family!r}; there are {', '.join(FAMILIES)}.")
    return FAMILIES[family](side, size, seed) if family in SEEDED else FAMILIES[family](side, size)


def discrepancy(mask: np.ndarray) -> float:
    """Centred L2 discrepancy, squared, of the pixel centres in [0, 1]^2 (Hickernell 1998): 0 is perfectly even."""
    mask = np.asarray(mask)
    if mask.ndim != 2 or mask.dtype != bool or not mask.any():
        raise PatchError("A discrepancy is that of a bool mask (height, width) with at least one pixel.")
    from scipy.stats import qmc

    return float(qmc.discrepancy((np.argwhere(mask) + 0.5) / mask.shape, method="CD"))


@lru_cache(maxsize=8)
def design_order(data: str) -> np.ndarray:
    """All pixels (row-major indices) in the order designed for an image set, best first."""
    path = DESIGNS / f"{data}.json"
    if not path.exists():
        told = ", ".join(sorted(path.stem for path in DESIGNS.glob("*.json")))
        raise PatchError(f"No patch is designed for {data!r}; there are {told}.")
    order = np.array(json.loads(path.read_text())["order"])
    order.setflags(write=False)
    return order


@lru_cache(maxsize=8)
def sobol_order(side: int) -> np.ndarray:
    """All pixels (row-major indices) in the order of the Sobol' sequence; `side` must be a power of two."""
    if side & (side - 1):
        raise PatchError(f"A Sobol' patch needs a side that is a power of two (16, 32, 64, ...), not {side}.")
    # the same points as qmcpy's, which takes a second to import: the page opens with such a patch
    found = SobolEngine(2, scramble=False).draw(side * side, dtype=torch.float64)
    order = pixel_of(found.numpy(), side)
    order.setflags(write=False)
    return order


@lru_cache(maxsize=8)
def halton_order(side: int) -> np.ndarray:
    """All pixels (row-major indices) in the order in which the Halton sequence meets them."""
    order = visit(points("Halton", 8 * side * side), side, side * side, None)
    order.setflags(write=False)
    return order


def shifted_order(order: np.ndarray, side: int, seed: int) -> np.ndarray:
    """An order of pixels with the binary digits of rows and columns XORed by two random numbers."""
    shift = generator(seed).integers(side, size=2)
    rows, columns = np.divmod(order, side)
    return (rows ^ shift[0]) * side + (columns ^ shift[1])


@lru_cache(maxsize=8)
def points(sequence: str, count: int) -> np.ndarray:
    """The first `count` points of a two-dimensional sequence of qmcpy, not randomised: (count, 2)"""
    import qmcpy  # takes a second

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that the first point is the origin is meant
        found = getattr(qmcpy, sequence)(2, randomize=False)(count)
    found.setflags(write=False)
    return found


def visit(found: np.ndarray, side: int, size: int, seed: int | None) -> np.ndarray:
    """The pixels that points meet, each at its first visit; those that none of them meets come last, row by row."""
    if seed is not None:
        found = (found + generator(seed).random(2)) % 1
    met = pixel_of(found, side)
    _, at = np.unique(met, return_index=True)
    order = met[np.sort(at)]
    if len(order) >= size:
        return order
    return np.concatenate([order, np.setdiff1d(np.arange(side * side), order)])


def pixel_of(found: np.ndarray, side: int) -> np.ndarray:
    """Row-major index of the pixel under each point (u1 to the right, u2 upwards), the paper's formula less one."""
    columns, up = np.floor(found * side).astype(np.int64).T
    return columns + side * (side - 1 - up)


def centres(side: int, count: int) -> np.ndarray:
    """`count` different cells spread evenly over `side`"""
    return ((np.arange(count) + 0.5) * side / max(count, 1)).astype(np.int64)


def first(order: np.ndarray, side: int, size: int) -> np.ndarray:
    """The mask of an order's first pixels."""
    mask = np.zeros(side * side, dtype=bool)
    mask[order[:size]] = True
    return mask.reshape(side, side)


def check(side: int, size: int) -> tuple[int, int]:
    """Both as plain integers; PatchError unless they are whole numbers within bounds."""
    if not is_whole(side) or not 1 <= side <= MAX_SIDE:
        raise PatchError(f"A grid has a side of 1 to {MAX_SIDE} pixels, not {side!r}.")
    side = int(side)
    if not is_whole(size) or not 1 <= size <= side * side:
        raise PatchError(f"A patch of a {side} x {side} grid has 1 to {side * side} pixels, not {size!r}.")
    return side, int(size)


def generator(seed: int) -> np.random.Generator:
    """NumPy's generator; PatchError unless the seed is a whole number from 0 up."""
    if not is_whole(seed) or seed < 0:
        raise PatchError(f"A seed is a whole number from 0 up, not {seed!r}.")
    return np.random.default_rng(int(seed))


def is_whole(number: object) -> bool:
    return isinstance(number, int | np.integer) and not isinstance(number, bool)
