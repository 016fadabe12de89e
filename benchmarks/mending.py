"""A square hole in the middle of textures: biharmonic, the best of several starts, and Metropolis within Gibbs.

    python -m benchmarks.mending [grass gravel brick "D9 grass" ...] [--ride 900] [--plot docs/mending.png]

An MCGSM, or with --ride a RIDE in so many steps, is fitted to each texture without the hole and what depends on it.
Bits per pixel are of the hole, and of the known pixels beside and below that depend on it: there they say how well the
seam fits, next to those of the true picture. Names of Brodatz's textures, 448 x 448 pixels or 256 x 256, need
RECON_DATA; a plot for the repository is of scikit-image's alone.
"""

from __future__ import annotations

import argparse
import math
import os
import time
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageDraw
from skimage.restoration import inpaint_biharmonic
from torch import Tensor

from recon.data import packed
from recon.models import MCGSM, RIDE
from recon.models.directed import Directed, dequantised
from recon.textures import fit, shipped
from recon.textures.fit_ride import fit_ride
from recon.textures.mending import mend
from recon.textures.surroundings import Touched

SHOWN = 160  # pixels of each picture in the plot, a side
COLUMNS = ("true", "hole", "biharmonic", "best start", "after Metropolis")
GAP, TITLE = 6, 18


def texture(name: str) -> Tensor:
    """uint8 (height, width): one that ships, or one of `textures256.npz`, as large as it is there"""
    if name in shipped.TEXTURES:
        return shipped.load(name)
    path = Path(os.environ["RECON_DATA"]) / "textures256.npz"
    for images, names in (("native", "native_names"), ("images", "names")):
        known = [str(found) for found in packed.read(path, names)]
        if name in known:
            return torch.from_numpy(packed.read(path, images)[known.index(name)])
    raise SystemExit(f"There is no texture {name!r} in {path.name}.")


def middle(height: int, width: int, side: int) -> Tensor:
    """bool (height, width): a square hole"""
    hole = torch.zeros(height, width, dtype=torch.bool)
    top, left = (height - side) // 2, (width - side) // 2
    hole[top : top + side, left : left + side] = True
    return hole


def fitted(image: Tensor, hole: Tensor, steps: int, ride: int) -> MCGSM | RIDE:
    """Of all pixels whose windows hold none of the hole. A fifth of them is held out: at random, or for a RIDE, which
    learns from patches, the lowest ones."""
    torch.manual_seed(0)
    model = RIDE(components=12) if ride else MCGSM()
    places = model.settled(*image.shape) & ~Touched(model, hole).pixels
    places = places.flatten().nonzero()[:, 0]
    if not ride:
        places = places[torch.randperm(len(places), generator=torch.Generator().manual_seed(0))]
    cut = round(len(places) * fit.HELD_OUT)
    if isinstance(model, RIDE):
        list(fit_ride(model, fit.Pixels(image[None], places[:-cut], places[-cut:]), steps=ride))
    else:
        list(fit.fit(model, fit.Pixels(image[None], places[cut:], places[:cut]), steps=steps))
    return model.eval().requires_grad_(False)


def parts(model: Directed, canvas: Tensor, hole: Tensor) -> list[float]:
    """Bits per pixel of the hole, of known pixels beside it that depend on it, and of those below it"""
    touched = Touched(model, hole)
    bits = 8 - touched.log_prob(canvas[None])[0] / math.log(2)
    below = touched.pixels.nonzero()[:, 0] > hole.nonzero()[:, 0].max()
    free = hole[touched.pixels]
    return [bits[where].mean().item() for where in (free, ~free & ~below, below)]


def biharmonic(values: Tensor, hole: Tensor) -> Tensor:
    filled = inpaint_biharmonic(np.where(hole, 0, values).astype(np.float64), hole.numpy())
    return torch.from_numpy(filled).float().clamp(0, 1)


def row(name: str, what: str, found: list[float], seconds: float | None, acceptance: float | None = None) -> None:
    numbers = " | ".join(f"{bits:.3f}" for bits in found)
    taken = "–" if acceptance is None else f"{100 * acceptance:.0f} %"
    print(f"| {name} | {what} | {numbers} | {taken} | {'–' if seconds is None else f'{seconds:.1f}'} |", flush=True)


def measured(name: str, asked: argparse.Namespace) -> list[Tensor]:
    """Print the rows of one texture; its pictures, as in COLUMNS"""
    image = texture(name)
    hole = middle(*image.shape, asked.side)
    values = dequantised(image, torch.Generator().manual_seed(1))
    began = time.monotonic()
    model = fitted(image, hole, asked.steps, asked.ride)
    row(name, "true (seconds: fitting)", parts(model, values, hole), time.monotonic() - began)
    began = time.monotonic()
    smooth = biharmonic(values, hole)
    row(name, "biharmonic", parts(model, smooth, hole), time.monotonic() - began)

    generator, began = torch.Generator().manual_seed(asked.seed), time.monotonic()
    *_, plain = mend(model, values, hole, generator, starts=5, sweeps=0, candidates=1)
    row(name, "best of 5 starts, plain", parts(model, plain.canvas, hole), time.monotonic() - began)
    generator, began, best, acceptance = generator.manual_seed(asked.seed), time.monotonic(), None, []
    for step in mend(model, values, hole, generator, sweeps=asked.sweeps, temperature=asked.temperature):
        if step.phase == "start":
            best = step.canvas.clone() if step.done == step.of else None
            drawn = time.monotonic()
        elif step.done == int(step.done):
            acceptance.append(step.acceptance)
    row(name, "best of 5 filtered starts", parts(model, best, hole), drawn - began)
    mean = sum(acceptance) / len(acceptance)
    row(name, f"and {asked.sweeps} sweeps", parts(model, step.canvas, hole), time.monotonic() - drawn, mean)
    return [values, torch.where(hole, 1.0, values), smooth, best, step.canvas]


def plot(pictures: list[list[Tensor]], path: Path) -> None:
    """A row a texture, a column a way"""
    across, step = len(COLUMNS), SHOWN + GAP
    sheet = Image.new("L", (across * step - GAP, len(pictures) * step + TITLE), 255)
    for column, title in enumerate(COLUMNS):
        ImageDraw.Draw(sheet).text((column * step + 2, 3), title, fill=0)
    for line, some in enumerate(pictures):
        for column, picture in enumerate(some):
            top, left = ((size - SHOWN) // 2 for size in picture.shape)
            shown = picture[top : top + SHOWN, left : left + SHOWN].mul(255).round().to(torch.uint8).numpy()
            sheet.paste(Image.fromarray(shown), (column * step, TITLE + line * step))
    sheet.save(path, optimize=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("names", nargs="*", default=["grass", "gravel", "brick"])
    parser.add_argument("--side", type=int, default=71, help="of the hole, in pixels")
    parser.add_argument("--sweeps", type=int, default=20)
    parser.add_argument("--steps", type=int, default=1500, help="of fitting")
    parser.add_argument("--ride", type=int, default=0, help="steps of fitting a RIDE instead")
    parser.add_argument("--temperature", type=float, default=1.0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--plot", type=Path)
    asked = parser.parse_args()
    print(f"{asked.side} x {asked.side} pixels missing; bits per pixel.\n")
    print("| texture | | hole | beside | below | taken | seconds |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    pictures = [measured(name, asked) for name in asked.names]
    if asked.plot:
        plot(pictures, asked.plot)


if __name__ == "__main__":
    main()
