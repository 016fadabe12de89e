"""Checkpoint files on their way: from the Hub within bounded time, checked before use, and up to it.

Every failure is a CheckpointError whose message is a clause ("the Hub cannot be reached"); `recon.hub` makes it a
sentence. huggingface_hub is imported where it is used, and asks the network for nothing before that.
"""

from __future__ import annotations

import contextlib
import errno
import glob
import hashlib
import json
import os
import shutil
import tempfile
import threading
from collections.abc import Iterator, Mapping
from concurrent.futures import Future
from pathlib import Path
from typing import NamedTuple

from recon.errors import CheckpointError

CONFIG, WEIGHTS, CARD = "config.json", "model.safetensors", "README.md"
HEADER_LIMIT = 100_000_000  # bytes; safetensors' own limit for its header
ANSWER_SECONDS = 10.0  # to a first answer
LARGEST = 2_000_000_000  # bytes of weights whose size nobody has said
LARGEST_TEXT = 1_000_000  # of a configuration, or a card


@contextlib.contextmanager
def replaced(folder: Path) -> Iterator[Path]:
    """A folder to write a checkpoint in, whose files then take the place of those in `folder`, the configuration last:
    by it a checkpoint is found. OSError where that is not possible; a run that is killed before leaves all as it was.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    for left in folder.parent.glob(f".{folder.name}.*"):  # by a run that was killed here
        shutil.rmtree(left, ignore_errors=True)
    unfinished = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    try:
        yield unfinished
        folder.mkdir(exist_ok=True)
        for path in sorted(unfinished.iterdir(), key=lambda path: path.name == CONFIG):
            os.replace(path, folder / path.name)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def read_config(path: Path) -> dict:
    """`config.json` of the checkpoint folder `path`, which must name the kind of its model."""
    try:
        config = json.loads((path / CONFIG).read_text(encoding="utf-8"))
        if not isinstance(config["checkpoint"]["kind"], str):
            raise TypeError("its kind is no string")
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CheckpointError(f"{CONFIG} cannot be read or names no kind of model ({first_line(error)})") from error
    return config


def read_header(path: Path) -> dict[str, dict]:
    """The tensors of a safetensors file, {name: {"dtype", "shape", "data_offsets"}}, if it is one and is whole."""
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            start = file.read(9)
            length = int.from_bytes(start[:8], "little")
            # 0x80, a pickle's first byte, may also begin the length of a sound header: hence first the rest of it.
            if start[8:] != b"{" or length > HEADER_LIMIT:
                what = "a pickle" if start[:1] == b"\x80" or start[:2] == b"PK" else "no safetensors file"
                raise CheckpointError(f"{path.name} is {what if start else 'empty'}, and only safetensors is opened")
            header = json.loads(start[8:] + file.read(length - 1)) if size >= 8 + length else {}
        header.pop("__metadata__", None)
        end = max((entry["data_offsets"][1] for entry in header.values()), default=0)
        [(entry["dtype"], entry["shape"]) for entry in header.values()]
    except CheckpointError:
        raise
    except OSError as error:
        raise CheckpointError(f"{path.name} cannot be read ({error.strerror})") from error
    except (ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
        raise CheckpointError(f"{path.name} has a damaged header ({first_line(error)})") from error
    if size != 8 + length + end:
        raise CheckpointError(f"{path.name} is {'cut short' if size < 8 + length + end else 'longer than it says'}")
    return header


def sha256_of(path: Path) -> str:
    """The SHA-256 of a file, 64 hex digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def size_of(path: Path) -> str:
    """Of a file, in megabytes of 10^6 bytes, as cards and lists say it"""
    size = path.stat().st_size / 1e6
    return f"{size:.1f} MB" if size >= 1 else f"{size:.2f} MB"


def check_weights(path: Path, sha256: str | None = None) -> None:
    """Raise CheckpointError unless `path` is a whole safetensors file, and the one with the hash `sha256` if given."""
    read_header(path)
    if sha256 is not None and sha256_of(path) != sha256:
        raise CheckpointError(f"{path.name} is not the file that was published: its SHA-256 is another")


