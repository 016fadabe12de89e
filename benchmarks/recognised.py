"""Figures 6 and 7 of PixelTransformer (Tulsiani & Gupta 2021): how much of a digit, or of an object, a few pixels tell.

    python -m benchmarks.recognised [MODEL ...] [--set mnist] [--pictures 128] [--samples 1] [--plot docs/one.png]

A small classifier is trained on true pictures (its own accuracy is printed), and reads what models make of a Sobol'
patch: their mean, and joint samples. Beside it SSIM with the true picture. The paper's baseline, the decoder of a
variational autoencoder, is `vae`. Needs `RECON_DATA`, with labels.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

import plotly.graph_objects as go
import torch
from plotly.subplots import make_subplots
from torch import Tensor

from benchmarks import vae
from benchmarks.reader import right, trained
from benchmarks.schedules import save
from recon import Observation, data, hub, metrics, patches, sampling
from recon.prediction import Predictor

VAE = "vae"
MODELS = ("pixel-transformer", "mdn", "gaussian")
VALIDATED = 64  # pictures that the weight of the baseline is chosen on
SIZES = (4, 8, 16, 32, 64, 128, 256)
GROUPS, SEED = 32, 0
COLOURS = ("#3453d1", "#c2571a", "#3d8f5f", "#8a4fb0")
Curves = dict[tuple[str, str], list[float]]  # by model, and by what is looked at: one number for each of SIZES
Answer = Callable[[Observation], list[list[Tensor]]]  # means of each observation, then samples, one or more


def main() -> None:
    ask = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ask.add_argument("models", nargs="*", metavar="MODEL")
    ask.add_argument("--set", default="mnist", choices=["mnist", "cifar10"])
    ask.add_argument("--pictures", type=int, default=128)
    ask.add_argument("--samples", type=int, default=1, help="of each picture")
    ask.add_argument("--plot", type=Path, help="a PNG to draw")
    asked = ask.parse_args()
    reader = trained(asked.set)
    truth, shown = data.load(asked.set, "test").float() / 255, data.labels(asked.set, "test").long()
    share = right(reader, truth, shown)
    print(f"The classifier reads {100 * share:.1f} % of {len(truth)} true pictures.\n", flush=True)
    truth, shown = truth[: asked.pictures], shown[: asked.pictures]
    accuracy: Curves = {}
    likeness: Curves = {}
    for name in asked.models or [*filter(hub.available, (f"{family}-{asked.set}" for family in MODELS)), VAE]:
        answer = decoded(asked.set) if name == VAE else answered(hub.load(name, "cpu"), asked.samples)
        print(f"| {name}: pixels | mean read | sample read | SSIM of the mean | of the sample |")
        print("| --- | --- | --- | --- | --- |")
        for size in SIZES:
            mask = torch.from_numpy(patches.sobol(32, size))[None, None]
            known = Observation(truth * mask, mask.expand(len(truth), -1, -1, -1))
            kinds = answer(known)  # means, then samples
            read = [mean_of([right(reader, picture, shown) for picture in pictures]) for pictures in kinds]
            alike = [mean_of([metrics.ssim(picture, truth) for picture in pictures]) for pictures in kinds]
            for what, share, one in zip(("mean", "samples"), read, alike, strict=False):
                accuracy.setdefault((name, what), []).append(share)
                likeness.setdefault((name, what), []).append(one)
            missing = ["-"] * (2 - len(read))
            cells = [f"{100 * share:.0f} %" for share in read] + missing + [f"{one:.3f}" for one in alike] + missing
            print(f"| {size} | {' | '.join(cells)} |", flush=True)
        print(flush=True)
    if asked.plot:
        save(plot(likeness, accuracy), asked.plot)


def mean_of(numbers: list[float]) -> float:
    return sum(numbers) / len(numbers)


def answered(model: Predictor, samples: int) -> Answer:
    def answer(known: Observation) -> list[list[Tensor]]:
        means = torch.cat([model.predict(part).mean for part in parts(known)])
        return [[means], [drawn(model, known, SEED + k) for k in range(samples)]]

    return answer


def decoded(name: str) -> Answer:
    """What the decoder makes of them; it draws no samples"""
    model = vae.trained(name)
    valid = data.load(name, "valid")[:VALIDATED].float() / 255

    def answer(known: Observation) -> list[list[Tensor]]:
        weight = vae.chosen_weight(model, valid, known.mask[:1])
        return [[model.infer(known, weight)]]

    return answer


def parts(known: Observation, size: int = 32) -> list[Observation]:
    return [Observation(*both) for both in zip(known.values.split(size), known.mask.split(size), strict=True)]


def drawn(model: Predictor, known: Observation, seed: int) -> Tensor:
    """One joint sample of each"""
    generator = torch.Generator().manual_seed(seed)
    found = []
    for part in parts(known):
        for _, _, filled in sampling.turns(model, part, lambda said: said.sample(generator), GROUPS, "sobol", seed):
            values = filled.values
        found.append(values)
    return torch.cat(found)


def plot(likeness: Curves, accuracy: Curves) -> go.Figure:
    """Their Figure 6 on the left, 7 on the right"""
    figure = make_subplots(1, 2)
    names = list(dict.fromkeys(name for name, _ in accuracy))
    for column, curves in enumerate((likeness, accuracy), 1):
        for (name, what), numbers in curves.items():
            look = {"color": COLOURS[names.index(name) % len(COLOURS)], "dash": "solid" if what == "mean" else "dash"}
            title = f"{name}, {what}"
            figure.add_scatter(
                x=list(SIZES),
                y=numbers,
                name=title,
                legendgroup=title,
                showlegend=column == 1,
                mode="lines+markers",
                line=look,
                row=1,
                col=column,
            )
    figure.update_xaxes(title="observed pixels of 1024", type="log", tickvals=list(SIZES))
    figure.update_yaxes(title="SSIM with the true picture", rangemode="tozero", col=1)
    figure.update_yaxes(title="read right", tickformat=".0%", rangemode="tozero", col=2)
    legend = {"orientation": "h", "y": -0.25}
    return figure.update_layout(template="plotly_white", width=1000, height=460, margin={"t": 24}, legend=legend)


if __name__ == "__main__":
    main()
