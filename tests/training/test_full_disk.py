"""The disk is full, truly: a process that may write no large file. What was there before stays whole."""

from __future__ import annotations

import resource
import signal
from contextlib import contextmanager

import pytest
import torch
from safetensors.torch import load_file

from recon.errors import RecipeError
from recon.models import Gaussian
from recon.training import fit, loop, recipe
from tests.training.test_loop import RECIPE, Small


@pytest.fixture
def pictures() -> torch.Tensor:
    return torch.randint(0, 256, (23, 3, 8, 8), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)


@contextmanager
def full(most: int = 2000):
    """No file grows beyond so many bytes: the system then says what it says of a full disk, but for the number."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    quiet = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (most, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, quiet)


def test_a_state_that_cannot_be_saved_leaves_the_one_before_and_the_run_goes_on_from_it(pictures, tmp_path):
    whole, state = Small(), tmp_path / "run.safetensors"
    list(loop.run(whole, pictures, RECIPE, tmp_path / "whole.safetensors"))
    begun = loop.run(Small(), pictures, RECIPE, state, save_every=0)
    next(begun)
    kept = load_file(state)
    with (
        full(),
        pytest.raises(RecipeError, match=r"run.safetensors cannot be written \(.+\); what was saved before is"),
    ):
        list(begun)
    now = load_file(state)
    assert all(now[name].equal(kept[name]) for name in kept) and [each.name for each in tmp_path.glob("run*")] == [
        state.name
    ]
    resumed = Small()
    list(loop.run(resumed, pictures, RECIPE, state))
    assert all(one.equal(other) for one, other in zip(whole.parameters(), resumed.parameters(), strict=True))


def test_a_checkpoint_that_cannot_be_written_leaves_the_one_before(pictures, tmp_path):
    found = recipe.load("gaussian-celeba")
    model, folder = Gaussian.fit([pictures / 255], 12), tmp_path / "mine"
    fit.write(model, found, folder, "no time")
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    model.location += 1
    with full(), pytest.raises(RecipeError, match="'mine' cannot be written"):
        fit.write(model, found, folder, "longer")
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]
