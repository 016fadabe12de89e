"""How long an answer takes, beside the Gaussian's in the same run.

    python -m benchmarks.speed [NAME ...] [--rounds 12]

For each model, medians in milliseconds: mean and variance at 128 random pixels, a patch not seen before; the
same after 5 more pixels, as a stroke adds them; 8 joint samples (32 steps where they are drawn in steps); the next
pixel to look at. Then the first as a multiple of the Gaussian's.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable

import torch

import recon
from recon import Observation, acquisition, patches

NAMES = ("gaussian-cifar10", "gsm-cifar10", "mdn-cifar10", "convnade-cifar10", "linear", "rbf", "biharmonic")
SIZE, STROKE = 128, 5


def milliseconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return 1000 * (time.perf_counter() - began)


def answer(model, observation: Observation) -> None:
    prediction = model.predict(observation)
    if prediction.has_spread:
        prediction.variance.sum().item()
    prediction.mean.sum().item()


def timed(name: str, rounds: int) -> list[float | None]:
    """New patch, a stroke more, samples, next pixel; None where the method has no such thing."""
    model, values = recon.load(name), torch.rand(1, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    times: list[list[float]] = [[], [], [], []]
    for seed in range(rounds + 1):
        sizes = (SIZE, SIZE + STROKE)
        first, more = (
            Observation(values, torch.from_numpy(patches.random(32, size, seed))[None, None]) for size in sizes
        )
        times[0].append(milliseconds(lambda first=first: answer(model, first)))
        times[1].append(milliseconds(lambda more=more: answer(model, more)))
        if model.predict(first).has_spread and seed < 4:  # few: networks take seconds
            times[2].append(milliseconds(lambda first=first: recon.sample(model, first, count=8, steps=32)))
            times[3].append(milliseconds(lambda first=first: acquisition.next_pixels(model, first)))
    return [statistics.median(each[1:]) if each else None for each in times]  # the first also loads and allocates


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("names", nargs="*", default=list(NAMES), metavar="NAME")
    parser.add_argument("--rounds", type=int, default=12)
    asked = parser.parse_args()
    print(f"{torch.get_num_threads()} threads")
    print("| model | new patch | 5 pixels more | 8 samples | next pixel | beside the Gaussian |")
    print("| --- | --- | --- | --- | --- | --- |")
    unit = timed("gaussian-cifar10", asked.rounds)[0]
    for name in asked.names:
        found = timed(name, asked.rounds)
        cells = ["–" if each is None else f"{each:.0f} ms" for each in found]
        print(f"| {name} | {' | '.join(cells)} | {found[0] / unit:.1f} |", flush=True)  # type: ignore[operator]


if __name__ == "__main__":
    main()
