"""The Curves part of the page in Chromium: clicking, dragging, the keyboard, a finger."""

from __future__ import annotations

import re
import threading

import pytest

from recon.ui import curving
from tests.ui.test_racing import small_engine
from tests.ui.visitor import VERY_LONG, Visitor, expect

pytestmark = [pytest.mark.browser, pytest.mark.filterwarnings("ignore::DeprecationWarning:gradio")]


@pytest.fixture(scope="module")
def tabs():
    return ("Beyond images",)


@pytest.fixture(scope="module")
def engine():
    return small_engine()


class Curves:
    """What a person does there and sees of it."""

    def __init__(self, visitor):
        self.page = visitor.page
        visitor.open_tab("Beyond images")
        self.left, self.right = (self.page.locator(f"#curves-{name} svg") for name in ("ours", "theirs"))
        self.has(5)

    def has(self, count):
        for name in ("ours", "theirs"):
            told = self.page.locator(f"#curves-{name} .painter-count")
            expect(told).to_have_text(f"{count} point{'' if count == 1 else 's'}", timeout=VERY_LONG)
        pairs = count if count == 0 else count - 1  # of what stands between them
        expect(self.typed).to_have_value(re.compile(rf"^([^;]*;){{{pairs}}}[^;]*$"), timeout=VERY_LONG)

    @property
    def typed(self):
        return self.page.locator("#curves-typed").locator("textarea, input").first

    def first_dot(self, plot):
        """Where it is, x and y; an answer that comes in between draws it anew."""
        script = """(svg) => {
            const box = svg.querySelector(".dot").getBoundingClientRect();
            return [box.x + box.width / 2, box.y + box.height / 2];
        }"""
        return plot.evaluate(script)

    def act(self, name):
        self.page.locator(f"#curves-ours [data-act={name}]").click()


@pytest.fixture(scope="module")
def opened(url, desktop):
    """One tab for all tests that leave nothing but other points: it takes a while to open."""
    visitor = Visitor(desktop.new_page(), url)
    curves = Curves(visitor)
    yield curves, curves.typed.input_value()
    visitor.close()


@pytest.fixture
def curves(opened):
    """With the first sextic, as at the beginning"""
    curves, points = opened
    curves.page.bring_to_front()
    seed = curves.page.locator("#curves-seed input")
    seed.fill("0")
    seed.press("Enter")
    expect(curves.typed).to_have_value(points)
    expect(curves.left.locator(".truth")).to_have_count(1)
    curves.has(5)
    return curves


def test_points_are_placed_moved_and_taken_away_in_either_plot(curves):
    expect(curves.page.locator("#curves-ours-said")).to_contain_text("Mean error")
    curves.act("clear")
    curves.has(0)
    curves.left.click(position={"x": 200, "y": 90})
    curves.has(1)
    curves.right.click(position={"x": 320, "y": 200})
    curves.has(2)
    before = curves.typed.input_value()
    x, y = curves.first_dot(curves.left)
    curves.page.mouse.move(x, y)
    curves.page.mouse.down()
    curves.page.mouse.move(x + 60, y + 40, steps=6)
    curves.page.mouse.up()
    expect(curves.typed).not_to_have_value(before)
    curves.has(2)
    curves.page.wait_for_timeout(500)  # the last of the drag arrives
    curves.page.mouse.click(*curves.first_dot(curves.right))
    curves.has(1)
    curves.act("undo")
    curves.has(2)


def test_a_drag_is_one_step_to_undo_in_the_other_plot_too(curves):
    before = curves.typed.input_value()
    x, y = curves.first_dot(curves.left)
    curves.page.mouse.move(x, y)
    curves.page.mouse.down()
    for step in range(1, 7):
        curves.page.mouse.move(x + 10 * step, y + 6 * step)
        curves.page.wait_for_timeout(120)  # each is told
    curves.page.mouse.up()
    expect(curves.typed).not_to_have_value(before)
    curves.page.wait_for_timeout(800)
    curves.page.locator("#curves-theirs [data-act=undo]").click()
    first = re.escape(before.split(";")[0])  # others may be rounded on their way
    expect(curves.typed).to_have_value(re.compile(rf"^{first};"))


