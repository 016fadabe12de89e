"""How fast a picture comes, and whether it pays to look: the race of `recon.race` over test pictures.

    python -m benchmarks.race [NAME ...] [--limit 20]

Mean PSNR in dB of each way to choose pixels at each size and, but for Sobol' itself, how much more that is than with
Sobol' pixels of the same picture, with its 95 % interval. Ways with chance get another seed for every picture. Needs
RECON_DATA.
"""

from __future__ import annotations

import argparse
from collections import defaultdict

import torch

from recon import hub
from recon.evaluation.experiment import estimate
from recon.evaluation.reconstruction import data_set, test_pictures
from recon.race import SIZES, race, runners

NAMES = ("mdn-cifar10", "mdn-celeba")


def measure(name: str, limit: int) -> dict[str, torch.Tensor]:
    """PSNR in dB by runner: (pictures, sizes)"""
    model, found = hub.load(name), defaultdict(list)
    for seed, truth in enumerate(test_pictures(data_set(name), limit).split(1)):
        for lap in race(model, truth, runners(model, data_set(name)), seed=seed):
            found[lap.name].append(lap.psnr_db)
    return {runner: torch.tensor(each).view(-1, len(SIZES)) for runner, each in found.items()}


def cell(psnr: torch.Tensor, sobol: torch.Tensor) -> str:
    more = psnr - sobol
    mean = estimate(more)
    return f"{psnr.mean():.2f}" + (f" ({mean.mean:+.2f} ± {mean.high - mean.mean:.2f})" if more.any() else "")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("names", nargs="*", default=list(NAMES), metavar="NAME")
    parser.add_argument("--limit", type=int, default=20, help="test pictures a model")
    asked = parser.parse_args()
    print(f"| model | pixels chosen | {' | '.join(map(str, SIZES))} |\n| --- | --- |{' --- |' * len(SIZES)}")
    for name in asked.names:
        found = measure(name, asked.limit)
        for runner, psnr in found.items():
            cells = (cell(*pair) for pair in zip(psnr.T, found["sobol"].T, strict=True))
            print(f"| {name} | {runner} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
