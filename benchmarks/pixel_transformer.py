"""What PixelTransformer costs: the paper's way beside ours, the same weights in the same run. They are random here:
time does not depend on them.

    python -m benchmarks.pixel_transformer [--threads 2] [--plot docs/pixel_transformer.png]

Joint samples, the paper's way: pixel by pixel, each given all before, all of them encoded anew for every pixel. Ours:
in 32 groups of a Sobol' order, a group's pixels drawn together. The paper's way is timed at a few numbers of known
pixels and the whole is the sum of a line through them. Then the time of one reconstruction against the number of known
pixels, beside attention between all of them, as in the paper, of the same width and depth.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import plotly.graph_objects as go
import torch

from benchmarks.schedules import save
from recon import Observation, patches, sampling
from recon.models import PixelTransformer
from recon.models.pixel_transformer import grid

SIZE = {"width": 96, "heads": 4, "encoder_layers": 3, "decoder_layers": 2, "hidden": 192, "bins": 32, "dropout": 0.0}
LATENTS = 48
SAMPLES, STEPS = 8, 32
KNOWN = 256
SIZES = (32, 64, 128, 256, 512, 1024)


def main() -> None:
    ask = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ask.add_argument("--threads", type=int, default=2)
    ask.add_argument("--plot", type=Path, help="a PNG to draw")
    asked = ask.parse_args()
    torch.set_num_threads(asked.threads)
    model, full = made(LATENTS), made(0)
    joint(model)
    found = growth(full, model)
    if asked.plot:
        save(plot(found), asked.plot)


def made(latents: int) -> PixelTransformer:
    torch.manual_seed(0)
    found = PixelTransformer(side=32, channels=1, transformer=SIZE | {"latents": latents})
    found.transformer.centres.copy_(torch.linspace(0, 1, 32)[:, None])
    return found.eval()


@torch.no_grad()
def joint(model: PixelTransformer) -> None:
    """Prints the seconds of SAMPLES joint samples at KNOWN observed pixels, both ways."""
    side = model.side
    mask = torch.from_numpy(patches.sobol(side, KNOWN))[None, None]
    values = torch.rand(1, model.channels, side, side, generator=torch.Generator().manual_seed(0)) * mask
    observation = Observation(values, mask)
    sampling.sample(model, observation, 1, STEPS, 0)  # warms up
    ours = seconds(lambda: sampling.sample(model, observation, SAMPLES, STEPS, 0), 3)
    sizes = np.linspace(KNOWN, side * side - 1, 5).round().astype(int)
    each = [one_pixel(model, int(size)) for size in sizes]
    slope, start = np.polyfit(sizes, each, 1)
    theirs = sum(start + slope * size for size in range(KNOWN, side * side))
    print(f"{SAMPLES} joint samples at {KNOWN} known pixels: pixel by pixel {theirs:.1f} s,")
    print(f"in {STEPS} groups {ours:.2f} s, {theirs / ours:.0f} times faster.\n")


def one_pixel(model: PixelTransformer, known: int) -> float:
    """Seconds of one step of the paper's way: SAMPLES pictures with so many known pixels encoded, one pixel asked"""
    context, query = samples(model, known, SAMPLES), grid(model.side, model.side)[:1].expand(SAMPLES, -1, -1)
    return seconds(lambda: model.transformer(*context, query), 5)


def samples(model: PixelTransformer, known: int, count: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(known)
    positions = 2 * torch.rand(count, known, 2, generator=generator) - 1
    values = 2 * torch.rand(count, known, model.channels, generator=generator) - 1
    return positions, values, torch.ones(count, known, dtype=torch.bool)


@torch.no_grad()
def growth(full: PixelTransformer, model: PixelTransformer) -> dict[str, list[float]]:
    """Milliseconds of one reconstruction against the number of known pixels; printed, too."""
    queries = grid(model.side, model.side)[None]
    found: dict[str, list[float]] = {"attention between all pixels, the paper's": [], f"through {LATENTS} latents": []}
    print("| known pixels | " + " | ".join(found) + " |\n| --- | --- | --- |")
    for size in SIZES:
        for title, one in zip(found, (full, model), strict=True):
            context = samples(one, size, 1)
            found[title].append(1000 * seconds(lambda one=one, context=context: one.transformer(*context, queries), 7))
        print(f"| {size} | " + " | ".join(f"{times[-1]:.1f} ms" for times in found.values()) + " |", flush=True)
    return found


def seconds(run: Callable[[], object], times: int) -> float:
    """The median of some"""
    taken = []
    for _ in range(times):
        began = time.perf_counter()
        run()
        taken.append(time.perf_counter() - began)
    return statistics.median(taken)


def plot(found: dict[str, list[float]]) -> go.Figure:
    figure = go.Figure()
    for title, times in found.items():
        figure.add_scatter(x=list(SIZES), y=times, name=title, mode="lines+markers")
    figure.update_xaxes(title="known pixels", type="log", tickvals=list(SIZES))
    figure.update_yaxes(title="milliseconds", rangemode="tozero")
    return figure.update_layout(template="plotly_white", title="One reconstruction of 32 x 32", width=700, height=420)


if __name__ == "__main__":
    main()