def test_a_sextic_a_point_more_samples_and_models(visitor):
    curves = Curves(visitor)
    curves.page.locator("#curves-more").click()
    curves.has(6)
    curves.page.locator("#curves-draw").click()
    curves.has(5)
    expect(curves.page.locator("#curves-seed input")).to_have_value("1")
    expect(curves.left.locator(".truth")).to_have_count(1)
    curves.page.get_by_label("8 curves it could be").click()
    expect(curves.left.locator(".sample")).to_have_count(8)
    expect(curves.right.locator(".sample")).to_have_count(8)
    mean = curves.left.locator(".mean").get_attribute("d")
    curves.page.get_by_label("as in the paper").click()
    expect(curves.left.locator(".mean")).not_to_have_attribute("d", mean)
    curves.page.get_by_label("the truth").click()
    expect(curves.left.locator(".truth")).to_have_count(0)


def test_by_keyboard_and_as_text(curves):
    chosen = curves.page.locator("#curves-model input:checked")
    chosen.hover()
    colour = chosen.evaluate("(one) => getComputedStyle(one).backgroundColor")
    assert colour != "rgb(255, 255, 255)"  # the dot is white
    curves.left.focus()
    for key in ("ArrowUp", "ArrowUp", "ArrowRight", "Enter"):
        curves.page.keyboard.press(key)
    curves.has(6)
    assert curves.typed.input_value().endswith("0.05, 0.05")
    curves.page.keyboard.press("Backspace")
    curves.has(5)
    curves.typed.fill("-0.5, 0.2; 0.3, -1; 0.8 0.5")
    curves.typed.press("Enter")
    curves.has(3)
    expect(curves.left.locator(".truth")).to_have_count(0)
    curves.typed.fill("-0.5, x")
    curves.typed.press("Enter")
    expect(curves.page.get_by_text("This does not read so: -0.5, x")).to_be_visible()
    expect(curves.left.locator(".dot")).to_have_count(3)
    curves.typed.fill("; ".join(f"{-0.9 + 0.1 * k:.2f}, {0.123 * (-1) ** k}" for k in range(19)))
    assert curves.typed.evaluate("(box) => box.scrollHeight - box.clientHeight") < 5  # no line is cut


def test_what_is_being_typed_is_not_written_over(curves):
    truth = curves.left.locator(".truth").get_attribute("d")
    curves.typed.fill("0.5, 0.2; 0.")
    curves.page.evaluate("document.querySelector('#curves-draw').click()")  # its answer comes while one types
    expect(curves.left.locator(".truth")).not_to_have_attribute("d", truth)
    curves.page.wait_for_timeout(300)
    curves.typed.press_sequentially("3, 1")
    expect(curves.typed).to_have_value("0.5, 0.2; 0.3, 1")
    curves.typed.press("Enter")
    curves.has(2)
    curves.act("undo")
    curves.has(5)


def test_on_a_phone_a_finger_scrolls_past_the_board_and_leaves_no_point(visit, chromium):
    phone = chromium.new_context(viewport={"width": 400, "height": 800}, has_touch=True, is_mobile=True)
    curves = Curves(visit(phone))
    assert curves.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    curves.left.tap(position={"x": 100, "y": 60})
    curves.has(6)
    assert curves.left.bounding_box()["width"] > 330
    touched = "(svg, name) => getComputedStyle(name ? svg.querySelector(name) : svg).touchAction"
    assert "pan-y" in curves.left.evaluate(touched, "") and curves.left.evaluate(touched, ".grip") == "none"
    curves.left.evaluate("""(svg) => {
        const box = svg.getBoundingClientRect(), at = { clientX: box.x + 200, clientY: box.y + 60, pointerId: 1 };
        svg.setPointerCapture = () => {};
        for (const name of ["pointerdown", "pointercancel"]) svg.dispatchEvent(new PointerEvent(name, at));
    }""")  # a finger that scrolls leaves no point behind
    curves.page.wait_for_timeout(300)
    curves.has(6)

    page, hand = curves.page, phone.new_cdp_session(curves.page)
    curves.act("clear")
    curves.has(0)
    curves.left.scroll_into_view_if_needed()
    box, before = curves.left.bounding_box(), page.evaluate("scrollY")
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2

    def touch(kind, *at):
        points = [{"x": at[0], "y": at[1]}] if at else []
        hand.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    touch("touchStart", x, y)
    for step in range(1, 13):
        touch("touchMove", x + step / 3, y - 12 * step)
    assert page.locator("#curves-ours .dot").count() == 0
    touch("touchEnd")
    page.wait_for_function("(before) => scrollY > before + 60", arg=before)
    page.wait_for_timeout(500)
    curves.has(0)
    curves.act("undo")  # of Clear: the finger has left nothing
    curves.has(6)
    curves.act("clear")
    curves.has(0)
    box = curves.left.bounding_box()
    y = max(box["y"], 80) + 40
    touch("touchStart", x, y)
    touch("touchEnd")
    curves.has(1)
    touch("touchStart", x + 60, y + 30)
    for step in range(1, 7):
        touch("touchMove", x + 60 + 10 * step, y + 30)  # across: it is placed where it is let go
    touch("touchEnd")
    curves.has(2)
    expect(curves.typed).to_have_value(re.compile(r"; 0\.[5-9]"))
    phone.close()


