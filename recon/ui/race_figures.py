"""How a race looks: lines of PSNR against the number of pixels, a sentence at each number, a table, and CSV."""

from __future__ import annotations

import csv
import html
import io
import math
from collections.abc import Sequence
from typing import Any

import plotly.graph_objects as go

from recon.race import LEARNS_MOST, LEAST_SURE, LOOKING, SIZES, Lap
from recon.ui.grids import FAMILIES

NAMED = {
    "random": ("random", "one draw"),
    "sobol": ("Sobol'", "spread evenly"),
    "farthest": ("farthest point", "spread evenly"),
    LEAST_SURE: ("least sure", "looks before it chooses"),
    LEARNS_MOST: ("learns most", "looks before it chooses"),
}
WORDS = {
    "random": "the random patch",
    "sobol": "the Sobol' patch",
    "farthest": "the farthest-point patch",
    LEAST_SURE: "looking where the model is least sure",
    LEARNS_MOST: "looking where the model learns most",
}
DESIGNED, PATCH = "designed_", "the designed patch"
STYLES = {  # colour and mark of each line
    "random": ("#868e96", "circle"),
    "sobol": ("#4c6ef5", "square"),
    "farthest": ("#12a594", "diamond"),
    LEAST_SURE: ("#ae3ec9", "x"),
    LEARNS_MOST: ("#d6336c", "star"),
}
DESIGNED_STYLE = ("#e8590c", "triangle-up")
QUIET = "rgba(123,129,144,.22)"
NOTE = (
    "PSNR is over the whole picture, observed pixels kept. Random, Sobol', farthest point and designed pixels are laid "
    "out before anything is seen. The others look: after every few pixels the model is asked where its variance is "
    "largest (least sure), or where one more pixel would take most off that of the whole picture (learns most). "
    "To a Gaussian or a scale mixture the same pixels tell most of nearly every picture; clusters and networks adapt."
)


def title(name: str) -> tuple[str, str]:
    """What a runner is called, and a quiet word to it."""
    if name.startswith(DESIGNED):
        titles = {family: shown for shown, family in FAMILIES}
        return titles.get(name, "designed for its set"), "before any is seen"
    return NAMED[name]


def style(name: str) -> tuple[str, str]:
    return STYLES.get(name, DESIGNED_STYLE)


def word(name: str) -> str:
    return WORDS.get(name, PATCH)


def frame() -> go.Figure:
    """The axes, before anything has come; `RaceLines` fills them in the browser."""
    axis = {"gridcolor": QUIET, "linecolor": QUIET, "zeroline": False, "fixedrange": True, "tickfont": {"size": 12}}
    ends = [math.log10(SIZES[0] / 1.15), math.log10(SIZES[-1] * 1.15)]
    return go.Figure(
        layout={
            "margin": {"l": 52, "r": 12, "t": 8, "b": 44},
            "xaxis": {**axis, "type": "log", "range": ends, "tickvals": SIZES, "title": {"text": "pixels observed"}},
            "yaxis": {**axis, "title": {"text": "PSNR, dB"}},
            "paper_bgcolor": "rgba(0,0,0,0)",
            "plot_bgcolor": "rgba(0,0,0,0)",
            "font": {"color": "#7b8190", "size": 12},
            "legend": {"orientation": "h", "x": 0, "y": 1, "yanchor": "bottom", "bgcolor": "rgba(0,0,0,0)"},
            "hovermode": "x unified",
            "hoverlabel": {"bgcolor": "#1f2430", "font": {"color": "#fff", "size": 12}},
            "showlegend": True,
            "autosize": True,
        }
    )


