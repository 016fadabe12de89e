"""Drives the painter in Chromium, against a tiny page that keeps what Python received."""

import re
import threading
import time
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from recon.ui.painting import Painting, encode_picture

pytestmark = [pytest.mark.browser, pytest.mark.filterwarnings("ignore::DeprecationWarning:gradio")]
playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
CHROMIUM = Path("/usr/bin/chromium")
FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"]
FLAGS += ["--disable-background-networking", "--disable-component-update", "--disable-sync"]

SIDE = 16
PICTURE = np.arange(SIDE * SIDE * 3, dtype=np.uint32).reshape(SIDE, SIDE, 3).astype(np.uint8)
ONE_CELL = {"side": SIDE, "cells": [[3, 4, 10, 200, 30]]}
BROWN = [0x5B, 0x3A, 0x29]  # the first swatch


@pytest.fixture(scope="module")
def app():
    """The page, and what its events brought: `strokes` as (tool, Painting), `picks` as (row, col)."""
    if not CHROMIUM.exists():
        pytest.skip("Chromium is not installed")
    import gradio as gr

    from recon.ui.painter import Painter

    heard = SimpleNamespace(strokes=[], picks=[], url="", now=threading.Event())

    def later():
        assert heard.now.wait(20)
        return ONE_CELL

    updates = {
        "patch": lambda: ONE_CELL,
        "later": later,
        "marks": lambda: gr.update(marks=[[2, 2]], selected=[9, 9]),
        "nothing": lambda: None,
        "larger": lambda: Painting.empty(24),
        "picture": lambda: gr.update(picture=encode_picture(PICTURE)),
        "binary": lambda: gr.update(ink="binary"),
        "grey": lambda: gr.update(ink="grey"),
    }
    with gr.Blocks(analytics_enabled=False) as demo:
        with gr.Row():
            with gr.Column(min_width=300):
                painter = Painter(side=SIDE)
            with gr.Column(min_width=300):
                received = gr.Textbox(label="Received")
                for name, update in updates.items():
                    gr.Button(name, elem_id=name).click(update, None, painter, show_progress="hidden")

        def on_stroke(painting: Painting, event: gr.EventData):
            heard.strokes.append((event.tool, painting))
            return f"{event.tool} {event.count}"

        def on_pick(event: gr.EventData):
            heard.picks.append((event.row, event.col))
            return f"pick {event.row} {event.col}"

        painter.stroke(on_stroke, painter, received, trigger_mode="multiple", show_progress="hidden")
        painter.pick(on_pick, None, received, show_progress="hidden")

    _, heard.url, _ = demo.launch(prevent_thread_lock=True, quiet=True)
    yield heard
    demo.close()


@pytest.fixture(scope="module")
def chromium(app):
    with playwright.sync_playwright() as p:
        browser = p.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


class Hand:
    """What a person does to the painter and sees of it."""

    def __init__(self, page, app):
        self.page, self.app = page, app
        self.canvas = page.locator(".painter-canvas")
        page.goto(app.url)
        self.count(0)
        app.strokes.clear()
        app.picks.clear()

    def at(self, row, col, side=SIDE):
        self.canvas.scroll_into_view_if_needed()
        box = self.canvas.bounding_box()
        return box["x"] + (col + 0.5) * box["width"] / side, box["y"] + (row + 0.5) * box["height"] / side

    def drag(self, *cells):
        """Presses at the first cell, goes straight to each of the others and leaves go."""
        mouse = self.page.mouse
        mouse.move(*self.at(*cells[0]))
        mouse.down()
        for cell in cells[1:]:
            mouse.move(*self.at(*cell))
        mouse.up()

    def press(self, name):
        self.page.get_by_role("button", name=name, exact=True).click()

    def python(self, name):
        self.page.locator(f"#{name}").click()

    def keys(self, *names):
        for name in names:
            self.page.keyboard.press(name)

    def count(self, painted, side=SIDE):
        text = f"{painted} of {side * side} pixels"
        playwright.expect(self.page.locator(".painter-count")).to_have_text(text, timeout=10_000)

    def told(self, number):
        """What Python received at its stroke of this number; fails if it hears of more."""
        until = time.monotonic() + 20  # a busy machine takes seconds to answer the very first event
        while len(self.app.strokes) < number and time.monotonic() < until:
            self.page.wait_for_timeout(30)
        assert len(self.app.strokes) == number
        tool, painting = self.app.strokes[-1]
        return tool, {(row, col): colour for row, col, *colour in painting.to_payload()["cells"]}

    def shows(self, row, col, side=SIDE, into=0.35):
        """The canvas' colour a third into a cell, where no line is, or at another part of it."""
        script = """([canvas, row, col, side]) => {
            const at = (index) => Math.floor(index * canvas.width / side);
            return [...canvas.getContext("2d").getImageData(at(col), at(row), 1, 1).data].slice(0, 3);
        }"""
        self.page.wait_for_timeout(60)
        return self.page.evaluate(script, [self.canvas.element_handle(), row + into, col + into, side])


