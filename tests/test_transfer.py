"""Every way in which weights can fail to come, each a sentence, and none for ever."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
from fake_hub import FakeHub
from tiny import bundle, pin

from recon import hub, transfer
from recon.errors import CheckpointError

pytest_plugins = ["hub_fixtures"]
pytestmark = pytest.mark.usefixtures("lists")

FAULTS = {
    "down": "the connection broke off",
    "404": "the repository does not exist, or is private and no valid token was given",
    "401": "the token is missing or not valid (HTTP 401)",
    "500": "the Hub reported an error (HTTP 500)",
    "slow": "the Hub did not answer in time",
    "drip": "it took longer than 0.3 s",
    "cut": "the connection broke off",
    "truncated": "model.safetensors is cut short",
    "wrong hash": "model.safetensors is not the file that was published: its SHA-256 is another",
    "pickle": "model.safetensors is a pickle, and only safetensors is opened",
}


def left(cache: Path) -> list[str]:
    """What of files, or of parts of them, the cache holds"""
    own = (".lock", ".TAG")  # of the Hub's client
    return [path.name for path in cache.rglob("*") if path.is_file() and path.suffix not in own]


@pytest.mark.parametrize("pinned", [True, False], ids=["of a size that is known", "of any size"])
@pytest.mark.parametrize("fault", ["huge", "longer", "endless"])
def test_what_is_larger_than_said_is_left(server, tmp_path, monkeypatch, fault, pinned):
    """Of what does not end no more is taken than a piece beyond its size, and none is kept."""
    bundle(tmp_path, "near")
    monkeypatch.setenv("RECON_HUB", "them")
    commit = pin(server, tmp_path)
    size = len(server.repos["models/them/recon-far"].commits[commit]["model.safetensors"])
    other = server.add("them/recon-far", {"README.md": b"# Another commit, of which the index knows no size"})
    server.fault = fault
    with pytest.raises(CheckpointError) as told:
        hub.load("far", revision=None if pinned else other)
    most = transfer.LARGEST if fault == "huge" and not pinned else size
    why = f"model.safetensors is larger than {most:,} bytes, which it should not be"
    assert str(told.value) == f"'far' could not be fetched from the Hub: {why}; what is bundled still works: near."
    assert server.sent < 5e7 and left(tmp_path / "cache") == []
    server.fault = None
    assert hub.load("far"), "a failure must not stay in the cache"


def test_a_configuration_that_does_not_end_is_left(server, tmp_path, monkeypatch):
    monkeypatch.setenv("RECON_HUB", "them")
    monkeypatch.setattr(transfer, "LARGEST_TEXT", 100)
    pin(server, tmp_path)
    with pytest.raises(CheckpointError, match=r"config.json is larger than 100 bytes, which it should not be;"):
        hub.load("far")
    assert "config.json" not in left(tmp_path / "cache") and not hub.available("far")
    monkeypatch.setattr(transfer, "LARGEST_TEXT", 10**6)
    assert hub.load("far")


@pytest.mark.parametrize("fault", FAULTS)
def test_each_fault_is_a_sentence_and_passes(server, tmp_path, monkeypatch, fault):
    from huggingface_hub import file_download

    bundle(tmp_path, "near")
    monkeypatch.setenv("RECON_HUB", "them")
    if fault == "slow":
        monkeypatch.setattr(transfer, "ANSWER_SECONDS", 0.3)
    monkeypatch.setattr(file_download, "time", SimpleNamespace(sleep=lambda seconds: None))  # between its retries
    pin(server, tmp_path)
    server.fault, server.pause = fault, 1.0 if fault == "slow" else 0.1
    begun = time.monotonic()
    with pytest.raises(CheckpointError) as told:
        hub.resolve("far", seconds=0.3 if fault == "drip" else 60)
    assert time.monotonic() - begun < 10  # the Hub's own client would try for 23 s
    works = "what is bundled still works: near."
    assert str(told.value) == f"'far' could not be fetched from the Hub: {FAULTS[fault]}; {works}"
    assert hub.load("near") and not hub.available("far")
    server.fault = None
    monkeypatch.setattr(transfer, "ANSWER_SECONDS", 10.0)
    assert hub.load("far"), "a failure must not stay in the cache"
    assert transfer._fetching == {}


def test_a_hub_that_is_not_there(server, tmp_path, monkeypatch):
    monkeypatch.setenv("RECON_HUB", "them")
    pin(server, tmp_path)
    with FakeHub() as gone:
        gone.install(monkeypatch, tmp_path / "cache")
    with pytest.raises(CheckpointError, match=r"the Hub cannot be reached; what is bundled still works: the classical"):
        hub.load("far")


def test_files_and_commits_that_the_repository_lacks(server, tmp_path, monkeypatch):
    monkeypatch.setenv("RECON_HUB", "them")
    commit = pin(server, tmp_path)
    with pytest.raises(CheckpointError, match="does not have the commit asked for"):
        hub.load("far", revision="0" * 40)
    del server.repos["models/them/recon-far"].commits[commit]["model.safetensors"]
    with pytest.raises(CheckpointError, match="does not have a file asked for"):
        hub.load("far")


def test_a_full_disk_and_a_cache_that_is_a_file(server, tmp_path, monkeypatch):
    from huggingface_hub import file_download

    def full(*_, **__):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setenv("RECON_HUB", "them")
    pin(server, tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(file_download, "http_get", full)
        with pytest.raises(CheckpointError, match="the disk is full;"):
            hub.load("far")
    shutil.rmtree(tmp_path / "cache")
    (tmp_path / "cache").write_text("in the way")
    with pytest.raises(CheckpointError, match=r"a file cannot be read or written \("):
        hub.load("far")


def test_offline_is_said(server, tmp_path, monkeypatch):
    from huggingface_hub import constants

    monkeypatch.setenv("RECON_HUB", "them")
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    pin(server, tmp_path)
    with pytest.raises(CheckpointError, match="HF_HUB_OFFLINE forbids it"):
        hub.load("far")


def test_an_owner_that_cannot_be_one(server, tmp_path, monkeypatch):
    pin(server, tmp_path)
    for owner in ("them/us", "the m", "*", ".."):
        monkeypatch.setenv("RECON_HUB", owner)
        assert not hub.available("far")
        with pytest.raises(CheckpointError, match="'far' could not be fetched"):
            hub.load("far")
    assert server.log == []


def test_damage_in_the_cache_is_fetched_anew(server, tmp_path, monkeypatch):
    monkeypatch.setenv("RECON_HUB", "them")
    pin(server, tmp_path, fill=2.0)
    weights = hub.resolve("far") / "model.safetensors"
    weights.resolve().write_bytes(weights.read_bytes()[:-5])
    assert not hub.available("far")
    assert hub.load("far").weight[0, 0] == 2


def test_what_another_process_has_fetched_already_stays(server, tmp_path, monkeypatch):
    """Of a checkpoint whose configuration is still to come: who begins now would take the weights from the other."""
    monkeypatch.setenv("RECON_HUB", "them")
    pin(server, tmp_path, fill=2.0)
    folder = hub.resolve("far")
    before = (folder / "model.safetensors").resolve()
    made = before.stat().st_ino, before.stat().st_mtime_ns
    (folder / "config.json").unlink()
    assert hub.resolve("far") == folder and (folder / "config.json").exists()
    after = (folder / "model.safetensors").resolve()
    assert after == before and (after.stat().st_ino, after.stat().st_mtime_ns) == made


def test_two_callers_share_one_download(server, tmp_path, monkeypatch):
    monkeypatch.setenv("RECON_HUB", "them")
    pin(server, tmp_path)
    server.fault, server.pause = "drip", 0.01
    callers = [threading.Thread(target=hub.resolve, args=("far",)) for _ in range(4)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    assert sum(method == "GET" and path.startswith("/cdn/") for method, path in server.log) == 1


def test_two_processes_that_share_a_cache_both_get_whole_weights(server, tmp_path, monkeypatch):
    monkeypatch.setenv("RECON_HUB", "them")
    pin(server, tmp_path)
    server.fault, server.pause = "drip", 0.01
    code = "import sys; from pathlib import Path; from recon import hub; hub.INDEX = Path(sys.argv[1]);"
    code += "print(hub.resolve('far') / 'model.safetensors')"
    settings = {**os.environ, "HF_ENDPOINT": server.url, "HF_HOME": str(tmp_path / "home"), "HF_HUB_CACHE": ""}
    settings = {name: value for name, value in settings.items() if value}
    command = [sys.executable, "-c", code, str(hub.INDEX)]
    both = [subprocess.Popen(command, env=settings, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    places = {process.communicate(timeout=60)[0].strip() for process in both}
    server.fault = None
    assert len(places) == 1 and [process.returncode for process in both] == [0, 0]
    transfer.check_weights(Path(places.pop()))


def test_in_the_background(server, tmp_path, monkeypatch):
    monkeypatch.setenv("RECON_HUB", "them")
    pin(server, tmp_path, "far")
    pin(server, tmp_path, "farther")
    del server.repos["models/them/recon-farther"]
    bundle(tmp_path, "near")
    settled = {}
    hub.fetch_in_background(["farther", "far", "near"], settled.__setitem__).join(10)
    assert settled["far"] is None and settled["near"] is None
    assert "'farther' could not be fetched from the Hub: the repository does not exist" in settled["farther"]
    assert hub.available("far") and not hub.available("farther")


# --- the fake itself, where others use it


def test_the_fake_serves_data_sets_and_snapshots(server, tmp_path):
    from huggingface_hub import hf_hub_download, snapshot_download

    data = bytes(range(256)) * 10
    commit = server.add("them/digits", {"data/test.parquet": data, "README.md": b"# Digits"}, kind="datasets")
    path = hf_hub_download("them/digits", "data/test.parquet", repo_type="dataset", revision=commit)
    assert Path(path).read_bytes() == data
    folder = Path(snapshot_download("them/digits", repo_type="dataset"))
    assert folder.name == commit and (folder / "README.md").read_bytes() == b"# Digits"
