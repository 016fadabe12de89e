"""The table of faults names tests that there are, and each row one."""

from __future__ import annotations

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parents[1]


def rows() -> list[list[str]]:
    lines = (ROOT / "docs/faults.md").read_text(encoding="utf-8").splitlines()
    cells = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines if line.startswith("| ")]
    return cells[2:]  # without the heading


def named(cell: str) -> list[tuple[Path, str]]:
    """Files and tests of a row, "" for the whole file; a test without a file is of the file before it."""
    found, file = [], Path()
    for word in re.findall(r"`((?:tests/|test_)[^`]+)`", cell):
        path, _, test = word.rpartition("::") if "::" in word else ("", "", word)
        if word.endswith(".py"):
            path, test = word, ""
        file = ROOT / path if path else file
        found.append((file, test))
    return found


def those_in(file: Path) -> set[str]:
    tree = ast.parse(file.read_text(encoding="utf-8"))
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")}


def test_every_fault_is_made_by_a_test_that_there_is():
    table = rows()
    assert len(table) > 25
    for row in table:
        assert len(row) == 3 and named(row[2]), row
        for file, test in named(row[2]):
            assert file.is_file() and those_in(file), (row[0], file)
            assert not test or test in those_in(file), (row[0], test)
