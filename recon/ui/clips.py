"""Beyond images, clips: a few values of a short clip, over time and space, and what they imply."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gradio as gr

from recon.clips.patterns import OFFERED, SCATTERED
from recon.ui.clipping import KEPT, SAMPLES, SIZES, TITLES, Clipping
from recon.ui.components import ClipWall, Menu, seed_field
from recon.ui.course import QUEUED, Course, answering, arriving, drawing
from recon.ui.engine import Engine
from recon.ui.reconstruct import heading
from recon.ui.samples import NOTHING
from recon.ui.scripts import NEXT_SEED, SAVE_CLIP, STAMP, keep, look_for

FIRST = 256
LEDE = (
    "A short clip as a field over time and space: 16 frames of 24 by 24 grey levels, of which a few are known. From "
    "those the model says every other one, and how sure it is. The clips are made by code, no two alike: things "
    "that move and bounce, a camera that passes over leaves, waves on a beach."
)
TRY = (
    "<b>Try</b> as many values scattered over time and space, then at the same places in every frame, then in the "
    "first and the last frame alone. <b>Notice</b> that scattered ones tell most: wherever one looks, something near "
    "is known, if not in this frame then in one before or after. Then open a GIF of your own: the model has seen none "
    "like it."
)


def build(engine: Engine, tab: gr.Tab) -> None:
    """Lay it out and wire it."""
    do, desk = Clipping(), engine.desk
    course, now = gr.State(Course()), gr.Number(visible="hidden")
    parcel = gr.Textbox(visible="hidden")  # what Python hands to a script
    own = gr.Textbox(visible="hidden")  # a clip that was opened
    gr.HTML(f"<p class='quiet'>{LEDE}</p>")
    with gr.Row(elem_classes="texture-actions clips-asked", elem_id="clips-asked"):
        kind = gr.Radio(list(TITLES), value=next(iter(TITLES)), show_label=False, container=False,
                        elem_classes="recon-look", elem_id="clips-kind", min_width=320)  # fmt: skip
        another = gr.Button("Another clip", variant="primary", size="sm", min_width=110, elem_id="clips-another")
        upload = gr.UploadButton("Open a GIF", file_types=[".gif", ".webp", ".png", ".apng"], size="sm",
                                 min_width=90, elem_id="clips-open")  # fmt: skip
    with gr.Row(elem_classes="texture-actions clips-asked"):
        ways = [(way, way) for way in OFFERED]
        way = Menu(ways, value=SCATTERED, name="Known", elem_id="clips-way", min_width=290)
        gr.HTML("<span class='quiet'>Values</span>", min_width=30)
        size = gr.Radio(list(SIZES), value=FIRST, show_label=False, container=False, elem_classes="recon-look",
                        elem_id="clips-size", min_width=260)  # fmt: skip
        seed = seed_field(0, elem_id="clips-seed")
        halt = gr.Button("Stop", size="sm", min_width=60, elem_id="clips-halt")
        save = gr.Button("Save as GIF", size="sm", min_width=100, elem_id="clips-save")
    board = ClipWall(leads=True, elem_id="clips-wall")
    said = gr.HTML("", elem_id="clips-said")

    with gr.Row(elem_classes="recon-head texture-head"):
        gr.HTML(heading("Clips it could be"))
        draw = gr.Button(f"Draw {SAMPLES}", size="sm", min_width=80, elem_id="clips-draw")
        stop = gr.Button("Stop", size="sm", min_width=60, elem_id="clips-stop")
    samples = ClipWall(elem_id="clips-samples")
    status = gr.HTML(NOTHING, elem_id="clips-status")
    gr.HTML(f"<p class='quiet'>{TRY}</p>")

    def listen(event, handler: Callable, inputs, outputs, **more):
        return event(handler, inputs, outputs, **{**QUEUED, "concurrency_id": "clips", **more})

    asked, outputs = [course, now, kind, way, size, seed, own], [board, said, samples, status]
    answer = answering(desk, do.answer, do.begun(), do.halted, do.ready)
    imagine = drawing(desk, do.imagine, do.waits(), do.stopped)
    onwards = another.click(None, seed, seed, js=NEXT_SEED, api_visibility="private")
    opened = listen(upload.upload, do.open, upload, [own, kind], concurrency_id="clip-files", concurrency_limit=1)
    for event in (onwards.success, opened.success, kind.input, way.choose, size.input, seed.input):
        listen(event, answer, asked, outputs, js=STAMP)
    chosen: list[Any] = [kind, way, size, seed, own]
    arrive = arriving(answer, len(outputs), do.restored)
    arrived = listen(tab.select, arrive, [course, now, parcel, *chosen], [*chosen, *outputs], js=look_for("clips", 2))
    arrived.then(None, chosen, None, js=keep("clips", KEPT, always=True), api_visibility="private")
    gr.on([one.change for one in chosen], None, chosen, None, js=keep("clips", KEPT), api_visibility="private")
    listen(draw.click, imagine, [course, now], [samples, status], js=STAMP, concurrency_id="clips-samples")
    for button in (halt, stop):
        button.click(Course.stop, [course, now], None, js=STAMP, queue=False, api_visibility="private")
    listen(save.click, do.as_gif, course, parcel).success(None, parcel, None, js=SAVE_CLIP, api_visibility="private")
