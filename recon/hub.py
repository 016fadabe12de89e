"""Where weights come from: bundled with the code, in the Hub's cache, or on the Hub, looked for in this order.

A checkpoint is a folder as the Hugging Face Hub lays it out: `config.json`, `model.safetensors`, `README.md` (its
card). `config.json` holds the keyword arguments of the model's constructor and one key more, for people:

    {"side": 32, "channels": 3, ...,
     "checkpoint": {"kind": "gaussian", "title": "...", "summary": "...", "data": "...", "licence": "...",
                    "paper": "...", "parameters": 123, "order": 1}}

"side", "channels" and "binary" stand in "checkpoint" where the constructor does not take them. What is not bundled is
listed in `hub_index.json`, each name pinned to a commit, so that what it means cannot change under anyone:

    {"NAME": {"revision": "<40 hex digits>", "sha256": "<of model.safetensors>", "model": "gaussian", "title": "...",
              "bytes": 456, "side": 32, ...every other field of `Checkpoint` but name and bundled...}}

The environment: RECON_HUB is the owner of the repositories `OWNER/recon-NAME`; without it the network is never asked.
RECON_CHECKPOINTS is another folder of bundled checkpoints. HF_HOME, HF_ENDPOINT ... mean what they mean to the Hub.
"""

from __future__ import annotations

import contextlib
import difflib
import inspect
import json
import math
import os
import re
import threading
import warnings
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from recon import devices, transfer
from recon.errors import CheckpointError
from recon.transfer import CARD, CONFIG, WEIGHTS

if TYPE_CHECKING:
    from recon.models import Directed, Model, SignalModel

    Signal = TypeVar("Signal", bound=SignalModel)

INDEX = Path(__file__).with_name("hub_index.json")
BUNDLED = Path(__file__).parents[1] / "checkpoints"
FETCH_SECONDS = 60.0  # for a whole checkpoint of a few MB
DIRECTED = ("mcgsm", "ride")  # kinds that do not predict: `load_directed` is for them
# nor do these, which are of no pictures: `load_signal`
SIGNALS = ("curve_transformer", "shape_transformer", "clip_transformer")


@dataclass(frozen=True)
class Checkpoint:
    """What can be known of a checkpoint without loading it."""

    name: str
    model: str  # its kind, a key of `recon.models.KINDS`
    title: str
    summary: str  # one line
    data: str
    parameters: int
    bytes: int  # of model.safetensors
    licence: str
    side: int  # pixels; 0 for pictures of any size
    channels: int
    binary: bool
    bundled: bool
    paper: str
    order: int = 0  # where it stands in a list


def checkpoints(folder: str | Path | None = None) -> list[Checkpoint]:
    """Every checkpoint that predicts: those bundled in `folder` and those that the index pins on the Hub, in order.

    A broken folder or index entry is left out with a warning. Of the weights only the header is read.
    """
    return [found for found in _listed(folder) if found.model not in DIRECTED + SIGNALS]


def textures(folder: str | Path | None = None) -> list[Checkpoint]:
    """Directed models, mostly of one texture each."""
    return [found for found in _listed(folder) if found.model in DIRECTED]


def signals(folder: str | Path | None = None) -> list[Checkpoint]:
    """Models of what is no picture."""
    return [found for found in _listed(folder) if found.model in SIGNALS]


def _listed(folder: str | Path | None) -> list[Checkpoint]:
    found = {}
    for name, path in _bundled(folder).items():
        try:
            found[name] = _describe(name, path)
        except CheckpointError as error:
            warnings.warn(f"The checkpoint '{name}' is left out: {error}.", stacklevel=2)
    for name, entry in _index().items():
        try:
            found.setdefault(name, _record(name, entry, bundled=False))
        except CheckpointError as error:
            warnings.warn(f"The entry '{name}' of {INDEX.name} is left out: {error}.", stacklevel=2)
    return sorted(found.values(), key=lambda checkpoint: (checkpoint.order, checkpoint.name))


def load(name: str, device: str = "auto", *, revision: str | None = None, folder: str | Path | None = None) -> Model:
    """The model called `name`, a checkpoint or a classical baseline, ready to predict and not to train. `device` is
    "auto" (cuda where there is one, else cpu) or what torch calls a device. Each tensor keeps the dtype it is stored
    in. `revision` and `folder` as in `resolve`. Raises CheckpointError, a sentence, for whatever stops that."""
    if name not in _names(folder) and name in _baselines().NAMES:
        return _baselines().load(name)
    model = read(resolve(name, revision, folder=folder), name)
    try:
        return model.to(devices.chosen(device))
    except (RuntimeError, AssertionError) as error:
        told = transfer.first_line(error)
        raise CheckpointError(f"'{name}' cannot be put on the device '{device}': {told}.") from error


