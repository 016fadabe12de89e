"""What a bundled Gaussian loses by its rank: beside the full covariance, fitted afresh to the same pictures.

    RECON_DATA=... python -m benchmarks.rank cifar10 celeba landscapes [--limit 200]

PSNR in dB and bits/dim at 32, 128 and 256 Sobol' pixels, on the first test pictures.
"""

from __future__ import annotations

import argparse

import torch

import recon
from recon import data
from recon.evaluation.reconstruction import SIZES, measure, patch_masks, test_pictures
from recon.models import Gaussian


def main() -> None:
    ask = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ask.add_argument("sets", nargs="+", help="image sets with a bundled Gaussian")
    ask.add_argument("--limit", type=int, default=200)
    asked = ask.parse_args()
    print("| set | observed | full covariance | bundled |\n| --- | --- | --- | --- |")
    for name in asked.sets:
        bundled = recon.load(f"gaussian-{name}", "cpu")
        assert isinstance(bundled, Gaussian)
        batches = (part.float() / 255 for part in data.load(name, "train").split(2000))
        full = Gaussian.fit(batches, rank=len(bundled.location), mirrored=bundled.mirrored)
        truth = test_pictures(name, asked.limit)
        for size in SIZES:
            masks = patch_masks("sobol", size, len(truth))
            found = [measure(model, name, "sobol", size, truth, masks) for model in (full, bundled)]
            cells = " | ".join(f"{row.psnr_db:.2f} dB, {row.bits_per_dim:.3f}" for row in found)
            print(f"| {data.SETS[name].title} | {size} | {cells} |", flush=True)


if __name__ == "__main__":
    with torch.no_grad():
        main()
