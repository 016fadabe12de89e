"""What becomes of the server's memory when a few people use the page for long, and others come and go.

    python -m benchmarks soak [--minutes 20] [--people 6] [--plot FILE.png]

First a hundred visitors have come and gone, for so many are remembered, and painted until what is remembered of
paintings is at its bound; then people paint, draw samples, compare and leave, as in `python -m benchmarks load`. Prints
the server's memory minute by minute, the median of looks 5 s apart and the most of them, and how the last quarter of
the time lies beside the second: the first is left out. Exit code 1 where that is more than 5 %.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import statistics
import sys
from pathlib import Path

import httpx
import numpy as np

from benchmarks import load
from benchmarks._server import server
from recon.ui.page import VISITORS

FLAT = 5.0  # percent
PAINTED, CELLS = 30, 200  # of these visitors, and what each paints: together more than is remembered of paintings
WIDE, TALL = 480, 150  # points, of the plot
BLUE, PALE = "#3355dd", "#3355dd33"


async def visitors(url: str) -> None:
    """As many come and go as are remembered; the first of them paint, until no more of that is remembered."""
    async with httpx.AsyncClient(base_url=url, timeout=load.PATIENCE) as client:
        page, seen = load.Page((await client.get("config")).json()), load.Seen()
        for number in range(VISITORS):
            who = load.Person(client, page, seen, seed=VISITORS + number)
            if number < PAINTED:
                while len(who.cells) < CELLS:
                    who.paint()
                wrong = await who.ask(who.stroke)
            else:
                wrong = await who.ask(who.draw.before)  # it alone: nothing is drawn
            await who.tab.close()
            if wrong:
                raise SystemExit(f"A visitor was refused: {wrong}")


def by_minute(memory: list[float]) -> list[tuple[float, float]]:
    """Median and most of each minute, MB"""
    each = round(60 / load.TICK)
    parts = [memory[at : at + each] for at in range(0, len(memory), each)]
    return [(statistics.median(part), max(part)) for part in parts if len(part) > each // 2]


def change(minutes: list[tuple[float, float]]) -> float:
    """The last quarter beside the second, percent"""
    quarter = max(1, len(minutes) // 4)
    early, late = minutes[quarter : 2 * quarter], minutes[-quarter:]
    return 100 * (statistics.mean(mb for mb, _ in late) / statistics.mean(mb for mb, _ in early) - 1)


def plot(minutes: list[tuple[float, float]], path: Path) -> None:
    from recon.evaluation.sheet import Axes, Sheet, save

    top = max(most for _, most in minutes)
    step = 500 if top > 1000 else 100
    sheet = Sheet(WIDE, TALL)
    axes = Axes(sheet, (50, 20), (WIDE - 60, TALL - 40), (0, len(minutes)), (0, step * np.ceil(top / step)))
    axes.ticks({k: f"{k}" for k in range(0, len(minutes) + 1, 5)}, {k: f"{k}" for k in range(0, int(top) + step, step)})
    middle = np.arange(len(minutes)) + 0.5
    medians, most = np.array(minutes).T
    axes.sheet.band(axes.at(middle, np.zeros_like(most)), axes.at(middle, most), PALE)
    axes.sheet.line(axes.at(middle, medians), BLUE, 1.5)
    sheet.words(50, 6, "server's memory, MB, by minutes: median, and below the pale edge the most", 10)
    save(sheet.done(), path)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--minutes", type=float, default=20)
    parser.add_argument("--people", type=int, default=6)
    parser.add_argument("--plot", type=Path, help="a PNG")
    asked = parser.parse_args()
    print(f"{asked.people} people, {asked.minutes:g} minutes, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
    with server() as (url, pid):
        asyncio.run(visitors(url))
        seen = asyncio.run(load.run(url, pid, asked.people, 60 * asked.minutes))
    minutes = by_minute(seen.memory)
    print("minute: MB, most")
    print("\n".join(f"{k:6d}: {median:.0f}, {most:.0f}" for k, (median, most) in enumerate(minutes, start=1)))
    cuts = statistics.quantiles(seen.strokes, n=20)
    wrong = ", ".join(f"{count} x {told}" for told, count in seen.wrong.items()) or "none"
    print(f"{len(seen.strokes)} strokes, median {1000 * cuts[9]:.0f} ms, p95 {1000 * cuts[18]:.0f} ms;")
    longer = f"{len(seen.samples)} times 8 samples, {len(seen.comparisons)} comparisons"
    print(f"{longer}, {seen.left} left; errors: {wrong}")
    if asked.plot:
        plot(minutes, asked.plot)
    if len(minutes) < 4:
        return 0
    found = change(minutes)
    print(f"the last quarter beside the second: {found:+.1f} %; load {os.getloadavg()[0]:.1f} at the end")
    return int(abs(found) > FLAT)


if __name__ == "__main__":
    sys.exit(main())
