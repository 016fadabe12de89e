"""A hand on the painter in Chromium, and a tiny page that keeps what Python received."""

import threading
from collections.abc import Iterator
from types import SimpleNamespace

import numpy as np

from recon.painting import Painting, encode_picture
from tests.ui.visitor import expect

SIDE = 16
PICTURE = np.arange(SIDE * SIDE * 3, dtype=np.uint32).reshape(SIDE, SIDE, 3).astype(np.uint8)
ONE_CELL = {"side": SIDE, "cells": [[3, 4, 10, 200, 30]]}
BROWN = [0x5B, 0x3A, 0x29]  # the first swatch


def serve() -> Iterator[SimpleNamespace]:
    """The page, and what its events brought: `strokes` as (tool, Painting), `picks` as (row, col)."""
    import gradio as gr

    from recon.ui.painter import Painter

    heard = SimpleNamespace(strokes=[], picks=[], url="", now=threading.Event())

    def later():
        assert heard.now.wait(20)
        return ONE_CELL

    updates = {
        "patch": lambda: ONE_CELL,
        "later": later,
        "marks": lambda: gr.update(marks=[[2, 2]], selected=[9, 9]),
        "nothing": lambda: None,
        "larger": lambda: Painting.empty(24),
        "picture": lambda: gr.update(picture=encode_picture(PICTURE)),
        "binary": lambda: gr.update(ink="binary"),
        "grey": lambda: gr.update(ink="grey"),
    }
    with gr.Blocks(analytics_enabled=False) as demo:
        with gr.Row():
            with gr.Column(min_width=300):
                painter = Painter(side=SIDE)
            with gr.Column(min_width=300):
                received = gr.Textbox(label="Received")
                for name, update in updates.items():
                    gr.Button(name, elem_id=name).click(update, None, painter, show_progress="hidden")

        def on_stroke(painting: Painting, event: gr.EventData):
            heard.strokes.append((event.tool, painting))
            return f"{event.tool} {event.count}"

        def on_pick(event: gr.EventData):
            heard.picks.append((event.row, event.col))
            return f"pick {event.row} {event.col}"

        painter.stroke(on_stroke, painter, received, trigger_mode="multiple", show_progress="hidden")
        painter.pick(on_pick, None, received, show_progress="hidden")

    _, heard.url, _ = demo.launch(prevent_thread_lock=True, quiet=True)
    yield heard
    demo.close()


class Hand:
    """What a person does to the painter and sees of it."""

    def __init__(self, page, app):
        self.page, self.app = page, app
        self.canvas = page.locator(".painter-canvas")
        page.goto(app.url)
        self.count(0)
        app.strokes.clear()
        app.picks.clear()

    def at(self, row, col, side=SIDE):
        self.canvas.scroll_into_view_if_needed()
        box = self.canvas.bounding_box()
        return box["x"] + (col + 0.5) * box["width"] / side, box["y"] + (row + 0.5) * box["height"] / side

    def drag(self, *cells):
        """Presses at the first cell, goes straight to each of the others and leaves go."""
        mouse = self.page.mouse
        mouse.move(*self.at(*cells[0]))
        mouse.down()
        for cell in cells[1:]:
            mouse.move(*self.at(*cell))
        mouse.up()

    def press(self, name):
        self.page.get_by_role("button", name=name, exact=True).click()

    def python(self, name):
        self.page.locator(f"#{name}").click()

    def keys(self, *names):
        for name in names:
            self.page.keyboard.press(name)

    def count(self, painted, side=SIDE):
        text = f"{painted} of {side * side} pixels"
        expect(self.page.locator(".painter-count")).to_have_text(text, timeout=10_000)

    def told(self, number):
        """What Python received at its stroke of this number; fails if it hears of more."""
        for _ in range(2000):  # a minute, told by looks and not by the clock: a busy machine may stand still for long
            if len(self.app.strokes) >= number:
                break
            self.page.wait_for_timeout(30)
        heard = [(tool, len(painting.to_payload()["cells"])) for tool, painting in self.app.strokes]
        shown = self.page.locator(".painter-count").inner_text()
        assert len(heard) == number, f"the page shows {shown}; Python heard {heard}"
        tool, painting = self.app.strokes[-1]
        return tool, {(row, col): colour for row, col, *colour in painting.to_payload()["cells"]}

    def shows(self, row, col, side=SIDE, into=0.35):
        """The canvas' colour a third into a cell, where no line is, or at another part of it."""
        script = """([canvas, row, col, side]) => {
            const at = (index) => Math.floor(index * canvas.width / side);
            return [...canvas.getContext("2d").getImageData(at(col), at(row), 1, 1).data].slice(0, 3);
        }"""
        self.page.wait_for_timeout(60)
        return self.page.evaluate(script, [self.canvas.element_handle(), row + into, col + into, side])
