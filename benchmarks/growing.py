"""How fast a texture grows: waves of pixels beside one pixel at a time, and many pictures at once.

    python -m benchmarks.growing [mcgsm-grass ...]

Seconds for 256 x 256 pixels with the margin around them. One at a time is timed on some rows of the same picture and
scaled to all of it; each pair of timings comes from the same run.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator

import torch
from torch import Tensor

from recon import hub
from recon.models import MCGSM
from recon.models.window import Window

SIDE, ROWS, MANY = 256, 16, 8


class OneByOne(Window):
    """Pixels in raster order."""

    def fronts(self, free: Tensor) -> Iterator[Tensor]:
        yield from free.nonzero().split(1)


def seconds(model: MCGSM, height: int, count: int = 1) -> float:
    began = time.perf_counter()
    for _ in model.generate(height, SIDE, torch.Generator().manual_seed(0), count=count):
        pass
    return time.perf_counter() - began


def main() -> None:
    ask = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ask.add_argument("names", nargs="*", default=["mcgsm-grass", "mcgsm-gravel", "mcgsm-brick", "mcgsm-leaves"])
    asked = ask.parse_args()
    print(f"| model | waves | {MANY} pictures | one pixel at a time | times faster |\n| --- | --- | --- | --- | --- |")
    for name in asked.names:
        model = hub.load_directed(name)
        assert isinstance(model, MCGSM)
        seconds(model, ROWS)  # what is slow only once
        waves, many = seconds(model, SIDE), seconds(model, SIDE, MANY)
        model.window = OneByOne(model.window.above, model.window.beside)
        rows = model.margin - model.margin // 2  # that are drawn above the picture
        single = seconds(model, ROWS) * (SIDE + rows) / (ROWS + rows)
        print(f"| {name} | {waves:.1f} s | {many:.1f} s | {single:.0f} s | {single / waves:.0f} |", flush=True)


if __name__ == "__main__":
    main()
