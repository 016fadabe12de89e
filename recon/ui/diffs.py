"""What a generator yields is sent as its difference from what it yielded before. gradio's own (6.31) deletes from the
wrong places where lists within lists become shorter: what the browser then has is broken, and the page reloads itself.
This one takes its place; the browser's part, which follows the steps one after another, stays gradio's.
"""

from __future__ import annotations

from typing import Any

import gradio.utils

Step = list  # what is done, the path to where, and with what


def difference(old: Any, new: Any) -> list[Step]:
    """Steps from one value, such as JSON holds it, to another"""
    if old is new:
        return []
    if type(old) is not type(new):
        return [["replace", [], new]]
    if isinstance(old, dict):
        steps = [["delete", [key], None] for key in old if key not in new]
        for key, value in new.items():
            steps += within(key, old[key], value) if key in old else [["add", [key], value]]
        return steps
    if isinstance(old, list):
        steps = [step for k, pair in enumerate(zip(old, new, strict=False)) for step in within(k, *pair)]
        steps += [["add", [k], new[k]] for k in range(len(old), len(new))]
        # from the place that the first of them has: those behind it move up
        return steps + [["delete", [len(new)], None] for _ in range(len(new), len(old))]
    if old == new:
        return []
    if isinstance(old, str) and new.startswith(old):
        return [["append", [], new[len(old) :]]]
    return [["replace", [], new]]


def within(key: str | int, old: Any, new: Any) -> list[Step]:
    return [[what, [key, *path], value] for what, path, value in difference(old, new)]


def install() -> None:
    gradio.utils.diff = difference
