"""A Hugging Face Hub on this machine, small enough to read and rude enough to test with.

It speaks what huggingface_hub asks of it: files (HEAD and GET of /{repo}/resolve/{revision}/{file}, big ones through a
redirect as the Hub's are), /revision and /tree, and for publishing create, preupload and commit. Data sets live under
/datasets/{repo} as on the Hub, Spaces under /spaces/{repo}, with their variables. `fault` makes it misbehave:

    slow          thinks for `pause` seconds before each answer
    down          hangs up without an answer
    401 404 500   answers so, whatever is asked
    drip          sends a file in 20 parts, `pause` seconds between two
    cut           hangs up in the middle of a file
    truncated     has only the first half of the file
    wrong hash    has the file with its last byte changed
    huge          has a file of ten terabytes, and says so
    longer        sends more than it has said that the file has
    endless       sends a file that does not end, and says nothing of it
    pickle        has a pickle under the file's name

What spoils a file (from drip on) spoils weights and data, never config.json or a card.
"""

from __future__ import annotations

import base64
import hashlib
import json
import pickle
import time
from collections.abc import Collection
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import unquote, urlsplit

TEXT = (".json", ".md", ".txt", ".gitattributes")
PARTS = 20  # of a file that drips
HUGE, FLOOD = 10**13, 2 * 10**8  # bytes: that a file is said to have, and that are sent of it at the most
BAD_TOKEN = {"X-Error-Message": "Invalid credentials in Authorization header"}
NO_REPO, NO_REVISION, NO_FILE = ({"X-Error-Code": f"{what}NotFound"} for what in ("Repo", "Revision", "Entry"))
FAULTS = {"401": BAD_TOKEN, "404": NO_REPO, "500": {}}


@dataclass
class Repo:
    """What one repository holds: {commit: {path: content}}, and its newest commit."""

    commits: dict[str, dict[str, bytes]] = field(default_factory=dict)
    head: str = ""
    variables: dict[str, str] = field(default_factory=dict)

    def commit(self, files: dict[str, bytes], gone: Collection[str] = ()) -> str:
        """Add `files` to what the newest commit has, without what is `gone`; returns the new commit, 40 hex digits."""
        files = {path: content for path, content in self.commits.get(self.head, {}).items() if path not in gone} | files
        told = [(path, hashlib.sha256(content).hexdigest()) for path, content in sorted(files.items())]
        self.head = hashlib.sha1(repr((self.head, told)).encode()).hexdigest()
        self.commits[self.head] = files
        return self.head

    def at(self, revision: str) -> tuple[str, dict[str, bytes]]:
        """The commit that `revision` names ("main" or a commit), and its files."""
        commit = self.head if revision == "main" else revision
        if commit not in self.commits:
            raise Refusal(404, NO_REVISION)
        return commit, self.commits[commit]


def blob(content: bytes) -> str:
    """What git calls a file."""
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


class Refusal(Exception):
    """An answer that gives nothing: a status, and headers with the Hub's word for it."""


