"""What happens on the Compare tab, without a browser."""

from __future__ import annotations

import gradio as gr
import numpy as np
import pytest

from recon import baselines, patches
from recon.errors import CheckpointError
from recon.painting import Painting, encode_picture
from recon.ui import comparing as room
from recon.ui import pictures
from recon.ui.engine import Engine, reveal
from recon.ui.session import Session
from tests.ui.spoken import chosen
from tests.ui.test_handlers import event, skipped, spoken

ASKED, BOARD, TABLE, LINE, SAVE, NAMES, MODEL, OURS = range(8)  # and a button a set
PAINTER = 6  # among the outputs that a link restores
CHOSEN = {
    "mode": room.MODELS,
    "source": room.PAINTED,
    "family": "random",
    "size": 40,
    "seed": 3,
    "names": ["gaussian-celeba", "nearest"],
    "model": "gaussian-celeba",
    "families": ["random", "sobol"],
}


@pytest.fixture(scope="module")
def do(engine):
    return room.Comparing(engine)


@pytest.fixture(scope="module")
def there():
    """The Reconstruct tab, as it opens."""
    face = pictures.load("face")
    return [reveal(face, patches.sobol(32, 64)), encode_picture(face), "face", "sobol", 64, 0]


@pytest.fixture
def ask(do, there):
    """All that a comparison yields, with some things chosen otherwise."""

    def compare(there=there, **chosen) -> list[list]:
        return list(do.run(*(CHOSEN | chosen).values(), *there))

    return compare


def test_results_come_one_by_one(ask):
    found = ask()
    assert [[tile["title"] for tile in one[BOARD]["tiles"][2:]] for one in found] == [
        [],
        ["Gaussian"],
        ["Gaussian", "Nearest pixel"],
    ]
    assert [one[BOARD]["waiting"] for one in found] == [["Gaussian", "Nearest pixel"], ["Nearest pixel"], []]
    assert [one[BOARD]["busy"] for one in found] == [True, True, False]
    assert "2 compared · 64 of 1024 pixels" in found[-1][LINE] and "Nearest pixel" in found[-1][TABLE]
    assert found[0][SAVE]["visible"] == "hidden" and found[-1][SAVE]["visible"] is True


def test_models_get_what_is_painted_or_a_patch_chosen_here(ask, do, there):
    (seen, truth, *_) = ask()[-1][BOARD]["tiles"]
    assert (seen["title"], seen["aside"], truth["title"]) == ("Observed", "64 of 1024 pixels", "The true picture")
    for source in (room.PICTURE, "cat"):
        board = ask(source=source)[-1][BOARD]
        session = Session.from_link(board["tiles"][2]["link"])
        picture = pictures.load("face" if source == room.PICTURE else "cat")
        assert np.array_equal(session.painting.mask, patches.random(32, 40, 3))
        assert np.array_equal(session.painting.values, reveal(picture, session.painting.mask).values)
        assert board["truth"] == encode_picture(picture)


def test_patches_of_one_budget(ask):
    board = ask(mode=room.PATCHES, source=room.PICTURE)[-1][BOARD]
    assert [tile["title"] for tile in board["tiles"]] == ["The true picture", "random", "Sobol'"]
    for tile, family in zip(board["tiles"][1:], ("random", "sobol"), strict=True):
        session = Session.from_link(tile["link"])
        assert (session.model, session.family, session.size, session.seed) == ("gaussian-celeba", family, 40, 3)
        assert np.array_equal(session.painting.mask, patches.make(family, 32, 40, 3))
        assert tile["patch"] and tile["scores"][-1]["label"] == "discrepancy"


def test_a_tile_opens_on_reconstruct(ask, do, there):
    board = ask()[-1][BOARD]
    tabs, *restored = do.open(event(link=board["tiles"][3]["link"], truth=board["truth"]), "mean", False, "[]")
    assert tabs["selected"] == "reconstruct" and chosen(restored) == ["nearest", "sobol", 64, 0, "face"]
    assert restored[5] == there[1]
    assert restored[PAINTER]["value"] == there[0].to_payload()


@pytest.mark.parametrize(
    "data", [{"link": "abc", "truth": ""}, {"link": None, "truth": ""}, {"link": [1], "truth": ""}]
)
def test_what_is_no_tile_opens_nothing(do, data):
    with pytest.raises(gr.Error) as told:
        do.open(event(**data), "mean", False, "[]")
    spoken(told)


def test_coming_back_asks_nothing_twice(ask, do, there):
    asked, ours = ask()[-1][ASKED], (do.first, do.engine.default)
    (again,) = do.arrive(asked, ours, *CHOSEN.values(), *there)
    assert all(skipped(output) for output in again[:OURS])
    more = reveal(pictures.load("face"), patches.sobol(32, 65))
    assert len(list(do.arrive(asked, ours, *CHOSEN.values(), more, *there[1:]))) == 3
    elsewhere = CHOSEN | {"source": "cat"}  # where Reconstruct does not matter
    asked = ask(source="cat")[-1][ASKED]
    (again,) = do.arrive(asked, ours, *elsewhere.values(), more, *there[1:])
    assert all(skipped(output) for output in again[:OURS])


