"""What the page draws: the uncertainty map, one pixel's curves, the figures of merit. Colours serve light and dark."""

from __future__ import annotations

import base64
import io
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go
from PIL import Image
from torch import Tensor

from recon import images
from recon.ui.engine import Answer

CHANNELS = {1: [("grey", "#6b7280")], 3: [("red", "#d9480f"), ("green", "#2f9e44"), ("blue", "#3452d1")]}


def data_uri(image: Image.Image) -> str:
    """A picture as a PNG that needs no file."""
    stream = io.BytesIO()
    image.save(stream, "PNG")
    return "data:image/png;base64," + base64.b64encode(stream.getvalue()).decode("ascii")


def picture_uri(values: Tensor) -> str:
    """(channels, side, side) in [0, 1], a pixel a pixel: the browser enlarges it without smoothing."""
    return data_uri(images.to_pil(values))


def duration(milliseconds: float) -> str:
    """A time as a person reads it: in seconds where it is one or more."""
    if round(milliseconds) >= 1000:
        return f"{milliseconds / 1000:.1f} s"
    return f"{milliseconds:.1f} ms" if milliseconds < 10 else f"{milliseconds:.0f} ms"


def map_frame(side: int) -> go.Figure:
    """The map of how unsure the model is, before anything is known; `spread_map` fills it in the browser."""
    figure = go.Figure()
    # ranges that are said, from the top row down: Plotly may turn one that it finds by itself when it draws again
    axis = {"visible": False, "constrain": "domain", "fixedrange": True}
    figure.update_layout(
        margin={"l": 0, "r": 0, "t": 0, "b": 34, "autoexpand": False},
        xaxis={**axis, "range": [-0.5, side - 0.5]},
        yaxis={**axis, "range": [side - 0.5, -0.5], "scaleanchor": "x"},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        font={"color": "#7b8190"},
        hoverlabel={"font": {"size": 12}},
        autosize=True,
    )
    bar = {"orientation": "h", "y": 0, "yanchor": "top", "thickness": 8, "len": 1.0, "xpad": 0, "ypad": 8}
    heat = go.Heatmap(
        z=np.zeros((side, side)),
        colorscale="Viridis",
        zmin=0,
        zmax=1,
        hovertemplate="row %{y}, column %{x}<br>%{text}<extra></extra>",
        showscale=False,
        colorbar={**bar, "outlinewidth": 0, "tickfont": {"size": 11}, "nticks": 6},
    )
    return figure.add_trace(heat)


def spread_map(answer: Answer | None) -> dict[str, Any]:
    """The value of a `SpreadMap`: what the model says of every pixel.

    `mean`, `deviation`, and `low` and `high` of the 90 % interval are (channels, side, side) in [0, 1] as base64 of
    little-endian uint16, 65535 for 1: a fifth of the bytes of a JSON list. A method that gives a mean alone has none of
    them, and a `note` in their place.
    """
    if answer is None:
        return {"side": 32, "channels": 3, "note": ""}
    said = {"side": answer.painting.side, "channels": len(answer.mean), "note": ""}
    if answer.deviation is None or answer.interval is None:
        return {**said, "note": "This method does not say how sure it is."}
    parts = (answer.mean, answer.deviation, *answer.interval)
    packed = [base64.b64encode((part.double() * 65535).round().numpy().astype("<u2").tobytes()) for part in parts]
    names = ("mean", "deviation", "low", "high")
    return {**said, **{name: text.decode("ascii") for name, text in zip(names, packed, strict=True)}}


def pixel_card(answer: Answer | None, row: int | None, column: int | None) -> str:
    """One pixel's predicted distribution, a curve a channel, as HTML."""
    if answer is None or row is None or column is None:
        return card("One pixel", "<p class='quiet'>Click a pixel in the reconstruction or the map.</p>")
    title = f"Pixel row {row}, column {column}"
    values = answer.mean[:, row, column].tolist()
    said = ", ".join(f"{value:.2f}" for value in values)
    if answer.painting.mask[row, column]:
        return card(title, f"<p class='quiet'>It was observed: {said}. There is nothing to guess.</p>")
    if answer.interval is None:
        return card(title, f"<p class='quiet'>{said}. This method gives a mean alone.</p>")
    masses = answer.prediction.distribution.level_masses(row, column).cpu().numpy()
    low, high = answer.interval
    names = CHANNELS[len(values)]
    intervals = "; ".join(
        f"{name} {low[c, row, column]:.2f} to {high[c, row, column]:.2f}" for c, (name, _) in enumerate(names)
    )
    truth = [] if answer.truth is None else answer.truth[0, :, row, column].tolist()
    truly = " · truly (dashed) " + ", ".join(f"{value:.2f}" for value in truth) if truth else ""
    drawn = curves(masses, names, truth)
    return card(title, f"{drawn}<p class='quiet'>mean {said}{truly}<br>90 % between: {intervals}</p>")


