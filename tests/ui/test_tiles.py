"""Tiles, table and CSV of a comparison: what is marked, what is said where there is nothing, what cannot get in."""

from __future__ import annotations

import base64
import csv
import io

import numpy as np
import pytest
import torch
from PIL import Image

from recon.comparison import Result
from recon.observation import Observation
from recon.ui import tiles
from tests.ui.test_handlers import pixels

PSNR, SSIM, BITS = tiles.QUALITY


def result(name: str, psnr_db: float | None = 20.0, **more) -> Result:
    observation = Observation(torch.rand(1, 3, 8, 8), torch.rand(1, 1, 8, 8) < 0.3)
    mean, deviation = torch.rand(3, 8, 8), more.pop("deviation", torch.full((3, 8, 8), 0.1))
    known = {"truth": torch.rand(3, 8, 8), "ssim": 0.5, "milliseconds": 3.0} | more
    return Result(name, known.pop("pixels", "colour"), observation, mean, deviation=deviation, psnr_db=psnr_db, **known)


def titled(*results: Result) -> tiles.Titles:
    return {one.name: (one.name.title(), "a set") for one in results}


def laid(*results: Result, columns=tiles.MODEL_COLUMNS) -> list[dict]:
    return tiles.tiles(results, titled(*results), columns, lambda one: f"link-{one.name}")


@pytest.mark.parametrize(
    ("milliseconds", "told"), [(3.04, "3.0 ms"), (482.6, "483 ms"), (999.7, "1.0 s"), (56284.0, "56.3 s")]
)
def test_times_are_in_seconds_where_they_are_long(milliseconds, told):
    assert laid(result("a", milliseconds=milliseconds))[0]["scores"][-1]["shown"] == told


def test_the_best_of_each_column_is_marked():
    a, b = result("a", 21.0, bits_per_dim=5.0), result("b", 20.0, bits_per_dim=4.0)
    assert tiles.best([a, b], PSNR) == {"a"} and tiles.best([a, b], BITS) == {"b"}
    assert tiles.best([a, b], SSIM) == set()  # all alike: nobody is better


def test_what_looks_equal_is_equally_good():
    found = [result("a", 21.001), result("b", 21.004), result("c", 20.0)]
    assert tiles.best(found, PSNR) == {"a", "b"}


def test_nobody_is_best_alone_nor_against_another_kind_of_pixels():
    colour, grey, binary = result("a", 20.0), result("b", 25.0, pixels="grey"), result("c", 30.0, pixels="binary")
    assert tiles.best([colour, grey, binary], PSNR) == set()
    assert tiles.best([colour, result("d", 19.0), grey, binary], PSNR) == {"a"}
    assert tiles.best([result("a", None), result("b", 20.0)], PSNR) == set()


def test_one_scale_for_all_maps():
    """The same spread is the same colour on every tile, so that maps can be compared."""
    wide, half = result("a", deviation=torch.full((3, 8, 8), 0.2)), result("b", deviation=torch.full((3, 8, 8), 0.1))
    bright, middle = (pixels(tile["looks"]["unsure"])[0, 0].tolist() for tile in laid(wide, half))
    assert bright == tiles.viridis()[255].tolist() and middle == tiles.viridis()[128].tolist()
    assert tiles.widest([wide, half]) == pytest.approx(0.2)


def test_a_tile_says_what_it_has_not():
    mute, blind = laid(result("mute", deviation=None), result("blind", None, truth=None))
    assert mute["looks"]["unsure"] == "does not say how sure" and mute["looks"]["mean"].startswith("data:image/png")
    assert blind["looks"]["error"] == "no true picture"
    assert [score["shown"] for score in mute["scores"]] == ["20.00 dB", "0.500", "–", "3.0 ms"]


def test_a_problem_is_a_sentence_on_a_tile_that_opens_nothing():
    (tile,) = laid(Result("gone", problem="It cannot be fetched."))
    assert tile["note"] == "It cannot be fetched." and tile["scores"] == [] and tile["link"] == ""
    assert set(tile["looks"].values()) == {"no answer"}


def test_grey_and_binary_results_say_what_they_are_judged_on():
    grey, colour, blind = laid(result("a", pixels="grey"), result("b"), result("c", None, pixels="binary"))
    assert "grey" in grey["note"] and colour["note"] == "" and blind["note"] == ""


def test_a_patch_shows_its_pixels_and_no_others():
    one = result("a")
    (tile,) = laid(one, columns=tiles.PATCH_COLUMNS)
    assert tile["scores"][-1]["label"] == "discrepancy" and "10⁻⁴" in tile["scores"][-1]["shown"]
    assert laid(one)[0]["patch"] == ""
    shown = np.asarray(Image.open(io.BytesIO(base64.b64decode(tile["patch"].partition(",")[2]))))
    assert ((shown[..., 3] > 0) == one.observation.mask[0, 0].numpy()).all()


def test_the_table_is_sorted_and_escapes():
    found = [result("low", 10.0), Result("gone", problem="<b>no</b>"), result("high", 30.0), result("blind", None)]
    said = tiles.table(found, titled(*found), tiles.MODEL_COLUMNS)
    places = [said.index(f">{name} <") for name in ("High", "Low", "Gone", "Blind")]
    assert places == sorted(places)
    assert "&lt;b&gt;no" in said and "<b>no" not in said
    assert tiles.table([], {}, tiles.MODEL_COLUMNS) == ""


def test_csv_reads_back_as_the_rows():
    found = [result("b", 10.123456), result("a", 30.0, bits_per_dim=4.5), Result("c", problem='It, "sadly", failed.')]
    read = list(csv.DictReader(io.StringIO(tiles.as_csv(found, tiles.MODEL_COLUMNS))))
    assert [row["name"] for row in read] == ["a", "b", "c"]
    assert float(read[1]["psnr_db"]) == pytest.approx(10.1235) and read[1]["bits_per_dim"] == ""
    assert read[2]["problem"] == 'It, "sadly", failed.' and read[2]["psnr_db"] == ""
    assert tiles.as_csv([], tiles.MODEL_COLUMNS) == ""


def test_rows_are_json(engine):
    """There is no infinity in JSON: what is reconstructed without an error has no number there."""
    (row,) = tiles.rows([result("a", float("inf"))], tiles.MODEL_COLUMNS)
    assert row["psnr_db"] is None
