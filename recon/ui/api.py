"""The page's named endpoints for programs: the same engine, the same answers. See the README for a client."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Iterable
from functools import partial
from string import Template
from typing import Any, get_type_hints

import gradio as gr
import numpy as np
import torch
from gradio.utils import get_function_description
from torch import Tensor

from recon import baselines, comparison, patches, schedules
from recon.curves.answer import answer, load
from recon.errors import CheckpointError, ObservationError
from recon.painting import Painting
from recon.ui import tiles
from recon.ui.comparing import Question
from recon.ui.curve_board import parsed
from recon.ui.curving import CLOSED, MODELS, QUERIES
from recon.ui.engine import Engine, patch_mask, seed_of, whole
from recon.ui.figures import picture_uri
from recon.ui.plainly import plainly
from recon.ui.reconstruct import DRAWN, MODEL

MOST_SAMPLES = 16
MOST_STEPS = 128
MOST_SIDE = 64
MOST_MODELS = 32
MOST_QUERIES = 1000
CELLS = [[4, 7, 230, 180, 150], [20, 12, 40, 30, 30]]  # of examples


def told(example: dict, **words: int | Iterable[str]) -> Callable:
    """An endpoint whose docstring has `$example`, arguments that a test sends as they stand, and `words` filled in."""
    shown = {name: some if isinstance(some, int) else spoken(some) for name, some in words.items()}

    def filled(endpoint):
        text = Template(inspect.getdoc(endpoint) or "")
        endpoint.__doc__ = text.substitute(shown, example=f"Example: {json.dumps(example)}.")
        endpoint.__annotations__ = get_type_hints(endpoint)  # gradio does not read what an answer's is as text
        endpoint.example = example
        return endpoint

    return filled


def offer(endpoint: Callable, **queue) -> None:
    """The endpoint under its own name. What its docstring says of an argument, and the example's, is said where the
    page tells programs what they can ask, too; gradio reads it for tools alone."""
    _, words, _ = get_function_description(endpoint)
    made = gr.api(endpoint, api_name=endpoint.__name__, **queue)
    page = gr.context.Context.root_block
    assert page is not None
    for place, name in zip(made["inputs"], words, strict=True):
        part: Any = page.blocks[place]
        part._api_info = {**part._api_info, "additional_description": words[name]}
        if name in endpoint.example:  # type: ignore[attr-defined]
            part.example_payload = partial(endpoint.example.get, name)  # type: ignore[attr-defined]


def spoken(names: Iterable[str]) -> str:
    """ "a, b or c" """
    *most, last = names
    return f"{', '.join(most)} or {last}" if most else last


def build(engine: Engine) -> None:
    """Register the endpoints on the current Blocks."""

    # gradio reads these docstrings, and tells who asks what each argument is
    @plainly
    @told({})
    def models() -> list[dict]:
        """Every model that can be asked: name, title, channels, side, whether it is binary, and its licence.
        $example"""
        return [
            {
                "name": record.name,
                "title": record.title,
                "side": record.side,
                "channels": record.channels,
                "binary": record.binary,
                "licence": record.licence,
            }
            for record in engine.records.values()
        ]

    @plainly
    @told({"family": "random", "size": 16, "seed": 3}, families=patches.FAMILIES, side=MOST_SIDE)
    def patch(family: str = "sobol", size: int = 128, seed: int = 0, side: int = 32) -> list[list[int]]:
        """Which pixels of a picture to observe: the cells [row, column] of a patch. $example

        Args:
            family: $families.
            size: How many pixels.
            seed: Of the families with chance in them.
            side: Of the picture, in pixels, up to $side.
        """
        rows, columns = patch_mask(family, size, seed, patch_side(side)).nonzero()
        return [[int(row), int(column)] for row, column in zip(rows, columns, strict=True)]

    @plainly
    @told({"cells": CELLS, "model": engine.default}, classical=baselines.NAMES)
    def reconstruct(cells: list[list[int]], model: str = engine.default, side: int = 32) -> dict:
        """The picture that observed cells imply: mean, standard deviation, low and high (90 % interval), each
        [channel][row][column] in 0 to 1 (null for a method without spread), the milliseconds it took, and a PNG of the
        mean as a data URI. The numbers are those of the library, to the last bit of float32. $example

        Args:
            cells: [[row, column, red, green, blue], ...], colours 0 to 255.
            model: A name of /models, or a classical method: $classical.
            side: Of the picture, in pixels: the model's.
        """
        answer = engine.answer(model, Painting.parse({"side": side, "cells": cells}))
        low, high = answer.interval or (None, None)
        return {
            "model": model,
            "mean": exact(answer.mean),
            "deviation": exact(answer.deviation),
            "low": exact(low),
            "high": exact(high),
            "milliseconds": round(answer.seconds * 1000, 2),
            "png": picture_uri(answer.mean),
        }

    @plainly
    @told(
        {"cells": CELLS, "model": engine.default, "count": 2, "steps": 8, "seed": 5},
        count=MOST_SAMPLES,
        steps=MOST_STEPS,
        orders=schedules.ORDERS,
    )
    def sample(
        cells: list[list[int]],
        model: str = engine.default,
        count: int = 4,
        steps: int = 32,
        seed: int = 0,
        side: int = 32,
        order: str = "sobol",
        temperature: float = 1.0,
    ) -> list[str]:
        """Joint samples given observed cells, whole pictures that could have been, as PNG data URIs. The same seed
        gives the same pictures as the page, the library and the command. $example

        Args:
            cells: As in /reconstruct.
            model: As in /reconstruct; it must have a spread.
            count: How many, up to $count.
            steps: Groups that the hidden pixels are drawn in, up to $steps. More is truer; exact models need one.
            seed: A whole number.
            side: As in /reconstruct.
            order: $orders.
            temperature: Above 0, at most 2. Below 1 keeps to what is likely.
        """
        count, steps = whole(count, "number of samples"), whole(steps, "number of steps")
        if not 1 <= count <= MOST_SAMPLES or not 1 <= steps <= MOST_STEPS:
            raise ObservationError(f"There are 1 to {MOST_SAMPLES} samples in 1 to {MOST_STEPS} steps.")
        observation = engine.observe(model, Painting.parse({"side": side, "cells": cells}))
        how = (count, steps, seed_of(seed), order, temperature)
        *_, drawn = engine.desk.drawing(engine.model(model), observation, *how)
        return [picture_uri(picture) for picture in drawn.values.cpu()]

    @plainly
    @told({"cells": CELLS, "models": ["nearest", engine.default]}, models=MOST_MODELS)
    def compare(
        cells: list[list[int]], models: list[str], picture: list[list[list[int]]] | None = None, side: int = 32
    ) -> list[dict]:
        """Several models and classical methods on the same observed cells, the highest PSNR first. Of each: name,
        pixels (what it sees: colour, grey or binary; scores are comparable among the same), psnr_db and ssim over all
        pixels, bits_per_dim over hidden ones (null without a picture, or for a method without spread), milliseconds,
        and problem, a sentence where there is no answer. $example

        Args:
            cells: As in /reconstruct.
            models: Names of models and of classical methods, up to $models.
            picture: The true one, if it is known, as [row][column][red, green, blue], 0 to 255.
            side: As in /reconstruct.
        """
        if not isinstance(models, list) or not 1 <= len(models) <= MOST_MODELS:
            raise CheckpointError(f"The models to compare are a list of 1 to {MOST_MODELS} names.")
        question = Question(Painting.parse({"side": side, "cells": cells}), true_picture(picture, side))
        asked, desk = (models, question.observation, question.whole), engine.desk
        found = desk.steps(comparison.of_models, *asked, engine.model, desk.later)
        return tiles.rows(list(found), tiles.MODEL_COLUMNS)

    @plainly
    @told(
        {"points": [[-0.5, 0.2], [0.3, -0.7]], "queries": [-0.5, 0.0, 0.3], "count": 2, "seed": 1},
        models=[name for _, name in MODELS],
        count=MOST_SAMPLES,
    )
    def curve(
        points: list[list[float]],
        queries: list[float] | None = None,
        model: str = CLOSED,
        count: int = 0,
        seed: int = 0,
    ) -> dict:
        """The curve that points imply, of a model of random polynomials of degree 6: x, mean, deviation, low and high
        (90 % band), and samples, lists over the queries. $example

        Args:
            points: [[x, y], ...], x from -1 to 1.
            queries: Positions from -1 to 1; by default 161 over all.
            model: $models.
            count: How many curves it could be to draw, up to $count.
            seed: Of these.
        """
        known, where = parsed(points), QUERIES if queries is None else positions(queries)
        if model not in [name for _, name in MODELS]:
            raise CheckpointError(f"There is no model of curves {model!r}.")
        if not 0 <= whole(count, "number of samples") <= MOST_SAMPLES:
            raise ObservationError(f"There are 0 to {MOST_SAMPLES} samples.")
        with engine.desk.later():
            found = answer(load(model), known[:, 0], known[:, 1], where, count, seed_of(seed))
        low, high = found.band(0.9)
        named = {"x": where, "mean": found.mean, "deviation": found.deviation, "low": low, "high": high}
        return {name: exact(values) for name, values in named.items()} | {"samples": exact(found.samples)}

    offer(curve, concurrency_id="curve")
    for endpoint in (models, patch, reconstruct):
        offer(endpoint, **MODEL)
    offer(sample, **DRAWN)
    offer(compare, concurrency_id="compare")


def patch_side(side) -> int:
    """Larger grids are for the library: here one caller would hold the queue for others."""
    if not 1 <= whole(side, "side") <= MOST_SIDE:
        raise ObservationError(f"A patch's side is 1 to {MOST_SIDE} pixels here.")
    return whole(side, "side")


def positions(queries: list) -> Tensor:
    """Positions from -1 to 1, float32 (m,), or a plain sentence."""
    try:
        found = torch.tensor(queries, dtype=torch.float32)
    except (TypeError, ValueError, RuntimeError, OverflowError):
        found = torch.zeros(0)
    if found.dim() != 1 or not 1 <= len(found) <= MOST_QUERIES or not (found.abs() <= 1).all():
        raise ObservationError(f"Queries are 1 to {MOST_QUERIES} positions from -1 to 1.")
    return found


def true_picture(picture: list | None, side: int) -> np.ndarray | None:
    """uint8 (side, side, 3) from nested lists, or a plain sentence."""
    if picture is None:
        return None
    try:
        values = np.array(picture)
    except ValueError:  # rows of several lengths
        values = np.empty(0)
    if values.shape != (side, side, 3) or values.dtype.kind != "i" or values.min() < 0 or values.max() > 255:
        raise ObservationError(f"A picture is {side} rows of {side} times [red, green, blue], 0 to 255.")
    return values.astype(np.uint8)


def exact(values: Tensor | None) -> list | None:
    """A tensor as nested lists, of as many decimals as tell float32 numbers apart."""
    return None if values is None else values.float().numpy().astype(np.str_).astype(np.float64).tolist()
