"""The pixel painter: a canvas that snaps to cells, as a Gradio component.

gradio's own image editor paints with a round brush, saves lossily and does not know cells, hence this one. Python sees
a `Painting`; the browser's part lives beside this file in `painter.html`, `painter.css` and the four scripts.
"""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Literal, get_args

import gradio as gr

from recon.errors import ObservationError
from recon.painting import MAX_SIDE, Painting
from recon.ui.plainly import hint

Ink = Literal["colour", "grey", "binary"]
# gradio runs one script a mount, as the body of a function: the parts share its scope, so their order matters.
SCRIPTS = ("painter_grid.js", "painter_view.js", "painter.js", "painter_input.js")


def _read(name: str) -> str:
    return Path(__file__).with_name(name).read_text(encoding="utf-8")


HTML, CSS, JS = _read("painter.html"), _read("painter.css"), "\n".join(map(_read, SCRIPTS))


class Painter(gr.HTML):
    """A square grid to paint pixels on.

    Events, beside gradio's own:
        stroke: the person changed the painting; once a drag, undo, redo or clear. Its data: `tool`, `count`.
        leave: the same, by an undo or redo to what was painted on another picture than the one underneath. Its data:
            `picture`, that one, or "".
        pick: the person asks about one pixel: Alt-click, right-click, Enter, or a long press. Its data: `row`, `col`.

    Listen to `stroke` rather than to `change`, which fires for what Python sends as well. Where the painter is an
    output, say `show_progress="hidden"`: gradio dims a waiting component.
    """

    def __init__(
        self,
        value: Painting | dict[str, Any] | None = None,
        *,
        side: int = 32,
        ink: Ink = "colour",
        picture: str = "",
        marks: Sequence[Sequence[int]] = (),
        selected: Sequence[int] = (),
        **kwargs: Any,
    ):
        """
        Parameters:
            value: what is painted; None is an empty grid.
            side: of that empty grid.
            ink: what may be painted: any colour, greys, or black and white.
            picture: the known picture underneath, as `recon.painting.encode_picture` writes it; "" for none.
                Reveal and Pick take their colours from it.
            marks: [row, column] pairs to ring, for example the next pixel to ask for.
            selected: the [row, column] whose distribution is shown elsewhere; empty for none.
        """
        if ink not in get_args(Ink):
            raise ValueError(f"ink must be one of {', '.join(get_args(Ink))}, not {ink!r}")
        # Real attributes, because gr.HTML.__getattr__ takes any name quoted in the script for an event.
        self.side, self.ink, self.picture = side, ink, picture
        self.marks, self.selected = [list(mark) for mark in marks], list(selected)
        super().__init__(
            value,
            html_template=HTML,
            css_template=CSS,
            js_on_load=JS,
            apply_default_css=False,
            ink=self.ink,
            picture=self.picture,
            marks=self.marks,
            selected=self.selected,
            **kwargs,
        )

    def __getattr__(self, name: str) -> Callable[..., Any]:
        """Where gr.HTML makes `stroke` and `pick`; by its default, one made while another is answered would be lost."""
        return partial(super().__getattr__(name), trigger_mode="always_last")

    def preprocess(self, payload: Any) -> Painting:
        """
        Parameters:
            payload: what the browser or a caller of the API sent; nothing has checked it yet.
        Returns:
            the painting.
        """
        if payload is None:
            return Painting.empty(self.side)
        try:
            return Painting.parse(payload)
        except ObservationError as error:
            raise hint(error) from error

    def postprocess(self, value: Painting | dict[str, Any] | str | None) -> dict[str, Any]:
        """
        Parameters:
            value: a painting, its payload, or None for an empty grid.
        Returns:
            the payload.
        """
        if value is None:
            value = Painting.empty(self.side)
        return (value if isinstance(value, Painting) else Painting.parse(value)).to_payload()

    def api_info(self) -> dict[str, Any]:
        whole = {"type": "integer"}
        return {
            "type": "object",
            "description": "A painting: cells are [row, column, red, green, blue], colours from 0 to 255.",
            "properties": {
                "side": {**whole, "minimum": 1, "maximum": MAX_SIDE},
                "cells": {"type": "array", "items": {"type": "array", "items": whole, "minItems": 5, "maxItems": 5}},
            },
            "required": ["side", "cells"],
        }

    def example_payload(self) -> dict[str, Any]:
        return {"side": 32, "cells": [[4, 7, 230, 180, 150]]}

    def example_value(self) -> dict[str, Any]:
        return self.example_payload()
