"""`accelerate launch -m recon train RECIPE`, in two processes: the loss is that of one step by step, each picture is
taken once, the averaged weights are the same, one process alone writes, and what was killed goes on, in two or one."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from recon.__main__ import main

pytest.importorskip("accelerate")
pytestmark = pytest.mark.skipif(not torch.distributed.is_available(), reason="this torch is not distributed")

ROOT, PICTURES, BATCH, STEPS, KILLED_AT = Path(__file__).parents[2], 60, 10, 18, 7
RECIPE = f"""
title = "Tiny"
summary = "A test's own."
kind = "convnade"
data = "binarized_mnist"
order = 1
paper = "nobody"
notes = "Hardly trained."

[model]
side = 32
channels = 1
head = "bernoulli"
width = 4
dropout = 0.2

[training]
steps = {STEPS}
batch = {BATCH}
rate = 3e-3
decay = true
ema = 0.9
clip = 1.0
"""


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    """Pictures of which no two are the same"""
    folder, rng = tmp_path_factory.mktemp("data"), np.random.default_rng(0)
    noise = (rng.random((PICTURES, 28, 28)) < np.linspace(0.1, 0.6, PICTURES)[:, None, None]).astype(np.uint8)
    np.savez(folder / "binarized_mnist.npz", train=noise, valid=noise[:10], test=noise[:8])
    return folder


@pytest.fixture(scope="module")
def alone(data, tmp_path_factory) -> Path:
    """Where one process has trained"""
    return by_one(data, tmp_path_factory.mktemp("alone"))


@pytest.fixture(scope="module")
def two(data, tmp_path_factory) -> Path:
    """Where two have"""
    place = tmp_path_factory.mktemp("two")
    assert launched(data, place).returncode == 0
    return place


@pytest.fixture(scope="module")
def killed(data, tmp_path_factory) -> Path:
    """Where two were killed on their way"""
    place = tmp_path_factory.mktemp("killed")
    done = launched(data, place, KILLED=f"step {KILLED_AT}")
    assert done.returncode != 0 and "SIGKILL" in done.stderr
    return place


def by_one(data: Path, place: Path) -> Path:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RECON_DATA", str(data))
        patch.chdir(place)
        (place / "tiny.toml").write_text(RECIPE)
        assert main(["train", "tiny.toml", "--device", "cpu"]) == 0
    return place


def launched(data: Path, place: Path, **settings: str) -> subprocess.CompletedProcess:
    """By Accelerate in `place`; what its processes did is noted beside it."""
    (place / "tiny.toml").write_text(RECIPE)
    notes = beside(place)
    shutil.rmtree(notes, ignore_errors=True)
    notes.mkdir()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    run = [sys.executable, "-m", "accelerate.commands.launch", "--multi_gpu", "--num_processes", "2"]
    run += ["--num_machines", "1", "--mixed_precision", "no", "--dynamo_backend", "no", "--main_process_port", port]
    run += ["-m", "recon", "train", "tiny.toml", "--device", "cpu", "--save-every", "0"]
    said = {**os.environ, "RECON_DATA": str(data), "WATCHED": str(notes), "OMP_NUM_THREADS": "1", **settings}
    said["PYTHONPATH"] = os.pathsep.join([str(ROOT / "tests/training/watching"), str(ROOT)])
    said["GLOO_SOCKET_IFNAME"] = "lo"  # the address of this machine may not have a name
    return subprocess.run(run, cwd=place, env=said, capture_output=True, text=True, check=False, timeout=240)


def beside(place: Path) -> Path:
    return place.with_name(f"{place.name}-notes")


def state(place: Path) -> dict[str, torch.Tensor]:
    return load_file(place / "runs/tiny.safetensors")


def close(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> None:
    """Up to rounding: of Adam's moments too, and of weights that are averaged and that are not"""
    assert one.keys() == other.keys()
    for name, tensor in one.items():
        torch.testing.assert_close(tensor, other[name], rtol=1e-3, atol=1e-5, msg=name)


def test_the_loss_is_that_of_one_process_step_by_step(alone, two):
    mine, theirs = state(alone)["losses"], state(two)["losses"]
    assert mine.shape == theirs.shape == (STEPS,) and len(set(mine.tolist())) == STEPS
    torch.testing.assert_close(theirs, mine, rtol=1e-5, atol=0)


def test_each_takes_its_half_of_every_batch_and_no_picture_is_taken_twice(two):
    taken: list[list[list[str]]] = []
    for rank in range(2):
        lines = (beside(two) / f"{rank}.pictures").read_text().split("\n")[:-1]
        steps = [[line.split()[1] for line in lines if line.split()[0] == str(step)] for step in range(STEPS)]
        assert [len(step) for step in steps] == [BATCH // 2] * STEPS
        taken.append(steps)
    epoch = PICTURES // BATCH
    for begun in range(0, STEPS, epoch):
        seen = Counter(picture for steps in taken for step in steps[begun : begun + epoch] for picture in step)
        assert len(seen) == PICTURES and set(seen.values()) == {1}


def test_the_checkpoint_is_of_the_averaged_weights_and_as_ones(alone, two):
    close(state(alone), state(two))
    stored, written = state(two), load_file(two / "checkpoints/tiny/model.safetensors")
    for name in [name.removeprefix("average.") for name in stored if name.startswith("average.")]:
        assert torch.equal(written[name], stored[f"average.{name}"])
        assert not torch.equal(written[name], stored[f"weight.{name}"])
    said = json.loads((two / "checkpoints/tiny/config.json").read_text())["checkpoint"]["trained"]
    assert said.startswith(f"{STEPS * BATCH} pictures")


def test_one_process_alone_writes(two):
    writers = {path.stem: path.read_text().split("\n")[:-1] for path in beside(two).glob("*.writes")}
    assert set(writers) == {"0"}
    saved = [line for line in writers["0"] if line.startswith("save_file") and "runs/tiny" in line]
    assert len(saved) == STEPS + 1  # after each step, and at the end
    assert sum("config.json" in line for line in writers["0"]) >= 1


def test_killed_and_gone_on_with_by_two_it_is_the_same_bit_for_bit(data, two, killed, tmp_path):
    assert len(state(killed)["losses"]) == KILLED_AT and not (killed / "checkpoints").exists()
    place = tmp_path / "again"
    shutil.copytree(killed, place)
    assert launched(data, place).returncode == 0
    first = next(line.split()[0] for line in (beside(place) / "1.pictures").read_text().splitlines())
    assert first == str(KILLED_AT), "it goes on, and does not begin anew"
    whole, resumed = state(two), state(place)
    assert whole.keys() == resumed.keys() and all(torch.equal(whole[name], resumed[name]) for name in whole)


def test_what_two_began_one_may_end(data, alone, killed, tmp_path):
    place = tmp_path / "alone"
    shutil.copytree(killed, place)
    close(state(alone), state(by_one(data, place)))
