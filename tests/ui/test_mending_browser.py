"""The Mend section of the Textures tab in Chromium, with a tiny model: painting a hole, filling it, on a desk and on a
phone."""

from __future__ import annotations

import json
import re
import time

import numpy as np
import pytest
from PIL import Image

from recon.textures import pictures
from recon.ui import mending_handlers, texturing
from recon.ui.mending_job import Job
from recon.ui.texture_run import MCGSM_KIND
from recon.ui.texture_session import Visit
from tests.ui.test_mending_handlers import tiny
from tests.ui.test_racing import small_engine
from tests.ui.test_textures_browser import bring
from tests.ui.test_texturing import noise
from tests.ui.visitor import LONG, Visitor, expect

pytestmark = [pytest.mark.browser, pytest.mark.filterwarnings("ignore::DeprecationWarning:gradio")]


@pytest.fixture(scope="module")
def tabs():
    return ("Race", "Textures")


SIDE = 256
PAPER = 71 * 71


@pytest.fixture(scope="module")
def engine():
    return small_engine()


@pytest.fixture(scope="module")
def model():
    return tiny(pictures.at_hand("grass"))


@pytest.fixture(autouse=True)
def holes(monkeypatch, model):
    """Every hole that Python received; one model for the photographs that ship, and nothing is measured."""
    heard = []

    def hear(texture, model, named, hole, *asked):
        heard.append(hole)
        return Job(texture, model, named, hole, *asked)

    monkeypatch.setattr(mending_handlers, "Job", hear)
    known = {("grass", MCGSM_KIND), ("gravel", MCGSM_KIND), ("brick", MCGSM_KIND)}
    monkeypatch.setattr(texturing, "bundled", lambda *asked: model if asked in known else None)
    monkeypatch.setattr(Visit, "measure", lambda visit, texture: None)
    return heard


class Mender:
    """What a person does in this section and sees of it."""

    def __init__(self, visitor):
        self.visitor, self.page = visitor, visitor.page
        visitor.open_tab("Textures")
        self.canvas = self.page.locator(".hole-canvas")
        self.count(PAPER)

    def count(self, pixels: int, of: int = SIDE**2) -> None:
        text = f"{pixels:,} of {of:,} pixels"
        expect(self.page.locator("#mend-painter .painter-count")).to_have_text(text, timeout=LONG)

    def at(self, row: int, column: int) -> tuple[float, float]:
        self.canvas.scroll_into_view_if_needed()
        box = self.canvas.bounding_box()
        return box["x"] + (column + 0.5) * box["width"] / SIDE, box["y"] + (row + 0.5) * box["height"] / SIDE

    def drag(self, *cells: tuple[int, int]) -> None:
        self.page.mouse.move(*self.at(*cells[0]))
        self.page.mouse.down()
        for cell in cells[1:]:
            self.page.mouse.move(*self.at(*cell))
        self.page.mouse.up()

    def press(self, name: str) -> None:
        self.page.locator("#mend-painter").get_by_role("button", name=name, exact=True).click()

    def size(self, pixels: int) -> None:
        self.page.locator(".hole-size input").fill(str(pixels))

    def fill(self, sweeps: int = 1) -> None:
        field = self.page.locator("#mend-sweeps input[type=number]")
        field.fill(str(sweeps))
        field.press("Enter")
        self.page.locator("#mend-run").click()

    def heard(self, holes: list) -> None:
        """Waits until Python has received one."""
        until = time.monotonic() + LONG / 1000
        while not holes and time.monotonic() < until:
            self.page.wait_for_timeout(50)

    def status(self, said: str) -> None:
        expect(self.page.locator("#mend-status")).to_contain_text(re.compile(said), timeout=2 * LONG)

    def done(self, sweeps: int) -> None:
        self.status(rf"· {sweeps} sweeps ·")
        expect(self.page.locator("#mend-stop")).to_be_hidden()


@pytest.fixture
def mender(visitor):
    return Mender(visitor)


@pytest.fixture(scope="module")
def opened(url, desktop):
    """One tab for all tests that can begin with the paper's hole wherever another ended: it takes a while to open."""
    opened = Visitor(desktop.new_page(), url)
    yield Mender(opened)
    opened.close()


@pytest.fixture
def afresh(opened):
    opened.page.bring_to_front()
    expect(opened.page.locator("#mend-stop")).to_be_hidden(timeout=2 * LONG)
    opened.press("Brush")
    opened.press("71 x 71 in the middle")
    opened.count(PAPER)
    return opened


