"""The Compare tab: several models on one patch, or several patches for one model, side by side."""

from __future__ import annotations

from collections.abc import Callable

import gradio as gr

from recon.ui.comparing import MODELS, PAINTED, PATCHES, Comparing, sources
from recon.ui.components import LogSlider, Menu, Tiles, seed_field
from recon.ui.engine import SIDE, Engine
from recon.ui.grids import FAMILIES
from recon.ui.halting import Stop, until_stopped
from recon.ui.plainly import in_order
from recon.ui.reconstruct import MODEL, Parts, heading
from recon.ui.scripts import COMPARE_ARRIVES, COMPARE_FRESH, COMPARE_LOOK, COMPARE_STALE, SAVE_CSV, TO_TOP

MODES = [("Several models", MODELS), ("Several patches", PATCHES)]
LOOKS = [("Reconstruction", "mean"), ("How unsure", "unsure"), ("Error", "error")]
FIRST_FAMILIES = ["random", "sobol", "halton", "lattice", "farthest", "grid", "block", "designed_celeba"]
QUEUE = "compare"  # its own: a long comparison does not hold up who paints


def build(engine: Engine, there: Parts, tabs: gr.Tabs, tab: gr.Tab) -> None:
    """Lay the tab out and wire it. `there` is what the Reconstruct tab lends and takes."""
    do = Comparing(engine)
    asked = gr.State("")
    ours = gr.State((do.first, engine.default))  # names and model as the page chose them

    mode = gr.Radio(MODES, value=MODELS, show_label=False, container=False, elem_classes="recon-look compare-mode")
    with gr.Row(elem_classes="compare-settings", equal_height=False):
        with gr.Group(elem_classes="recon-card recon-settings compare-what"):
            source = Menu(sources(MODELS), value=PAINTED, name="Picture", elem_id="compare-source")
            with gr.Row(elem_classes="recon-line"):
                family = gr.Dropdown(FAMILIES, value="sobol", label="Patch", visible="hidden", elem_id="compare-family")
                seed = seed_field(0, visible="hidden", elem_id="compare-seed")
            size = LogSlider(64, visible="hidden", elem_id="compare-size")
            told = gr.HTML("<p class='quiet'>Its pixels as they are painted there now.</p>")
        with gr.Group(elem_classes="recon-card recon-settings compare-with"):
            names = gr.Dropdown(
                engine.choices(), value=do.first, multiselect=True, label="Models", elem_id="compare-models"
            )
            with gr.Row(elem_classes="compare-sets") as sets:
                gr.HTML("<span class='quiet'>all for</span>")
                first = do.buttons(PAINTED, SIDE)
                fill = {
                    word: gr.Button(word, size="sm", min_width=40, visible=one["visible"])
                    for word, one in zip(do.sets, first, strict=True)
                }
            model = gr.Dropdown(
                engine.choices(), value=engine.default, label="Model", visible="hidden", elem_id="compare-model"
            )
            families = gr.Dropdown(
                FAMILIES,
                value=FIRST_FAMILIES,
                multiselect=True,
                label="Patches",
                visible="hidden",
                elem_id="compare-families",
            )
            run = gr.Button("Compare", variant="primary", size="sm", elem_id="compare-run")

    with gr.Row(elem_classes="recon-head compare-head"):
        gr.HTML(heading("Side by side"))
        line = gr.HTML("", elem_classes="quiet", elem_id="compare-line")
        stop = gr.Button("Stop", size="sm", min_width=60, elem_id="compare-stop")
        look = gr.Radio(
            LOOKS, value="mean", show_label=False, container=False, elem_classes="recon-look", elem_id="compare-look"
        )
    board = Tiles(elem_id="compare-tiles")
    table = gr.HTML("", elem_id="compare-table")
    with gr.Row(elem_classes="recon-actions compare-actions"):
        save = gr.Button("Download as CSV", size="sm", min_width=140, visible="hidden", elem_id="compare-save")

    def listen(event, handler: Callable, inputs, outputs, **more):
        settings = {"show_progress": "hidden", "api_visibility": "private", "concurrency_id": QUEUE}
        return event(handler, inputs, outputs, **{**settings, **more})

    shown = [asked, board, table, line, save]
    wanted = [mode, source, family, size, seed, names, model, families]
    inputs = [*wanted, there.painter, there.truth, there.picture, there.family, there.size, there.seed]
    arriving = [*shown, names, model, ours, *fill.values()]
    ends = Stop(stop)
    # "once" would not hear a press soon after Stop: the run that is being stopped still counts as one for a moment
    running, arrival = until_stopped(do.run, do.stopped), until_stopped(do.arrive, do.stopped)
    begun = ends.begun(run.click)
    listen(begun, running, ends.inputs(*inputs), shown, trigger_mode="multiple", js=COMPARE_FRESH)
    arrived = ends.begun(tab.select)
    known = ends.inputs(asked, ours, *inputs)
    listen(arrived, arrival, known, arriving, trigger_mode="once", js=COMPARE_ARRIVES)

    places = [source, family, seed, size, told, names, sets, model, families, *fill.values()]
    listen(mode.input, do.arrange, [mode, source, there.painter], places, queue=False)
    listen(source.choose, do.arrange, [mode, source, there.painter], places, queue=False)
    for word, button in fill.items():
        button.click(lambda word=word: do.sets[word], None, names, queue=False, api_visibility="private")
    changes = [mode.change, source.change, family.change, size.change, seed.change, names.change, model.change]
    gr.on([*changes, families.change], None, None, None, js=COMPARE_STALE, api_visibility="private")
    look.change(None, look, None, js=COMPARE_LOOK, api_visibility="private")
    save.click(None, board, None, js=SAVE_CSV, api_visibility="private")
    opened = listen(board.open, in_order(do.open), there.looks, [tabs, *there.restored], **MODEL)
    opened.success(None, None, None, js=TO_TOP, api_visibility="private")
