"""What happens on the Reconstruct tab, without a browser."""

from __future__ import annotations

import base64
import inspect
import logging

import gradio as gr
import numpy as np
import pytest
from PIL import Image

from recon import patches
from recon.errors import ObservationError
from recon.painting import Painting, decode_picture, encode_picture
from recon.ui import handlers as room
from recon.ui import pictures
from recon.ui.components import Menu, Slider, seed_field
from recon.ui.engine import reveal
from recon.ui.plainly import OUR_FAULT, plainly
from tests.ui.spoken import event, pixels, skipped, spoken

VIEW, MAP, CARD, SCORES, STATUS, NOTE = range(6)


@pytest.fixture(scope="module")
def do(engine):
    return room.Handlers(engine)


def emptied(found) -> bool:
    """Nothing that another model or painting answered is left standing."""
    return found[VIEW]["png"] == "" and "deviation" not in found[MAP] and "no answer" in found[STATUS]


# ---- results


def test_a_binary_model(do, binary, truth, face):
    found = do.run(face, binary, truth, "sample", False, "[9, 9]")
    assert set(np.unique(pixels(found[VIEW]["png"]))) <= {0, 255}
    ink = do.choose_model(face, binary, truth, "mean", False, "[]")[0]
    assert ink["ink"] == "binary"


def test_ink_follows_the_model(do, engine, name, face):
    grey = next(key for key, record in engine.records.items() if record.channels == 1 and not record.binary)
    inks = [do.choose_model(face, model, "", "mean", False, "[]")[0]["ink"] for model in (name, grey, "nearest")]
    assert inks == ["colour", "grey", "colour"]


def test_an_empty_painting_says_what_is_shown(do, name):
    assert "Nothing is observed yet" in do.run(Painting.empty(32), name, "", "mean", False, "[]")[NOTE]


def test_live_off_changes_nothing(do, name, face):
    assert all(map(skipped, do.paint(face, name, "", "mean", False, "[]", False)))
    assert not any(map(skipped, do.paint(face, name, "", "mean", False, "[]", True)))


def test_a_painting_of_another_side_is_a_note(do, name, paint):
    found = do.paint(paint(3, 16), name, "", "mean", False, "[]", True)
    assert emptied(found) and "32 x 32" in found[NOTE]


def test_a_note_cannot_carry_markup(do, paint):
    """A model's name may come from a link that somebody else wrote."""
    found = do.results(paint(3), "<img src=x onerror=alert(1)>", "", "mean", False, "[]")
    assert "<img" not in found[NOTE] and "There is no model called" in found[NOTE]


BAD_SELECTED = ["", "[", "[]", "[1]", "[1,2,3]", "[-1,0]", "[32,0]", "[0.5,1]", "[null,null]", "[true,true]", "{}"]
BAD_SELECTED += [
    '"ab"',
    "7",
    "NaN",
    "[1e999,0]",
    "[" * 100_000,
    "\ud800",
    '["0","0"]',
    "[99999999999999999999,0]",
    None,
]


@pytest.mark.parametrize("selected", BAD_SELECTED, ids=lambda text: repr(text)[:24])
def test_a_hostile_selection_is_no_selection(do, name, face, selected):
    found = do.run(face, name, "", "mean", False, selected)
    assert found[VIEW]["selected"] == [] and "Click a pixel" in found[CARD]


BAD_TRUTH = {
    "not base64": "%%%",
    "too short": base64.b64encode(b"abc").decode(),
    "too long": base64.b64encode(bytes(32 * 32 * 3 + 1)).decode(),
    "unicode": "ŝ" * 40,
    "a lone surrogate": "\ud800",
    "half a quantum": "A",
}


@pytest.mark.parametrize("truth", BAD_TRUTH.values(), ids=BAD_TRUTH)
def test_a_hostile_truth_is_a_sentence(do, name, face, truth):
    found = do.run(face, name, truth, "mean", False, "[]")
    assert emptied(found) and "The picture behind the painting" in found[NOTE]
    with pytest.raises(ObservationError):
        decode_picture(truth, 32)


