"""One who does not wait for answers, goes back, and changes things while others are made."""

from __future__ import annotations

import json
import re

import pytest

from recon.painting import Painting
from recon.ui.session import Session
from tests.ui.visitor import LONG, expect

pytestmark = [pytest.mark.browser, pytest.mark.filterwarnings("ignore::DeprecationWarning:gradio")]


@pytest.fixture(scope="module")
def tabs():
    return ("Textures",)


def test_to_larger_pictures_and_back_before_they_have_come(visitor, engine):
    if "mdn-celeba64" not in engine.records:
        pytest.skip("no model of 64 x 64 is bundled")
    page = visitor.page
    for word in ("faces 64", "faces"):
        page.get_by_label("Pictures of", exact=True).select_option(word)
        page.wait_for_timeout(100)
    expect(page.locator("#recon-status")).to_contain_text(re.compile(r"faces \(CelebA 32\).*\d m?s"), timeout=LONG)
    page.wait_for_timeout(1000)
    expect(page.locator(".painter-count")).to_have_text(re.compile("of 1024 pixels"), timeout=LONG)
    before = visitor.shown()
    visitor.press("Clear")
    visitor.count(0)
    visitor.changed(before)
    expect(page.locator("#recon-status")).to_contain_text(" ms")


def test_a_picture_is_undone_and_comes_back_with_what_was_painted_on_it(visitor):
    undo = visitor.page.get_by_role("button", name="Undo", exact=True)
    expect(undo).to_have_attribute("aria-disabled", "true")  # before the first one there is nothing
    visitor.paint((0, 0), (0, 3))
    visitor.press("Undo")
    visitor.count(64)
    assert visitor.setting("Picture") == "astronaut, her face"
    expect(visitor.page.locator("#recon-scores")).to_contain_text("dB")
    before = visitor.cells()
    shown = visitor.shown()
    visitor.choose("Picture", "coffee")
    visitor.changed(shown)
    assert visitor.cells(len(before)) != before
    visitor.press("Undo")
    expect(visitor.page.get_by_label("Picture", exact=True)).to_have_value("astronaut, her face")
    is_kept = "(cells) => JSON.stringify(JSON.parse(sessionStorage.recon).painting.cells) === cells"
    as_before = json.dumps([[*at, *rgb] for at, rgb in before.items()], separators=(",", ":"))
    visitor.page.wait_for_function(is_kept, arg=as_before)
    visitor.press("Redo")
    visitor.page.wait_for_function(f"(cells) => !({is_kept})(cells)", arg=as_before)
    expect(visitor.page.get_by_label("Picture", exact=True)).to_have_value("coffee")
    visitor.choose("Picture", "none: paint freely")
    expect(visitor.page.locator("#recon-scores")).not_to_contain_text("dB")
    visitor.press("Clear")
    visitor.press("Undo")
    expect(visitor.page.get_by_label("Picture", exact=True)).to_have_value("none: paint freely")
    visitor.press("Undo")  # further back there was a picture
    expect(visitor.page.get_by_label("Picture", exact=True)).to_have_value("astronaut, her face")
    expect(visitor.page.locator("#recon-scores")).to_contain_text("dB")


def test_a_link_put_into_the_address_of_an_open_page_is_opened(visitor):
    link = Session("gaussian-celeba", painting=Painting.parse({"side": 32, "cells": [[3, 4, 250, 10, 20]]})).to_link()
    visitor.page.evaluate("(link) => { location.hash = link; }", f"recon={link}")
    visitor.count(1)
    assert visitor.cells(1) == {(3, 4): [250, 10, 20]}
    visitor.errors = [said for said in visitor.errors if not re.search("abort|Connection err", said)]


def test_what_changes_while_samples_are_drawn_makes_them_old(visitor):
    page, grid = visitor.page, visitor.page.locator("#recon-gallery .sample-grid")
    seed = page.locator("#recon-seed input")
    seed.fill("-5")
    visitor.press("Draw samples")
    assert visitor.toast().startswith("A seed is a whole number")
    expect(page.locator("#recon-drawn")).to_have_text("not drawn")  # nothing waits for ever
    seed.fill("0")
    visitor.press("Draw samples")
    expect(grid).to_have_class(re.compile("busy"), timeout=LONG)
    visitor.paint((2, 2), (2, 9))
    expect(grid).to_have_css("opacity", "0.45")  # at once
    expect(page.locator("#recon-drawn")).to_contain_text("8 joint samples", timeout=LONG)
    expect(grid).to_have_class(re.compile("stale"))
    visitor.press("Draw samples")
    expect(grid).not_to_have_class(re.compile("stale"))
    expect(page.locator("#recon-drawn")).to_contain_text("8 joint samples", timeout=LONG)
    expect(grid).not_to_have_class(re.compile("stale|busy"))
    page.get_by_label("Pictures of", exact=True).select_option("anything (classical)")
    expect(grid).to_have_class(re.compile("stale"))
    visitor.press("Draw samples")  # which is refused
    assert "mean alone" in visitor.toast()
    expect(grid).to_have_class(re.compile("stale"))


def test_another_texture_while_one_is_learned(visitor):
    """Curves take the place of what is there before any: the lists of what is plotted become shorter."""
    page = visitor.page
    visitor.open_tab("Textures")
    expect(page.locator("#texture-cards img").first).to_be_visible(timeout=LONG)
    page.locator("#texture-run").click()
    traces = "() => document.querySelector('#texture-plot .js-plotly-plot')?.data?.map((trace) => trace.name ?? '')"
    names = ["learned rows", "held-out rows", "best linear predictor, held out"]
    page.wait_for_function(f"(names) => JSON.stringify(({traces})()) === JSON.stringify(names)", arg=names)
    page.locator("#texture-cards button").nth(1).click()
    page.wait_for_timeout(1500)
    page.locator("#texture-run").click()
    page.wait_for_function(f"(names) => JSON.stringify(({traces})()) === JSON.stringify(names)", arg=names)
    page.locator("#texture-stop").click()
    expect(page.get_by_role("tab", name="Textures")).to_have_attribute("aria-selected", "true")
