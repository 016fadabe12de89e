"""The Clips part of the page in Chromium."""

from __future__ import annotations

import time

import pytest

from recon.ui import clipping
from tests.clips.test_files import moving
from tests.ui.test_racing import small_engine
from tests.ui.visitor import VERY_LONG, expect

pytestmark = [pytest.mark.browser, pytest.mark.filterwarnings("ignore::DeprecationWarning:gradio")]


@pytest.fixture(scope="module")
def tabs():
    return ("Beyond images",)


DRAWN = "(k) => document.querySelectorAll('#clips-wall canvas')[k].toDataURL()"


@pytest.fixture(scope="module")
def engine():
    return small_engine()


def arrive(visitor):
    visitor.open_tab("Beyond images")
    visitor.page.get_by_role("tab", name="Clips", exact=True).click()
    said = visitor.page.locator("#clips-said p").last  # without what gradio says of the queue
    expect(said).to_contain_text("PSNR", timeout=VERY_LONG)
    return said


def test_a_clip_plays_and_is_observed_otherwise_and_saved(visitor):
    page, said = visitor.page, arrive(visitor)
    truth = page.evaluate(DRAWN, 3)
    page.wait_for_function(f"(before) => ({DRAWN})(3) !== before", arg=truth)  # it moves by itself
    page.get_by_role("button", name="Pause", exact=True).click()
    page.get_by_label("Frame", exact=True).first.fill("4")
    expect(page.locator("#clips-wall .clip-frame")).to_have_text("5 of 16")
    before, still = said.inner_text(), page.evaluate(DRAWN, 3)
    visitor.choose("Known", "the same places in every frame")
    expect(said).not_to_have_text(before, timeout=VERY_LONG)
    assert page.evaluate(DRAWN, 3) == still
    page.locator("#clips-kind").get_by_label("beach", exact=True).check()
    expect(said).to_contain_text("waves on a beach", timeout=VERY_LONG)
    page.locator("#clips-another").click()
    page.locator("#clips-size").get_by_label("64", exact=True).check()  # at once: of the clip that is on its way
    expect(page.locator("#clips-seed input")).to_have_value("1")
    note = page.locator("#clips-wall figure p").first
    expect(note).to_contain_text("64 of 9216", timeout=VERY_LONG)
    page.wait_for_timeout(700)
    still = page.evaluate(DRAWN, 3)
    page.locator("#clips-size").get_by_label("32", exact=True).check()
    expect(note).to_contain_text("32 of 9216", timeout=VERY_LONG)
    assert page.evaluate(DRAWN, 3) == still
    with page.expect_download() as download:
        page.locator("#clips-save").click()
    assert download.value.suggested_filename == "recon-clip.gif"
    assert download.value.path().read_bytes().startswith(b"GIF89a")
    gif = {"name": "bar.gif", "mimeType": "image/gif", "buffer": moving(20)}
    page.locator("#clips-asked input[type=file]").set_input_files(gif)
    expect(page.locator("#clips-kind").get_by_label("your own", exact=True)).to_be_checked()
    page.locator("#clips-size").get_by_label("512", exact=True).check()
    expect(note).to_contain_text("512 of 9216", timeout=VERY_LONG)
    assert page.evaluate(DRAWN, 3) != still
    page.locator("#clips-asked input[type=file]").set_input_files({**gif, "buffer": moving(1)})
    assert "does not move" in visitor.toast()
    expect(page.locator("#clips-kind").get_by_label("your own", exact=True)).to_be_checked()
    page.get_by_label("Frame", exact=True).first.fill("4")
    own, before = page.evaluate(DRAWN, 3), said.inner_text()
    visitor.reload()
    assert arrive(visitor).inner_text() == before
    expect(page.locator("#clips-kind").get_by_label("your own", exact=True)).to_be_checked()
    expect(note).to_contain_text("512 of 9216", timeout=VERY_LONG)
    page.get_by_label("Frame", exact=True).first.fill("4")
    assert page.evaluate(DRAWN, 3) == own


def test_samples_can_be_stopped_and_a_phone_shows_all(visit, chromium, monkeypatch):
    means = clipping.means

    def slowly(*given):
        time.sleep(0.8)
        yield from means(*given)

    phone = chromium.new_context(viewport={"width": 400, "height": 860}, has_touch=True)
    visitor = visit(phone)
    page = visitor.page
    arrive(visitor)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    monkeypatch.setattr(clipping, "means", slowly)
    page.locator("#clips-draw").tap()
    expect(page.locator("#clips-samples canvas")).to_have_count(1, timeout=VERY_LONG)
    page.locator("#clips-stop").tap()
    expect(page.locator("#clips-status")).to_contain_text("Stopped", timeout=VERY_LONG)
    page.wait_for_timeout(1400)
    expect(page.locator("#clips-status")).to_contain_text("Stopped")
    assert page.locator("#clips-samples canvas").count() <= 2
