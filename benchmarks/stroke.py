"""How long one person waits: a stroke of the brush to its reconstruction, and to its map.


One tab paints lines at random, each after the picture of the last: the time from letting go of the brush to the new
reconstruction on the screen, and to the map beside it. Needs Chromium and playwright.
"""

from __future__ import annotations

import argparse
import os
import statistics

from benchmarks._server import server
from benchmarks.tabs import CHROMIUM, FLAGS, WARM, Tab

# Plotly says when it has drawn, and has no event for "any figure": the map's is asked for by its place in the page.
WATCH_MAP = """() => {
  watched.maps = [];
  const figure = document.querySelector("#recon-map .js-plotly-plot");
  figure.on("plotly_afterplot", () => {
    if (watched.last) watched.maps.push(performance.now() - watched.last);
    watched.last = 0;
  });
  document.addEventListener("pointerup", () => { watched.last = performance.now(); }, true);
}"""


def main() -> None:
    from playwright.sync_api import sync_playwright

    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--strokes", type=int, default=60)
    asked = parser.parse_args()
    with server() as (url, _), sync_playwright() as play:
        browser = play.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        tab = Tab(browser, url, seed=1)
        tab.page.evaluate(WATCH_MAP)
        for _ in range(WARM + asked.strokes):
            tab.stroke()
            tab.wait()
            tab.page.wait_for_timeout(300)  # a hand lifts the brush; and the map has time to follow
        pictures, maps = (tab.page.evaluate(f"() => watched.{what}")[WARM:] for what in ("latencies", "maps"))
        browser.close()
    print(f"{len(tab.painted)} cells painted, {len(pictures)} strokes measured, load {os.getloadavg()[0]:.1f}")
    for what, times in (("reconstruction", pictures), ("map", maps)):
        if times:
            p95 = statistics.quantiles(times, n=20)[-1]
            print(f"stroke to {what}: median {statistics.median(times):.0f} ms, 95 % within {p95:.0f} ms")
    if tab.errors:
        raise SystemExit("\n".join(["Wrong:", *tab.errors]))


if __name__ == "__main__":
    main()
