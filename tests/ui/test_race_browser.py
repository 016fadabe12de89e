"""The Race tab in Chromium, with a small model: lines, boards, a file, on a desk and on a phone."""

from __future__ import annotations

import csv
import re
import time

import pytest

from recon.race import LOOKING, SIZES
from tests.ui.test_racing import NAMES, small_engine
from tests.ui.visitor import LONG, expect

pytestmark = [pytest.mark.browser, pytest.mark.filterwarnings("ignore::DeprecationWarning:gradio")]


@pytest.fixture(scope="module")
def tabs():
    return ("Race",)


POINTS = "() => document.querySelector('#race-plot .js-plotly-plot')?.data?.map((line) => line.x?.length ?? 0)"


@pytest.fixture(scope="module")
def engine():
    return small_engine()


def come(visitor, tab: str = "Race") -> None:
    visitor.page.get_by_role("tab", name=tab).click()


def done(visitor) -> None:
    expect(visitor.page.locator("#race-status")).to_contain_text("finished", timeout=2 * LONG)
    expect(visitor.page.locator("#race .tiles.busy")).to_have_count(0)


def captions(visitor) -> list[str]:
    return visitor.page.locator("#race .tile-caption strong:visible").all_inner_texts()


def test_it_opens_with_a_race_and_every_size_can_be_looked_at(visitor):
    come(visitor)
    done(visitor)
    visitor.page.wait_for_function(f"() => ({POINTS})()?.every((count) => count === {len(SIZES)})")
    assert visitor.page.evaluate(POINTS) == [len(SIZES)] * len(NAMES)
    assert visitor.page.locator("#race-plot .scatterlayer .trace").count() == len(NAMES)
    seen = set()
    for size in SIZES:
        visitor.page.locator("#race-size label", has_text=re.compile(f"^ *{size} *$")).click()
        expect(visitor.page.locator(".race-said:visible")).to_contain_text(f"At {size} pixels")
        assert captions(visitor) == ["The true picture", "random", "Sobol'", "farthest point", "designed for faces",
                                     "least sure", "learns most"]  # fmt: skip
        seen.add(visitor.page.locator("#race .tile-picture img:visible").nth(1).get_attribute("src"))
    assert len(seen) == len(SIZES)
    visitor.page.locator("#race-look label", has_text="Error").click()
    expect(visitor.page.locator("#race .tile img[data-look='error']:visible")).to_have_count(6)
    with visitor.page.expect_download() as download:
        visitor.page.locator("#race-save").click()
    with open(download.value.path(), newline="", encoding="utf-8") as file:
        assert len(list(csv.DictReader(file))) == len(SIZES) * len(NAMES)
    visitor.page.get_by_role("button", name="Open in Reconstruct: farthest point").last.click()
    visitor.count(256)
    menu = visitor.page.locator("#recon-family select")
    expect(menu).to_have_value("farthest")
    visitor.open_tab("Race")
    visitor.page.locator("#race-size label", has_text=re.compile("^ *64 *$")).click()
    visitor.page.locator("[aria-label^='Open in Reconstruct: learns most']:visible").click()
    assert "no patch of the Patch menu" in visitor.toast()
    visitor.count(64)
    expect(menu).to_have_value("farthest")  # as it was


def test_a_race_can_be_stopped_and_run_again_and_does_not_hold_up_a_stroke(visitor, monkeypatch):
    come(visitor)
    done(visitor)
    name, ask = "least_sure", LOOKING["least_sure"]
    monkeypatch.setitem(LOOKING, name, lambda *asked: time.sleep(0.3) or ask(*asked))
    visitor.page.locator("#race-seed input").fill("7")
    expect(visitor.page.locator("#race")).to_have_class(re.compile("race-stale"))
    visitor.page.locator("#race-run").click()
    expect(visitor.page.locator("#race-status")).to_contain_text("of 256 pixels", timeout=LONG)
    visitor.page.locator("#race-stop").click()
    expect(visitor.page.locator("#race-status")).to_have_text("stopped")
    expect(visitor.page.locator("#race .tile-pending")).to_have_count(0)
    expect(visitor.page.locator(".race-said:visible")).to_contain_text("stopped before all had come to 64 pixels")
    visitor.page.locator("#race-run").click()
    come(visitor, "Reconstruct")
    before = visitor.shown()
    visitor.paint((16, 16), (16, 20))
    visitor.changed(before, timeout=5000)
    come(visitor)
    expect(visitor.page.locator("#race-status")).not_to_contain_text("finished")  # it was not waited for
    monkeypatch.undo()
    done(visitor)
    expect(visitor.page.locator("#race")).not_to_have_class(re.compile("race-stale"))


def test_on_a_phone_nothing_goes_sideways(visit, chromium):
    context = chromium.new_context(viewport={"width": 400, "height": 860}, has_touch=True)
    visitor = visit(context)
    come(visitor)
    done(visitor)
    assert visitor.page.evaluate("document.documentElement.scrollWidth") <= 400
    boxes = [tile.bounding_box() for tile in visitor.page.locator("#race .tile:visible").all()]
    assert len({round(box["x"]) for box in boxes}) == 2
    assert visitor.page.locator("#race-plot .main-svg").first.bounding_box()["width"] <= 384
    context.close()
