"""What the Lab says of a run: how far it is, a sentence of result, and the table. All of it is worked out from rows."""

from __future__ import annotations

import html
import math
import textwrap
from collections.abc import Sequence
from itertools import groupby, pairwise

from recon.evaluation.experiment import Estimate, Row, first_of
from recon.ui.lab_figures import TITLES, Label, series

DIGITS = {"psnr_db": 2, "ssim": 3, "bits_per_dim": 3, "coverage": 1}
UNITS = {"psnr_db": " dB", "ssim": "", "bits_per_dim": " bits/dim", "coverage": " %"}
SPOKEN = {"psnr_db": "PSNR", "ssim": "SSIM", "bits_per_dim": "bits/dim", "coverage": "coverage"}
LINE = 115  # characters under a title in the PNG
MOST_SAID = 2  # comparisons of neighbours in words; the table has all lines beside the first
BARS = (
    "Bars are 95 % confidence intervals of the mean over pictures (Student's t), each by itself: they speak of other "
    "pictures given these very patches, over which each picture is first averaged."
)
PAIRED = (
    " Differences in the table are paired, picture by picture, and much sharper. One is clear where its interval "
    "leaves out zero."
)


def labels(models: Sequence[str], families: Sequence[str], titles: dict[str, str], patch_titles: dict[str, str]):
    """A function that names a model on patches of a family by what tells it apart from the others."""
    short = {name: titles.get(name, name).split(" · ")[0].removesuffix(" (classical)") for name in models}
    if len(set(short.values())) < len(short):
        short = {name: titles.get(name, name) for name in models}

    def label(model: str, family: str) -> str:
        patch = patch_titles.get(family, family)
        patch = f"a patch {patch}" if family.startswith("designed_") else patch
        if len(models) == 1 and len(families) > 1:
            return patch
        return short[model] if len(families) == 1 else f"{short[model]}, {patch}"

    return label


def progress(done: int, total: int, said: str) -> str:
    """A bar, and words under it."""
    share = round(100 * done / max(total, 1))
    return (
        f"<div class='lab-bar' role='progressbar' aria-label='Progress' aria-valuenow='{share}' aria-valuemin='0' "
        f"aria-valuemax='100'><i style='width:{share}%'></i></div><p class='quiet'>{html.escape(said, quote=False)}</p>"
    )


def folded(said: str) -> str:
    """A sentence in lines that a picture of the plot has room for, as Plotly takes them."""
    return "<br>".join(html.escape(line, quote=False) for line in textwrap.wrap(said, LINE))


def verdict(rows: Sequence[Row], label: Label) -> str:
    """The result in a sentence or a few, as HTML; "" while there is none."""
    if not rows:
        return ""
    if rows[0].measure == "coverage":
        said = calibration(rows, label)
    else:
        said = [*contrasts(rows, label), *growth(rows, label)]
    return f"<p class='lab-verdict'>{html.escape(' '.join(said), quote=False)}</p>" if said else ""


