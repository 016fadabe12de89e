"""The table of who is doubted, for a judge that is told what to say."""

from __future__ import annotations

import pytest
import torch

from recon.evaluation import strangers
from recon.familiarity import SIZES

SHARES = {"real": 0.01, "negatives": 0.8, "uniform noise": 0.9, "faint noise": 1.0, "others": 0.5}


@pytest.fixture
def table(monkeypatch) -> list[list[str]]:
    kinds = {title: torch.full((1, 1, 2, 2), share) for title, share in SHARES.items()}

    def doubted(judge, data_set, pictures, size, seed):
        return pictures.mean().item() * (size >= 16)  # from fewer pixels nobody

    monkeypatch.setattr(strangers, "kinds", lambda *asked: kinds)
    monkeypatch.setattr(strangers, "doubted", doubted)
    lines = strangers.table("any").split("\n")
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def test_the_last_column_is_the_mean_from_sixteen_pixels_on(table):
    head, _, *lines = table
    assert head[1:-1] == [f"{size} pixels" for size in SIZES] and head[-1] == "16 to 256"
    told = {title: cells for title, *cells in lines}
    for title, share in SHARES.items():
        assert told[title][0] == "0.0 %" and told[title][-1] == told[title][1] == f"{100 * share:.1f} %"


def test_the_last_line_is_of_negatives_and_noise(table):
    assert table[-1][0] == "noise and negatives" and table[-1][-1] == "90.0 %"
