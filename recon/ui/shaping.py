"""What happens in the Shapes part of the page: a chair, some of its signed distances, what they imply."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any, NamedTuple

import gradio as gr
import plotly.graph_objects as go
import torch
from torch import Tensor

from recon.errors import PredictionError
from recon.models.signal_transformer import Values
from recon.shapes import chairs, mesh
from recon.shapes.answer import PARTS, SIDE, Field, drawn_beside, imagined, joined, laws, load
from recon.shapes.field_basis import distances
from recon.shapes.gltf import to_glb
from recon.ui import shape_figures
from recon.ui.course import Course, progress
from recon.ui.engine import seed_of
from recon.ui.keeping import one_of
from recon.ui.plainly import hint, plainly
from recon.ui.samples import NOTHING, STOPPED, VALUES, there

MODEL = "chairs"
SIZES = (8, 16, 32, 64, 128, 256)
SAMPLES = 3
KEPT = ("kind", "seed", "size", "seen")
ANY = "any"
TITLES = {
    ANY: "any chair",
    "arms": "armchair",
    "easy": "easy chair",
    "tub": "tub chair",
    "stool": "stool",
    "column": "on a column",
    "runners": "on runners",
    "slats": "with slats",
    "bars": "with bars",
}


class Question(NamedTuple):
    """A chair, (side, side, side), and what is known of it: positions (n, 3) and values (n,)"""

    truth: Tensor
    positions: Tensor
    values: Tensor


class Shown(NamedTuple):
    """What is on the page, whatever is chosen by now."""

    seed: int
    asked: Question
    found: Field


def question(kind: str, seed: int, size: int) -> Question:
    """The chair of that kind and seed, with points at random positions: fewer of them are the first of many."""
    if kind not in TITLES:
        raise hint("Choose a kind of chair that is offered here.")
    generator = torch.Generator().manual_seed(seed_of(seed))
    made = chairs.draw(1, generator, None if kind == ANY else kind)
    positions = (2 * torch.rand(max(SIZES), 3, generator=generator) - 1)[: int(size)]
    truth = distances(made, SIDE).view(SIDE, SIDE, SIDE)
    return Question(truth, positions, made.distance(positions[None])[0])


def drawn(values: Tensor) -> go.Figure:
    """A field's surface, or an empty cube where it has none"""
    try:
        return shape_figures.shape(mesh.surface(values))
    except PredictionError:
        return shape_figures.scene([])


def looked(shown: Shown, seen: bool) -> list[go.Figure]:
    """Its points and its slice, with or without the true chair"""
    truth, positions, values = shown.asked
    dots = shape_figures.points(positions, values, mesh.surface(truth) if seen else None)
    return [dots, shape_figures.middle(shown.found, truth if seen else None)]


