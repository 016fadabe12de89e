"""What PixelTransformer costs: the paper's way beside ours, the same weights in the same run.

    python -m benchmarks.pixel_transformer [--model pixel-transformer-celeba] [--plot docs/pixel_transformer.png]

Joint samples, the paper's way: pixel by pixel, each given all before, all of them read anew for every pixel. Ours: in
32 groups of a Sobol' order, a group drawn together from a memory of what is known, which is made anew every 8 groups.
The paper's way is timed at a few numbers of known pixels, and the whole is the sum of a line through them.

Then what the memory loses: bits/dim of held-out pictures by the chain rule over the same groups, where everything is
read anew for each group and where it is not (`RECON_DATA` has to be set); and what fewer groups lose. Then the growth
with what is known: of one reconstruction, beside a model of the same size behind latents (of random weights: time does
not depend on them), and of one group more.
"""

from __future__ import annotations

import argparse
import math
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import plotly.graph_objects as go
import torch
from torch import Tensor

from benchmarks.schedules import save
from recon import Observation, data, hub, patches, sampling
from recon.evaluation.reconstruction import data_set
from recon.models import PixelTransformer
from recon.models.in_turn import InTurn
from recon.points import grid

SAMPLES, STEPS, GROUP, LATENTS = 8, 32, 24, 64
KNOWN = 256
SIZES = (32, 64, 128, 256, 512, 1000)
ANEW = (1, 4, 8, 16, 32)
GROUPS = (8, 16, 32, 64, 128)


def main() -> None:
    ask = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ask.add_argument("--model", default="pixel-transformer-celeba")
    ask.add_argument("--threads", type=int, default=2)
    ask.add_argument("--pictures", type=int, default=24)
    ask.add_argument("--plot", type=Path, help="a PNG to draw")
    asked = ask.parse_args()
    torch.set_num_threads(asked.threads)
    model = hub.load(asked.model, "cpu")
    assert isinstance(model, PixelTransformer)
    joint(model)
    loss(model, data.load(data_set(asked.model), "test")[: asked.pictures].float() / 255)
    found = growth(model)
    if asked.plot:
        save(plot(found), asked.plot)


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
    print(f"in {STEPS} groups {ours:.2f} s, {theirs / ours:.0f} times faster.\n", flush=True)


def one_pixel(model: PixelTransformer, known: int) -> float:
    """Seconds of one step of the paper's way: SAMPLES pictures with so many known pixels read, one pixel asked"""
    positions, values = some(model, known, SAMPLES)
    present = torch.ones(values.shape[:2], dtype=torch.bool)
    return seconds(lambda: model.transformer(positions, values, present, positions[:, :1]), 5)


def some(model: PixelTransformer, known: int, count: int) -> tuple[Tensor, Tensor]:
    """So many samples, anywhere, of each of `count` pictures"""
    generator = torch.Generator().manual_seed(known)
    positions = 2 * torch.rand(count, known, 2, generator=generator) - 1
    return positions, 2 * torch.rand(count, known, model.channels, generator=generator) - 1


def loss(model: PixelTransformer, pictures: Tensor) -> None:
    """Prints bits/dim of the hidden pixels by the chain rule: for each number of groups between two readings, and for
    each number of groups in all, everything read anew for each."""
    mask = torch.from_numpy(patches.sobol(model.side, KNOWN))[None, None].expand(len(pictures), 1, -1, -1)
    known = Observation(pictures, mask)
    hidden = int((~mask[0]).sum()) * model.channels

    def bits(steps: int, anew: int) -> Tensor:
        model.in_turn = lambda: InTurn(model, anew)  # type: ignore[method-assign]
        nats = sampling.log_likelihood(model, known, pictures, steps)
        del model.in_turn
        return -nats / hidden / math.log(2)

    print("| everything read anew every | bits/dim | than every group |\n| --- | --- | --- |")
    compare({f"{anew} groups": (STEPS, anew) for anew in ANEW}, bits)
    print(f"| drawn in | bits/dim | than in {max(GROUPS)} groups |\n| --- | --- | --- |")
    compare({f"{steps} groups": (steps, 1) for steps in sorted(GROUPS, reverse=True)}, bits)


def compare(ways: dict[str, tuple[int, int]], bits: Callable[[int, int], Tensor]) -> None:
    """A line for each way: its bits/dim, and how much more that is than the first one's, picture by picture."""
    first = None
    for title, way in ways.items():
        each = bits(*way)
        first = each if first is None else first
        apart = each - first
        interval = 1.96 * apart.std() / math.sqrt(len(apart))
        print(f"| {title} | {each.mean():.4f} | {apart.mean():+.4f} ± {interval:.4f} |", flush=True)
    print()


@torch.no_grad()
def growth(model: PixelTransformer) -> dict[str, list[float]]:
    """Milliseconds against the number of known pixels; printed, too."""
    shape = dict(model.arguments["transformer"])
    latent = PixelTransformer(side=model.side, channels=model.channels, transformer=shape | {"latents": LATENTS}).eval()
    queries = grid(model.side, model.side)[None]

    def whole(one: PixelTransformer, size: int) -> Callable[[], object]:
        positions, values = some(one, size, 1)
        present = torch.ones(1, size, dtype=torch.bool)
        return lambda: one.transformer(positions, values, present, queries)

    def group(size: int) -> Callable[[], object]:
        transformer, more = model.transformer, some(model, GROUP, SAMPLES)
        memory = transformer.remember(*some(model, size, SAMPLES))
        return lambda: transformer.recall(transformer.extend(memory, *more), more[0])

    def anew(size: int) -> Callable[[], object]:
        transformer, samples = model.transformer, some(model, size + GROUP, SAMPLES)
        return lambda: transformer.recall(transformer.remember(*samples), samples[0][:, -GROUP:])

    ways: dict[str, Callable[[int], Callable[[], object]]] = {
        "one reconstruction": lambda size: whole(model, size),
        f"behind {LATENTS} latents, of random weights": lambda size: whole(latent, size),
        f"{GROUP} pixels more of {SAMPLES} pictures, all read anew": anew,
        f"{GROUP} pixels more of {SAMPLES} pictures, from memory": group,
    }
    print("| known pixels | " + " | ".join(ways) + " |\n| --- | --- | --- | --- | --- |")
    found: dict[str, list[float]] = {title: [] for title in ways}
    for size in SIZES:
        for title, way in ways.items():
            found[title].append(1000 * seconds(way(size), 9))
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
    for k, (title, times) in enumerate(found.items()):
        dash = "solid" if k < 2 else "dash"
        figure.add_scatter(x=list(SIZES), y=times, name=title, mode="lines+markers", line={"dash": dash})
    figure.update_xaxes(title="known pixels", type="log", tickvals=list(SIZES))
    figure.update_yaxes(title="milliseconds", type="log")
    legend = {"orientation": "h", "y": -0.2}
    return figure.update_layout(
        template="plotly_white", title="A picture of 32 x 32", width=800, height=500, legend=legend
    )


if __name__ == "__main__":
    main()