def test_without_a_picture_there_are_reconstructions_and_no_scores(ask, there):
    board = ask(there=[there[0], "", "", "sobol", 64, 0])[-1]
    assert "no true picture" in board[LINE]
    assert [tile["title"] for tile in board[BOARD]["tiles"]] == ["Observed", "Gaussian", "Nearest pixel"]
    assert {score["shown"] for score in board[BOARD]["tiles"][1]["scores"][:3]} == {"–"}


def test_nothing_painted_is_a_question_that_classical_methods_cannot_answer(ask):
    tiles = ask(there=[Painting.empty(32), "", "", "sobol", 64, 0])[-1][BOARD]["tiles"]
    assert tiles[1]["looks"]["mean"].startswith("data:") and "no pixel is observed" in tiles[2]["note"]


def test_weights_that_cannot_be_had_are_one_tiles_sentence(there, monkeypatch):
    engine = Engine("cpu")
    load = engine.model

    def model(name):
        if name == "gaussian-celeba":
            raise CheckpointError("The weights could not be fetched.")
        return load(name)

    monkeypatch.setattr(engine, "model", model)
    *_, last = room.Comparing(engine).run(*CHOSEN.values(), *there)
    _, _, gone, nearest = last[BOARD]["tiles"]
    assert gone["note"] == "The weights could not be fetched." and "dB" in nearest["scores"][0]["shown"]


def test_a_fault_of_ours_leaves_nothing_waiting(there, monkeypatch):
    engine = Engine("cpu")
    load = engine.model
    monkeypatch.setattr(engine, "model", lambda name: load(name) if name == "nearest" else 1 / 0)
    found = room.Comparing(engine).run(*(CHOSEN | {"names": ["nearest", "gaussian-celeba"]}).values(), *there)
    came = []
    with pytest.raises(gr.Error, match="our fault"):
        for one in found:
            came.append(one)
    assert not came[-1][BOARD]["busy"] and came[-1][BOARD]["tiles"][-1]["title"] == "Nearest pixel"


def test_a_grey_picture_puts_classical_methods_beside_grey_models(ask, engine):
    grey = next(name for name, record in engine.records.items() if record.channels == 1 and not record.binary)
    found = ask(source="three", names=[grey, "linear", "gaussian-celeba"])[-1]
    notes = [tile["note"] for tile in found[BOARD]["tiles"][2:]]
    assert notes == ["judged on the grey picture", "judged on the grey picture", ""]
    assert found[TABLE].count("class='best'") >= 2


BAD = {
    "no models": {"names": []},
    "no patches": {"mode": room.PATCHES, "source": room.PICTURE, "families": []},
    "no picture there": {"source": room.PICTURE, "truth": ""},
    "patches of no picture": {"mode": room.PATCHES, "source": room.PICTURE, "truth": ""},
    "an unknown picture": {"source": "moon"},
    "an unknown family": {"source": "cat", "family": "sobel"},
    "a seed that is none": {"source": "cat", "seed": -1},
    "a torn picture": {"truth": "AAAA"},
}


@pytest.mark.parametrize("chosen", BAD.values(), ids=BAD)
def test_what_cannot_be_compared_is_a_sentence(ask, there, chosen):
    chosen = dict(chosen)
    truth = chosen.pop("truth", there[1])
    with pytest.raises(gr.Error) as told:
        ask(there=[there[0], truth, *there[2:]], **chosen)
    spoken(told)


def test_a_painting_of_another_size_is_a_sentence(ask, paint):
    with pytest.raises(gr.Error) as told:
        ask(there=[paint(9, side=16), "", "", "sobol", 64, 0])
    spoken(told)


def test_sets_hold_all_that_belongs_together(do, engine):
    for names in do.sets.values():
        assert names[-len(baselines.NAMES) :] == list(baselines.NAMES)
        assert len({name.rpartition("-")[2] for name in names if name in engine.records}) == 1
        assert len({engine.records[name].side for name in names if name in engine.records}) == 1
    assert do.first[0] == engine.default and set(baselines.NAMES) < set(do.first)
    assert set(do.titles) == {name for _, name in engine.choices()}


@pytest.mark.parametrize(
    ("mode", "source", "shown"),
    [
        (room.MODELS, room.PAINTED, [0, 0, 0, 1, 1, 1, 0, 0]),
        (room.MODELS, "cat", [1, 1, 1, 0, 1, 1, 0, 0]),
        (room.PATCHES, "cat", [0, 1, 1, 0, 0, 0, 1, 1]),
    ],
)
def test_only_what_is_needed_is_shown(do, mode, source, shown):
    chosen, *rest = do.arrange(mode, source, Painting.empty(32))
    assert chosen["value"] == source and source in dict(map(reversed, chosen["choices"]))
    assert [one.get("visible", True) is True for one in rest[: len(shown)]] == [bool(one) for one in shown]
    assert len(rest) == len(shown) + len(do.sets)


def test_patches_have_no_use_for_what_is_painted(do):
    chosen, *_ = do.arrange(room.PATCHES, room.PAINTED, Painting.empty(32))
    assert chosen["value"] == room.PICTURE and room.PAINTED not in dict(map(reversed, chosen["choices"]))


def test_stopping_keeps_what_has_come(ask, do):
    halfway = ask()[1][BOARD]
    _, board, _, said, *_ = do.stopped(["", halfway, "", "1 of 3", {}])
    assert board["tiles"] == halfway["tiles"] and not board["busy"] and board["waiting"] == [] and said == "stopped"
