"""From a grid of one side to another, and back: nothing that is painted is lost."""

from __future__ import annotations

import json

import numpy as np
import pytest
from PIL import Image

from recon import images, patches
from recon.errors import ObservationError
from recon.evaluation import sources
from recon.painting import Painting, encode_picture
from recon.ui import lab_settings, pictures
from recon.ui.comparing import MODELS, PATCHES, PICTURE, Comparing
from recon.ui.engine import reveal
from recon.ui.grids import Sheet, resized, switched, truth_at
from recon.ui.handlers import Handlers
from recon.ui.lab_settings import Settings
from recon.ui.racing import Racing
from tests.ui.spoken import chosen, pixels, skipped

LARGE = "gsm-celeba64"


def same(one: Painting, other: Painting) -> bool:
    return one.to_payload() == other.to_payload()


# ---- paintings


@pytest.mark.parametrize("count", [0, 1, 300, 1024])
def test_a_finer_grid_shows_the_same_and_gives_it_back(paint, count):
    painting = paint(count)
    fine = resized(painting, 64)
    assert fine.side == 64 and fine.count == 4 * count
    assert np.array_equal(fine.values[1::2, ::2], painting.values) and np.array_equal(
        fine.mask[::2, 1::2], painting.mask
    )
    assert same(resized(fine, 32), painting)


def test_a_coarser_grid_has_the_mean_of_what_is_painted():
    values, mask = np.zeros((64, 64, 3), np.uint8), np.zeros((64, 64), bool)
    for place, level in (((0, 0), 100), ((1, 1), 200), ((2, 2), 7)):
        values[place], mask[place] = level, True
    found = resized(Painting.from_arrays(values, mask), 32)
    assert found.count == 2 and found.values[0, 0].tolist() == [150] * 3 and found.values[1, 1].tolist() == [7] * 3


def test_what_was_taken_from_the_picture_is_taken_from_it_again(paint):
    small, large = pictures.load("cat", 32), pictures.load("cat", 64)
    values = small.copy()
    values[3, 4] = 255 - values[3, 4]
    painting = Painting.from_arrays(values, paint(1024).mask)
    fine = resized(painting, 64, small, large)
    own = np.zeros((64, 64), bool)
    own[6:8, 8:10] = True
    assert np.array_equal(fine.values[~own], large[~own]) and (fine.values[own] == values[3, 4]).all()
    assert same(resized(fine, 32, large, small), painting)


# ---- the sheet: picture and patch


def sheet(**changes) -> Sheet:
    picture = pictures.load("face")
    patch = {"painting": reveal(picture, patches.sobol(32, 64)), "truth": encode_picture(picture), "picture": "face"}
    return Sheet(**{**patch, **changes})


def test_a_patch_of_an_example_is_that_patch_on_the_other_grid():
    there, left = switched(sheet(), 64)
    large = pictures.load("face", 64)
    assert same(there.painting, reveal(large, patches.sobol(64, 64))) and there.truth == encode_picture(large)
    back, _ = switched(there, 32, left=left)
    assert same(back.painting, sheet().painting) and back.truth == sheet().truth and back.size == 64


def test_what_was_left_comes_back_only_where_nothing_was_painted_since(paint):
    painting = paint(500, side=64)
    there, left = switched(Sheet(painting), 32)
    back, again = switched(there, 64, left=left)
    assert same(back.painting, painting), "although the coarse grid cannot hold it"
    assert switched(back, 32, left=again)[0].painting.count == there.painting.count
    mask = there.painting.mask.copy()
    mask[tuple(np.argwhere(mask)[0])] = False
    changed = Sheet(Painting.from_arrays(there.painting.values, mask))
    assert switched(changed, 64, left=left)[0].painting.count == 4 * (there.painting.count - 1)


@pytest.mark.parametrize(
    "left",
    ["", "[", "7", "[]", '{"after": 3}', '{"after": "DIGEST"}', '{"after": "DIGEST", "session": "x", "truth": ""}'],
)
def test_what_a_browser_kept_may_be_anything(left, paint):
    there = Sheet(paint(5))
    assert same(
        switched(there, 64, left=left.replace("DIGEST", there.digest()))[0].painting, resized(there.painting, 64)
    )


