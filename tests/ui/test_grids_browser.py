"""A model of larger pictures in a browser: its grid comes with it, and what was painted survives the way back."""

from __future__ import annotations

import re
import time

import pytest

from recon.ui.comparing import Comparing
from tests.ui.visitor import HEAT, LONG, expect

pytestmark = [pytest.mark.browser, pytest.mark.filterwarnings("ignore::DeprecationWarning:gradio")]


@pytest.fixture(scope="module")
def tabs():
    return ("Compare",)


LARGE, SMALL = "faces 64", "faces"


@pytest.fixture
def person(visitor, engine):
    if "mdn-celeba64" not in engine.records:
        pytest.skip("no model of 64 x 64 is bundled")
    return visitor


def choose(page, word: str) -> None:
    page.get_by_label("Pictures of", exact=True).select_option(word)


def counted(page, painted: int, side: int) -> None:
    expect(page.locator(".painter-count")).to_have_text(f"{painted} of {side**2} pixels", timeout=LONG)


def test_there_and_back(person):
    page, size = person.page, person.page.locator("#recon-size input[type=number]")
    person.press("Clear")
    counted(page, 0, 32)
    person.paint((10, 16))
    counted(page, 1, 32)
    choose(page, LARGE)
    counted(page, 4, 64)
    page.wait_for_function(f"({HEAT})()?.length === 64")
    expect(size).to_have_attribute("max", "4096")
    ranges = page.evaluate("() => document.querySelector('#recon-map .js-plotly-plot').layout.yaxis.range")
    assert ranges == [63.5, -0.5]
    size.fill("600")
    size.press("Enter")
    counted(page, 600, 64)
    expect(page.locator("#recon-status")).to_contain_text(re.compile(r"faces 64.*\d m?s"), timeout=LONG)
    size.fill("200")
    size.press("Enter")
    counted(page, 200, 64)
    person.cells(200)  # what is shown is kept a moment later
    person.reload()
    counted(page, 200, 64)
    expect(size).to_have_attribute("max", "4096")
    choose(page, SMALL)
    counted(page, 200, 32)
    page.wait_for_function(f"({HEAT})()?.length === 32")
    expect(size).to_have_attribute("max", "1024")
    choose(page, LARGE)
    counted(page, 200, 64)


def test_compare_goes_with_the_grid(person):
    page, line = person.page, person.page.locator("#compare-line")
    tokens = page.locator("#compare-models .token")
    notes = page.locator("#compare-tiles .tile-note", has_text="works on")
    button = page.locator(".compare-sets button")
    choose(page, LARGE)
    counted(page, 64, 64)
    person.open_tab("Compare")
    expect(line).to_contain_text("6 compared · 64 of 4096 pixels", timeout=LONG)
    expect(tokens.first).to_contain_text("faces 64")
    expect(tokens).to_have_count(6)
    expect(button.filter(visible=True)).to_have_text(["faces 64", "landscapes 64"])
    expect(page.locator("#compare-tiles .tiles")).not_to_have_class(re.compile("busy|stale"))
    person.press("landscapes 64")
    expect(tokens.first).to_contain_text("landscapes 64")
    person.look("Several patches")
    expect(page.locator("#compare-model input")).to_have_value(re.compile("faces 64"))
    person.look("Several models")
    page.locator("#compare-source select").select_option(label="as on Reconstruct")
    expect(button.filter(visible=True)).to_have_count(2)
    person.open_tab("Reconstruct")
    choose(page, SMALL)
    counted(page, 64, 32)
    person.open_tab("Compare")
    expect(line).to_contain_text("9 compared", timeout=LONG)
    expect(line).to_contain_text("of 1024 pixels")
    expect(notes).to_have_count(0)
    expect(button.filter(visible=True)).to_have_count(7)


