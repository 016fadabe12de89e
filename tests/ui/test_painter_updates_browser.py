"""Drives the painter in Chromium: what Python sends to it."""

import time

import pytest

from tests.ui.hand import BROWN, PICTURE
from tests.ui.visitor import expect

pytestmark = [pytest.mark.browser, pytest.mark.filterwarnings("ignore::DeprecationWarning:gradio")]


def test_ink_limits_the_colours(hand):
    hand.python("picture")
    for ink, swatches in [
        ("binary", ["White", "Black"]),
        ("grey", ["White", "Colour #aaaaaa", "Colour #555555", "Black"]),
    ]:
        hand.python(ink)
        expect(hand.page.locator(".painter-swatch")).to_have_count(len(swatches))
        assert [swatch.get_attribute("title") for swatch in hand.page.locator(".painter-swatch").all()] == swatches
        assert hand.page.locator(".painter-well").is_visible() == (ink == "grey")
    hand.drag((0, 0))
    hand.press("Reveal")
    hand.drag((9, 9))
    cells = hand.told(2)[1]
    assert cells[0, 0] == [255, 255, 255]
    assert len(set(cells[9, 9])) == 1 and abs(cells[9, 9][0] - PICTURE[9, 9] @ [0.299, 0.587, 0.114]) <= 0.5
    hand.python("binary")
    expect(hand.page.locator(".painter-swatch")).to_have_count(2)
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
    expect(hand.page.locator("#marks")).to_be_enabled()
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


def test_what_python_sends_after_an_undo_leaves_nothing_to_do_again(hand):
    hand.drag((1, 1))
    hand.press("Undo")
    hand.python("patch")
    expect(hand.page.get_by_role("button", name="Redo", exact=True)).to_have_attribute("aria-disabled", "true")
    hand.press("Undo")
    hand.count(0)


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
    expect(hand.page.get_by_role("button", name="Undo", exact=True)).to_have_attribute("aria-disabled", "true")
    hand.page.mouse.click(*hand.at(23, 20, side=24))
    cells = hand.told(2)[1]
    assert hand.app.strokes[-1][1].side == 24 and set(cells) == {(23, 20)}


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
