"""What an order of drawing loses: bits/dim of true pictures by the chain rule over the groups of joint samples.

    python -m benchmarks.schedules [NAME] [--limit 60] [--observed 32] [--plot docs/schedules.png]

For every order and number of groups, the mean over test pictures, and the difference from the Sobol' order with its
95 % interval over pictures, paired. `--observed` pixels, random, are known to begin with. Orders that depend on the
picture ("surest first") are measured on the first `--few` pictures only, one by one. Needs RECON_DATA.
"""

from __future__ import annotations

import argparse
import math
from pathlib import Path

import plotly.graph_objects as go
import torch
from torch import Tensor

from recon import hub, patches, sampling, schedules
from recon.evaluation.experiment import estimate
from recon.evaluation.reconstruction import data_set, test_pictures
from recon.observation import Observation

STEPS = (8, 16, 32, 64, 128)
COLOURS = {"sobol": "#2563eb", "halton": "#0891b2", "farthest": "#16a34a", "random": "#d97706"}
COLOURS |= {"raster": "#6b7280", "surest": "#dc2626"}


def bits_per_dim(model, truth: Tensor, mask: Tensor, steps: int, order: str) -> Tensor:
    """Of each picture: (count,)"""
    observation = Observation(truth, mask.expand(len(truth), 1, -1, -1))
    nats = sampling.log_likelihood(model, observation, truth, steps, order)
    return -nats / (math.log(2) * truth.shape[1] * (~mask).sum())


def measure(model, truth: Tensor, mask: Tensor, steps: int, order: str, few: int) -> Tensor:
    if order == schedules.SUREST:
        return torch.cat([bits_per_dim(model, one[None], mask, steps, order) for one in truth[:few]])
    return bits_per_dim(model, truth, mask, steps, order)


def plot(found: dict[str, dict[int, tuple[float, float]]], title: str) -> go.Figure:
    """On a logarithmic axis; what is not more, within its interval, is left out."""
    figure = go.Figure()
    for order, each in found.items():
        points = {steps: (mean, half) for steps, (mean, half) in each.items() if mean > half}
        if not points:
            continue
        mean, half = zip(*points.values(), strict=True)
        whiskers = {"type": "data", "array": half, "thickness": 1, "width": 3}
        line, marker = {"color": COLOURS[order], "width": 1.6}, {"size": 5}
        name, mode = schedules.ORDERS[order], "lines+markers"
        figure.add_scatter(x=list(points), y=mean, error_y=whiskers, name=name, mode=mode, line=line, marker=marker)
    ticks = {"type": "log", "tickvals": STEPS, "ticktext": [str(step) for step in STEPS]}
    figure.update_layout(
        title={"text": title, "font": {"size": 14}},
        xaxis={"title": "groups that the hidden pixels are drawn in", **ticks},
        yaxis={"title": f"bits/dim more than Sobol' in {STEPS[-1]} groups", "type": "log", "dtick": 1},
        template="plotly_white",
        width=760,
        height=440,
        margin={"l": 70, "r": 20, "t": 50, "b": 60},
    )
    return figure


def save(figure: go.Figure, path: Path) -> None:
    """As a picture, drawn by Chromium, twice as fine as on screen."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        page = browser.new_page(device_scale_factor=2)
        page.set_content(figure.to_html(include_plotlyjs=True, config={"displayModeBar": False}))
        page.locator(".main-svg").first.wait_for()
        page.locator(".svg-container").screenshot(path=path)
        browser.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("name", nargs="?", default="mdn-cifar10")
    parser.add_argument("--limit", type=int, default=60, help="test pictures")
    parser.add_argument("--few", type=int, default=12, help="of them for orders that depend on the picture")
    parser.add_argument("--observed", type=int, default=32)
    parser.add_argument("--plot", type=Path)
    asked = parser.parse_args()
    model, truth = hub.load(asked.name), test_pictures(data_set(asked.name), asked.limit)
    mask = torch.from_numpy(patches.random(32, asked.observed, seed=0))
    best = measure(model, truth, mask, STEPS[-1], "sobol", asked.few)
    print(f"{asked.name}, {len(truth)} test pictures, {asked.observed} random pixels observed.")
    print(f"Sobol' order in {STEPS[-1]} groups: {best.mean():.4f} bits/dim; others, how much more (95 % interval):\n")
    print(f"| order | {' | '.join(f'{steps} groups' for steps in STEPS)} |\n| --- |{' --- |' * len(STEPS)}")
    found: dict[str, dict[int, tuple[float, float]]] = {}
    for order in schedules.ORDERS:
        cells = []
        for steps in STEPS:
            each = measure(model, truth, mask, steps, order, asked.few)
            more = each - best[: len(each)]
            mean = estimate(more)
            found.setdefault(order, {})[steps] = (mean.mean, mean.high - mean.mean)
            cells.append(f"{mean.mean:.4f} ± {mean.high - mean.mean:.4f}")
        print(f"| {schedules.ORDERS[order]} | {' | '.join(cells)} |", flush=True)
    if asked.plot:
        title = f"{asked.name}: {asked.observed} random pixels known, {len(truth)} test pictures"
        save(plot(found, title), asked.plot)


if __name__ == "__main__":
    main()
