"""The whole page in Chromium, used as a person uses it."""

from __future__ import annotations

import io
import json
import re
import time
import zipfile
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
import pytest
from PIL import Image

from recon import images, patches
from recon.ui.painting import Painting
from recon.ui.session import Session

pytestmark = [pytest.mark.browser, pytest.mark.filterwarnings("ignore::DeprecationWarning:gradio")]
playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
expect = playwright.expect
CHROMIUM = Path("/usr/bin/chromium")
FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"]
FLAGS += ["--disable-background-networking", "--disable-component-update", "--disable-sync"]
LONG = 30_000  # ms, for a machine that does something else as well

SHOWN = "() => document.querySelector('#recon-view canvas').toDataURL()"
HEAT = "() => document.querySelector('#recon-map .js-plotly-plot')?.calcdata?.[0]?.[0]?.z?.map((row) => [...row])"


@pytest.fixture(scope="module")
def chromium():
    if not CHROMIUM.exists():
        pytest.skip("Chromium is not installed")
    with playwright.sync_playwright() as p:
        browser = p.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


class Visitor:
    """A person with one tab open."""

    def __init__(self, page, url: str, link: str = ""):
        self.page, self.url = page, url
        self.errors: list[str] = []
        self.outside: list[str] = []
        page.set_default_timeout(LONG)
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("console", lambda said: self.errors.append(said.text) if said.type == "error" else None)
        page.on("request", self.see)
        page.goto(url + link)
        self.ready()

    def see(self, request) -> None:
        at = urlsplit(request.url)
        if at.scheme not in ("data", "blob") and at.netloc != urlsplit(self.url).netloc:
            self.outside.append(request.url)

    def ready(self) -> None:
        expect(self.page.locator("#recon-status")).to_contain_text(" ms", timeout=LONG)
        expect(self.page.locator("#recon-scores")).not_to_be_empty(timeout=LONG)
        self.page.wait_for_function("() => window.reconOpened && document.querySelector('#recon-view canvas')")

    def reload(self) -> None:
        """What is on its way when a page is left is aborted, and gradio says so in the console."""
        before = len(self.errors)
        self.page.reload()
        self.errors[before:] = [said for said in self.errors[before:] if not re.search("abort|Connection err", said)]
        self.ready()

    def close(self) -> None:
        self.page.close()
        assert not self.errors, self.errors
        assert not self.outside, self.outside

    # what is seen

    def count(self, painted: int) -> None:
        expect(self.page.locator(".painter-count")).to_have_text(f"{painted} of 1024 pixels", timeout=LONG)

    def shown(self) -> str:
        """The reconstruction, as drawn."""
        return self.page.evaluate(SHOWN)

    def changed(self, before: str, timeout: float = LONG) -> str:
        """Waits for another reconstruction than `before`."""
        self.page.wait_for_function(f"(before) => ({SHOWN})() !== before", arg=before, timeout=timeout)
        return self.shown()

    def cells(self, painted: int | None = None) -> dict[tuple[int, int], list[int]]:
        """What is painted, as the tab keeps it; of that number of cells, if it is said."""
        if painted is not None:
            script = "(count) => JSON.parse(sessionStorage.recon || '{}').painting?.cells.length === count"
            self.page.wait_for_function(script, arg=painted)
        return {(row, col): rgb for row, col, *rgb in self.kept()["painting"]["cells"]}

    def kept(self) -> dict:
        return json.loads(self.page.evaluate("() => sessionStorage.recon"))

    def toast(self) -> str:
        """The sentence that pops up; it is put away."""
        said = self.page.get_by_test_id("toast-text").inner_text().strip()
        self.page.get_by_test_id("toast-close").click()
        expect(self.page.get_by_test_id("toast-body")).to_have_count(0)
        assert said.endswith(".") and "our fault" not in said and "Error" not in said, said
        return said

    def setting(self, label: str) -> str:
        return self.page.get_by_label(label, exact=True).first.input_value()

    # what is done

    def at(self, where: str, row: int, col: int) -> tuple[float, float]:
        where = self.page.locator(where).first
        where.scroll_into_view_if_needed()
        box = where.bounding_box()
        return box["x"] + (col + 0.5) * box["width"] / 32, box["y"] + (row + 0.5) * box["height"] / 32

    def paint(self, *cells: tuple[int, int]) -> None:
        self.page.bring_to_front()  # a tab behind another is slow to draw
        mouse = self.page.mouse
        mouse.move(*self.at(".painter-canvas", *cells[0]))
        mouse.down()
        for cell in cells[1:]:
            mouse.move(*self.at(".painter-canvas", *cell))
        mouse.up()

    def press(self, name: str) -> None:
        self.page.get_by_role("button", name=name, exact=True).click()

    def look(self, name: str) -> None:
        self.page.locator(".recon-look label", has_text=re.compile(f"^ *{name} *$")).click()

    def choose(self, label: str, option: str) -> None:
        self.page.get_by_label(label, exact=True).first.click()
        self.page.get_by_role("option", name=option, exact=True).click()

    def upload(self, content: bytes, name: str = "photo.png") -> None:
        field = self.page.locator("#recon-upload input[type=file]").first
        if not field.count():
            self.page.get_by_text("A picture of your own").click()
        file = {"name": name, "mimeType": "image/png", "buffer": content}
        field.set_input_files(file)


