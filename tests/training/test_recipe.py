"""Recipes: those that are shipped, and what is wrong with those that people write."""

import inspect
import re
from pathlib import Path

import pytest

from recon import data, hub
from recon.errors import RecipeError
from recon.models import KINDS, SIGNALS
from recon.training import recipe, signals
from recon.training.parallel import Processes
from recon.training.recipe import Training

SOUND = """
title = "Tiny"
summary = "A test's own."
kind = "convnade"
data = "binarized_mnist"
order = 1
paper = "none"
notes = "none"

[model]
side = 32
channels = 1
head = "bernoulli"
width = 2

[training]
steps = 3
"""


@pytest.fixture
def written(tmp_path):
    def write(text: str) -> str:
        path = tmp_path / "tiny.toml"
        path.write_text(text)
        return str(path)

    return write


@pytest.mark.parametrize("name", recipe.names())
def test_those_that_are_shipped(name):
    found = recipe.load(name)
    assert found.name == name and found.kind in KINDS | SIGNALS and found.title and found.summary and found.notes
    if found.kind in SIGNALS:
        assert SIGNALS[found.kind](**found.model).kind == found.kind and found.data.name in signals.SOURCES
    elif found.training is None:
        assert set(found.model) <= set(inspect.signature(KINDS[found.kind].fit).parameters)
        assert found.model.get("coarse", "celeba") in data.SETS
    else:
        model = KINDS[found.kind](**found.model)
        assert model.channels == found.data.channels and model.binary == found.data.binary
        assert found.training.patch in ("any", "random", "sobol")
    if name.startswith("table1"):
        assert found.training.size == 128 and str(found.training.seed) in name + "0"


WITH_FULL = [name for name in recipe.names() if name.startswith(("convnade", "table1"))]


@pytest.mark.parametrize("name", WITH_FULL)
def test_their_full_size_is_the_papers(name):
    small, full = recipe.load(name), recipe.load(name, full=True)
    assert full.model["width"] == 64 and full.training.rate == 1e-4 and full.training.batch == 100
    assert full.training.steps * full.training.batch > small.training.steps * small.training.batch
    assert full.training.patch == small.training.patch
    if full.model["head"] == "beta":
        assert full.model["dropout"] == 0.5
        assert sum(p.numel() for p in KINDS[full.kind](**full.model).parameters()) == 868_806


def test_a_recipe_of_ones_own(written):
    found = recipe.load(written(SOUND))
    assert found.name == "tiny" and found.data.name == "binarized_mnist"
    assert found.training == Training(steps=3) and found.model["width"] == 2
    text = SOUND + '[full]\nnotes = "Large."\n[full.model]\nwidth = 5\n[full.training]\nbatch = 9\n'
    full = recipe.load(written(text), full=True)
    assert full.model == found.model | {"width": 5} and full.training == Training(steps=3, batch=9)
    assert full.notes == "Large." and full.title == found.title


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (("", ""), "no .full. part"),
        (('kind = "convnade"', 'kind = "transformer"'), "kind 'transformer'; there are gaussian, scale_mixture"),
        (('data = "binarized_mnist"', 'data = "imagenet"'), "data 'imagenet'; there are cifar10"),
        (('data = "binarized_mnist"', "data = ['mnist']"), "there are cifar10"),
        (('data = "binarized_mnist"', ""), "data None"),
        (('title = "Tiny"', ""), "title"),
        (("steps = 3", ""), "steps"),
        (("steps = 3", "steps = 3\nspeed = 9"), "speed"),
        (("order = 1", "order = 1\ncolour = 3"), "colour"),
        (("order = 1", "order = 1\ntraining = 3"), "not valid TOML"),
        (("order = 1", "order = 1\nmodel = 3"), "not valid TOML"),
        (("order = 1", "order ="), "not valid TOML"),
        (("steps = 3", "steps = 3\n[full]\nwidth = 3"), "does not read"),
    ],
)
def test_what_is_wrong_with_it(written, change, says):
    text = SOUND.replace(*change)
    with pytest.raises(RecipeError, match=says):
        recipe.load(written(text), full=change == ("", "") or "[full]" in text)


@pytest.mark.parametrize("name", ["", "convnade", "../loop", "none.toml"])
def test_unknown_recipes(name):
    with pytest.raises(RecipeError, match="convnade-mnist"):
        recipe.load(name)


def test_what_is_no_text(tmp_path):
    (tmp_path / "bad.toml").write_bytes(b"\xff\xfe\0")
    with pytest.raises(RecipeError, match="not valid TOML"):
        recipe.load(str(tmp_path / "bad.toml"))


@pytest.mark.parametrize("name", recipe.names())
def test_each_says_what_it_reached_as_its_card_does(name):
    reached = recipe.load(name).reached
    card = (hub.resolve(name) / "README.md").read_text()
    numbers = re.findall(r"-?\d+\.\d+", reached)
    assert (
        numbers
        and re.search("test (pictures|curves|chairs|clips)", reached)
        and all(number in card for number in numbers)
    )


@pytest.mark.parametrize("record", hub.checkpoints(), ids=lambda record: record.name)
def test_a_bundled_checkpoint_is_called_as_its_recipe_calls_it(record):
    found = recipe.load(record.name)
    assert (record.title, record.summary, record.paper) == (found.title, found.summary, found.paper)


@pytest.mark.parametrize("record", hub.checkpoints(), ids=lambda record: record.name)
def test_a_title_says_the_side_once_and_stands_on_the_card(record):
    assert len(re.findall(r"\b(?:32|64)\b", record.title)) <= 1 and " x " not in record.title
    assert f"# {record.title}" in (hub.resolve(record.name) / "README.md").read_text().splitlines()


LAUNCHED = re.compile(r"^(?:torchrun --nproc-per-node|accelerate .*--num_processes) (\d+) -m recon train (\S+)(.*)$")


def test_the_readmes_batches_can_be_shared_by_as_many_processes_as_it_starts():
    readme = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
    lines = [found for line in readme.splitlines() if (found := LAUNCHED.match(line))]
    assert len(lines) >= 4
    for found in lines:
        count, name, options = int(found[1]), found[2], found[3]
        training = recipe.load(name, full="--full" in options.partition("#")[0].split()).training
        for rank in range(count):
            Processes(rank, count).part(training.batch)