def contrasts(rows: Sequence[Row], label: Label) -> list[str]:
    """Each line beside the one before it, and the last beside the first, at the middle size that both have, in pairs
    of pictures."""
    said, lines = [], list(series(rows).items())
    ends = [(lines[0], lines[-1])] if len(lines) > 2 else []
    for (other, reference), (name, line) in [*list(pairwise(lines))[-MOST_SAID:], *ends]:
        known = {row.size: row for row in reference}
        pairs = {row.size: row.minus(known[row.size]) for row in line if row.size in known}
        if not pairs:
            continue
        sizes = sorted(pairs)
        size, sign = sizes[(len(sizes) - 1) // 2], -1 if rows[0].measure == "bits_per_dim" else 1
        said.append(contrast(label(*name), label(*other), size, pairs, sign, rows[0].measure))
    return said


def contrast(one: str, other: str, size: int, pairs: dict[int, Estimate], sign: int, measure: str) -> str:
    found, unit = pairs[size], UNITS[measure]
    ahead = {s: sure(pair) * sign for s, pair in pairs.items()}
    word = "better" if found.mean * sign > 0 else "worse"
    low, high = sorted((found.low, found.high))
    if ahead[size] == 0:
        shown = " to ".join(number(edge, measure) for edge in (low, high))
        return (
            f"At {size} pixels {one} and {other} cannot be told apart: they differ by {number(found.mean, measure)}"
            f"{unit} (95 % interval {shown}, {found.count} pictures)."
        )
    low, high = sorted((abs(low), abs(high)))
    shown = f"{number(low, measure)} to {number(high, measure)}"
    same = sum(value == ahead[size] for value in ahead.values())
    also = f"; it is clearly {word} at {same} of {len(pairs)} sizes" if len(pairs) > 1 else ""
    return (
        f"At {size} pixels {one} is {number(abs(found.mean), measure)}{unit} {word} than {other} "
        f"(95 % interval {shown}, {found.count} pictures){also}."
    )


def sure(found: Estimate) -> int:
    """1 or -1 where the whole interval is above or below 0, else 0."""
    return int(found.low > 0) - int(found.high < 0)


def growth(rows: Sequence[Row], label: Label) -> list[str]:
    """What more pixels buy, on the last line that has several sizes."""
    for name, line in reversed(series(rows).items()):
        ordered = sorted(line, key=lambda row: row.size)
        first, last = ordered[0], ordered[-1]
        if first.size == last.size:
            continue
        measure, (a, b) = first.measure, (first.estimate.mean, last.estimate.mean)
        each = (b - a) / math.log2(last.size / first.size)
        verb, unit = "rises" if b > a else "falls", UNITS[measure] if measure == "psnr_db" else ""
        return [
            f"From {first.size} to {last.size} pixels the {SPOKEN[measure]} of {label(*name)} {verb} from "
            f"{number(a, measure)} to {number(b, measure)}{unit}, {number(abs(each), measure)}{unit} for each doubling "
            "on average."
        ]
    return []


def calibration(rows: Sequence[Row], label: Label) -> list[str]:
    """How many true values 90 % intervals hold, line by line, at the smallest size."""
    said, size = [], min(row.size for row in rows)
    for row in rows:
        if row.level == 0.9 and row.size == size:
            found = row.estimate
            low, high = (number(100 * edge, row.measure) for edge in (found.low, found.high))
            said.append(
                f"{label(row.model, row.family)}: {number(100 * found.mean, row.measure)} % ({low} to {high}), "
                f"{judged(row)}."
            )
    counted = f"How many true values 90 % intervals hold at {size} pixels, and how sure that is (95 %)."
    return [counted, *said] if said else []


def judged(row: Row) -> str:
    """Whether intervals hold as much as they say, as far as the pictures tell."""
    found, level = row.estimate, row.level or 0
    if math.isnan(found.low):
        return "too few pictures to tell"
    if found.low <= level <= found.high:
        return "as they say"
    return "wider than needed" if found.mean > level else "too narrow"


def table(rows: Sequence[Row], label: Label) -> str:
    """What bars and differences are, and all rows as an HTML table, the differences to the first line in pairs of
    pictures."""
    if not rows:
        return ""
    measure, covers = rows[0].measure, rows[0].measure == "coverage"
    (first, _), *others = series(rows).items()
    known = first_of(rows)
    heads = ["", "Pixels", *(["Interval"] if covers else []), TITLES[measure], "95 % interval"]
    heads += ["Verdict"] if covers else [f"Beside {label(*first)}"] if others else []
    body = []
    for name, line in groupby(rows, key=lambda row: (row.model, row.family)):
        for row in line:
            scale = 100 if covers else 1
            found = row.estimate
            cells = [label(*name), str(row.size)]
            cells += [f"{100 * row.level:g} %"] if row.level is not None else []
            cells += [number(scale * found.mean, measure)]
            cells += [f"{number(scale * found.low, measure)} to {number(scale * found.high, measure)}"]
            if covers:
                cells.append(judged(row))
            elif others:
                cells.append("–" if name == first else beside(row, known.get((row.size, row.level)), measure))
            body.append([*cells, str(found.count)])
    heads.append("Pictures")
    head = "".join(f"<th>{html.escape(one, quote=False)}</th>" for one in heads)
    lines = ["".join(f"<td>{html.escape(cell, quote=False)}</td>" for cell in cells) for cells in body]
    inner = "".join(f"<tr>{line}</tr>" for line in lines)
    told = BARS + (PAIRED if others and not covers else "")
    return (
        f"<div><p class='quiet'>{told}</p><div class='recon-table lab-table'><table><thead><tr>{head}</tr></thead>"
        f"<tbody>{inner}</tbody></table></div></div>"
    )


def beside(row: Row, other: Row | None, measure: str) -> str:
    if other is None:
        return "–"
    found = row.minus(other)
    low, high = number(found.low, measure), number(found.high, measure)
    return f"{number(found.mean, measure, plus=True)} ({low} to {high})"


def number(value: float, measure: str, plus: bool = False) -> str:
    """With the measure's digits and a true minus sign."""
    if not math.isfinite(value):
        return "–"
    return f"{value:{'+' if plus else ''}.{DIGITS[measure]}f}".replace("-", "−")