@pytest.fixture(scope="module")
def desktop(chromium):
    """One for all tests: what the browser has cached, it need not load again."""
    return chromium.new_context(viewport={"width": 900, "height": 700})


@pytest.fixture
def hand(app, desktop):
    page = desktop.new_page()
    errors = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    yield Hand(page, app)
    page.close()
    assert not errors


def test_a_drag_is_a_line_without_gaps_and_one_stroke(hand):
    hand.drag((2, 1), (5, 14))
    tool, cells = hand.told(1)
    assert tool == "brush" and set(map(tuple, cells.values())) == {tuple(BROWN)}
    path = sorted(cells, key=lambda cell: cell[1])
    assert path[0] == (2, 1) and path[-1] == (5, 14) and len(path) == 14
    assert all(abs(a[0] - b[0]) <= 1 and b[1] - a[1] == 1 for a, b in pairwise(path))
    hand.count(14)
    assert hand.shows(2, 1) == BROWN
    hand.page.wait_for_timeout(200)
    hand.told(1)


def test_a_stroke_may_leave_the_grid_and_the_count_is_live(hand):
    mouse = hand.page.mouse
    mouse.move(*hand.at(8, 12))
    mouse.down()
    mouse.move(*hand.at(8, 22))
    hand.count(4)
    mouse.move(*hand.at(10, 22))
    mouse.move(*hand.at(10, 13))
    hand.count(7)
    assert not hand.app.strokes
    mouse.up()
    assert set(hand.told(1)[1]) == {(8, 12), (8, 13), (8, 14), (8, 15), (10, 13), (10, 14), (10, 15)}


def test_undo_redo_clear_and_erase(hand):
    undo = hand.page.get_by_role("button", name="Undo", exact=True)
    playwright.expect(undo).to_have_attribute("aria-disabled", "true")
    hand.drag((1, 1), (1, 4))
    hand.drag((2, 1), (2, 4))
    hand.count(8)
    hand.press("Clear")
    hand.count(0)
    hand.press("Undo")
    hand.count(8)
    hand.keys("Control+z")
    hand.count(4)
    hand.keys("Control+Shift+Z")
    hand.count(8)
    hand.told(6)
    for number, key in enumerate(("Control+z", "Control+y"), start=7):
        hand.keys(key)
        hand.told(number)  # events sent at once may overtake one another on their way
    hand.press("Erase")
    hand.press("Larger brush")
    hand.drag((1, 2))
    assert set(hand.told(9)[1]) == {(1, 1), (1, 4), (2, 1), (2, 4)}
    tools = [tool for tool, _ in hand.app.strokes]
    assert tools == ["brush", "brush", "clear", "undo", "undo", "redo", "undo", "redo", "erase"]


def test_reveal_takes_the_pictures_colours(hand):
    reveal = hand.page.get_by_role("button", name="Reveal", exact=True)
    playwright.expect(reveal).to_have_attribute("aria-disabled", "true")
    playwright.expect(reveal).to_have_attribute("title", "There is no picture underneath")
    hand.python("picture")
    playwright.expect(reveal).to_have_attribute("aria-disabled", "false")
    bare = hand.shows(0, 9)
    hand.press("Show the picture underneath")
    assert hand.shows(0, 9) != bare
    reveal.click()
    hand.drag((6, 3), (6, 5))
    tool, cells = hand.told(1)
    assert tool == "reveal" and cells == {(6, col): PICTURE[6, col].tolist() for col in (3, 4, 5)}


def test_pick_takes_a_colour_from_the_painting_or_else_the_picture(hand):
    hand.python("picture")
    hand.python("patch")
    hand.count(1)
    swatches = hand.page.locator(".painter-swatch")
    before = swatches.count()
    for number, (row, col), colour in [(1, (3, 4), [10, 200, 30]), (2, (9, 9), PICTURE[9, 9].tolist())]:
        hand.press("Pick")
        hand.drag((row, col))
        playwright.expect(swatches.first).to_have_attribute("aria-label", "Colour #{:02x}{:02x}{:02x}".format(*colour))
        assert swatches.count() == before
        hand.drag((12, number))
        assert hand.told(number)[1][12, number] == colour


