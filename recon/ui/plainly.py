"""How the page speaks of what went wrong: a sentence, never a traceback. And in which order it answers one person."""

from __future__ import annotations

import contextlib
import functools
import html
import inspect
import itertools
import logging
import threading
import time

import gradio as gr
import torch
from gradio.context import LocalContext

from recon.errors import ReconError
from recon.ui.desk import Overtaken, overtaken
from recon.ui.turns import Turns

OUR_FAULT = "That did not work, and it is our fault. What you painted is kept."

TURNS = [Turns() for _ in range(256)]  # a person has one of them

log = logging.getLogger("recon")


def hint(said: object) -> gr.Error:
    """What a person can do otherwise: a sentence that pops up, and nothing in the log."""
    return gr.Error(as_text(said), title="That does not work", print_exception=False)


def as_text(said: object) -> str:
    """For what pops up, where gradio takes markup: a sentence may quote what a stranger wrote."""
    return html.escape(str(said), quote=False)


def plainly(handler):
    """Errors of ours as a sentence; any other is logged and owned up to, without its innards."""

    @contextlib.contextmanager
    def spoken():
        try:
            yield
        except (gr.Error, GeneratorExit, Overtaken):
            raise
        except ReconError as error:
            raise hint(error) from error
        except torch.OutOfMemoryError as error:
            raise hint("The GPU's memory is full. Please try again in a moment.") from error
        except Exception as error:
            log.exception("a handler failed")
            raise gr.Error(OUR_FAULT, title="Our fault", print_exception=False) from error

    @functools.wraps(handler)
    def once(*args, **kwargs):
        with spoken():
            return handler(*args, **kwargs)

    @functools.wraps(handler)
    def stepwise(*args, **kwargs):
        with spoken():
            yield from handler(*args, **kwargs)

    # gradio streams what is a generator function by its own look
    return stepwise if inspect.isgeneratorfunction(handler) else once


def in_order(handler):
    """One person's calls of all such handlers follow each other as they came, so that what is shown last was asked
    last."""

    @functools.wraps(handler)
    def one_by_one(*args, **kwargs):
        with TURNS[hash(person()) % len(TURNS)].take(since=asked_at()):
            return handler(*args, **kwargs)

    return one_by_one


def the_newest(handler, dropped: list):
    """The handler, of whose calls by one person those that are not begun before the next one comes give `dropped`."""
    coming: dict[str, int] = {}  # by person, how many are on their way
    newest: dict[str, tuple[float, int]] = {}  # of those, and of what was answered since the first of them came
    number, lock = itertools.count(), threading.Lock()

    @functools.wraps(handler)
    def unless_overtaken(*args, **kwargs):
        mine, who = (asked_at(), next(number)), person() or ""
        with lock:
            coming[who] = coming.get(who, 0) + 1
            newest[who] = max(mine, newest.get(who, mine))
        before = overtaken.set(lambda: bool(who) and newest[who] != mine)  # without a name it may be anybody's
        try:
            return handler(*args, **kwargs)
        except Overtaken:
            return dropped
        finally:
            overtaken.reset(before)
            with lock:
                coming[who] -= 1
                if not coming[who]:
                    del coming[who], newest[who]

    return unless_overtaken


def asked_at() -> float:
    """When what is done now joined gradio's queue, as time.monotonic says it; now, where that cannot be known. What
    joined at nearly the same time begins on threads of its own, of which any may be the first."""
    queue = getattr(LocalContext.blocks.get(None), "_queue", None)
    event = getattr(queue, "event_ids_to_events", {}).get(LocalContext.event_id.get(None))
    return getattr(event, "enqueue_time", time.monotonic())


def person() -> str | None:
    """Whose page asks, as gradio numbers them"""
    return getattr(LocalContext.request.get(None), "session_hash", None)
