"""The table of clips: of a tiny model, on made clips and on sequences that the test makes."""

import numpy as np
import pytest
import torch

from recon.clips import answer, kinds, patterns
from recon.evaluation import clips
from recon.models import ClipTransformer

TINY = {"width": 8, "heads": 1, "encoder_layers": 1, "decoder_layers": 1, "hidden": 8, "frequencies": 3}


@pytest.fixture
def model(monkeypatch):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        found = ClipTransformer(transformer=TINY).requires_grad_(False)
    monkeypatch.setattr(clips, "load", lambda name: found)
    monkeypatch.setattr("recon.clips.answer.MOST", 40)
    monkeypatch.setattr("recon.clips.answer.FEWEST", 8)
    return found


def test_made_and_real_clips(model, tmp_path, monkeypatch):
    monkeypatch.setattr(clips, "SIZES", (32,))
    monkeypatch.setenv("RECON_DATA", str(tmp_path))
    assert clips.real() is None and clips.table("tiny", 1).count("\n") == 1 + len(kinds.KINDS)
    rng = np.random.default_rng(0)
    sizes = {"a": 20, "b": 5}
    sequences = {name: rng.integers(256, size=(count, 128, 128), dtype=np.uint8) for name, count in sizes.items()}
    np.savez(tmp_path / clips.REAL, **sequences)
    found = clips.real()
    assert found.shape == (2, 16, 24, 24)
    assert torch.allclose(found[0, 3, 0, 0], torch.from_numpy(sequences["a"][3, :6, :6]).float().mean() / 255, atol=0.1)
    assert torch.equal(found[1, 0], found[1, 1])  # five frames, each several times
    assert "| 2 real | 32 |" in clips.table("tiny", 1)


def test_a_clip_of_one_grey_is_known_from_a_few(model):
    truth = torch.full((16, 24, 24), 0.5)
    own, processes, nats, plain, straight, held, _, _ = clips.measure(model, truth, 32, 0)
    assert straight == pytest.approx(0, abs=1e-10) and processes < 1e-2 and own < 0.1
    assert np.isfinite([nats, plain]).all() and 0 <= held <= 1


def test_linear_interpolation_goes_on_with_the_nearest():
    places = patterns.positions(patterns.on_grid(patterns.SCATTERED, 200, 0)).numpy()
    found = clips.linear(places, places @ np.ones(3, np.float32), np.array([[0.0, 0.1, 0.2], [1, 1, 1]], np.float32))
    assert found[0] == pytest.approx(0.3, abs=1e-5) and 1.5 < found[1] < 3


def test_one_that_stands_on_nothing_has_no_processes_beside_it(model, monkeypatch):
    monkeypatch.setattr(clips, "SIZES", (32,))
    alone = ClipTransformer(transformer=TINY, stands=False).requires_grad_(False)
    monkeypatch.setattr(clips, "load", lambda name: alone)
    found = clips.table("tiny", 1).splitlines()[2:]
    assert len(found) >= len(kinds.KINDS) and not any("(" in line or "nan" in line for line in found)
    assert answer.kinds(alone, torch.zeros(1, 3), torch.zeros(1)) == {}