def cached(repo: str, revision: str, sha256: str | None) -> Path | None:
    """The folder of `repo` ("owner/name", owner may be *) at `revision` in the Hub's cache, if whole; asks no one."""
    from huggingface_hub import constants

    owner, name = repo.split("/")
    owner = "*" if owner == "*" else glob.escape(owner)
    for path in Path(constants.HF_HUB_CACHE).glob(f"models--{owner}--{glob.escape(name)}/snapshots/{revision}"):
        with contextlib.suppress(CheckpointError):
            check_weights(path / WEIGHTS, sha256)
            read_config(path)
            return path
    return None


_fetching: dict[tuple[str, str], Future] = {}  # a second caller waits for the first one's download
_lock = threading.Lock()


def _forked() -> None:
    """The threads that download are not forked with the rest of a process."""
    global _lock
    _lock = threading.Lock()
    _fetching.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forked)


def fetch(repo: str, revision: str, sha256: str | None, seconds: float, size: int | None = None) -> Path:
    """The folder of `repo` at `revision`, downloaded and checked, after at most `seconds`. `size` is that of the
    weights in bytes, as far as known: no more is taken, whatever the Hub says or sends.

    A download that takes longer goes on behind, as no one can stop it; once done, `cached` finds it.
    """
    with _lock:
        job = _fetching.get((repo, revision))
        if job is None:
            job = _fetching[repo, revision] = Future()
            args = (job, repo, revision, sha256, size)
            threading.Thread(target=_settle, args=args, daemon=True, name=f"fetch {repo}").start()
    try:
        return job.result(timeout=seconds)
    except TimeoutError:
        raise CheckpointError(f"it took longer than {seconds:g} s") from None


def _settle(job: Future, repo: str, revision: str, sha256: str | None, size: int | None) -> None:
    try:
        folder, failure = _download(repo, revision, sha256, size), None
    except CheckpointError as error:
        failure = error
    except Exception as error:  # whatever the Hub, the network or the disk can raise
        failure = CheckpointError(reason(error))
        failure.__cause__ = error
    with _lock:
        del _fetching[repo, revision]
    if failure is None:
        job.set_result(folder)
    else:
        job.set_exception(failure)


def _download(repo: str, revision: str, sha256: str | None, size: int | None) -> Path:
    from huggingface_hub import get_hf_file_metadata, hf_hub_download, hf_hub_url
    from huggingface_hub.errors import RemoteEntryNotFoundError

    _forget_what_is_unsound(repo, revision, sha256)
    # hf_hub_download retries for half a minute before it says that the Hub is down; asking once says it at once.
    said = get_hf_file_metadata(hf_hub_url(repo, WEIGHTS, revision=revision), timeout=ANSWER_SECONDS).size
    most = size or LARGEST
    if said is not None and said > most:
        raise _too_large(WEIGHTS, most)

    def got(file: str, most: int) -> Path:
        how: dict = {"etag_timeout": ANSWER_SECONDS, "tqdm_class": _meter(file, most)}
        return Path(hf_hub_download(repo, file, revision=revision, **how))

    try:
        check_weights(got(WEIGHTS, most if said is None else said), sha256)
        folder = got(CONFIG, LARGEST_TEXT).parent
        read_config(folder)
    except CheckpointError:
        _forget(repo, revision, CONFIG, WEIGHTS)
        raise
    with contextlib.suppress(RemoteEntryNotFoundError):  # a checkpoint works without its card
        got(CARD, LARGEST_TEXT)
    return folder


def _meter(file: str, most: int) -> type:
    """A progress bar, the one thing that the Hub's client shows each piece of a download before it writes it, and that
    stops what does not end: the client itself compares sizes when all has come."""
    from huggingface_hub.utils import tqdm

    class Meter(tqdm):
        received = 0.0

        def update(self, n: float | None = 1) -> bool | None:
            self.received += n or 0
            if self.received > most:
                raise _too_large(file, most)
            return super().update(n)

    return Meter


def _too_large(file: str, most: int) -> CheckpointError:
    return CheckpointError(f"{file} is larger than {most:,} bytes, which it should not be")


