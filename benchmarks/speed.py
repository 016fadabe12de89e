"""How long an answer takes, beside the Gaussian's in the same run.

    python -m benchmarks.speed [NAME ...] [--rounds 12]

For each model, medians in milliseconds: mean and variance at 128 random pixels, a patch not seen before; the
same after 5 more pixels, as a stroke adds them; 8 joint samples (32 steps where they are drawn in steps); the next
pixel to look at. Then the first as a multiple of the Gaussian's. Below: 8 samples against attention of
PixelTransformer's size, one pixel at a time, scaled from a part of it (`benchmarks.attention`); the cost of a new
patch by its size; that of samples by their number; and that of a scale mixture by its side, an eighth of the pixels
known.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable

import torch

import recon
from benchmarks import attention
from recon import Observation, acquisition, patches
from recon.evaluation import sources
from recon.models import ScaleMixture

NAMES = tuple(f"{kind}-cifar10" for kind in ("gaussian", "gsm", "mogsm", "mdn", "convnade"))
NAMES += ("linear", "rbf", "biharmonic")
SIZE, STROKE, COUNT = 128, 5, 8
SIZES = (16, 64, 128, 256, 512)
COUNTS = (1, 8, 32)  # samples
SIDES = {32: "gsm-celeba", 64: "gsm-celeba64"}


def milliseconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return 1000 * (time.perf_counter() - began)


def answer(model, observation: Observation) -> None:
    prediction = model.predict(observation)
    if prediction.has_spread:
        prediction.variance.sum().item()
    prediction.mean.sum().item()


def timed(model, rounds: int, size: int = SIZE) -> list[float | None]:
    """New patch, a stroke more, samples, next pixel; None where the method has no such thing."""
    side = getattr(model, "side", 32)
    values = torch.rand(1, 3, side, side, generator=torch.Generator().manual_seed(0))
    times: list[list[float]] = [[], [], [], []]
    for seed in range(rounds + 1):
        masks = (torch.from_numpy(patches.random(side, count, seed)) for count in (size, size + STROKE))
        first, more = (Observation(values, mask[None, None]) for mask in masks)
        times[0].append(milliseconds(lambda first=first: answer(model, first)))
        times[1].append(milliseconds(lambda more=more: answer(model, more)))
        if model.predict(first).has_spread and seed < 4:  # few: networks take seconds
            times[2].append(milliseconds(lambda first=first: recon.sample(model, first, count=COUNT, steps=32)))
            times[3].append(milliseconds(lambda first=first: acquisition.next_pixels(model, first)))
    return [statistics.median(each[1:]) if each else None for each in times]  # the first also loads and allocates


def new_patch(name: str, size: int, rounds: int) -> float:
    """Milliseconds for mean and variance of a patch of `size` pixels not seen before."""
    model, values = recon.load(name), torch.rand(1, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    times = []
    for seed in range(rounds):
        mask = torch.from_numpy(patches.random(32, size, 1000 + seed))[None, None]
        times.append(milliseconds(lambda mask=mask: answer(model, Observation(values, mask))))
    return statistics.median(times[1:])


def samples_of(name: str, count: int) -> float:
    """Milliseconds for `count` joint samples given a patch of SIZE pixels; the first drawing also allocates."""
    model, values = recon.load(name), torch.rand(1, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    mask = torch.from_numpy(patches.random(32, SIZE, 2000))[None, None]
    observation = Observation(values, mask)
    times = [milliseconds(lambda: recon.sample(model, observation, count=count, steps=32)) for _ in range(4)]
    return statistics.median(times[1:])


def by_side(side: int):
    """A scale mixture of that side; none of 16 is bundled, so one is fitted to dead leaves."""
    if side in SIDES:
        return recon.load(SIDES[side])
    return ScaleMixture.fit([sources.leaves(800, side=side)], rank=3 * side**2 // 2)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("names", nargs="*", default=list(NAMES), metavar="NAME")
    parser.add_argument("--rounds", type=int, default=12)
    asked = parser.parse_args()
    print(f"{torch.get_num_threads()} threads")
    print("| model | new patch | 5 pixels more | 8 samples | next pixel | beside the Gaussian |")
    print("| --- | --- | --- | --- | --- | --- |")
    samples: dict[str, float] = {}
    unit = timed(recon.load("gaussian-cifar10"), asked.rounds)[0]
    for name in asked.names:
        found = timed(recon.load(name), asked.rounds)
        cells = ["–" if each is None else f"{each:.0f} ms" for each in found]
        print(f"| {name} | {' | '.join(cells)} | {found[0] / unit:.1f} |", flush=True)  # type: ignore[operator]
        if found[2] is not None:
            samples[name] = found[2] / 1000
    each = attention.seconds(COUNT, SIZE)
    print(f"\n{COUNT} samples by attention of PixelTransformer's size, scaled from a part: {each:.0f} s; against that:")
    print(", ".join(f"{name} {each / took:,.0f} times as fast" for name, took in samples.items()))
    print(f"\n| a new patch of | {' | '.join(f'{size} pixels' for size in SIZES)} |\n| --- |{' --- |' * len(SIZES)}")
    for name in asked.names:
        cells = [f"{new_patch(name, size, asked.rounds):.0f} ms" for size in SIZES]
        print(f"| {name} | {' | '.join(cells)} |", flush=True)
    print(f"\n| joint samples | {' | '.join(map(str, COUNTS))} |\n| --- |{' --- |' * len(COUNTS)}")
    for name in samples:
        print(f"| {name} | {' | '.join(f'{samples_of(name, count):.0f} ms' for count in COUNTS)} |", flush=True)
    print("\n| side | new patch | 5 pixels more | 8 samples | next pixel |\n| --- | --- | --- | --- | --- |")
    for side in (16, *SIDES):
        cells = [f"{each:.0f} ms" for each in timed(by_side(side), asked.rounds, side**2 // 8)]
        print(f"| {side}, {side**2 // 8} pixels known | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
