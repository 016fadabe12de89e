"""How the page speaks of what went wrong: a sentence, never a traceback."""

from __future__ import annotations

import contextlib
import functools
import inspect
import logging

import gradio as gr

from recon.errors import ReconError

OUR_FAULT = "That did not work, and it is our fault. What you painted is kept."

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
