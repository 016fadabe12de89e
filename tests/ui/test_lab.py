"""The Lab without a browser: its settings, its handlers, what it says and draws."""

from __future__ import annotations

import json
import re
from types import SimpleNamespace
from xml.etree import ElementTree

import gradio as gr
import numpy as np
import pytest
import torch
from PIL import Image

from recon.errors import ExperimentError, ReconError
from recon.evaluation import experiment
from recon.evaluation.experiment import LEVELS, Row
from recon.ui import lab, lab_figures, lab_handlers, lab_report
from recon.ui.lab_handlers import LabHandlers
from recon.ui.lab_settings import MOST_RECONSTRUCTIONS, PRESETS, Settings, data_choices

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")
MODELS, FAMILIES, SIZES = ["nearest", "linear"], ["random", "sobol"], [16, 4]


@pytest.fixture(scope="module")
def do(engine) -> LabHandlers:
    return LabHandlers(engine)


def controls(**changes) -> list:
    """As a browser sends them."""
    asked = {
        **{"data": "leaves", "pictures": 8, "picture_seed": 0, "models": MODELS, "families": FAMILIES},
        **{"sizes": SIZES, "seeds": 2, "measure": "psnr_db", "files": None},
    }
    return list({**asked, **changes}.values())


def row(family: str, size: int, each, measure: str = "psnr_db", level: float | None = None, model: str = "m") -> Row:
    return Row(model, family, size, measure, level, torch.as_tensor(each, dtype=torch.float64))


def label(model: str, family: str) -> str:
    return {"sobol": "Sobol'"}.get(family, family)


def words(html: str) -> str:
    return " ".join("".join(ElementTree.fromstring(f"<body>{html}</body>").itertext()).split())


def cells(html: str) -> list[list[str]]:
    return [["".join(cell.itertext()) for cell in line] for line in ElementTree.fromstring(html).iter("tr")]


# settings


@pytest.mark.parametrize("preset", PRESETS, ids=[preset.title for preset in PRESETS])
def test_a_preset_asks_for_little_and_tells_a_story(preset, engine):
    found = preset.at(engine).settings
    assert found.models == preset.settings.models, "the models that it speaks of are bundled"
    assert found.check() <= 2000
    assert len(re.findall(r"[.?](?: |$)", preset.story)) == 2 and preset.title.endswith("?")
    sent = [list(value) if isinstance(value, tuple) else value for value in vars(found).values()]
    assert Settings.read(*sent) == found


def test_a_preset_without_its_models_takes_the_default():
    here = SimpleNamespace(records={"mine": None}, default="mine")
    assert PRESETS[0].at(here).settings.models == ("mine",)
    assert PRESETS[2].at(here).settings.models == ("linear",)


BAD = {
    "no models": {"models": []},
    "models null": {"models": None},
    "no patches": {"families": []},
    "no sizes": {"sizes": None},
    "too much": {"pictures": 256, "sizes": [4, 8, 16, 32, 64], "seeds": 8, "families": ["random", "farthest"]},
    "too many lines": {
        "models": ["nearest", "linear", "rbf"],
        "families": ["sobol", "grid", "block", "halton", "random"],
    },
    "1 picture": {"pictures": 1},
    "1000 pictures": {"pictures": 1000},
    "8.5 pictures": {"pictures": 8.5},
    "pictures null": {"pictures": None},
    "no random patches": {"seeds": 0},
    "a negative seed": {"picture_seed": -1},
    "unknown data": {"data": "../../etc"},
    "a set that is not here": {"data": "celeba"},
    "no files": {"data": "own"},
    "one file": {"data": "own", "files": ["a.png"]},
    "bits of a mean alone": {"measure": "bits_per_dim"},
    "an unknown measure": {"measure": "mse"},
    "an unknown family": {"families": ["sobel"]},
    "every pixel": {"sizes": [1024]},
}


