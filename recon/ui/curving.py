"""What happens in the Curves part of the page: points in, answers of both models out."""

from __future__ import annotations

import re
from typing import Any, NamedTuple

import gradio as gr
import torch
from torch import Tensor

from recon.curves import sextics
from recon.curves.answer import MOST as MOST_POINTS
from recon.curves.answer import Answer, answer, check, load, usual
from recon.errors import ObservationError, PredictionError
from recon.ui.curve_board import Placed
from recon.ui.desk import Desk
from recon.ui.engine import seed_of, whole
from recon.ui.keeping import kept, one_of
from recon.ui.plainly import plainly

CLOSED, PAPER = "curves", "curves-paper"
MODELS = [("on the closed form", CLOSED), ("as in the paper", PAPER)]
QUERIES = torch.linspace(-1, 1, 161)
SAMPLES = 8
MOST = 20  # points of a random sextic
DIGITS = 4
KEPT = ("placed", "model", "samples", "shown", "seed", "size")


class Looks(NamedTuple):
    """What is chosen beside the points."""

    model: str
    samples: bool
    shown: bool
    seed: int


class Curving:
    """Handlers; all end with both boards, what is said of each, the points as text, and the seed."""

    def __init__(self, desk: Desk):
        self.desk = desk

    @plainly
    def place_left(self, placed: Placed, *looks: Any) -> list:
        """Points that were placed in the left plot, which has them already."""
        return self.answers(placed, Looks(*looks), left=False)

    @plainly
    def place_right(self, placed: Placed, *looks: Any) -> list:
        return self.answers(placed, Looks(*looks), right=False)

    @plainly
    def look(self, placed: Placed, *looks: Any) -> list:
        """The same points, another model or look."""
        return self.answers(placed, Looks(*looks), left=False, right=False)

    @plainly
    def type_in(self, text: str, before: Placed, *looks: Any) -> list:
        """Points from elsewhere: they are on no sextic that is known."""
        return self.answers(before.then(written(text), None), Looks(*looks))

    @plainly
    def draw(self, size: int, before: Placed, *looks: Any) -> list:
        """Points on the sextic of that seed: fewer of them are the first of many."""
        chosen = Looks(*looks)
        count, seed = whole(size, "number of points"), seed_of(chosen.seed)
        if not 0 <= count <= MOST:
            raise PredictionError(f"Choose up to {MOST} points.")
        return self.answers(before.then(points_on(seed, count), seed), chosen)

    @plainly
    def arrive(self, said: str, text: str, size: int, before: Placed, *looks: Any) -> list:
        """The first time nothing is said yet: what the tab kept before a reload, or a sextic. Then all stays as it is.
        What is chosen comes before the others: model, samples, truth, and how many points."""
        if said:
            return [gr.skip()] * 10
        found = kept(text, restored)
        if found is None:
            return [*[gr.skip()] * 4, *self.draw(size, before, *looks)]
        placed, count, chosen = found
        *shown, _ = self.answers(before.then(placed.points, placed.sextic), chosen)
        return [chosen.model, chosen.samples, chosen.shown, count, *shown, chosen.seed]

    @plainly
    def more(self, placed: Placed, *looks: Any) -> list:
        """One point more, where the left model is least sure."""
        chosen, points = Looks(*looks), placed.points
        if len(points) >= MOST_POINTS:  # said where it is looked at: the button is pressed many times
            full = f"<p class='quiet'>There is room for {MOST_POINTS} points.</p>"
            return [gr.skip(), gr.skip(), full, full, gr.skip(), gr.skip()]
        if placed.sextic is None:
            raise ObservationError("There is no sextic to take a point from: press 'Another sextic'.")
        with self.desk.soon():
            found = answer(load(chosen.model), points[:, 0], points[:, 1], QUERIES)
        where = QUERIES[found.deviation.argmax()][None]
        value = on_sextic(placed.sextic, where) + noise(1, torch.Generator().manual_seed(placed.sextic + len(points)))
        added = torch.cat([points, torch.stack([where, value], 1)])
        return self.answers(placed.then(added, placed.sextic), chosen)

    def answers(self, placed: Placed, looks: Looks, left: bool = True, right: bool = True) -> list:
        """Both boards, with the points where they are new to them, what is said below each, the points as text, and the
        seed of the sextic that they are on, which after an undo is an earlier one"""
        points, count, sextic = placed.points, SAMPLES if looks.samples else 0, placed.sextic
        seed = seed_of(looks.seed) if sextic is None else sextic
        known = None if sextic is None else on_sextic(sextic, QUERIES)
        boards, said = [], []
        for one, new in ((load(looks.model), left), (usual(), right)):
            with self.desk.later() if count else self.desk.soon():
                found = answer(one, points[:, 0], points[:, 1], QUERIES, count, seed)
            drawing, here = drawn(found, known if looks.shown else None), placed.to_payload()
            boards.append(gr.update(answer=drawing, value=here) if new else gr.update(answer=drawing))
            said.append(sentence(found, known))
        text = "; ".join(f"{x:.3g}, {y:.3g}" for x, y in points.tolist())
        return [*boards, *said, text, gr.skip() if seed == looks.seed else seed]


def restored(kept: dict) -> tuple[Placed, int, Looks]:
    """Points, how many a random sextic has, and what is chosen beside them, before a reload"""
    yes_or_no = (False, True)
    looks = Looks(
        one_of(kept["model"], [name for _, name in MODELS]),
        one_of(kept["samples"], yes_or_no),
        one_of(kept["shown"], yes_or_no),
        seed_of(kept["seed"]),
    )
    return Placed.parse(kept["placed"]), one_of(kept["size"], range(MOST + 1)), looks


def points_on(seed: int, size: int) -> Tensor:
    """So many points, (size, 2), on the sextic of that seed"""
    generator = torch.Generator().manual_seed(seed)
    curve = sextics.draw(1, generator)
    positions = 2 * torch.rand(MOST, generator=generator) - 1
    values = sextics.values_at(curve, positions[None, :, None])[0]
    return torch.stack([positions, values + noise(MOST, generator)], 1)[:size]


def on_sextic(seed: int, positions: Tensor) -> Tensor:
    """Its true values there"""
    curve = sextics.draw(1, torch.Generator().manual_seed(seed))
    return sextics.values_at(curve, positions[None, :, None])[0]


def noise(count: int, generator: torch.Generator) -> Tensor:
    return sextics.NOISE * torch.randn(count, generator=generator)


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
    return f"<p class='quiet'>Mean error <b>{error:.3f}</b>; {100 * held:.0f} % of the truth lies in the 90 % band.</p>"


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