def test_no_truth_is_none():
    assert decode_picture("", 32) is None and decode_picture(None, 32) is None


# ---- models of other pictures


def test_another_set_of_models_keeps_what_is_painted(do, name, truth, face):
    more = [truth, "mean", False, "[]", "face", None, "sobol", 64, 0, ""]
    menu, painter, line, *found = do.switch("objects", face, name, *more)
    assert menu["value"] == "mdn-cifar10" and "Density network" in dict(menu["choices"])
    assert painter["ink"] == "colour" and "value" not in painter and "CIFAR-10" in line
    assert "objects" in found[STATUS] and all(map(skipped, found[6:])) and len(found) == 10
    menu, painter, *_ = do.switch("binary digits", face, name, *more)
    assert menu["value"] == "nade-mnist" and painter["ink"] == "binary"


def test_a_model_chosen_of_the_set_before_is_its_kin_of_this_one(do, truth, face):
    more = [truth, "mean", False, "[]", "face", None, "sobol", 64, 0, ""]
    menu, *_ = do.switch("objects", face, "gaussian-celeba", *more)
    assert menu["value"] == "gaussian-cifar10"


def test_a_set_that_is_none_is_a_sentence(do, name, truth, face):
    with pytest.raises(gr.Error) as told:
        do.switch("moons", face, name, truth, "mean", False, "[]", "face", None, "sobol", 64, 0, "")
    assert "moons" in spoken(told)
    more = [truth, "mean", False, "[]", "face", None, "sobol", 64, 0, ""]
    assert do.switch("anything (classical)", face, "moons", *more)[0]["value"] == "linear"


def test_a_menu_takes_names_alone():
    assert Menu([("Moons", "moons")], value="moons").preprocess("suns") == "suns"
    with pytest.raises(gr.Error) as told:
        Menu().preprocess(["moons"])
    assert "its name" in spoken(told)


# ---- patches and pictures


def test_a_patch_is_revealed(do, name, truth):
    painting, *found = do.choose_patch(Painting.empty(32), name, truth, "mean", False, "[]", "random", 100, 3)
    assert np.array_equal(painting.mask, patches.random(32, 100, 3)) and len(found) == 6
    assert np.array_equal(painting.values[painting.mask], pictures.load("face")[painting.mask])


@pytest.mark.parametrize("seed", [2.5, None, -1, float("nan"), float("inf"), "3"], ids=repr)
def test_a_seed_that_is_none_is_a_sentence(do, name, truth, seed):
    with pytest.raises(gr.Error) as told:
        do.choose_patch(Painting.empty(32), name, truth, "mean", False, "[]", "random", 100, seed)
    assert "seed" in spoken(told)


@pytest.mark.parametrize("size", [0, 1025, 1.5, None, "12"], ids=repr)
def test_a_size_that_is_none_is_a_sentence(do, name, truth, size):
    with pytest.raises(gr.Error) as told:
        do.choose_patch(Painting.empty(32), name, truth, "mean", False, "[]", "random", size, 0)
    spoken(told)


def test_a_patch_needs_a_picture(do, name):
    *kept, note = do.choose_patch(Painting.empty(32), name, "", "mean", False, "[]", "sobol", 10, 0)
    assert "choose or upload" in note and kept == [gr.skip()] * 6  # painter and results stay as they are


def test_shuffle_is_another_patch_of_the_same_kind(do, name, truth, face):
    seed, family, painting, *found = do.shuffle(4, face, name, truth, "mean", False, "[]", "sobol", 64)
    assert (seed, family, painting.count, len(found)) == (5, "sobol_shifted", 64, 6)
    assert not np.array_equal(painting.mask, face.mask)
    seed, family, other, *_ = do.shuffle(seed, painting, name, truth, "mean", False, "[]", family, 64)
    assert (seed, family) == (6, "sobol_shifted") and not np.array_equal(other.mask, painting.mask)
    assert do.shuffle(None, face, name, truth, "mean", False, "[]", "random", 64)[:2] == [1, "random"]


