"""How many pictures a second training takes, in one process and in several, and how many hours its recipe then is.

    python -m benchmarks throughput [RECIPE ...] [--processes 1 2] [--steps 60] [--full]

Hours are the recipe's pictures, steps times batch, divided by the speed; with --full of the paper's own size. On made
pictures, from fresh weights: the time does not depend on them. CPU cores are shared out evenly among processes,
GPUs one each; all at the recipe's batch. The first third of the steps is not counted.
"""

from __future__ import annotations

import argparse
import dataclasses
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import torch

RECIPES = ("mdn-celeba", "convnade-celeba", "pixel-transformer-celeba")
ROOT = Path(__file__).parents[1]


def measure(name: str, steps: int, full: bool) -> None:
    """In one of the processes; the first one prints pictures a second."""
    from recon import devices
    from recon.models import KINDS
    from recon.models.base import Network
    from recon.training import loop, parallel, recipe

    found, device = recipe.load(name, full), devices.chosen()
    kind = KINDS[found.kind]
    assert found.training is not None and issubclass(kind, Network)
    torch.set_num_threads(max(1, (os.cpu_count() or 1) // int(os.environ.get("WORLD_SIZE", "1"))))
    torch.manual_seed(0)
    model = kind(**found.model)
    shape = (max(500, found.training.batch), found.data.channels, found.data.side, found.data.side)
    images = torch.randint(0, 256, shape, dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    images = (images > 127).to(torch.uint8) * 255 if found.data.binary else images
    training = dataclasses.replace(found.training, steps=steps, start="")
    times = []
    with parallel.joined(device) as processes, tempfile.TemporaryDirectory() as folder:
        for told in loop.run(model, images, training, Path(folder) / "state", device, save_every=1e9):
            times.append((time.monotonic(), told.step))
        if processes.first:
            (began, first), (ended, last) = times[max(0, steps // 60 - 1)], times[-1]
            print(f"{(last - first) * training.batch / (ended - began):.1f}")


def launched(name: str, steps: int, processes: int, full: bool) -> float:
    run = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(processes)]
    run = run if processes > 1 else [sys.executable]
    run += ["-m", "benchmarks.throughput", name, "--steps", str(steps), "--here", *["--full"] * full]
    settings = {**os.environ, "OMP_NUM_THREADS": str(max(1, (os.cpu_count() or 1) // processes))}
    return float(subprocess.run(run, cwd=ROOT, env=settings, capture_output=True, text=True, check=True).stdout)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("recipes", nargs="*", default=RECIPES)
    parser.add_argument("--processes", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--steps", type=int, default=60)
    parser.add_argument("--full", action="store_true", help="at the paper's own size")
    parser.add_argument("--here", action="store_true", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.here:
        measure(asked.recipes[0], asked.steps, asked.full)
        return
    where = torch.cuda.get_device_name() if torch.cuda.is_available() else f"{os.cpu_count()} CPU cores"
    print(f"{where}, load {os.getloadavg()[0]:.1f} before")
    counts = " | ".join(f"{count} process{'es' * (count > 1)}" for count in asked.processes)
    print(f"| recipe | pictures | {counts} |")
    print("| --- " * (2 + len(asked.processes)) + "|")
    from recon.training import recipe

    for name in asked.recipes:
        training = recipe.load(name, asked.full).training
        assert training is not None
        speeds = [launched(name, asked.steps, count, asked.full) for count in asked.processes]
        pictures = training.steps * training.batch
        said = " | ".join(f"{speed:.0f} pictures/s: {pictures / speed / 3600:.1f} h" for speed in speeds)
        print(f"| `{name}` | {pictures:,} | {said} |", flush=True)


if __name__ == "__main__":
    main()
