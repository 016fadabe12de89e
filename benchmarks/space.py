"""A Hugging Face Space on this machine, from empty caches: how long until the page is there, and what it then does.

    python -m benchmarks space [--python python3.12] [--venv FOLDER]

The Space and all model repositories are published to the local server that the tests use, by what `python -m recon
publish --space` does (cards without their pictures). An environment of its own is made from the Space's
`requirements.txt`, of Python 3.12 where there is one, and kept if `--venv` names it. Then `app.py` starts in what the
Space's repository holds and nothing else, with a Space's variables, an empty HF_HOME and the local server as the Hub;
and once more with nobody at the Hub's address. All times are seconds from the start of that process; beside them stands
how long that environment takes to import torch and gradio and do nothing, for the machine may be busy.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from benchmarks import load
from benchmarks._server import ROOT, free_port, is_open
from recon import portraits, space
from recon.portraits import Portrait

sys.path.insert(0, str(ROOT / "tests"))
from fake_hub import FakeHub

OWNER, TOKEN = "someone", "hf_local"
FETCHED = "mdn-cifar10"  # a model that a Space has to fetch
CELLS = [[4, 7, 230, 180, 150], [20, 12, 40, 30, 30]]
PATIENCE = 180.0  # seconds
LOOK = 0.02  # seconds between two looks


def environment(python: str | None, folder: Path) -> Path:
    """The Python of a new virtual environment with what a Space would install, or of the one that is there."""
    found = folder / "bin" / "python"
    if not found.exists():
        named = [python] if python else ["python3.12", sys.executable]
        each = next(one for one in named if subprocess.run([one, "--version"], capture_output=True).returncode == 0)
        began = time.monotonic()
        subprocess.run([each, "-m", "venv", folder], check=True)
        subprocess.run([found, "-m", "pip", "install", "--quiet", "-r", ROOT / "requirements.txt"], check=True)
        print(f"an environment was made in {time.monotonic() - began:.0f} s")
    return found


def published(server: FakeHub, folder: Path) -> dict[str, str]:
    """Publish to the local server, and lay out what the Space holds; its variables."""
    server.tokens.add(TOKEN)
    with pytest.MonkeyPatch.context() as patch:
        server.install(patch, folder / "publisher")
        patch.setattr(portraits, "portrait", lambda name: Portrait(b"", ""))
        space.publish(space.plan(f"{OWNER}/recon"), TOKEN)
    repo = server.repos[f"spaces/{OWNER}/recon"]
    for path, content in repo.commits[repo.head].items():
        (folder / "space" / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / "space" / path).write_bytes(content)
    return repo.variables


@contextmanager
def running(python: Path, folder: Path, variables: dict[str, str], endpoint: str) -> Iterator[tuple[str, float]]:
    """The page as a Space has it, from nothing: its address, and when it was started."""
    shutil.rmtree(folder / "home", ignore_errors=True)
    port = free_port()
    settings = {
        **{name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ},
        **variables,
        "SYSTEM": "spaces",
        "SPACE_ID": f"{OWNER}/recon",
        "SPACE_AUTHOR_NAME": OWNER,
        "SPACE_REPO_NAME": "recon",
        "SPACE_HOST": f"127.0.0.1:{port}",
        "HOME": str(folder / "home"),
        "HF_HOME": str(folder / "home" / "hf"),
        "HF_ENDPOINT": endpoint,
        "NO_PROXY": "127.0.0.1",
        "GRADIO_SERVER_PORT": str(port),
    }
    with (folder / "log").open("w") as log:
        began = time.monotonic()
        process = subprocess.Popen([python, "app.py"], cwd=folder / "space", env=settings, stdout=log, stderr=log)
        try:
            while not is_open(port):
                if process.poll() is not None or time.monotonic() > began + PATIENCE:
                    raise SystemExit("The page did not start:\n" + (folder / "log").read_text())
                time.sleep(LOOK)
            yield f"http://127.0.0.1:{port}/", began
        finally:
            process.terminate()
            process.wait(20)


class First:
    """The first visitor: what comes to them when, and what they are told."""

    def __init__(self, began: float, folder: Path, fetched: set[str]):
        self.began, self.folder, self.fetched = began, folder, fetched
        self.times = {"port": self.now()}
        self.status = self.note = ""

    def now(self) -> float:
        return time.monotonic() - self.began

    async def visit(self, url: str, hub_is_there: bool) -> None:
        async with httpx.AsyncClient(base_url=url, timeout=PATIENCE) as client:
            (await client.get("")).raise_for_status()
            page = load.Page((await client.get("config")).raise_for_status().json())
            self.times["page"] = self.now()
            self.tab = load.Tab(client)
            view, self.status, _ = await self.stroke(page, None)
            self.times["stroke"] = self.now()
            assert view["png"], self.status
            while True:  # as the page, which asks again while another model answers
                view, _, note = await self.stroke(page, FETCHED)
                self.note = self.note if hub_is_there and self.note else note
                if hub_is_there if "again" not in view else "could not be fetched" in note:
                    self.times["fetched" if hub_is_there else "stand-in"] = self.now()
                    break
                await asyncio.sleep(0.1)
            while hub_is_there and not all(map(self.is_here, self.fetched)):
                await asyncio.sleep(LOOK)
            self.times |= {"all": self.now()} if hub_is_there else {}
            await self.tab.close()

    async def stroke(self, page: load.Page, model: str | None) -> tuple[dict, str, str]:
        """View, status and note, of the page's own model or another."""
        event = page.event("recon-painter", "stroke", "recon-view")
        given: dict[int, object] = {page.named["recon-painter"]: {"side": 32, "cells": CELLS}}
        if model is not None:
            given[page.named["recon-model"]] = model
        body = {"data": event.filled(given), "fn_index": event.number, "trigger_id": event.trigger, "event_data": None}
        told = await self.tab.ask(body)
        assert not told, told
        view, *_, status, note = self.tab.said
        return view, status, note

    def is_here(self, name: str) -> bool:
        """Its card comes last."""
        return any((self.folder / "home/hf/hub").glob(f"models--{OWNER}--recon-{name}/snapshots/*/README.md"))


