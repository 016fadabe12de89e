"""In which order hidden pixels are drawn, and how many at a time, when joint samples are drawn in groups.

What a group loses is the dependence between its pixels given all before it, so a good order keeps a group's members far
apart. The Sobol' order does by itself; nearest to it is the Halton scheduler of MaskGIT (Besnier et al. 2025), and
MaskGIT's own takes the surest first (Chang et al. 2022), which `sampling` asks the model for at every step.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import numpy as np

from recon import patches
from recon.errors import PredictionError

SUREST = "surest"  # the only order that depends on what the model says
ORDERS = {
    "sobol": "Sobol'",
    "halton": "Halton",
    "farthest": "farthest point",
    "random": "random",
    "raster": "row by row",
    SUREST: "surest first",
}


def groups(mask: np.ndarray, steps: int, order: str = "sobol", seed: int = 0) -> list[np.ndarray]:
    """Hidden pixels of `mask` (height, width) in at most `steps` groups whose sizes grow: bool masks (height, width).

    Raises PredictionError for an order that is none, or that is not known beforehand (`SUREST`), and for no steps.
    """
    if steps < 1:
        raise PredictionError(f"Pixels are drawn in one group or more, not in {steps}.")
    if not isinstance(order, str) or order not in FOUND:
        raise PredictionError(f"There is no order {order!r} of pixels; there are {', '.join(FOUND)}.")
    ranked = FOUND[order](mask, seed)
    found = []
    for low, high in pairwise(np.cumsum([0, *sizes(mask, steps)])):
        group = np.zeros(mask.size, dtype=bool)
        group[ranked[low:high]] = True
        found.append(group.reshape(mask.shape))
    return found


def sizes(mask: np.ndarray, steps: int) -> list[int]:
    """How many pixels each group has. The known share of the picture grows as 1 - cos: with little known yet, few
    pixels are drawn at once."""
    known, total = mask.sum(), mask.size
    # where on the schedule from nothing to everything this observation stands
    start = np.arccos(1 - known / total)
    share = 1 - np.cos(np.linspace(start, np.pi / 2, steps + 1))
    ends = np.unique(np.maximum(np.round(share * total) - known, 0).astype(int).clip(0, total - known))
    return np.diff(ends).tolist()


def sequence(name: str) -> Callable[[np.ndarray, int], np.ndarray]:
    """The order in which a low-discrepancy sequence meets the cells of the smallest square of 2^k around the grid."""

    def ranked(mask: np.ndarray, seed: int) -> np.ndarray:
        height, width = mask.shape
        side = 1 << (max(height, width) - 1).bit_length()
        order = patches.sobol_order(side) if name == "sobol" else patches.halton_order(side)
        rows, columns = np.divmod(order, side)
        inside = (rows < height) & (columns < width)
        cells = (rows * width + columns)[inside]
        return cells[~mask.ravel()[cells]]

    return ranked


def farthest(mask: np.ndarray, seed: int) -> np.ndarray:
    return patches.farthest_order(mask, int((~mask).sum()), seed)


def random(mask: np.ndarray, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).permutation(np.flatnonzero(~mask))


def raster(mask: np.ndarray, seed: int) -> np.ndarray:
    return np.flatnonzero(~mask)


FOUND: dict[str, Callable[[np.ndarray, int], np.ndarray]] = {
    "sobol": sequence("sobol"),
    "halton": sequence("halton"),
    "farthest": farthest,
    "random": random,
    "raster": raster,
}
