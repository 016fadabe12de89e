"""The table of shapes: of tiny models, on made chairs and on voxels that the test makes."""

import numpy as np
import pytest
import torch

from recon.evaluation import shapes
from recon.models import ShapeTransformer
from recon.shapes import chairs

TINY = {"width": 8, "heads": 1, "encoder_layers": 1, "decoder_layers": 1, "hidden": 8, "frequencies": 3}


@pytest.mark.parametrize("stands", [True, False])
def test_made_and_real_chairs(stands, tmp_path, monkeypatch):
    monkeypatch.setattr(shapes, "SIZES", (16,))
    monkeypatch.setattr("recon.shapes.answer.MOST", 40)
    monkeypatch.setattr("recon.shapes.answer.FEWEST", 8)
    monkeypatch.setenv("RECON_DATA", str(tmp_path))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        found = ShapeTransformer(side=8, rank=6, transformer=TINY, stands=stands).requires_grad_(False)
    if found.process is not None:
        found.process.fit(chairs.draw(30, torch.Generator().manual_seed(0)))
    monkeypatch.setattr(shapes, "load", lambda name: found)
    voxels = np.zeros((1, 32, 32, 32), dtype=bool)
    voxels[:, 8:24, 8:24, 12:16] = True
    np.savez(tmp_path / shapes.REAL, test=voxels)
    made, real = shapes.table("tiny", 1).splitlines()[2:]
    assert made.startswith("| 1 made | 16 |") and real.startswith("| 1 real | 16 |")
    for line in (made, real):
        assert line.count("(") == (3 if stands else 0) and line.count("|") == 9
