"""How a comparison looks: a tile a result, the same as a table, and as CSV."""

from __future__ import annotations

import csv
import html
import io
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import plotly.colors
from PIL import Image
from torch import Tensor

from recon import images
from recon.comparison import Result
from recon.observation import Observation
from recon.ui.figures import data_uri, duration, error_map, picture_uri

Titles = dict[str, tuple[str, str]]  # of each result's name: what it is called, and a quiet word to it

JUDGED = {"grey": "judged on the grey picture", "binary": "judged in black and white"}


@dataclass(frozen=True)
class Column:
    """A figure of merit, by the name of a `Result`'s attribute."""

    key: str
    label: str
    shown: Callable[[float], str]
    most_is_best: bool
    why: str


QUALITY = (
    Column("psnr_db", "PSNR", lambda x: "∞" if math.isinf(x) else f"{x:.2f} dB", True, "over the whole picture"),
    Column("ssim", "SSIM", lambda x: f"{x:.3f}", True, "structural similarity, 1 is the same picture"),
    Column("bits_per_dim", "bits/dim", lambda x: f"{x:.2f}", False, "256-level likelihood of the hidden pixels"),
)
TIME = Column("milliseconds", "time", duration, False, "fastest of three")
EVENNESS = Column("discrepancy", "discrepancy", lambda x: f"{1e4 * x:.1f}·10⁻⁴", False, "centred L2: 0 is even")
MODEL_COLUMNS = (*QUALITY, TIME)
PATCH_COLUMNS = (*QUALITY, EVENNESS)
SCORES = "PSNR and SSIM are over the whole picture, observed pixels kept; bits/dim over the hidden pixels, 256 levels."
MODELS_NOTE = (
    f"{SCORES} Time is the fastest of three on this machine, for mean and spread of a patch not seen before, without "
    "loading. The best value of each column is highlighted; methods that see grey, or black and white, are ranked "
    "among themselves."
)
PATCHES_NOTE = (
    f"{SCORES} Discrepancy is the centred L2 discrepancy, squared, of the observed pixels' centres: 0 is even. "
    "The best value of each column is highlighted."
)


def judged(result: Result) -> str:
    """A word where the scores are not of the picture in colour."""
    return JUDGED.get(result.pixels, "") if result.psnr_db is not None else ""


def shown(result: Result, column: Column) -> str:
    value = getattr(result, column.key)
    return "–" if value is None else column.shown(value)


def best(results: Sequence[Result], column: Column) -> set[str]:
    """The names of those that are best, to the digits shown, among at least two that see the same kind of pixels."""
    names = set()
    for pixels in {result.pixels for result in results}:
        found = [one for one in results if one.pixels == pixels and getattr(one, column.key) is not None]
        if len(found) < 2:
            continue
        values = [getattr(one, column.key) for one in found]
        top = column.shown(max(values) if column.most_is_best else min(values))
        winners = {one.name for one in found if shown(one, column) == top}
        names |= winners if len(winners) < len(found) else set()  # all alike: nobody is
    return names


def tiles(
    results: Sequence[Result], titles: Titles, columns: Sequence[Column], link: Callable[[Result], str]
) -> list[dict[str, Any]]:
    """A tile a result, as `recon.ui.components.Tiles` takes them; its link opens on Reconstruct what it shows."""
    marked = {column.key: best(results, column) for column in columns}
    top = widest(results)
    return [
        {
            **dict(zip(("title", "aside"), titles[result.name], strict=True)),
            "looks": looks(result, top),
            "patch": observed_uri(result.observation) if result.observation and EVENNESS in columns else "",
            "scores": [
                {
                    "label": one.label,
                    "shown": shown(result, one),
                    "best": result.name in marked[one.key],
                    "why": one.why,
                }
                for one in columns
                if not result.problem
            ],
            "note": result.problem or judged(result),
            "link": "" if result.problem else link(result),
        }
        for result in results
    ]


def looks(result: Result, top: float) -> dict[str, str]:
    """A picture for each way to look at a result, or a word where there is none."""
    if result.mean is None:
        return dict.fromkeys(("mean", "unsure", "error"), "no answer")
    spread = "does not say how sure" if result.deviation is None else spread_uri(result.deviation, top)
    error = "no true picture" if result.truth is None else picture_uri(error_map(result.mean, result.truth))
    return {"mean": picture_uri(result.mean), "unsure": spread, "error": error}


