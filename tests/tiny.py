"""The smallest model there can be, and checkpoints of it: on this disk, or on a Hub of the test's own."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import torch
from fake_hub import FakeHub
from torch import nn

from recon import hub
from recon.models.base import Model

FILES = ("config.json", "model.safetensors", "README.md")


class Tiny(Model):
    """What models have: a parameter, a buffer of another dtype, an argument."""

    kind = "tiny"

    def __init__(self, *, side: int, channels: int = 1):
        super().__init__()
        self.side, self.channels = side, channels
        self.weight = nn.Parameter(torch.zeros(side, side))
        self.register_buffer("factor", torch.zeros(side, 2))


def write(folder: Path, side: int = 4, fill: float = 1.0, **about) -> Path:
    """A sound checkpoint folder; its factor is stored as float16."""
    model = Tiny(side=side)
    nn.init.constant_(model.weight, fill)
    model.factor = model.factor.half()
    model.save_pretrained(folder)
    config = json.loads((folder / "config.json").read_text())
    config["checkpoint"] = {"kind": "tiny", "title": "Tiny", "licence": "cc0-1.0", "parameters": side * side} | about
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "README.md").write_text("---\nlicense: cc0-1.0\n---\n# Tiny\n")
    return folder


def bundle(tmp_path: Path, name: str, **about) -> Path:
    return write(tmp_path / "bundled" / name, **about)


def pin(server: FakeHub, tmp_path: Path, name: str = "far", **about) -> str:
    """Put a checkpoint on the Hub only, as owner `them` would, and pin it in the index; returns the commit."""
    folder = bundle(tmp_path, name, **about)
    commit = server.add(f"them/recon-{name}", {file: (folder / file).read_bytes() for file in FILES})
    index = json.loads(hub.INDEX.read_text())
    hub.INDEX.write_text(json.dumps(index | {name: hub.index_entry(name, commit)}))
    shutil.rmtree(folder)
    return commit


def asked(server: FakeHub) -> list[str]:
    return [path for _, path in server.log]
