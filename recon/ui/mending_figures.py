"""What the mending of a hole looks like: bits a pixel and acceptance over the sweeps, and fillings side by side."""

from __future__ import annotations

from typing import Any

import plotly.graph_objects as go
from torch import Tensor

from recon.ui import texture_figures
from recon.ui.figures import duration
from recon.ui.mending_job import STARTS, Job
from recon.ui.texture_figures import HELD, LEARNED, LINEAR, levels_of, png

MARGIN = 24  # pixels around the hole that are shown side by side
HINT = "Bits a pixel and acceptance come here, sweep by sweep."


def frame() -> go.Figure:
    """The axes, before anything has come; `RaceLines` fills them in the browser."""
    found = texture_figures.frame()
    found.update_layout(
        height=250,
        xaxis={"title": {"text": "sweeps of Metropolis"}},
        yaxis={"title": {"text": "bits/px"}},
        yaxis2={
            "title": {"text": "blocks taken, %"},
            "overlaying": "y",
            "side": "right",
            "range": [0, 100],
            "showgrid": False,
            "zeroline": False,
            "fixedrange": True,
            "automargin": True,
        },
    )
    return found


def lines(job: Job | None) -> dict[str, Any]:
    """The value of a `RaceLines`"""
    points = job.points if job else []

    def trace(name: str, x: list[float], y: list[float], colour: str, hover: str, **more: Any) -> dict[str, Any]:
        line = {"color": colour, "width": 2.5, **more.pop("line", {})}
        shown = {"type": "scatter", "mode": "lines+markers", "marker": {"size": 5}, "name": name, "x": x, "y": y}
        return {**shown, "line": line, "hovertemplate": hover, **more}

    sweeps = [sweep for sweep, _, _ in points]
    taken = [(sweep, 100 * share) for sweep, _, share in points if share is not None]
    found = [
        trace("bits/px", sweeps, [bits for _, bits, _ in points], LEARNED, "%{y:.3f}"),
        trace("blocks taken", [sweep for sweep, _ in taken], [share for _, share in taken], HELD, "%{y:.0f} %",
              yaxis="y2", line={"width": 1.5}, marker={"size": 4}),
    ]  # fmt: skip
    if job is None or job.truth_bits is None:
        unseen = {"showlegend": False, "hoverinfo": "skip"}
        found.append({"type": "scatter", "mode": "text", "x": [10], "y": [6], "text": [HINT], **unseen})
        found.append({"type": "scatter", "mode": "lines", "x": [0, 20], "y": [5, 7], "opacity": 0, **unseen})
    else:
        ends = [0.0, float(job.until)]
        level = [job.truth_bits] * 2
        found.append(trace("true pixels", ends, level, LINEAR, "%{y:.3f}", mode="lines", line={"dash": "dot"}))
    return {"traces": found}


def view(job: Job | None) -> dict[str, Any]:
    """The value of the `TextureView` of the part as it is filled"""
    if job is None:
        return {"png": "", "label": "", "held_out": 0.0}
    canvas = job.canvas
    if canvas is None:
        canvas = job.image.clone()
        canvas[job.mask] = job.image.mean()
    return texture_figures.drawn(job.shown(canvas), f"{job.texture.title}, its hole filled")


def side_by_side(job: Job | None) -> dict[str, Any]:
    """The value of the `PictureRow`: the best start, what Metropolis made of it, biharmonic, and the true pixels."""
    if job is None:
        return {"pictures": []}
    near = job.hole.near(MARGIN)

    def tile(title: str, picture: Tensor | None, said: str, waiting: str = "") -> dict[str, str]:
        shown = "" if picture is None else png(levels_of(picture[..., *near]))
        return {"title": title, "png": shown, "said": said if shown else waiting}

    def scored(canvas: Tensor | None, bits: float | None) -> str:
        if canvas is None:
            return ""
        told = f"PSNR {job.psnr_db(canvas):.1f} dB"
        return told if bits is None else f"{bits:.2f} bits/px · {told}"

    first = job.points[0][1] if job.points else None
    last = job.points[-1] if len(job.points) > 1 else None
    sweeps = f"After {last[0]:.0f} {'sweep' if last[0] == 1 else 'sweeps'}" if last else "After Metropolis"
    after = job.canvas if last else None
    best = job.best if job.started >= STARTS or job.stop.is_set() else None
    smooth = job.biharmonic
    took = f" · {duration(1000 * smooth.seconds)}" if smooth else ""
    true_bits = "" if job.truth_bits is None else f"{job.truth_bits:.2f} bits/px"
    return {
        "pictures": [
            tile("Best start", job.first if best is not None else None, scored(best, first), "drawing …"),
            tile(sweeps, None if after is None else job.shown(after), scored(after, last[1] if last else None),
                 "comes after the starts"),
            tile("Biharmonic", smooth.shown if smooth else None,
                 f"{scored(smooth.canvas, None)}{took}" if smooth else "", "solving …"),
            tile("True pixels", job.true, true_bits or "what lay under the hole"),
        ]
    }  # fmt: skip