@pytest.mark.parametrize("changes", BAD.values(), ids=BAD)
def test_bad_settings_are_a_sentence_beside_the_button_and_when_run(changes, do, monkeypatch):
    monkeypatch.delenv("RECON_DATA", raising=False)
    asked = controls(**changes)
    with pytest.raises(ReconError) as told:
        Settings.read(*asked)
    said = str(told.value)
    assert re.fullmatch(r"[A-Z][^\n]{8,300}\.", said) and "Error" not in said
    assert said in do.count(*asked)
    for handler in (lambda: do.begin(*asked), lambda: list(do.run(*asked))):
        with pytest.raises(gr.Error) as popped:
            handler()
        assert popped.value.message == said


def test_the_work_is_said_before_it_is_done(do):
    assert "96 reconstructions, of 8 pictures." in words(do.count(*controls()))
    assert Settings.read(*controls()).check() == 2 * (2 + 1) * 2 * 8 <= MOST_RECONSTRUCTIONS
    assert "of 100 pictures" in do.count(*controls(data="faces", pictures=256)), "there are no more faces"
    assert "one kind" not in do.count(*controls(models=["gaussian-celeba", "linear"]))
    assert "one kind" in do.count(*controls(models=["gaussian-celeba", "gaussian-fer2013"]))


def test_image_sets_are_offered_where_the_server_has_them(digits, engine, monkeypatch):
    names = [name for _, name in data_choices(engine)]
    assert "binarized_mnist" in names and "celeba" not in names
    found = Settings.read(*controls(data="binarized_mnist")).load(engine)
    assert found.shape == (8, 1, 32, 32) and set(found.unique().tolist()) == {0.0, 1.0}
    monkeypatch.delenv("RECON_DATA")
    assert "binarized_mnist" not in [name for _, name in data_choices(engine)]


# a run


def test_a_run_fills_table_plot_and_csv(do):
    steps = list(do.run(*controls()))
    bar, verdict, plot, table, csv, *saving = steps[-1]
    assert "96 reconstructions in" in words(bar) and "aria-valuenow='100'" in bar
    assert "8 pictures (dead leaves, drawn by code, seed 0)" in words(bar)
    assert "pictures)" in words(verdict) and not any(step[1] for step in steps[:-1] if isinstance(step[1], str))
    assert len(cells(table)) == 1 + 2 * 2 * 2 and len(plot.data) == 4
    of = plot.layout.meta["of"].replace("<br>", " ")
    assert "8 pictures (dead leaves" in of and "Nearest pixel" in of and "patches: random, Sobol'." in of
    assert "# models: nearest linear" in csv and "# sizes: 4 16" in csv and csv.count("\nnearest,") == 4
    assert all(button["interactive"] for button in saving)
    assert not steps[0][-1]["interactive"] and steps[0][3] == "", "what another run found does not stay"
    grown = [len(cells(step[3])) for step in steps[1:] if isinstance(step[3], str)]
    assert grown == sorted(grown)


def test_a_run_can_be_repeated_exactly(do):
    asked = controls(data="photographs", models=["nearest"])
    csv = list(do.run(*asked))[-1][4]
    assert list(do.run(*asked))[-1][4] == csv
    other = list(do.run(*controls(data="photographs", models=["nearest"], picture_seed=1)))[-1][4]
    assert other.splitlines()[-4:] != csv.splitlines()[-4:]


def test_pictures_of_ones_own(do, tmp_path):
    paths = []
    for k in range(3):
        paths.append(str(tmp_path / f"{k}.png"))
        noise = np.random.default_rng(k).integers(256, size=(40, 50, 3), dtype=np.uint8)
        Image.fromarray(noise).save(paths[-1])
    last = list(do.run(*controls(data="own", files=paths)))[-1]
    assert all(line[-1] == "3" for line in cells(last[3])[1:])
    (tmp_path / "broken.png").write_text("no picture")
    with pytest.raises(gr.Error, match=r"broken\.png: This file holds no picture"):
        list(do.run(*controls(data="own", files=[*paths, str(tmp_path / "broken.png")])))


