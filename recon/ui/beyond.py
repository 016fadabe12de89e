"""The tab of what is no picture: curves, shapes and clips, by the same model as pictures."""

from __future__ import annotations

import gradio as gr

from recon.ui import clips, curves, shapes
from recon.ui.engine import Engine


def build(engine: Engine, tab: gr.Tab) -> None:
    with gr.Tabs(elem_classes="recon-parts"):
        with gr.Tab("Curves"):
            curves.build(engine, tab)
        with gr.Tab("Shapes") as part:
            shapes.build(engine, part)
        with gr.Tab("Clips") as part:
            clips.build(engine, part)
