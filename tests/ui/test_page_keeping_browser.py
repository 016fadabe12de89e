"""The page in Chromium: keeping and sharing, what strangers send, other hands, other screens."""

from __future__ import annotations

import zipfile
from urllib.parse import urlsplit

import pytest

from recon.painting import Painting
from recon.ui.session import Session
from tests.ui.visitor import expect

pytestmark = [pytest.mark.browser, pytest.mark.filterwarnings("ignore::DeprecationWarning:gradio")]


def test_a_link_and_a_file_bring_everything_back(visitor, visit, chromium, tmp_path):
    visitor.choose("Picture", "cat")
    visitor.choose("Patch", "random")
    visitor.choose("Pictures of", "objects")
    expect(visitor.page.locator("#recon-status")).to_contain_text("CIFAR-10")
    visitor.choose("Model", "Gaussian")
    expect(visitor.page.locator("#recon-status")).to_contain_text("Gaussian · objects")
    visitor.count(64)
    visitor.paint((1, 1), (1, 4))
    visitor.page.wait_for_function("() => JSON.parse(sessionStorage.recon).painting.cells.length > 64")
    cells = visitor.cells()
    visitor.page.get_by_role("button", name="Link", exact=True).click()
    expect(visitor.page.locator("#recon-link")).to_have_text("Copied")
    link = visitor.page.evaluate("navigator.clipboard.readText()")
    with visitor.page.expect_download() as download:
        visitor.press("Download")
    with zipfile.ZipFile(download.value.path()) as archive:
        assert {"reconstruction.png", "reconstruction-16x.png", "result.npz"} <= set(archive.namelist())
        file = archive.extract("session.json", tmp_path)

    elsewhere = chromium.new_context(viewport={"width": 1280, "height": 800})
    opened = visit(elsewhere, "#" + urlsplit(link).fragment)

    def is_all_there():
        opened.count(len(cells))
        assert opened.cells(len(cells)) == cells
        assert opened.setting("Patch") == "random" and opened.setting("Picture") == "cat"
        assert (opened.setting("Pictures of"), opened.setting("Model")) == ("objects", "Gaussian")
        expect(opened.page.locator("#recon-status")).to_contain_text("CIFAR-10")
        expect(opened.page.locator("#recon-scores")).to_contain_text("dB")

    is_all_there()
    assert "#" not in opened.page.url  # so that a reload keeps what is painted from here on
    opened.press("Clear")
    opened.count(0)
    opened.choose("Picture", "none: paint freely")
    with opened.page.expect_file_chooser() as chooser:
        opened.press("Open")
    chooser.value.set_files(file)
    is_all_there()

    with opened.page.expect_file_chooser() as chooser:
        opened.press("Open")
    chooser.value.set_files({"name": "session.json", "mimeType": "application/json", "buffer": b'{"recon": 1}'})
    opened.toast()
    is_all_there()


def test_two_tabs_do_not_mix(visit, desktop):
    one, other = visit(desktop), visit(desktop)
    for tab in (one, other):
        tab.press("Clear")
        tab.count(0)
    for step in range(4):
        one.paint((2 + step, 3))
        other.paint((20 + step, 9), (20 + step, 11))
    one.count(4)
    other.count(12)
    assert set(one.cells(4)) == {(2 + step, 3) for step in range(4)}
    assert set(other.cells(12)) == {(20 + step, col) for step in range(4) for col in (9, 10, 11)}
    assert one.shown() != other.shown()


def test_what_is_no_picture_is_a_sentence_and_the_painting_stays(visitor):
    painted = visitor.cells(64)
    visitor.upload(b"Dear page, this is no picture.")
    assert "no picture that can be read" in visitor.toast()
    expect(visitor.page.locator("#recon-upload img")).to_have_count(0)  # a broken one says nothing
    visitor.count(64)
    assert visitor.cells(64) == painted
    before = visitor.shown()
    visitor.paint((3, 3), (3, 6))  # and the page still works
    visitor.changed(before)


def test_a_seed_that_is_none_costs_nothing_but_itself(visitor):
    visitor.paint((5, 3), (5, 6))
    painted = visitor.cells(64 + 4)
    seed = visitor.page.locator("#recon-seed input")
    for typed in ("-3", "5000000000"):
        seed.fill(typed)
        visitor.page.wait_for_timeout(300)  # it is kept
        visitor.reload()
        visitor.count(68)
        assert visitor.cells(68) == painted
        expect(seed).to_have_value("0")


