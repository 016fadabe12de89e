"""Synthesis of Brodatz's textures (Theis & Bethge 2015, "Texture synthesis"): an MCGSM and a RIDE are fitted to
each, and grow more of it from noise.

    RECON_DATA=... python -m benchmarks.brodatz ["D9 grass" "D38 water" ...] [--ride 900] [--plot docs/brodatz.png]

The lowest fifth of the rows is held out; bits per pixel are of those, by the exact density of values with uniform
noise. A plot for the repository has what the models drew, and nothing of the pictures.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch
from PIL import Image
from torch import Tensor

from benchmarks.mending import texture
from benchmarks.textures import bits, grown, linear, sheet
from recon.models import MCGSM, RIDE
from recon.textures import fit
from recon.textures.fit_ride import fit_ride

NAMES = ["D9 grass", "D38 water", "D68 wood grain", "D84 raffia"]


def main() -> None:
    ask = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ask.add_argument("names", nargs="*", default=NAMES)
    ask.add_argument("--steps", type=int, default=1500, help="of the MCGSM")
    ask.add_argument("--ride", type=int, default=900, help="steps of RIDE, from nothing, as in the paper")
    ask.add_argument("--plot", type=Path, help="a PNG: a texture a column, the MCGSM's above the RIDE's")
    asked = ask.parse_args()
    print("| texture | linear predictor | MCGSM | RIDE | seconds |\n| --- | --- | --- | --- | --- |", flush=True)
    columns = []
    for name in asked.names:
        image = texture(name)
        models, seconds = fitted(image, asked.steps, asked.ride)
        told = [linear(image, models[0]), *models]
        cells = " | ".join(f"{bits(model, image, told):.3f}" for model in told)
        print(f"| {name} | {cells} | {' / '.join(f'{one:.0f}' for one in seconds)} |", flush=True)
        columns.append([grown(model) for model in models])
    if asked.plot:
        sheet([[Image.fromarray(picture.numpy()) for picture in column] for column in columns]).save(
            asked.plot, optimize=True
        )


def fitted(image: Tensor, steps: int, ride: int) -> tuple[tuple[MCGSM, RIDE], list[float]]:
    """Both models of a picture, uint8 (height, width), and the seconds that each took"""
    torch.manual_seed(0)
    models = MCGSM(), RIDE(components=12)
    *_, first = fit.fit(models[0], fit.rows_held_out(image, models[0]), steps=steps)
    *_, second = fit_ride(models[1], fit.rows_held_out(image, models[1]), steps=ride)
    return models, [first.seconds, second.seconds]


if __name__ == "__main__":
    main()