@pytest.fixture(scope="module")
def desktop(chromium):
    """One for all tests: what the browser has cached, it need not load again."""
    context = chromium.new_context(viewport={"width": 1280, "height": 800}, accept_downloads=True)
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    return context


@pytest.fixture
def visit(url):
    """Opens tabs, and at the end asserts that none had an error or asked for anything outside of this machine."""
    opened = []

    def open_tab(context, link: str = "") -> Visitor:
        opened.append(Visitor(context.new_page(), url, link))
        return opened[-1]

    yield open_tab
    for one in opened:
        one.close()


@pytest.fixture
def visitor(visit, desktop):
    return visit(desktop)


def photo() -> tuple[bytes, np.ndarray]:
    """A picture that nobody has seen before, and what the grid makes of it."""
    y, x = np.mgrid[0:300, 0:400]
    rgb = np.stack([x * 0.6, 250 - y * 0.7, 90 + 60 * np.sin(x / 40)], -1).clip(0, 255).astype(np.uint8)
    image, stream = Image.fromarray(rgb), io.BytesIO()
    image.save(stream, "PNG")
    return stream.getvalue(), images.fit(image, 32)


def test_the_first_page_shows_a_reconstruction_on_one_screen(visitor):
    visitor.count(64)
    visitor.page.wait_for_function(HEAT)
    assert np.shape(visitor.page.evaluate(HEAT)) == (32, 32)
    expect(visitor.page.locator("#recon-scores")).to_contain_text("dB")
    colours = "() => new Set(new Uint32Array(document.querySelector('#recon-view canvas').getContext('2d')" \
        ".getImageData(0, 0, 300, 300).data.buffer)).size"  # fmt: skip
    assert visitor.page.evaluate(colours) > 100
    for part in (".painter-canvas", "#recon-view canvas", "#recon-map .nsewdrag", "#recon-draw", ".painter-bar"):
        box = visitor.page.locator(part).first.bounding_box()
        assert box["y"] >= 0 and box["y"] + box["height"] <= 800, part
    assert visitor.page.evaluate("document.documentElement.scrollWidth") <= 1280
    assert not [key for key in visitor.page.evaluate("Object.keys(localStorage)") if "recon" in key]


def test_painting_changes_the_picture_and_a_reload_loses_nothing(visitor):
    before = visitor.shown()
    visitor.press("Clear")
    visitor.count(0)
    expect(visitor.page.locator("#recon-note")).to_contain_text("Nothing is observed yet")
    before = visitor.changed(before)
    visitor.paint((4, 4))  # whatever is slow the first time is not what is measured
    before = visitor.changed(before)
    began = time.monotonic()
    visitor.paint((10, 8), (10, 22))
    visitor.changed(before, timeout=2000)
    assert time.monotonic() - began < 2.5
    visitor.count(16)
    painted = visitor.cells(16)
    assert set(painted) == {(4, 4)} | {(10, col) for col in range(8, 23)}

    visitor.page.keyboard.press("Control+z")
    visitor.count(1)
    visitor.page.keyboard.press("Control+y")
    visitor.choose("Patch", "Halton")
    visitor.count(64)
    visitor.press("Undo")  # a patch is undone like any stroke
    assert visitor.cells(16) == painted
    visitor.reload()
    visitor.count(16)
    assert visitor.cells(16) == painted and visitor.setting("Patch") == "Halton"


