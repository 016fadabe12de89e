"""Training on signals that are made as they are needed: through the command, resumed, calibrated, loaded again."""

import pytest
import torch

from recon import hub
from recon.__main__ import main
from recon.errors import RecipeError
from recon.models import ClipTransformer, CurveTransformer, ShapeTransformer
from recon.training import recipe, signals

TINY = """
title = "tiny {kind}"
summary = "Tiny."
kind = "{kind}"
data = "{data}"
order = 1
paper = "none"
notes = "A test's."

[model]
{model}
[model.transformer]
width = 8
heads = 1
encoder_layers = 1
decoder_layers = 1
hidden = 8
dropout = 0.0
frequencies = 3

[training]
steps = 4
batch = 3
rate = 1e-3
ema = 0.9
"""
KINDS = [
    ("curve_transformer", "sextics", "", CurveTransformer),
    ("shape_transformer", "chairs", "side = 6\nrank = 3", ShapeTransformer),
    ("clip_transformer", "clips", "", ClipTransformer),
]


@pytest.fixture
def few(monkeypatch):
    monkeypatch.setattr(signals, "VALIDATION", 100)
    monkeypatch.setattr("recon.models.shape_transformer.EXAMPLES", 12)
    monkeypatch.setattr("recon.clips.process.EXAMPLES", 12)
    monkeypatch.setattr("recon.clips.process.FITTED", (2, 3, 8))


@pytest.mark.parametrize(("kind", "data", "model", "made"), KINDS)
def test_from_a_recipe_to_a_checkpoint(tmp_path, monkeypatch, few, capsys, kind, data, model, made):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "tiny.toml").write_text(TINY.format(kind=kind, data=data, model=model))
    assert main(["train", "tiny.toml", "--device", "cpu"]) == 0
    found = hub.load_signal("tiny", made, folder=tmp_path / "checkpoints")
    assert (found.widen > 0).all() and (found.widen != 1).all()
    assert [record.name for record in hub.signals(tmp_path / "checkpoints")] == ["tiny"]
    assert "tiny" not in [record.name for record in hub.checkpoints(tmp_path / "checkpoints")]
    card = (tmp_path / "checkpoints/tiny/README.md").read_text()
    assert "12 examples" in card and f'hub.load_signal("tiny", {made.__name__})' in card
    before = {name: tensor.clone() for name, tensor in found.state_dict().items()}
    assert main(["train", "tiny.toml", "--device", "cpu"]) == 0  # finished: nothing is left to do
    again = hub.load_signal("tiny", made, folder=tmp_path / "checkpoints").state_dict()
    assert all(torch.equal(tensor, again[name]) for name, tensor in before.items())
    capsys.readouterr()


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (("width = 8", "breadth = 8"), "does not fit a curve_transformer"),
        (("[training]", "[other]"), "read as a recipe"),
    ],
)
def test_what_is_wrong_with_a_recipe(tmp_path, change, says):
    path = tmp_path / "tiny.toml"
    path.write_text(TINY.format(kind="curve_transformer", data="sextics", model="").replace(*change))
    with pytest.raises(RecipeError, match=says):
        list(signals.train(recipe.load(str(path)), tmp_path))


def test_one_that_says_nothing_of_training(tmp_path):
    path = tmp_path / "tiny.toml"
    path.write_text(TINY.format(kind="curve_transformer", data="sextics", model="").partition("[training]")[0])
    with pytest.raises(RecipeError, match="needs a"):
        list(signals.train(recipe.load(str(path)), tmp_path))


@pytest.mark.parametrize("name", sorted(signals.SOURCES))
def test_sources_make_points_and_the_same_for_the_same_seed(name):
    first, again = (signals.SOURCES[name](5, torch.Generator().manual_seed(3), False) for _ in range(2))
    assert torch.equal(first.values, again.values) and torch.equal(first.truth, again.truth)
    assert first.positions.shape[:2] == first.values.shape == first.present.shape
    assert first.queries.shape[:2] == first.truth.shape and len(first.truth) == 5
    assert first.queries.abs().max() <= 1
