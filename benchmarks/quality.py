"""The table of docs/results.md: every checkpoint beside all others of its image set, and the best classical method.

    python -m benchmarks.quality [SET ...] [--family sobol]

Reads the checkpoints' cards, each of which names the command that measured it (`python -m recon evaluate NAME --card`).
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator

from recon import hub
from recon.evaluation.reconstruction import data_set
from recon.transfer import CARD

KINDS = {
    "gaussian": "Gaussian",
    "gsm": "scale mixture",
    "mogsm": "mixture of scale mixtures",
    "bmm": "Bernoulli mixture",
    "mdn": "density network",
    "pixel": "PixelTransformer",
    "latents": "the same behind latents",
    "nade": "orderless NADE",
    "convnade": "ConvNADE",
}
SETS = {
    "cifar10": "JPEG CIFAR-10",
    "celeba": "CelebA 32",
    "landscapes": "landscapes 32",
    "celeba64": "CelebA 64",
    "landscapes64": "landscapes 64",
    "fer2013": "FER2013",
    "mnist": "grey MNIST",
    "fashion": "Fashion-MNIST",
    "binarized_mnist": "binarised MNIST",
}


def measured(name: str, family: str) -> Iterator[list[str]]:
    """The cells of the card's lines on one patch family: observed, patch, PSNR, SSIM, bits/dim, coverage, of sets whose
    values are often exactly black that of 90 % with levels spread, classical."""
    for line in (hub.resolve(name) / CARD).read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if len(cells) in (7, 8) and cells[1].replace("'", "").lower() == family:
            yield cells


def held(cells: list[str]) -> str:
    """What 90 % intervals hold, in percent: with levels spread, where the card has that"""
    return cells[6] if len(cells) == 8 else cells[5].split(" / ")[2]


def line(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("sets", nargs="*", default=list(SETS), metavar="SET")
    parser.add_argument("--family", choices=("sobol", "random"), default="sobol")
    asked = parser.parse_args()
    there = {(name.partition("-")[0], data_set(name)): name for name in (record.name for record in hub.checkpoints())}
    print(line("set", "model", "PSNR (dB)", "bits/dim", "90 % intervals cover (%)"))
    print(line(*["---"] * 5))
    for set_name in asked.sets:
        title, classical = SETS[set_name], ""
        for kind, kind_title in KINDS.items():
            if (kind, set_name) not in there:
                continue
            found = list(measured(there[kind, set_name], asked.family))
            cover = "–" if found[0][5] == "–" else " / ".join(map(held, found)) + " *" * (len(found[0]) == 8)
            columns = (" / ".join(cells[column] for cells in found) for column in (2, 4))
            print(line(title, kind_title, *columns, cover))
            title, classical = "", " / ".join(cells[-1].split(",")[0] for cells in found)
        print(line("", "best classical", classical, "–", "–"))


if __name__ == "__main__":
    main()