def test_a_picture_of_ones_own(visitor):
    content, truth = photo()
    before = visitor.shown()
    visitor.upload(content)
    before = visitor.changed(before)
    visitor.count(64)
    visitor.page.get_by_role("slider", name="How many pixels").press("PageUp")  # a tenth of the way: twice as many
    visitor.count(128)
    visitor.changed(before)
    mask = patches.sobol(32, 128)
    assert visitor.cells(128) == {(row, col): truth[row, col].tolist() for row, col in np.argwhere(mask).tolist()}

    spread = np.array(visitor.page.evaluate(HEAT))
    visitor.page.wait_for_function(f"() => ({HEAT})().flat().filter((z) => z === 0).length === 128")
    spread = np.array(visitor.page.evaluate(HEAT))
    assert np.array_equal(spread == 0, mask)
    for said in (r"\d+\.\d dB", r"0\.\d\d", r"\d\.\d\d"):
        expect(visitor.page.locator("#recon-scores")).to_contain_text(re.compile(said))

    card = visitor.page.locator("#recon-pixel")
    (row, col), (other_row, other_col) = np.argwhere(~mask)[[200, 700]].tolist()
    visitor.page.mouse.click(*visitor.at("#recon-view canvas", row, col))
    expect(card).to_contain_text(f"Pixel row {row}, column {col}")
    expect(card.locator("polyline")).to_have_count(3)
    told = re.search(r"truly ([\d., ]+)", card.inner_text())[1]
    assert [float(value) for value in told.split(", ")] == pytest.approx(truth[row, col] / 255, abs=0.006)
    visitor.page.mouse.click(*visitor.at("#recon-map .nsewdrag", other_row, other_col))
    expect(card).to_contain_text(f"Pixel row {other_row}, column {other_col}")
    frame = "() => document.querySelector('#recon-map .js-plotly-plot').layout.shapes.map((one) => [one.y0, one.x0])"
    visitor.page.wait_for_function(f"([row, col]) => ({frame})().every(([y, x]) => y === row - .5 && x === col - .5)",
                                   arg=[other_row, other_col])  # fmt: skip
    assert len(visitor.page.evaluate(frame)) == 2
    visitor.page.mouse.click(*visitor.at("#recon-map .nsewdrag", *np.argwhere(mask)[9].tolist()))
    expect(card).to_contain_text("It was observed")


def test_the_map_is_drawn_into_one_figure_and_says_what_a_pixel_holds(visitor):
    visitor.page.wait_for_function(HEAT)
    visitor.page.evaluate("() => { window.first = document.querySelector('#recon-map .js-plotly-plot'); }")
    spread = np.array(visitor.page.evaluate(HEAT))
    before = visitor.shown()
    row, col = np.unravel_index(spread.argmax(), spread.shape)
    visitor.paint((int(row), int(col)))
    visitor.changed(before)
    visitor.page.wait_for_function(f"([row, col]) => ({HEAT})()[row][col] === 0", arg=[int(row), int(col)])
    assert visitor.page.evaluate("document.querySelector('#recon-map .js-plotly-plot') === window.first")
    hidden = (0, 0) if spread[0, 0] else (0, 1)
    visitor.page.mouse.move(*visitor.at("#recon-map .nsewdrag", *hidden))
    word = visitor.page.locator("#recon-map .hovertext")
    for said in (f"row {hidden[0]}, column {hidden[1]}", "mean 0.", "std. dev. 0.", "90 % from 0."):
        expect(word).to_contain_text(said)


def test_a_photo_outlives_a_reload(visitor):
    content, truth = photo()
    before = visitor.shown()
    visitor.upload(content)
    visitor.changed(before)
    row, col = np.argwhere(~patches.sobol(32, 64))[100].tolist()

    visitor.reload()  # the picture is not on the server, and yet it is kept
    visitor.count(64)
    expect(visitor.page.locator("#recon-scores")).to_contain_text("dB")
    visitor.press("Reveal")
    visitor.paint((row, col))
    assert visitor.cells(65)[row, col] == truth[row, col].tolist()


def test_samples(visitor):
    grid = visitor.page.locator("#recon-gallery .sample-grid")
    visitor.press("Draw samples")
    expect(grid.locator("img")).to_have_count(8)
    expect(visitor.page.locator("#recon-drawn")).to_contain_text("8 exact joint samples")
    expect(grid).to_be_in_viewport()
    drawn = [image.get_attribute("src") for image in grid.locator("img").all()]
    assert len(set(drawn)) == 8
    before = visitor.shown()
    grid.get_by_role("button", name="Sample 4").click()
    visitor.changed(before)
    expect(visitor.page.locator(".recon-look label", has_text="A sample").locator("input")).to_be_checked()
    expect(grid).not_to_have_class(re.compile("stale"))
    visitor.paint((2, 2))
    expect(grid).to_have_class(re.compile("stale"))  # they are samples of another painting now


def test_looks(visitor):
    seen = [visitor.shown()]
    for look in ("Observed", "Nearest", "Error", "A sample", "Mean"):
        visitor.look(look)
        seen.append(visitor.changed(seen[-1]))
    assert seen[-1] == seen[0] and len(set(seen)) == 5
    visitor.page.get_by_label("observed marked").check()
    assert visitor.changed(seen[-1]) not in seen