@pytest.mark.parametrize("example", pictures.EXAMPLES)
def test_examples_are_taken(do, name, example):
    truth, painter, *found = do.choose_picture(
        example, None, Painting.empty(32), name, "mean", False, "[]", "sobol", 64, 0
    )  # fmt: skip
    assert np.array_equal(decode_picture(truth, 32), pictures.load(example)) and painter["picture"] == truth
    assert len(painter["value"]["cells"]) == 64 and "dB" in found[SCORES]


def test_painting_freely_keeps_what_is_painted(do, name, face):
    truth, painter, *found = do.choose_picture("", None, face, name, "mean", False, "[]", "sobol", 64, 0)
    assert truth == "" and painter["picture"] == "" and "value" not in painter
    assert "Choose a picture" in found[SCORES]


def test_an_unknown_example_is_a_sentence(do, name, face):
    with pytest.raises(gr.Error) as told:
        do.choose_picture("moon", None, face, name, "mean", False, "[]", "sobol", 64, 0)
    assert "moon" in spoken(told)


@pytest.mark.parametrize("mode", ["RGB", "L", "RGBA", "CMYK", "P", "1", "I;16"])
def test_an_upload_is_taken(do, name, face, mode):
    image = Image.new(mode, (90, 60))
    menu, truth, painter, *found = do.upload(image, face, name, "mean", False, "[]", "random", 12, 0)
    assert menu == pictures.OWN and len(base64.b64decode(truth)) == 32 * 32 * 3
    assert len(painter["value"]["cells"]) == 12 and len(found) == 6
    again = do.choose_picture(pictures.OWN, image, face, name, "mean", False, "[]", "random", 12, 0)
    assert again[:2] == [truth, painter], "after another picture the menu brings it back"


def test_a_picture_of_ones_own_that_is_not_there_is_a_sentence(do, name, face):
    with pytest.raises(gr.Error) as told:
        do.choose_picture(pictures.OWN, None, face, name, "mean", False, "[]", "random", 12, 0)
    assert "bring it below" in spoken(told)


def test_an_upload_taken_away_changes_nothing(do, name, face):
    assert all(map(skipped, do.upload(None, face, name, "mean", False, "[]", "sobol", 64, 0)))


def test_two_pictures_become_one(do, name, truth, face):
    menu, both, painter, *found = do.compose("cat", face, name, truth, "mean", False, "[]", "sobol", 1024, 0)
    assert menu == pictures.OWN and len(found) == 6 and len(painter["value"]["cells"]) == 1024
    picture, upper = (room.decode_picture(text, 32) for text in (both, truth))
    assert (picture[:16] == upper[:16]).all() and (picture[16:] == pictures.load("cat")[16:]).all()
    assert all(map(skipped, do.compose("", face, name, truth, "mean", False, "[]", "sobol", 64, 0)))
    with pytest.raises(gr.Error, match="put above"):
        do.compose("cat", face, name, "", "mean", False, "[]", "sobol", 64, 0)


# ---- one pixel


def test_a_pixel_is_asked_about(do, name, truth, face):
    selected, painter, view, heat, card = do.pick(event(row=5, col=6), None, face, name, truth, "mean", False)
    assert room.where(selected, 32) == (5, 6) and painter["selected"] == heat["selected"] == [5, 6] == view[
        "selected"
    ] == [5, 6]
    assert "Pixel row 5, column 6" in card


def test_a_sample_that_is_shown_stays_while_its_pixels_are_asked_about(do, name, face):
    shown = {"png": "data:image/png;base64,AAAA", "side": 32, "observed": [], "selected": []}
    _, _, view, _, card = do.pick(event(row=5, col=6), shown, face, name, "", "sample", False)
    assert view == {**shown, "selected": [5, 6]} and "Pixel row 5, column 6" in card
    marked = do.mark(shown, face, True)
    assert marked == {**shown, "observed": np.flatnonzero(face.mask).tolist()} and do.mark(marked, face, False) == shown
    assert skipped(do.mark("no view", face, True))


@pytest.mark.parametrize("row, col", [(-1, 0), (32, 0), (0, 99), (None, 1), ("3", 4), (1.5, 2), ([], {}), (True, True)])
def test_a_pixel_off_the_grid_is_none(do, name, face, row, col):
    *_, view, _, card = do.pick(event(row=row, col=col), None, face, name, "", "mean", False)
    assert view["selected"] == [] and "Click a pixel" in card


