"""What happens on the Race tab, without a browser: a small Gaussian races."""

from __future__ import annotations

import csv
import io
import math

import gradio as gr
import numpy as np
import pytest
import torch

from recon import patches
from recon.models import Gaussian
from recon.painting import encode_picture
from recon.race import LEARNS_MOST, LEAST_SURE, SIZES, Lap
from recon.ui import pictures, race_figures
from recon.ui.comparing import PICTURE
from recon.ui.engine import Engine, reveal
from recon.ui.racing import NO_PICTURE, Racing
from recon.ui.session import Session
from tests.ui.spoken import chosen
from tests.ui.test_figures import said
from tests.ui.test_handlers import event, skipped, spoken

ASKED, LINES, STATUS, TABLE, KEPT, SAVE, BOARDS = range(7)
NAMES = ["random", "sobol", "farthest", "designed_celeba", LEAST_SURE, LEARNS_MOST]
MODEL = "gaussian-celeba"


def small_engine() -> Engine:
    """One model beside the classical ones: the Gaussian of faces is grey and of little rank, fitted to noise."""
    generator = torch.Generator().manual_seed(0)
    coarse = torch.rand(60, 1, 6, 6, generator=generator)
    made = Engine("cpu")
    made.records = {MODEL: made.records[MODEL]}
    made.models[MODEL] = Gaussian.fit([torch.nn.functional.interpolate(coarse, size=(32, 32), mode="bilinear")], 30)
    return made


@pytest.fixture(scope="module")
def small() -> Engine:
    return small_engine()


@pytest.fixture(scope="module")
def do(small):
    return Racing(small)


@pytest.fixture(scope="module")
def there():
    """The Reconstruct tab, as it opens."""
    face = pictures.load("face")
    return [reveal(face, patches.sobol(32, 64)), encode_picture(face), "face", "sobol", 64, 0]


@pytest.fixture(scope="module")
def whole(do, there):
    return list(do.run(PICTURE, 3, MODEL, *there))


def board(shown: list, size: int) -> dict:
    return shown[BOARDS + 2 * SIZES.index(size) + 1]


def test_lines_grow_lap_by_lap(whole):
    counts = [sum(len(trace["x"]) for trace in one[LINES]["traces"]) for one in whole]
    assert counts == list(range(len(SIZES) * len(NAMES) + 1))
    assert [trace["x"] for trace in whole[-1][LINES]["traces"]] == [list(SIZES)] * len(NAMES)
    assert whole[-1][STATUS].startswith("finished") and whole[1][STATUS].startswith("4 of 256 pixels")
    assert whole[0][SAVE]["visible"] == "hidden" and whole[-1][SAVE]["visible"] is True


def test_a_board_is_filled_once_when_all_have_come_to_its_size(whole):
    for size in SIZES:
        first, *later = [board(one, size) for one in whole]
        assert first["busy"] and len(first["waiting"]) == len(NAMES)
        assert [tile["title"] for tile in first["tiles"]] == ["The true picture"]
        filled = [value for value in later if not skipped(value)]
        assert not filled[0]["busy"] and len(filled[0]["tiles"]) == 1 + len(NAMES)
        assert all(value == filled[0] for value in filled) and later[-1] == filled[0]


def test_a_tile_opens_what_its_runner_observed(whole, do, there):
    value = board(whole[3 * len(NAMES)], 16)
    by_title = {tile["title"]: tile for tile in value["tiles"]}
    session = Session.from_link(by_title["farthest point"]["link"])
    assert np.array_equal(session.painting.mask, patches.farthest(32, 16, 3))
    assert (session.model, session.family, session.size, session.seed) == (MODEL, "farthest", 16, 3)
    own = Session.from_link(by_title["learns most"]["link"])
    assert own.painting.count == 16 and own.picture == "face"
    tabs, *restored = do.open(event(link=by_title["Sobol'"]["link"], truth=value["truth"]), "mean", False, "[]")
    assert tabs["selected"] == "reconstruct" and chosen(restored)[0] == MODEL


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_pixels_that_the_model_chose_are_not_said_to_be_a_patch_of_the_menu(whole, do):
    value = board(whole[3 * len(NAMES)], 16)
    links = {tile["title"]: tile["link"] for tile in value["tiles"][1:]}
    for name in ("learns most", "least sure"):
        _, _, family, size, seed, *_ = do.open(event(link=links[name], truth=value["truth"]), "mean", False, "[]")
        assert "value" not in family and family["choices"] and "value" not in size and size["most"] == 1024
        assert skipped(seed)
    for name in ("Sobol'", "designed for faces"):
        _, *restored = do.open(event(link=links[name], truth=value["truth"]), "mean", False, "[]")
        assert chosen(restored)[2:4] == [16, 3] and restored[1]["value"] in ("sobol", "designed_celeba")


