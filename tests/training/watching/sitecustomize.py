"""Imported by every process that `test_launched` and `test_killed` start, before anything else of it: notes which files
below its folder it makes, writes or moves, and which pictures it takes for each step; WATCHED names the folder for
these notes. KILLED says when it is to kill itself, as nothing can be done about:

    step 7      when it comes to that step
    save 7      with half of what it saves for the seventh time on the disk
    move 7      when it is about to put what it saved for the seventh time in the place of what was there
    folder 3    when it is about to put the third file of a checkpoint where it belongs
"""

from __future__ import annotations

import hashlib
import os
import signal
import sys
from collections import Counter
from pathlib import Path

NOTES, HERE = Path(os.environ["WATCHED"]), os.getcwd() + os.sep
RANK = os.environ.get("RANK", "launcher")
WHAT, WHEN = os.environ.get("KILLED", "never -1").split()
came = Counter[str]()
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT
MAKING = ("os.rename", "os.mkdir", "os.link", "os.symlink", "os.truncate")


def note(kind: str, line: str) -> None:
    with open(NOTES / f"{RANK}.{kind}", "a") as notes:
        notes.write(line + "\n")


def below(*paths) -> list[str]:
    return [path for path in paths if isinstance(path, str | os.PathLike) and os.path.abspath(path).startswith(HERE)]


def watch(event: str, arguments: tuple) -> None:
    if (event == "open" and arguments[2] & WRITING and below(arguments[0])) or (
        event in MAKING and below(*arguments[:2])
    ):
        note("writes", f"{event} {arguments[0]}")
    if event == "os.rename" and RANK.isdecimal() and below(arguments[1]):
        maybe_killed("move" if "runs" in Path(arguments[1]).parts else "folder")


def maybe_killed(what: str, now: int | None = None) -> None:
    """The next time that it comes to `what`, or that it is `now`"""
    came[what] += 1
    if what == WHAT and int(WHEN) == (came[what] if now is None else now):
        os.kill(os.getpid(), signal.SIGKILL)


sys.addaudithook(watch)

if RANK.isdecimal():
    import safetensors.torch

    save_file = safetensors.torch.save_file

    def noted(tensors, path, *arguments, **named):  # what is written in Rust is not audited
        note("writes", f"save_file {path}")
        save_file(tensors, path, *arguments, **named)
        if WHAT == "save":
            whole = Path(path).read_bytes()
            Path(path).write_bytes(whole[: len(whole) // 2])
            maybe_killed("save")
            Path(path).write_bytes(whole)

    safetensors.torch.save_file = noted

    from recon.training import loop

    draw = loop.draw

    def taken(images, make_masks, recipe, step, *more):
        maybe_killed("step", step)
        drawn = draw(images, make_masks, recipe, step, *more)
        for picture in drawn[0]:
            note("pictures", f"{step} {hashlib.sha1(picture.contiguous().numpy().tobytes()).hexdigest()}")
        return drawn

    loop.draw = taken