def load_directed(name: str, *, revision: str | None = None, folder: str | Path | None = None) -> Directed:
    """The directed model called `name`, on the CPU, where thousands of small steps are fastest; else as `load`."""
    from recon.models import DIRECTED as kinds

    return read(resolve(name, revision, folder=folder), name, kinds)


def load_signal(
    name: str, kind: type[Signal], *, revision: str | None = None, folder: str | Path | None = None
) -> Signal:
    """The model of a signal called `name`, on the CPU, which has to be of that class, one of `recon.models.SIGNALS`;
    else as `load`."""
    return read(resolve(name, revision, folder=folder), name, {kind.kind: kind})


def read(path: str | Path, name: str | None = None, kinds: Mapping[str, type] | None = None):
    """The model in the checkpoint folder `path`, on the CPU, in evaluation mode, without gradients; one of `kinds`, by
    default `recon.models.KINDS`, those that predict.

    Nothing is unpickled. Raises CheckpointError unless the weights are whole and are those of the model they name.
    """
    from safetensors.torch import load_file, load_model

    from recon.chance import first_weights
    from recon.models import KINDS

    path, kinds = Path(path), KINDS if kinds is None else kinds
    try:
        config = transfer.read_config(path)
        transfer.check_weights(path / WEIGHTS)
        kind = config["checkpoint"]["kind"]
        if kinds is KINDS and kind in DIRECTED:
            raise CheckpointError("it is a directed model, which does not predict; `recon.hub.load_directed` loads it")
        if kinds is KINDS and kind in SIGNALS:
            raise CheckpointError("it is of no pictures; `recon.hub.load_signal` loads it")
        if kind not in kinds:
            raise CheckpointError(f"its kind '{kind}' is none of {', '.join(sorted(kinds))}")
        # Not `from_pretrained`: it prints, lets missing weights pass, and may ask the network.
        accepted = inspect.signature(kinds[kind]).parameters
        with first_weights():  # which are not kept, and cost nobody else's random numbers
            model = kinds[kind](**{key: value for key, value in config.items() if key in accepted})
        model.requires_grad_(False)
        stored = load_file(path / WEIGHTS)
        if bad := [key for key, tensor in stored.items() if not tensor.isfinite().all()]:
            raise CheckpointError(f"its weights '{bad[0]}' have values that are no numbers, or infinite")
        for key, tensor in [*model.named_parameters(), *model.named_buffers()]:
            tensor.data = tensor.data.to(stored[key].dtype if key in stored else tensor.dtype)
        load_model(model, path / WEIGHTS, strict=True)
    except Exception as error:  # whatever a constructor makes of a configuration that is not its own
        told = " ".join(str(error).split()).rstrip(".")[:300]
        raise CheckpointError(f"'{name or path.name}' cannot be loaded: {told}.") from error
    return model.eval()


def resolve(
    name: str, revision: str | None = None, *, folder: str | Path | None = None, seconds: float = FETCH_SECONDS
) -> Path:
    """The folder of the checkpoint `name`: bundled in `folder`, else in the Hub's cache, else fetched in `seconds`.

    `revision`, 40 hex digits, asks for that commit instead of the bundled or pinned one. Raises CheckpointError if no
    list has the name, or if it cannot be had: a sentence that says why, and what works nevertheless.
    """
    if name not in _names(folder):
        raise _unknown(name, folder)
    bundled, entry = _bundled(folder), _index().get(name, {})
    if name in bundled and revision is None:
        return bundled[name]
    pinned = entry.get("revision")
    revision = str(revision or pinned)
    if not re.fullmatch("[0-9a-f]{40}", revision):
        raise CheckpointError(f"'{name}' must be pinned to a commit of 40 hex digits, not to '{revision}'.")
    sha256 = entry.get("sha256") if revision == pinned else None
    works = f"what is bundled still works: {', '.join(bundled) or 'the classical baselines'}"
    try:
        repo = _repo(name)
        at_hand = transfer.cached(repo, revision, sha256)
        if at_hand is None and repo.startswith("*"):
            raise CheckpointError("it is not in the Hub's cache, and RECON_HUB does not say whose it is")
        size = entry.get("bytes") if revision == pinned else None
        return at_hand or transfer.fetch(repo, revision, sha256, seconds, size)
    except CheckpointError as error:
        raise CheckpointError(f"'{name}' could not be fetched from the Hub: {error}; {works}.") from error


def available(name: str, folder: str | Path | None = None) -> bool:
    """Whether `name` can be loaded at once, without a request: bundled, in the Hub's cache, or a baseline."""
    if name in _bundled(folder):
        return True
    entry = _index().get(name)
    if entry is None:
        return name in _baselines().NAMES
    with contextlib.suppress(CheckpointError):  # an owner that cannot be one: `resolve` says so
        return transfer.cached(_repo(name), entry["revision"], entry.get("sha256")) is not None
    return False


