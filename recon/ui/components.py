"""Small components of the page beside the painter: a picture whose pixels can be asked, the samples, a log slider.

Each is a `gr.HTML` subclass whose browser part is a script of the same name beside this file.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import gradio as gr

from recon.errors import ImageError, ReconError
from recon.images import open_image
from recon.ui.plainly import hint


def browser_part(name: str) -> str:
    return Path(__file__).with_name(name).read_text(encoding="utf-8")


class PixelView(gr.HTML):
    """A small picture enlarged without smoothing.

    Its value is a dict: `png` (data URI of side x side pixels), `side`, `observed` (row-major indices to mark),
    `selected` ([row, column] or []), and `model`, where it is an answer of one. Event `pick` with `row` and `col`
    for a click or Enter; event `late` where the answer is not of the model that the `Menu` of element id `menu` says,
    or not of the grid of the `Painter` of element id `painter`: it was asked for before that was chosen, and came after
    what the choice brought. Also `again` milliseconds after an
    answer that has this key, which another model gave for one that is not here yet.
    """

    def __init__(self, value: dict[str, Any] | None = None, *, menu: str = "", painter: str = "", **kwargs: Any):
        self.menu, self.painter = menu, painter
        super().__init__(
            value,
            html_template="<div class='pixel-view'><canvas tabindex='0' role='application' "
            "aria-roledescription='picture'></canvas>"
            "<div class='pixel-tip' aria-live='polite'></div></div>",
            js_on_load=browser_part("pixel_view.js"),
            apply_default_css=False,
            menu=menu,
            painter=painter,
            **kwargs,
        )

    def postprocess(self, value: dict[str, Any] | None) -> dict[str, Any]:
        return value or {"png": "", "side": 32, "observed": [], "selected": []}


class SampleGrid(gr.HTML):
    """Pictures that could have been, side by side.

    Its value is a dict: `pngs` (data URIs), `count` (places kept free), `side` (of the pictures), `busy`. Event
    `choose` with `index`.
    """

    def __init__(self, value: dict[str, Any] | None = None, **kwargs: Any):
        super().__init__(
            value,
            html_template="<div class='sample-grid' role='list'></div>",
            js_on_load=browser_part("sample_grid.js"),
            apply_default_css=False,
            **kwargs,
        )

    def postprocess(self, value: dict[str, Any] | None) -> dict[str, Any]:
        return value or {"pngs": [], "count": 8, "busy": False}


class LogSlider(gr.HTML):
    """How many pixels, from 1 to `most`, on a logarithmic scale; its value is the number. Event `slide` when let go."""

    LARGEST = 64 * 64  # that `most` may be updated to

    def __init__(self, value: int = 64, *, most: int = 1024, **kwargs: Any):
        self.most = most
        super().__init__(
            value,
            html_template="<label class='log-slider'><span>Pixels</span><input type='range' min='0' max='1000' "
            "aria-label='How many pixels'><input type='number' min='1' step='1' aria-label='How many pixels'></label>",
            js_on_load=browser_part("log_slider.js"),
            apply_default_css=False,
            most=most,
            **kwargs,
        )

    def preprocess(self, payload: Any) -> int:
        if isinstance(payload, bool) or not isinstance(payload, int | float) or not 1 <= payload <= self.LARGEST:
            raise hint(f"A patch has 1 to {self.LARGEST} pixels.")
        return round(payload)

    def postprocess(self, value: int | None) -> int:
        return int(value or 1)

    def api_info(self) -> dict[str, Any]:
        return {"type": "integer", "minimum": 1, "maximum": self.LARGEST}


class Seed(gr.Number):
    """A seed: whoever uses it has a sentence for what is none. Made by `seed_field`."""

    def get_block_name(self) -> str:
        return "number"  # the browser's part is gradio's own, as that of all below

    def preprocess(self, payload: Any) -> Any:
        return payload


def seed_field(value: int = 0, **more: Any) -> Seed:
    return Seed(value, label="Seed", precision=0, minimum=0, min_width=60, **more)  # gradio looks at Seed's signature


class Slider(gr.Slider):
    """A slider whose number may be typed. None while there is none: whoever uses it has a sentence for that, and for
    what is out of its range."""

    def get_block_name(self) -> str:
        return "slider"

    def preprocess(self, payload: Any) -> Any:
        return payload


class Menu(gr.HTML):
    """A menu whose `choices`, (title, value) each, may change with what is chosen elsewhere. Its value is that of the
    chosen one. Event `choose` when a person chose.

    gradio's own breaks in the browser where it gets fewer choices while its list fades, and tells of a choice twice.
    What is sent while choices change may be no longer among them, so any name is taken: who gets it has a sentence for
    what is none.
    """

    def __init__(self, choices: Sequence[tuple[str, str]] = (), *, value: str = "", name: str = "", **kwargs: Any):
        self.choices, self.name = list(choices), name
        super().__init__(
            value,
            html_template="<label class='menu'><span></span><select></select></label>",
            js_on_load=browser_part("menu.js"),
            apply_default_css=False,
            choices=self.choices,
            name=name,
            **kwargs,
        )

    def preprocess(self, payload: Any) -> str:
        if not isinstance(payload, str):
            raise hint("What is chosen in a menu is its name.")
        return payload


class PictureInput(gr.Image):
    """gradio's picture input, read by our own reader: any kind of picture, and a plain sentence for what is none."""

    WHOLE = False  # of a large JPEG, every pixel

    def get_block_name(self) -> str:
        return "image"  # the browser's part is gradio's own

    def preprocess(self, payload: Any):
        """A PIL image, or None; also of an upload that was deleted since."""
        if payload is None or (payload.path and not Path(payload.path).exists()):
            return None
        try:
            if payload.path:
                return open_image(payload.path, self.WHOLE)
            raise ImageError("This picture did not arrive. Please try again.")
        except ReconError as error:
            raise hint(error) from error