def widest(results: Sequence[Result]) -> float:
    """The largest standard deviation of a pixel in any result: one scale for all of their maps."""
    found = [float(spread(one.deviation).max()) for one in results if one.deviation is not None]
    return max([0.01, *found])


def spread(deviation: Tensor) -> np.ndarray:
    """Standard deviation (channels, side, side) as one number a pixel, as on the Reconstruct tab: (side, side)"""
    return deviation.double().square().mean(0).sqrt().numpy()


def spread_uri(deviation: Tensor, top: float) -> str:
    levels = (spread(deviation) / top * 255).round().clip(0, 255).astype(np.uint8)
    return data_uri(Image.fromarray(viridis()[levels]))


@cache
def viridis() -> np.ndarray:
    """256 colours, uint8 (256, 3): those of the map on the Reconstruct tab"""
    colours = plotly.colors.sample_colorscale("Viridis", np.linspace(0, 1, 256).tolist(), colortype="tuple")
    return (np.array(colours) * 255).round().astype(np.uint8)


def observed_uri(observation: Observation) -> str:
    """What is observed of one image; the rest is transparent."""
    known = images.to_array(observation.with_channels(3).values[0])
    alpha = observation.mask[0, 0].cpu().numpy().astype(np.uint8) * 255
    return data_uri(Image.fromarray(np.dstack([known, alpha])))


def ranked(results: Sequence[Result]) -> list[Result]:
    """The highest PSNR first; those without one after all others, in their order."""
    return sorted(results, key=lambda one: -math.inf if one.psnr_db is None else one.psnr_db, reverse=True)


def table(results: Sequence[Result], titles: Titles, columns: Sequence[Column]) -> str:
    """The results as an HTML table, the highest PSNR first."""
    if not results:
        return ""
    marked = {column.key: best(results, column) for column in columns}

    def row(result: Result) -> str:
        title, aside = titles[result.name]
        words = " · ".join(word for word in (aside, judged(result)) if word)
        name = f"<th scope='row'>{html.escape(title)} <span class='quiet'>{html.escape(words)}</span></th>"
        if result.mean is None:
            return f"<tr>{name}<td colspan='{len(columns)}'>{html.escape(result.problem)}</td></tr>"
        cells = [
            f"<td class='best'>{shown(result, one)}</td>"
            if result.name in marked[one.key]
            else f"<td>{shown(result, one)}</td>"
            for one in columns
        ]
        return f"<tr>{name}{''.join(cells)}</tr>"

    head = "".join(f"<th scope='col' title='{one.why}'>{one.label}</th>" for one in columns)
    first, note = ("Patch", PATCHES_NOTE) if EVENNESS in columns else ("Model", MODELS_NOTE)
    rows = "".join(map(row, ranked(results)))
    return (
        f"<div class='recon-table compare-table'><table><thead><tr><th scope='col'>{first}</th>{head}</tr></thead>"
        f"<tbody>{rows}</tbody></table></div><p class='quiet'>{note}</p>"
    )


def rows(results: Sequence[Result], columns: Sequence[Column]) -> list[dict[str, Any]]:
    """The table for programs, the highest PSNR first; None where a result has no such number."""
    return [
        {
            "name": one.name,
            "pixels": one.pixels or None,
            **{column.key: rounded(getattr(one, column.key)) for column in columns},
            "problem": one.problem or None,
        }
        for one in ranked(results)
    ]


def rounded(value: float | None) -> float | None:
    """Six digits; None for what JSON has no number for."""
    return None if value is None or math.isinf(value) else float(f"{value:.6g}")


def as_csv(results: Sequence[Result], columns: Sequence[Column]) -> str:
    """`rows` as a file for a spreadsheet; empty where there are none."""
    found = rows(results, columns)
    if not found:
        return ""
    stream = io.StringIO()
    writer = csv.DictWriter(stream, list(found[0]))
    writer.writeheader()
    writer.writerows(found)
    return stream.getvalue()
