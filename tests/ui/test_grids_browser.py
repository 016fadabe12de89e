"""A model of larger pictures in a browser: its grid comes with it, and what was painted survives the way back."""

from __future__ import annotations

import re

import pytest

from tests.ui.visitor import HEAT, LONG, expect

pytestmark = [pytest.mark.browser, pytest.mark.filterwarnings("ignore::DeprecationWarning:gradio")]

LARGE, SMALL = "Scale mixture · faces 64", "Gaussian · faces (CelebA 32)"


@pytest.fixture
def person(visitor, engine):
    if "gsm-celeba64" not in engine.records:
        pytest.skip("no model of 64 x 64 is bundled")
    return visitor


def choose(page, title: str) -> None:
    menu = page.locator("#recon-model input").first
    menu.click()
    menu.fill(title)
    page.get_by_role("option", name=title).first.click()


def counted(page, painted: int, side: int) -> None:
    expect(page.locator(".painter-count")).to_have_text(f"{painted} of {side**2} pixels", timeout=LONG)


def test_there_and_back(person):
    page, size = person.page, person.page.locator("#recon-size input[type=number]")
    person.press("Clear")
    counted(page, 0, 32)
    person.paint((10, 16))
    counted(page, 1, 32)
    choose(page, LARGE)
    counted(page, 4, 64)
    page.wait_for_function(f"({HEAT})()?.length === 64")
    expect(size).to_have_attribute("max", "4096")
    ranges = page.evaluate("() => document.querySelector('#recon-map .js-plotly-plot').layout.yaxis.range")
    assert ranges == [63.5, -0.5]
    size.fill("2000")
    size.press("Enter")
    counted(page, 2000, 64)
    expect(page.locator("#recon-status")).to_contain_text(re.compile("faces 64.* ms"), timeout=LONG)
    size.fill("200")
    size.press("Enter")
    counted(page, 200, 64)
    person.reload()
    counted(page, 200, 64)
    expect(size).to_have_attribute("max", "4096")
    choose(page, SMALL)
    counted(page, 200, 32)
    page.wait_for_function(f"({HEAT})()?.length === 32")
    expect(size).to_have_attribute("max", "1024")
    choose(page, LARGE)
    counted(page, 200, 64)
