"""A pytest plugin, for the modules that name it: lists of checkpoints that are a test's own, and a Hub of its own."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from fake_hub import FakeHub
from tiny import Tiny

from recon import hub, models


@pytest.fixture
def lists(monkeypatch, tmp_path):
    """Lists of this test's own: a kind, a baseline, no bundled checkpoint, an empty index, no owner."""
    monkeypatch.setitem(models.KINDS, "tiny", Tiny)
    monkeypatch.setattr(hub, "_baselines", lambda: SimpleNamespace(NAMES=("nearest",), load=lambda name: f"<{name}>"))
    monkeypatch.setattr(hub, "INDEX", tmp_path / "hub_index.json")
    hub.INDEX.write_text("{}")
    (tmp_path / "bundled").mkdir()
    monkeypatch.setenv("RECON_CHECKPOINTS", str(tmp_path / "bundled"))
    monkeypatch.delenv("RECON_HUB", raising=False)


@pytest.fixture
def server(monkeypatch, tmp_path):
    with FakeHub() as server:
        server.install(monkeypatch, tmp_path / "cache")
        yield server
