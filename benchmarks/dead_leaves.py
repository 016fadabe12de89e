"""Dead leaves: what MCGSM and RIDE gain by a larger neighbourhood (the right-hand plot of Theis & Bethge's poster).

    python -m benchmarks.dead_leaves [--radii 1 2 3 5 8] [--steps 1500] [--pictures 8] [--plot docs/dead_leaves.png]

Pictures of 256 x 256 to learn from, two that say when to stop, six to measure on: mean log-likelihood in bits per
pixel of [0, 1], higher is better, on the same pixels for every model, with 95 % intervals over pictures. RIDE sees
through the same window as the MCGSM beside what its LSTM remembers, and starts from that MCGSM; with --alone from
nothing, and its mixture sees the LSTM's state only, as in the paper, which takes many times as long.
"""

from __future__ import annotations

import argparse
import math
import time
from pathlib import Path

import plotly.graph_objects as go
import torch
from torch import Tensor

from benchmarks.schedules import save
from recon.data.dead_leaves import dead_leaves
from recon.models import MCGSM, RIDE
from recon.models.directed import Directed, dequantised
from recon.models.window import Window
from recon.textures import fit
from recon.textures.fit_ride import fit_ride

SIDE, WATCHED, MEASURED = 256, 2, 6
COMPONENTS = 16


def main() -> None:
    ask = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ask.add_argument("--radii", type=int, nargs="+", default=[1, 2, 3, 5, 8])
    ask.add_argument("--steps", type=int, default=1500, help="of Adam, for every model")
    ask.add_argument("--pictures", type=int, default=8, help="to learn from")
    ask.add_argument("--alone", action="store_true", help="RIDE as in the paper")
    ask.add_argument("--plot", type=Path, help="a PNG to draw")
    asked = ask.parse_args()
    generator = torch.Generator().manual_seed(0)
    images = torch.stack([dead_leaves(SIDE, SIDE, generator) for _ in range(MEASURED + WATCHED + asked.pictures)])
    inner = Window(max(asked.radii), max(asked.radii)).inner(SIDE, SIDE)
    print("| neighbourhood | MCGSM (bit/px) | RIDE (bit/px) | seconds |\n| --- | --- | --- | --- |", flush=True)
    found: dict[str, list[tuple[int, float, float]]] = {"MCGSM": [], "RIDE": []}
    for radius in asked.radii:
        cells, seconds = [], []
        began = time.monotonic()
        base = mcgsm(radius, images[MEASURED:], asked.steps)
        for title in found:
            model = base if title == "MCGSM" else ride(base, images[MEASURED:], asked.steps, asked.alone)
            seconds.append(f"{time.monotonic() - began:.0f}")
            each, began = likelihoods(model, images[:MEASURED], inner), time.monotonic()
            wide = 1.96 * each.std().item() / math.sqrt(len(each))
            found[title].append((Window(radius, radius).size, each.mean().item(), wide))
            cells.append(f"{each.mean():.3f} ({wide:.3f})")
        print(f"| {Window(radius, radius).size} pixels | {' | '.join(cells)} | {' / '.join(seconds)} |", flush=True)
    if asked.plot:
        save(plot(found), asked.plot)


def mcgsm(radius: int, images: Tensor, steps: int) -> MCGSM:
    torch.manual_seed(0)
    model = MCGSM(above=radius, beside=radius, components=COMPONENTS)
    list(fit.fit(model, pixels(model, images), steps=steps, every=250))
    return model


def ride(base: MCGSM, images: Tensor, steps: int, alone: bool) -> RIDE:
    torch.manual_seed(0)
    window = base.window
    if alone:
        model = RIDE(above=window.above, beside=window.beside, components=COMPONENTS)
    else:
        model = RIDE(
            above=min(2, window.above),
            beside=min(2, window.beside),
            skip=(window.above, window.beside),
            components=COMPONENTS,
        )
    list(fit_ride(model, pixels(model, images), start=None if alone else base, steps=steps, decay=0.0, every=250))
    return model


def pixels(model: MCGSM | RIDE, images: Tensor) -> fit.Pixels:
    """The first pictures say when to stop."""
    places = model.settled(SIDE, SIDE).flatten().nonzero()[:, 0]
    spread = torch.arange(len(images))[:, None] * SIDE**2 + places
    return fit.Pixels(images, spread[WATCHED:].flatten(), spread[:WATCHED].flatten())


@torch.no_grad()
def likelihoods(model: Directed, images: Tensor, inner: Tensor) -> Tensor:
    """Of each picture, per pixel, in bits"""
    values = dequantised(images, torch.Generator().manual_seed(1))
    return torch.stack([model.log_prob(value[None])[0, inner].mean() for value in values]) / math.log(2)


def plot(found: dict[str, list[tuple[int, float, float]]]) -> go.Figure:
    figure = go.Figure()
    for title, points in found.items():
        sizes, means, wide = zip(*points, strict=True)
        figure.add_scatter(x=sizes, y=means, error_y={"array": wide}, name=title, mode="lines+markers")
    sizes = [size for size, _, _ in next(iter(found.values()))]
    figure.update_xaxes(title="pixels in the neighbourhood", type="log", tickvals=sizes)
    figure.update_yaxes(title="log-likelihood (bit/px)")
    return figure.update_layout(template="plotly_white", title="Dead leaves", width=700, height=420)


if __name__ == "__main__":
    main()
