"""What the Lab says of its rows, and draws."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import pytest
import torch

from recon.evaluation.experiment import LEVELS, Row
from recon.ui import lab_figures, lab_report


def row(family: str, size: int, each, measure: str = "psnr_db", level: float | None = None, model: str = "m") -> Row:
    return Row(model, family, size, measure, level, torch.as_tensor(each, dtype=torch.float64))


def label(model: str, family: str) -> str:
    return {"sobol": "Sobol'"}.get(family, family)


def words(html: str) -> str:
    return " ".join("".join(ElementTree.fromstring(f"<body>{html}</body>").itertext()).split())


def cells(html: str) -> list[list[str]]:
    return [["".join(cell.itertext()) for cell in line] for line in ElementTree.fromstring(html).iter("tr")]


# what is said


RANDOM = [20.0, 22.0, 24.0, 21.0]


def test_the_verdict_says_what_is_better_and_how_sure():
    better = [value + gain for value, gain in zip(RANDOM, (0.9, 1.0, 1.1, 1.0), strict=True)]
    rows = [row("random", 64, RANDOM), row("sobol", 64, better)]
    assert words(lab_report.verdict(rows, label)) == (
        "At 64 pixels Sobol' is 1.00 dB better than random (95 % interval 0.87 to 1.13, 4 pictures)."
    )
    told = words(lab_report.verdict(rows[::-1], label))
    assert "random is 1.00 dB worse than Sobol' (95 % interval 0.87 to 1.13" in told


def test_only_clear_differences_are_counted_and_that_is_said():
    better, noisy = (0.9, 1.0, 1.1, 1.0), (1.0, -0.9, 0.5, -0.4)
    shifts = {16: better, 64: better, 256: noisy}
    rows = [row("random", size, RANDOM) for size in shifts]
    for size, gains in shifts.items():
        rows.append(row("sobol", size, [value + gain for value, gain in zip(RANDOM, gains, strict=True)]))
    assert "better than random" in (told := words(lab_report.verdict(rows, label)))
    assert "; it is clearly better at 2 of 3 sizes." in told
    table = lab_report.table(rows, label)
    assert cells(table)[-1][4].startswith("+") and "clear where its interval leaves out zero" in words(table)


def test_the_last_of_three_lines_is_also_put_beside_the_first():
    rows = [
        row("sobol", 64, [value + gain for value in RANDOM], model=m) for m, gain in zip("abc", (0, 1, 3), strict=True)
    ]
    told = words(lab_report.verdict(rows, lambda model, _: model))
    assert "b is 1.00 dB better than a" in told and "c is 2.00 dB better than b" in told
    assert "c is 3.00 dB better than a" in told


def test_fewer_bits_are_better():
    fewer = [value - gain for value, gain in zip(RANDOM, (0.9, 1.0, 1.1, 1.0), strict=True)]
    rows = [row("random", 64, RANDOM, "bits_per_dim"), row("sobol", 64, fewer, "bits_per_dim")]
    assert "Sobol' is 1.000 bits/dim better than random" in words(lab_report.verdict(rows, label))


def test_the_verdict_does_not_see_a_difference_in_noise():
    noisy = [value + gain for value, gain in zip(RANDOM, (1.0, -1.0, 0.5, -0.6), strict=True)]
    told = words(lab_report.verdict([row("random", 64, RANDOM), row("sobol", 64, noisy)], label))
    assert "cannot be told apart" in told and "better" not in told and "−" in told


def test_the_verdict_says_what_pixels_buy():
    rows = [row("sobol", 4 << k, [value + 2 * k for value in RANDOM]) for k in range(4)]
    assert "From 4 to 32 pixels the PSNR of Sobol' rises from 21.75 to 27.75 dB, 2.00 dB for each doubling" in words(
        lab_report.verdict(rows, label)
    )


def test_whether_intervals_hold_what_they_say():
    shares = {0.5: [0.7, 0.72, 0.71], 0.8: [0.7, 0.72, 0.71], 0.9: [0.88, 0.9, 0.93], 0.95: [0.95] * 3}
    rows = [row("sobol", 64, each, "coverage", level) for level, each in shares.items()]
    table = cells(lab_report.table(rows, label))
    assert [line[5] for line in table[1:]] == ["wider than needed", "too narrow", "as they say", "as they say"]
    assert [line[2] for line in table[1:]] == [f"{100 * level:g} %" for level in LEVELS]
    assert "Bars are" in words(lab_report.table(rows, label)) and "paired" not in words(lab_report.table(rows, label))
    assert re.search(r"Sobol': 90\.3 % \(84\.\d to 9\d\.\d\), as they say", words(lab_report.verdict(rows, label)))


def test_the_table_shows_paired_differences_to_the_first_line():
    better = [value + gain for value, gain in zip(RANDOM, (0.9, 1.0, 1.1, 1.0), strict=True)]
    rows = [row("random", 64, RANDOM), row("sobol", 64, better), row("sobol", 128, better)]
    head, first, second, third = cells(lab_report.table(rows, label))
    assert head[4] == "Beside random" and first[4] == third[4] == "–"
    assert second == ["Sobol'", "64", "22.75", "19.91 to 25.59", "+1.00 (0.87 to 1.13)", "4"]


def test_no_markup_comes_through():
    rows = [row("<b>", 64, RANDOM), row("sobol", 64, RANDOM)]
    for said in (lab_report.table(rows, label), lab_report.verdict(rows, label), lab_report.progress(0, 1, "<b>")):
        assert "<b>" not in said


def test_labels_name_what_differs(engine):
    titles = {"a": "Gaussian · faces", "b": "Network · faces", "c": "Gaussian · digits"}
    name = lab_report.labels
    assert name(["a"], ["sobol", "grid"], titles, {"sobol": "Sobol'"})("a", "sobol") == "Sobol'"
    assert name(["a", "b"], ["sobol"], titles, {})("b", "sobol") == "Network"
    assert name(["a", "c"], ["sobol"], titles, {})("c", "sobol") == "Gaussian · digits"
    assert name(["a", "b"], ["sobol", "grid"], titles, {})("b", "grid") == "Network, grid"
    designed = {"designed_celeba": "designed for faces"}
    assert name(["a"], ["sobol", *designed], titles, designed)("a", "designed_celeba") == "a patch designed for faces"


# what is drawn


def test_the_plot_has_bars_and_a_logarithmic_axis():
    rows = [row("random", 4, RANDOM), row("random", 64, RANDOM), row("sobol", 4, RANDOM)]
    drawn = lab_figures.figure(rows, "psnr_db", [4, 64], label)
    one, other = drawn.data
    found = rows[0].estimate
    assert list(one.x) == [4, 64] and one.name == "random" and other.name == "Sobol'"
    assert one.error_y.array[0] == pytest.approx(found.high - found.mean)
    assert one.line.color != other.line.color and one.line.dash == other.line.dash
    assert drawn.layout.xaxis.type == "log" and list(drawn.layout.xaxis.tickvals) == [4, 64]


def test_coverage_is_drawn_over_what_intervals_say():
    rows = [row("sobol", 64, [level, level - 0.1], "coverage", level) for level in LEVELS]
    diagonal, line = lab_figures.figure(rows, "coverage", [64], label).data
    assert list(diagonal.x) == list(diagonal.y)
    assert list(line.x) == pytest.approx([50, 80, 90, 95]) and list(line.y) == pytest.approx([45, 75, 85, 90])


def test_colour_tells_models_apart_and_dash_patches():
    rows = [row(family, 4, RANDOM, model=model) for model in ("a", "b") for family in ("random", "sobol")]
    styles = [(line.line.color, line.line.dash) for line in lab_figures.figure(rows, "psnr_db", [4], label).data]
    assert len(set(styles)) == 4 and styles[0][0] == styles[1][0] != styles[2][0] and styles[0][1] == styles[2][1]


def test_an_empty_plot_is_a_frame():
    for measure in lab_figures.TITLES:
        assert lab_figures.figure([], measure, [16, 64], label).layout.yaxis.title.text == lab_figures.TITLES[measure]
    assert lab_report.verdict([], label) == lab_report.table([], label) == ""
