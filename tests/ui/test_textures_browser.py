"""The Textures tab in Chromium, with fits of a few steps: learn, stop, grow, slow motion, files, on a desk and on a
phone."""

from __future__ import annotations

import io
import json
import zipfile
from dataclasses import replace

import pytest
from PIL import Image

from recon.models.mcgsm import MCGSM
from recon.ui import texture_run
from tests.ui.test_racing import small_engine
from tests.ui.test_texturing import noise
from tests.ui.visitor import LONG, expect

pytestmark = [pytest.mark.browser, pytest.mark.filterwarnings("ignore::DeprecationWarning:gradio")]


@pytest.fixture(scope="module")
def tabs():
    return ("Textures",)


POINTS = "() => document.querySelector('#texture-plot .js-plotly-plot')?.data?.[0]?.x?.length ?? 0"
GROWN = "() => document.querySelector('#texture-grown canvas').toDataURL()"
SLOW = "() => document.querySelector('.slow-canvas').toDataURL()"


@pytest.fixture(scope="module")
def engine():
    return small_engine()


@pytest.fixture
def few(monkeypatch):
    """A fit of some seconds, whatever the page asks for."""
    model, steps = texture_run.Settings.model, texture_run.Run.steps
    small = {"components": 2, "features": 4, "radius": 3}

    def little(settings, kind):
        return model(replace(settings, **small), kind)

    def fewer(run, found):
        run.settings = replace(run.settings, steps=min(run.settings.steps, 60), ride_steps=20)
        yield from steps(run, found)

    monkeypatch.setattr(texture_run.Settings, "model", little)
    monkeypatch.setattr(texture_run.Run, "steps", fewer)


def come(visitor) -> None:
    visitor.open_tab("Textures")
    expect(visitor.page.locator("#texture-cards button")).to_have_count(4, timeout=LONG)


def bring(visitor, picture: Image.Image) -> None:
    stream = io.BytesIO()
    picture.save(stream, "PNG")
    field = visitor.page.locator("#texture-upload input[type=file]").first
    if not field.count():
        visitor.page.locator("#texture-learn").get_by_text("A picture of your own").click()
    field.set_input_files({"name": "wall.png", "mimeType": "image/png", "buffer": stream.getvalue()})


def learned(visitor) -> None:
    expect(visitor.page.locator("#texture-bar")).to_contain_text("is kept:", timeout=2 * LONG)
    expect(visitor.page.locator("#texture-stop")).to_be_hidden()
    expect(visitor.page.locator("#texture-good")).to_contain_text("MCGSM", timeout=LONG)


def status(visitor, said: str) -> None:
    expect(visitor.page.locator("#texture-status")).to_contain_text(said, timeout=LONG)
    expect(visitor.page.locator("#texture-grow .texture-busy")).to_have_count(0, timeout=3 * LONG)


def canvas(visitor) -> list[int]:
    return visitor.page.evaluate(
        "() => { const c = document.querySelector('#texture-grown canvas'); return [c.width, c.height]; }"
    )


def test_the_tab_opens_alive(visitor):
    come(visitor)
    status(visitor, "Grass · MCGSM · 256 x 256")
    assert canvas(visitor) == [256, 256]
    expect(visitor.page.locator("#texture-picture i")).to_contain_text("held out: the lowest 20 %")
    expect(visitor.page.locator("#texture-good")).to_contain_text("fewer than the best linear", timeout=LONG)
    visitor.page.locator("#texture-cards button", has_text="Bricks").click()
    expect(visitor.page.locator("#texture-cards button[aria-pressed=true]")).to_have_text("Bricks")
    label = "Bricks, 512 by 512 pixels; the lowest rows are held out"
    expect(visitor.page.locator("#texture-picture canvas")).to_have_attribute("aria-label", label)
    before = visitor.page.evaluate(GROWN)
    visitor.page.locator("#texture-grow-run").click()
    status(visitor, "Bricks · MCGSM")
    assert visitor.page.evaluate(GROWN) != before
    bring(visitor, noise(30, 200))  # it cannot be learned: that is told, and nothing changes
    assert "64 or more" in visitor.toast()
    expect(visitor.page.locator("#texture-cards button[aria-pressed=true]")).to_have_text("Bricks")


def test_a_picture_of_ones_own_is_learned_grown_and_taken_away(visitor, few):
    come(visitor)
    bring(visitor, noise(600, 200))
    expect(visitor.page.locator("#texture-said")).to_contain_text(
        "Its middle was kept, 512 x 200 pixels.", timeout=LONG
    )
    visitor.page.locator("#texture-way label", has_text="halve").click()
    expect(visitor.page.locator("#texture-said")).to_contain_text("halved to 300 x 100", timeout=LONG)
    expect(visitor.page.locator("#texture-grow-run")).to_be_disabled()
    visitor.page.locator("#texture-run").click()
    visitor.page.wait_for_function(f"() => ({POINTS})() > 3", timeout=LONG)
    learned(visitor)
    visitor.page.locator("#texture-grow-run").click()
    status(visitor, "Your picture · MCGSM")
    with visitor.page.expect_download() as picture:
        visitor.page.locator("#texture-save").click()
    assert Image.open(picture.value.path()).size == (256, 256)
    with visitor.page.expect_download() as weights:
        visitor.page.locator("#texture-weights").click()
    with zipfile.ZipFile(weights.value.path()) as archive:
        MCGSM(**json.loads(archive.read("config.json")))
    with visitor.page.expect_download() as settings:
        visitor.page.locator("#texture-settings").click()
    with open(settings.value.path(), encoding="utf-8") as file:
        assert json.load(file)["texture"] == {"title": "Your picture", "height": 100, "width": 300}
    visitor.page.locator("#texture-cards button", has_text="Grass").click()
    expect(visitor.page.locator("#texture-bar")).to_contain_text("came with the page", timeout=LONG)
    visitor.page.locator("#texture-cards button", has_text="Your picture").click()
    learned(visitor)  # it was not lost


