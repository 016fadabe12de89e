"""Shipped textures: what their bundled models reach on the rows held out, and what grows out of them.

    python -m benchmarks.textures [--picture docs/textures.png]

Bits per pixel by the exact density of values with uniform noise, one noise for all models, on the same pixels: those of
the held-out rows that lie inside every model's windows, the rows above them known.
"""

from __future__ import annotations

import argparse
import math
from pathlib import Path

import torch
from PIL import Image
from torch import Tensor

from recon import hub
from recon.models import MCGSM
from recon.models.directed import Directed, dequantised, quantised
from recon.textures import checkpoint, fit, shipped

SIDE, GAP = 224, 8


def main() -> None:
    ask = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ask.add_argument("--picture", type=Path, help="a PNG: each texture, and what each of its models draws")
    asked = ask.parse_args()
    kinds = sorted({found.model for found in hub.textures()})
    titles = " | ".join(checkpoint.TITLES[kind] for kind in kinds)
    print(f"| texture | linear predictor | {titles} |\n| --- | --- |{' --- |' * len(kinds)}")
    columns: list[list[Tensor]] = []
    for name, texture in shipped.TEXTURES.items():
        image = shipped.load(name)
        bundled = {found.model for found in hub.textures() if found.name == f"{found.model}-{name}"}
        models = {kind: hub.load_directed(f"{kind}-{name}") for kind in kinds if kind in bundled}
        told = {"": linear(image, next(model for model in models.values() if isinstance(model, MCGSM))), **models}
        beside = list(models.values())
        cells = [f"{bits(told[kind], image, beside):.3f}" if kind in told else "–" for kind in ("", *kinds)]
        print(f"| {texture.title} | {' | '.join(cells)} |", flush=True)
        columns.append([image[:SIDE, :SIDE], *(grown(model) for model in beside)])
    if asked.picture:
        sheet([[Image.fromarray(picture.numpy()) for picture in column] for column in columns]).save(asked.picture)


def linear(image: Tensor, model: MCGSM) -> MCGSM:
    found = checkpoint.linear_predictor(model)
    list(fit.fit(found, fit.rows_held_out(image, found), steps=0, finish=0))
    return found


@torch.no_grad()
def bits(model: Directed, image: Tensor, beside: list[Directed]) -> float:
    """On pixels of the held-out rows that are settled for all models `beside`"""
    counted = torch.ones(image.shape, dtype=torch.bool)
    for other in beside:
        counted &= other.settled(*image.shape)
    counted[: round(len(image) * (1 - fit.HELD_OUT))] = False
    nats = model.log_prob(dequantised(image, torch.Generator().manual_seed(0))[None])[0]
    return 8 - nats[counted].mean().item() / math.log(2)


def grown(model: Directed) -> Tensor:
    *_, pictures = model.generate(SIDE, SIDE, torch.Generator().manual_seed(0))
    return quantised(pictures[0])


def sheet(columns: list[list[Image.Image]]) -> Image.Image:
    """Pictures of one size, a list a column; what is missing at its end is white."""
    first = columns[0][0]
    step = first.width + GAP
    size = (step * len(columns) - GAP, step * max(map(len, columns)) - GAP)
    found = Image.new(first.mode, size, "white")
    for x, column in enumerate(columns):
        for y, picture in enumerate(column):
            found.paste(picture, (x * step, y * step))
    return found


if __name__ == "__main__":
    main()