def test_a_link_in_ones_own_address_does_not_win_over_what_came_after(visitor):
    visitor.page.evaluate("() => { navigator.clipboard.writeText = () => Promise.reject(new Error()); }")
    visitor.press("Link")
    expect(visitor.page.locator("#recon-link")).to_have_text("In the address bar")
    visitor.page.wait_for_function("location.hash.startsWith('#recon=')")
    visitor.paint((5, 3), (5, 6))
    painted = visitor.cells(68)
    visitor.reload()
    visitor.count(68)
    assert visitor.cells(68) == painted
    expect(visitor.page.locator("#recon-link")).to_have_text("Link")


def test_a_link_from_a_stranger_is_a_sentence(visit, desktop):
    evil = "<img src=x onerror=\"document.title='owned'\">"
    painting = Painting.parse({"side": 32, "cells": [[0, 0, 1, 2, 3]]})
    for link, painted in (("abc", 64), (Session(evil, painting=painting).to_link(), 1)):
        found = visit(desktop, "#recon=" + link)
        found.toast()
        found.count(painted)
        assert found.page.title() == "recon" and not found.page.locator("img[src=x]").count()


def test_without_a_mouse(visitor):
    page, before = visitor.page, visitor.shown()
    page.locator(".painter-canvas").focus()
    for key in ("ArrowDown", "ArrowRight", "Space"):
        page.keyboard.press(key)
    visitor.count(65)
    before = visitor.changed(before)
    page.keyboard.press("Enter")
    card = page.locator("#recon-pixel")
    expect(card).to_contain_text("Pixel row 1, column 1")
    visitor.changed(before)
    view = page.locator("#recon-view canvas")
    view.focus()
    for key in ("ArrowDown", "ArrowDown", "ArrowRight", "Enter"):
        page.keyboard.press(key)
    expect(card).to_contain_text("Pixel row 3, column 2")
    page.locator("#recon-picture input").focus()
    expect(page.get_by_role("listbox")).to_have_count(1)
    page.keyboard.press("Tab")
    expect(page.get_by_role("listbox")).to_have_count(0)
    reached = set()
    page.locator(".painter-canvas").focus()
    for _ in range(60):
        page.keyboard.press("Tab")
        reached.add(page.evaluate("document.activeElement.closest('[id^=recon-]')?.id"))
    for part in (
        "picture",
        "family",
        "seed",
        "shuffle",
        "size",
        "view",
        "draw",
        "download",
        "link",
        "kind",
        "model",
        "live",
    ):
        assert f"recon-{part}" in reached, part


def test_a_phone(visit, chromium):
    phone = chromium.new_context(viewport={"width": 400, "height": 860}, has_touch=True, is_mobile=True)
    found = visit(phone)
    page = found.page
    wide = "document.documentElement.scrollWidth"
    assert page.evaluate(wide) <= 400
    before = found.shown()
    page.touchscreen.tap(*found.at(".painter-canvas", 3, 3))
    found.count(65)
    found.changed(before)
    page.locator("#recon-draw").tap()
    expect(page.locator("#recon-gallery img")).to_have_count(8)
    expect(page.locator("#recon-gallery")).to_be_in_viewport()
    assert page.evaluate(wide) <= 400
    found.open_tab("Models")
    expect(page.get_by_role("table").first).to_be_visible()
    assert page.evaluate(wide) <= 400
    numbers = page.locator(".recon-model-card table").first
    assert numbers.evaluate("(one) => one.scrollWidth > one.clientWidth && getComputedStyle(one).overflowX === 'auto'")
    assert numbers.locator("td").first.evaluate("(cell) => cell.clientHeight") < 60  # a line
    phone.close()


def test_the_dark_theme(visit, chromium):
    context = chromium.new_context(viewport={"width": 1280, "height": 800}, color_scheme="dark")
    found = visit(context)
    assert max(found.page.evaluate("getComputedStyle(document.body).backgroundColor.match(/\\d+/g).map(Number)")) < 60
    dim = """() => [...document.querySelectorAll('h1, h3, h4, label, button, p, dd, dt, .quiet')]
        .filter((one) => one.offsetParent && one.innerText?.trim() && !one.disabled)
        .filter((one) => Math.max(...getComputedStyle(one).color.match(/\\d+/g).slice(0, 3).map(Number)) < 110)
        .map((one) => one.innerText)"""
    assert found.page.evaluate(dim) == []
    context.close()
