"""The Shapes part of the page in Chromium."""

from __future__ import annotations

import time

import pytest

from recon.shapes import answer
from recon.ui import shapes, shaping
from tests.shapes.test_gltf import parts
from tests.ui.test_racing import small_engine
from tests.ui.visitor import VERY_LONG, expect

pytestmark = [pytest.mark.browser, pytest.mark.filterwarnings("ignore::DeprecationWarning:gradio")]


DOTS = "(count) => document.querySelector('#shapes-points .js-plotly-plot')?.data[0].x.length === count"


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
    expect(said).to_contain_text("in common with the true one", timeout=VERY_LONG)
    before = said.inner_text()
    page.locator("#shapes-size").get_by_label("16", exact=True).check()
    expect(said).not_to_have_text(before, timeout=VERY_LONG)
    before = said.inner_text()
    page.locator("#shapes-another").click()
    expect(page.locator("#shapes-seed input")).to_have_value(str(shapes.FIRST_SEED + 1))
    expect(said).not_to_have_text(before, timeout=VERY_LONG)
    expect(page.locator("#shapes-sample-0")).to_be_hidden()
    page.locator("#shapes-draw").click()
    expect(page.locator("#shapes-status")).to_contain_text("in common with each other", timeout=VERY_LONG)
    expect(page.locator("#shapes-sample-2 .js-plotly-plot")).to_be_visible()
    with page.expect_download() as download:
        page.locator("#shapes-save").click()
    assert download.value.suggested_filename == "recon-chair.obj"
    text = download.value.path().read_text()
    with page.expect_download() as download:
        page.locator("#shapes-save-glb").click()
    assert download.value.suggested_filename == "recon-chair.glb"
    _, places, _, indices = parts(download.value.path().read_bytes())
    assert text.count("v ") == len(places) > 100 and text.count("\nf ") == len(indices) / 3


def test_a_reload_brings_the_kind_and_all_that_is_chosen_back(visitor):
    page = visitor.page
    visitor.open_tab("Beyond images")
    page.get_by_role("tab", name="Shapes", exact=True).click()
    said = page.locator("#shapes-said p").last
    expect(said).to_contain_text("in common with the true one", timeout=VERY_LONG)
    page.locator("#shapes-kind select").select_option(label="tub chair")
    page.locator("#shapes-size").get_by_label("256", exact=True).check()
    page.get_by_label("the true chair").check()
    page.locator("#shapes-another").click()
    page.wait_for_function("() => JSON.parse(sessionStorage['recon-shapes'] ?? '{}').seed === 2")
    expect(said).to_contain_text("in common with the true one", timeout=VERY_LONG)
    page.wait_for_function(DOTS, arg=256, timeout=VERY_LONG)
    before = said.inner_text()
    visitor.reload()
    visitor.open_tab("Beyond images")
    page.get_by_role("tab", name="Shapes", exact=True).click()
    expect(said).to_have_text(before, timeout=VERY_LONG)
    expect(page.locator("#shapes-kind select")).to_have_value("tub")
    expect(page.locator("#shapes-seed input")).to_have_value("2")
    expect(page.get_by_label("the true chair")).to_be_checked()
    page.wait_for_function(DOTS, arg=256, timeout=VERY_LONG)
    assert page.evaluate("document.querySelector('#shapes-points .js-plotly-plot').data.length") == 2
    page.get_by_label("the true chair").uncheck()  # a look alone: nothing is made anew
    page.wait_for_function("document.querySelector('#shapes-points .js-plotly-plot').data.length === 1")
    expect(said).to_have_text(before, timeout=VERY_LONG)


def test_stop_ends_the_drawing_and_a_phone_shows_all(visit, chromium, monkeypatch):
    drawn = shaping.drawn

    def slowly(field):
        time.sleep(0.8)
        return drawn(field)

    phone = chromium.new_context(viewport={"width": 400, "height": 860}, has_touch=True)
    visitor = visit(phone)
    page = visitor.page
    visitor.open_tab("Beyond images")
    page.get_by_role("tab", name="Shapes", exact=True).tap()
    expect(page.locator("#shapes-said")).to_contain_text("in common with the true one", timeout=VERY_LONG)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    monkeypatch.setattr(shaping, "drawn", slowly)
    page.locator("#shapes-draw").tap()
    expect(page.locator("#shapes-status")).to_contain_text("1 of 3", timeout=VERY_LONG)
    expect(page.locator("#shapes-sample-0 .js-plotly-plot")).to_be_visible()
    expect(page.locator("#shapes-sample-1")).to_be_hidden()  # on a phone, until it is there
    expect(page.locator("#shapes-mean")).to_be_visible()
    page.locator("#shapes-stop").tap()
    expect(page.locator("#shapes-status")).to_contain_text("Stopped", timeout=VERY_LONG)
    page.wait_for_timeout(1600)
    expect(page.locator("#shapes-status")).to_contain_text("Stopped", timeout=VERY_LONG)


def test_a_finger_turns_a_shape_or_scrolls_past_it(visit, chromium):
    phone = chromium.new_context(viewport={"width": 400, "height": 860}, has_touch=True, is_mobile=True)
    visitor = visit(phone)
    page, hand = visitor.page, phone.new_cdp_session(visitor.page)
    visitor.open_tab("Beyond images")
    page.get_by_role("tab", name="Shapes", exact=True).tap()
    expect(page.locator("#shapes-said")).to_contain_text("in common with the true one", timeout=VERY_LONG)
    scene = page.locator("#shapes-mean .gl-container")
    scene.scroll_into_view_if_needed()
    page.wait_for_timeout(500)
    plot = "document.querySelector('#shapes-mean .js-plotly-plot')"
    eye = f"JSON.stringify({plot}._fullLayout.scene._scene.getCamera().eye)"

    def swipe(across, down):
        box = scene.bounding_box()
        x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
        hand.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [{"x": x, "y": y}]})
        for step in range(1, 11):
            points = [{"x": x + across * step / 10, "y": y + down * step / 10}]
            hand.send("Input.dispatchTouchEvent", {"type": "touchMove", "touchPoints": points})
            page.wait_for_timeout(20)
        hand.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
        page.wait_for_timeout(500)

    before, at = page.evaluate("scrollY"), page.evaluate(eye)
    swipe(0, -150)
    assert page.evaluate("scrollY") > before + 60 and page.evaluate(eye) == at
    before = page.evaluate("scrollY")
    swipe(110, 10)
    assert page.evaluate("scrollY") == before and page.evaluate(eye) != at
    phone.close()
