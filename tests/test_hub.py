"""Which checkpoints there are, and where they are looked for."""

from __future__ import annotations

import io
import json
import pickle
import re
import shutil
import socket
import zipfile
from pathlib import Path

import pytest
import torch
from tiny import FILES, Tiny, asked, bundle, pin

from recon import hub, transfer
from recon.errors import CheckpointError

pytest_plugins = ["hub_fixtures"]
pytestmark = pytest.mark.usefixtures("lists")


def test_records_say_what_can_be_known_without_loading(tmp_path):
    bundle(tmp_path, "b", order=2)
    bundle(tmp_path, "c", order=1, summary="One line.", data="drawings", paper="arXiv:0", binary=True)
    first, second = hub.checkpoints()
    assert (first.name, second.name) == ("c", "b")
    size = (tmp_path / "bundled/c/model.safetensors").stat().st_size
    assert first == hub.Checkpoint(
        name="c", model="tiny", title="Tiny", summary="One line.", data="drawings", parameters=16, bytes=size,
        licence="cc0-1.0", side=4, channels=1, binary=True, bundled=True, paper="arXiv:0", order=1,
    )  # fmt: skip


def test_the_index_that_is_shipped_is_sound(monkeypatch):
    monkeypatch.setattr(hub, "INDEX", Path(hub.__file__).with_name("hub_index.json"))
    for name, entry in hub._index().items():
        assert re.fullmatch("[0-9a-f]{40}", entry["revision"]), name
        assert hub._record(name, entry, bundled=False)


def test_load_is_ready_to_predict_and_keeps_dtypes(tmp_path):
    bundle(tmp_path, "a", fill=3.0)
    model = hub.load("a", device="cpu")
    assert isinstance(model, Tiny) and not model.training
    assert (model.weight == 3).all() and not model.weight.requires_grad
    assert model.weight.dtype == torch.float32 and model.factor.dtype == torch.float16


def test_auto_is_cuda_only_where_there_is_one(tmp_path, capsys):
    bundle(tmp_path, "a")
    assert hub.load("a").device.type == ("cuda" if torch.cuda.is_available() else "cpu")
    assert capsys.readouterr().out == ""
    with pytest.raises(CheckpointError, match=r"'a' cannot be put on the device 'abacus'"):
        hub.load("a", device="abacus")


@pytest.mark.parametrize("name", ["convnade-celeba", "", "../b", "a/../a", None, [], "mnist\n"])
def test_an_unknown_name_lists_those_there_are(tmp_path, name):
    bundle(tmp_path, "gaussian-celeba")
    with pytest.raises(CheckpointError) as told:
        hub.load(name)
    assert "There are: gaussian-celeba, nearest." in str(told.value)


def test_an_unknown_name_that_is_close_gets_a_hint(tmp_path):
    bundle(tmp_path, "gaussian-celeba")
    with pytest.raises(CheckpointError, match=r"Did you mean 'gaussian-celeba'\?"):
        hub.load("gausian-celebA")
    with pytest.raises(CheckpointError, match=r"Did you mean 'nearest'\?"):
        hub.load("nearst")


def test_baselines_load_by_name_too():
    assert hub.load("nearest") == "<nearest>"
    assert hub.available("nearest") and not hub.available("farthest")


class Trap:
    """Unpickled, it fails the test."""

    def __reduce__(self):
        return pytest.fail, ("a checkpoint was unpickled",)


