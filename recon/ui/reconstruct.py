"""The Reconstruct tab: paint or pick pixels on the left, the picture in the middle, how unsure on the right."""

from __future__ import annotations

from functools import partial
from typing import Any, NamedTuple

import gradio as gr

from recon import schedules
from recon.ui import figures, pictures
from recon.ui.components import (
    LogSlider,
    Menu,
    PictureInput,
    PixelView,
    SampleGrid,
    Seed,
    Slider,
    SpreadMap,
    seed_field,
)
from recon.ui.desk import AT_ONCE, SAMPLERS
from recon.ui.drawing import STEPS, Drawing
from recon.ui.engine import SIDE, Engine
from recon.ui.grids import FAMILIES
from recon.ui.halting import ASIDE, Stop, until_stopped
from recon.ui.handlers import Handlers
from recon.ui.looks import LOOKS
from recon.ui.painter import Painter
from recon.ui.plainly import in_order, the_newest
from recon.ui.scripts import (
    COPY_LINK,
    FOLLOWED,
    FRESH,
    KEEP,
    PREPARED,
    PREPARING,
    READ,
    REFUSED,
    SAVE_ZIP,
    STALE,
    UNFOLLOWED,
)

HOW = (
    "Pixels are drawn in groups, each given all before it. Within a group they do not see each other, so an order that"
    " keeps them far apart loses little. Try row by row in 8 groups to see what is lost otherwise. Exact models draw"
    " all at once. A temperature below 1 keeps to what is likely."
)
WAITING = "waiting for its turn …"
TWO = "The upper half of the picture above, the lower half of another: a model has to make one of both."
# The queues of what a person waits for, and of samples; the desk says who computes.
MODEL = {"concurrency_id": "model", "concurrency_limit": AT_ONCE}
DRAWN = {"concurrency_id": "samples", "concurrency_limit": SAMPLERS}


class Parts(NamedTuple):
    """What other tabs may read of this one, and how they put something before the person here."""

    painter: Painter
    truth: gr.Textbox
    picture: gr.Dropdown
    family: Menu
    size: LogSlider
    seed: Seed
    looks: list  # the last inputs of `Handlers.open`
    restored: list  # its outputs


