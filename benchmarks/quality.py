"""Every model beside every other and the best classical method, on test pictures.

    python -m benchmarks.quality [SET ...] [--limit 300] [--family sobol]

PSNR keeps observed pixels; bits/dim (256 levels) and the coverage of 90 % intervals are over unobserved ones. Needs
RECON_DATA.
"""

from __future__ import annotations

import argparse

from recon import baselines, hub
from recon.evaluation.reconstruction import Row, baseline, measure, patch_masks, test_pictures

SIZES = (16, 32, 64, 128, 256)
KINDS = {"gaussian": "Gaussian", "gsm": "scale mixture", "mdn": "density network", "convnade": "ConvNADE"}
SETS = {
    "cifar10": "JPEG CIFAR-10",
    "celeba": "CelebA 32",
    "landscapes": "landscapes 32",
    "fer2013": "FER2013",
    "mnist": "grey MNIST",
}


def rows(name: str, set_name: str, family: str, limit: int) -> list[Row]:
    truth = test_pictures(set_name, limit)
    model = hub.load(name)
    return [measure(model, name, family, size, truth, patch_masks(family, size, len(truth))) for size in SIZES]


def best_classical(set_name: str, family: str, limit: int) -> list[float]:
    return [max(baseline(name, set_name, family, size, limit).psnr_db for name in baselines.NAMES) for size in SIZES]


def line(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("sets", nargs="*", default=list(SETS), metavar="SET")
    parser.add_argument("--limit", type=int, default=300, help="test pictures a set")
    parser.add_argument("--family", choices=("sobol", "random"), default="sobol")
    asked = parser.parse_args()
    there = {record.name for record in hub.checkpoints()}
    head = line("set", "model", "what", *map(str, SIZES))
    print(f"{head}\n{line(*['---'] * (len(SIZES) + 3))}")
    for set_name in asked.sets:
        for kind, title in KINDS.items():
            if f"{kind}-{set_name}" not in there or (kind, set_name) == ("convnade", "mnist"):  # that one is binary
                continue
            found = rows(f"{kind}-{set_name}", set_name, asked.family, asked.limit)
            print(line(SETS[set_name], title, "PSNR (dB)", *(f"{row.psnr_db:.2f}" for row in found)))
            print(line("", "", "bits/dim", *(f"{row.bits_per_dim:.3f}" for row in found)))
            print(line("", "", "90 % cover", *(f"{100 * row.coverage[2]:.1f} %" for row in found)), flush=True)
        classical = best_classical(set_name, asked.family, asked.limit)
        print(line("", "best classical", "PSNR (dB)", *(f"{psnr:.2f}" for psnr in classical)), flush=True)


if __name__ == "__main__":
    main()
