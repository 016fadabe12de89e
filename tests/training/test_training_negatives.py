"""Training of the classifiers of negatives."""

from __future__ import annotations

import math
import subprocess
import sys
from dataclasses import replace

import pytest
import torch

from recon import negatives
from recon.__main__ import main
from recon.errors import RecipeError
from recon.familiarity import SIZES, Judge, bundled
from recon.models.factored import Factored
from recon.negatives import NegativeClassifier
from recon.training import loop
from recon.training import negatives as training
from recon.training.masks import any_patch


@pytest.fixture(scope="module")
def base():
    return bundled("fer2013")


@pytest.fixture
def bright(pictures):
    """Pictures that are white above and black below, where their negatives are the other way round."""
    slope = torch.linspace(0.9, 0.1, 32).view(1, 1, 32, 1)
    return (slope + 0.2 * (pictures(40, 1) - 0.5)).clamp(0, 1)


def test_the_objective_is_the_cross_entropy(base, generator, bright):
    contrast = training.Contrast(NegativeClassifier(side=32, channels=1), base)
    masks = any_patch(6, 32, generator)
    assert contrast.objective(bright[:6], masks, generator).item() == pytest.approx(math.log(2)), "it knows nothing yet"
    torch.nn.init.normal_(contrast.classifier.head.weight, generator=generator)
    expected = []
    shown = training.moved(bright[:6], torch.Generator().manual_seed(5))
    for picture, mask in zip(shown, masks, strict=True):
        factored = Factored(base.covariance(), 1, training.thinned(mask[0], SIZES[-1]))
        odds = contrast.classifier.log_odds(base, factored, picture[None], mirrored=False)
        expected.append(math.log1p(math.exp(-odds.item())))
    found = contrast.objective(bright[:6], masks, torch.Generator().manual_seed(5)).item()
    assert found == pytest.approx(sum(expected) / 6, rel=1e-4)


def test_pictures_are_moved_a_little_all_alike(generator):
    pictures = torch.rand(2, 1, 32, 32, generator=generator)
    seen = {tuple(training.moved(pictures, generator)[:, 0, 10, 10].tolist()) for _ in range(800)}
    near = pictures[:, 0, 7:14, 7:14].flatten(1).T.tolist()
    assert seen == set(map(tuple, near)), "up to three pixels, in any direction"


def test_it_looks_at_as_many_pixels_as_the_judge():
    assert (SIZES[0], SIZES[-1]) == (training.LEAST, training.MOST)


def test_the_loop_trains_it(base, bright, tmp_path):
    recipe = replace(training.STEPS, steps=25, batch=20, warm_up=5, ema=0.5)
    contrast = training.Contrast(NegativeClassifier(side=32, channels=1), base)
    before = {name: tensor.clone() for name, tensor in base.state_dict().items()}
    progress = list(loop.run(contrast, (bright * 255).to(torch.uint8), recipe, tmp_path / "run.safetensors"))
    assert progress[-1].step == 25 and progress[-1].loss < 0.6
    assert all(tensor.equal(before[name]) for name, tensor in base.state_dict().items()), "what it stands on stays"
    factored = Factored(base.covariance(), 1, torch.rand(1024, generator=torch.Generator().manual_seed(0)) < 0.1)
    assert (contrast.classifier.log_odds(base, factored, bright) > 0).float().mean() > 0.9


def test_sets_without_a_recipe_are_a_sentence(tmp_path, capsys):
    with pytest.raises(RecipeError, match="'mnist'; there are"):
        next(training.train("mnist", tmp_path))
    assert main(["familiarity", "mnist", "--train"]) == 1
    assert "No classifier of negatives is trained for 'mnist'" in capsys.readouterr().err


def test_from_the_command_to_a_judge_that_uses_it(base, bright, tmp_path, monkeypatch, capsys):
    from recon import data, familiarity

    monkeypatch.chdir(tmp_path)
    for room in (negatives, familiarity):
        monkeypatch.setattr(room, "FOLDER", tmp_path / "familiar")
    monkeypatch.setattr(data, "load", lambda name, split, limit=None: (bright * 255).to(torch.uint8)[:limit])
    monkeypatch.setitem(training.RECIPES, "fer2013", replace(training.STEPS, steps=3, batch=10))
    assert main(["familiarity", "fer2013", "--train", "--limit", "30"]) == 0
    assert "fer2013.json is written" in capsys.readouterr().out
    judge = Judge()
    assert judge.classifier("fer2013") is not None and len(judge.chance("fer2013")["negative"]) == len(SIZES)


def test_a_start_is_taken_over(base, tmp_path, monkeypatch, bright):
    from recon import data

    monkeypatch.setattr(negatives, "FOLDER", tmp_path)
    start = NegativeClassifier(side=32, channels=1)
    torch.nn.init.constant_(start.head.weight, 0.5)
    negatives.write(start, "other")
    monkeypatch.setattr(data, "load", lambda name, split: (bright * 255).to(torch.uint8))
    recipe = replace(training.STEPS, steps=1, batch=10, rate=0.0, start="other")
    monkeypatch.setitem(training.RECIPES, "fer2013", recipe)
    *_, found = training.train("fer2013", tmp_path)
    assert (found.head.weight == 0.5).all()


def test_training_brings_neither_gradio_nor_qmcpy():
    code = "import sys; from recon.training import negatives; print(*{'gradio', 'qmcpy'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
