"""What is locked is what is pinned, and each of it by a hash."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[1]


def pins(path: Path) -> dict[str, set[str]]:
    """Versions of each package that a file of requirements names"""
    found: dict[str, set[str]] = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        if match := re.match(r"([A-Za-z0-9._-]+)(?:\[[a-z]+\])?==([^\s;]+)", line):
            found.setdefault(match[1].lower().replace("_", "-"), set()).add(match[2])
    return found


def test_the_lock_holds_what_is_pinned():
    """Else `make lock` was forgotten."""
    pinned, locked = pins(ROOT / "requirements.txt"), pins(ROOT / "requirements.lock")
    assert {"torch", "gradio", "numpy"} <= set(pinned) and len(locked) > 50
    for name, versions in pinned.items():
        assert locked.get(name) == versions, name


def test_each_is_locked_by_a_hash():
    text = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    entries = re.split(r"\n(?=\S)", re.sub(r"^#.*\n", "", text, flags=re.MULTILINE))
    for entry in filter(str.strip, entries):
        assert re.search(r"--hash=sha256:[0-9a-f]{64}", entry), entry.splitlines()[0]