def test_the_keyboard_paints(hand):
    playwright.expect(hand.canvas).to_have_accessible_description(re.compile("Arrow keys move the cursor"))
    hand.canvas.focus()
    hand.keys(
        "ArrowDown", "ArrowRight", "ArrowRight", "Space", "]", "]", "ArrowDown", "ArrowDown", "ArrowDown", "Space"
    )
    square = {(row, col) for row in (3, 4, 5) for col in (1, 2, 3)}
    assert set(hand.told(2)[1]) == {(1, 2)} | square
    hand.keys("[", "[", "e", "Space")
    assert set(hand.told(3)[1]) == {(1, 2)} | square - {(4, 2)}
    assert hand.page.locator(".painter-where").inner_text() == "row 4, column 2"
    hand.keys("b", "Enter")
    hand.page.keyboard.down("Space")
    hand.keys("ArrowRight", "ArrowRight")
    hand.page.keyboard.up("Space")
    assert set(hand.told(4)[1]) == {(1, 2)} | square | {(4, 4)}
    hand.keys("Control+z")
    assert set(hand.told(5)[1]) == {(1, 2)} | square - {(4, 2)}
    assert hand.app.picks == [(4, 2)]


def test_alt_and_right_click_ask_about_a_pixel(hand):
    hand.page.mouse.move(*hand.at(3, 7))
    hand.page.mouse.click(*hand.at(3, 7), button="right")
    playwright.expect(hand.page.get_by_label("Received")).to_have_value("pick 3 7")
    hand.page.keyboard.down("Alt")
    hand.page.mouse.click(*hand.at(15, 0))
    hand.page.keyboard.up("Alt")
    playwright.expect(hand.page.get_by_label("Received")).to_have_value("pick 15 0")
    hand.count(0)
    assert hand.app.picks == [(3, 7), (15, 0)] and not hand.app.strokes


def test_ink_limits_the_colours(hand):
    hand.python("picture")
    for ink, swatches in [
        ("binary", ["White", "Black"]),
        ("grey", ["White", "Colour #aaaaaa", "Colour #555555", "Black"]),
    ]:
        hand.python(ink)
        playwright.expect(hand.page.locator(".painter-swatch")).to_have_count(len(swatches))
        assert [swatch.get_attribute("title") for swatch in hand.page.locator(".painter-swatch").all()] == swatches
        assert hand.page.locator(".painter-well").is_visible() == (ink == "grey")
    hand.drag((0, 0))
    hand.press("Reveal")
    hand.drag((9, 9))
    cells = hand.told(2)[1]
    assert cells[0, 0] == [255, 255, 255]
    assert len(set(cells[9, 9])) == 1 and abs(cells[9, 9][0] - PICTURE[9, 9] @ [0.299, 0.587, 0.114]) <= 0.5
    hand.python("binary")
    playwright.expect(hand.page.locator(".painter-swatch")).to_have_count(2)
    hand.press("Black")
    hand.drag((0, 1))
    hand.press("Reveal")
    hand.drag((8, 0), (8, 15))
    cells = hand.told(4)[1]
    assert cells[0, 1] == [0, 0, 0] and {tuple(cells[8, col]) for col in range(16)} <= {(0, 0, 0), (255, 255, 255)}


def test_what_python_sends_can_be_undone(hand):
    hand.drag((1, 1))
    hand.python("patch")
    hand.python("patch")  # again the same: no second step
    hand.python("marks")
    playwright.expect(hand.page.locator("#marks")).to_be_enabled()
    assert hand.shows(3, 4) == [10, 200, 30]
    hand.press("Undo")
    hand.count(1)
    assert set(hand.told(2)[1]) == {(1, 1)}
    hand.press("Redo")
    assert set(hand.told(3)[1]) == {(3, 4)}
    hand.python("nothing")
    hand.count(0)
    hand.press("Undo")
    assert set(hand.told(4)[1]) == {(3, 4)}


def test_an_update_during_a_drag_waits_and_goes_under_it(hand):
    hand.drag((0, 0))
    hand.app.now.clear()
    hand.python("later")
    mouse = hand.page.mouse
    mouse.move(*hand.at(3, 2))
    mouse.down()
    mouse.move(*hand.at(3, 4))
    hand.app.now.set()
    hand.page.evaluate("document.querySelector('#marks').click()")
    hand.page.wait_for_timeout(1200)
    hand.count(4)
    assert hand.shows(3, 4) == BROWN
    mouse.move(*hand.at(3, 5))
    mouse.up()
    tool, cells = hand.told(2)
    assert tool == "brush" and cells == {(3, col): BROWN for col in (2, 3, 4, 5)}
    hand.keys("Control+z")
    assert hand.told(3)[1] == {(3, 4): [10, 200, 30]}
    hand.keys("Control+z")
    assert set(hand.told(4)[1]) == {(0, 0)}


def test_another_side_is_adopted_and_forgets_the_past(hand):
    hand.drag((1, 1))
    hand.python("larger")
    hand.count(0, side=24)
    playwright.expect(hand.page.get_by_role("button", name="Undo", exact=True)).to_have_attribute(
        "aria-disabled", "true"
    )
    hand.page.mouse.click(*hand.at(23, 20, side=24))
    cells = hand.told(2)[1]
    assert hand.app.strokes[-1][1].side == 24 and set(cells) == {(23, 20)}


