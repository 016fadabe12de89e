"""Takes the README's moving picture from the page itself: `PYTHONPATH=. python docs/moving.py` (needs Playwright and
Chromium).

Somebody reveals a few strokes of a face with the brush, sees the picture that they imply, then draws samples. Each
frame is a screenshot, with a dot where the mouse is.
"""

from __future__ import annotations

import io
from pathlib import Path

from PIL import Image, ImageDraw
from playwright.sync_api import Page, sync_playwright

from recon.ui.page import launch

PLACE = Path(__file__).with_name("page.webp")
FLAGS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
SIZE, WIDE = (1280, 1060), 860  # of the browser's window, and of the picture, in pixels
STROKES = [  # cells (row, column) from and to
    [(12, 8), (12, 13)],
    [(12, 18), (12, 23)],
    [(16, 15), (20, 15)],
    [(23, 11), (23, 20)],
    [(5, 6), (5, 25)],
    [(28, 4), (28, 27)],
]
STEP, LOOK = 0.12, 0.9  # seconds a frame stays while the brush moves, and after a stroke


class Film:
    def __init__(self, page: Page):
        self.page, self.at = page, (SIZE[0] // 2, SIZE[1] // 2)
        self.frames: list[Image.Image] = []
        self.milliseconds: list[int] = []

    def move(self, x: float, y: float) -> None:
        self.at = (round(x), round(y))
        self.page.mouse.move(x, y)

    def keep(self, seconds: float) -> None:
        picture = Image.open(io.BytesIO(self.page.screenshot())).convert("RGB")
        x, y = self.at
        ImageDraw.Draw(picture, "RGBA").ellipse(
            (x - 11, y - 11, x + 11, y + 11), fill=(49, 84, 216, 110), outline="white", width=2
        )
        self.frames.append(picture.resize((WIDE, round(WIDE * SIZE[1] / SIZE[0])), Image.Resampling.LANCZOS))
        self.milliseconds.append(round(1000 * seconds))

    def press(self, name: str, seconds: float) -> None:
        button = self.page.get_by_role("button", name=name, exact=True).first
        box = button.bounding_box()
        assert box is not None
        self.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
        self.keep(0.5)
        button.click()
        self.page.wait_for_timeout(400)
        self.keep(seconds)

    def stroke(self, start: tuple[int, int], end: tuple[int, int]) -> None:
        grid = self.page.locator(".painter-canvas").bounding_box()
        assert grid is not None
        cell, before = grid["width"] / 32, self.page.locator("#recon-status").inner_text()
        places = [[start[axis] + (end[axis] - start[axis]) * k / 4 for axis in (0, 1)] for k in range(5)]
        for k, (row, column) in enumerate(places):
            self.move(grid["x"] + (column + 0.5) * cell, grid["y"] + (row + 0.5) * cell)
            if k == 0:
                self.page.mouse.down()
            self.keep(STEP)
        self.page.mouse.up()
        self.page.wait_for_timeout(700)
        assert " ms" in (self.page.locator("#recon-status").inner_text() or before)
        self.keep(LOOK)

    def save(self, place: Path) -> None:
        first, *more = self.frames
        first.save(place, save_all=True, append_images=more, duration=self.milliseconds, loop=0, quality=70, method=6)


def main() -> None:
    _, address, _ = launch(prevent_thread_lock=True, quiet=True, server_port=None)
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path="/usr/bin/chromium", args=FLAGS)
        page = browser.new_page(viewport={"width": SIZE[0], "height": SIZE[1]})
        page.goto(address)
        page.wait_for_selector("#recon-map .js-plotly-plot")
        page.wait_for_function("document.querySelector('#recon-status').textContent.includes(' ms')")
        film = Film(page)
        film.press("Clear", LOOK)
        film.press("Reveal", STEP)
        for start, end in STROKES:
            film.stroke(start, end)
        film.press("Draw samples", STEP)
        while page.locator("#recon-gallery.busy, .sample-grid.busy").count():
            film.keep(0.25)
        page.wait_for_timeout(500)
        page.evaluate("scrollTo(0, 0)")
        film.keep(3)
        browser.close()
    film.save(PLACE)
    print(f"{PLACE.name}: {len(film.frames)} frames, {PLACE.stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
