"""The README's code runs as it stands, but for sizes: what would take minutes is asked of less."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")
README = Path(__file__).parents[2] / "README.md"
SMALLER = {  # what stands there, and what is run in its place
    "sources.photographs(64,": "sources.photographs(2,",
    '("random", "sobol"), (32, 128), seeds=3': '("random", "sobol"), (32, 128), seeds=1',
    "generate(256, 256,": "generate(12, 12,",
    "torch.linspace(-1, 1, 200)": "torch.linspace(-1, 1, 9)",
    "frames=32, side=48": "frames=4, side=8",
    "    print(progress.learned, progress.held_out)": "    print(progress.learned, progress.held_out); break",
    "    step.canvas, step.acceptance, step.bits": "    step.canvas, step.acceptance, step.bits; break",
    "rows_learned(*image.shape[1:])):\n    ...": "rows_learned(*image.shape[1:])):\n    break",
}


def blocks(language: str, under: str) -> list[str]:
    (part,) = re.findall(rf"^## {under}\n(.*?)^## ", README.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    return re.findall(rf"```{language}\n(.*?)```", part, re.DOTALL)


@pytest.fixture(scope="module")
def tabs():
    return ()


def test_as_a_library(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    Image.fromarray(rng.integers(0, 256, (90, 80, 3), np.uint8)).save("me.jpg")
    frames = [Image.fromarray(rng.integers(0, 256, (30, 40), np.uint8)) for _ in range(20)]
    frames[0].save("anything-that-moves.gif", save_all=True, append_images=frames[1:])
    found = blocks("python", "As a library")
    assert len(found) == 5
    room: dict = {}
    for block in found:
        for old, new in SMALLER.items():
            block = block.replace(old, new)
        exec(compile(block, "README.md", "exec"), room)
    text = "".join(found)
    assert all(old in text for old in SMALLER), "what is no longer there need not be made smaller"
    said = capsys.readouterr().out
    assert "gaussian-celeba" in said and "mdn-celeba" in said


def test_as_an_api(url):
    (block,) = blocks("python", "As an API")
    room: dict = {}
    assert "http://127.0.0.1:7860" in block
    exec(block.replace("http://127.0.0.1:7860", url), room)
    assert np.shape(room["answer"]["mean"]) == (3, 32, 32)
    room["client"].close()


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_over_plain_http(url):
    (block,) = blocks("sh", "As an API")
    command = block.replace("http://127.0.0.1:7860/", url)
    said = subprocess.run(["sh", "-c", command], capture_output=True, text=True, timeout=60, check=True).stdout
    assert said.startswith("event: complete\ndata: [[[") and said.count("], [") == 15


def test_the_table_of_endpoints_is_of_all(url):
    import httpx

    (part,) = re.findall(r"^## As an API\n(.*?)^## ", README.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    rows = dict(re.findall(r"^\| `/(\w+)` \| (.*?) \|", part, re.MULTILINE))
    info = httpx.get(f"{url}gradio_api/info").json()["named_endpoints"]
    assert {f"/{name}" for name in rows} == set(info)
    for name, said in rows.items():
        known = {one["parameter_name"] for one in info[f"/{name}"]["parameters"]}
        assert set(re.findall(r"`(\w+)`", said)) <= known, name
