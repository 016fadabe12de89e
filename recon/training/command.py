"""Training as the command line does it: a progress bar, and at the end a checkpoint folder with its card."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import torch
from tqdm import tqdm

from recon import devices, hub
from recon.errors import ReconError
from recon.evaluation import card
from recon.training import fit, loop, parallel, recipe


def train(name: str, full: bool, to: Path, runs: Path, device: str, save_every: float = loop.SAVE_EVERY) -> None:
    """Follow the recipe `name` to the folder `to`/NAME, `full` at the paper's own size, saving in `runs` every so many
    seconds; as one process of several where it was started so. Raises ReconError where there is no such device or
    recipe."""
    device = devices.chosen(device)
    found = recipe.load(name, full)
    try:
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:
        raise ReconError(f"There is no device {device!r} here.") from error
    with parallel.joined(device) as processes:
        if found.training or processes.first:  # a closed form is not shared
            run = fit.train(found, runs, device, save_every)
            if processes.first:
                written(run, found, to / found.name, device, processes.count)
            else:
                for _ in run:
                    pass
        processes.wait()


def counted(count: int, what: str) -> str:
    return f"{count} {what}{'s' * (count != 1)}"


def written(run: Iterator, found: recipe.Recipe, folder: Path, device: str, processes: int) -> None:
    """Follow the run to its end, and write the checkpoint and what it was trained on."""
    total = found.training.steps if found.training else None
    model, seconds = follow(run, total, found.name)
    cores = torch.get_num_threads() * processes
    where = counted(cores, "CPU core")
    if device.startswith("cuda"):
        several = f"{processes} x " if processes > 1 else ""
        where = several + torch.cuda.get_device_name(device)
    took = f", {counted(round(seconds / 60), 'minute')} on {where}"
    if found.training and not found.training.steps:
        pictures, took = f"no pictures but those of {' and '.join(found.training.start.split())}", ""
    elif found.training:
        what = "examples" if found.kind in hub.SIGNALS else "pictures"
        most = "up to " if hasattr(model, "reads") else ""  # of large patches it takes fewer
        pictures = f"{most}{found.training.steps * found.training.batch:,} {what}"
    else:
        pictures = "one pass over the training set"
    fit.write(model, found, folder, pictures + took)
    card.write(folder, found)
    elsewhere = f"RECON_CHECKPOINTS={folder.parent} " * (folder.parent.resolve() != hub.BUNDLED)
    print(f"{folder} is written; `{elsewhere}python -m recon evaluate {found.name} --card` fills in its card.")


def follow(run: Iterator, total: int | None, name: str):
    """Show the progress that a training run yields; what it yields at the end, and the seconds that it took."""
    began, seconds = time.monotonic(), None
    # the delay keeps the bar out of the way of an error before the first step
    with tqdm(total=total, unit="step", desc=name, delay=0.1) as bar:
        for told in run:
            if not isinstance(told, loop.Progress):
                return told, time.monotonic() - began if seconds is None else seconds
            seconds = told.seconds
            bar.update(told.step - bar.n)
            bar.set_postfix(loss=f"{told.loss:.4f}", images_s=f"{told.images_per_second:.0f}")
    raise ReconError(f"The run of '{name}' ended without a model.")
