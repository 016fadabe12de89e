"""Drives the painter in Chromium: what a person does to it."""

import re
from itertools import pairwise

import pytest

from tests.ui.hand import BROWN, PICTURE, SIDE, Hand
from tests.ui.visitor import expect

pytestmark = [pytest.mark.browser, pytest.mark.filterwarnings("ignore::DeprecationWarning:gradio")]


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
    expect(undo).to_have_attribute("aria-disabled", "true")
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
    expect(reveal).to_have_attribute("aria-disabled", "true")
    expect(reveal).to_have_attribute("title", "There is no picture underneath")
    hand.python("picture")
    expect(reveal).to_have_attribute("aria-disabled", "false")
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
        expect(swatches.first).to_have_attribute("aria-label", "Colour #{:02x}{:02x}{:02x}".format(*colour))
        assert swatches.count() == before
        hand.drag((12, number))
        assert hand.told(number)[1][12, number] == colour


def test_the_keyboard_paints(hand):
    expect(hand.canvas).to_have_accessible_description(re.compile("Arrow keys move the cursor"))
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
    expect(hand.page.get_by_label("Received")).to_have_value("pick 3 7")
    hand.page.keyboard.down("Alt")
    hand.page.mouse.click(*hand.at(15, 0))
    hand.page.keyboard.up("Alt")
    expect(hand.page.get_by_label("Received")).to_have_value("pick 15 0")
    hand.count(0)
    assert hand.app.picks == [(3, 7), (15, 0)] and not hand.app.strokes


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


def test_the_keyboard_zooms_into_its_cursor(hand):
    hand.canvas.focus()
    for key in ("ArrowDown", "ArrowRight", "ArrowRight", "+"):
        hand.page.keyboard.press(key)
    hand.page.wait_for_timeout(100)
    x, y = hand.at(1, 2)
    hand.page.mouse.click(x, y)
    assert set(hand.told(1)[1]) == {(1, 2)}, "the cell stays where it was, as under a pointer"


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
    expect(page.get_by_role("button", name="Zoom out", exact=True)).to_have_attribute("aria-disabled", "false")
    hand.press("Fit the whole grid")

    touch("Start", (12, 3))
    expect(page.get_by_label("Received")).to_have_value("pick 12 3")
    touch("End")
    assert set(hand.told(1)[1]) == path

    sizes = page.locator(".painter button:visible").evaluate_all("all => all.map((one) => one.getBoundingClientRect())")
    assert all(min(size["width"], size["height"]) >= 36 for size in sizes)
    assert page.evaluate("document.documentElement.scrollWidth") <= 400
    context.close()
