"""A person with the page open in Chromium: what they see, and what they do."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Collection
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
import pytest
from PIL import Image

from recon import images

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
expect = playwright.expect
CHROMIUM = Path("/usr/bin/chromium")
FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"]
FLAGS += ["--disable-background-networking", "--disable-component-update", "--disable-sync"]
LONG = 30_000  # ms, for a machine that does something else as well
VERY_LONG = 4 * LONG  # for what is made in many parts there
expect.set_options(timeout=LONG)

SHOWN = "() => document.querySelector('#recon-view canvas').toDataURL()"
HEAT = "() => document.querySelector('#recon-map .js-plotly-plot')?.calcdata?.[0]?.[0]?.z?.map((row) => [...row])"


class Visitor:
    """A person with one tab open."""

    def __init__(self, page, url: str, link: str = ""):
        self.page, self.url = page, url
        self.errors: list[str] = []
        self.outside: list[str] = []
        page.set_default_timeout(LONG)
        page.on("pageerror", lambda error: self.errors.append(error.stack or str(error)))
        page.on("console", self.hear)
        page.on("request", self.see)
        page.goto(url + link)
        self.ready()

    def hear(self, said) -> None:
        """Errors, but for this: gradio's client cancels an event that was not given its number yet, in vain."""
        url = said.location.get("url", "")
        in_vain = "422" in said.text and url.rstrip("/").endswith(("/cancel", "/reset"))
        if said.type == "error" and not in_vain:
            self.errors.append(f"{said.text} {url}".strip())

    def see(self, request) -> None:
        at = urlsplit(request.url)
        if at.scheme not in ("data", "blob") and at.netloc != urlsplit(self.url).netloc:
            self.outside.append(request.url)

    def ready(self) -> None:
        expect(self.page.locator("#recon-status")).to_contain_text(" ms", timeout=LONG)
        expect(self.page.locator("#recon-scores")).not_to_be_empty(timeout=LONG)
        self.page.wait_for_function("() => window.reconOpened && document.querySelector('#recon-view canvas')")

    def open_tab(self, name: str) -> None:
        """By its tab, or on a phone out of the menu that holds what does not fit."""
        tab = self.page.get_by_role("tab", name=name, exact=True)
        if not tab.is_visible():
            self.page.locator(".overflow-menu > button").click()
            tab = self.page.locator(".overflow-menu button", has_text=name)
        tab.click()

    def reload(self) -> None:
        """What is on its way when a page is left is aborted, and gradio says so in the console; of what was asked at
        the last moment, that the server knows nothing of it."""
        before, aborted = len(self.errors), re.compile("abort|Connection err|Unexpected error 404")
        self.page.reload()
        self.errors[before:] = [said for said in self.errors[before:] if not aborted.search(said)]
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

    def cells(self, painted: int | None = None, other_than: Collection = ()) -> dict[tuple[int, int], list[int]]:
        """What is painted, as the tab keeps it; of that number of cells, if it is said, and in other places. It is kept
        a moment after it is shown."""
        if painted is not None:
            script = """([count, before]) => {
                const cells = JSON.parse(sessionStorage.recon || '{}').painting?.cells;
                return cells?.length === count && cells.some(([row, col]) => !before.includes(32 * row + col));
            }"""
            before = [32 * row + col for row, col in other_than]
            self.page.wait_for_function(script, arg=[painted, before])
        return {(row, col): rgb for row, col, *rgb in self.kept()["painting"]["cells"]}

    def keeps(self, places: np.ndarray) -> None:
        """Waits until just these places (count, 2) are painted."""
        script = """(places) => JSON.stringify((JSON.parse(sessionStorage.recon || '{}').painting?.cells ?? [])
            .map(([row, col]) => [row, col]).sort()) === JSON.stringify(places.sort())"""
        self.page.wait_for_function(script, arg=places.tolist())

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
        return self.page.get_by_label(label, exact=True).first.evaluate(
            "(field) => field.selectedOptions?.[0]?.text ?? field.value"
        )

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
        field = self.page.get_by_label(label, exact=True).first
        if field.evaluate("(field) => field.tagName") == "SELECT":
            field.select_option(label=option)
            return
        field.click()
        self.page.get_by_role("option", name=option, exact=True).click()

    def model(self, engine, name: str) -> None:
        """Chooses a model by its two menus."""
        word = engine.menus.word(name)
        if self.setting("Pictures of") != word:
            self.choose("Pictures of", word)
            names = "|".join(map(re.escape, engine.menus.sets[word]))
            expect(self.page.get_by_label("Model", exact=True).first).to_have_value(re.compile(f"^({names})$"))
        if self.setting("Model") != engine.menus.family(name):
            self.choose("Model", engine.menus.family(name))

    def upload(self, content: bytes, name: str = "photo.png") -> None:
        field = self.page.locator("#recon-upload input[type=file]").first
        if not field.count():
            self.page.get_by_text("A picture of your own").click()
        file = {"name": name, "mimeType": "image/png", "buffer": content}
        field.set_input_files(file)


def photo() -> tuple[bytes, np.ndarray]:
    """A picture that nobody has seen before, and what the grid makes of it."""
    y, x = np.mgrid[0:300, 0:400]
    rgb = np.stack([x * 0.6, 250 - y * 0.7, 90 + 60 * np.sin(x / 40)], -1).clip(0, 255).astype(np.uint8)
    image, stream = Image.fromarray(rgb), io.BytesIO()
    image.save(stream, "PNG")
    return stream.getvalue(), images.fit(image, 32)
