"""The Shapes part of the page in Chromium."""

from __future__ import annotations

import time

import pytest

from recon.shapes import answer
from recon.ui import shapes, shaping
from tests.ui.test_racing import small_engine
from tests.ui.visitor import expect

pytestmark = [pytest.mark.browser, pytest.mark.filterwarnings("ignore::DeprecationWarning:gradio")]


@pytest.fixture(scope="module")
def tabs():
    return ("Beyond images",)


@pytest.fixture(scope="module")
def engine():
    return small_engine()


@pytest.fixture(autouse=True)
def fewer_points(monkeypatch):
    """Samples take a moment, not several"""
    monkeypatch.setattr(answer, "MOST", 160)
    monkeypatch.setattr(answer, "FEWEST", 32)


def test_a_chair_another_samples_and_its_file(visitor):
    page = visitor.page
    visitor.open_tab("Beyond images")
    page.get_by_role("tab", name="Shapes", exact=True).click()
    said = page.locator("#shapes-said p").last  # without what gradio says of the queue
    expect(said).to_contain_text("in common with the true one")
    before = said.inner_text()
    page.locator("#shapes-size").get_by_label("16", exact=True).check()
    expect(said).not_to_have_text(before)
    before = said.inner_text()
    page.locator("#shapes-another").click()
    expect(page.locator("#shapes-seed input")).to_have_value(str(shapes.FIRST_SEED + 1))
    expect(said).not_to_have_text(before)
    expect(page.locator("#shapes-sample-0")).to_be_hidden()
    page.locator("#shapes-draw").click()
    expect(page.locator("#shapes-status")).to_contain_text("in common with each other")
    expect(page.locator("#shapes-sample-2 .js-plotly-plot")).to_be_visible()
    with page.expect_download() as download:
        page.locator("#shapes-save").click()
    assert download.value.suggested_filename == "recon-chair.obj"
    assert download.value.path().read_text().startswith("v ")


def test_stop_ends_the_drawing_and_a_phone_shows_all(visit, chromium, monkeypatch):
    drawn = shaping.drawn

    def slowly(field):
        time.sleep(1.5)
        return drawn(field)

    phone = chromium.new_context(viewport={"width": 400, "height": 860}, has_touch=True)
    visitor = visit(phone)
    page = visitor.page
    visitor.open_tab("Beyond images")
    page.get_by_role("tab", name="Shapes", exact=True).tap()
    expect(page.locator("#shapes-said")).to_contain_text("in common with the true one")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    monkeypatch.setattr(shaping, "drawn", slowly)
    page.locator("#shapes-draw").tap()
    expect(page.locator("#shapes-status")).to_contain_text("of 3")
    page.locator("#shapes-stop").tap()
    expect(page.locator("#shapes-status")).to_contain_text("Stopped")
    page.wait_for_timeout(3000)
    expect(page.locator("#shapes-status")).to_contain_text("Stopped")
