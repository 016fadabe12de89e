"""Numbers in README.md and docs/results.md are those of the checkpoints' cards, which a command writes."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from benchmarks import quality
from recon import hub
from recon.transfer import CARD

ROOT = Path(__file__).parents[1]
KINDS = {  # rows of README's table
    "Gaussian: the best linear answer": "gaussian",
    "Gaussian scale mixture": "gsm",
    "mixture of scale mixtures": "mogsm",
    "density network, the page's default": "mdn",
}
SETS = ("celeba", "cifar10", "landscapes", "mnist")  # its columns


def read(path: str) -> str:
    return (ROOT / path).read_text(encoding="utf-8")


def test_the_large_table_is_that_of_the_cards(capsys, monkeypatch):
    monkeypatch.setattr("sys.argv", ["quality"])
    quality.main()
    assert capsys.readouterr().out.strip() in read("docs/results.md")


@pytest.mark.parametrize("title", KINDS)
def test_the_readmes_table_is_that_of_the_cards(title):
    (row,) = (line for line in read("README.md").splitlines() if line.startswith(f"| {title} |"))
    for cell, of in zip(row.strip("| ").split(" | ")[1:], SETS, strict=True):
        (measured,) = (cells for cells in quality.measured(f"{KINDS[title]}-{of}", "sobol") if cells[0] == "128")
        bits = f"{float(measured[4]):.2f}"
        assert cell == f"{measured[2]} dB, {bits} bits, {quality.held(measured)} %"


def test_the_best_classical_method_in_the_readme_is_that_of_the_cards():
    (row,) = (line for line in read("README.md").splitlines() if line.startswith("| best classical method |"))
    for cell, of in zip(row.strip("| ").split(" | ")[1:], SETS, strict=True):
        (measured,) = (cells for cells in quality.measured(f"gaussian-{of}", "sobol") if cells[0] == "128")
        assert cell == measured[-1].split(",")[0] + " dB"


@pytest.mark.parametrize("name", ["clips", "chairs", "curves"])
def test_tables_of_what_is_no_picture_are_those_of_the_cards(name):
    rows = [line for line in (hub.resolve(name) / CARD).read_text(encoding="utf-8").splitlines() if "%" in line]
    measured = [re.split(r" \| ", row.strip("| "), maxsplit=1)[1] for row in rows if row.startswith("| ")]
    said = read("docs/results.md").replace(" %", "%")
    missing = [numbers for numbers in measured if re.search(r"\d%", numbers) and numbers not in said]
    assert len(measured) > 2 and not missing
