"""`python -m recon`, from a recipe to a table."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

import recon
from recon import baselines, data
from recon.__main__ import main
from recon.evaluation import reconstruction
from recon.models import Gaussian, PixelTransformer
from recon.models.base import Network

NETWORK = """
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
width = 2
dropout = 0.0

[training]
steps = 4
batch = 10

[full.training]
steps = 6
"""
CLOSED_FORM = NETWORK.replace("convnade", "gaussian").split("[model]")[0] + "[model]\nrank = 20\nmirrored = false\n"

TRANSFORMER = (
    NETWORK.replace("convnade", "pixel_transformer").split("[model]")[0]
    + """
[model]
side = 32
channels = 1
queries = 30

[model.transformer]
bins = 2
width = 16
heads = 2
encoder_layers = 1
decoder_layers = 1
hidden = 16
frequencies = 4
near = true

[training]
steps = 4
batch = 6
shared = true
"""
)


@pytest.fixture
def at(digits, tmp_path, monkeypatch):
    """A place of the test's own: `digits` to train on, checkpoints/ to load from, and a recipe for each kind."""
    (tmp_path / "tiny.toml").write_text(NETWORK)
    (tmp_path / "linear-algebra.toml").write_text(CLOSED_FORM)
    (tmp_path / "checkpoints").mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("RECON_CHECKPOINTS", str(tmp_path / "checkpoints"))
    monkeypatch.delenv("RECON_HUB", raising=False)
    monkeypatch.setattr(reconstruction, "SIZES", (128,))
    yield tmp_path
    for cached in (reconstruction.test_pictures, reconstruction.baseline):
        cached.cache_clear()


def test_what_is_calibrated_is_so_on_pictures_kept_from_training(at, monkeypatch):
    seen, calibrate = [], PixelTransformer.calibrate

    def watched(model, batches, orders):
        seen.extend(batches)
        calibrate(model, iter(seen), orders)

    monkeypatch.setattr(PixelTransformer, "calibrate", watched)
    (at / "transformer.toml").write_text(TRANSFORMER)
    assert main(["train", "transformer.toml", "--device", "cpu"]) == 0
    assert torch.equal(torch.cat(seen), data.load("binarized_mnist", "valid") / 255)
    assert (recon.load("transformer").temperatures != 1).any()
    said = json.loads((at / "checkpoints/transformer/config.json").read_text())["checkpoint"]
    assert said["trained"].startswith("up to 24 pictures")


def test_train_list_and_evaluate(at, capsys):
    assert main(["train", "tiny.toml", "--device", "cpu"]) == 0
    assert "tiny is written" in capsys.readouterr().out
    said = json.loads((at / "checkpoints/tiny/config.json").read_text())["checkpoint"]
    assert (said["kind"], said["data_set"], said["binary"]) == ("convnade", "binarized_mnist", True)
    assert said["trained"].startswith("40 pictures, 0 minutes on")
    assert "Hardly trained." in (at / "checkpoints/tiny/README.md").read_text()

    assert main(["list"]) == 0
    listed = capsys.readouterr().out
    assert "tiny" in listed and "Tiny" in listed and "Thin-plate spline" in listed

    assert main(["evaluate", "tiny", "--limit", "2"]) == 0
    table = capsys.readouterr().out
    lines = [[cell.strip() for cell in line.split("|")] for line in table.strip().splitlines()[2:]]
    assert [line[1:3] for line in lines] == [["128", "random"], ["128", "Sobol'"]]
    assert all(line[-2].split(", ")[1] in baselines.NAMES for line in lines)

    model = recon.load("tiny", device="cpu")
    assert model.binary and not model.training
    assert sum(p.numel() for p in model.parameters()) == said["parameters"]


def test_a_closed_form_has_nothing_to_resume(at, capsys):
    assert main(["train", "linear-algebra.toml", "--device", "cpu"]) == 0
    model = recon.load("linear-algebra", device="cpu")
    assert isinstance(model, Gaussian) and model.even_half.shape == (1024, 20)
    train = np.load(at / "data/binarized_mnist.npz")["train"]
    expected = np.pad(train, ((0, 0), (2, 2), (2, 2))).mean(0).ravel()
    np.testing.assert_allclose(model.location, expected, atol=1e-6)
    assert not (at / "runs").exists()
    assert "one pass" in (at / "checkpoints/linear-algebra/README.md").read_text()


def test_a_run_may_start_from_another(at, capsys):
    assert main(["train", "tiny.toml", "--device", "cpu"]) == 0
    still = NETWORK.replace("steps = 4", 'steps = 1\nrate = 0.0\nstart = "tiny"')
    (at / "same.toml").write_text(still)
    assert main(["train", "same.toml", "--device", "cpu"]) == 0
    weights = [recon.load(name, device="cpu").parameters() for name in ("tiny", "same")]
    assert all(a.equal(b) for a, b in zip(*weights, strict=True))
    for start, change in (("tiny", "width = 3"), ("nearest", "width = 2")):
        (at / "other.toml").write_text(still.replace('"tiny"', f'"{start}"').replace("width = 2", change))
        assert main(["train", "other.toml", "--device", "cpu"]) == 1
        assert f"cannot start from '{start}'" in capsys.readouterr().err


def test_a_run_of_no_steps_is_what_it_starts_from(at, capsys):
    assert main(["train", "tiny.toml", "--device", "cpu"]) == 0
    (at / "taken.toml").write_text(NETWORK.replace("steps = 4", 'steps = 0\nstart = "tiny"'))
    assert main(["train", "taken.toml", "--device", "cpu"]) == 0
    weights = [recon.load(name, device="cpu").parameters() for name in ("tiny", "taken")]
    assert all(a.equal(b) for a, b in zip(*weights, strict=True))
    assert "**: no pictures but those of tiny. " in (at / "checkpoints/taken/README.md").read_text()