# ---- errors


def test_our_own_faults_are_owned_up_to_and_logged(caplog):
    @plainly
    def broken():
        raise KeyError("a path, a secret")

    with caplog.at_level(logging.ERROR, "recon"), pytest.raises(gr.Error) as told:
        broken()
    assert told.value.message == OUR_FAULT and "secret" in caplog.text


def test_a_handler_that_streams_still_does():
    @plainly
    def steps():
        yield 1
        raise ObservationError("A sentence.")

    assert inspect.isgeneratorfunction(steps)
    found = steps()
    assert next(found) == 1
    with pytest.raises(gr.Error) as told:
        next(found)
    assert spoken(told) == "A sentence."


# ---- where next


def test_the_next_pixel_is_marked_and_revealed(do, name, truth, face):
    painter, button, note = do.ask(face, name, truth)
    ((row, col),) = painter["marks"]
    assert not face.mask[row, col] and button["visible"] and f"row {row}, column {col}" in note
    painter, *found = do.reveal_next(face, name, truth, "mean", False, "[]")
    assert len(found) == 6 and len(painter["value"]["cells"]) == face.count + 1
    revealed = Painting.parse(painter["value"])
    assert revealed.mask[row, col]
    assert np.array_equal(revealed.values[row, col], pictures.load("face")[row, col])
    assert painter["marks"] and painter["marks"] != [[row, col]]


def test_without_a_picture_the_next_pixel_is_marked_alone(do, name, face):
    painter, button, note = do.ask(face, name, "")
    assert len(painter["marks"]) == 1 and not button["visible"] and "paint it" in note
    with pytest.raises(gr.Error) as told:
        do.reveal_next(face, name, "", "mean", False, "[]")
    assert "paint it" in spoken(told)


def test_the_last_pixel_and_a_method_without_spread(do, name, truth):
    nearly = reveal(pictures.load("face"), patches.sobol(32, 1023))
    painter, *_ = do.reveal_next(nearly, name, truth, "mean", False, "[]")
    assert len(painter["value"]["cells"]) == 1024 and painter["marks"] == []
    for painting, model in ((reveal(pictures.load("face"), patches.sobol(32, 1024)), name), (nearly, "nearest")):
        with pytest.raises(gr.Error) as told:
            do.ask(painting, model, truth)
        spoken(told)


def test_the_picture_menu_says_which_picture_is_known(do, face, truth):
    assert do.name_picture(truth, face) == "face" and do.name_picture("", face) == pictures.NONE
    assert do.name_picture(encode_picture(np.zeros((32, 32, 3), np.uint8)), face) == pictures.OWN


def test_undone_to_another_picture_that_one_is_known_and_to_none_nothing(do, name, face, truth):
    menu, known, painter, *found = do.return_to(event(picture=truth), face, name, "mean", False, "[]")
    assert (menu, known, painter["picture"]) == ("face", truth, truth) and "dB" in found[3]
    menu, known, painter, *found = do.return_to(event(picture=""), face, name, "mean", False, "[]")
    assert (menu, known, painter["picture"]) == (pictures.NONE, "", "") and "dB" not in found[3]
    for wrong in ("AAAA", 7):
        with pytest.raises(gr.Error) as told:
            do.return_to(event(picture=wrong), face, name, "mean", False, "[]")
        spoken(told)


def test_where_there_is_no_chance_nothing_is_shuffled(do, name, face, truth):
    for family in ("block", "grid", "designed_celeba"):
        *skipped_all, note = do.shuffle(3, face, name, truth, "mean", False, "[]", family, 64)
        assert all(map(skipped, skipped_all)) and "no chance in this patch" in note


def test_a_number_that_is_emptied_or_out_of_range_comes_through():
    """Whoever uses it has the sentence."""
    for field in (Slider(1, 8, 3), seed_field(0)):
        assert [field.preprocess(sent) for sent in (None, -5, 2)] == [None, -5, 2]