def test_a_designed_patch_gives_way_where_there_is_none(paint):
    picture = pictures.load("face")
    painting = reveal(picture, patches.make("designed_celeba", 32, 40))
    there, left = switched(sheet(painting=painting, family="designed_celeba", size=40), 64)
    assert there.family == "sobol" and there.painting.count == 40
    back, _ = switched(there, 32, left=left)
    assert back.family == "designed_celeba" and same(back.painting, painting)


def test_a_picture_of_ones_own_is_brought_again(paint):
    own = Image.fromarray(np.random.default_rng(0).integers(0, 256, (128, 128, 3), dtype=np.uint8))
    small, large = (encode_picture(images.fit(own, side)) for side in (32, 64))
    there = Sheet(paint(9), small)
    assert truth_at(there, 64, own) == large and truth_at(there, 64) == "" and truth_at(there, 32) == small
    other = Image.fromarray(np.zeros((128, 128, 3), np.uint8))
    assert truth_at(there, 64, other) == "", "it is another picture's"
    assert truth_at(Sheet(paint(9, 64), large), 32) == encode_picture(
        images.fit(Image.fromarray(images.fit(own, 64)), 32)
    )
    unknown, left = switched(there, 64)
    assert unknown.truth == "" and switched(unknown, 32, left=left)[0].truth == small


# ---- the page


@pytest.fixture(scope="module")
def do(engine):
    if LARGE not in engine.records:
        pytest.skip(f"{LARGE} is not bundled")
    return Handlers(engine)


def test_a_model_of_another_side_brings_its_grid(do, name, truth, face):
    there = [truth, "mean", False, "[3, 4]", "face", None, "sobol", 64, 0]
    word, of = do.engine.menus.word(LARGE), do.engine.menus.word
    menu, painter, line, *results, known, family, size, left = do.switch(word, face, LARGE, *there, "")
    assert menu["value"] == LARGE
    assert painter["value"]["side"] == 64 and painter["picture"] == known and painter["selected"] == []
    assert pixels(results[0]["png"]).shape == (64, 64, 3) and results[1]["value"]["side"] == 64 and "dB" in results[3]
    assert size["most"] == 4096 and "CelebA 64" in line
    assert not any(chosen.startswith("designed") for _, chosen in family["choices"])
    new = Painting.parse(painter["value"])
    kept = do.switch(word, new, LARGE, known, "mean", False, "", "face", None, "sobol", 64, 0, left)
    assert all(map(skipped, kept[-4:])), "the grid is the model's already"
    assert all(
        map(
            skipped,
            do.switch(of("nearest"), new, "nearest", known, "mean", False, "", "face", None, "sobol", 64, 0, left)[-4:],
        )
    )
    back = do.switch(of(name), new, name, known, "mean", False, "", "face", None, "sobol", 64, 0, left)
    assert Painting.parse(back[1]["value"]).to_payload() == face.to_payload() and back[9] == truth
    assert back[11]["most"] == 1024 and len(back[10]["choices"]) > len(family["choices"])


def test_what_came_too_late_goes_to_the_grid_that_there_is(do, name, truth, face):
    """A patch, painted on the grid that was left while the model and the picture are of another; and a picture."""
    large, rest = encode_picture(pictures.load("face", 64)), ("mean", False, "[]", "face", None)
    _, update, *results = do.catch_up(face, LARGE, large, *rest, "designed_celeba", 100, 0)
    painting = Painting.parse(update["value"])
    assert painting.side == 64 and painting.mask.sum() == 100 and "faces 64" in results[4]
    known, update, *results = do.catch_up(face, LARGE, truth, *rest, "sobol", 64, 0)
    painting = Painting.parse(update["value"])
    assert painting.mask.sum() == 64 and known == large == update["picture"] and "dB" in results[3]
    known, update, *results = do.catch_up(face, LARGE, "", *rest, "sobol", 64, 0)
    assert known == "" and Painting.parse(update["value"]).side == 64 and "faces 64" in results[4]
    _, update, *results = do.catch_up(face, name, truth, *rest, "sobol", 64, 0)
    assert skipped(update) and "dB" in results[3]


