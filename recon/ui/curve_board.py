"""A plot to click points into, with what a model says of the curve through them, as a Gradio component."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import gradio as gr
import torch
from torch import Tensor

from recon.curves.answer import MOST, check
from recon.errors import ObservationError, ReconError
from recon.ui.components import browser_part
from recon.ui.engine import seed_of
from recon.ui.plainly import hint

DIGITS = 4  # decimals of what is placed


class Placed(NamedTuple):
    """Points (n, 2), float64; when they were placed, by the browser's clock, in milliseconds, 0 for points from
    elsewhere; and the seed of the random sextic that they were begun with, None for points that are on none"""

    points: Tensor
    sent: float = 0.0
    sextic: int | None = None

    def then(self, points: Tensor, sextic: int | None) -> Placed:
        """Other points in their place, as the browser will have them; what is placed by hand while they are on their
        way is later, and stays."""
        return Placed(points.double().round(decimals=DIGITS), self.sent + 1, sextic)

    def to_payload(self) -> dict[str, Any]:
        payload: dict[str, Any] = {"points": [[round(x, DIGITS), round(y, DIGITS)] for x, y in self.points.tolist()]}
        payload |= {} if self.sextic is None else {"sextic": self.sextic}
        return payload | ({"sent": self.sent} if self.sent else {})

    @classmethod
    def parse(cls, payload: Any) -> Placed:
        """From what JSON may hold; a plain sentence for what are no points."""
        if not isinstance(payload, dict):
            return cls(parsed(payload))
        sent, sextic = payload.get("sent"), payload.get("sextic")
        try:
            seed = None if sextic is None else seed_of(sextic)
        except ReconError as error:
            raise hint(error) from error
        return cls(parsed(payload.get("points")), float(sent) if isinstance(sent, int | float) else 0.0, seed)


class CurveBoard(gr.HTML):
    """Its value in Python is `Placed`. Event `place`, whenever they change, with `count`.

    answer  what is drawn: `x` and `mean`, `bands` as pairs of low and high, `samples`, and `truth`, a list or None
    called  what it is called to those who do not see it
    """

    def __init__(self, value: Placed | None = None, *, called: str = "", answer: dict | None = None, **kwargs: Any):
        self.answer, self.called = answer, called  # real attributes: gr.HTML takes any quoted name for an event
        super().__init__(
            value,
            html_template=browser_part("curve_board.html"),
            css_template=browser_part("painter.css") + browser_part("curve_board.css"),
            js_on_load=browser_part("curve_board.js"),
            apply_default_css=False,
            answer=answer or {},
            called=called,
            most=MOST,
            **kwargs,
        )

    def __getattr__(self, name: str) -> Callable[..., Any]:
        """Where gr.HTML makes `place`; by its default, one made while another is answered would be lost."""
        return partial(super().__getattr__(name), trigger_mode="always_last")

    def preprocess(self, payload: Any) -> Placed:
        """What the browser sent, which nothing has checked yet; a plain sentence for what are no points."""
        return Placed.parse(payload)

    def postprocess(self, value: Placed | dict[str, Any] | None) -> dict[str, Any]:
        if isinstance(value, dict):
            return value
        return {"points": []} if value is None else value.to_payload()

    def api_info(self) -> dict[str, Any]:
        point = {"type": "array", "items": {"type": "number"}, "minItems": 2, "maxItems": 2}
        return {
            "type": "object",
            "description": "Points [x, y] of a curve, x from -1 to 1.",
            "properties": {
                "points": {"type": "array", "items": point, "maxItems": MOST},
                "sextic": {"type": "integer", "minimum": 0},
            },
            "required": ["points"],
        }


def parsed(points: Any) -> Tensor:
    """Points (n, 2), float64, from what JSON may hold; a plain sentence for what are none."""
    try:
        if not isinstance(points, list) or len(points) > MOST:
            raise ObservationError(f"Points are a list of up to {MOST} pairs of numbers.")
        found = torch.tensor(points, dtype=torch.float64)
        if points and (found.dim() != 2 or found.shape[1] != 2):
            raise ObservationError("A point is made of two numbers.")
        found = found.reshape(-1, 2)
        check(found[:, 0], found[:, 1])
        return found
    except ObservationError as error:  # before ValueError, which it is, too
        raise hint(error) from error
    except (TypeError, ValueError, RuntimeError, OverflowError) as error:
        raise hint("A point is made of two numbers.") from error
