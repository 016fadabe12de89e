"""What happens in the Curves part of the page: points in, answers of both models out."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, NamedTuple

import gradio as gr
import torch
from torch import Tensor

from recon.curves import sextics
from recon.curves.answer import MOST as MOST_POINTS
from recon.curves.answer import Answer, answer, check, load, usual
from recon.errors import ObservationError
from recon.ui.curve_board import Placed
from recon.ui.engine import seed_of
from recon.ui.plainly import plainly

CLOSED, PAPER = "curves", "curves-paper"
MODELS = [("on the closed form", CLOSED), ("as in the paper", PAPER)]
QUERIES = torch.linspace(-1, 1, 161)
SAMPLES = 8
MOST = 20  # points of a random sextic
DIGITS = 4


@dataclass(frozen=True)
class Truth:
    """The sextic that points are taken from: its values at the nodes (7,), or None"""

    curve: Tensor | None = None

    def at(self, positions: Tensor) -> Tensor:
        """Raises ObservationError where there is none."""
        if self.curve is None:
            raise ObservationError("There is no sextic to take a point from: press 'Another sextic'.")
        return sextics.values_at(self.curve[None], positions[None, :, None])[0]


class Looks(NamedTuple):
    """What is chosen beside the points."""

    model: str
    samples: bool
    shown: bool
    truth: Truth
    seed: int


class Curving:
    """Handlers; all end with both boards, what is said of each, and the points as text."""

    @plainly
    def place_left(self, placed: Placed, *looks: Any) -> list:
        """Points that were placed in the left plot, which has them already."""
        return answers(placed, Looks(*looks), left=False)

    @plainly
    def place_right(self, placed: Placed, *looks: Any) -> list:
        return answers(placed, Looks(*looks), right=False)

    @plainly
    def look(self, placed: Placed, *looks: Any) -> list:
        """The same points, another model or look."""
        return answers(placed, Looks(*looks), left=False, right=False)

    @plainly
    def type_in(self, text: str, before: Placed, *looks: Any) -> list:
        """Points from elsewhere: the sextic that there was is forgotten."""
        points, truth = written(text), Truth()
        return [truth, *answers(before.then(points), Looks(*looks)._replace(truth=truth))]

    @plainly
    def draw(self, size: int, before: Placed, *looks: Any) -> list:
        """Points on the sextic of that seed: fewer of them are the first of many."""
        chosen = Looks(*looks)
        generator = torch.Generator().manual_seed(seed_of(chosen.seed))
        truth = Truth(sextics.draw(1, generator)[0])
        positions = 2 * torch.rand(MOST, generator=generator) - 1
        points = torch.stack([positions, truth.at(positions) + noise(MOST, generator)], 1)[: int(size)]
        return [truth, *answers(before.then(points), chosen._replace(truth=truth))]

    @plainly
    def another(self, size: int, before: Placed, *looks: Any) -> list:
        seed = seed_of(looks[-1]) + 1
        return [seed, *self.draw(size, before, *looks[:-1], seed)]

    @plainly
    def arrive(self, said: str, size: int, before: Placed, *looks: Any) -> list:
        """The first time nothing is said yet; then all stays as it is."""
        return [gr.skip()] * 6 if said else self.draw(size, before, *looks)

    @plainly
    def more(self, placed: Placed, *looks: Any) -> list:
        """One point more, where the left model is least sure."""
        chosen, points = Looks(*looks), placed.points
        if len(points) >= MOST_POINTS:  # said where it is looked at: the button is pressed many times
            full = f"<p class='quiet'>There is room for {MOST_POINTS} points.</p>"
            return [gr.skip(), gr.skip(), full, full, gr.skip()]
        found = answer(load(chosen.model), points[:, 0], points[:, 1], QUERIES)
        where = QUERIES[found.deviation.argmax()][None]
        value = chosen.truth.at(where) + noise(1, torch.Generator().manual_seed(seed_of(chosen.seed) + len(points)))
        return answers(placed.then(torch.cat([points, torch.stack([where, value], 1)])), chosen)


def noise(count: int, generator: torch.Generator) -> Tensor:
    return sextics.NOISE * torch.randn(count, generator=generator)


def answers(placed: Placed, looks: Looks, left: bool = True, right: bool = True) -> list:
    """Both boards, with the points where they are new to them, what is said below each, and the points as text"""
    points, count = placed.points, SAMPLES if looks.samples else 0
    known = None if looks.truth.curve is None else looks.truth.at(QUERIES)
    boards, said = [], []
    for one, new in ((load(looks.model), left), (usual(), right)):
        found = answer(one, points[:, 0], points[:, 1], QUERIES, count, seed_of(looks.seed))
        drawing, here = drawn(found, known if looks.shown else None), placed.to_payload()
        boards.append(gr.update(answer=drawing, value=here) if new else gr.update(answer=drawing))
        said.append(sentence(found, known))
    return [*boards, *said, "; ".join(f"{x:.3g}, {y:.3g}" for x, y in points.tolist())]


def drawn(found: Answer, truth: Tensor | None) -> dict[str, Any]:
    """What a board draws, as JSON"""
    return {
        "x": rounded(found.queries),
        "mean": rounded(found.mean),
        "bands": [[rounded(low), rounded(high)] for low, high in map(found.band, (0.9, 0.5))],
        "samples": [rounded(sample) for sample in found.samples],
        "truth": None if truth is None else rounded(truth),
    }


def rounded(values: Tensor) -> list[float]:
    return [round(value, DIGITS) for value in values.tolist()]


def sentence(found: Answer, truth: Tensor | None) -> str:
    if truth is None:
        return f"<p class='quiet'>Standard deviation {found.deviation.mean():.2f} on average.</p>"
    low, high = found.band(0.9)
    held = ((truth >= low) & (truth <= high)).double().mean()
    error = (found.mean - truth).abs().mean()
    return f"<p class='quiet'>Mean error <b>{error:.3f}</b>; {held:.0%} of the truth lies in the 90 % band.</p>"


def written(text: str) -> Tensor:
    """Points from "x, y; x, y", or one a line, a minus as keyboards or as books have it. Raises ObservationError for
    what does not read so."""
    found = []
    for pair in filter(None, map(str.strip, re.split(r"[;\n]", text.replace("\u2212", "-")))):
        try:
            x, y = map(float, re.split(r"[,\s]+", pair))
        except ValueError as error:
            told = f"Points are written as -0.5, 0.2; 0.3, -1. This does not read so: {pair[:40]}"
            raise ObservationError(told) from error
        found.append([x, y])
    points = torch.tensor(found, dtype=torch.float64).reshape(-1, 2)
    check(points[:, 0], points[:, 1])
    return points