def lines(laps: Sequence[Lap], names: Sequence[str]) -> dict[str, Any]:
    """The value of a `RaceLines`: a Plotly trace for each runner, with as many points as it has laps."""

    def trace(name: str) -> dict[str, Any]:
        colour, symbol = style(name)
        own = [lap for lap in laps if lap.name == name and lap.psnr_db is not None and math.isfinite(lap.psnr_db)]
        return {
            "type": "scatter",
            "mode": "lines+markers",
            "name": title(name)[0],
            "x": [lap.size for lap in own],
            "y": [lap.psnr_db for lap in own],
            "line": {"color": colour, "width": 3 if name in LOOKING else 2},
            "marker": {"symbol": symbol, "size": 9 if name in LOOKING else 7},
            "hovertemplate": "%{y:.2f} dB",
        }

    return {"traces": [trace(name) for name in names]}


def sentence(laps: Sequence[Lap]) -> str:
    """Who came closest at one size and by how much, and where that leaves the model's own choice, as HTML."""
    found = {lap.name: lap.psnr_db for lap in laps if lap.psnr_db is not None}
    if len(found) < 2:
        return ""
    size = max(lap.size for lap in laps)
    first, second, *_ = sorted(found, key=lambda name: found[name], reverse=True)
    if math.isinf(found[first]):
        return said(f"At {size} pixels {word(first)} has every pixel right.")
    told = f"At {size} pixels {word(first)} comes closest: {found[first]:.2f} dB, {apart(found, first, second)}."
    looked = max((name for name in found if name in LOOKING), key=lambda name: found[name], default="")
    others = [name for name in found if name == "sobol" or name.startswith(DESIGNED)]
    # what was said already is not said again
    others = [name for name in others if {name, looked} != {first, second}] if looked else []
    if others:
        start = "It" if looked == first else f"{word(looked)[0].upper()}{word(looked)[1:]}"
        told += f" {start} is {' and '.join(apart(found, looked, name) for name in others)}."
    return said(told)


def apart(found: dict[str, float], one: str, other: str) -> str:
    """How far one is above or below another, by what the table shows of both."""
    more = round(round(found[one], 2) - round(found[other], 2), 2)
    if not more:
        return f"level with {word(other)}"
    return f"{abs(more):.2f} dB {'above' if more > 0 else 'below'} {word(other)}"


def said(told: str) -> str:
    return f"<p class='race-said'>{html.escape(told, quote=False)}</p>"


def table(laps: Sequence[Lap], names: Sequence[str]) -> str:
    """PSNR of every runner at every size as an HTML table, the best of a size in colour."""
    found = {(lap.name, lap.size): lap.psnr_db for lap in laps if lap.psnr_db is not None}
    if not found:
        return ""
    best = {size: max((found[key] for key in found if key[1] == size), default=None) for size in SIZES}

    def cell(name: str, size: int) -> str:
        psnr = found.get((name, size))
        if psnr is None:
            return "<td>–</td>"
        shown = "∞" if math.isinf(psnr) else f"{psnr:.2f}"
        return f"<td class='best'>{shown}</td>" if psnr == best[size] else f"<td>{shown}</td>"

    def row(name: str) -> str:
        dot = f"<i style='background:{style(name)[0]}'></i>"
        return (
            f"<tr><th scope='row'>{dot}{html.escape(title(name)[0])}</th>{''.join(cell(name, n) for n in SIZES)}</tr>"
        )

    head = "".join(f"<th scope='col'>{size}</th>" for size in SIZES)
    return (
        "<div class='recon-table compare-table race-table'><table><thead><tr><th scope='col'>PSNR in dB at</th>"
        f"{head}</tr></thead><tbody>{''.join(map(row, names))}</tbody></table></div><p class='quiet'>{NOTE}</p>"
    )


def as_csv(laps: Sequence[Lap]) -> str:
    """A line a lap: who, how many pixels, PSNR in dB, and what there was to say where there is none."""
    stream = io.StringIO()
    writer = csv.writer(stream)
    writer.writerow(["pixels_chosen", "pixels", "psnr_db", "problem"])
    for lap in laps:
        known = lap.psnr_db is not None and math.isfinite(lap.psnr_db)
        writer.writerow([lap.name, lap.size, f"{lap.psnr_db:.6g}" if known else "", lap.problem])
    return stream.getvalue()
