"""Beyond images in Chromium, by two people: nobody waits for what is made for somebody else."""

from __future__ import annotations

import time

import pytest

from recon.ui import shaping
from tests.ui.test_racing import small_engine
from tests.ui.visitor import VERY_LONG, expect

pytestmark = [pytest.mark.browser, pytest.mark.filterwarnings("ignore::DeprecationWarning:gradio")]
PACE = 0.2  # seconds that a part takes, so that three chairs take five


@pytest.fixture(scope="module")
def tabs():
    return ("Beyond images",)


@pytest.fixture(scope="module")
def engine():
    return small_engine()


class Parts(list):
    """Those that were made of chairs; slowly once there is a pace"""

    pace = 0.0


@pytest.fixture
def parts(monkeypatch):
    laws, made = shaping.laws, Parts()

    def slowly(*asked):
        for law in laws(*asked):
            time.sleep(made.pace)
            made.append(law)
            yield law

    monkeypatch.setattr(shaping, "laws", slowly)
    return made


def to(visitor, part):
    visitor.open_tab("Beyond images")
    visitor.page.get_by_role("tab", name=part, exact=True).click()


def test_a_second_person_is_answered_while_chairs_are_made_for_the_first(visit, desktop, parts, engine):
    one, other = visit(desktop), visit(desktop)
    to(one, "Shapes")
    expect(one.page.locator("#shapes-said")).to_contain_text("in common with the true one", timeout=VERY_LONG)
    parts.pace = PACE
    busy = one.page.locator("#shapes-status .texture-busy")
    one.page.locator("#shapes-draw").click()
    expect(busy).to_be_visible()
    page = other.page
    page.bring_to_front()
    before = other.shown()
    other.open_tab("Reconstruct")
    other.paint((1, 1), (1, 4))
    other.changed(before)
    assert busy.count()
    page.get_by_role("tab", name="Beyond images", exact=True).click()
    page.get_by_role("tab", name="Shapes", exact=True).click()  # the same part as the first person's
    expect(page.locator("#shapes-said")).to_contain_text("in common with the true one", timeout=VERY_LONG)
    assert busy.count()
    one.page.bring_to_front()
    one.page.locator("#shapes-stop").click()
    expect(one.page.locator("#shapes-status")).to_contain_text("Stopped")
    assert not busy.count() and one.page.locator("#shapes-stop").is_hidden()
    made = len(parts)
    one.page.wait_for_timeout(int(3000 * PACE))
    assert len(parts) <= made + 1 and not engine.desk.turns.taken


def test_an_answer_is_stopped_overtaken_and_stays_what_it_was(visitor, parts):
    page = visitor.page
    to(visitor, "Shapes")
    said = page.locator("#shapes-said")
    expect(said).to_contain_text("in common with the true one", timeout=VERY_LONG)
    seen = "() => document.querySelectorAll('#shapes-points .js-plotly-plot')[0].data[0].x.length"
    assert page.evaluate(seen) == 128
    parts.pace = PACE
    page.locator("#shapes-size").get_by_label("16", exact=True).check()
    expect(said).to_contain_text("part ", timeout=VERY_LONG)
    page.locator("#shapes-halt").click()
    expect(said).to_contain_text("Stopped. This is the chair of seed 1 still, from 128 dots.")
    assert page.evaluate(seen) == 128 and page.locator("#shapes-halt").is_hidden()
    before = len(parts)
    for size in ("32", "64", "256"):
        page.locator("#shapes-size").get_by_label(size, exact=True).check()
        page.wait_for_timeout(150)
    expect(said).to_contain_text("in common with the true one", timeout=VERY_LONG)
    assert page.evaluate(seen) == 256 and len(parts) - before < 24  # as many as three answers have
    page.locator("#shapes-another").click()
    page.locator("#shapes-another").click()
    expect(page.locator("#shapes-seed input")).to_have_value("3")
    page.locator("#shapes-draw").click()
    expect(page.locator("#shapes-status")).to_contain_text("The chair comes first.")
    expect(page.locator("#shapes-status")).to_contain_text("of the next one", timeout=VERY_LONG)
    page.locator("#shapes-kind select").select_option(label="stool")  # samples of what was before end
    expect(page.locator("#shapes-status")).to_contain_text("Stopped", timeout=VERY_LONG)
    expect(page.locator("#shapes-status")).to_contain_text("Nothing is drawn", timeout=VERY_LONG)
    expect(said).to_contain_text("in common with the true one", timeout=VERY_LONG)