def test_zoom_pans_and_still_hits_the_right_cell(hand):
    hand.page.mouse.move(*hand.at(12, 4))
    hand.page.keyboard.down("Control")
    hand.page.mouse.wheel(0, -3000)
    hand.page.keyboard.up("Control")
    hand.page.wait_for_timeout(100)
    hand.drag((12, 4))  # what lies under the pointer stays there
    assert set(hand.told(1)[1]) == {(12, 4)}
    # At twice the size, the next cell is two cells' width away on the screen.
    x, y = hand.at(12, 4)
    width = hand.canvas.bounding_box()["width"] / SIDE
    hand.page.mouse.click(x + 2 * width, y)
    assert set(hand.told(2)[1]) == {(12, 4), (12, 5)}
    hand.page.keyboard.down("Shift")
    hand.page.mouse.move(x, y)
    hand.page.mouse.down()
    hand.page.mouse.move(x + 2 * width, y)
    hand.page.mouse.up()
    hand.page.keyboard.up("Shift")
    hand.page.mouse.click(x, y)
    assert set(hand.told(3)[1]) == {(12, 4), (12, 5), (12, 3)}
    hand.press("Fit the whole grid")
    hand.drag((0, 15))
    assert (0, 15) in hand.told(4)[1]


def soon(holds) -> None:
    """What the page draws a moment later, on a machine that may be busy."""
    for _ in range(100):
        if holds():
            return
        time.sleep(0.1)
    assert holds()


def test_marks_are_drawn_and_the_dark_theme_is_followed(hand):
    ring = 0.5 + 0.72 / 2**0.5  # from the corner of a marked cell to its ring, down the diagonal
    cross = 0.5  # the selected pixel's cross runs through the middles of its row and column
    bare = hand.shows(2, 2, into=ring), hand.shows(9, 3, into=cross)
    assert min(bare[0] + bare[1]) > 220
    hand.python("marks")
    soon(lambda: max(hand.shows(9, 3, into=cross)) < 220)
    accent = hand.page.evaluate("getComputedStyle(document.body).getPropertyValue('--color-accent').trim()")
    assert "#{:02x}{:02x}{:02x}".format(*hand.shows(2, 2, into=ring)) == accent
    assert min(hand.shows(12, 12)) > 220
    hand.page.evaluate("document.body.classList.add('dark')")
    soon(lambda: max(hand.shows(12, 12)) < 100)


def test_a_binary_model_is_shown_black_and_white_and_the_colours_are_kept(hand):
    hand.drag((3, 3), (3, 5))
    assert hand.shows(3, 4) == BROWN
    hand.python("binary")
    soon(lambda: hand.shows(3, 4) == [0, 0, 0])
    _, cells = hand.told(1)
    assert cells[3, 4] == BROWN


def test_fingers_paint_pinch_and_ask(app, chromium):
    context = chromium.new_context(viewport={"width": 400, "height": 860}, has_touch=True, is_mobile=True)
    page = context.new_page()
    hand = Hand(page, app)
    session = context.new_cdp_session(page)

    # Measured once, because a finger that the test holds still for too long asks about its pixel.
    (x, y), (next_x, _) = hand.at(0, 0), hand.at(0, 1)

    def touch(kind, *cells):
        cells = [(x + col * (next_x - x), y + row * (next_x - x)) for row, col in cells]
        points = [{"x": x, "y": y, "id": number} for number, (x, y) in enumerate(cells)]
        session.send("Input.dispatchTouchEvent", {"type": f"touch{kind}", "touchPoints": points})

    touch("Start", (4, 2))
    touch("Move", (4, 6))
    touch("Move", (8, 6))
    touch("End")
    path = {(4, col) for col in range(2, 7)} | {(row, 6) for row in range(4, 9)}
    assert set(hand.told(1)[1]) == path

    # The second finger takes back what the first has begun, and two fingers zoom.
    touch("Start", (7, 7))
    touch("Start", (7, 7), (8, 8))
    touch("Move", (5, 5), (10, 10))
    touch("End", (5, 5))
    touch("End")
    hand.told(1)
    playwright.expect(page.get_by_role("button", name="Zoom out", exact=True)).to_have_attribute(
        "aria-disabled", "false"
    )
    hand.press("Fit the whole grid")

    touch("Start", (12, 3))
    playwright.expect(page.get_by_label("Received")).to_have_value("pick 12 3")
    touch("End")
    assert set(hand.told(1)[1]) == path

    sizes = page.locator(".painter button:visible").evaluate_all("all => all.map((one) => one.getBoundingClientRect())")
    assert all(min(size["width"], size["height"]) >= 36 for size in sizes)
    assert page.evaluate("document.documentElement.scrollWidth") <= 400
    context.close()
