"""Figures 6 and 7 of PixelTransformer (Tulsiani & Gupta 2021) for digits: how much of a digit a few pixels tell.

    python -m benchmarks.recognised [MODEL ...] [--pictures 128] [--plot docs/recognised.png]

A small classifier is trained on true digits (its own accuracy is printed), and reads what models make of a Sobol'
patch: their mean, and a joint sample. Beside it SSIM with the true digit. The paper's baseline, the decoder of a
variational autoencoder, is `vae`. Needs `RECON_DATA`, with labels.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable
from pathlib import Path

import plotly.graph_objects as go
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from benchmarks import vae
from benchmarks.schedules import save
from recon import Observation, data, hub, metrics, patches, sampling
from recon.prediction import Predictor

VAE = "vae"
MODELS = ("pixel-transformer-mnist", "mdn-mnist", "gaussian-mnist", VAE)
VALIDATED = 64  # pictures that the weight of the baseline is chosen on
SIZES = (4, 8, 16, 32, 64, 128, 256)
LEARNED, BATCH, ROUNDS = 20_000, 100, 3
GROUPS, SEED = 32, 0


def main() -> None:
    ask = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ask.add_argument("models", nargs="*", default=MODELS, metavar="MODEL")
    ask.add_argument("--pictures", type=int, default=128)
    ask.add_argument("--plot", type=Path, help="a PNG to draw")
    asked = ask.parse_args()
    reader = trained()
    truth, shown = data.load("mnist", "test").float() / 255, data.labels("mnist", "test").long()
    print(f"The classifier reads {100 * right(reader, truth, shown):.1f} % of {len(truth)} true digits.\n", flush=True)
    truth, shown = truth[: asked.pictures], shown[: asked.pictures]
    accuracy: dict[str, list[float]] = {}
    for name in asked.models:
        answer = decoded() if name == VAE else answered(hub.load(name, "cpu"))
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


def trained() -> nn.Module:
    """A classifier of digits"""
    torch.manual_seed(SEED)
    sizes = (1, 16, 32, 64)
    layers = [
        part
        for k in range(3)
        for part in (nn.Conv2d(sizes[k], sizes[k + 1], 3, stride=2, padding=1), nn.BatchNorm2d(sizes[k + 1]), nn.ReLU())
    ]
    reader = nn.Sequential(*layers, nn.Flatten(), nn.Linear(64 * 16, 10))
    images, shown = data.load("mnist", "train")[:LEARNED], data.labels("mnist", "train")[:LEARNED].long()
    steps = ROUNDS * LEARNED // BATCH
    optimiser = torch.optim.Adam(reader.parameters(), lr=2e-3)
    generator = torch.Generator().manual_seed(SEED)
    for step in range(steps):
        for group in optimiser.param_groups:
            group["lr"] = 1e-3 * (1 + math.cos(math.pi * step / steps))
        chosen = torch.randint(LEARNED, (BATCH,), generator=generator)
        loss = F.cross_entropy(reader(images[chosen].float() / 255), shown[chosen])
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    return reader.eval().requires_grad_(False)


def right(reader: nn.Module, pictures: Tensor, shown: Tensor) -> float:
    """Share of digits that are read right"""
    read = torch.cat([reader(part).argmax(1) for part in pictures.split(500)])
    return (read == shown).double().mean().item()


def answered(model: Predictor) -> Callable[[Observation], list[Tensor]]:
    """Observations to means and samples"""
    return lambda known: [torch.cat([model.predict(part).mean for part in parts(known)]), drawn(model, known)]


def decoded() -> Callable[[Observation], list[Tensor]]:
    """Observations to what the decoder makes of them, which draws no samples"""
    model = vae.trained("mnist")
    valid = data.load("mnist", "valid")[:VALIDATED].float() / 255

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
    for k, (title, shares) in enumerate(accuracy.items()):  # a mean and a sample of each model, of the last a mean
        look = {"color": colours[k // 2 % len(colours)], "dash": ("solid", "dash")[k % 2]}
        figure.add_scatter(x=list(SIZES), y=shares, name=title, mode="lines+markers", line=look)
    figure.update_xaxes(title="observed pixels of 1024", type="log", tickvals=list(SIZES))
    figure.update_yaxes(title="digits read right", tickformat=".0%", rangemode="tozero")
    return figure.update_layout(template="plotly_white", width=800, height=420, margin={"t": 24})


if __name__ == "__main__":
    main()