def test_two_menus_choose_a_model(person, engine, monkeypatch):
    """The set keeps the family and what is painted, and asks once; a reload, and what Compare opens, set both."""
    page, asked, answer = person.page, [], engine.answer
    model, kind = page.get_by_label("Model", exact=True).first, page.get_by_label("Pictures of", exact=True)
    expect(kind).to_have_value("faces")
    expect(model.locator("option:checked")).to_have_text("Density network")
    painted = person.cells(64)
    monkeypatch.setattr(engine, "answer", lambda name, *more: asked.append(name) or answer(name, *more))
    choose(page, "landscapes")
    expect(page.locator("#recon-status")).to_contain_text("Density network · landscapes")
    expect(model.locator("option:checked")).to_have_text("Density network")
    page.wait_for_timeout(1000)
    assert asked == ["mdn-landscapes"]
    assert person.cells(64) == painted and person.kept()["model"] == "mdn-landscapes"
    expect(model.locator("option")).to_have_count(len(engine.menus.sets["landscapes"]))
    model.select_option(label="Gaussian")
    expect(page.locator("#recon-status")).to_contain_text("Gaussian · landscapes")
    person.paint((1, 1))
    expect(page.locator("#recon-status")).to_contain_text("Gaussian · landscapes")
    person.reload()
    expect(kind).to_have_value("landscapes")
    expect(model.locator("option:checked")).to_have_text("Gaussian")
    choose(page, "anything (classical)")
    expect(model.locator("option:checked")).to_have_text("Linear interpolation")
    person.open_tab("Compare")
    expect(page.locator("#compare-line")).to_contain_text(f"{len(Comparing(engine).first)} compared", timeout=LONG)
    page.get_by_role("button", name="Open in Reconstruct: Mixture of scale mixtures").click()
    expect(page.locator("#recon-status")).to_contain_text("Mixture of scale mixtures · faces")
    expect(kind).to_have_value("faces")
    expect(model.locator("option:checked")).to_have_text("Mixture of scale mixtures")


def test_two_menus_faster_than_their_answers(person, engine, monkeypatch):
    """A model that is chosen while its menu is still that of other pictures is its kin of these; of two choices made
    while another is answered the last one counts."""
    answer = engine.answer
    monkeypatch.setattr(engine, "answer", lambda *given: time.sleep(0.7) or answer(*given))
    choose(person.page, "objects")
    for title in ("Scale mixture", "Mixture of scale mixtures", "Gaussian"):
        person.choose("Model", title)
        person.page.wait_for_timeout(100)
    expect(person.page.locator("#recon-status")).to_contain_text("Gaussian · objects", timeout=LONG)
    expect(person.page.get_by_label("Model", exact=True).first).to_have_value("gaussian-cifar10")
    assert person.setting("Pictures of") == "objects"
    person.page.wait_for_function("() => JSON.parse(sessionStorage.recon).model === 'gaussian-cifar10'")


def test_a_stroke_that_is_answered_after_another_model_does_not_stay(person, engine, monkeypatch):
    """The second stroke waits for the first one's answer, and so is asked for after the model, of what was there."""
    answer = engine.answer
    monkeypatch.setattr(engine, "answer", lambda *given: time.sleep(1.2) or answer(*given))
    person.paint((3, 3))
    person.paint((8, 8))
    choose(person.page, LARGE)
    counted(person.page, 4 * 66, 64)
    person.page.wait_for_timeout(5500)
    expect(person.page.locator("#recon-status")).to_contain_text("faces 64")
    assert person.page.evaluate(f"({HEAT})().length") == 64


def test_two_menus_on_a_phone(visit, chromium):
    context = chromium.new_context(viewport={"width": 400, "height": 860}, has_touch=True)
    page = visit(context).page
    kind, model = (page.locator(f"#recon-{name}").bounding_box() for name in ("kind", "model"))
    assert kind["y"] == model["y"] and kind["x"] + kind["width"] <= model["x"] and model["x"] + model["width"] <= 392
    choose(page, "binary digits")
    expect(page.locator("#recon-status")).to_contain_text("Orderless NADE")
    assert page.evaluate("document.documentElement.scrollWidth") <= 400
    context.close()
