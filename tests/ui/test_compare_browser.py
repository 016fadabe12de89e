"""The Compare tab in Chromium: results beside each other, on a desk and on a phone."""

from __future__ import annotations

import csv
import re
import time

import numpy as np
import pytest

from recon import comparison, patches
from recon.ui.comparing import Comparing
from tests.ui.visitor import HEAT, LONG, expect

pytestmark = [pytest.mark.browser, pytest.mark.filterwarnings("ignore::DeprecationWarning:gradio")]


@pytest.fixture(scope="module")
def tabs():
    return ("Compare",)


FAMILIES = 8


@pytest.fixture
def faces(engine) -> int:
    """How many answers are compared when the tab opens."""
    return len(Comparing(engine).first)


def come(visitor, tab: str = "Compare"):
    visitor.page.get_by_role("tab", name=tab).click()
    return visitor.page.locator("#compare-tiles .tiles")


def done(visitor, count: int) -> None:
    expect(visitor.page.locator("#compare-line")).to_contain_text(f"{count} compared", timeout=LONG)
    expect(visitor.page.locator("#compare-tiles .tiles")).not_to_have_class(re.compile("busy|stale"))


def titles(visitor) -> list[str]:
    return visitor.page.locator(".tile-caption strong").all_inner_texts()


def test_it_opens_with_what_is_on_reconstruct(visitor, faces):
    grid = come(visitor)
    done(visitor, faces)
    shown = titles(visitor)
    assert shown[:3] == ["Observed", "The true picture", "Density network"] and shown[-1] == "Biharmonic inpainting"
    assert "64 of 1024 pixels" in grid.locator(".tile").first.inner_text()
    for image in grid.locator("img:visible").all():
        assert image.get_attribute("alt") and image.evaluate("(image) => image.naturalWidth") == 32
    ranked = visitor.page.locator("#compare-table tbody td:nth-child(2)").all_inner_texts()
    assert ranked == sorted(ranked, key=lambda said: -float(said.split()[0])) and len(ranked) == faces
    assert grid.locator(".best").first.inner_text().startswith("PSNR")

    means = grid.locator("img:visible").count()
    visitor.look("How unsure")
    expect(grid.locator(".tile-word:visible", has_text="does not say how sure")).to_have_count(4)
    assert grid.locator("img:visible").count() == means - 4
    expect(visitor.page.locator(".tiles-legend")).to_contain_text(re.compile(r"bright is 0\.\d\d"))
    visitor.page.locator("#compare-look label", has_text="Error").click()
    expect(grid.locator("img:visible")).to_have_count(means)


def test_other_settings_dim_what_is_shown_until_compared(visitor, faces, engine):
    grid = come(visitor)
    done(visitor, faces)
    visitor.press("binary digits")
    expect(grid).to_have_class(re.compile("stale"))
    expect(visitor.page.locator("#compare-table")).to_have_css("opacity", "0.45")
    visitor.page.locator("#compare-source select").select_option(label="a three, drawn by code")
    expect(visitor.page.locator("#compare-size")).to_be_visible()
    visitor.press("Compare")
    done(visitor, len(Comparing(engine).sets["binary digits"]))
    expect(visitor.page.locator("#compare-table")).to_contain_text("judged in black and white")
    expect(visitor.page.locator("#compare-table")).to_have_css("opacity", "1")
    with visitor.page.expect_download() as download:
        visitor.press("Download as CSV")
    with open(download.value.path(), newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == len(Comparing(engine).sets["binary digits"]) and {"nade-mnist", "nearest"} < {
        row["name"] for row in rows
    }
    assert float(rows[0]["psnr_db"]) >= float(rows[-1]["psnr_db"]) > 0


def test_patches_beside_each_other_and_one_of_them_on_reconstruct(visitor, faces):
    come(visitor)
    done(visitor, faces)
    visitor.look("Several patches")
    expect(visitor.page.locator("#compare-families")).to_be_visible()
    visitor.press("Compare")
    expect(visitor.page.locator("#compare-table")).to_contain_text("rank-1 lattice", timeout=LONG)
    done(visitor, FAMILIES)
    assert titles(visitor)[:3] == ["The true picture", "random", "Sobol'"]
    expect(visitor.page.locator(".tile-said > img")).to_have_count(FAMILIES)
    visitor.page.get_by_role("button", name="Open in Reconstruct: random").click()
    expect(visitor.page.locator("#recon-view")).to_be_visible()
    mask = patches.random(32, 64, 0)
    # the map was not to be seen when its values came
    visitor.page.wait_for_function(f"() => ({HEAT})()?.flat().filter((z) => z === 0).length === 64")
    assert np.array_equal(np.array(visitor.page.evaluate(HEAT)) == 0, mask)
    visitor.keeps(np.argwhere(mask))
    assert visitor.page.locator("#recon-map .heatmaplayer image").bounding_box()["width"] > 200
    assert visitor.setting("Patch") == "random" and visitor.page.evaluate("scrollY") == 0


def test_a_comparison_can_be_stopped_and_does_not_hold_up_a_stroke(visitor, faces, monkeypatch):
    come(visitor)
    done(visitor, faces)
    answered = comparison.answered
    monkeypatch.setattr(comparison, "answered", lambda *asked: time.sleep(1) or answered(*asked))
    visitor.look("Several patches")
    visitor.page.locator("#compare-families").wait_for()
    visitor.press("Compare")
    visitor.page.locator(".tile-pending").first.wait_for()  # what has no number yet cannot be cancelled
    visitor.page.get_by_role("button", name="Stop", exact=True).click()
    expect(visitor.page.locator("#compare-line")).to_have_text("stopped")
    expect(visitor.page.locator(".tile-pending")).to_have_count(0)
    visitor.press("Compare")
    come(visitor, "Reconstruct")
    before = visitor.shown()
    visitor.paint((16, 16), (16, 20))
    visitor.changed(before, timeout=5000)
    come(visitor)
    expect(visitor.page.locator("#compare-line")).to_contain_text(f" of {FAMILIES}")  # it was not waited for
    done(visitor, FAMILIES)


def test_on_a_phone_two_tiles_a_row_and_nothing_sideways(faces, visit, chromium):
    context = chromium.new_context(viewport={"width": 400, "height": 860}, has_touch=True)
    visitor = visit(context)
    come(visitor)
    done(visitor, faces)
    boxes = [tile.bounding_box() for tile in visitor.page.locator(".tile").all()]
    assert len({round(box["x"]) for box in boxes}) == 2
    for mode, count in (("Several models", faces), ("Several patches", FAMILIES)):
        visitor.look(mode)
        visitor.press("Compare")
        visitor.page.wait_for_timeout(300)
        done(visitor, count)
        assert visitor.page.evaluate("document.documentElement.scrollWidth") <= 400
        for said in visitor.page.locator(".tile-scores dd:visible").all():
            box = said.bounding_box()
            assert box["x"] + box["width"] <= 392
    context.close()