def test_what_is_saved_is_what_was_run(whole):
    rows = list(csv.DictReader(io.StringIO(whole[-1][KEPT]["csv"])))
    assert [(row["pixels_chosen"], int(row["pixels"])) for row in rows] == [(n, size) for size in SIZES for n in NAMES]
    lines = {trace["name"]: trace["y"] for trace in whole[-1][LINES]["traces"]}
    assert float(rows[1]["psnr_db"]) == pytest.approx(lines["Sobol'"][0], rel=1e-5)
    assert f"{lines['random'][-1]:.2f}" in said(whole[-1][TABLE])


def test_a_classical_method_says_once_at_every_size_why_it_cannot_choose(do, there):
    *_, last = do.run("hills", 0, "nearest", *there)
    (tile,) = [tile for tile in board(last, 256)["tiles"] if tile["title"] == "least sure"]
    assert "cannot say where to look" in tile["note"] and not tile["link"]
    assert last[STATUS].startswith("finished") and last[KEPT]["csv"].count("cannot say") == 1


def test_coming_back_asks_nothing_twice(do, there, whole):
    (again,) = do.arrive(whole[0][ASKED], PICTURE, 3, MODEL, *there)
    assert all(skipped(output) for output in again) and len(again) == len(whole[0])
    assert len(next(do.arrive(whole[0][ASKED], PICTURE, 4, MODEL, *there))) == len(whole[0])


def test_without_a_picture_the_tab_opens_quietly_and_a_press_is_told_so(do, there):
    none = [there[0], "", "", *there[3:]]
    (quiet,) = do.arrive("", PICTURE, 0, MODEL, *none)
    assert quiet[STATUS] == NO_PICTURE and all(skipped(one) for one in quiet[:STATUS] + quiet[STATUS + 1 :])
    for source, seed, model in ((PICTURE, 0, MODEL), ("moon", 0, MODEL), ("cat", -1, MODEL), ("cat", 0, "no such")):
        with pytest.raises(gr.Error) as told:
            list(do.run(source, seed, model, *none))
        spoken(told)


def test_stopping_keeps_what_has_come(do, whole):
    step = do.stopped(whole[2 * len(NAMES) + 3])
    parts = step[-2 * len(SIZES) :]
    assert step[STATUS] == "stopped" and all(skipped(part) for part in parts[:2])
    assert parts[3]["tiles"] and not parts[3]["busy"]  # the latest that all came to
    assert "before all had come to 16 pixels" in parts[4]
    assert not any(value["busy"] or value["tiles"] for value in parts[5::2])
    assert do.stopped(whole[-1]) == whole[-1]


def test_a_fault_of_ours_leaves_nothing_waiting(do, there, small, monkeypatch):
    predict, calls = small.models[MODEL].predict, []

    def fail(observation):
        calls.append(1)
        return predict(observation) if len(calls) < 30 else 1 / 0

    monkeypatch.setattr(small.models[MODEL], "predict", fail)
    came = []
    with pytest.raises(gr.Error, match="our fault"):
        for one in do.run(PICTURE, 0, MODEL, *there):
            came.append(one)
    assert came[-1][STATUS] == "stopped" and not board(came[-1], 256)["busy"] and skipped(board(came[-1], 4))


def laps(size: int = 64, **psnr: float) -> list[Lap]:
    return [Lap(name, size=size, psnr_db=value) for name, value in psnr.items()]


@pytest.mark.parametrize(
    ("found", "told"),
    [
        (
            {"random": 20.0, "sobol": 21.0, "designed_celeba": 21.5, LEAST_SURE: 20.5, LEARNS_MOST: 20.75},
            "At 64 pixels the designed patch comes closest: 21.50 dB, 0.50 dB above the Sobol' patch. Looking where "
            "the model learns most is 0.25 dB below the Sobol' patch and 0.75 dB below the designed patch.",
        ),
        (
            {"sobol": 21.0, "designed_celeba": 21.5, LEARNS_MOST: 22.0},
            "At 64 pixels looking where the model learns most comes closest: 22.00 dB, 0.50 dB above the designed "
            "patch. It is 1.00 dB above the Sobol' patch.",
        ),
        (
            {"sobol": 21.0, LEAST_SURE: 21.001},
            "At 64 pixels looking where the model is least sure comes closest: 21.00 dB, level with the Sobol' patch.",
        ),
        ({"random": 20.0, "sobol": math.inf}, "At 64 pixels the Sobol' patch has every pixel right."),
        ({"sobol": 20.0}, ""),
    ],
)
def test_the_sentence_is_what_the_numbers_say(found, told):
    assert said(race_figures.sentence(laps(**found))) == told
