"""The Textures tab: learn a texture, grow more of it, see how that is done and how good the model is."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import gradio as gr

from recon.textures.pictures import CROP, HALVE
from recon.ui import texture_figures
from recon.ui.components import RaceLines, Slider, TextureInput, seed_field
from recon.ui.growing import COOLEST, HOTTEST, LARGEST, NOISE, SMALLEST, STARTS, Growing
from recon.ui.reconstruct import heading
from recon.ui.scripts import SAVE_TEXTURE, SAVE_TEXTURE_MODEL, SAVE_TEXTURE_SETTINGS
from recon.ui.texture_parts import SlowMotionView, TextureCards, TextureView
from recon.ui.texture_run import KINDS, LIMITS, MCGSM_KIND, RIDE_KIND, Settings
from recon.ui.texture_session import Visit
from recon.ui.texturing import BUNDLED_BACK, Texturing

# queues: who grows does not wait for who learns, nor who paints for either
ASK, LEARN, GROW, MEASURE = (f"textures-{what}" for what in ("ask", "learn", "grow", "measure"))
LEDE = (
    "A texture is learned from one picture in about a minute, as the probability of each pixel given those before it. "
    "Then more of it can be drawn, of any size, and holes in it can be mended."
)
WAYS = [("keep the middle", CROP), ("halve it until it fits", HALVE)]
ADVANCED = (
    "An MCGSM: a mixture of components, each a linear prediction at four scales; a gate chooses by quadratic features "
    "of the window. More of either say finer things and need more pixels: watch the held-out rows. A wider window sees "
    "larger patterns. A RIDE has the same mixture behind a spatial LSTM: its window is always 3 rows of 5 pixels, and "
    "what lies further left and above it remembers."
)
MODELS = [("MCGSM, a minute", MCGSM_KIND), ("RIDE, 3 minutes", RIDE_KIND)]
SLOW = (
    "One pixel at a time, by the model that is chosen under Grow. The blue outline is the causal window. An MCGSM sees "
    "nothing else; a RIDE also remembers, by its LSTM, what lies left of it and above, tinted. From that the gate says "
    "which components speak; together they make the density that the pixel's value is drawn from. Of a coloured "
    "texture all this is of luma."
)

BITS = (
    "Bits per pixel on the rows that were held out; fewer is better. Of a coloured texture only its luma is measured."
)


class Parts(NamedTuple):
    """What another part of the tab may use: the visit, whose `texture` and `fitted()` it reads, a place of its own
    under what is grown, and what changes with the texture and with its model."""

    visit: gr.State
    tab: gr.Tab
    place: gr.Column
    picture: TextureView
    good: gr.HTML


def build(tab: gr.Tab) -> Parts:
    """Lay the tab out and wire it."""
    learning, growing = Texturing(), Growing()
    visit = gr.State(Visit())
    parcel = gr.Textbox(visible="hidden")  # what Python hands to a script
    default = Settings()
    gr.HTML(f"<p class='quiet'>{LEDE}</p>")

    with gr.Row(elem_classes="texture-columns", equal_height=False, elem_id="texture-learn"):
        with gr.Column(min_width=280, scale=4):
            gr.HTML(heading("The texture"))
            cards = TextureCards(elem_id="texture-cards")
            picture = TextureView(elem_id="texture-picture")
            said = gr.HTML(elem_id="texture-said")
            with gr.Accordion("A picture of your own", open=False, elem_classes="recon-own"):
                upload = TextureInput(
                    sources=["upload", "clipboard", "webcam"],
                    show_label=False,
                    height=170,
                    buttons=[],
                    elem_id="texture-upload",
                )
                way = gr.Radio(WAYS, value=CROP, label="It is larger than 512 pixels:", visible=False,
                               elem_classes="texture-way", elem_id="texture-way")  # fmt: skip
        with gr.Column(min_width=280, scale=6):
            gr.HTML(heading("Learn", "bits per pixel; fewer is better"))
            with gr.Row(elem_classes="texture-actions"):
                model = gr.Radio(MODELS, value=MCGSM_KIND, show_label=False, container=False, elem_classes="recon-look",
                                 elem_id="texture-model")  # fmt: skip
                learn = gr.Button("Learn it", variant="primary", size="sm", min_width=110, elem_id="texture-run")
                stop = gr.Button("Stop", size="sm", min_width=60, elem_id="texture-stop")
                back = gr.Button(BUNDLED_BACK, size="sm", min_width=60, visible=False, elem_id="texture-back")
            bar = gr.HTML(elem_id="texture-bar")
            gr.Plot(texture_figures.frame(), show_label=False, elem_id="texture-plot", container=False)
            curves = RaceLines(plot="texture-plot", elem_classes="recon-none")
            with gr.Accordion("Advanced", open=False, elem_classes=["recon-own", "texture-advanced"]):
                gr.HTML(f"<p class='quiet'>{ADVANCED}</p>")
                with gr.Row(elem_classes="texture-sliders"):
                    components = dial("components", "Components", default.components)
                    radius = dial("radius", "Window radius of the MCGSM", default.radius)
                    features = dial("features", "Features of the gate", default.features)
                    steps = dial("steps", "Steps of Adam, MCGSM", default.steps, 20)
                    ride_steps = dial("ride_steps", "Steps of Adam, RIDE", default.ride_steps, 20)
                    learn_seed = seed_field(0)

    gr.HTML(heading("Grow"), elem_classes="texture-head")
    with gr.Row(elem_classes="texture-columns", equal_height=False, elem_id="texture-grow"):
        with gr.Column(min_width=280, scale=4), gr.Group(elem_classes="recon-card recon-settings texture-settings"):
            size = Slider(SMALLEST, LARGEST, 256, step=32, label="Pixels a side", elem_id="texture-size", buttons=[])
            temperature = Slider(COOLEST, HOTTEST, 1.0, step=0.05, label="Temperature",
                                 elem_id="texture-temperature", buttons=[])  # fmt: skip
            start = gr.Radio(STARTS, value=NOISE, label="Start from", elem_id="texture-start")
            kind = gr.Radio([(title, kind) for kind, title in KINDS.items()], value=MCGSM_KIND, label="Model")
            seed = seed_field(0, elem_id="texture-seed")
            with gr.Row(elem_classes="texture-actions"):
                grow = gr.Button("Grow", variant="primary", size="sm", min_width=80, interactive=False,
                                 elem_id="texture-grow-run")  # fmt: skip
                halt = gr.Button("Stop", size="sm", min_width=60, elem_id="texture-grow-stop")
                save = gr.Button("PNG", size="sm", min_width=56, interactive=False, elem_id="texture-save")
        with gr.Column(min_width=280, scale=6):
            grown = TextureView(elem_id="texture-grown")
            status = gr.HTML("<p class='quiet'>Nothing is drawn yet.</p>", elem_id="texture-status")

    with gr.Row(elem_classes="recon-head texture-head"):
        gr.HTML(heading("In slow motion"))
        slow = gr.Button("Draw one", size="sm", min_width=90, interactive=False, elem_id="texture-slow-run")
    gr.HTML(f"<p class='quiet'>{SLOW}</p>")
    slowly = SlowMotionView(elem_id="texture-slow")

    place = gr.Column(elem_id="texture-mend")

    with gr.Row(elem_classes="recon-head texture-head"):
        gr.HTML(heading("How good"))
        weights = gr.Button("Weights .zip", size="sm", min_width=96, interactive=False, elem_id="texture-weights")
        settings = gr.Button("Settings .json", size="sm", min_width=106, interactive=False, elem_id="texture-settings")
    gr.HTML(f"<p class='quiet'>{BITS}</p>")
    good = gr.HTML(elem_id="texture-good")

    def listen(event, handler: Callable, inputs, outputs, **more):
        defaults = {"show_progress": "hidden", "api_visibility": "private", "concurrency_id": ASK}
        return event(handler, inputs, outputs, **{**defaults, **more})

    buttons = [grow, slow, weights, settings]
    shown = [cards, picture, said, bar, curves, back, good, *buttons]
    how = [size, seed, temperature, start, kind]
    drawn = [grown, status, save]
    arrived = listen(tab.select, learning.arrive, visit, shown, trigger_mode="once")
    greeted = listen(arrived.success, growing.greet, [visit, *how], drawn, concurrency_id=GROW)
    chosen = listen(cards.choose, learning.choose, visit, shown, trigger_mode="always_last")
    swapped = listen(back.click, learning.swap, visit, shown, trigger_mode="once")
    taken = [listen(event, learning.take, [visit, upload, way], [*shown, way]) for event in (upload.input, way.input)]
    # no broken picture stays where a file was none
    taken[0].failure(lambda: None, None, upload, queue=False, show_progress="hidden", api_visibility="private")
    for event in (chosen, *taken):
        listen(event.success, growing.suit, [visit, kind], kind)

    listen(model.input, learning.switch, [visit, model], shown, trigger_mode="always_last")
    # by itself, so that it says at once who waits; "multiple", for one that is being stopped would swallow the next
    asked = [visit, components, radius, features, steps, ride_steps, learn_seed]
    begun = listen(learn.click, learning.begin, asked, shown, trigger_mode="multiple")
    learned = listen(begun.success, learning.learn, visit, shown, concurrency_id=LEARN, trigger_mode="multiple")
    for event in (greeted, chosen, swapped, learned):
        listen(event.success, learning.measure, visit, shown, concurrency_id=MEASURE, trigger_mode="always_last")
    listen(learned.success, growing.latest, visit, kind).success(
        growing.greet, [visit, *how], drawn, show_progress="hidden", api_visibility="private", concurrency_id=GROW
    )
    listen(stop.click, learning.stop, visit, bar, queue=False)

    # what is growing makes room for the next, which waits behind it
    room = listen(grow.click, growing.stop, visit, None, queue=False, trigger_mode="multiple")
    listen(room.then, growing.grow, [visit, *how], drawn, trigger_mode="multiple", concurrency_id=GROW)
    listen(halt.click, growing.stop, visit, None, queue=False)
    save.click(None, None, None, js=SAVE_TEXTURE, api_visibility="private")
    listen(slow.click, growing.slowly, [visit, *how[1:]], slowly, concurrency_id=GROW)
    listen(weights.click, growing.weights, [visit, kind], parcel).success(
        None, parcel, None, js=SAVE_TEXTURE_MODEL, api_visibility="private"
    )
    listen(settings.click, growing.settings, [visit, kind], parcel).success(
        None, parcel, None, js=SAVE_TEXTURE_SETTINGS, api_visibility="private"
    )
    return Parts(visit, tab, place, picture, good)


def dial(name: str, label: str, value: int, step: int = 1) -> gr.Slider:
    """A slider over what a fit takes."""
    low, high, _ = LIMITS[name]
    return Slider(low, high, value, step=step, label=label, min_width=160, buttons=[])