def disk(centre: tuple[int, int], size: int) -> np.ndarray:
    row, column = np.mgrid[:SIDE, :SIDE]
    return np.hypot(row - centre[0], column - centre[1]) <= size / 2


def test_the_hole_of_the_paper_is_there_and_is_filled(afresh, holes):
    page = afresh.page
    afresh.fill(2)
    afresh.done(2)
    mask = np.zeros((SIDE, SIDE), bool)
    mask[92:163, 92:163] = True
    assert np.array_equal(holes[-1].mask, mask) and (holes[-1].top, holes[-1].left) == (128, 128)
    titles = page.locator("#mend-row strong")
    expect(titles).to_have_text(["Best start", "After 2 sweeps", "Biharmonic", "True pixels"])
    expect(page.locator("#mend-row img:not(.waiting)")).to_have_count(4, timeout=LONG)
    lines = "() => document.querySelector('#mend-plot .js-plotly-plot').data.map((line) => line.x.length)"
    assert page.evaluate(lines) == [3, 2, 2]
    page.locator("#mend-on").click()
    afresh.done(4)
    with page.expect_download() as saved:
        page.locator("#mend-save").click()
    found, texture = np.asarray(Image.open(saved.value.path())), pictures.at_hand("grass").image.numpy()
    inside = np.zeros((512, 512), bool)
    inside[128 + 92 : 128 + 163, 128 + 92 : 128 + 163] = True
    assert saved.value.suggested_filename == "recon-mended.png" and found.shape == (512, 512)
    assert np.array_equal(found[~inside], texture[~inside]) and (found[inside] != texture[inside]).mean() > 0.5


def test_brush_rectangle_erase_and_history(afresh, holes):
    afresh.press("Clear")
    afresh.count(0)
    afresh.size(9)
    afresh.drag((40, 50))
    expected = disk((40, 50), 9)
    afresh.count(int(expected.sum()))
    afresh.press("Rectangle")
    afresh.drag((100, 120), (109, 139))
    expected[100:110, 120:140] = True
    afresh.count(int(expected.sum()))
    afresh.press("Erase")
    afresh.drag((100, 120), (100, 300))  # and beyond the picture
    row, column = np.mgrid[:SIDE, :SIDE]
    expected &= np.hypot(row - 100, np.maximum(120 - column, 0)) > 4.5
    afresh.count(int(expected.sum()))
    afresh.press("Undo")
    afresh.press("Redo")
    afresh.count(int(expected.sum()))
    afresh.fill()
    afresh.heard(holes)
    assert np.array_equal(holes[-1].mask, expected)
    afresh.page.keyboard.press("Escape")
    afresh.press("71 x 71 in the middle")
    afresh.count(PAPER)
    afresh.canvas.focus()
    afresh.page.keyboard.press("Control+z")
    afresh.count(int(expected.sum()))


def test_the_keyboard_paints(mender, holes):
    mender.press("Clear")
    mender.size(1)
    mender.canvas.focus()
    press = mender.page.keyboard.press
    press("Space")  # in the middle, at (128, 128)
    press("Shift+ArrowUp")
    press("r")
    mender.page.keyboard.down("Space")
    for key in ("ArrowRight", "ArrowRight", "ArrowDown"):
        press(key)
    mender.page.keyboard.up("Space")
    mender.count(7)
    press("e")
    press("[")
    press("Space")
    mender.count(6)
    mender.fill()
    mender.heard(holes)
    cells = {(128, 128), *((row, column) for row in (118, 119) for column in (128, 129, 130))} - {(119, 130)}
    assert set(map(tuple, np.argwhere(holes[-1].mask).tolist())) == cells


def test_another_part_of_the_picture_keeps_the_hole(mender, holes):
    chart = mender.page.locator(".hole-map")
    chart.scroll_into_view_if_needed()
    box = chart.bounding_box()
    mender.page.mouse.click(box["x"] + 2, box["y"] + box["height"] - 2)
    chart.focus()
    mender.page.keyboard.press("ArrowRight")
    mender.page.keyboard.press("Shift+ArrowUp")
    mender.fill()
    mender.status("sweep")
    assert (holes[-1].top, holes[-1].left) == (255, 16) and holes[-1].mask.sum() == PAPER