def test_a_fit_is_stopped_and_what_it_has_grows(visitor):
    come(visitor)
    bring(visitor, noise(200, 200, seed=3))
    expect(visitor.page.locator("#texture-said")).to_contain_text("200 x 200", timeout=LONG)
    visitor.page.locator("#texture-run").click()
    expect(visitor.page.locator("#texture-bar")).to_contain_text("on held-out rows", timeout=2 * LONG)
    visitor.page.locator("#texture-stop").click()
    expect(visitor.page.locator("#texture-bar")).to_contain_text("Stopped after", timeout=2 * LONG)
    expect(visitor.page.locator("#texture-good")).to_contain_text("MCGSM", timeout=2 * LONG)
    visitor.page.locator("#texture-size input[type=number]").fill("512")
    visitor.page.locator("#texture-size input[type=number]").press("Enter")
    visitor.page.locator("#texture-grow-run").click()
    stop = visitor.page.locator("#texture-grow-stop")
    stop.wait_for(timeout=LONG)
    stop.dispatch_event("click")  # a click waits until nothing moves, and the drawing may be done by then
    status(visitor, "512 x 512")
    expect(visitor.page.locator("#texture-status")).to_contain_text("stopped")
    assert canvas(visitor) == [512, 512]


def test_a_ride_is_stopped_draws_and_gives_way_to_the_bundled_one(visitor):
    come(visitor)
    status(visitor, "Grass")
    page = visitor.page
    back, bar = page.locator("#texture-back"), page.locator("#texture-bar")
    expect(back).to_have_count(0)
    page.locator("#texture-model label", has_text="RIDE").click()
    expect(bar).to_contain_text("came with the page", timeout=LONG)
    page.locator("#texture-run").click()
    expect(bar).to_contain_text("patches of 8", timeout=2 * LONG)
    expect(back).to_have_count(0)
    page.locator("#texture-stop").click()
    expect(bar).to_contain_text("Stopped after", timeout=LONG)
    expect(page.locator("#texture-grow").get_by_label("RIDE")).to_be_checked(timeout=LONG)
    page.locator("#texture-slow-run").click()
    expect(page.locator(".slow-said")).to_contain_text("Row", timeout=LONG)
    back.click()
    expect(bar).to_contain_text("came with the page", timeout=LONG)
    expect(back).to_have_text("Back to the model learned here")


def test_slow_motion_plays_steps_and_goes_back(visitor):
    come(visitor)
    status(visitor, "Grass")
    visitor.page.locator("#texture-slow-run").click()
    expect(visitor.page.locator(".slow")).to_be_visible(timeout=LONG)
    expect(visitor.page.locator(".slow-gate i")).to_have_count(12)
    visitor.page.wait_for_function("() => document.querySelector('.slow-place').value > 3", timeout=LONG)
    visitor.page.locator(".slow-play").click()
    expect(visitor.page.locator(".slow-play")).to_have_text("Play")
    visitor.page.locator("[data-do=first]").click()
    said = visitor.page.locator(".slow-said")
    expect(said).to_contain_text("Row 1, column 1:")
    first = visitor.page.evaluate(SLOW)
    visitor.page.locator("[data-do=step]").click()
    expect(said).to_contain_text("Row 1, column 2:")
    assert visitor.page.evaluate(SLOW) != first
    visitor.page.locator("[data-do=back]").click()
    expect(said).to_contain_text("Row 1, column 1:")
    assert visitor.page.evaluate(SLOW) == first
    shares = visitor.page.locator(".slow-gate b").evaluate_all(
        "(bars) => bars.map((bar) => parseFloat(bar.style.height))"
    )
    assert sum(shares) == pytest.approx(100, abs=0.1)
    assert visitor.page.locator(".slow-density polygon").count() >= 1
    visitor.page.locator(".slow-place").fill("1599")
    expect(said).to_contain_text("Row 40, column 40:")


def test_two_visitors_do_not_see_each_other(visit, desktop, few):
    one, other = visit(desktop), visit(desktop)
    for visitor in (one, other):
        visitor.page.bring_to_front()
        come(visitor)
        status(visitor, "Grass")
    one.page.bring_to_front()
    bring(one, noise(100, 100))
    expect(one.page.locator("#texture-cards button")).to_have_count(5, timeout=LONG)
    other.page.bring_to_front()
    other.page.locator("#texture-cards button", has_text="Gravel").click()
    expect(other.page.locator("#texture-said")).to_contain_text("scikit-image", timeout=LONG)
    expect(other.page.locator("#texture-cards button")).to_have_count(4)


def test_on_a_phone_nothing_goes_sideways(visit, chromium):
    context = chromium.new_context(viewport={"width": 400, "height": 860}, has_touch=True)
    visitor = visit(context)
    come(visitor)
    status(visitor, "Grass")
    visitor.page.locator("#texture-slow-run").click()
    expect(visitor.page.locator(".slow")).to_be_visible(timeout=LONG)
    assert visitor.page.evaluate("document.documentElement.scrollWidth") <= 400
    for name in (
        "#texture-picture canvas",
        "#texture-grown canvas",
        ".slow-canvas",
        ".slow-density",
        "#texture-good table",
    ):
        box = visitor.page.locator(name).bounding_box()
        assert box["x"] >= 0 and box["x"] + box["width"] <= 400, name
    context.close()
