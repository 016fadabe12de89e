"""What is said of a model whose weights are on their way, while another one answers for it."""

from __future__ import annotations

import html
from typing import NamedTuple

from recon.ui.engine import Engine

SOON, LATER = 1500, 15_000  # milliseconds until it is asked for again: where it is coming, and where it did not come


class Late(NamedTuple):
    again: dict[str, int]  # for the value of the reconstruction's `PixelView`
    note: str


def late(engine: Engine, model: str, name: str) -> Late:
    """Of `model`, for which `name` answers: nothing where that is the same"""
    if name == model:
        return Late({}, "")
    titles = {each: title for title, each in engine.choices()}
    why = engine.arrivals.why_not(model)
    told = why or f"The weights of {titles.get(model, model)} are on their way."
    note = html.escape(f"{told} Until they are here, {titles.get(name, name)} answers.", quote=False)
    return Late({"again": LATER if why else SOON}, f"<p class='recon-note'>{note}</p>")
