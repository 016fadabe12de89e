"""Beyond images, shapes: a few signed distances of a chair, and what they imply."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gradio as gr

from recon.ui.components import Menu, browser_part, seed_field
from recon.ui.course import QUEUED, Course, answering, arriving, drawing
from recon.ui.engine import Engine
from recon.ui.reconstruct import heading
from recon.ui.samples import NOTHING
from recon.ui.scripts import NEXT_SEED, SAVE_SHAPE, SAVE_SHAPE_GLB, STAMP, keep, look_for
from recon.ui.shaping import ANY, KEPT, SAMPLES, SIZES, TITLES, Shaping

FIRST, FIRST_SEED = 128, 1
LEDE = (
    "A shape as a field: at each position in a cube, how far it is to the surface, negative inside. A chair, made by "
    "code, is known at a few random positions: blue dots lie inside, orange ones outside, large ones near the surface. "
    "From those the model says the distance everywhere, and how sure it is. The shape that is shown is made of the "
    "positions that are most probably inside, with as much volume as the model expects. Drag to turn."
)
TRY = (
    "<b>Try</b> 16 dots, then 64 and 256. <b>Notice</b> that the seat comes first, and legs and slats last, and that "
    "what is thin and could be in several places is lost longest."
)
SLICE = "through the middle, from the side"


def build(engine: Engine, tab: gr.Tab) -> None:
    """Lay it out and wire it."""
    do, desk = Shaping(), engine.desk
    course, now = gr.State(Course()), gr.Number(visible="hidden")
    parcel = gr.Textbox(visible="hidden")  # what Python hands to a script
    gr.HTML("<i></i>", js_on_load=browser_part("finger_turns.js"), elem_classes="recon-none", apply_default_css=False)
    gr.HTML(f"<p class='quiet'>{LEDE}</p>")
    with gr.Row(elem_classes="texture-columns", equal_height=False, elem_id="shapes"):
        with gr.Column(min_width=280):
            gr.HTML(heading("Observed", "signed distances"))
            dots = gr.Plot(show_label=False, container=False, elem_id="shapes-points")
        with gr.Column(min_width=280):
            gr.HTML(heading("Shape", "most probably inside"))
            mean = gr.Plot(show_label=False, container=False, elem_id="shapes-mean")
        with gr.Column(min_width=280):
            gr.HTML(heading("How unsure", SLICE))
            middle = gr.Plot(show_label=False, container=False, elem_id="shapes-slice")
    said = gr.HTML("", elem_id="shapes-said")

    with gr.Row(elem_classes="texture-actions", elem_id="shapes-asked"):
        kinds = [(title, kind) for kind, title in TITLES.items()]
        kind = Menu(kinds, value=ANY, name="Kind", elem_id="shapes-kind", min_width=150)
        gr.HTML("<span class='quiet'>Dots</span>", min_width=30)
        size = gr.Radio(list(SIZES), value=FIRST, show_label=False, container=False, elem_classes="recon-look",
                        elem_id="shapes-size", min_width=260)  # fmt: skip
        seen = gr.Checkbox(False, label="the true chair", container=False, elem_id="shapes-truth", min_width=120)
        seed = seed_field(FIRST_SEED, elem_id="shapes-seed")
        another = gr.Button("Another chair", variant="primary", size="sm", min_width=120, elem_id="shapes-another")
        halt = gr.Button("Stop", size="sm", min_width=60, elem_id="shapes-halt")
        save = gr.Button("OBJ", size="sm", min_width=60, elem_id="shapes-save")
        save_glb = gr.Button("GLB", size="sm", min_width=60, elem_id="shapes-save-glb")

    with gr.Row(elem_classes="recon-head texture-head"):
        gr.HTML(heading("Chairs it could be"))
        draw = gr.Button(f"Draw {SAMPLES}", size="sm", min_width=80, elem_id="shapes-draw")
        stop = gr.Button("Stop", size="sm", min_width=60, elem_id="shapes-stop")
    with gr.Row(elem_classes="texture-columns", equal_height=False, visible=False) as row:
        samples = []
        for k in range(SAMPLES):
            with gr.Column(min_width=280):
                samples.append(gr.Plot(show_label=False, container=False, elem_id=f"shapes-sample-{k}"))
    status = gr.HTML(NOTHING, elem_id="shapes-status")
    gr.HTML(f"<p class='quiet'>{TRY}</p>")

    def listen(event, handler: Callable, inputs, outputs, **more):
        return event(handler, inputs, outputs, **{**QUEUED, "concurrency_id": "shapes", **more})

    asked = [course, now, kind, seed, size, seen]
    drawn = [row, *samples, status]
    outputs = [dots, middle, mean, said, *drawn]
    answer = answering(desk, do.answer, do.begun(), do.halted, do.ready)
    imagine = drawing(desk, do.imagine, do.waits(), do.stopped)
    onwards = another.click(None, seed, seed, js=NEXT_SEED, api_visibility="private")
    for event in (onwards.success, kind.choose, size.input, seed.input):
        listen(event, answer, asked, outputs, js=STAMP)
    listen(seen.input, do.look, [course, seen], [dots, middle])
    chosen: list[Any] = [kind, seed, size, seen]
    arrive = arriving(answer, len(outputs), do.restored)
    arrived = listen(tab.select, arrive, [course, now, parcel, *chosen], [*chosen, *outputs], js=look_for("shapes", 2))
    arrived.then(None, chosen, None, js=keep("shapes", KEPT, always=True), api_visibility="private")
    gr.on([one.change for one in chosen], None, chosen, None, js=keep("shapes", KEPT), api_visibility="private")
    listen(draw.click, imagine, [course, now], drawn, js=STAMP, concurrency_id="shapes-samples")
    for button in (halt, stop):
        button.click(Course.stop, [course, now], None, js=STAMP, queue=False, api_visibility="private")
    for button, handler, script in ((save, do.as_obj, SAVE_SHAPE), (save_glb, do.as_glb, SAVE_SHAPE_GLB)):
        listen(button.click, handler, course, parcel).success(None, parcel, None, js=script, api_visibility="private")