def test_what_a_person_does_on_the_finer_grid(do, paint):
    truth = encode_picture(pictures.load("face", 64))
    painting = reveal(pictures.load("face", 64), patches.sobol(64, 300))
    shown = [painting, LARGE, truth, "mean", True, "[60, 61]"]
    assert "row 60, column 61" in do.run(*shown)[2]
    assert len(do.choose_patch(*shown, "farthest", 1500, 3)[0].to_payload()["cells"]) == 1500
    _, update, *_ = do.choose_picture("cat", None, painting, LARGE, "mean", False, "", "sobol", 200, 0)
    assert update["value"]["side"] == 64 and len(update["value"]["cells"]) == 200
    asked = do.ask(painting, LARGE, truth)[0]["marks"][0]
    assert not painting.mask[tuple(asked)]
    revealed = do.reveal_next(*shown)[0]
    assert len(revealed["value"]["cells"]) == 301 and asked in [cell[:2] for cell in revealed["value"]["cells"]]
    link = do.link(LARGE, "sobol", 300, 0, "face", painting)
    opened = do.restore(f"link:{link}", "mean", False, "")
    assert chosen(opened)[0] == LARGE and opened[6]["value"] == painting.to_payload() and opened[2]["most"] == 4096
    assert do.doubt(painting, LARGE) == "" or "The model knows faces only" in do.doubt(painting, LARGE)


# ---- the other tabs


def there(painting: Painting, truth: str, picture: str = "face") -> list:
    return [painting, truth, picture, "sobol", 64, 0]


def test_compare_puts_a_picture_at_the_models_side(do, engine, face, truth):
    compare = Comparing(engine)
    assert set(compare.sets["faces 64"]) > {LARGE, "rbf"} and LARGE not in compare.sets["faces"]
    asked = [MODELS, "cat", "sobol", 100, 0, [LARGE, "linear", "gaussian-celeba"], LARGE, ["sobol"]]
    board = list(compare.run(*asked, *there(face, truth)))[-1][1]
    tiles = {tile["title"]: tile for tile in board["tiles"]}
    assert "100 of 4096" in tiles["Observed"]["aside"]
    assert tiles["Scale mixture"]["scores"] and tiles["Linear interpolation"]["scores"]
    assert "works on 32 x 32" in tiles["Gaussian"]["note"]
    asked[:2] = [PATCHES, PICTURE]
    asked[-1] = ["sobol", "designed_celeba"]
    *_, (_, board, _, line, _) = compare.run(*asked, *there(face, truth))
    assert [tile["title"] for tile in board["tiles"]] == ["The true picture", "Sobol'"] and board["tiles"][1]["scores"]
    assert "designed for 32 x 32 left out" in line


def test_a_picture_that_is_known_coarsely_is_a_sentence(engine, do, face):
    own = encode_picture(np.random.default_rng(0).integers(0, 256, (32, 32, 3), dtype=np.uint8))
    with pytest.raises(ObservationError, match="known at 32 x 32 pixels only"):
        Comparing(engine).question(PICTURE, "sobol", 9, 0, *there(face, own, ""), side=64)


def test_a_race_on_the_finer_grid(engine, do, face, truth):
    race = Racing(engine).race(PICTURE, 0, LARGE, *there(face, truth))
    assert race.question.painting.side == 64 and not any(name.startswith("designed") for name in race.names)
    laps = [lap for lap, _ in zip(race.laps, range(2 * len(race.names)), strict=False)]
    assert all(lap.mean.shape == (3, 64, 64) and not lap.problem for lap in laps)
    assert race.link(laps[0])


def test_the_lab_makes_pictures_of_the_models_side(engine, do):
    settings = Settings("leaves", 8, 0, (LARGE, "nearest"), ("sobol",), (16, 512), 1)
    assert settings.side(engine) == 64 and settings.load(engine).shape == (8, 3, 64, 64)
    assert settings.check(64) == 32
    drawn = Settings("drawn", 8, 0, (LARGE,), ("sobol",), (16,), 1).load(engine)
    assert drawn.shape == (8, 3, 64, 64)
    mixed = Settings("leaves", 8, 0, (LARGE, "gsm-celeba"), ("sobol",), (16,), 1)
    with pytest.raises(Exception, match="32 x 32 and 64 x 64 pixels: choose models of one size"):
        mixed.side(engine)
    assert Settings("leaves", 8, 0, ("nearest",), ("sobol",), (16,), 1).load(engine).shape[-1] == 32
    with pytest.raises(Exception, match="pictures of 32 x 32 pixels"):
        Settings("celeba", 8, 0, (LARGE,), ("sobol",), (16,), 1).load(engine)
    assert sources.leaves(2, 0, 64).shape[-1] == 64 and lab_settings.PAINTER + "64" in engine.records
    assert json.dumps(settings.said())