class Shaping:
    """What is shown, and how it comes (`recon.ui.course`)."""

    def answer(self, kind: str, seed: int, size: int, seen: bool) -> Iterator[tuple[Shown | None, list]]:
        """Points, slice and shape, and what is said of them, which is how far they are until they come. Samples are
        cleared with them, and what is said of those."""
        asked, found, kept = question(kind, seed, size), list[Values](), [gr.skip()] * 3
        after = [gr.skip()] * (2 + SAMPLES)
        for law in laws(load(MODEL), asked.positions, asked.values):
            found.append(law)
            yield None, [*kept, coming(len(found)), *after]
        shown = Shown(seed_of(seed), asked, joined(found))
        figures = [*looked(shown, seen), drawn(shown.found.shape)]
        yield shown, [*figures, said(shown.found, asked), gr.update(visible=False), *[None] * SAMPLES, NOTHING]

    @staticmethod
    def restored(kept: dict) -> tuple[list, list]:
        """What was chosen before a reload, and what shows it"""
        kind, size = one_of(kept["kind"], list(TITLES)), one_of(kept["size"], SIZES)
        chosen = [kind, seed_of(kept["seed"]), size, one_of(kept["seen"], (False, True))]
        return chosen, chosen

    @staticmethod
    def ready() -> None:
        load(MODEL)

    @staticmethod
    def begun() -> list:
        """The first step of an answer: what was said of another does not stay"""
        return [*[gr.skip()] * 3, coming(0), *[gr.skip()] * (2 + SAMPLES)]

    @staticmethod
    def halted(shown: Shown | None) -> list:
        """The last step of an answer that is stopped: all stays, and it is said what that is."""
        still = f"This is the chair of seed {shown.seed} still, from {len(shown.asked.values)} dots." if shown else ""
        return [*[gr.skip()] * 3, f"<p class='quiet'>Stopped. {still}</p>", *[gr.skip()] * (2 + SAMPLES)]

    @plainly
    def look(self, course: Course[Shown], seen: bool) -> list:
        """Points and slice of what is shown, or will be in a moment"""
        course.settle()
        return [gr.skip()] * 2 if course.shown is None else looked(course.shown, seen)

    def imagine(self, shown: Shown | None, times: int = 0) -> Iterator[list]:
        """Chairs that the one shown could be, one after another; others each of the times."""
        seed, asked, _ = there(shown, "chair")
        figures, same = list[Any]([None] * SAMPLES), [gr.skip()] * (1 + SAMPLES)
        yield [gr.skip(), *figures, drawing(0)]
        generator = torch.Generator().manual_seed(seed + 1000 * times)
        model, fields = load(MODEL), list[Tensor]()
        more = drawn_beside(len(asked.values))
        for k in range(SAMPLES):
            points = asked.positions, asked.values
            for step in imagined(model, *points, generator):
                points, count = step, len(step[1]) - len(asked.values)
                yield [
                    *same,
                    drawing(k, VALUES * count / more, f"values of the next one: {count}"),
                ]
            found = list[Values]()
            for law in laws(model, *points):
                found.append(law)
                share = VALUES + (1 - VALUES) * len(found) / PARTS
                yield [*same, drawing(k, share, f"part {len(found)} of {PARTS} of the next one")]
            fields.append(joined(found).shape)
            figures[k] = drawn(fields[k])
            yield [gr.update(visible=True), *figures, drawing(k + 1)]
        yield [*same, alike(fields, asked.truth)]

    @staticmethod
    def waits() -> list:
        """The first step of samples, while an answer is on its way"""
        return [*[gr.skip()] * (1 + SAMPLES), progress(0, 1, "The chair comes first.")]

    @staticmethod
    def stopped(step: list) -> list:
        """The last step of samples that are stopped: those that came stay."""
        return [*step[:-1], STOPPED]

    @plainly
    def as_obj(self, course: Course[Shown]) -> str:
        return mesh.surface(there(course.shown, "chair").found.shape).to_obj()

    @plainly
    def as_glb(self, course: Course[Shown]) -> str:
        """In base64"""
        return base64.b64encode(to_glb(mesh.surface(there(course.shown, "chair").found.shape), "chair")).decode("ascii")


def coming(parts: int) -> str:
    """What is said of a field of which so many parts are there"""
    return progress(parts, PARTS, f"The shape is made: part {parts} of {PARTS}.")


def drawing(samples: int, of_next: float = 0.0, more: str = "") -> str:
    """What is said while samples are drawn: so many, that share of the next one, and what is made of it"""
    return progress(samples + of_next, SAMPLES, f"{samples} of {SAMPLES}" + (f"; {more}" if more else ""))


def said(found: Field, asked: Question) -> str:
    share, held = 100 * mesh.overlap(found.shape, asked.truth), 100 * found.held(asked.truth)
    error = (found.mean - asked.truth).abs().mean()
    return (
        f"<p class='quiet'>This shape has <b>{share:.0f} %</b> of its volume in common with the true one "
        f"(intersection over union). Mean error of a distance {error:.3f}; {held:.0f} % of the "
        "distances lie in their 90 % bands.</p>"
    )


def alike(fields: list[Tensor], truth: Tensor) -> str:
    pairs = [mesh.overlap(fields[a], fields[b]) for a in range(len(fields)) for b in range(a)]
    each = 100 * sum(pairs) / len(pairs)
    true = 100 * sum(mesh.overlap(one, truth) for one in fields) / len(fields)
    return (
        f"<p class='quiet'>They have {each:.0f} % of their volume in common with each other, and "
        f"{true:.0f} % with the true chair.</p>"
    )
