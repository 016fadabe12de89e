"""A training process that is killed, at whatever moment, goes on to the same result bit for bit: truly killed, by
SIGKILL, again and again on its way."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

import recon
from recon.__main__ import main
from tests.training.test_launched import RECIPE, ROOT, beside

STEPS = 150
LONGER = RECIPE.replace("steps = 18", f"steps = {STEPS}")
TRAIN = ["train", "tiny.toml", "--device", "cpu", "--save-every", "0"]
SIGKILL = -9


@pytest.fixture
def place(digits, tmp_path, monkeypatch) -> Path:
    """Where a run is killed; beside it one was not."""
    monkeypatch.setenv("RECON_DATA", str(digits))
    for name in ("whole", "killed"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "tiny.toml").write_text(LONGER)
    monkeypatch.chdir(tmp_path / "whole")
    assert main(TRAIN) == 0
    beside(tmp_path / "killed").mkdir()
    return tmp_path / "killed"


def begun(place: Path, killed: str = "never -1") -> subprocess.Popen:
    """As it is typed, in a process of its own"""
    path = os.pathsep.join([str(ROOT / "tests/training/watching"), str(ROOT)])
    said = {**os.environ, "PYTHONPATH": path, "WATCHED": str(beside(place)), "KILLED": killed, "OMP_NUM_THREADS": "1"}
    said |= {"RANK": "0", "WORLD_SIZE": "1"}
    return subprocess.Popen(
        [sys.executable, "-m", "recon", *TRAIN],
        cwd=place,
        env=said,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def reached(place: Path) -> int:
    """The step of the last save, which is whole"""
    state = place / "runs/tiny.safetensors"
    return len(load_file(state)["losses"]) if state.exists() else 0


def killed_at_some_moment(place: Path, chance: random.Random) -> None:
    """Somewhere between its first save of this sitting and a few steps later, wherever it is then"""
    state = place / "runs/tiny.safetensors"
    before = state.stat().st_mtime_ns if state.exists() else 0
    process = begun(place)
    until = time.monotonic() + 120
    while not (state.exists() and state.stat().st_mtime_ns > before) and time.monotonic() < until:
        time.sleep(0.005)
    time.sleep(chance.random() / 3)
    process.kill()
    assert process.wait() == SIGKILL


def test_killed_at_any_moment_it_ends_with_the_same_bits(place):
    chance, seen = random.Random(0), [0]
    for _ in range(2):
        killed_at_some_moment(place, chance)
        seen.append(reached(place))
    for killed in ("save 3", "move 3", "folder 3"):
        assert begun(place, killed).wait(240) == SIGKILL, killed
        seen.append(reached(place))
        if killed != "folder 3":
            assert (place / "runs/tiny.part").exists() and seen[-1] == seen[-2] + 2, "what was saved before stands"
    assert sorted(seen) == seen and 0 < seen[1] < seen[2] < STEPS == seen[-1], seen
    written = place / "checkpoints/tiny"
    assert sorted(path.name for path in written.iterdir()) == ["README.md", "model.safetensors"]
    assert recon.checkpoints(written.parent) == [], "what is half there is not listed"
    assert begun(place).wait(240) == 0
    whole = place.parent / "whole"
    for file in ("runs/tiny.safetensors", "checkpoints/tiny/model.safetensors"):
        one, other = load_file(whole / file), load_file(place / file)
        assert one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one), file
    assert {path.name for path in written.iterdir()} == {"config.json", "model.safetensors", "README.md"}
    assert [path.name for path in written.parent.iterdir()] == ["tiny"], "what the kill left half done is gone"
