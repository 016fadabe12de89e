"""Paints for minutes: 300 strokes in each of two browser tabs at once, each reloaded half-way.

    python -m benchmarks tabs [--strokes 300]

Says how long a stroke takes to become a picture, whether memory grows on the server or in the browser, whether there
was any error, and whether all that was painted is still there and is what the picture shows. Exit code 1 if not.
Needs Chromium and playwright, and Linux for the server's memory.
"""

from __future__ import annotations

import argparse
import base64
import io
import json
import os
import random
import re
import statistics
import sys
import time
from pathlib import Path

import numpy as np
from PIL import Image

from benchmarks._server import resident_mb, server

CHROMIUM = Path("/usr/bin/chromium")
FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"]
FLAGS += ["--disable-background-networking", "--disable-component-update"]
SIDE = 32
WARM = 10  # strokes that are not measured: the first ones load what is loaded once
SERVER_MB, TAB_MB = 60.0, 30.0  # growth that is called a leak
PATIENCE = 30_000  # ms for one picture

# Counts the pictures that the reconstruction shows, and the time from letting go of the brush to the next of them.
WATCH = """
window.watched = { released: 0, pictures: 0, latencies: [] };
document.addEventListener("pointerup", () => { watched.released = performance.now(); }, true);
const draw = CanvasRenderingContext2D.prototype.drawImage;
CanvasRenderingContext2D.prototype.drawImage = function (...what) {
  draw.apply(this, what);
  if (!this.canvas.closest?.("#recon-view")) return;
  watched.pictures += 1;
  if (watched.released) watched.latencies.push(performance.now() - watched.released);
  watched.released = 0;
};
"""
CELLS = """(side) => {
  const canvas = document.querySelector("#recon-view canvas"), pen = canvas.getContext("2d");
  const middle = (at) => Math.floor((at + 0.5) * canvas.width / side);
  return Array.from({ length: side * side }, (_, at) =>
    [...pen.getImageData(middle(at % side), middle(Math.floor(at / side)), 1, 1).data].slice(0, 3));
}"""


class Tab:
    """One person, painting lines at random; `painted` is what must be there."""

    def __init__(self, browser, url: str, seed: int):
        self.rng = random.Random(seed)
        self.painted: set[tuple[int, int]] = set()
        self.errors: list[str] = []
        self.latencies: list[float] = []
        self.pictures = 0
        self.page = browser.new_context(viewport={"width": 1280, "height": 800}).new_page()
        self.page.set_default_timeout(PATIENCE)
        self.page.add_init_script(WATCH)
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("console", lambda said: self.errors.append(said.text) if said.type == "error" else None)
        self.page.on(
            "response", lambda got: self.errors.append(f"{got.status} {got.url}") if got.status > 399 else None
        )
        self.tools = self.page.context.new_cdp_session(self.page)
        self.page.goto(url)
        self.ready()
        self.page.get_by_role("button", name="Clear", exact=True).click()
        self.page.wait_for_function("() => document.querySelector('.painter-count').textContent.startsWith('0 of')")

    def ready(self) -> None:
        shown = "() => window.reconOpened && document.querySelector('#recon-status').textContent.includes(' ms')"
        self.page.wait_for_function(shown)
        box = self.page.locator(".painter-canvas").bounding_box()
        self.left, self.top, self.cell = box["x"], box["y"], box["width"] / SIDE

    def stroke(self) -> None:
        """A line of up to 4 cells, at least one of them new; does not wait for its picture."""
        self.pictures = self.page.evaluate("() => watched.pictures")
        line: list[tuple[int, int]] = []
        while set(line) <= self.painted:
            row, col, length = self.rng.randrange(SIDE), self.rng.randrange(SIDE), self.rng.randrange(1, 5)
            line = [(row, at) for at in range(col, min(col + length, SIDE))]
            if self.rng.random() < 0.5:
                line = [(at, row) for row, at in line]
        mouse = self.page.mouse
        for step, (row, col) in enumerate((line[0], line[-1])):
            mouse.move(self.left + (col + 0.5) * self.cell, self.top + (row + 0.5) * self.cell)
            if not step:
                mouse.down()
        mouse.up()
        self.painted |= set(line)

    def wait(self) -> None:
        try:
            self.page.wait_for_function("(before) => watched.pictures > before", arg=self.pictures)
        except Exception:
            self.errors.append(f"no picture within {PATIENCE / 1000:.0f} s of a stroke")

    def reload(self) -> None:
        """In the middle of whatever is on its way, which gradio then says in the console."""
        self.latencies += self.page.evaluate("() => watched.latencies")
        before = len(self.errors)
        self.page.reload()
        self.errors[before:] = [said for said in self.errors[before:] if not re.search("abort|Connection err", said)]
        self.ready()

    def heap_mb(self) -> float:
        self.tools.send("HeapProfiler.collectGarbage")
        return self.tools.send("Runtime.getHeapUsage")["usedSize"] / 1e6

    def kept(self) -> list[list[int]]:
        return json.loads(self.page.evaluate("() => sessionStorage.recon"))["painting"]["cells"]

    def toasts(self) -> list[str]:
        return self.page.get_by_test_id("toast-text").all_inner_texts()