def test_every_step_takes_its_turn(do, monkeypatch):
    """So that strokes pass in between."""
    turns, scores, held = do.engine.desk.turns, experiment.scores, []
    monkeypatch.setattr(experiment, "scores", lambda *given: held.append(turns.taken) or scores(*given))
    list(do.run(*controls()))
    assert len(held) > 3 and all(held) and not turns.taken


def test_a_run_ends_in_time_with_what_it_has(do, monkeypatch):
    monkeypatch.setattr(lab_handlers, "MOST_SECONDS", 0.0)
    last = list(do.run(*controls()))[-1]
    assert "stopped after" in last[0] and "of 96" in last[0]


def test_stopping_says_so_and_leaves_an_ended_run_alone():
    running = lab_report.progress(3, 9, lab_handlers.pace(3, 9, 2.0))
    assert words(lab.stopped(running)) == "3 of 9 reconstructions, 2 s; stopped"
    assert words(lab.stopped(lab_report.progress(0, 9, "waiting for its turn …"))) == "stopped"
    ended = lab_report.progress(9, 9, "9 reconstructions in 1.0 s")
    assert lab.stopped(ended) == ended and lab.stopped(None) == ""
    assert lab.last([running, "rows"]) == [lab.stopped(running), "rows"]
    assert words(lab.stopped_waiting(lab_report.progress(0, 9, lab_handlers.WAITING))) == "stopped"
    assert lab.stopped_waiting(running) == gr.skip()


def test_choosing_a_preset_sets_the_controls(do):
    found = do.choose_preset(SimpleNamespace(index=3))
    assert found[:8] == [
        *("photographs", 64, 0, ["gaussian-cifar10", "gsm-cifar10", "mdn-cifar10"]),
        *(["sobol"], [64], 1, "coverage"),
    ]
    assert "four photographs" in found[8] and not found[9]["visible"] and found[11]["chosen"] == 3
    for index in (-1, 4, None, "0"):
        assert len(do.choose_preset(SimpleNamespace(index=index))) == len(found)


def held(**changes) -> str:
    """As a tab keeps the controls"""
    return json.dumps({**dict(zip(lab_handlers.KEPT, controls(), strict=False)), **changes})


def test_a_reload_brings_the_settings_back_whether_or_not_they_can_be_run(do):
    shown = do.restore(held(models=[]))
    assert shown[:8] == ["leaves", 8, 0, [], FAMILIES, SIZES, 2, "psnr_db"]
    assert shown[9]["visible"] is False and shown[11]["chosen"] == -1
    assert do.restore(held(models=["gone", "linear"], data="own"))[3] == ["linear"]
    preset = PRESETS[1].at(do.engine)
    told = dict(zip(lab_handlers.KEPT, do.show(preset.settings), strict=False))
    assert do.restore(json.dumps(told))[11]["chosen"] == 1 and preset.look in do.restore(json.dumps(told))[10]
    assert all(one == gr.skip() for one in do.restore(""))


BENT = [{"data": "nowhere"}, {"pictures": "8"}, {"pictures": True}, {"seed": -1}, {"models": "linear"}, {"measure": 3}]


@pytest.mark.parametrize("changes", BENT, ids=str)
def test_what_no_tab_would_have_kept_changes_nothing(changes, do, monkeypatch):
    warned = []
    monkeypatch.setattr(gr, "Warning", warned.append)
    assert all(one == gr.skip() for one in do.restore(held(**changes))) and len(warned) == 1


def test_what_is_shown_is_dimmed_while_a_run_waits_for_its_turn(do):
    waits = do.begin(*controls())
    assert "class='lab-waiting'" in waits and words(waits) == "waiting for its turn …"
    assert "lab-waiting" in lab.stopped_waiting(waits), "a run that never began leaves the results of another"
    assert not any("lab-waiting" in str(step[0]) for step in do.run(*controls()))


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
    with pytest.raises(ExperimentError):
        Settings.read(*controls(sizes=[]))