def test_a_second_run_finds_the_first_done(at, capsys):
    weights = at / "checkpoints/tiny/model.safetensors"
    assert main(["train", "tiny.toml", "--device", "cpu"]) == 0
    first = weights.read_bytes()
    assert main(["train", "tiny.toml", "--device", "cpu"]) == 0
    assert weights.read_bytes() == first
    assert main(["train", "tiny.toml", "--device", "cpu", "--full"]) == 1
    assert "another recipe" in capsys.readouterr().err
    assert main(["train", "tiny.toml", "--device", "cpu", "--full", "--runs", "others"]) == 0
    assert weights.read_bytes() != first


def test_a_kill_in_between_changes_nothing(at, monkeypatch):
    weights = at / "checkpoints/tiny/model.safetensors"
    assert main(["train", "tiny.toml", "--device", "cpu", "--runs", "whole"]) == 0
    whole = weights.read_bytes()
    objective, calls = Network.objective, []

    def interrupted(*arguments):
        if len(calls) == 2:
            raise KeyboardInterrupt
        calls.append(1)
        return objective(*arguments)

    with monkeypatch.context() as patch:
        patch.setattr(Network, "objective", interrupted)
        assert main(["train", "tiny.toml", "--device", "cpu", "--save-every", "0"]) == 130
    torch.manual_seed(99)
    assert main(["train", "tiny.toml", "--device", "cpu"]) == 0
    assert weights.read_bytes() == whole


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["train", "nothing"], "There is no recipe 'nothing'; there are bmm-mnist, chairs, clips, convnade-celeba"),
        (["train", "nothing.toml"], "There is no recipe"),
        (["train", "tiny.toml", "--device", "abacus"], "There is no device 'abacus' here."),
        (["train", "gaussian-celeba"], "CelebA 32 is not here: set RECON_DATA"),
        (["train", "linear-algebra.toml", "--full"], "no [full] part"),
        (["evaluate", "nothing"], "nothing"),
        (["evaluate", "nearest"], "nearest"),
        (["evaluate", "table1"], "table1-mnist-random0"),
        (["publish", "nothing", "--to", "me/nothing"], "There is no bundled checkpoint 'nothing'"),
    ],
)
def test_what_goes_wrong_is_one_plain_line(at, capsys, arguments, says):
    assert main(arguments) == 1
    told = capsys.readouterr()
    assert told.out == "" and says in told.err
    assert len(told.err.strip().splitlines()) == 1 and "Traceback" not in told.err


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("width = 2", "depth = 2", "unexpected keyword argument 'depth'"),
        ('head = "bernoulli"', 'head = "gamma"', "heads bernoulli, beta, mog"),
        ("batch = 10", "batch = 1000", "needs as many pictures"),
        ("batch = 10", 'patch = "star"', "sobol, random or any"),
        (NETWORK[NETWORK.index("[training]") :], "", "needs a .training. part"),
        ('kind = "convnade"', 'kind = "gaussian"', "nothing to train"),
    ],
)
def test_recipes_that_contradict_themselves(at, capsys, old, new, says):
    assert old in NETWORK
    (at / "tiny.toml").write_text(NETWORK.replace(old, new))
    assert main(["train", "tiny.toml", "--device", "cpu"]) == 1
    assert says.replace(".training.", "[training]") in capsys.readouterr().err


@pytest.mark.parametrize("line", ["", "dance", "evaluate", "evaluate x --limit 0", "evaluate --limit few x", "publish"])
def test_usage(capsys, line):
    with pytest.raises(SystemExit) as stopped:
        main(line.split())
    assert stopped.value.code == 2 and "usage: python -m recon" in capsys.readouterr().err


def test_as_a_program(at):
    command = [sys.executable, "-m", "recon", "train", "nothing"]
    environment = os.environ | {"PYTHONPATH": str(Path(recon.__file__).parents[1])}
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert done.returncode == 1 and done.stdout == "" and done.stderr.startswith("There is no recipe 'nothing'")


BY_SCALE = CLOSED_FORM.replace('data = "binarized_mnist"', 'data = "celeba64"').replace(
    "mirrored = false", 'coarse = "celeba"'
)


def test_larger_pictures_and_smaller_ones_train_one_model(at, capsys, monkeypatch):
    rng = np.random.default_rng(0)
    for name, side, held_out in (("celeba64", 64, 250), ("celeba32", 32, 700)):
        coarse = rng.integers(60, 200, (held_out + 30, 8, 8, 3), dtype=np.uint8)
        grown = coarse.repeat(side // 8, 1).repeat(side // 8, 2)
        np.savez(Path(os.environ["RECON_DATA"]) / f"{name}.npz", train=grown, test=grown[:12])
    (at / "by-scale.toml").write_text(BY_SCALE)
    assert main(["train", "by-scale.toml", "--device", "cpu"]) == 0
    said = json.loads((at / "checkpoints/by-scale/config.json").read_text())
    assert said["fine"] and said["side"] == 64 and said["even"] + said["odd"] == 20
    assert "non-commercial" in said["checkpoint"]["licence"]
    assert recon.load("by-scale").covariance()[torch.tensor([5])].shape == (1, 3 * 64**2)
    monkeypatch.setattr(reconstruction, "LARGER", (512,))
    capsys.readouterr()
    assert main(["evaluate", "by-scale", "--limit", "3"]) == 0
    told = capsys.readouterr().out
    assert "| 512 | Sobol' |" in told and told.strip().endswith("A random patch is one for 10 pictures.")
