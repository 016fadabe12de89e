"""What the Lab draws: a measure over the number of pixels, and how often intervals hold. For light and dark alike."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import plotly.graph_objects as go

from recon.evaluation.experiment import LEVELS, Row

COLOURS = ("#4a67de", "#e8590c", "#2f9e44", "#ae3ec9", "#d99a00", "#1098ad", "#868e96", "#d6336c")
DASHES = ("solid", "dash", "dot", "dashdot")
MARKS = ("circle", "diamond", "square", "triangle-up")
GRID = "rgba(123, 129, 144, .22)"
TITLES = {"psnr_db": "PSNR (dB)", "ssim": "SSIM", "bits_per_dim": "bits/dim", "coverage": "Values held (%)"}

Series = tuple[str, str]  # model, family
Label = Callable[[str, str], str]


def figure(rows: Sequence[Row], measure: str, sizes: Sequence[int], label: Label) -> go.Figure:
    """What is known so far; `label` names the line of a model and a family."""
    if measure == "coverage":
        return held(rows, label)
    drawn = frame(TITLES[measure], "Pixels observed, of 1024")
    for (model, family), line in series(rows).items():
        style = look(model, family, rows)
        add(drawn, label(model, family), [row.size for row in line], line, style)
    ends = [math.log2(size) for size in (sizes or (1, 1024))]
    drawn.update_xaxes(
        type="log",
        range=[(end + nudge) * math.log10(2) for end, nudge in ((min(ends), -0.3), (max(ends), 0.3))],
        tickvals=list(sizes),
        ticktext=[str(size) for size in sizes],
    )
    drawn.update_yaxes(showticklabels=bool(rows))
    return drawn


def held(rows: Sequence[Row], label: Label) -> go.Figure:
    """The share of true values in an interval over what it says, in %, and the line where both agree."""
    drawn = frame(TITLES["coverage"], "What the interval says (%)")
    sure = go.Scatter(x=[40, 100], y=[40, 100], mode="lines", line={"color": "#868e96", "dash": "dash", "width": 1.5})
    drawn.add_trace(sure.update(name="as they say", hoverinfo="skip"))
    sizes = sorted({row.size for row in rows})
    for (model, family), line in series(rows).items():
        for place, size in enumerate(sizes):
            part = [row for row in line if row.size == size]
            style = look(model, family, rows) | ({"dash": DASHES[place % len(DASHES)]} if len(sizes) > 1 else {})
            name = label(model, family) + (f", {size} pixels" if len(sizes) > 1 else "")
            add(drawn, name, [100 * (row.level or 0) for row in part], part, style, 100)
    ticks = [100 * level for level in LEVELS]
    drawn.update_xaxes(range=[45, 100], tickvals=ticks, ticktext=[f"{tick:g}" for tick in ticks])
    drawn.update_yaxes(range=[40, 101])
    return drawn


def add(drawn: go.Figure, name: str, at: list, rows: Sequence[Row], style: dict[str, str], scale: float = 1) -> None:
    """A line with its intervals as bars."""
    found = [row.estimate for row in rows]
    digits = ".1f" if scale == 100 else ".3f"
    drawn.add_trace(
        go.Scatter(
            x=at,
            y=[scale * one.mean for one in found],
            error_y={
                "array": [scale * (one.high - one.mean) for one in found],
                "thickness": 1.4,
                "width": 4,
                "color": style["color"],
            },
            customdata=[[scale * one.low, scale * one.high, one.count] for one in found],
            hovertemplate=f"%{{x}}: %{{y:{digits}}}<br>95 % from %{{customdata[0]:{digits}}} "
            f"to %{{customdata[1]:{digits}}}<br>%{{customdata[2]}} pictures",
            mode="lines+markers",
            name=name,
            line={"color": style["color"], "dash": style["dash"], "width": 2},
            marker={"symbol": style["symbol"], "size": 7},
        )
    )


def look(model: str, family: str, rows: Sequence[Row]) -> dict[str, str]:
    """Colour tells models apart and dash patches; where there is one model, colour tells patches apart."""
    models, families = (list(dict.fromkeys(names)) for names in zip(*((r.model, r.family) for r in rows), strict=True))
    m, f = models.index(model), families.index(family)
    colour, dash = (f, 0) if len(models) == 1 else (m, f)
    return {
        "color": COLOURS[colour % len(COLOURS)],
        "dash": DASHES[dash % len(DASHES)],
        "symbol": MARKS[dash % len(MARKS)],
    }


def series(rows: Sequence[Row]) -> dict[Series, list[Row]]:
    """Rows by line, in the order in which they came."""
    found: dict[Series, list[Row]] = {}
    for row in rows:
        found.setdefault((row.model, row.family), []).append(row)
    return found


def frame(upright: str, across: str) -> go.Figure:
    """Axes with nothing in them yet."""
    axis = {"gridcolor": GRID, "zeroline": False, "linecolor": GRID, "fixedrange": True, "automargin": True}
    drawn = go.Figure()
    drawn.update_layout(
        height=400,
        margin={"l": 8, "r": 12, "t": 12, "b": 8},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        font={"color": "#7b8190", "size": 12},
        xaxis={**axis, "title": {"text": across}},
        yaxis={**axis, "title": {"text": upright}},
        legend={"orientation": "h", "y": -0.2, "yanchor": "top", "x": 0, "traceorder": "normal"},
        showlegend=True,
        autosize=True,
    )
    return drawn