def fetch_in_background(
    names: Iterable[str],
    on_done: Callable[[str, str | None], None],
    *,
    folder: str | Path | None = None,
    seconds: float = FETCH_SECONDS,
) -> threading.Thread:
    """Make `names` available, one after another, on a thread that does not keep the program alive, which calls
    `on_done(name, error)` as each is settled; `error` is None, or the sentence that says why."""

    def work():
        for name in names:
            try:
                resolve(name, folder=folder, seconds=seconds)
            except CheckpointError as error:
                on_done(name, str(error))
            else:
                on_done(name, None)

    names = list(names)
    thread = threading.Thread(target=work, daemon=True, name="recon-fetch")
    thread.start()
    return thread


def publish(
    name: str, to: str, token: str | None = None, private: bool = False, *, folder: str | Path | None = None
) -> transfer.Pushed:
    """Push the bundled checkpoint `name` to the Hub repository `to`, "owner/repo"; returns the commit.

    Makes the repository where there is none. To be loaded by name it must be `OWNER/recon-NAME` and be pinned by
    `index_entry`. `token` defaults to the one of `hf auth login`. Raises CheckpointError.
    """
    path = _bundled(folder).get(name)
    if path is None:
        raise CheckpointError(f"There is no bundled checkpoint '{name}' to publish.")
    try:
        if not re.fullmatch("[^/]+/[^/]+", to):
            raise CheckpointError("a repository is called owner/name")
        _describe(name, path)  # what could not be listed is not pushed
        if not (path / CARD).is_file():
            raise CheckpointError(f"it has no card, {CARD}")
        files = {file: path / file for file in (CONFIG, WEIGHTS, CARD)}
        return transfer.push(files, to, f"Publish {name}", token, private)
    except CheckpointError as error:
        raise CheckpointError(f"'{name}' could not be published to '{to}': {error}.") from error


def index_entry(name: str, revision: str, folder: str | Path | None = None) -> dict:
    """What `hub_index.json` is to hold under `name` once the bundled checkpoint is published as commit `revision`."""
    path = _bundled(folder)[name]
    record = asdict(_describe(name, path))
    del record["name"], record["bundled"]
    return {"revision": revision, "sha256": transfer.sha256_of(path / WEIGHTS), **record}


def _bundled(folder: str | Path | None) -> dict[str, Path]:
    root = Path(folder or os.environ.get("RECON_CHECKPOINTS") or BUNDLED)
    found = sorted(root.glob(f"*/{CONFIG}"))  # a hidden folder is what a kill left, `recon.training.fit.write`
    return {config.parent.name: config.parent for config in found if not config.parent.name.startswith(".")}


def _index() -> dict[str, dict]:
    return json.loads(INDEX.read_text(encoding="utf-8"))


def _repo(name: str) -> str:
    """The repository of `name`; its owner is "*" where none is set, which serves to look in the cache."""
    owner = os.environ.get("RECON_HUB")
    if owner and not re.fullmatch(r"[\w.-]+", owner):
        raise CheckpointError(f"RECON_HUB is to be the name of one owner, and is '{owner}'")
    return f"{owner or '*'}/recon-{name}"


def _names(folder: str | Path | None) -> list[str]:
    return [*_bundled(folder), *(name for name in _index() if name not in _bundled(folder))]


def _baselines():
    from recon import baselines  # brings SciPy with it, so not before it is wanted

    return baselines


def _unknown(name: object, folder: str | Path | None) -> CheckpointError:
    names = [*_names(folder), *_baselines().NAMES]
    close = difflib.get_close_matches(str(name), names, n=1)
    hint = f" Did you mean '{close[0]}'?" if close else ""
    told = f"There is no model called '{name}'.{hint} There are: {', '.join(names)}."
    if not _names(folder):
        told += " RECON_CHECKPOINTS names a folder of others, RECON_HUB the owner of those on the Hub."
    return CheckpointError(told)


def _describe(name: str, path: Path) -> Checkpoint:
    """The record of a bundled folder."""
    config, header = transfer.read_config(path), transfer.read_header(path / WEIGHTS)
    said = {**config, **config["checkpoint"], "model": config["checkpoint"]["kind"]}
    said["bytes"] = (path / WEIGHTS).stat().st_size
    said.setdefault("parameters", sum(math.prod(tensor["shape"]) for tensor in header.values()))
    return _record(name, said, bundled=True)


def _record(name: str, said: dict, bundled: bool) -> Checkpoint:
    """The fields of Checkpoint out of what is `said` of it, each of the type it must have."""
    assumed = {"title": name, "summary": "", "data": "", "licence": "", "paper": "", "binary": False, "order": 0}
    said = assumed | said | {"name": name, "bundled": bundled}
    for field in fields(Checkpoint):
        if type(said.get(field.name)).__name__ != field.type:
            raise CheckpointError(f"its {field.name} is {said.get(field.name)!r} and must be of type {field.type}")
    return Checkpoint(**{field.name: said[field.name] for field in fields(Checkpoint)})