def build(page: gr.Blocks, engine: Engine, status: gr.HTML) -> Parts:
    """Lay the tab out and wire it. `status` is the page's line on device, model and time."""
    do, samples = Handlers(engine), Drawing(engine)
    truth = gr.Textbox(visible="hidden", elem_id="recon-truth")
    selected = gr.Textbox(visible="hidden")
    left = gr.Textbox(visible="hidden")  # what was on the grid of another side
    parcel = gr.Textbox(visible="hidden")  # what a script takes from Python, or hands to it

    with gr.Row(elem_classes="recon-columns", equal_height=False):
        with gr.Column(min_width=300):
            gr.HTML(heading("Observed"))
            painter = Painter(elem_id="recon-painter", show_label=False)
            with gr.Group(elem_classes="recon-card recon-settings"):
                none, *examples = pictures.choices()
                offered = [none, ("your own", pictures.OWN), *examples]
                picture = gr.Dropdown(offered, value="face", label="Picture", elem_id="recon-picture")
                with gr.Row(elem_classes="recon-line"):
                    family = Menu(FAMILIES, value="sobol", name="Patch", elem_id="recon-family", min_width=100)
                    seed = seed_field(0, elem_id="recon-seed")
                    shuffle = gr.Button("Shuffle", size="sm", min_width=70, elem_id="recon-shuffle")
                size = LogSlider(64, elem_id="recon-size")
            with gr.Accordion("A picture of your own, or two in one", open=False, elem_classes="recon-own"):
                upload = PictureInput(
                    sources=["upload", "clipboard", "webcam"],
                    show_label=False,
                    height=190,
                    buttons=[],
                    elem_id="recon-upload",
                )
                with gr.Group(elem_classes="recon-settings"):
                    others = [("choose another picture", ""), *examples]
                    lower = gr.Dropdown(others, value="", label="Below", elem_id="recon-lower")
                gr.HTML(f"<p class='quiet'>{TWO}</p>")

        with gr.Column(min_width=300):
            with gr.Row(elem_classes="recon-head"):
                gr.HTML(heading("Reconstruction"))
                marked = gr.Checkbox(label="observed marked", container=False, elem_id="recon-marked", min_width=140)
            view = PixelView(menu="recon-model", painter="recon-painter", elem_id="recon-view", show_label=False)
            look = gr.Radio(LOOKS, value="mean", show_label=False, container=False, elem_classes="recon-look")
            with gr.Row(elem_classes="recon-actions"):
                draw = gr.Button("Draw samples", variant="primary", size="sm", min_width=110, elem_id="recon-draw")
                download = gr.Button("Download", size="sm", min_width=84, elem_id="recon-download")
                link = gr.Button("Link", size="sm", min_width=56, elem_id="recon-link")
                open_file = gr.UploadButton("Open", file_types=[".json"], size="sm", min_width=60, elem_id="recon-open")
            note = gr.HTML(elem_id="recon-note")
            with gr.Group(elem_classes="recon-card recon-settings"):
                first, menus = engine.default, engine.menus
                with gr.Row(elem_classes="recon-line recon-models"):
                    words = [(word, word) for word in menus.sets]
                    kind = Menu(words, value=menus.word(first), name="Pictures of", elem_id="recon-kind", min_width=90)
                    model = Menu(menus.titles(first), value=first, name="Model", elem_id="recon-model", min_width=90)
                line = gr.HTML(f"<p class='quiet'>{engine.summary(first)}</p>")
                with gr.Row(elem_classes="recon-line"):
                    live = gr.Checkbox(True, label="live: follow every stroke", container=False, elem_id="recon-live")
                    run = gr.Button("Run", size="sm", visible=False, min_width=60, elem_id="recon-run")
                scores = gr.HTML(elem_id="recon-scores")

        with gr.Column(min_width=300):
            gr.HTML(heading("How unsure", "standard deviation"))
            gr.Plot(figures.map_frame(SIDE), show_label=False, elem_id="recon-map", container=False)
            heat = SpreadMap(plot="recon-map", elem_classes="recon-none")
            with gr.Row(elem_classes="recon-actions"):
                ask = gr.Button("Where next?", size="sm", min_width=110, elem_id="recon-ask")
                reveal = gr.Button("Reveal it", size="sm", min_width=84, visible=False, elem_id="recon-reveal")
            doubt = gr.HTML(elem_id="recon-doubt")
            card = gr.HTML(elem_id="recon-pixel")

    with gr.Row(elem_classes="recon-head recon-gallery-head"):
        gr.HTML(heading("Pictures it could have been"))
        drawn = gr.HTML("none drawn yet", elem_classes="quiet", elem_id="recon-drawn")
        stop = gr.Button("Stop", size="sm", min_width=60, elem_id="recon-stop")
    gallery = SampleGrid(elem_id="recon-gallery")
    with gr.Accordion("How they are drawn", open=False, elem_classes=["recon-own", "recon-how"]):
        gr.HTML(f"<p class='quiet'>{HOW}</p>")
        with gr.Row(elem_classes="recon-how-row"):
            order = gr.Dropdown([(t, o) for o, t in schedules.ORDERS.items()], value="sobol", label="Order")
            steps = Slider(4, 128, value=STEPS, step=4, label="Groups", elem_id="recon-steps", buttons=[])
            temperature = Slider(
                0.1, 1.5, value=1.0, step=0.05, label="Temperature", elem_id="recon-temperature", buttons=[]
            )

    results = [view, heat, card, scores, status, note]
    shown = [painter, model, truth, look, marked, selected]
    patch = [family, size, seed]
    kept = [model, family, size, seed, picture, painter]

    def listen(event, handler, inputs, outputs, dropping=False, **more):
        settings = {"show_progress": "hidden", "api_visibility": "private", **MODEL, **more}
        if settings["concurrency_id"] == MODEL["concurrency_id"]:
            handler = in_order(handler)
        if dropping:
            handler = the_newest(handler, [gr.skip()] * len(outputs))
        return event(handler, inputs, outputs, **settings)

    # the page itself sends one stroke after another; what else is sent is dropped where it has been overtaken
    listen(painter.stroke, do.paint, [*shown, live], results, trigger_mode="always_last", dropping=True)
    listen(look.input, do.run, shown, results, trigger_mode="always_last")
    listen(marked.input, do.mark, [view, painter, marked], view, trigger_mode="always_last")
    painter.stroke(None, None, None, js=UNFOLLOWED, api_visibility="private")
    live.change(lambda on: gr.update(visible=not on), live, run, show_progress="hidden", api_visibility="private")
    for asked in (listen(run.click, do.run, shown, results), listen(live.input, do.paint, [*shown, live], results)):
        asked.success(None, None, None, js=FOLLOWED, api_visibility="private")
    sheet = [picture, upload, family, size, seed, left]
    switched = [model, painter, line, *results, truth, family, size, left]
    for event in (kind.choose, model.choose):
        # "always_last" would ask the last time for what the answer before has put in the menu
        listen(event, do.switch, [kind, *shown, *sheet], switched, trigger_mode="multiple")
    for event in (family.choose, size.slide, seed.input):
        listen(event, do.choose_patch, [*shown, *patch], [painter, *results], trigger_mode="always_last")
    behind = [*shown, picture, upload, *patch]
    listen(view.late, do.catch_up, behind, [truth, painter, *results], trigger_mode="always_last")
    listen(shuffle.click, do.shuffle, [seed, *shown, family, size], [seed, family, painter, *results])
    taken = [painter, model, look, marked, selected, *patch]
    took = listen(picture.input, do.choose_picture, [picture, upload, *taken], [truth, painter, *results])
    took.failure(do.name_picture, [truth, painter], picture, show_progress="hidden", api_visibility="private")
    left_behind = [painter, model, look, marked, selected]
    listen(painter.leave, do.return_to, left_behind, [picture, truth, painter, *results])
    brought = listen(upload.input, do.upload, [upload, *taken], [picture, truth, painter, *results])
    # no broken picture stays where a file was none
    brought.failure(lambda: None, None, upload, queue=False, show_progress="hidden", api_visibility="private")
    composed = listen(lower.input, do.compose, [lower, *shown, *patch], [picture, truth, painter, *results])
    for event in (composed.failure, picture.input, upload.input, open_file.upload):
        event(lambda: "", None, lower, queue=False, show_progress="hidden", api_visibility="private")
    listen(ask.click, do.ask, [painter, model, truth], [painter, reveal, note])
    listen(reveal.click, do.reveal_next, shown, [painter, *results], trigger_mode="once")
    for event in (view.pick, heat.pick, painter.pick):
        outputs = [selected, painter, view, heat, card]
        listen(event, do.pick, [view, painter, model, truth, look, marked], outputs, trigger_mode="always_last")

    how = [painter, model, seed, order, steps, temperature]
    # "once" would not hear a press soon after Stop: the drawing that was stopped still counts as one for a moment
    ends = Stop(stop)
    draw.click(lambda: WAITING, None, drawn, **ASIDE)
    begun, drawing = ends.begun(draw.click), until_stopped(samples.draw, Drawing.stopped)
    coming = listen(begun, drawing, ends.inputs(*how), [gallery, drawn], trigger_mode="multiple", js=FRESH, **DRAWN)
    coming.failure(not_drawn, drawn, drawn, **ASIDE)
    coming.failure(None, None, None, js=REFUSED, api_visibility="private")
    listen(gallery.choose, samples.choose, [gallery, painter, marked, selected], [look, view])

    listen(link.click, do.link, [*kept, truth], parcel).success(None, parcel, None, js=COPY_LINK)
    made = listen(download.click, do.download, [*kept, truth], parcel, js=PREPARING, **DRAWN)
    made.success(None, parcel, None, js=SAVE_ZIP)
    made.then(None, None, None, js=PREPARED, api_visibility="private")
    restored = [model, family, size, seed, picture, truth, painter, line, *results, kind]
    listen(open_file.upload, do.load_file, [open_file, look, marked, selected], restored)

    # after the answer, so that no stroke waits for it
    alone: dict[str, Any] = {"trigger_mode": "always_last", "concurrency_id": "doubt", "concurrency_limit": 1}
    listen(partial(gr.on, [painter.change, model.change]), do.doubt, [painter, model], doubt, **alone)

    # in the browser alone: the tab keeps what is painted through a reload, and old samples are shown as old
    changes = [painter.change, model.change, family.change, size.change, seed.change, picture.change, truth.change]
    gr.on(changes, None, [*kept, truth], None, js=KEEP, api_visibility="private")
    gr.on([painter.change, model.change], None, None, None, js=STALE, api_visibility="private")
    listen(page.load, do.restore, [parcel, look, marked, selected], restored, js=READ)
    return Parts(painter, truth, picture, family, size, seed, [look, marked, selected], restored)


def not_drawn(said: str) -> str:
    """Instead of a word that it waits, where what it was asked with was refused before it began"""
    return "not drawn" if said == WAITING else said


def heading(title: str, aside: str = "") -> str:
    """A column's title, and a quiet word at its right."""
    return f"<div class='recon-title'><h3>{title}</h3><span class='quiet'>{aside}</span></div>"