def ask(url: str, cells: list) -> str:
    from gradio_client import Client

    return Client(url, verbose=False).predict(cells, api_name="/reconstruct")["png"]


def stretch(url: str) -> None:
    """Large questions, the same before each measuring of memory: a large painting needs more of it than a small one."""
    rng = random.Random(0)
    for count in (300, 400, 500, 600) * 3:
        places = rng.sample(range(SIDE * SIDE), count)
        ask(url, [[at // SIDE, at % SIDE, at % 256, at % 199, at % 157] for at in places])


def shows_its_painting(tab: Tab, url: str) -> bool:
    """Whether the picture on the page is the one that the painted cells imply: an older one would be another."""
    uri = ask(url, tab.kept())
    wanted = np.asarray(Image.open(io.BytesIO(base64.b64decode(uri.partition(",")[2]))).convert("RGB"))
    shown = np.array(tab.page.evaluate(CELLS, SIDE)).reshape(SIDE, SIDE, 3)
    return bool(np.abs(shown - wanted.astype(int)).max() <= 1)


def main() -> int:
    from playwright.sync_api import sync_playwright

    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--strokes", type=int, default=300, help="in each tab")
    strokes = parser.parse_args().strokes
    print(f"{strokes} strokes in each of two tabs; load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    wrong: list[str] = []
    with server() as (url, pid), sync_playwright() as play:
        browser = play.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        tabs = [Tab(browser, url, seed) for seed in (1, 2)]
        began, before, heaps = time.monotonic(), 0.0, [0.0, 0.0]
        for step in range(strokes):
            for tab in tabs:
                tab.stroke()
            if step == strokes // 2:
                for tab in tabs:
                    tab.reload()
                continue
            for tab in tabs:
                tab.wait()
            if step == WARM:
                stretch(url)
                before, heaps = resident_mb(pid), [tab.heap_mb() for tab in tabs]
                print(f"  {step + 1:4d} strokes, server {before:.0f} MB, heaps {heaps[0]:.0f} and {heaps[1]:.0f} MB")
            if step % 50 == 49:
                print(f"  {step + 1:4d} strokes, {time.monotonic() - began:.0f} s, server {resident_mb(pid):.0f} MB")
        took = time.monotonic() - began
        stretch(url)
        after = resident_mb(pid)
        latencies = []
        for number, (tab, heap) in enumerate(zip(tabs, heaps, strict=True), start=1):
            tab.latencies += tab.page.evaluate("() => watched.latencies")
            latencies += tab.latencies[WARM:]
            now = tab.heap_mb()
            survived = {(row, col) for row, col, *_ in tab.kept()} == tab.painted
            right = shows_its_painting(tab, url)
            print(
                f"tab {number}: heap {heap:.0f} -> {now:.0f} MB, {len(tab.painted)} cells, all kept: {survived}, ",
                end="",
            )
            print(f"picture is theirs: {right}, errors: {tab.errors + tab.toasts() or 'none'}")
            wrong += tab.errors + tab.toasts()
            wrong += [] if survived else [f"tab {number} lost or gained cells"]
            wrong += [] if right else [f"tab {number} shows another picture"]
            wrong += [] if now - heap < TAB_MB else [f"tab {number}'s heap grew by {now - heap:.0f} MB"]
        browser.close()
    wrong += [] if after - before < SERVER_MB else [f"the server grew by {after - before:.0f} MB"]
    p95 = statistics.quantiles(latencies, n=20)[-1]
    print(
        f"stroke to picture: median {statistics.median(latencies):.0f} ms, p95 {p95:.0f} ms, {len(latencies)} measured"
    )
    print(f"server: {before:.0f} -> {after:.0f} MB; {took:.0f} s; load {os.getloadavg()[0]:.1f}")
    print("\n".join(["Wrong:", *wrong]) if wrong else "Nothing went wrong.")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