def test_stop_keeps_what_there_is_and_it_goes_on(mender):
    mender.fill(100)
    mender.status("drawing start")
    mender.page.locator("#mend-stop").click()
    mender.status("stopped at start|sweeps?, stopped")  # a small hole is soon drawn five times
    expect(mender.page.locator("#mend-stop")).to_be_hidden()
    mender.page.locator("#mend-on").click()
    mender.status("sweep [2-9]")
    mender.page.locator("#mend-stop").click()
    mender.status("sweeps?, stopped")
    expect(mender.page.locator("#mend-save")).to_be_enabled()


def test_the_hole_outlives_errors_textures_and_tabs(mender, holes):
    page = mender.page
    mender.press("Clear")
    mender.fill()
    assert "no hole" in mender.visitor.toast()
    mender.press("Rectangle")
    mender.drag((10, 10), (29, 29))
    mender.count(400)
    page.locator("#texture-cards button", has_text="Dead leaves").click()
    expect(page.locator("#mend-said")).to_contain_text("Learn it", timeout=LONG)
    mender.count(400)
    mender.fill()
    assert "Learn it" in mender.visitor.toast()
    mender.visitor.open_tab("Race")
    mender.visitor.open_tab("Textures")
    mender.count(400)
    page.locator("#texture-cards button", has_text="Gravel").click()
    expect(page.locator("#mend-said")).to_contain_text("gravel", timeout=LONG)
    mender.count(400)
    mender.fill()
    mender.status("Gravel")
    assert holes[-1].mask[10:30, 10:30].all()


def test_a_small_picture_of_ones_own_is_shown_whole(mender):
    bring(mender.visitor, noise(200, 100))
    mender.count(66 * 66, 200 * 100)  # two thirds of its height are left around
    expect(mender.page.locator(".hole-part")).to_be_hidden()
    expect(mender.page.locator("#mend-said")).to_contain_text("Learn it")


def test_fingers_paint_on_a_phone_and_nothing_goes_sideways(visit, chromium, holes):
    context = chromium.new_context(
        viewport={"width": 400, "height": 860}, has_touch=True, is_mobile=True, device_scale_factor=2
    )
    mender = Mender(visit(context))
    mender.press("Clear")
    mender.size(21)
    box = mender.canvas.bounding_box()
    assert box["width"] >= 330
    assert mender.page.evaluate("() => document.querySelector('.hole-canvas').width") == pytest.approx(
        2 * box["width"], 3
    )
    session = context.new_cdp_session(mender.page)
    places = [mender.at(50, 50), mender.at(50, 90)]
    for kind, points in (("Start", places[:1]), ("Move", places[1:]), ("End", [])):
        touches = [{"x": x, "y": y, "id": 0} for x, y in points]
        session.send("Input.dispatchTouchEvent", {"type": f"touch{kind}", "touchPoints": touches})
    row, column = np.mgrid[:SIDE, :SIDE]
    expected = np.hypot(row - 50, column - column.clip(50, 90)) <= 10.5
    count = mender.page.locator("#mend-painter .painter-count")
    found = int(count.inner_text().split()[0].replace(",", ""))
    assert found == pytest.approx(int(expected.sum()), abs=60)
    mender.fill()
    mender.status("1 sweep")
    assert (holes[-1].mask ^ expected).sum() < 120
    assert mender.page.evaluate("document.documentElement.scrollWidth") <= 400
    for name in (".hole-canvas", ".hole-map", "#mend-picture canvas", "#mend-plot .js-plotly-plot", "#mend-row"):
        box = mender.page.locator(name).bounding_box()
        assert box["x"] >= 0 and box["x"] + box["width"] <= 400, name
    sizes = mender.page.locator("#mend-painter button:visible").evaluate_all(
        "(all) => all.map((one) => one.getBoundingClientRect().height)"
    )
    assert min(sizes) >= 36
    context.close()


def test_a_hole_that_no_painter_would_send_is_refused(afresh, holes):
    request = re.compile("queue/join")

    def forge(route):
        body = json.loads(route.request.post_data)
        for part in body["data"]:
            if isinstance(part, dict) and "mask" in part:
                part["rows"] = 9999
        route.continue_(post_data=json.dumps(body))

    afresh.page.route(request, forge)
    afresh.page.locator("#mend-run").click()
    assert "256 x 256" in afresh.visitor.toast() and not holes
    afresh.page.unroute(request)
    afresh.count(PAPER)
