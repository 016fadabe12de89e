"""Weights that arrive while the page is open: from a Hub of the test's own, into a tab that is not loaded anew."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from fake_hub import FakeHub

from recon import hub, space
from recon.ui import arrivals, late
from recon.ui.engine import Engine
from tests.ui.visitor import expect

LATE, SLOW = "gsm-cifar10", "gaussian-cifar10"
OWNER = "them"


@pytest.fixture(scope="module")
def tabs():
    return ()


@pytest.fixture(scope="module")
def far(tmp_path_factory):
    """A Hub with two models, which is down at first; bundled is what a Space has with it."""
    folder: Path = tmp_path_factory.mktemp("space")
    (folder / "checkpoints").mkdir()
    for name in space.KEPT:
        (folder / "checkpoints" / name).symlink_to(hub.resolve(name))
    with FakeHub() as server, pytest.MonkeyPatch.context() as patch:
        index = {}
        for name in (LATE, SLOW):
            path = hub.resolve(name)
            commit = server.add(f"{OWNER}/recon-{name}", {file.name: file.read_bytes() for file in path.iterdir()})
            index[name] = hub.index_entry(name, commit)
        server.install(patch, folder / "cache")
        patch.setattr(hub, "INDEX", folder / "hub_index.json")
        hub.INDEX.write_text(json.dumps(index))
        patch.setenv("RECON_CHECKPOINTS", str(folder / "checkpoints"))
        patch.setenv("RECON_HUB", OWNER)
        patch.setattr(arrivals, "AGAIN", 0.5)
        patch.setattr(late, "LATER", 700)
        server.fault = "down"
        yield server


@pytest.fixture(scope="module")
def engine(far):
    return Engine("cpu")


def test_what_could_not_be_had_comes_by_itself_once_the_hub_is_back(visitor, engine, far):
    visitor.page.evaluate("() => { window.notLoadedAnew = true; }")
    visitor.paint((2, 2), (2, 9))
    cells = visitor.cells(64 + 8)
    visitor.model(engine, LATE)
    note, status = (visitor.page.locator(f"#recon-{part}") for part in ("note", "status"))
    expect(note).to_contain_text("could not be fetched from the Hub")
    expect(note).to_contain_text("Linear interpolation (classical) answers.")
    expect(status).to_contain_text("Linear interpolation")
    before = visitor.shown()

    far.fault = None
    expect(status).to_contain_text(engine.records[LATE].title)
    expect(note).not_to_contain_text("answers.")
    visitor.changed(before)
    assert visitor.cells(64 + 8) == cells
    assert visitor.page.evaluate("() => window.notLoadedAnew") and engine.arrivals.has(LATE)


def test_until_slow_ones_are_here_the_best_of_their_kin_answers(visitor, engine, far, monkeypatch):
    monkeypatch.setattr(far, "pause", 0.4)  # before each of the Hub's answers
    monkeypatch.setattr(far, "fault", "slow")
    engine.arrivals.failed.clear()
    visitor.page.evaluate("() => { window.notLoadedAnew = true; }")
    visitor.model(engine, SLOW)
    note, status = (visitor.page.locator(f"#recon-{part}") for part in ("note", "status"))
    expect(note).to_contain_text(f"are on their way. Until they are here, {engine.records[LATE].title} answers.")
    expect(status).to_contain_text(engine.records[SLOW].title)
    expect(note).not_to_contain_text("answers.")
    assert visitor.page.evaluate("() => window.notLoadedAnew")
