"""Beyond images, curves: click points into a plot, and see what they imply."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gradio as gr

from recon.curves.sextics import NOISE
from recon.ui.components import Slider, seed_field
from recon.ui.course import QUEUED
from recon.ui.curve_board import CurveBoard
from recon.ui.curving import CLOSED, KEPT, MODELS, MOST, Curving
from recon.ui.engine import Engine
from recon.ui.plainly import in_order
from recon.ui.reconstruct import heading
from recon.ui.scripts import NEXT_SEED, UNLESS_WRITING, keep, look_for

FIRST = 5
SEVEN = 0.04  # half the width of the first plot's band, given seven points where it was least sure; a test measures it
LEDE = (
    "The model that fills in pixels fills in whatever is known at a few positions: here curves. It has learned from "
    "random polynomials of degree 6, and knows of no others. Click points into either plot, drag them, click one to "
    f"take it away; the value of a point is taken to be off by {NOISE:g} (standard deviation), a pixel or two."
)
TRY = (
    "<b>Try</b> no points at all, and press 'One point more' seven times: it asks where it is least sure. "
    "<b>Notice</b> that seven are enough: were they exact, they would tell all of a sextic, and as they are, the 90 % "
    f"band of the first plot is within ± {SEVEN:g} of its mean everywhere. The Gaussian process only knows that curves "
    "are smooth. Then click points that no sextic goes through, a step or a zigzag."
)
BANDS = "The line is the mean, the bands hold the curve with 50 and 90 %, dashes are the truth."


def build(engine: Engine, tab: gr.Tab) -> None:
    """Lay the tab out and wire it."""
    do = Curving(engine.desk)
    parcel = gr.Textbox(visible="hidden")  # what a script hands to Python
    text = gr.Textbox(visible="hidden")  # the points, on their way into the box
    gr.HTML(f"<p class='quiet'>{LEDE}</p>")
    with gr.Row(elem_classes="texture-columns", equal_height=False, elem_id="curves"):
        with gr.Column(min_width=280):
            gr.HTML(heading("PixelTransformer", "learned from sextics"))
            ours = CurveBoard(called="PixelTransformer", elem_id="curves-ours")
            ours_said = gr.HTML("", elem_id="curves-ours-said")
        with gr.Column(min_width=280):
            gr.HTML(heading("Gaussian process", "RBF kernel, fitted to sextics"))
            theirs = CurveBoard(called="Gaussian process", elem_id="curves-theirs")
            theirs_said = gr.HTML("", elem_id="curves-theirs-said")
    gr.HTML(f"<p class='quiet'>{BANDS}</p>")

    with gr.Row(elem_classes="texture-columns", equal_height=False):
        with gr.Column(min_width=280), gr.Group(elem_classes="recon-card recon-settings"):
            with gr.Row(elem_classes="recon-line curves-line"):
                another = gr.Button(
                    "Another sextic", variant="primary", size="sm", min_width=120, elem_id="curves-draw"
                )
                more = gr.Button("One point more", size="sm", min_width=110, elem_id="curves-more")
                seed = seed_field(0, elem_id="curves-seed")
            size = Slider(0, MOST, FIRST, step=1, label="Points on it", elem_id="curves-size", buttons=[])
        with gr.Column(min_width=280), gr.Group(elem_classes="recon-card recon-settings"):
            model = gr.Radio(MODELS, value=CLOSED, label="PixelTransformer", elem_id="curves-model")
            with gr.Row(elem_classes="recon-line"):
                samples = gr.Checkbox(False, label="8 curves it could be", elem_id="curves-samples")
                shown = gr.Checkbox(True, label="the truth", elem_id="curves-truth")
            typed = gr.Textbox(
                label="Points", placeholder="-0.5, 0.2; 0.3, -1", elem_id="curves-typed", max_lines=6, submit_btn=False
            )
    gr.HTML(f"<p class='quiet'>{TRY}</p>")

    def listen(event, handler: Callable, inputs, outputs, **more):
        settings = {**QUEUED, "concurrency_id": "curves", "trigger_mode": "always_last", **more}
        return event(in_order(handler), inputs, outputs, **settings)

    looks = [model, samples, shown, seed]
    both = [ours, theirs, ours_said, theirs_said, text, seed]
    listen(ours.place, do.place_left, [ours, *looks], both)
    listen(theirs.place, do.place_right, [theirs, *looks], both)
    listen(typed.submit, do.type_in, [typed, ours, *looks], both)
    for event in (model.input, samples.input, shown.input):
        listen(event, do.look, [ours, *looks], both)
    onwards = another.click(None, seed, seed, js=NEXT_SEED, api_visibility="private")
    for event in (onwards.success, size.input, seed.submit):
        listen(event, do.draw, [size, ours, *looks], both)
    listen(more.click, do.more, [ours, *looks], both)
    inputs, outputs = [ours_said, parcel, size, ours, *looks], [model, samples, shown, size, *both]
    text.change(None, [text, typed], typed, js=UNLESS_WRITING, api_visibility="private")
    arrived = listen(tab.select, do.arrive, inputs, outputs, js=look_for("curves", 1))
    kept: list[Any] = [ours, *looks, size]
    arrived.success(None, kept, None, js=keep("curves", KEPT, always=True), api_visibility="private")
    gr.on([one.change for one in kept], None, kept, None, js=keep("curves", KEPT), api_visibility="private")
