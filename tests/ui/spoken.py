"""What the tests of handlers share: events as the browser sends them, and what a person is told."""

from __future__ import annotations

import base64
import io

import gradio as gr
import numpy as np
import pytest
from PIL import Image


def skipped(output) -> bool:
    return output == gr.skip()


def chosen(restored: list) -> list:
    """Model, patch family, size, seed and picture, as a session restores them."""
    return [found["value"] if isinstance(found, dict) else found for found in restored[:5]]


def pixels(png: str) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(png.partition(",")[2]))).convert("RGB"))


def event(**data) -> gr.EventData:
    return gr.EventData(None, data)


def spoken(told: pytest.ExceptionInfo) -> str:
    """The sentence that a person reads; it is neither an apology for our own fault nor the machine's words."""
    said = str(told.value.message)
    assert said.endswith(".") and "our fault" not in said and "Error" not in said and len(said) < 300
    assert not told.value.print_exception
    return said