class TextureInput(PictureInput):
    """A texture is in the single pixels: none of them is averaged unasked."""

    WHOLE = True


class SpreadMap(gr.HTML):
    """Fills the `gr.Plot` whose element id is `plot`, a figure made by `recon.ui.figures.map_frame`, without replacing
    it, and hears its clicks, for which gradio has no event.

    Its value is a dict, see `recon.ui.figures.spread_map`; `selected` is the [row, column] to frame, or []. Event
    `pick`: `row`, `col`.
    """

    def __init__(self, value: dict[str, Any] | None = None, *, plot: str, **kwargs: Any):
        super().__init__(
            value,
            html_template="<i></i>",
            js_on_load=browser_part("spread_map.js"),
            apply_default_css=False,
            plot=plot,
            **{"selected": [], **kwargs},
        )

    def postprocess(self, value: dict[str, Any] | None) -> dict[str, Any]:
        return value or {"side": 32, "channels": 3, "note": ""}


class Tiles(gr.HTML):
    """What several models made of one observation, or one of several patches, side by side.

    Its value is a dict: `tiles` (see `recon.ui.tiles.tiles`; one with a `picture` in place of `looks` is there to be
    compared with), `waiting` (titles of those to come), `busy`, `scale` (the standard deviation that is drawn
    brightest), `arriving` (at first the page itself chooses what is compared), `truth` (as
    `recon.painting.encode_picture` writes it, or ""), `csv`. Event `open` with the `link` of a tile and `truth`.
    """

    def __init__(self, value: dict[str, Any] | None = None, **kwargs: Any):
        super().__init__(
            value,
            html_template="<div class='tiles-board' data-look='mean'><div class='tiles' role='list'></div>"
            "<p class='tiles-legend quiet' hidden>"
            "<span data-look='mean'>Click a picture to open it in Reconstruct.</span>"
            "<span data-look='unsure'>Standard deviation: dark is 0, bright is <b></b>; one scale for all.</span>"
            "<span data-look='error'>Absolute error: black is none, white is 0.5 or more.</span></p></div>",
            js_on_load=browser_part("tiles.js"),
            apply_default_css=False,
            **kwargs,
        )

    def postprocess(self, value: dict[str, Any] | None) -> dict[str, Any]:
        return value or {"tiles": [], "waiting": [], "busy": False, "scale": 0, "truth": "", "csv": ""}


class PresetCards(gr.HTML):
    """Experiments to choose from, a card each.

    Its value is a dict: `presets`, each with `title` and `story`. `chosen` is the index of the one that is set up, or
    -1. Event `choose` with `index`.
    """

    def __init__(self, value: dict[str, Any] | None = None, **kwargs: Any):
        super().__init__(
            value,
            html_template="<div class='lab-presets'></div>",
            js_on_load=browser_part("preset_cards.js"),
            apply_default_css=False,
            **{"chosen": -1, **kwargs},
        )

    def postprocess(self, value: dict[str, Any] | None) -> dict[str, Any]:
        return value or {"presets": []}


class RaceLines(gr.HTML):
    """Fills the `gr.Plot` whose element id is `plot`, a figure made by `recon.ui.race_figures.frame`, without replacing
    it. Its value is a dict: `traces`, as Plotly takes them."""

    def __init__(self, value: dict[str, Any] | None = None, *, plot: str, **kwargs: Any):
        super().__init__(
            value,
            html_template="<i></i>",
            js_on_load=browser_part("race_lines.js"),
            apply_default_css=False,
            plot=plot,
            **kwargs,
        )

    def postprocess(self, value: dict[str, Any] | None) -> dict[str, Any]:
        return value or {"traces": []}


class ClipWall(gr.HTML):
    """Clips side by side, looping in step with those of all other walls.

    Its value is a dict: `clips`, each with `title`, `note` and `png` (a data URI of its frames, one below another),
    `frames`, `side`. One that `leads` has the controls, and moves the others.
    """

    def __init__(self, value: dict[str, Any] | None = None, *, leads: bool = False, **kwargs: Any):
        self.leads = leads
        super().__init__(
            value,
            html_template="<div class='clip-wall' role='list'></div><div class='clip-player'>"
            "<button type='button' class='clip-play'></button>"
            "<input type='range' min='0' step='1' aria-label='Frame'><span class='clip-frame quiet'></span></div>",
            js_on_load=browser_part("clip_wall.js"),
            apply_default_css=False,
            leads=leads,
            **kwargs,
        )

    def postprocess(self, value: dict[str, Any] | None) -> dict[str, Any]:
        return value or {"clips": [], "frames": 16, "side": 24}
