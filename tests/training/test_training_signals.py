"""Training on signals that are made as they are needed: through the command, resumed, calibrated, loaded again."""

from dataclasses import replace

import pytest
import torch

from recon import hub
from recon.__main__ import main
from recon.errors import PredictionError, RecipeError
from recon.models import SIGNALS, ClipTransformer, CurveTransformer, ShapeTransformer
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
    ("shape_transformer", "chairs", "stands = false\nsamples = [2, 20]\nqueries = 7", ShapeTransformer),
    ("clip_transformer", "clips", "stands = false\nsamples = [2, 20]", ClipTransformer),
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
    lot = (4, 30, 11)
    first, again = (signals.SOURCES[name](5, lot, torch.Generator().manual_seed(3), False) for _ in range(2))
    assert torch.equal(first.values, again.values) and torch.equal(first.truth, again.truth)
    assert first.positions.shape[:2] == first.values.shape == first.present.shape
    assert first.queries.shape[:2] == first.truth.shape and len(first.truth) == 5
    assert first.queries.abs().max() <= 1
    assert first.queries.shape[1] == 11
    whole = signals.SOURCES[name](100, lot, torch.Generator().manual_seed(3), True)
    counts = torch.cat([first.present.sum(1), whole.present.sum(1)])
    assert counts.min() >= 4 and counts.max() <= 30 < 2 * whole.values.shape[1]


FULL = [name for name in recipe.names() if recipe.load(name).kind in SIGNALS]


@pytest.mark.parametrize("name", FULL)
def test_the_papers_size_is_made_and_takes_a_step(tmp_path, few, name):
    """Its own network and bins, on fewer points"""
    small, full = recipe.load(name), recipe.load(name, full=True)
    bins = {"chairs": 150, "clips": 256}.get(name, 1)
    assert full.training.rate == 1e-4 and full.training.batch * full.training.steps > 10**6
    assert full.data == small.data and full.notes != small.notes and full.model["transformer"] == {"bins": bins}
    assert full.model.get("stands") == (name == "curves")
    if bins > 1:
        assert (full.model["samples"], full.model["queries"]) == ([4, 2048], 2048)
    less = {"samples": [4, 16], "queries": 16}
    one = replace(full.training, steps=1, batch=3)
    *_, made = signals.train(replace(full, model=full.model | less, training=one), tmp_path)
    transformer = made.transformer
    assert (len(transformer.encoder), len(transformer.decoder), transformer.bins) == (10, 10, bins)
    assert transformer.head.in_features == 256 and transformer.encoder[0].feed[0].out_features == 512
    assert transformer.encoder[0].heads == 4 and transformer.encoder[0].dropout == 0.1
    before = SIGNALS[full.kind](**full.model)
    assert made.state_dict().keys() == before.state_dict().keys()
    moved = [(weight != 0).any() for weight in (transformer.head.weight, transformer.nothing)]
    assert all(moved) and all(weight.isfinite().all() for weight in made.parameters())


def test_one_that_stands_on_nothing_has_bins_where_values_are(few):
    for model, low, high in ((ShapeTransformer, -0.5, 3.0), (ClipTransformer, 0.0, 1.0)):
        found = model(transformer={"width": 8, "heads": 1, "bins": 5}, stands=False)
        found.prepare(torch.Generator().manual_seed(0))
        centres, spreads = found.transformer.centres[:, 0], found.transformer.spreads
        assert (centres.diff() > 0).all() and low <= centres.min() and centres.max() <= high
        assert (spreads > 0).all() and spreads.max() < centres.diff().max()
        with pytest.raises(PredictionError, match="no closed form"):
            found.closed_form(*[torch.zeros(1, 1)] * 4)
        assert not any("process" in name for name in found.state_dict())


def test_numbers_of_samples_that_are_none():
    for samples, queries in (((5, 4), 1), ((-1, 4), 1), ((0, 4), 0)):
        with pytest.raises(PredictionError, match="learns from"):
            CurveTransformer(samples=samples, queries=queries)
