"""The painter of holes: a part of a picture, large, with a mask on it, as a Gradio component.

Its browser part is in `hole_painter.html`, `hole_painter.css` and four scripts; buttons and frame look as the pixel
painter's do, and have their style from it.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import gradio as gr

from recon.errors import ObservationError
from recon.ui.components import browser_part
from recon.ui.hole import LARGEST, Hole
from recon.ui.plainly import hint

# gradio runs one script a mount, as the body of a function: the parts share its scope, so their order matters.
SCRIPTS = ("hole_mask.js", "hole_view.js", "hole_painter.js", "hole_input.js")


class HolePainter(gr.HTML):
    """A picture to paint a hole into: its middle, or another part of up to LARGEST pixels a side.

    Its value in Python is a `Hole`. Event `paint`, once a stroke, undo, preset or move of the part, with `tool` and
    `count`.

    picture  the whole picture, grey or coloured, a data URI. The hole stays when another comes, as far as it fits.
    """

    def __init__(self, value: Hole | dict[str, Any] | None = None, *, picture: str = "", **kwargs: Any):
        self.picture = picture  # a real attribute: gr.HTML takes any name quoted in the script for an event
        super().__init__(
            value,
            html_template=browser_part("hole_painter.html"),
            css_template=browser_part("painter.css") + browser_part("hole_painter.css"),
            js_on_load="\n".join(map(browser_part, SCRIPTS)),
            apply_default_css=False,
            picture=picture,
            **kwargs,
        )

    def __getattr__(self, name: str) -> Callable[..., Any]:
        """Where gr.HTML makes `paint`; by its default, one made while another is answered would be lost."""
        return partial(super().__getattr__(name), trigger_mode="always_last")

    def preprocess(self, payload: Any) -> Hole:
        """What the browser sent, which nothing has checked yet; a plain sentence for what is no hole."""
        try:
            return Hole.parse(payload)
        except ObservationError as error:
            raise hint(error) from error

    def postprocess(self, value: Hole | dict[str, Any] | None) -> dict[str, Any] | None:
        return value.to_payload() if isinstance(value, Hole) else value

    def api_info(self) -> dict[str, Any]:
        size = {"type": "integer", "minimum": 1, "maximum": LARGEST}
        place = {"type": "integer", "minimum": 0}
        return {
            "type": "object",
            "description": "A hole in a part of a picture: its mask is a bit a pixel, packed row by row, in base64.",
            "properties": {"rows": size, "columns": size, "top": place, "left": place, "mask": {"type": "string"}},
            "required": ["rows", "columns", "top", "left", "mask"],
        }
