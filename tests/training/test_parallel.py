"""Two processes follow the loss of one; a batch is shared evenly, and one of them alone writes."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from recon.chance import PartOf, uniform
from recon.errors import RecipeError
from recon.training import parallel
from tests.training import together

ROOT = Path(__file__).parents[2]
PROCESSES = 2
torch_distributed = pytest.mark.skipif(not torch.distributed.is_available(), reason="this torch is not distributed")


def launched(*command: str, cwd: Path = ROOT) -> str:
    """What torchrun's processes print"""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    run = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", str(PROCESSES)]
    run += ["--master-addr", "127.0.0.1", "--master-port", port, *command]
    # the address of this machine may not have a name
    settings = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "GLOO_SOCKET_IFNAME": "lo"}
    done = subprocess.run(run, cwd=cwd, env=settings, capture_output=True, text=True, check=False, timeout=240)
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


def same_losses(one: Path, other: Path, count: int) -> None:
    """Of each of the first `count` steps, up to rounding"""
    mine, theirs = (json.loads((folder / "losses.json").read_text()) for folder in (one, other))
    assert list(mine) == [*together.networks(), "curves"]
    for name, values in mine.items():
        assert len(theirs[name]) == count and theirs[name] == pytest.approx(values[:count], rel=1e-4), name


def same_weights(one: Path, other: Path) -> None:
    """Averaged ones, up to rounding"""
    for name in [*together.networks(), "curves"]:
        mine, theirs = (load_file(folder / f"{name}.weights") for folder in (one, other))
        for key, tensor in mine.items():
            if key.endswith("key_value.bias"):  # a key's has no gradient but rounding, of which Adam makes whole steps
                continue
            torch.testing.assert_close(tensor, theirs[key], rtol=1e-3, atol=1e-5, msg=f"{name} {key}")


@torch_distributed
def test_two_processes_are_as_one_and_one_goes_on_where_they_were_stopped(tmp_path):
    alone, two = tmp_path / "alone", tmp_path / "two"
    alone.mkdir()
    two.mkdir()
    together.main(alone, 40)
    launched("tests/training/together.py", str(two), "20")
    same_losses(alone, two, 20)
    together.main(two, 40)
    same_losses(alone, two, 40)
    same_weights(alone, two)


def test_a_part_of_the_batch_has_its_part_of_the_random_numbers():
    whole = uniform((6, 3), torch.Generator().manual_seed(5), torch.device("cpu"))
    parts = []
    for rank in range(3):
        processes = parallel.Processes(rank, 3)
        chance = processes.chance(torch.Generator().manual_seed(5), 6)
        assert isinstance(chance, PartOf)
        parts.append(uniform((2, 3), chance, torch.device("cpu")))
    assert torch.equal(torch.cat(parts), whole)
    assert [parallel.Processes(rank, 3).part(6) for rank in range(3)] == [slice(0, 2), slice(2, 4), slice(4, 6)]


def test_a_batch_that_cannot_be_shared_evenly_is_refused():
    with pytest.raises(RecipeError, match="A batch of 10 cannot be shared evenly by 3 processes"):
        parallel.Processes(0, 3).part(10)


def test_alone_nothing_is_joined(monkeypatch):
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    with parallel.joined("cpu") as processes:
        assert processes == parallel.here() == parallel.Processes() and processes.first
        assert processes.mean(torch.tensor(3.0)) == 3
        processes.wait()