def curves(
    masses: np.ndarray, names: list[tuple[str, str]], truth: Sequence[float], width: int = 320, height: int = 84
) -> str:
    """Probability of 256 levels, (channels, 256), as filled curves, and what is true, if that is known, as dashed
    lines. The first and last level hold all that saturates: they are drawn as bars, so that one tall level does not
    flatten the rest."""
    inner = masses[:, 1:-1]
    top = max(float(inner.max()), 0.25 * float(masses.max()), 1e-9)
    parts = []
    for line, (name, colour) in zip(masses, names, strict=True):
        xs = np.arange(1, 255) / 255 * (width - 8) + 4
        ys = height - 2 - np.minimum(line[1:-1] / top, 1) * (height - 8)
        points = " ".join(f"{x:.1f},{y:.1f}" for x, y in zip(xs, ys, strict=True))
        area = f"{xs[0]:.1f},{height - 2} {points} {xs[-1]:.1f},{height - 2}"
        parts.append(f"<polygon points='{area}' fill='{colour}' fill-opacity='.16' stroke='none'/>")
        parts.append(f"<polyline points='{points}' fill='none' stroke='{colour}' stroke-width='1.5'>")
        parts.append(f"<title>{name}</title></polyline>")
        for x, mass in ((3, line[0]), (width - 3, line[-1])):
            if mass > 0.005:
                tall = min(mass / top, 1) * (height - 8)
                parts.append(f"<rect x='{x - 2}' y='{height - 2 - tall:.1f}' width='4' height='{tall:.1f}' ")
                parts.append(f"fill='{colour}' fill-opacity='.7'/>")
    for value, (name, colour) in zip(truth, names, strict=False):
        at = value * (width - 8) + 4
        parts.append(f"<line x1='{at:.1f}' x2='{at:.1f}' y1='2' y2='{height - 2}' stroke='{colour}' class='truth'>")
        parts.append(f"<title>truly, {name}</title></line>")
    base = f"<line x1='0' x2='{width}' y1='{height - 1.5}' y2='{height - 1.5}' class='axis'/>"
    for place, anchor, word in ((4, "start", "0"), (width // 2, "middle", "0.5"), (width - 4, "end", "1")):
        base += f"<text x='{place}' y='{height + 11}' text-anchor='{anchor}'>{word}</text>"
    label = "Predicted distribution of this pixel, dark on the left and bright on the right"
    return f"<svg viewBox='0 0 {width} {height + 14}' role='img' aria-label='{label}'>{''.join(parts)}{base}</svg>"


def card(title: str, body: str) -> str:
    return f"<div class='recon-card'><h4>{title}</h4>{body}</div>"


def scores(answer: Answer | None) -> str:
    """PSNR, SSIM and bits/dim where the true picture is known, as HTML."""
    found = answer.scores() if answer else {}
    if answer is None or not found:
        return "<p class='quiet'>Choose a picture to see how close the reconstruction comes.</p>"
    psnr, similarity, bits = found["psnr_db"], found["ssim"], found["bits_per_dim"]
    if psnr is None:
        return "<p class='quiet'>Every pixel is observed: there is nothing left to predict.</p>"
    cells = [
        ("PSNR", "∞" if math.isinf(psnr) else f"{psnr:.1f} dB", "over the picture, observed pixels kept"),
        ("SSIM", f"{similarity:.2f}", "structural similarity, 1 is the same picture"),
        ("bits/dim", "–" if bits is None else f"{bits:.2f}", "256-level likelihood of unobserved pixels; 8 is chance"),
    ]
    return (
        "<dl class='recon-scores'>"
        + "".join(f"<div title='{why}'><dd>{value}</dd><dt>{name}</dt></div>" for name, value, why in cells)
        + "</dl>"
    )


def error_map(mean: Tensor, truth: Tensor) -> Tensor:
    """Absolute error averaged over channels, black for none and white for 0.5 or more: (1, side, side)"""
    return ((mean - truth).abs().mean(0, keepdim=True) * 2).clamp(0, 1)