def _forget_what_is_unsound(repo: str, revision: str, sha256: str | None) -> None:
    """It would be taken as it is. What is sound stays: another process may have fetched it a moment ago."""
    for name, check in (
        (WEIGHTS, lambda path: check_weights(path, sha256)),
        (CONFIG, lambda path: read_config(path.parent)),
    ):
        path = _in_cache(repo, revision, name)
        try:
            if path is not None:
                check(path)
        except CheckpointError:
            _forget(repo, revision, name)


def _forget(repo: str, revision: str, *names: str) -> None:
    for name in names:
        path = _in_cache(repo, revision, name)
        if path is not None:
            for file in (path.resolve(), path):  # the content, and the link to it
                file.unlink(missing_ok=True)


def _in_cache(repo: str, revision: str, name: str) -> Path | None:
    from huggingface_hub import try_to_load_from_cache

    path = try_to_load_from_cache(repo, name, revision=revision)
    return Path(path) if isinstance(path, str) else None


class Pushed(NamedTuple):
    """A commit"""

    address: str
    revision: str  # 40 hex digits


def push(
    files: Mapping[str, Path | bytes],
    repo: str,
    message: str,
    token: str | None = None,
    private: bool = False,
    space: Mapping[str, str] | None = None,
) -> Pushed:
    """Put files, by their paths there, into `repo` ("owner/name"), made where there is none, in one commit.

    A model's repository keeps what else it holds. With `space`, its variables, it is a Space instead, which then holds
    these files alone.
    """
    from huggingface_hub import CommitOperationAdd, CommitOperationDelete, HfApi

    try:
        # Not upload_folder: it may spread files over several commits, and a pinned commit must hold all of them.
        steps: list = [
            CommitOperationAdd(path, content if isinstance(content, bytes) else str(content))
            for path, content in files.items()
        ]
        api, kind = HfApi(token=token), "model" if space is None else "space"
        sdk = None if space is None else "gradio"
        api.create_repo(repo, repo_type=kind, space_sdk=sdk, private=private, exist_ok=True)
        for key, value in (space or {}).items():
            api.add_space_variable(repo, key, value)
        if space is not None:
            old = set(api.list_repo_files(repo, repo_type=kind)) - {*files, ".gitattributes"}
            steps += [CommitOperationDelete(path) for path in sorted(old)]
        done = api.create_commit(repo, steps, repo_type=kind, commit_message=message)
        return Pushed(done.commit_url, done.oid)
    except Exception as error:  # whatever the Hub, the network or the disk can raise
        raise CheckpointError(reason(error)) from error


def reason(error: BaseException) -> str:
    """Why the Hub did not give or take a file, as a clause for people."""
    from huggingface_hub import errors

    told = {
        errors.OfflineModeIsEnabled: "HF_HUB_OFFLINE forbids it",
        errors.GatedRepoError: "the repository is gated and access has not been granted",
        errors.RepositoryNotFoundError: "the repository does not exist, or is private and no valid token was given",
        errors.RevisionNotFoundError: "the repository does not have the commit asked for",
        errors.RemoteEntryNotFoundError: "the repository does not have a file asked for",
    }
    statuses = {401: "the token is missing or not valid", 403: "the token may not do this", 429: "too many requests"}
    # By name, because the Hub's client has moved from one HTTP library to another between versions.
    family = [kind.__name__ for kind in type(error).__mro__]
    if isinstance(error, errors.LocalEntryNotFoundError) and error.__cause__ is not None:
        return reason(error.__cause__)  # it says only that there is no copy; its cause says what happened
    for kind, clause in told.items():
        if isinstance(error, kind):
            return clause
    if isinstance(error, errors.HfHubHTTPError):
        status = error.response.status_code
        return f"{statuses.get(status, 'the Hub reported an error')} (HTTP {status})"
    if "TimeoutException" in family:
        return "the Hub did not answer in time"
    if "RemoteProtocolError" in family or "ReadError" in family or "Consistency check failed" in str(error):
        return "the connection broke off"
    if "TransportError" in family:
        return "the Hub cannot be reached"
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return "the disk is full"
    if isinstance(error, OSError) and error.strerror:
        return f"a file cannot be read or written ({error.strerror})"
    return first_line(error)


def first_line(error: BaseException) -> str:
    """What an error says, without the rest of its story."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")
