"""Beyond images, clips: a few values of a short clip, over time and space, and what they imply."""

from __future__ import annotations

from collections.abc import Callable

import gradio as gr

from recon.clips.patterns import OFFERED, SCATTERED
from recon.ui.clipping import SAMPLES, SIZES, TITLES, Clipping
from recon.ui.components import ClipWall, Menu
from recon.ui.halting import Stop, until_stopped
from recon.ui.plainly import plainly
from recon.ui.reconstruct import heading
from recon.ui.samples import NOTHING, next_seed, stopped
from recon.ui.scripts import SAVE_CLIP

QUEUE = "clips"
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


def build(tab: gr.Tab) -> None:
    """Lay it out and wire it."""
    do = Clipping()
    parcel = gr.Textbox(visible="hidden")  # what Python hands to a script
    current, own = gr.State(), gr.State()  # `Shown`; a clip that was opened
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
        seed = gr.Number(0, label="Seed", precision=0, minimum=0, min_width=60, elem_id="clips-seed")
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

    def listen(event, handler: Callable | None, inputs, outputs, **more):
        settings = {"show_progress": "hidden", "api_visibility": "private", "concurrency_id": QUEUE}
        return event(handler, inputs, outputs, **{"trigger_mode": "always_last", **settings, **more})

    times = gr.State(0)  # that samples were drawn of what is shown
    asked, outputs = [kind, way, size, seed, own], [current, board, said, samples, status, times]
    ends = Stop(stop)
    wanted, drawn = ends.inputs(current, times), [samples, status, times]
    imagine = until_stopped(do.imagine, stopped)
    drawing = listen(ends.begun(draw.click), imagine, wanted, drawn, trigger_mode="multiple")
    # at once: what is chosen while a clip is computed is of that clip
    onwards = listen(another.click, plainly(next_seed), seed, seed, concurrency_id=None)
    opened = listen(upload.upload, do.open, upload, [own, kind], concurrency_id="clip-files")
    changes = [kind.input, way.choose, size.input, seed.input]
    for event in (onwards.success, opened.success, *changes):
        listen(event, do.answer, asked, outputs)
    for event in (another.click, upload.upload, *changes):  # at once: what is slow would cancel what came after it
        listen(event, None, None, None, cancels=drawing, queue=False)
    listen(tab.select, do.arrive, [said, *asked], outputs)
    listen(save.click, do.as_gif, current, parcel).success(None, parcel, None, js=SAVE_CLIP, api_visibility="private")
