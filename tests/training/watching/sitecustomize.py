"""Imported by every process that `test_launched` starts, before anything else of it: notes which files below its folder
it makes, writes or moves, and which pictures it takes for each step; WATCHED names the folder for these notes. With
KILLED_AT it kills itself when it comes to that step."""

from __future__ import annotations

import hashlib
import os
import signal
import sys
from pathlib import Path

NOTES, HERE = Path(os.environ["WATCHED"]), os.getcwd() + os.sep
RANK = os.environ.get("RANK", "launcher")
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


sys.addaudithook(watch)

if RANK.isdecimal():
    import safetensors.torch

    save_file = safetensors.torch.save_file

    def noted(tensors, path, *arguments, **named):  # what is written in Rust is not audited
        note("writes", f"save_file {path}")
        save_file(tensors, path, *arguments, **named)

    safetensors.torch.save_file = noted

    from recon.training import loop

    draw = loop.draw

    def taken(images, make_masks, recipe, step, *more):
        if step == int(os.environ.get("KILLED_AT", "-1")):
            os.kill(os.getpid(), signal.SIGKILL)
        drawn = draw(images, make_masks, recipe, step, *more)
        for picture in drawn[0]:
            note("pictures", f"{step} {hashlib.sha1(picture.contiguous().numpy().tobytes()).hexdigest()}")
        return drawn

    loop.draw = taken
