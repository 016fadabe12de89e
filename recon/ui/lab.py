"""The Lab tab: experiments to choose from on top, the controls on the left, what comes out on the right."""

from __future__ import annotations

import re

import gradio as gr

from recon.ui import lab_figures
from recon.ui.components import PresetCards, Slider, seed_field
from recon.ui.engine import Engine
from recon.ui.grids import FAMILIES
from recon.ui.halting import Stop, until_stopped
from recon.ui.lab_handlers import KEPT, WAITING, LabHandlers, advice, data_line, quiet
from recon.ui.lab_settings import FEWEST, MEASURES, MOST, MOST_SEEDS, PRESETS, SIZES, data_choices
from recon.ui.reconstruct import heading
from recon.ui.scripts import LAB_FRESH, LAB_STALE, SAVE_LAB, keep, look_for

LAB = "lab"  # a queue of its own: strokes do not wait for an experiment to end
LEDE = "Ask a question of many pictures at once. Choose an experiment, or set up your own, and run it."

# on white whatever the page's theme is, and with what it is of on top: it is for a report
SAVE_PNG = """async () => {
  const figure = document.querySelector("#lab-plot .js-plotly-plot");
  if (!figure || !window.Plotly) return [];
  const size = { width: 900, height: 560 };
  const paper = { paper_bgcolor: "#fff", plot_bgcolor: "#fff", font: { color: "#30343c", size: 14 } };
  const of = figure.layout.meta?.of ?? "";
  const place = { x: 0, xref: "paper", xanchor: "left", y: 0.98, yanchor: "top" };
  const title = { text: of, font: { size: 13 }, ...place };
  const margin = { l: 24, r: 16, t: of ? 28 + 17 * of.split("<br>").length : 16, b: 16 };
  const more = { ...paper, ...size, margin, title, autosize: false };
  const drawing = { data: figure.data, layout: { ...figure.layout, ...more } };
  const anchor = document.createElement("a");
  anchor.href = await window.Plotly.toImage(drawing, { format: "png", scale: 2, ...size });
  anchor.download = "recon-lab.png";
  anchor.click();
  return [];
}"""


