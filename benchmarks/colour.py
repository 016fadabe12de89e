"""Colour pictures of 32 x 32 by MCGSM and RIDE, luma first, then chroma given luma (Theis & Bethge 2015, "CIFAR-10
samples").

    RECON_DATA=... python -m benchmarks.colour [--set cifar10] [--steps 4000] [--picture docs/colour.png]

Luma by an MCGSM (40 pixels, 16 components) or by a RIDE as in the paper (12 pixels and its memory, from nothing); the
chroma models are of the same size for both. Bits for each of the three values of a pixel, uniform noise, 500 test
pictures, pixels that have every window inside: an "infinite" picture's, not comparable with models of whole ones. Then
the bits of Y, C_b and C_r, in units of 1/256 of a plane. In brackets 95 % intervals over pictures. Too colourful are
those of 56 samples whose chroma varies more than any test picture's.
"""

from __future__ import annotations

import argparse
import json
import math
import time
from pathlib import Path

import torch
from PIL import Image
from torch import Tensor

from recon.data import sets
from recon.models.colour import LOG_DET, Colour, planes_of
from recon.models.directed import dequantised, quantised
from recon.textures.fit_colour import JITTER, fit_colour

LUMA = {"MCGSM": {"kind": "mcgsm", "above": 4, "beside": 4, "components": 16}, "RIDE": {"kind": "ride"}}
MEASURED = 500
ROWS, COLUMNS = 4, 14  # of samples of each in the picture
ZOOM = 2


def main() -> None:
    ask = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ask.add_argument("--set", default="cifar10", dest="name")
    ask.add_argument("--steps", type=int, default=4000, help="of RIDE; an MCGSM has 3000")
    ask.add_argument("--jitter", type=float, default=JITTER, help="levels of noise on what a chroma sees of itself")
    ask.add_argument("--runs", type=Path, default=Path("runs"), help="where fitted models are kept")
    ask.add_argument("--picture", type=Path, help="a PNG of samples to draw")
    asked = ask.parse_args()
    train, valid = sets.load(asked.name, "train"), sets.load(asked.name, "valid", limit=400)
    test = sets.load(asked.name, "test", limit=MEASURED)
    print("| luma by | bits/dim | Y | C_b | C_r | too colourful | seconds |", flush=True)
    print("| --- | --- | --- | --- | --- | --- | --- |", flush=True)
    inner, drawn = Colour(luma=LUMA["MCGSM"]).settled(*test.shape[-2:]), []  # the same pixels for both
    for title in LUMA:
        steps = asked.steps if title == "RIDE" else 3000
        folder = asked.runs / f"{asked.name}-colour-{title.lower()}-{steps}-{asked.jitter:g}"
        model, seconds = fitted(title, folder, steps, asked.jitter, train, valid)
        each = likelihoods(model, test, inner)
        whole = 8 - (each.sum(1) + LOG_DET / math.log(2)) / 3
        parts = " | ".join(f"{bits:.3f}" for bits in 8 - each.mean(0))
        *_, pictures = model.generate(32, 32, torch.Generator().manual_seed(0), ROWS * COLUMNS)
        gaudy = (colourful(pictures) > colourful(test / 255).max()).double().mean()
        told = f"{parts} | {100 * gaudy:.0f} % | {seconds:.0f}"
        print(f"| {title} | {whole.mean():.3f} ({interval(whole):.3f}) | {told} |", flush=True)
        drawn.append(tiled(quantised(pictures)))
    if asked.picture:
        Image.fromarray(torch.cat(drawn).numpy()).save(asked.picture)


def interval(each: Tensor) -> float:
    return 1.96 * each.std().item() / math.sqrt(len(each))


def colourful(images: Tensor) -> Tensor:
    """The larger standard deviation of each picture's two chromas; images in [0, 1], (count, 3, side, side)"""
    return planes_of(images)[:, 1:].flatten(2).std(2).amax(1)


def fitted(title: str, folder: Path, steps: int, jitter: float, train: Tensor, valid: Tensor) -> tuple[Colour, float]:
    """A model and the seconds that it took; one that is there already is not fitted again."""
    if (folder / "seconds.json").exists():
        return Colour.from_pretrained(folder), json.loads((folder / "seconds.json").read_text())
    torch.manual_seed(0)
    model = Colour(luma=LUMA[title])
    began = time.monotonic()
    images = torch.cat([train, valid])
    learned = torch.zeros(images[:, 0].shape, dtype=torch.bool)
    learned[: len(train)] = True
    for told in fit_colour(model, images, learned, steps=steps, jitter=jitter, mirrored=True, every=250):
        print(f"<!-- {title}, {told} -->", flush=True)
    seconds = time.monotonic() - began
    model.save_pretrained(folder)
    (folder / "seconds.json").write_text(json.dumps(seconds))
    return model, seconds


@torch.no_grad()
def likelihoods(model: Colour, images: Tensor, inner: Tensor) -> Tensor:
    """Of each picture's Y, C_b and C_r, (count, 3), in bits per unit of [0, 1], over the pixels `inner`"""
    generator = torch.Generator().manual_seed(0)
    found = [model.log_probs(dequantised(image[None], generator))[0, :, inner].double().mean(1) for image in images]
    return torch.stack(found) / math.log(2)


def tiled(pictures: Tensor) -> Tensor:
    """uint8 (count, 3, side, side) as rows of COLUMNS, one below the other, enlarged, with a white border"""
    bordered = torch.nn.functional.pad(pictures, (1, 1, 1, 1), value=255)
    rows = bordered.unflatten(0, (-1, COLUMNS)).permute(0, 3, 1, 4, 2).flatten(2, 3).flatten(0, 1)
    return rows.repeat_interleave(ZOOM, 0).repeat_interleave(ZOOM, 1)


if __name__ == "__main__":
    main()
