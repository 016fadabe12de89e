"""Figures 6 and 7 of PixelTransformer (Tulsiani & Gupta 2021): how much of a digit, or of an object, a few pixels tell.

    python -m benchmarks.recognised [MODEL ...] [--set mnist] [--pictures 128] [--plot docs/recognised.png]

A small classifier is trained on true pictures (its own accuracy is printed), and reads what models make of a Sobol'
patch: their mean, and a joint sample. Beside it SSIM with the true picture. The paper's baseline, the decoder of a
variational autoencoder, is `vae`. Needs `RECON_DATA`, with labels.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

import plotly.graph_objects as go
import torch
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


def main() -> None:
    ask = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ask.add_argument("models", nargs="*", metavar="MODEL")
    ask.add_argument("--set", default="mnist", choices=["mnist", "cifar10"])
    ask.add_argument("--pictures", type=int, default=128)
    ask.add_argument("--plot", type=Path, help="a PNG to draw")
    asked = ask.parse_args()
    reader = trained(asked.set)
    truth, shown = data.load(asked.set, "test").float() / 255, data.labels(asked.set, "test").long()
    share = right(reader, truth, shown)
    print(f"The classifier reads {100 * share:.1f} % of {len(truth)} true pictures.\n", flush=True)
    truth, shown = truth[: asked.pictures], shown[: asked.pictures]
    accuracy: dict[str, list[float]] = {}
    for name in asked.models or [*filter(hub.available, (f"{family}-{asked.set}" for family in MODELS)), VAE]:
        answer = decoded(asked.set) if name == VAE else answered(hub.load(name, "cpu"))
        print(f"| {name}: pixels | mean read | sample read | SSIM of the mean | of the sample |")
        print("| --- | --- | --- | --- | --- |")
        for size in SIZES:
            mask = torch.from_numpy(patches.sobol(32, size))[None, None]
            known = Observation(truth * mask, mask.expand(len(truth), -1, -1, -1))
            pictures = answer(known)
            read = [right(reader, picture, shown) for picture in pictures]
            alike = [metrics.ssim(picture, truth) for picture in pictures]
            for what, share in zip(("mean", "sample"), read, strict=False):
                accuracy.setdefault(f"{name}, {what}", []).append(share)
            missing = ["-"] * (2 - len(read))
            cells = [f"{100 * share:.0f} %" for share in read] + missing + [f"{one:.3f}" for one in alike] + missing
            print(f"| {size} | {' | '.join(cells)} |", flush=True)
        print(flush=True)
    if asked.plot:
        save(plot(accuracy), asked.plot)


def answered(model: Predictor) -> Callable[[Observation], list[Tensor]]:
    """Observations to means and samples"""
    return lambda known: [torch.cat([model.predict(part).mean for part in parts(known)]), drawn(model, known)]


def decoded(name: str) -> Callable[[Observation], list[Tensor]]:
    """Observations to what the decoder makes of them, which draws no samples"""
    model = vae.trained(name)
    valid = data.load(name, "valid")[:VALIDATED].float() / 255

    def answer(known: Observation) -> list[Tensor]:
        weight = vae.chosen_weight(model, valid, known.mask[:1])
        return [model.infer(known, weight)]

    return answer


def parts(known: Observation, size: int = 32) -> list[Observation]:
    return [Observation(*both) for both in zip(known.values.split(size), known.mask.split(size), strict=True)]


def drawn(model: Predictor, known: Observation) -> Tensor:
    """One joint sample of each"""
    generator = torch.Generator().manual_seed(SEED)
    found = []
    for part in parts(known):
        for _, _, filled in sampling.turns(model, part, lambda said: said.sample(generator), GROUPS, "sobol", SEED):
            values = filled.values
        found.append(values)
    return torch.cat(found)


def plot(accuracy: dict[str, list[float]]) -> go.Figure:
    figure = go.Figure()
    colours = ["#3453d1", "#c2571a", "#3d8f5f", "#8a4fb0"]
    names = list(dict.fromkeys(title.split(", ")[0] for title in accuracy))
    for title, shares in accuracy.items():
        name, what = title.split(", ")
        dash = "dash" if what == "sample" else "solid"
        look = {"color": colours[names.index(name) % len(colours)], "dash": dash}
        figure.add_scatter(x=list(SIZES), y=shares, name=title, mode="lines+markers", line=look)
    figure.update_xaxes(title="observed pixels of 1024", type="log", tickvals=list(SIZES))
    figure.update_yaxes(title="read right", tickformat=".0%", rangemode="tozero")
    return figure.update_layout(template="plotly_white", width=800, height=420, margin={"t": 24})


if __name__ == "__main__":
    main()
