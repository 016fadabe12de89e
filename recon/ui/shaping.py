"""What happens in the Shapes part of the page: a chair, some of its signed distances, what they imply."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import gradio as gr
import plotly.graph_objects as go
import torch
from torch import Tensor

from recon.errors import PredictionError
from recon.shapes import chairs, mesh
from recon.shapes.answer import SIDE, Field, field, imagined, load
from recon.shapes.field_basis import distances
from recon.ui import shape_figures
from recon.ui.engine import seed_of
from recon.ui.plainly import plainly
from recon.ui.samples import DRAWING, NOTHING, there

MODEL = "chairs"
SIZES = (8, 16, 32, 64, 128, 256)
SAMPLES = 3


class Question(NamedTuple):
    """A chair, (side, side, side), and what is known of it: positions (n, 3) and values (n,)"""

    truth: Tensor
    positions: Tensor
    values: Tensor


class Shown(NamedTuple):
    """What is on the page, whatever stands in the boxes by now."""

    seed: int
    asked: Question
    found: Field


def question(seed: int, size: int) -> Question:
    """The chair of that seed, with points at random positions: fewer of them are the first of many."""
    generator = torch.Generator().manual_seed(seed_of(seed))
    made = chairs.draw(1, generator)
    positions = (2 * torch.rand(max(SIZES), 3, generator=generator) - 1)[: int(size)]
    truth = distances(made, SIDE).view(SIDE, SIDE, SIDE)
    return Question(truth, positions, made.distance(positions[None])[0])


def drawn(values: Tensor) -> go.Figure:
    """A field's surface, or an empty cube where it has none"""
    try:
        return shape_figures.shape(mesh.surface(values))
    except PredictionError:
        return shape_figures.scene([])


class Shaping:
    """Handlers."""

    @plainly
    def answer(self, seed: int, size: int, shown: bool) -> list:
        """What is shown, then its points, shape and slice, and what is said of them; samples are cleared, also how
        often they were drawn."""
        asked = question(seed, size)
        found = field(load(MODEL), asked.positions, asked.values)
        seen = mesh.surface(asked.truth) if shown else None
        return [
            Shown(seed_of(seed), asked, found),
            shape_figures.points(asked.positions, asked.values, seen),
            drawn(found.shape),
            shape_figures.middle(found, asked.truth if shown else None),
            said(found, asked),
            gr.update(visible=False),
            *[None] * SAMPLES,
            NOTHING,
            0,
        ]

    @plainly
    def arrive(self, before: Any, seed: int, size: int, shown: bool) -> list:
        """The first time there is nothing yet; then all stays as it is."""
        return [gr.skip()] * (8 + SAMPLES) if before else self.answer(seed, size, shown)

    @plainly
    def imagine(self, shown: Shown | None, times: int = 0) -> Iterator[list]:
        """Chairs that the one shown could be, one after another; others each of the times. The last output is the
        number of times."""
        seed, asked, _ = there(shown, "chair")
        figures: list[Any] = [None] * SAMPLES
        yield [gr.skip(), *figures, f"<p class='quiet'>0 of {SAMPLES}{DRAWING}</p>", times + 1]
        generator = torch.Generator().manual_seed(seed + 1000 * times)
        model, fields = load(MODEL), list[Tensor]()
        for k in range(SAMPLES):
            points = asked.positions, asked.values
            for step in imagined(model, *points, generator):
                points, count = step, len(step[1]) - len(asked.values)
                status = f"<p class='quiet'>{k} of {SAMPLES}; {count} values of the next one{DRAWING}</p>"
                yield [gr.skip()] * (1 + SAMPLES) + [status, times + 1]
            fields.append(field(model, *points).shape)
            figures[k] = drawn(fields[k])
            status = f"<p class='quiet'>{k + 1} of {SAMPLES}{DRAWING}</p>"
            yield [gr.update(visible=True), *figures, status, times + 1]
        yield [gr.skip(), *figures, alike(fields, asked.truth), times + 1]

    @plainly
    def as_obj(self, shown: Shown | None) -> str:
        return mesh.surface(there(shown, "chair").found.shape).to_obj()


def said(found: Field, asked: Question) -> str:
    share = mesh.overlap(found.shape, asked.truth)
    error = (found.mean - asked.truth).abs().mean()
    return (
        f"<p class='quiet'>This shape has <b>{share:.0%}</b> of its volume in common with the true one "
        f"(intersection over union). Mean error of a distance {error:.3f}; {found.held(asked.truth):.0%} of the "
        "distances lie in their 90 % bands.</p>"
    )


def alike(fields: list[Tensor], truth: Tensor) -> str:
    pairs = [mesh.overlap(fields[a], fields[b]) for a in range(len(fields)) for b in range(a)]
    true = sum(mesh.overlap(one, truth) for one in fields) / len(fields)
    return (
        f"<p class='quiet'>They have {sum(pairs) / len(pairs):.0%} of their volume in common with each other, and "
        f"{true:.0%} with the true chair.</p>"
    )
