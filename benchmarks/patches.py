"""What a patch is worth: PSNR of the Gaussian on test pictures, by patch family and size.

    python -m benchmarks.patches [SET ...] [--limit 300]

Families with chance are averaged over five seeds; each patch is one for all pictures. Needs RECON_DATA.
"""

from __future__ import annotations

import argparse

import torch

from recon import hub, metrics, patches
from recon.evaluation.reconstruction import test_pictures
from recon.observation import Observation

SIZES = (16, 32, 64, 128)
SETS = ("cifar10", "celeba", "landscapes", "fer2013", "mnist", "fashion")
FAMILIES = ("random", "halton", "farthest", "sobol", "sobol_shifted", "designed")


def psnr_db(model, truth: torch.Tensor, family: str, size: int) -> float:
    seeds = range(5) if family in patches.SEEDED else range(1)
    found = []
    for seed in seeds:
        mask = torch.from_numpy(patches.make(family, 32, size, seed)).expand(len(truth), 1, -1, -1)
        found.append(metrics.psnr_db(model.predict(Observation(truth, mask)).mean, truth))
    return sum(found) / len(found)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("sets", nargs="*", default=list(SETS), metavar="SET")
    parser.add_argument("--limit", type=int, default=300, help="test pictures a set")
    asked = parser.parse_args()
    print(f"| set | patch | {' | '.join(map(str, SIZES))} |\n| --- | --- |{' --- |' * len(SIZES)}")
    for name in asked.sets:
        model, truth = hub.load(f"gaussian-{name}", "cpu"), test_pictures(name, asked.limit)
        for family in FAMILIES:
            full = f"designed_{name}" if family == "designed" else family
            cells = (f"{psnr_db(model, truth, full, size):.2f}" for size in SIZES)
            print(f"| {name} | {family} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