def line(title: str, times: dict[str, float], columns: dict[str, str]) -> str:
    return f"| {title} | " + " | ".join(f"{times[key]:.1f} s" if key in times else "" for key in columns) + " |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--python", help="to make the environment with")
    parser.add_argument("--venv", type=Path, help="an environment to keep")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as made, FakeHub() as server:
        folder = Path(made)
        python = environment(asked.python, asked.venv or folder / "venv")
        variables = published(server, folder)
        fetched = {name for name in space.plan(f"{OWNER}/recon").models if name not in space.KEPT}
        versions = "import platform, torch; print('Python', platform.python_version(), 'torch', torch.__version__)"
        print(
            subprocess.run([python, "-c", versions], capture_output=True, text=True, check=True).stdout.strip(), end=""
        )
        print(f", {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} before", flush=True)
        began, quiet = time.monotonic(), {**os.environ, "GRADIO_ANALYTICS_ENABLED": "False"}
        subprocess.run([python, "-c", "import torch, gradio"], check=True, env=quiet)
        print(f"importing torch and gradio alone: {time.monotonic() - began:.1f} s", flush=True)
        columns = {"port": "port open", "page": "page", "stroke": "first stroke", "fetched": "a model from the Hub"}
        columns |= {"all": f"all {len(fetched)} others", "stand-in": "a stand-in, and why"}
        print("| | " + " | ".join(columns.values()) + " |\n" + "| --- " * (1 + len(columns)) + "|")
        for title, endpoint in (("the Hub is there", server.url), ("it is not", "http://127.0.0.1:9")):
            with running(python, folder, variables, endpoint) as (url, began):
                first = First(began, folder, fetched)
                asyncio.run(first.visit(url, endpoint == server.url))
            print(line(title, first.times, columns))
            print(f"  {first.status}\n  {first.note}", flush=True)


if __name__ == "__main__":
    main()