class FakeHub:
    """The server, listening while the `with` block lasts. `log` holds (method, path) of each request."""

    def __init__(self):
        self.repos: dict[str, Repo] = {}  # by "models/owner/name", "datasets/..." or "spaces/..."
        self.fault: str | None = None
        self.pause = 0.0  # seconds
        self.log: list[tuple[str, str]] = []
        self.tokens: set[str] = set()  # those that may write
        self.sent = 0  # bytes of files that do not end

    def __enter__(self) -> FakeHub:
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (Handler,), {"hub": self}))
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        return self

    def __exit__(self, *_) -> None:
        """Stop listening; whoever connects from now on is refused."""
        self.server.shutdown()
        self.server.server_close()

    def add(self, repo: str, files: dict[str, bytes], kind: str = "models") -> str:
        """Commit `files` to `repo` ("owner/name"), made if need be; `kind` as in the path."""
        return self.repos.setdefault(f"{kind}/{repo}", Repo()).commit(files)

    def install(self, monkeypatch, cache) -> None:
        """Make this the Hub, and `cache` its cache, for this process until the test ends."""
        from huggingface_hub import close_session, constants

        monkeypatch.setattr(constants, "ENDPOINT", self.url)
        template = self.url + "/{repo_id}/resolve/{revision}/{filename}"
        monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
        monkeypatch.setattr(constants, "HF_HUB_CACHE", str(cache))
        monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(cache / "token"))
        monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
        monkeypatch.setattr(constants, "HF_HUB_DISABLE_TELEMETRY", True)
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        for name in ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"):
            monkeypatch.delenv(name, raising=False)
        close_session()  # its connections lead to another server


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    hub: FakeHub
    protocol_version = "HTTP/1.1"

    def log_message(self, *_) -> None:
        pass

    def handle(self) -> None:
        try:
            super().handle()
        except OSError:
            self.close_connection = True  # the other side has given up

    def do_GET(self) -> None:
        hub, path = self.hub, unquote(urlsplit(self.path).path)
        hub.log.append((self.command, path))
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if hub.fault == "down":
            self.close_connection = True
            return
        if hub.fault == "slow":
            time.sleep(hub.pause)
        try:
            if hub.fault in FAULTS:
                raise Refusal(int(hub.fault), FAULTS[hub.fault])
            parts = path.strip("/").split("/")
            if parts[0] == "cdn":
                self.send_file(*self.find(f"{parts[1]}/{parts[2]}/{parts[3]}", parts[4], "/".join(parts[5:])))
            elif parts[0] == "api":
                self.answer(200, json.dumps(self.api(parts[1:], body)).encode(), {"Content-Type": "application/json"})
            else:
                kind = parts.pop(0) if parts[0] in ("datasets", "spaces") else "models"
                repo, revision, file = "/".join(parts[:2]), parts[3], "/".join(parts[4:])
                self.resolve(f"{kind}/{repo}", revision, file)
        except Refusal as refusal:
            status, headers = refusal.args
            self.answer(status, b"", headers)

    do_HEAD = do_POST = do_GET

    def answer(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in ({"Content-Length": str(len(body))} | headers).items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def repo(self, name: str) -> Repo:
        if name not in self.hub.repos:
            raise Refusal(404, NO_REPO)
        return self.hub.repos[name]

    def find(self, repo: str, revision: str, file: str) -> tuple[str, str, bytes]:
        commit, files = self.repo(repo).at(revision)
        if file not in files:
            raise Refusal(404, NO_FILE)
        return commit, file, files[file]

    def resolve(self, repo: str, revision: str, file: str) -> None:
        commit, file, content = self.find(repo, revision, file)
        if file.endswith(TEXT):
            self.send_file(commit, file, content)
            return
        content = self.spoil(content)
        headers = {
            "Location": f"{self.hub.url}/cdn/{repo}/{commit}/{file}",
            "X-Repo-Commit": commit,
            "X-Linked-Size": str(HUGE if self.hub.fault == "huge" else len(content)),
            "X-Linked-ETag": f'"{hashlib.sha256(content).hexdigest()}"',
        }
        self.answer(302, b"", headers)

    def spoil(self, content: bytes) -> bytes:
        """`content` as the fault has it."""
        if self.hub.fault == "truncated":
            return content[: len(content) // 2]
        if self.hub.fault == "wrong hash":
            return content[:-1] + bytes([content[-1] ^ 1])
        if self.hub.fault == "pickle":
            return pickle.dumps({"weights": content[:9]})
        return content

    def send_file(self, commit: str, file: str, content: bytes) -> None:
        fault = None if file.endswith(TEXT) else self.hub.fault
        content = self.spoil(content) if fault else content
        etag = f'"{hashlib.sha256(content).hexdigest()}"'
        headers = {"ETag": etag, "X-Repo-Commit": commit, "Accept-Ranges": "bytes"}
        first, last = 0, len(content) - 1
        if asked := self.headers.get("Range"):
            start, _, end = asked.removeprefix("bytes=").partition("-")
            first, last = int(start), min(int(end or last), last)
            headers["Content-Range"] = f"bytes {first}-{last}/{len(content)}"
        content = content[first : last + 1]
        status = 206 if asked else 200
        if self.command == "GET" and fault == "cut":
            self.answer(status, content[: len(content) // 2], headers | {"Content-Length": str(len(content))})
            self.close_connection = True
        elif self.command == "GET" and fault in ("huge", "longer", "endless"):
            self.flood(headers, {"huge": HUGE, "longer": 2 * len(content), "endless": None}[fault])
        elif self.command == "GET" and fault == "drip":
            self.answer(status, b"", headers | {"Content-Length": str(len(content))})
            step = max(1, -(-len(content) // PARTS))
            for begin in range(0, len(content), step):
                self.wfile.write(content[begin : begin + step])
                time.sleep(self.hub.pause)
        else:
            self.answer(status, content, headers | ({"Content-Length": str(HUGE)} if fault == "huge" else {}))

    def flood(self, headers: dict[str, str], size: int | None) -> None:
        """Zeros, `size` of them or without an end, until the other side hangs up, or the test would fill a disk."""
        said = {"Transfer-Encoding": "chunked"} if size is None else {"Content-Length": str(size)}
        self.send_response(200)
        for name, value in (headers | said).items():
            self.send_header(name, value)
        self.end_headers()
        self.close_connection = True
        while self.hub.sent < FLOOD and (size is None or self.hub.sent < size):
            piece = bytes(2**16 if size is None else min(2**16, size - self.hub.sent))
            self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece) if size is None else piece)
            self.hub.sent += len(piece)

    def api(self, parts: list[str], body: bytes) -> object:
        """The answer to /api/..., as JSON."""
        if parts[-1] == "agent-harnesses":
            return {}
        if parts[-1] == "validate-yaml":
            return {"errors": [], "warnings": []}
        if parts == ["repos", "create"]:
            self.check_token()
            asked = json.loads(body)
            kind, repo = asked.get("type", "model") + "s", f"{asked['organization']}/{asked['name']}"
            made = self.hub.repos.setdefault(f"{kind}/{repo}", Repo())
            if kind == "spaces" and not made.head:  # as the Hub does
                made.commit({".gitattributes": b"*.safetensors filter=lfs\n", "README.md": b"# New\n"})
            return {"url": f"{self.hub.url}/{repo}"}
        kind, owner, name, *rest = parts
        repo = self.repo(f"{kind}/{owner}/{name}")
        verb, revision = [*rest, "main"][:2] if rest else ("revision", "main")
        if verb == "preupload":
            asked = json.loads(body)["files"]
            old = repo.commits.get(repo.head, {})
            told = [{"path": f["path"], "uploadMode": "regular", "shouldIgnore": False} for f in asked]
            return {"files": [{**f, "oid": blob(old[f["path"]])} if f["path"] in old else f for f in told]}
        if verb == "variables":
            self.check_token()
            said = json.loads(body)
            repo.variables[said["key"]] = said["value"]
            return {key: {"key": key, "value": value} for key, value in repo.variables.items()}
        if verb == "commit":
            self.check_token()
            lines = [json.loads(line) for line in body.splitlines()]
            files = [line["value"] for line in lines if line["key"] == "file"]
            gone = [line["value"]["path"] for line in lines if line["key"] == "deletedFile"]
            commit = repo.commit({file["path"]: base64.b64decode(file["content"]) for file in files}, gone)
            return {"commitUrl": f"{self.hub.url}/{owner}/{name}/commit/{commit}", "commitOid": commit}
        commit, files = repo.at(revision)
        if verb == "tree":
            return [
                {"type": "file", "path": path, "size": len(content), "oid": blob(content)}
                for path, content in files.items()
            ]
        return {"id": f"{owner}/{name}", "sha": commit, "siblings": [{"rfilename": path} for path in files]}

    def check_token(self) -> None:
        if self.headers.get("Authorization", "").removeprefix("Bearer ") not in self.hub.tokens:
            raise Refusal(401, BAD_TOKEN)