def test_a_random_sextic_can_be_undone_with_its_truth(curves):
    truth, points = curves.left.locator(".truth").get_attribute("d"), curves.typed.input_value()
    curves.page.locator("#curves-draw").click()
    expect(curves.page.locator("#curves-seed input")).to_have_value("1")
    expect(curves.typed).not_to_have_value(points)
    expect(curves.left.locator(".truth")).not_to_have_attribute("d", truth)
    curves.act("undo")
    expect(curves.typed).to_have_value(points)
    expect(curves.left.locator(".truth")).to_have_attribute("d", truth)
    expect(curves.right.locator(".truth")).to_have_attribute("d", truth)
    expect(curves.page.locator("#curves-seed input")).to_have_value("0")


def test_a_reload_brings_points_and_what_is_chosen_back(visitor):
    curves = Curves(visitor)
    before = curves.left.locator(".truth").get_attribute("d")
    curves.page.locator("#curves-draw").click()
    expect(curves.page.locator("#curves-seed input")).to_have_value("1")
    expect(curves.left.locator(".truth")).not_to_have_attribute("d", before)  # a point before that stays there
    curves.has(5)
    curves.left.click(position={"x": 300, "y": 60})
    curves.has(6)
    curves.page.get_by_label("as in the paper").click()
    curves.page.get_by_label("8 curves it could be").click()
    expect(curves.left.locator(".sample")).to_have_count(8)
    kept = "() => JSON.parse(sessionStorage['recon-curves'])"
    curves.page.wait_for_function(
        f"() => (({{ placed, samples }}) => placed.points.length === 6 && samples)(({kept})())"
    )
    points, truth = curves.typed.input_value(), curves.left.locator(".truth").get_attribute("d")
    visitor.reload()
    visitor.open_tab("Beyond images")
    curves.has(6)
    expect(curves.typed).to_have_value(points)
    expect(curves.left.locator(".truth")).to_have_attribute("d", truth)
    expect(curves.left.locator(".sample")).to_have_count(8)
    expect(curves.page.get_by_label("as in the paper")).to_be_checked()
    expect(curves.page.locator("#curves-seed input")).to_have_value("1")


def test_a_point_set_while_another_sextic_is_on_its_way_stays_and_is_asked_about(visitor, monkeypatch):
    curves, made, may_come = Curves(visitor), curving.points_on, threading.Event()
    monkeypatch.setattr(curving, "points_on", lambda *asked: may_come.wait(30) and made(*asked))
    curves.page.locator("#curves-draw").click()
    curves.left.click(position={"x": 300, "y": 60})
    may_come.set()
    curves.has(6)
    curves.page.get_by_label("8 curves it could be").click()
    expect(curves.left.locator(".sample")).to_have_count(8)
    curves.has(6)
    assert curves.page.evaluate("JSON.parse(sessionStorage['recon-curves']).placed.points.length") == 6


def test_what_is_typed_high_up_is_seen(curves):
    curves.typed.fill("0.5, 2.8; 0, -0.2")
    curves.typed.press("Enter")
    curves.has(2)
    for plot in (curves.left, curves.right):
        box, (_, y) = plot.bounding_box(), curves.first_dot(plot)
        assert box["y"] < y < box["y"] + 0.2 * box["height"]
        expect(plot.locator("text").filter(has_text="2")).to_have_count(2)  # and -2
