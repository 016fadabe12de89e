"""Figures 3 and 4 of PixelTransformer (Tulsiani & Gupta 2021), remade, and what lies between the pixels.

    python -m benchmarks.between_pixels [--model pixel-transformer-celeba] [--plot docs/pixel_transformer_face.png]

The astronaut's face (scikit-image's data) from more and more pixels of 32 x 32, from the left to the right: what is
observed, the mean, the mean asked for at 128 x 128 places, and two joint samples. Printed: PSNR of the mean, in which
observed pixels are as they are; and against the face at 128 x 128, of the mean asked for there and of what bicubic
interpolation makes of the first.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional as F

import recon
from recon import Observation, hub, images, metrics, patches
from recon.evaluation.sheet import save, shown, table
from recon.models import PixelTransformer
from recon.ui import pictures

SIZES = (16, 32, 64, 128, 256)
FINE = 128
ROWS = ("observed", "mean", f"at {FINE} x {FINE}", "sample", "another sample")


def main() -> None:
    ask = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ask.add_argument("--model", default="pixel-transformer-celeba")
    ask.add_argument("--plot", type=Path, help="a PNG to draw")
    asked = ask.parse_args()
    model = hub.load(asked.model, "cpu")
    assert isinstance(model, PixelTransformer)
    truth, fine_truth = (of_face(side) for side in (model.side, FINE))
    if model.channels == 1:
        truth, fine_truth = (picture.mean(1, keepdim=True) for picture in (truth, fine_truth))
    columns = [[shown(truth[0]), None, shown(fine_truth[0]), None, None]]
    print("| pixels | mean | at 128 x 128 | bicubic |\n| --- | --- | --- | --- |")
    for size in reversed(SIZES):
        mask = torch.from_numpy(patches.sobol(model.side, size))[None, None]
        known = Observation(truth * mask, mask)
        mean = model.predict(known).mean
        fine = model.mean_at(known, FINE)
        bicubic = F.interpolate(mean, (FINE, FINE), mode="bicubic", align_corners=False).clamp(0, 1)
        scores = (metrics.psnr_db(mean, truth), *(metrics.psnr_db(one, fine_truth) for one in (fine, bicubic)))
        print(f"| {size} | " + " | ".join(f"{score:.2f} dB" for score in scores) + " |", flush=True)
        samples = recon.sample(model, known, 2, 32, seed=0)
        columns.insert(0, [shown(truth[0], mask[0]), *map(shown, (mean[0], fine[0], *samples))])
    if asked.plot:
        rows = zip(ROWS, zip(*columns, strict=True), strict=True)
        heads = [*(f"{size} pixels" for size in SIZES), "truth"]
        save(table([("", [*rows])], heads, FINE), asked.plot, colours=None)


def of_face(side: int) -> Tensor:
    return images.to_tensor(images.fit(pictures.face(), side))[None]


if __name__ == "__main__":
    main()