def test_where_next(visitor):
    """The next pixel is marked on the grid; one click takes it from the picture, and marks the one after."""
    mark = "() => document.querySelector('.painter-canvas').toDataURL()"
    before = visitor.page.evaluate(mark)
    reveal = visitor.page.get_by_role("button", name="Reveal it")
    expect(reveal).to_be_hidden()
    visitor.press("Where next?")
    expect(visitor.page.locator("#recon-note")).to_contain_text("It would look at row")
    visitor.page.wait_for_function(f"(before) => ({mark})() !== before", arg=before)
    row, col = map(int, re.findall(r"\d+", visitor.page.locator("#recon-note").inner_text())[:2])
    shown = visitor.shown()
    reveal.click()
    visitor.changed(shown)
    visitor.count(65)
    assert (row, col) in visitor.cells(65)
    visitor.press("Undo")
    visitor.count(64)
    visitor.press("Clear")
    visitor.choose("Picture", "none: paint freely")
    expect(visitor.page.locator("#recon-scores")).to_contain_text("Choose a picture")
    visitor.press("Where next?")
    expect(visitor.page.locator("#recon-note")).to_contain_text("paint it")
    expect(reveal).to_be_hidden()


def test_models(visitor, engine, binary):
    titles = {name: title for title, name in engine.choices()}
    status, before = visitor.page.locator("#recon-status"), visitor.shown()
    for name in ("gaussian-cifar10", binary, "nearest", engine.default):
        visitor.choose("Model", titles[name])
        expect(status).to_contain_text(titles[name])
        before = visitor.changed(before)
        visitor.count(64)
        if name == binary:
            expect(visitor.page.locator(".painter-swatch")).to_have_count(2)
        if name == "nearest":
            expect(visitor.page.locator("#recon-note")).to_contain_text("A classical method")
            expect(visitor.page.locator("#recon-map")).to_contain_text("does not say how sure it is")
            visitor.press("Draw samples")
            assert "mean alone" in visitor.toast()
            expect(visitor.page.locator("#recon-drawn")).not_to_contain_text("drawing")
    expect(visitor.page.locator(".painter-swatch")).to_have_count(4)
    visitor.page.wait_for_function(HEAT)


def test_without_live_nothing_happens_until_run(visitor):
    visitor.page.get_by_label("live: follow every stroke").uncheck()
    run = visitor.page.get_by_role("button", name="Run", exact=True)
    expect(run).to_be_visible()
    before = visitor.shown()
    visitor.paint((5, 5), (5, 15))
    visitor.cells(64 + len({(5, col) for col in range(5, 16)} - set(map(tuple, np.argwhere(patches.sobol(32, 64))))))
    visitor.page.wait_for_timeout(700)
    assert visitor.shown() == before
    run.click()
    visitor.changed(before)


def test_shuffle_picks_other_pixels(visitor):
    seen = [set(visitor.cells(64))]
    for seed in ("1", "2"):
        before = visitor.shown()
        visitor.press("Shuffle")
        expect(visitor.page.get_by_label("Seed")).to_have_value(seed)
        visitor.changed(before)
        visitor.page.wait_for_function(
            "(seed) => JSON.parse(sessionStorage.recon).patch.seed === Number(seed)", arg=seed
        )
        seen.append(set(visitor.cells(64)))
    assert seen[0] != seen[1] != seen[2] and visitor.setting("Patch") == "Sobol', shifted at random"


def test_a_link_and_a_file_bring_everything_back(visitor, visit, chromium, tmp_path):
    visitor.choose("Picture", "cat")
    visitor.choose("Patch", "random")
    visitor.choose("Model", "Gaussian · objects (JPEG CIFAR-10)")
    expect(visitor.page.locator("#recon-status")).to_contain_text("CIFAR-10")
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
        assert opened.setting("Model") == "Gaussian · objects (JPEG CIFAR-10)"
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
    visitor.count(64)
    assert visitor.cells(64) == painted
    before = visitor.shown()
    visitor.paint((3, 3), (3, 6))  # and the page still works
    visitor.changed(before)


def test_a_link_from_a_stranger_is_a_sentence(visit, desktop):
    evil = "<img src=x onerror=\"document.title='owned'\">"
    painting = Painting.parse({"side": 32, "cells": [[0, 0, 1, 2, 3]]})
    for link in ("abc", Session(evil, painting=painting).to_link()):
        found = visit(desktop, "#recon=" + link)
        found.toast()
        found.count(64)
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
    reached = set()
    page.locator(".painter-canvas").focus()
    for _ in range(60):
        page.keyboard.press("Tab")
        reached.add(page.evaluate("document.activeElement.closest('[id^=recon-]')?.id"))
    for part in ("picture", "family", "seed", "shuffle", "size", "view", "draw", "download", "link", "model", "live"):
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
    page.get_by_role("tab", name="About the models").tap()
    expect(page.get_by_role("table").first).to_be_visible()
    assert page.evaluate(wide) <= 400
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
