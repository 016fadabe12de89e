"""The Lab without a browser: its settings, its handlers, what it says and draws."""

from __future__ import annotations

import json
import re
from types import SimpleNamespace

import gradio as gr
import numpy as np
import pytest
from PIL import Image

from recon.errors import ReconError
from recon.evaluation import experiment
from recon.ui import lab, lab_handlers, lab_report
from recon.ui.lab_handlers import LabHandlers
from recon.ui.lab_settings import MOST_RECONSTRUCTIONS, PRESETS, Settings, data_choices
from tests.ui.test_lab_report import cells, words

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
