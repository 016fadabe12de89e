"""From a grid of one side to one of another: what is painted, the picture behind it, and the patch that it was.

Models of larger pictures need a finer grid. Nothing that is painted is lost on the way there or back: what was left is
kept by the browser, and comes back as it was if nothing was painted since.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass

import gradio as gr
import numpy as np
from PIL import Image

from recon import images, patches
from recon.errors import ReconError
from recon.painting import Painting, decode_picture, encode_picture
from recon.ui import pictures
from recon.ui.engine import SIDE, patch_mask, reveal, seed_of
from recon.ui.session import Session

TITLES = {  # of patch families, in the order of menus; others follow under their own names
    "sobol": "Sobol'",
    "sobol_shifted": "Sobol', shifted at random",
    "random": "random",
    "halton": "Halton",
    "lattice": "rank-1 lattice",
    "farthest": "farthest point",
    "grid": "regular grid",
    "block": "centre block",
    "designed_celeba": "designed for faces",
    "designed_cifar10": "designed for objects",
    "designed_landscapes": "designed for landscapes",
}
DESIGNED = "designed_"
OFFERED = [*TITLES, *(name for name in patches.FAMILIES if name not in TITLES and not name.startswith(DESIGNED))]
FAMILIES = [(TITLES.get(name, name.replace("_", " ")), name) for name in OFFERED]


@dataclass(frozen=True, eq=False)
class Sheet:
    """What is on the grid: the painting, the true picture as the browser keeps it or "", the name of an example or "",
    and the patch that is chosen."""

    painting: Painting
    truth: str = ""
    picture: str = ""
    family: str = "sobol"
    size: int = 64
    seed: int = 0

    def digest(self) -> str:
        """Equal for equal paintings."""
        return hashlib.sha256(json.dumps(self.painting.to_payload()).encode()).hexdigest()

    @property
    def is_patch(self) -> bool:
        """Whether what is painted is the chosen patch of the picture, and nothing else."""
        known = decode_picture(self.truth, self.painting.side)
        try:
            mask = patch_mask(self.family, self.size, self.seed, self.painting.side)
        except ReconError:
            return False
        if known is None or not np.array_equal(mask, self.painting.mask):
            return False
        return np.array_equal(self.painting.values[mask], known[mask])


def switched(sheet: Sheet, side: int, upload: Image.Image | None = None, left: str = "") -> tuple[Sheet, str]:
    """The sheet on a grid of `side`, and what is left behind, for `left` the next time.

    A patch of a picture becomes the patch of the same name and size; anything else keeps its place, see `resized`.
    upload  the picture that the person brought, which may be the one behind the painting
    """
    kept = recalled(sheet, side, left)
    if kept is None:
        truth = truth_at(sheet, side, upload)
        before, after = decode_picture(sheet.truth, sheet.painting.side), decode_picture(truth, side)
        family = offered(sheet.family, side)
        if after is not None and sheet.is_patch:
            painting = reveal(after, patch_mask(family, sheet.size, sheet.seed, side))
        else:
            painting = resized(sheet.painting, side, before, after)
        kept = Sheet(painting, truth, sheet.picture, family, min(sheet.size, side * side), sheet.seed)
    link = Session("", sheet.family, sheet.size, sheet.seed, sheet.picture, sheet.painting).to_link()
    return kept, json.dumps({"session": link, "truth": sheet.truth, "after": kept.digest()})


def recalled(sheet: Sheet, side: int, left: str) -> Sheet | None:
    """What was left at that side, if the painting is still the one that was made of it."""
    try:
        said = json.loads(left or "{}")
        if not isinstance(said, dict) or said.get("after") != sheet.digest():
            return None
        session, truth = Session.from_link(said["session"]), said["truth"]
        decode_picture(truth, session.painting.side)
    except (ReconError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None
    if session.painting.side != side or session.picture != sheet.picture:
        return None
    return Sheet(session.painting, truth, session.picture, session.family, session.size, seed_of(session.seed))


def truth_at(sheet: Sheet, side: int, upload: Image.Image | None = None) -> str:
    """The true picture on a grid of `side`, "" where it is not known that finely."""
    before = sheet.painting.side
    known = decode_picture(sheet.truth, before)
    if known is None or side == before:
        return sheet.truth
    if sheet.picture in pictures.EXAMPLES:
        return encode_picture(pictures.load(sheet.picture, side))
    if upload is not None and np.array_equal(pictures.on_grid(upload, before), known):
        return encode_picture(pictures.on_grid(upload, side))
    return encode_picture(images.fit(Image.fromarray(known), side)) if side < before else ""


def resized(
    painting: Painting, side: int, before: np.ndarray | None = None, after: np.ndarray | None = None
) -> Painting:
    """A painting on a grid of another side, of which one is a multiple of the other.

    On a finer grid a cell becomes the block that it covers: it looks the same, tells as much, and comes back exactly.
    On a coarser one a block is painted if any of its cells is, in their mean colour. Colours that were taken from the
    picture `before`, uint8 of the old side, are taken from the picture `after`, of the new one.
    """
    mask = painting.mask
    taken = mask if before is None else mask & (painting.values == before).all(-1)
    if side > painting.side:
        times = side // painting.side
        mask, values, taken = (part.repeat(times, 0).repeat(times, 1) for part in (mask, painting.values, taken))
    else:
        shape = (side, painting.side // side, side, painting.side // side)
        count = mask.reshape(shape).sum((1, 3))
        total = painting.values.astype(np.float64).reshape(*shape, 3).sum((1, 3))  # what is not painted is black
        values = (total / np.maximum(count, 1)[..., None]).round().astype(np.uint8)
        taken = ~(mask & ~taken).reshape(shape).any((1, 3))
        mask = count > 0
    if before is not None and after is not None:
        values = np.where(taken[..., None], after, values)
    return Painting.from_arrays(values, mask)


def offered(family: str, side: int) -> str:
    """The patch family, or Sobol' in place of one that was designed for another side."""
    return "sobol" if family.startswith(DESIGNED) and side != SIDE else family


def patch_controls(family: str, size: int, side: int) -> list[dict]:
    """The menu of patch families and the slider of sizes, for a grid of `side`."""
    titles = [(title, name) for title, name in FAMILIES if offered(name, side) == name]
    return [gr.update(value=offered(family, side), choices=titles), gr.update(value=size, most=side * side)]
