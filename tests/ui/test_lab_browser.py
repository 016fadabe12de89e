"""The Lab in Chromium: an experiment from its card to its files, on a desk and on a phone."""

from __future__ import annotations

import io
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.ui.visitor import LONG, expect

pytestmark = [pytest.mark.browser, pytest.mark.filterwarnings("ignore::DeprecationWarning:gradio")]


@pytest.fixture(scope="module")
def tabs():
    return ("Lab",)


LINES = "() => document.querySelector('#lab-plot .js-plotly-plot')?.data?.map((line) => [line.name, line.x.length])"
SHOWN = ("#lab-verdict", "#lab-plot", "#lab-table")
DONE = re.compile(r"reconstructions in \d+\.\d s")


def open_lab(visitor) -> None:
    visitor.open_tab("Lab")
    expect(visitor.page.locator(".lab-presets button")).to_have_count(4)


def few(visitor) -> None:
    """The least that there can be, to be quick."""
    field = visitor.page.get_by_label("number input for How many")
    field.fill("8")
    field.press("Tab")
    expect(visitor.page.locator("#lab-work")).to_contain_text("of 8 pictures", timeout=LONG)


def test_an_experiment_from_its_card_to_its_files(visitor):
    open_lab(visitor)
    page = visitor.page
    card = page.locator(".lab-presets button", has_text="What is a network worth")
    card.click()
    expect(card).to_have_attribute("aria-pressed", "true")
    expect(page.locator("#lab-work")).to_contain_text("960 reconstructions", timeout=LONG)
    few(visitor)
    expect(card).to_have_attribute("aria-pressed", "false")
    expect(page.locator("#lab-save-csv")).to_be_disabled()
    page.locator("#lab-run").click()
    expect(page.locator("#lab-progress")).to_contain_text(DONE, timeout=3 * LONG)
    expect(page.locator("#lab-verdict")).to_contain_text("At 64 pixels")
    expect(page.locator("#lab-table tbody tr")).to_have_count(15)
    page.wait_for_function(f"() => ({LINES})()?.length === 3")
    assert page.evaluate(LINES) == [["Linear interpolation", 5], ["Gaussian", 5], ["Density network", 5]]
    for part in SHOWN:
        expect(page.locator(part)).to_have_css("opacity", "1")

    with page.expect_download() as saved:
        page.locator("#lab-save-csv").click()
    assert saved.value.suggested_filename == "recon-lab.csv"
    said = Path(saved.value.path()).read_text()
    assert "# pictures: 8" in said and said.count("\nmdn-celeba,sobol,") == 5
    with page.expect_download() as saved:
        page.locator("#lab-save-png").click()
    drawn = np.asarray(Image.open(saved.value.path()).convert("RGB"))
    assert drawn.shape == (1120, 1800, 3) and (drawn[0, 0] == 255).all() and len(np.unique(drawn)) > 50
    assert (drawn[28:60] < 128).any(), "what it is of stands on top"
    page.locator("#lab-measure label", has_text="SSIM").click()
    for part in SHOWN:
        expect(page.locator(part)).to_have_css("opacity", "0.45")


def test_ones_own_pictures_and_what_cannot_be_run(visitor):
    open_lab(visitor)
    page = visitor.page
    visitor.choose("Pictures", "your own pictures")
    expect(page.locator("#lab-work")).to_contain_text("there are none yet", timeout=LONG)
    page.locator("#lab-run").click()
    assert "Choose the pictures first" in visitor.toast()
    files = []
    for k in range(3):
        stream = io.BytesIO()
        Image.fromarray(np.random.default_rng(k).integers(256, size=(40, 50, 3), dtype=np.uint8)).save(stream, "PNG")
        files.append({"name": f"{k}.png", "mimeType": "image/png", "buffer": stream.getvalue()})
    page.locator("#lab-files input[type=file]").first.set_input_files(files)
    expect(page.locator("#lab-work")).to_contain_text("of 3 pictures", timeout=LONG)
    page.locator("#lab-run").click()
    expect(page.locator("#lab-progress")).to_contain_text(DONE, timeout=3 * LONG)
    expect(page.locator("#lab-table tbody tr").first.locator("td").last).to_have_text("3")


def test_stop_keeps_the_rows_and_strokes_need_not_wait(visitor):
    open_lab(visitor)
    page = visitor.page
    field = page.get_by_label("number input for How many")
    field.fill("256")
    field.press("Tab")
    expect(page.locator("#lab-work")).to_contain_text("5,120 reconstructions", timeout=LONG)
    page.locator("#lab-run").click()
    expect(page.locator("#lab-table tbody tr").first).to_be_visible(timeout=3 * LONG)
    page.get_by_role("tab", name="Reconstruct").click()
    before = visitor.shown()
    visitor.paint((4, 4), (4, 20))
    visitor.changed(before, timeout=15_000)
    visitor.open_tab("Lab")
    expect(page.locator("#lab-progress")).not_to_contain_text(DONE)
    page.locator("#lab-stop").click()
    expect(page.locator("#lab-progress")).to_contain_text("; stopped", timeout=LONG)
    assert page.locator("#lab-table tbody tr").count() >= 1
    expect(page.locator("#lab-save-csv")).to_be_enabled()
    few(visitor)
    for part in SHOWN:
        expect(page.locator(part)).to_have_css("opacity", "0.45")  # of other settings

    page.get_by_label("256", exact=True).uncheck()
    visitor.choose("Pictures", "dead leaves, drawn by code")
    page.wait_for_function("() => JSON.parse(sessionStorage['recon-lab']).data === 'leaves'")
    work = page.locator("#lab-work").inner_text()
    visitor.reload()
    open_lab(visitor)
    expect(page.locator("#lab-work")).to_have_text(work, timeout=LONG)
    expect(page.get_by_label("number input for How many")).to_have_value("8")
    expect(page.get_by_label("256", exact=True)).not_to_be_checked()
    assert visitor.setting("Pictures") == "dead leaves, drawn by code"
    expect(page.locator(".lab-presets button[aria-pressed=true]")).to_have_count(0)


def test_nothing_is_wider_than_a_phone_or_a_tablet(chromium, visit):
    context = chromium.new_context(viewport={"width": 400, "height": 800})
    visitor = visit(context)
    open_lab(visitor)
    page = visitor.page
    page.locator(".lab-presets button", has_text="Do intervals mean").click()
    expect(page.locator("#lab-work")).to_contain_text("192 reconstructions", timeout=LONG)
    few(visitor)
    page.locator("#lab-run").click()
    expect(page.locator("#lab-progress")).to_contain_text(DONE, timeout=3 * LONG)
    page.wait_for_function(f"() => ({LINES})()?.length === 4")
    for width in (400, 800):
        page.set_viewport_size({"width": width, "height": 800})
        page.wait_for_function(
            "(width) => document.querySelector('#lab-plot .main-svg').clientWidth <= width", arg=width
        )
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        for part in (".lab-presets", "#lab-run", "#lab-plot .js-plotly-plot", "#lab-table"):
            box = page.locator(part).first.bounding_box()
            assert box["x"] >= 0 and box["x"] + box["width"] <= width, part
    visitor.close()
    context.close()
