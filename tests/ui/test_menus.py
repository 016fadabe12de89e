"""Models by the pictures that they have seen."""

from __future__ import annotations

import pytest

from recon import baselines
from recon.errors import CheckpointError
from recon.hub import Checkpoint
from recon.ui.menus import ANY, Menus


def checkpoint(
    name: str, title: str, data: str, model: str = "gaussian", side: int = 32, binary: bool = False, order=0
):
    shape = {"parameters": 1, "bytes": 1, "licence": "", "channels": 3, "bundled": False, "paper": "", "order": order}
    return Checkpoint(name=name, model=model, title=title, summary="", data=data, side=side, binary=binary, **shape)


MADE = [
    checkpoint("g-faces", "Gaussian · faces (Set A)", "Set A"),
    checkpoint("g-large", "Gaussian · faces 64 (Set A)", "Set A 64", side=64),
    checkpoint("m-faces", "Density network · faces (Set A)", "Set A", model="mixture_density"),
    checkpoint("n-bits", "NADE · digits (binarised)", "bits", model="orderless_nade", binary=True),
    checkpoint("g-digits", "Gaussian · digits (grey)", "grey"),
    checkpoint("table1-bits", "ConvNADE · digits, one patch", "bits", model="convnade", binary=True),
    checkpoint("mine", "mine", "Set A", model="unheard"),  # the Hub's, with no words but its name
    checkpoint("other", "other", ""),
]


@pytest.fixture
def menus() -> Menus:
    return Menus({record.name: record for record in MADE}, 32)


def test_sets_are_of_one_kind_of_picture_and_one_side(menus):
    assert menus.sets == {
        "faces": ["g-faces", "m-faces", "mine"],
        "binary digits": ["n-bits"],
        "digits": ["g-digits"],
        "other pictures": ["other"],
        "faces 64": ["g-large"],
        ANY: list(baselines.NAMES),
    }
    assert menus.shown[-5:] == ["g-large", *baselines.NAMES]


def test_what_no_menu_lists_has_a_set_nevertheless(menus):
    assert menus.word("table1-bits") == "binary digits" and "table1-bits" not in menus.shown


def test_a_family_is_a_title_without_its_pictures(menus):
    assert [menus.family(name) for name in ("m-faces", "mine", "linear")] == [
        "Density network",
        "mine",
        "Linear interpolation",
    ]


def test_the_best_of_a_set(menus):
    assert menus.best(["g-faces", "m-faces"]) == "m-faces" and menus.best(["mine", "g-faces"]) == "g-faces"
    assert menus.best(["mine", "table1-bits"]) == "mine" and menus.best(baselines.NAMES) == "linear"


@pytest.mark.parametrize(
    ("names", "side", "found"),
    [
        (["m-faces", "linear"], 32, ["m-faces", "linear"]),
        (["m-faces", "linear"], 64, ["g-large", *baselines.NAMES]),
        (["m-faces", "g-large"], 64, ["m-faces", "g-large"]),
        (["g-large"], 32, ["m-faces", "g-faces", "mine", *baselines.NAMES]),
        (["g-digits"], 64, ["g-large", *baselines.NAMES]),
        (["g-digits"], 16, list(baselines.NAMES)),
        (["linear"], 64, ["linear"]),
        ([], 64, []),
    ],
)
def test_models_that_see_a_side(menus, names, side, found):
    assert menus.seeing(names, side, "g-faces") == found


def test_a_menu_of_one_set_says_families(menus):
    assert menus.titles("g-faces") == [("Gaussian", "g-faces"), ("Density network", "m-faces"), ("mine", "mine")]
    assert menus.titles("table1-bits") == [("NADE", "n-bits"), ("ConvNADE", "table1-bits")]  # a link may name it
    twice = Menus({**menus.records, "too": checkpoint("too", "Gaussian · faces (Set B)", "Set B")}, 32)
    assert [title for title, _ in twice.titles("too")][::3] == ["Gaussian, g-faces", "Gaussian, too"]
    assert [name for _, name in menus.titles("rbf")] == list(baselines.NAMES)


@pytest.mark.parametrize(
    ("name", "word", "found"),
    [
        ("g-digits", "faces", "g-faces"),
        ("m-faces", "faces 64", "g-large"),
        ("table1-bits", "faces", "m-faces"),
        ("m-faces", ANY, "linear"),
        ("rbf", ANY, "rbf"),
        ("rbf", "faces", "m-faces"),
    ],
)
def test_another_set_keeps_the_family_or_takes_its_best(menus, name, word, found):
    assert menus.kin(name, word) == found


@pytest.mark.parametrize("word", ["moons", "", None])
def test_a_set_that_is_none_is_a_sentence(menus, word):
    with pytest.raises(CheckpointError, match="no models of"):
        menus.kin("g-faces", word)


def test_bundled_sets_in_their_order(engine):
    words = list(engine.menus.sets)
    assert words[0] == "faces" and words[-1] == ANY and len(set(engine.menus.shown)) == len(engine.menus.shown)
    assert [name for _, name in engine.choices()] == engine.menus.shown
    assert engine.menus.kin(engine.default, "objects") == "mdn-cifar10"
    for words in engine.menus.sets.values():
        assert len({title for title, _ in engine.menus.titles(words[0])}) == len(words)
