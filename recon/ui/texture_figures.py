"""What the Textures tab draws: bits a pixel while a model learns, and on held-out rows beside a simpler one."""

from __future__ import annotations

import html
from collections.abc import Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go
from PIL import Image
from torch import Tensor

from recon.models.directed import quantised
from recon.textures.fit import HELD_OUT, Progress
from recon.textures.pictures import Exemplar
from recon.ui.figures import data_uri
from recon.ui.race_figures import QUIET

LEARNED, HELD, LINEAR = "#4a67de", "#e8590c", "#868e96"
HINT = "Two curves come here while a model learns."
THUMBNAIL = 112  # pixels


def frame() -> go.Figure:
    """The axes, before anything has come; `RaceLines` fills them in the browser."""
    axis = {"gridcolor": QUIET, "linecolor": QUIET, "zeroline": False, "fixedrange": True, "automargin": True}
    return go.Figure(
        layout={
            "margin": {"l": 8, "r": 12, "t": 8, "b": 8},
            "height": 300,
            "xaxis": {**axis, "title": {"text": "seconds"}, "rangemode": "tozero"},
            "yaxis": {**axis, "title": {"text": "bits/px"}},
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


def curves(progress: Sequence[Progress], linear: float | None = None) -> dict[str, Any]:
    """The value of a `RaceLines`: bits on the pixels that are learned from and on those held out, over time."""
    seconds = [one.seconds for one in progress]

    def trace(name: str, colour: str, values: list[float], **line: str) -> dict[str, Any]:
        return {
            "type": "scatter",
            "mode": "lines",
            "name": name,
            "x": seconds,
            "y": values,
            "line": {"color": colour, "width": 2.5, **line},
            "hovertemplate": "%{y:.3f}",
        }

    found = [
        trace("learned rows", LEARNED, [one.learned for one in progress]),
        trace("held-out rows", HELD, [one.held_out for one in progress]),
    ]
    if not progress:
        # nothing to see yet: axes of a likely size, and what will be there
        found.append(
            {**trace("", HELD, []), "x": [0, 60], "y": [8, 5], "opacity": 0, "showlegend": False, "hoverinfo": "skip"}
        )
        text = {
            "type": "scatter",
            "mode": "text",
            "x": [30],
            "y": [6.5],
            "text": [HINT],
            "showlegend": False,
            "hoverinfo": "skip",
        }
        found.append(text)
    elif linear is not None:
        found.append(trace("best linear predictor, held out", LINEAR, [linear] * len(progress), dash="dot"))
    return {"traces": found}


def png(levels: np.ndarray) -> str:
    """uint8 (height, width[, 3]) as a PNG that needs no file"""
    return data_uri(Image.fromarray(np.ascontiguousarray(levels)))


def levels_of(values: Tensor) -> np.ndarray:
    """A picture in [0, 1], (height, width) or (3, height, width), as `png` takes it"""
    levels = quantised(values)
    return (levels.movedim(0, -1) if levels.dim() == 3 else levels).numpy()


def picture(texture: Exemplar | None) -> dict[str, Any]:
    """The value of a `TextureView` that marks the rows that are held out."""
    if texture is None:
        return {"png": "", "label": "", "held_out": 0.0}
    label = f"{texture.title}, {texture.image.shape[1]} by {texture.image.shape[0]} pixels"
    return {"png": png(texture.shown), "label": label, "held_out": HELD_OUT}


def drawn(values: Tensor, label: str) -> dict[str, Any]:
    """The value of a `TextureView` of what a model drew, (height, width) or (3, height, width) in [0, 1]."""
    return {"png": png(levels_of(values)), "label": label, "held_out": 0.0}


def thumbnail(texture: Exemplar) -> str:
    """A piece of the middle of a texture, a pixel a pixel"""
    top, left = (max(0, side - THUMBNAIL) // 2 for side in texture.image.shape)
    return png(texture.shown[top : top + THUMBNAIL, left : left + THUMBNAIL])


def bars(found: Sequence[tuple[str, str, float]]) -> str:
    """Names, a quiet word to each, and bits per pixel, as bars from 0; fewer is better."""
    if not found:
        return ""
    most = max(bits for _, _, bits in found)
    least = min(bits for _, _, bits in found)
    rows = "".join(
        f"<tr class='{'best' if bits == least else ''}'><th>{html.escape(name)} <span class='quiet'>"
        f"{html.escape(word)}</span></th><td><i style='width:{100 * max(bits, 0) / max(most, 1e-9):.1f}%'></i></td>"
        f"<td>{bits:.2f}</td></tr>"
        for name, word, bits in found
    )
    head = "<thead class='sr-only'><tr><th>Model</th><th></th><th>bits/px</th></tr></thead>"
    return f"<table class='texture-bars'>{head}<tbody>{rows}</tbody></table>"


def bar(share: float, said: str, busy: bool) -> str:
    """How far a fit is, and words under it."""
    whole = round(100 * share)
    track = (
        f"<div class='lab-bar' role='progressbar' aria-label='Progress' aria-valuenow='{whole}' aria-valuemin='0' "
        f"aria-valuemax='100'><i style='width:{whole}%'></i></div>"
    )
    told = html.escape(said, quote=False)
    return f"<div class='{'texture-busy' if busy else ''}'>{track}<p class='quiet'>{told}</p></div>"
