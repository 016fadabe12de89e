"""The page in Chromium, used as a person uses it: painting, pictures, models, samples."""

from __future__ import annotations

import re
import time

import numpy as np
import pytest

from recon import patches
from tests.ui.visitor import HEAT, LONG, expect, photo

pytestmark = [pytest.mark.browser, pytest.mark.filterwarnings("ignore::DeprecationWarning:gradio")]


@pytest.fixture(scope="module")
def tabs():
    return ("Models",)  # beside more the line of tabs is as high


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
    draws_one_map_that_says_what_a_pixel_holds(visitor)


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
    visitor.changed(before, timeout=5000)
    assert time.monotonic() - began < 5.5
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


def test_a_picture_of_ones_own_and_a_reload(visitor):
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
    told = re.search(r"truly \(dashed\) ([\d., ]+)", card.inner_text())[1]
    assert [float(value) for value in told.split(", ")] == pytest.approx(truth[row, col] / 255, abs=0.006)
    visitor.page.mouse.click(*visitor.at("#recon-map .nsewdrag", other_row, other_col))
    expect(card).to_contain_text(f"Pixel row {other_row}, column {other_col}")
    frame = "() => document.querySelector('#recon-map .js-plotly-plot').layout.shapes.map((one) => [one.y0, one.x0])"
    visitor.page.wait_for_function(f"([row, col]) => ({frame})().every(([y, x]) => y === row - .5 && x === col - .5)",
                                   arg=[other_row, other_col])  # fmt: skip
    assert len(visitor.page.evaluate(frame)) == 2
    visitor.page.mouse.click(*visitor.at("#recon-map .nsewdrag", *np.argwhere(mask)[9].tolist()))
    expect(card).to_contain_text("It was observed")

    visitor.reload()  # the picture is not on the server, and yet it is kept
    visitor.count(128)
    expect(visitor.page.locator("#recon-scores")).to_contain_text("dB")
    expect(visitor.page.locator("#recon-picture input")).to_have_value("your own")
    visitor.press("Reveal")
    visitor.paint((row, col))
    assert visitor.cells(129)[row, col] == truth[row, col].tolist()


def draws_one_map_that_says_what_a_pixel_holds(visitor):
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


def test_samples(visitor):
    grid = visitor.page.locator("#recon-gallery .sample-grid")
    visitor.press("Draw samples")
    expect(grid.locator("img")).to_have_count(8)
    expect(visitor.page.locator("#recon-drawn")).to_contain_text("8 joint samples in 32", timeout=LONG)
    before = visitor.shown()
    visitor.choose("Model", "Scale mixture")
    visitor.changed(before)
    visitor.press("Draw samples")
    expect(visitor.page.locator("#recon-drawn")).to_contain_text("8 exact joint samples", timeout=LONG)
    expect(grid).to_be_in_viewport()
    drawn = [image.get_attribute("src") for image in grid.locator("img").all()]
    assert len(set(drawn)) == 8
    before = visitor.shown()
    grid.get_by_role("button", name="Sample 4").click()
    visitor.changed(before)
    expect(visitor.page.locator(".recon-look label", has_text="Sample").locator("input")).to_be_checked()
    expect(grid).not_to_have_class(re.compile("stale"))
    visitor.paint((2, 2))
    expect(grid).to_have_class(re.compile("stale"))  # they are samples of another painting now


def test_looks(visitor):
    seen = [visitor.shown()]
    for look in ("Observed", "Nearest", "Error", "Sample", "Mean"):
        visitor.look(look)
        seen.append(visitor.changed(seen[-1]))
    assert seen[-1] == seen[0] and len(set(seen)) == 5
    visitor.look("Finer")
    expect(visitor.page.locator("#recon-note")).to_contain_text("at pixels alone")
    visitor.choose("Model", "PixelTransformer")
    expect(visitor.page.locator("#recon-note")).to_contain_text("128 x 128")
    visitor.look("Mean")
    visitor.choose("Model", "Density network")
    expect(visitor.page.locator("#recon-status")).to_contain_text("Density network")
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
    expect(reveal).to_be_visible()  # of the one after
    visitor.press("Undo")
    visitor.count(64)
    expect(reveal).to_be_hidden()  # that was of another painting
    visitor.press("Where next?")
    expect(reveal).to_be_visible()
    visitor.page.get_by_label("Patch", exact=True).select_option(label="centre block")
    expect(reveal).to_be_hidden()
    visitor.press("Where next?")
    expect(reveal).to_be_visible()
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
        visitor.model(engine, name)
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


def test_shuffle_picks_other_pixels_and_without_live_nothing_happens_until_run(visitor):
    seen = [set(visitor.cells(64))]
    for seed in ("1", "2"):
        before = visitor.shown()
        visitor.press("Shuffle")
        expect(visitor.page.get_by_label("Seed")).to_have_value(seed)
        visitor.changed(before)
        visitor.page.wait_for_function(
            "(seed) => JSON.parse(sessionStorage.recon).patch.seed === Number(seed)", arg=seed
        )
        seen.append(set(visitor.cells(64, other_than=seen[-1])))
    assert seen[0] != seen[1] != seen[2] and visitor.setting("Patch") == "Sobol', shifted at random"

    visitor.page.get_by_label("live: follow every stroke").uncheck()
    run = visitor.page.get_by_role("button", name="Run", exact=True)
    expect(run).to_be_visible()
    before = visitor.shown()
    visitor.paint((5, 5), (5, 15))
    visitor.cells(len({(5, col) for col in range(5, 16)} | seen[-1]))
    visitor.page.wait_for_timeout(700)
    assert visitor.shown() == before
    parts = [visitor.page.locator(part) for part in ("#recon-view canvas", "#recon-map", "#recon-scores")]
    for part in parts:
        expect(part).to_have_css("opacity", "0.45")  # of what was painted before
    run.click()
    before = visitor.changed(before)
    for part in parts:
        expect(part).to_have_css("opacity", "1")
    visitor.paint((9, 5), (9, 15))
    expect(parts[0]).to_have_css("opacity", "0.45")
    visitor.press("Undo")
    visitor.count(len({(5, col) for col in range(5, 16)} | seen[-1]))
    run.click()  # the answer to this is there already
    expect(parts[0]).to_have_css("opacity", "1")
    visitor.press("Redo")
    visitor.page.get_by_label("live: follow every stroke").check()
    visitor.changed(before)
    expect(parts[0]).to_have_css("opacity", "1")
