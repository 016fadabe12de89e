"""What the Shapes part of the page draws: points in a cube, surfaces that turn, and a slice."""

from __future__ import annotations

from typing import Any

import plotly.graph_objects as go
from torch import Tensor

from recon.shapes.answer import Field
from recon.shapes.mesh import Mesh

INSIDE, OUTSIDE, SURFACE, TRUTH = "#3452d1", "#e8590c", "#8c9bd9", "#9aa0ac"
HEIGHT = 330
EYE = {"x": -1.0, "y": -1.33, "z": 0.67}


def scene(traces: list[Any]) -> go.Figure:
    """A cube that turns; up is up."""
    axis = {"visible": False, "range": [-1, 1], "showspikes": False}
    return go.Figure(
        traces,
        layout={
            "margin": {"l": 0, "r": 0, "t": 0, "b": 0},
            "height": HEIGHT,
            "scene": {
                "xaxis": axis,
                "yaxis": axis,
                "zaxis": axis,
                "aspectmode": "cube",
                "camera": {"eye": EYE},
                "dragmode": "turntable",
            },
            "paper_bgcolor": "rgba(0,0,0,0)",
            "showlegend": False,
            "uirevision": "kept",  # a new shape is seen from where the last one was
        },
    )


def points(positions: Tensor, values: Tensor, truth: Mesh | None = None) -> go.Figure:
    """Known values, blue inside and orange outside, larger near the surface; the true shape, faint."""
    x, y, z = positions.T.tolist()
    near = (1 / (0.08 + values.abs())).clamp_max(10)
    dots = go.Scatter3d(
        x=x,
        y=y,
        z=z,
        mode="markers",
        marker={
            "size": (3 + 0.6 * near).tolist(),
            "color": [INSIDE if value < 0 else OUTSIDE for value in values.tolist()],
            "opacity": 0.8,
        },
        text=[f"{value:+.2f}" for value in values.tolist()],
        hovertemplate="signed distance %{text}<extra></extra>",
    )
    return scene([dots] if truth is None else [dots, solid(truth, TRUTH, 0.25)])


def shape(mesh: Mesh) -> go.Figure:
    return scene([solid(mesh, SURFACE)])


def solid(mesh: Mesh, colour: str, opacity: float = 1.0) -> go.Mesh3d:
    x, y, z = mesh.vertices.T
    i, j, k = mesh.faces.T
    light = {"ambient": 0.35, "diffuse": 0.85, "specular": 0.15, "roughness": 0.8}
    light |= {"facenormalsepsilon": 0, "vertexnormalsepsilon": 0}  # or small faces have no normal, and are black
    return go.Mesh3d(
        x=x, y=y, z=z, i=i, j=j, k=k, color=colour, opacity=opacity, flatshading=False, lighting=light,
        lightposition={"x": -200, "y": -300, "z": 400}, hoverinfo="skip",
    )  # fmt: skip


def middle(field: Field, truth: Tensor | None) -> go.Figure:
    """The slice through the middle, from the side: how unsure it is, where its shape has the surface, and the truth"""
    side = field.mean.shape[0]
    at = side // 2
    line = [(2 * k + 1) / side - 1 for k in range(side)]
    drawn = [
        go.Heatmap(
            x=line,
            y=line,
            z=field.deviation[at].T.tolist(),
            colorscale="Viridis",
            zmin=0,
            colorbar={"thickness": 8, "title": {"text": "std. dev.", "side": "right"}, "tickfont": {"size": 11}},
            hovertemplate="standard deviation %{z:.3f}<extra></extra>",
        ),
        outline(line, field.shape[at], "#ffffff", "solid"),
    ]
    if truth is not None:
        drawn.append(outline(line, truth[at], "#ffb454", "dot"))
    axis = {"visible": False, "range": [-1, 1], "fixedrange": True}
    return go.Figure(
        drawn,
        layout={
            "margin": {"l": 0, "r": 0, "t": 0, "b": 0},
            "height": HEIGHT,
            "dragmode": False,  # nothing is to be dragged, and a finger scrolls past it
            "xaxis": axis | {"constrain": "domain"},
            "yaxis": axis | {"scaleanchor": "x", "constrain": "domain"},
            "paper_bgcolor": "rgba(0,0,0,0)",
            "plot_bgcolor": "rgba(0,0,0,0)",
            "font": {"color": "#7b8190", "size": 12},
        },
    )


def outline(line: list[float], values: Tensor, colour: str, dash: str) -> go.Contour:
    """Where the values are zero"""
    return go.Contour(
        x=line,
        y=line,
        z=values.T.tolist(),
        contours={"start": 0, "end": 0, "size": 1, "coloring": "lines"},
        colorscale=[[0, colour], [1, colour]],
        showscale=False,
        line={"width": 2, "dash": dash},
        hoverinfo="skip",
    )
