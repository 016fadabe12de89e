"""The Mend section of the Textures tab: paint a hole, have it filled, watch Metropolis fit it in."""

from __future__ import annotations

from collections.abc import Callable

import gradio as gr

from recon.ui import mending_figures
from recon.ui.components import RaceLines, Slider, seed_field
from recon.ui.hole_painter import HolePainter
from recon.ui.mending_handlers import FEWEST, MOST, NOTHING, Mending, Work
from recon.ui.reconstruct import heading
from recon.ui.scripts import SAVE_MENDED
from recon.ui.texture_parts import PictureRow, TextureView
from recon.ui.texture_run import KINDS, MCGSM_KIND
from recon.ui.textures import Parts

QUEUE, ASK = "textures-mend", "textures-mend-ask"  # who presses a button need not wait for a hole that is filled
LEDE = (
    "Paint a hole. The model draws it five times, from top to bottom, several candidates at once, and the likeliest "
    "goes on. But a pixel is drawn given those before it alone, so the seams below and on the right may show. "
    "Metropolis then redraws blocks of 5 x 5 pixels, again and again, and takes those that suit the pixels after them. "
    "It draws at random among all fillings that fit, so bits per pixel settle and go up and down; they need not fall."
)
NOTE = (
    "The same hole, and a little around it. The model learned from this picture, the hole’s own pixels among the "
    "others. Bits per pixel are the model’s own: a good filling has about as many as the true pixels. PSNR says how "
    "near each pixel is to the true one, which for a texture is not the point: on average an even grey scores higher "
    "than another true piece of the texture. Of a coloured picture both are of its luma."
)


def build(parts: Parts) -> None:
    """Lay the section out where the tab left it a place, and wire it."""
    do = Mending()
    with parts.place:
        work = gr.State(Work())
        parcel = gr.Textbox(visible="hidden")
        gr.HTML(heading("Mend"), elem_classes="texture-head")
        gr.HTML(f"<p class='quiet'>{LEDE}</p>")
        with gr.Row(elem_classes="texture-columns", equal_height=False, elem_id="mend"):
            with gr.Column(min_width=280, scale=5):
                painter = HolePainter(elem_id="mend-painter")
                with gr.Group(elem_classes="recon-card recon-settings texture-settings"):
                    said = gr.HTML(elem_id="mend-said")
                    with gr.Row(elem_classes="texture-sliders"):
                        sweeps = Slider(FEWEST, MOST, 10, step=1, label="Sweeps of Metropolis",
                                        min_width=160, elem_id="mend-sweeps", buttons=[])  # fmt: skip
                        seed = seed_field(0, elem_id="mend-seed")
                    kind = gr.Radio([(title, kind) for kind, title in KINDS.items()], value=MCGSM_KIND, label="Model",
                                    elem_id="mend-kind")  # fmt: skip
                    with gr.Row(elem_classes="texture-actions"):
                        fill = gr.Button("Fill it", variant="primary", size="sm", min_width=90, elem_id="mend-run")
                        stop = gr.Button("Stop", size="sm", min_width=60, elem_id="mend-stop")
                        further = gr.Button("Go on", size="sm", min_width=70, interactive=False, elem_id="mend-on")
                        save = gr.Button("PNG", size="sm", min_width=56, interactive=False, elem_id="mend-save")
            with gr.Column(min_width=280, scale=5):
                mended = TextureView(elem_id="mend-picture")
                status = gr.HTML(f"<p class='quiet'>{NOTHING}</p>", elem_id="mend-status")
                gr.Plot(mending_figures.frame(), show_label=False, elem_id="mend-plot", container=False)
                curves = RaceLines(mending_figures.lines(None), plot="mend-plot", elem_classes="recon-none")
        row = PictureRow(elem_id="mend-row")
        gr.HTML(f"<p class='quiet'>{NOTE}</p>", elem_id="mend-note")

    def listen(event, handler: Callable, inputs, outputs, **more):
        defaults = {"show_progress": "hidden", "api_visibility": "private", "concurrency_id": ASK}
        return event(handler, inputs, outputs, **{**defaults, **more})

    shown = [mended, status, curves, row, further, save]
    for changed in (parts.picture.change, parts.good.change):
        listen(changed, do.suit, [parts.visit, kind], [painter, said, kind], trigger_mode="always_last")
    listen(kind.input, do.look, [parts.visit, kind], [painter, said], trigger_mode="always_last")
    # by itself, so that it says at once who waits; "multiple", for one that is being stopped would swallow the next
    asked = [parts.visit, work, painter, kind, seed, sweeps]
    begun = listen(fill.click, do.begin, asked, shown, trigger_mode="multiple")
    listen(begun.success, do.run, work, shown, concurrency_id=QUEUE, trigger_mode="multiple")
    listen(begun.success, do.beside, work, row, concurrency_id="textures-mend-beside", trigger_mode="multiple")
    again = listen(further.click, do.more, [work, sweeps], shown, trigger_mode="multiple")
    listen(again.success, do.run, work, shown, concurrency_id=QUEUE, trigger_mode="multiple")
    listen(stop.click, do.stop, work, status, queue=False)
    listen(save.click, do.save, work, parcel).success(None, parcel, None, js=SAVE_MENDED, api_visibility="private")