def zipped(content: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("archive/data.pkl", content)
    return file.getvalue()


BROKEN = {  # what becomes of a file's content, and what is said of it
    "json": ("config.json", lambda sound: sound[:9], "config.json cannot be read"),
    "no kind": ("config.json", lambda sound: b'{"side": 4}', "config.json cannot be read or names no kind of model"),
    "list": ("config.json", lambda sound: b"[]", "config.json cannot be read or names no kind of model"),
    "missing": ("model.safetensors", None, "model.safetensors cannot be read (No such file or directory)"),
    "empty": ("model.safetensors", lambda sound: b"", "model.safetensors is empty"),
    "header": (
        "model.safetensors",
        lambda sound: sound[:9] + b"!" + sound[10:],
        "model.safetensors has a damaged header",
    ),
    "cut": ("model.safetensors", lambda sound: sound[:-3], "model.safetensors is cut short"),
    "cut header": ("model.safetensors", lambda sound: sound[:20], "model.safetensors is cut short"),
    "long": ("model.safetensors", lambda sound: sound + b"more", "model.safetensors is longer than it says"),
    "pickle": ("model.safetensors", lambda sound: pickle.dumps(Trap()), "model.safetensors is a pickle, and only"),
    "zip": ("model.safetensors", lambda sound: zipped(pickle.dumps(Trap())), "model.safetensors is a pickle, and only"),
    "page": ("model.safetensors", lambda sound: b"<html>Please log in", "model.safetensors is no safetensors file"),
}


@pytest.mark.parametrize("damage", BROKEN)
def test_a_broken_folder_is_left_out_with_a_warning(tmp_path, damage):
    bundle(tmp_path, "good")
    file, change, told = BROKEN[damage]
    path = bundle(tmp_path, "bad") / file
    path.write_bytes(change(path.read_bytes())) if change else path.unlink()
    with pytest.warns(UserWarning, match=re.escape(f"'bad' is left out: {told}")):
        assert [checkpoint.name for checkpoint in hub.checkpoints()] == ["good"]
    with pytest.raises(CheckpointError, match=re.escape(f"'bad' cannot be loaded: {told}")):
        hub.load("bad")
    assert hub.load("good")


def test_a_dtype_that_no_one_knows(tmp_path):
    weights = bundle(tmp_path, "a") / "model.safetensors"
    weights.write_bytes(weights.read_bytes().replace(b'"F16"', b'"F61"'))
    with pytest.raises(CheckpointError, match="'a' cannot be loaded: "):
        hub.load("a")


def test_a_sound_header_may_begin_like_a_pickle(tmp_path):
    header = json.dumps({"a": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}).encode()
    for length in (0x80, 0x0280, 0x4B50):  # 0x80 begins a pickle, 0x4b50 is "PK" as a number
        path = tmp_path / "model.safetensors"
        path.write_bytes(length.to_bytes(8, "little") + header.ljust(length) + bytes(4))
        assert transfer.read_header(path)["a"]["shape"] == [1]


def test_weights_of_another_model_are_refused(tmp_path):
    folder = bundle(tmp_path, "a")
    config = json.loads((folder / "config.json").read_text())
    for change in ({"side": 5}, {"side": "wide"}, {"checkpoint": {"kind": "oracle"}}):
        (folder / "config.json").write_text(json.dumps(config | change))
        with pytest.raises(CheckpointError, match=r"^'a' cannot be loaded: [^\n]*\.$"):
            hub.load("a")
    del config["side"]
    (folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(CheckpointError, match="side"):
        hub.load("a")


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_weights_that_are_no_numbers_are_refused(tmp_path, value):
    from safetensors.torch import load_file, save_file

    weights = bundle(tmp_path, "a") / "model.safetensors"
    stored = load_file(weights)
    name = next(iter(stored))
    stored[name].view(-1)[-1] = value
    save_file(stored, weights)
    with pytest.raises(
        CheckpointError, match=f"'a' cannot be loaded: its weights '{name}' have values that are no numbers, or"
    ):
        hub.load("a")


def test_missing_and_surplus_weights_are_refused(tmp_path):
    from safetensors.torch import load_file, save_file

    weights = bundle(tmp_path, "a") / "model.safetensors"
    stored = load_file(weights)
    for state in ({"weight": stored["weight"]}, stored | {"bias": torch.zeros(1)}):
        save_file(state, weights)
        with pytest.raises(CheckpointError, match=r"factor|bias"):
            hub.load("a")


def test_a_record_of_the_wrong_type_is_left_out(tmp_path):
    bundle(tmp_path, "a", parameters="many")
    with pytest.warns(UserWarning, match="its parameters is 'many' and must be of type int"):
        assert hub.checkpoints() == []


# --- the order: bundled, cached, fetched


def test_no_owner_no_request(server, tmp_path, monkeypatch):
    def refuse(*_):
        pytest.fail("a connection was attempted")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    pin(server, tmp_path)
    bundle(tmp_path, "near")
    assert [(c.name, c.bundled) for c in hub.checkpoints()] == [("far", False), ("near", True)]
    assert hub.available("near") and not hub.available("far")
    assert hub.load("near")
    with pytest.raises(CheckpointError, match=r"RECON_HUB does not say.*what is bundled still works: near\."):
        hub.load("far")
    assert server.log == []


def test_bundled_comes_before_the_hub(server, tmp_path, monkeypatch):
    monkeypatch.setenv("RECON_HUB", "them")
    commit = pin(server, tmp_path, "a", fill=2.0)
    bundle(tmp_path, "a", fill=1.0)
    assert hub.load("a").weight[0, 0] == 1 and server.log == []
    assert [c.bundled for c in hub.checkpoints()] == [True]
    assert hub.load("a", revision=commit).weight[0, 0] == 2  # unless another commit is asked for


def test_fetched_once_then_cached_without_a_request(server, tmp_path, monkeypatch):
    monkeypatch.setenv("RECON_HUB", "them")
    commit = pin(server, tmp_path, fill=2.0)
    assert not hub.available("far")
    assert hub.load("far").weight[0, 0] == 2
    assert f"/them/recon-far/resolve/{commit}/model.safetensors" in asked(server)
    assert (hub.resolve("far") / "README.md").is_file()
    server.log.clear()
    server.fault = "down"
    assert hub.available("far") and hub.load("far").factor.dtype == torch.float16
    monkeypatch.delenv("RECON_HUB")  # a commit names its content, so the cache serves without an owner too
    assert hub.load("far") and server.log == []


def test_a_newer_commit_does_not_change_a_pinned_name(server, tmp_path, monkeypatch):
    monkeypatch.setenv("RECON_HUB", "them")
    pin(server, tmp_path, fill=2.0)
    server.add("them/recon-far", {"model.safetensors": b"", "config.json": b"{}"})
    assert hub.load("far").weight[0, 0] == 2


def test_a_card_may_be_missing(server, tmp_path, monkeypatch):
    monkeypatch.setenv("RECON_HUB", "them")
    commit = pin(server, tmp_path)
    del server.repos["models/them/recon-far"].commits[commit]["README.md"]
    assert hub.load("far")


def test_a_revision_must_be_a_commit(tmp_path):
    bundle(tmp_path, "a")
    with pytest.raises(CheckpointError, match="40 hex digits, not to 'main'"):
        hub.load("a", revision="main")


def test_an_index_entry_without_its_fields_is_left_out(tmp_path):
    hub.INDEX.write_text(json.dumps({"odd": {"revision": "0" * 40}}))
    with pytest.warns(UserWarning, match="'odd' of hub_index.json is left out: its model is None"):
        assert hub.checkpoints() == []


# --- publishing


def test_publish_then_load_it_again(server, tmp_path, monkeypatch):
    server.tokens.add("hf_secret")
    monkeypatch.setenv("RECON_HUB", "them")
    folder = bundle(tmp_path, "mine", fill=7.0)
    url, commit = hub.publish("mine", "them/recon-mine", token="hf_secret")
    assert url == f"{server.url}/them/recon-mine/commit/{commit}"
    published = server.repos["models/them/recon-mine"].commits
    assert {file: (folder / file).read_bytes() for file in FILES} == published[commit] and len(published) == 1
    hub.INDEX.write_text(json.dumps({"mine": hub.index_entry("mine", commit)}))
    bundled = hub.checkpoints()
    shutil.rmtree(folder)
    assert hub.load("mine").weight[0, 0] == 7
    assert [vars(c) | {"bundled": True} for c in hub.checkpoints()] == [vars(c) for c in bundled]


def test_publishing_again_adds_a_commit(server, tmp_path):
    server.tokens.add("hf_secret")
    bundle(tmp_path, "mine", fill=1.0)
    first = hub.publish("mine", "them/x", token="hf_secret")
    bundle(tmp_path, "mine", fill=2.0)
    assert hub.publish("mine", "them/x", token="hf_secret") != first
    assert len(server.repos["models/them/x"].commits) == 2
    hub.publish("mine", "them/x", token="hf_secret")
    assert len(server.repos["models/them/x"].commits) == 2  # for nothing has changed


def test_publishing_that_fails_says_why(server, tmp_path):
    folder = bundle(tmp_path, "mine")
    with pytest.raises(CheckpointError, match="'mine' could not be published to 'them/x': the token is missing"):
        hub.publish("mine", "them/x")
    with pytest.raises(CheckpointError, match="a repository is called owner/name"):
        hub.publish("mine", "x")
    with pytest.raises(CheckpointError, match="no bundled checkpoint 'yours'"):
        hub.publish("yours", "them/x")
    (folder / "README.md").unlink()
    with pytest.raises(CheckpointError, match="it has no card"):
        hub.publish("mine", "them/x")
    (folder / "model.safetensors").write_bytes(b"")
    with pytest.raises(CheckpointError, match="is empty"):
        hub.publish("mine", "them/x")
