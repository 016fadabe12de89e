"""The Race tab: how fast a picture comes when pixels are chosen at random, evenly, by design, or by the model."""

from __future__ import annotations

from collections.abc import Callable

import gradio as gr

from recon.race import SIZES
from recon.ui import race_figures
from recon.ui.compare import LOOKS
from recon.ui.comparing import PATCHES, PICTURE, sources
from recon.ui.components import RaceLines, Tiles, seed_field
from recon.ui.engine import Engine
from recon.ui.halting import Stop, until_stopped
from recon.ui.plainly import in_order
from recon.ui.racing import Racing
from recon.ui.reconstruct import MODEL, Parts, heading
from recon.ui.scripts import RACE_FRESH, RACE_LOOK, RACE_SIZE, RACE_STALE, SAVE_RACE, TO_TOP

FIRST_SIZE = 64
QUEUE = "race"  # its own: a long race does not hold up who paints


def build(engine: Engine, there: Parts, tabs: gr.Tabs, tab: gr.Tab) -> None:
    """Lay the tab out and wire it. `there` is what the Reconstruct tab lends and takes."""
    do = Racing(engine)
    asked = gr.State("")
    kept = gr.JSON(visible="hidden")

    with gr.Row(elem_classes="race-settings", equal_height=False):
        with gr.Group(elem_classes="recon-card recon-settings"):
            source = gr.Dropdown(sources(PATCHES), value=PICTURE, label="Picture", elem_id="race-source")
        with gr.Group(elem_classes="recon-card recon-settings"):
            model = gr.Dropdown(engine.choices(), value=engine.default, label="Model", elem_id="race-model")
        with gr.Group(elem_classes="recon-card recon-settings race-go"), gr.Row(elem_classes="recon-line"):
            seed = seed_field(0, elem_id="race-seed")
            run = gr.Button("Race", variant="primary", size="sm", min_width=90, elem_id="race-run")

    with gr.Column(elem_id="race"):
        with gr.Row(elem_classes="recon-head race-head"):
            gr.HTML(heading("How fast the picture comes"))
            status = gr.HTML("", elem_classes="quiet", elem_id="race-status")
            stop = gr.Button("Stop", size="sm", min_width=60, elem_id="race-stop")
        gr.Plot(race_figures.frame(), show_label=False, elem_id="race-plot", container=False)
        lines = RaceLines(plot="race-plot", elem_classes="recon-none")

        with gr.Row(elem_classes="recon-head race-head"):
            gr.HTML(heading("Side by side"))
            size = gr.Radio([(str(each), each) for each in SIZES], value=FIRST_SIZE, show_label=False, container=False,
                            elem_classes="recon-look", elem_id="race-size")  # fmt: skip
            look = gr.Radio(LOOKS, value="mean", show_label=False, container=False, elem_classes="recon-look",
                            elem_id="race-look")  # fmt: skip
        boards = []
        with gr.Column(elem_id="race-boards"):
            for each in SIZES:
                with gr.Column(elem_classes=f"race-at race-at-{each}"):
                    boards.append((gr.HTML(""), Tiles()))
        table = gr.HTML("", elem_id="race-table")
        with gr.Row(elem_classes="recon-actions compare-actions"):
            save = gr.Button("Download as CSV", size="sm", min_width=140, visible="hidden", elem_id="race-save")

    def listen(event, handler: Callable, inputs, outputs, **more):
        settings = {"show_progress": "hidden", "api_visibility": "private", "concurrency_id": QUEUE}
        return event(handler, inputs, outputs, **{**settings, **more})

    parts = [part for board in boards for part in board]
    shown = [asked, lines, status, table, kept, save, *parts]
    inputs = [source, seed, model, there.painter, there.truth, there.picture, there.family, there.size, there.seed]
    ends = Stop(stop)
    # "once" would not hear a press soon after Stop: the run that is being stopped still counts as one for a moment
    running, arrival = until_stopped(do.run, do.stopped), until_stopped(do.arrive, do.stopped)
    listen(ends.begun(run.click), running, ends.inputs(*inputs), shown, trigger_mode="multiple")
    listen(ends.begun(tab.select), arrival, ends.inputs(asked, *inputs), shown, trigger_mode="once")

    gr.on([source.change, model.change, seed.change], None, None, None, js=RACE_STALE, api_visibility="private")
    gr.on([run.click, tab.select], None, None, None, js=RACE_FRESH, api_visibility="private")
    size.change(None, size, None, js=RACE_SIZE, api_visibility="private")
    look.change(None, look, None, js=RACE_LOOK, api_visibility="private")
    save.click(None, kept, None, js=SAVE_RACE, api_visibility="private")
    open_tile = in_order(do.open)
    for _, board in boards:
        opened = listen(board.open, open_tile, there.looks, [tabs, *there.restored], **MODEL)
        opened.success(None, None, None, js=TO_TOP, api_visibility="private")