def build(engine: Engine, tab: gr.Tab) -> None:
    """Lay the tab out and wire it."""
    do = LabHandlers(engine)
    start = PRESETS[0].at(engine)
    s = start.settings
    csv = gr.Textbox(visible="hidden", elem_id="lab-csv")
    parcel = gr.Textbox(visible="hidden")  # what the tab kept before a reload

    gr.HTML(quiet(LEDE))
    stories = {"presets": [{"title": one.title, "story": one.story} for one in PRESETS]}
    cards = PresetCards(stories, chosen=0, elem_id="lab-cards", show_label=False)
    with gr.Row(elem_classes="lab-columns", equal_height=False):
        with gr.Column(min_width=300, scale=1), gr.Group(elem_classes="recon-card lab-settings"):
            data = gr.Dropdown(data_choices(engine), value=s.data, label="Pictures", elem_id="lab-data")
            about = gr.HTML(data_line(s.data))
            files = gr.File(
                file_count="multiple", file_types=["image"], visible=False, show_label=False, elem_id="lab-files"
            )
            with gr.Row(elem_classes="lab-line"):
                pictures = Slider(FEWEST, MOST, s.pictures, step=1, label="How many", min_width=160, buttons=[])
                picture_seed = seed_field(s.picture_seed)
            models = gr.Dropdown(engine.choices(), value=list(s.models), label="Models", multiselect=True)
            families = gr.Dropdown(FAMILIES, value=list(s.families), label="Patches", multiselect=True)
            sizes = gr.CheckboxGroup(
                [(str(size), size) for size in SIZES], value=list(s.sizes), label="Pixels observed"
            )
            seeds = Slider(1, MOST_SEEDS, s.seeds, step=1, label="Patches of a random family", buttons=[])
            measure = gr.Radio(MEASURES, value=s.measure, label="Measure", elem_id="lab-measure")

        with gr.Column(min_width=300, scale=2, elem_id="lab-results"):
            with gr.Row(elem_classes="recon-head"):
                gr.HTML(heading("Result"))
                save_csv = gr.Button("CSV", size="sm", min_width=56, interactive=False, elem_id="lab-save-csv")
                save_png = gr.Button("PNG", size="sm", min_width=56, interactive=False, elem_id="lab-save-png")
            note = gr.HTML(advice(start.look), elem_id="lab-look")
            with gr.Row(elem_classes="lab-actions"):
                run = gr.Button("Run", variant="primary", size="sm", min_width=110, elem_id="lab-run")
                stop = gr.Button("Stop", size="sm", min_width=60, elem_id="lab-stop")
                work = gr.HTML(elem_id="lab-work")
            bar = gr.HTML(elem_id="lab-progress")
            verdict = gr.HTML(elem_id="lab-verdict")
            empty = lab_figures.figure([], s.measure, s.sizes, lambda *_: "")
            plot = gr.Plot(empty, show_label=False, elem_id="lab-plot", container=False)
            table = gr.HTML(elem_id="lab-table")

    asked: list = [data, pictures, picture_seed, models, families, sizes, seeds, measure]
    controls = [*asked, files]
    results = [bar, verdict, plot, table, csv, save_csv, save_png]

    def listen(event, handler, inputs, outputs, **more):
        settings = {"show_progress": "hidden", "api_visibility": "private", "queue": False}
        return event(handler, inputs, outputs, **{**settings, **more})

    listen(tab.select, do.count, controls, work)  # not while the page is built: qmcpy takes seconds to import
    chosen = [*asked, about, files, note, cards]
    listen(cards.choose, do.choose_preset, None, chosen)
    restored = listen(tab.select, do.restore, parcel, chosen, js=look_for("lab", 0))
    restored.then(None, asked, None, js=keep("lab", KEPT, always=True), api_visibility="private")
    gr.on([one.change for one in asked], None, asked, None, js=keep("lab", KEPT), api_visibility="private")
    listen(data.input, do.choose_data, data, [about, files])
    for control in asked:
        listen(control.input, lambda: [gr.update(chosen=-1), ""], None, [cards, note])  # it is another experiment now
    for control in controls:
        listen(control.change, do.count, controls, work, trigger_mode="always_last")
    gr.on([one.change for one in controls], None, None, None, js=LAB_STALE, api_visibility="private")
    # queued, for what is not cannot pop up a sentence; and by itself, so that it says at once who waits
    ends = Stop(stop)
    begun = listen(ends.begun(run.click), do.begin, controls, bar, queue=True, trigger_mode="once")
    # "multiple": a run that is being stopped still counts as under way, and would swallow the next
    running, inputs = until_stopped(do.run, last), ends.inputs(*controls)
    begun.success(None, None, None, js=LAB_FRESH, api_visibility="private")
    listen(begun.success, running, inputs, results, queue=True, concurrency_id=LAB, trigger_mode="multiple")
    listen(stop.click, stopped_waiting, bar, bar)
    save_csv.click(None, csv, None, js=SAVE_LAB, api_visibility="private")
    save_png.click(None, None, None, js=SAVE_PNG, api_visibility="private")


def stopped(shown: str | None) -> str:
    """The progress as it was, and that it is over; rows that are finished stay, and so does a run that had ended."""
    return re.sub(r"; about .* to go|waiting .*…|loading .*…", "; stopped", shown or "").replace(">; ", ">")


def last(step: list) -> list:
    """A step of a run that is its last"""
    return [stopped(step[0]), *step[1:]]


def stopped_waiting(shown: str | None):
    """At once for a run that has yet to begin, which may take minutes. One that goes on says it itself."""
    return stopped(shown) if WAITING in (shown or "") else gr.skip()
