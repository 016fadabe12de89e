"""What the Lab and the parts of Beyond images keep in the browser's tab, so that a reload brings it back: what was
made, and what is chosen. The server remembers nothing of it, and checks it as it checks whatever a stranger sends."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import gradio as gr

from recon.errors import ReconError

MOST = 50_000  # characters
TORN = "What this tab held could not be read."

Chosen = TypeVar("Chosen")


def kept(text: str | None, read: Callable[[dict], Chosen]) -> Chosen | None:
    """What `read` makes of it, which may raise whatever it likes; None, with a warning, for what cannot be read, and
    where there is nothing"""
    if not text:
        return None
    try:
        if len(text) > MOST:
            raise ValueError("too long")
        return read(json.loads(text))
    except (ReconError, gr.Error, ValueError, TypeError, KeyError, AttributeError, RecursionError, OverflowError):
        gr.Warning(TORN)
        return None


def one_of(value: Any, choices: Sequence) -> Any:
    """The value, which is to be one of the choices; ValueError for another"""
    if type(value) is not type(choices[0]) or value not in choices:
        raise ValueError("not among the choices")
    return value


def some_of(values: Any, choices: Sequence) -> tuple:
    """Those of the values that are among the choices; ValueError where they are no list"""
    if not isinstance(values, list):
        raise ValueError("no list")
    return tuple(dict.fromkeys(one for one in values if one in choices))


def within(value: Any, least: int, most: int) -> int:
    """The value, which is to be whole; the nearest there is, where it lies outside"""
    if type(value) is not int:
        raise ValueError("not whole")
    return min(max(value, least), most)
