"""A checkpoint beside other models on the same pictures and patches, and in words where it loses to each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from recon.evaluation.reconstruction import Row

# by a row's field: what it is called, decimals, and whether more is better
MEASURES = {"psnr_db": ("PSNR", 2, True), "ssim": ("SSIM", 3, True), "bits_per_dim": ("bits/dim", 3, False)}
PATCHES = {"sobol": "Sobol'"}


def table(name: str, found: Sequence[Row], others: Mapping[str, Sequence[Row]]) -> str:
    """Markdown. found, others: rows of `name` and of other models, of the same patches in the same order"""
    heads = " | ".join(f"`{each}`" for each in (name, *others))
    lines = [
        "The same pictures and patches, beside others: PSNR (dB) / SSIM / bits a dimension.",
        "",
        f"| observed | patch | {heads} |",
        "| --- " * (3 + len(others)) + "|",
    ]
    for row, *theirs in zip(found, *others.values(), strict=True):
        cells = " | ".join(" / ".join(said(each, measure) for measure in MEASURES) for each in (row, *theirs))
        lines.append(f"| {row.size} | {PATCHES.get(row.family, row.family)} | {cells} |")
    return "\n".join([*lines, "", *(f"- {verdict(found, rows, other)}" for other, rows in others.items())])


def said(row: Row, measure: str) -> str:
    value = getattr(row, measure)
    return "–" if value is None else f"{value:.{MEASURES[measure][1]}f}"


def verdict(found: Sequence[Row], others: Sequence[Row], title: str) -> str:
    """Where it is behind another model, to the decimals that the table shows"""
    told = []
    for measure, (called, _, more) in MEASURES.items():
        pairs = [
            (float(said(row, measure)), float(said(other, measure))) for row, other in zip(found, others, strict=True)
        ]
        worse = [
            row for row, (own, theirs) in zip(found, pairs, strict=True) if (own < theirs if more else own > theirs)
        ]
        told.append(f"{places(worse, len(found))} in {called}")
    return f"Behind `{title}` {', '.join(told)}."


def places(rows: Sequence[Row], count: int) -> str:
    """Of `count` rows these, by patch family and size"""
    if not rows or len(rows) == count:
        return "everywhere" if rows else "nowhere"
    families = dict.fromkeys(row.family for row in rows)
    sizes = {family: ", ".join(str(row.size) for row in rows if row.family == family) for family in families}
    return "at " + " and ".join(f"{numbers} {PATCHES.get(family, family)} pixels" for family, numbers in sizes.items())
