"""Beyond images, shapes: a few signed distances of a chair, and what they imply."""

from __future__ import annotations

from collections.abc import Callable

import gradio as gr

from recon.ui.halting import Stop, until_stopped
from recon.ui.plainly import plainly
from recon.ui.reconstruct import heading
from recon.ui.samples import NOTHING, next_seed, stopped
from recon.ui.scripts import SAVE_SHAPE
from recon.ui.shaping import SAMPLES, SIZES, Shaping

QUEUE = "shapes"
FIRST, FIRST_SEED = 128, 1
LEDE = (
    "A shape as a field: at each position in a cube, how far it is to the surface, negative inside. A chair, made by "
    "code, is known at a few random positions: blue dots lie inside, orange ones outside, large ones near the surface. "
    "From those the model says the distance everywhere, and how sure it is. The shape is what is most probably inside, "
    "as much of it as is expected. Drag to turn."
)
TRY = (
    "<b>Try</b> 16 dots, then 64 and 256. <b>Notice</b> that the seat comes first, and legs and slats last, and that "
    "what is thin and could be in several places is lost longest."
)
SLICE = "through the middle, from the side"


def build(tab: gr.Tab) -> None:
    """Lay it out and wire it."""
    do = Shaping()
    parcel = gr.Textbox(visible="hidden")  # what Python hands to a script
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
        gr.HTML("<span class='quiet'>Dots</span>", min_width=30)
        size = gr.Radio(list(SIZES), value=FIRST, show_label=False, container=False, elem_classes="recon-look",
                        elem_id="shapes-size", min_width=260)  # fmt: skip
        shown = gr.Checkbox(False, label="the true chair", container=False, elem_id="shapes-truth", min_width=120)
        seed = gr.Number(FIRST_SEED, label="Seed", precision=0, minimum=0, min_width=60, elem_id="shapes-seed")
        another = gr.Button("Another chair", variant="primary", size="sm", min_width=120, elem_id="shapes-another")
        save = gr.Button("OBJ", size="sm", min_width=60, elem_id="shapes-save")

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

    def listen(event, handler: Callable | None, inputs, outputs, **more):
        settings = {"show_progress": "hidden", "api_visibility": "private", "concurrency_id": QUEUE}
        return event(handler, inputs, outputs, **{"trigger_mode": "always_last", **settings, **more})

    asked = [seed, size, shown]
    times = gr.State(0)  # that samples were drawn of what is shown
    drawn = [row, *samples, status, times]
    current = gr.State()  # `Shown`
    outputs = [current, dots, mean, middle, said, *drawn]
    ends = Stop(stop)
    imagine = until_stopped(do.imagine, stopped)
    drawing = listen(ends.begun(draw.click), imagine, ends.inputs(current, times), drawn, trigger_mode="multiple")
    onwards = listen(another.click, plainly(next_seed), seed, seed, concurrency_id=None)  # the rest is of that chair
    for event in (onwards.success, size.input, shown.input, seed.input):
        listen(event, do.answer, asked, outputs)
    for event in (another.click, size.input, seed.input):  # at once: what is slow would cancel what came after it
        listen(event, None, None, None, cancels=drawing, queue=False)
    listen(tab.select, do.arrive, [said, *asked], outputs)
    listen(save.click, do.as_obj, current, parcel).success(None, parcel, None, js=SAVE_SHAPE, api_visibility="private")
