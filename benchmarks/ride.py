"""RIDE beside the MCGSM on one texture: `python -m benchmarks.ride brick` (a name of `recon.textures.shipped`).

Both are fitted to the upper 80 % of the rows and measured on all settled pixels of the rest, the same for both, the
picture's rows above as context. Prints bits per pixel, and seconds by the clock and of processor time. RIDE starts from
the MCGSM, or with `--alone`, the paper's, from nothing.
"""

import argparse
import time

import torch

from recon.models import MCGSM, RIDE
from recon.textures import fit, fit_ride, shipped


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("texture", choices=shipped.TEXTURES)
    parser.add_argument("--alone", action="store_true", help="no skip: the paper's RIDE")
    parser.add_argument("--layers", type=int, default=1)
    parser.add_argument("--hidden", type=int, default=64)
    parser.add_argument("--components", type=int, default=12)
    parser.add_argument("--steps", type=int, default=1000)
    parser.add_argument("--rate", type=float, default=3e-3)
    parser.add_argument("--decay", type=float, default=0.3)
    parser.add_argument("--mirrored", action="store_true")
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    image = shipped.load(asked.texture)
    torch.manual_seed(asked.seed)  # only initial weights come from the global generator
    base = MCGSM(components=asked.components)
    pixels = fit.rows_held_out(image, base)
    report("MCGSM", base, pixels, fit.fit(base, pixels, steps=2500, seed=asked.seed))
    skip = None if asked.alone else (base.window.above, base.window.beside)
    model = RIDE(skip=skip, hidden=asked.hidden, layers=asked.layers, components=asked.components)
    running = fit_ride.fit_ride(
        model,
        fit.rows_held_out(image, model),
        start=None if asked.alone else base,
        steps=asked.steps,
        rate=asked.rate,
        decay=asked.decay,
        mirrored=asked.mirrored,
        seed=asked.seed,
    )
    report("RIDE alone" if asked.alone else "RIDE from the MCGSM", model, pixels, running)


def report(title: str, model: MCGSM | RIDE, pixels: fit.Pixels, running) -> None:
    began, worked = time.monotonic(), time.process_time()
    for told in running:
        if told.step % 100 == 0:
            print(
                f"  {told.phase}, step {told.step}: {told.learned:.3f} learned, {told.held_out:.3f} held out",
                flush=True,
            )
    seconds, work = time.monotonic() - began, time.process_time() - worked
    learned, held_out = fit.measure(model, pixels)
    print(
        f"{title}: {learned:.4f} learned, {held_out:.4f} held out; {seconds:.0f} s, {work:.0f} s of processor",
        flush=True,
    )


if __name__ == "__main__":
    main()
