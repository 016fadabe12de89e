"""How the page speaks of what went wrong: a sentence, never a traceback. And in which order it answers one person."""

from __future__ import annotations

import contextlib
import functools
import inspect
import logging

import gradio as gr
import torch
from gradio.context import LocalContext

from recon.errors import ReconError
from recon.ui.turns import Turns

OUR_FAULT = "That did not work, and it is our fault. What you painted is kept."

TURNS = [Turns() for _ in range(256)]  # a person has one of them

log = logging.getLogger("recon")


def hint(said: object) -> gr.Error:
    """What a person can do otherwise: a sentence that pops up, and nothing in the log."""
    return gr.Error(str(said), title="That does not work", print_exception=False)


def plainly(handler):
    """Errors of ours as a sentence; any other is logged and owned up to, without its innards."""

    @contextlib.contextmanager
    def spoken():
        try:
            yield
        except (gr.Error, GeneratorExit):
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
        request = LocalContext.request.get(None)
        with TURNS[hash(getattr(request, "session_hash", None)) % len(TURNS)].take():
            return handler(*args, **kwargs)

    return one_by_one
