"""What the browser makes of the differences that it is sent, step after step."""

from __future__ import annotations

import random

import gradio.utils
import pytest

from recon.ui.diffs import difference

client = pytest.importorskip("gradio_client.utils")


def tree(rng: random.Random, depth: int = 0):
    kind = rng.randrange(7 if depth < 4 else 4)
    if kind < 4:
        return rng.choice([None, True, 1, 1.0, 0.5, "", "ab", "abc", "b", float(rng.randrange(3))])
    parts = [tree(rng, depth + 1) for _ in range(rng.randrange(5))]
    return parts if kind < 6 else {rng.choice("abcdef"): part for part in parts}


def test_whatever_comes_next_arrives():
    rng = random.Random(0)
    for _ in range(3000):
        old, new = tree(rng), tree(rng)
        assert client.apply_diff(old, difference(old, new)) == new


def test_lists_within_lists_become_shorter():
    """As a plot's do when what was to be seen before there was anything gives way to what there is"""
    old = {"traces": [{"x": [], "y": []}, {"x": [0, 60], "y": [8, 5]}, {"x": [30, 31, 32], "y": [6, 7, 8]}, {"x": [1]}]}
    new = {"traces": [{"x": [1.0], "y": [2.0]}, {"x": [1.0], "y": [2.0]}, {"x": [1.0], "y": [2.0]}]}
    assert client.apply_diff(old, difference(old, new)) == new


def test_a_little_more_costs_a_little():
    old = {"traces": [{"x": list(range(100))}], "text": "drawing"}
    assert difference(old, old) == []
    new = {"traces": [{"x": list(range(101))}], "text": "drawing …"}
    assert difference(old, new) == [["add", ["traces", 0, "x", 100], 100], ["append", ["text"], " …"]]


def test_the_page_sends_these(engine):
    from recon.ui import page

    page.build(engine, ())
    assert gradio.utils.diff is difference
