"""Which models are compared where the painting is of another side, without a browser."""

from __future__ import annotations

import gradio as gr
import pytest

from recon import baselines, patches
from recon.painting import encode_picture
from recon.ui import comparing as room
from recon.ui import pictures
from recon.ui.engine import reveal
from tests.ui.spoken import skipped, spoken
from tests.ui.test_comparing import BOARD, CHOSEN, LINE, MODEL, NAMES, OURS

CLASSICAL = list(baselines.NAMES)
LARGE = ["mdn-celeba64", "gsm-celeba64", *CLASSICAL]


@pytest.fixture(scope="module")
def do(engine):
    if not {"mdn-celeba64", "gsm-celeba64", "mdn-landscapes64", "gsm-landscapes64"} <= set(engine.records):
        pytest.skip("no model of 64 x 64 is bundled")
    return room.Comparing(engine)


def there(side: int, name: str = "face") -> list:
    """The Reconstruct tab, with a picture on a grid of that side."""
    picture = pictures.load("face", side)
    return [reveal(picture, patches.sobol(side, 64)), encode_picture(picture), name, "sobol", 64, 0]


@pytest.fixture
def arrive(do):
    """What the tab shows when it is opened above a painting of `side`: names, model, both as the page chose them, and
    the last answer to what is asked."""

    def opened(side: int, ours=None, there=there, **chosen):
        ours = ours or (do.first, do.engine.default)
        asked = {**CHOSEN, "names": ours[0], "model": ours[1]} | chosen
        first, *_, last = do.arrive("", ours, *asked.values(), *there(side))
        names, model = (asked[k] if skipped(first[at]) else first[at] for k, at in (("names", NAMES), ("model", MODEL)))
        return names, model, first[OURS], last

    return opened


def answers(last) -> int:
    return sum(tile["note"] == "" or "works on" not in tile["note"] for tile in last[BOARD]["tiles"] if "note" in tile)


def test_what_the_page_chose_goes_with_the_painting_there_and_back(arrive, do):
    names, model, ours, last = arrive(64)
    assert (names, model) == (LARGE, "mdn-celeba64") and list(ours) == [names, model]
    assert "64 of 4096 pixels" in last[LINE] and "6 compared" in last[LINE] and answers(last) == len(names)
    back, model, ours, last = arrive(32, ours)
    assert (back, model) == (do.first, do.engine.default) and list(ours) == [back, model]
    assert answers(last) == len(back)


def test_what_a_person_chose_stays_while_one_of_it_answers(arrive, do):
    ours = (do.first, do.engine.default)
    names, _, kept, last = arrive(64, ours, names=["mdn-celeba", "gsm-landscapes64"])
    assert names == ["mdn-celeba", "gsm-landscapes64"] and kept[0] == do.first and answers(last) == 1
    assert arrive(64, ours, names=["linear"])[0] == ["linear"]  # takes any
    assert arrive(64, ours, names=["gaussian-landscapes", "linear"])[0] == [
        "mdn-landscapes64",
        "gsm-landscapes64",
        *CLASSICAL,
    ]
    assert arrive(64, ours, names=["gaussian-mnist"])[0] == LARGE  # of digits there are none: the default's pictures
    assert arrive(64, ours, names=["gaussian-mnist"], source="three")[0] == ["gaussian-mnist"]  # asked at its own side


def test_another_patch_of_the_picture_is_put_to_models_that_can_have_it(arrive):
    person = {"names": ["gaussian-celeba"], "source": room.PICTURE}
    assert arrive(64, **person)[0] == ["gaussian-celeba"]  # it sees the picture reduced
    uploaded = {"there": lambda side: there(side, "")}  # known at this side alone
    names, *_, last = arrive(32, names=["gsm-celeba64"], source=room.PICTURE, **uploaded)
    assert names[0] == "mdn-celeba" and last[BOARD]["tiles"][-1]["note"] == ""


def test_patches_are_of_the_side_of_the_painting(arrive, do):
    several = {"mode": room.PATCHES, "source": room.PICTURE, "families": ["sobol", "random", "designed_celeba"]}
    _, model, ours, last = arrive(64, **several)
    assert model == "mdn-celeba64"
    assert [tile["title"] for tile in last[BOARD]["tiles"]] == ["The true picture", "Sobol'", "random"]
    assert all(tile["note"] == "" for tile in last[BOARD]["tiles"][1:])
    assert arrive(32, ours, **several)[1] == do.engine.default
    assert arrive(64, **several, model="gsm-landscapes")[1] == "gsm-landscapes"  # sees the picture reduced
    with pytest.raises(gr.Error) as told:
        arrive(64, **several | {"families": ["designed_celeba"]})
    assert "64 x 64" in spoken(told)


def test_the_side_of_a_picture_is_that_of_the_first_model(do):
    *_, last = do.run(
        *(CHOSEN | {"source": "cat", "names": ["nearest", "gsm-celeba64"], "size": 9}).values(), *there(32)
    )
    assert "9 of 4096 pixels" in last[LINE] and answers(last) == 2


def test_buttons_offer_what_can_answer(do):
    def offered(source, side):
        return [word for word, one in zip(do.sets, do.buttons(source, side), strict=True) if one["visible"] is True]

    assert offered(room.PAINTED, 64) == ["faces 64", "landscapes 64"]
    assert set(offered(room.PAINTED, 32)) == set(do.sets) - {"faces 64", "landscapes 64"}
    assert offered("cat", 64) == offered(room.PICTURE, 32) == list(do.sets)
