"""Natural images, BSDS300 in grey: the first table of Theis & Bethge (2015), as far as this machine goes.

    RECON_DATA=... python -m benchmarks.natural [--components 16 32 64 128] [--layers 1 2] [--alone] [--ensembles]

Every MCGSM sees 40 pixels (five rows of nine columns up to the pixel), has 4 scales and 48 features, and is fitted by
Adam and L-BFGS to random pixels of 126 training pictures; 14 others say when to stop. A RIDE has
64 hidden units and an LSTM that sees 12 pixels; it starts from the MCGSM of 32 components, whose window its mixture
sees too, or with --alone from nothing, as in the paper; patches of 8 x 8 to 22 x 22, half mirrored. Log-likelihoods are
means over 70 test pictures, every pixel that has the MCGSM's whole window in its picture (the paper's "infinite"
images), in bits per pixel of [0, 1], as in the paper: higher is better; 8 less that is the bits that a pixel costs. In
brackets 95 % intervals over pictures; RIDE stands beside the last MCGSM too, picture by picture. An ensemble is one
model applied to eight flips and rotations of a picture; it is measured on every fifth picture, and on pixels that have
all windows of all members in the picture, and stands beside the mean of its members there.
"""

from __future__ import annotations

import argparse
import json
import math
import time
from pathlib import Path

import torch
from torch import Tensor

from recon.data import natural
from recon.models import MCGSM, RIDE
from recon.models.directed import Directed, dequantised
from recon.models.ensemble import Ensemble
from recon.models.window import Window
from recon.textures import fit
from recon.textures.fit_ride import fit_ride

ABOVE, BESIDE = 4, 4
FEATURES = 48
BASE = 32  # components of the MCGSM that a RIDE starts from
SIDE = 8  # of the patches of a closed-form Gaussian


def main() -> None:
    ask = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ask.add_argument("--components", type=int, nargs="+", default=[16, 32, 64, 128])
    ask.add_argument("--steps", type=int, default=3000)
    ask.add_argument("--layers", type=int, nargs="*", default=[], help="of the spatial LSTM: a RIDE each")
    ask.add_argument("--ride-steps", type=int, default=1500)
    ask.add_argument("--alone", action="store_true", help="RIDE as in the paper")
    ask.add_argument(
        "--ensembles", action="store_true", help="of the last MCGSM and the last RIDE, every fifth picture"
    )
    ask.add_argument("--runs", type=Path, default=Path("runs"), help="where fitted models are kept")
    asked = ask.parse_args()
    train, valid, test = (natural.load(split) for split in ("train", "valid", "test"))
    cores = torch.get_num_threads()
    print(f"| model | bit/px | more than what it stands beside | seconds, {cores} cores |", flush=True)
    print("| --- | --- | --- | --- |", flush=True)
    began = time.monotonic()
    print(row("Gaussian, patches of 8 x 8", gaussian(train, test), time.monotonic() - began), flush=True)
    for components in (1, *asked.components):
        model, seconds = fitted(components, asked.steps, asked.runs, train, valid)
        title = f"MCGSM, {components} comp." if components > 1 else "linear Gaussian predictor"
        each = each_picture(model, test)
        print(row(title, each, seconds), flush=True)
    if asked.ensembles:
        ensemble(f"EoMCGSM, {components} comp.", model, test[::5])
    for layers in asked.layers:
        base = None if asked.alone else fitted(BASE, asked.steps, asked.runs, train, valid)[0]
        ride, seconds = recurrent(layers, base, asked.ride_steps, asked.runs, train, valid)
        title = f"RIDE, {layers} layer{'s' * (layers > 1)}" + ("" if base is None else f", from MCGSM, {BASE} comp.")
        print(row(title, each_picture(ride, test), seconds, each), flush=True)
    if asked.ensembles and asked.layers:
        ensemble(f"Eo{title}", ride, test[::5])


def row(title: str, each: Tensor, seconds: float, beside: Tensor | None = None) -> str:
    """With what each picture has more than `beside`, if that is given"""
    more = "–" if beside is None else f"{(each - beside).mean():+.3f} ({interval(each - beside):.3f})"
    return f"| {title} | {each.mean():.3f} ({interval(each):.3f}) | {more} | {seconds:.0f} |"


def interval(each: Tensor) -> float:
    return 1.96 * each.std().item() / math.sqrt(len(each))


def fitted(components: int, steps: int, runs: Path, train: Tensor, valid: Tensor) -> tuple[MCGSM, float]:
    """A model and the seconds that it took; one that is in `runs` is not fitted again."""
    folder = runs / f"bsds300-mcgsm-{components}-{steps}"
    if (folder / "seconds.json").exists():
        return MCGSM.from_pretrained(folder), json.loads((folder / "seconds.json").read_text())
    linear = components == 1
    torch.manual_seed(0)
    model = MCGSM(
        above=ABOVE, beside=BESIDE, components=components, scales=1 if linear else 4, features=1 if linear else FEATURES
    )
    if linear:
        for tensor in (model.mixture.predictors, model.mixture.precisions, model.mixture.weights):
            tensor.data.zero_()
    began = time.monotonic()
    steps = 0 if linear else steps
    for told in fit.fit(model, pixels(model, train, valid), steps=steps, finish=0 if linear else 8, every=250):
        print(f"<!-- {components}: {told} -->", flush=True)
    seconds = time.monotonic() - began
    model.save_pretrained(folder)
    (folder / "seconds.json").write_text(json.dumps(seconds))
    return model, seconds


def recurrent(
    layers: int, base: MCGSM | None, steps: int, runs: Path, train: Tensor, valid: Tensor
) -> tuple[RIDE, float]:
    """The same for a RIDE."""
    folder = runs / f"bsds300-ride-{layers}-{steps}{'-alone' * (base is None)}"
    if (folder / "seconds.json").exists():
        return RIDE.from_pretrained(folder), json.loads((folder / "seconds.json").read_text())
    torch.manual_seed(0)
    model = RIDE(layers=layers)
    if base is not None:
        model = RIDE(layers=layers, skip=(ABOVE, BESIDE), components=BASE, features=FEATURES)
    began = time.monotonic()
    running = fit_ride(model, pixels(model, train, valid), start=base, steps=steps, decay=0.0, mirrored=True, every=250)
    for told in running:
        print(f"<!-- {layers} layers: {told} -->", flush=True)
    seconds = time.monotonic() - began
    model.save_pretrained(folder)
    (folder / "seconds.json").write_text(json.dumps(seconds))
    return model, seconds


def pixels(model: MCGSM | RIDE, train: Tensor, valid: Tensor) -> fit.Pixels:
    """Of both splits, in one stack: those to learn from are the first."""
    images = torch.cat([train, valid])
    places = model.settled(*images.shape[1:]).flatten().nonzero()[:, 0]
    size = images[0].numel()
    spread = torch.arange(len(images))[:, None] * size + places
    return fit.Pixels(images, spread[: len(train)].flatten(), spread[len(train) :].flatten())


@torch.no_grad()
def each_picture(model: Directed, images: Tensor) -> Tensor:
    """Mean log-likelihood of each picture's pixels, in bits"""
    inner = Window(ABOVE, BESIDE).inner(*images.shape[1:])
    generator = torch.Generator().manual_seed(0)
    found = [model.log_prob(dequantised(image[None], generator))[0, inner].mean() for image in images]
    return torch.stack(found) / math.log(2)


@torch.no_grad()
def ensemble(title: str, model: Directed, images: Tensor) -> None:
    """Print what one model reaches as an ensemble over the eight flips and rotations, and, on the same pixels, what its
    members reach in the mean and the best of them for each picture."""
    began, found = time.monotonic(), Ensemble([model])
    generator = torch.Generator().manual_seed(0)
    counted = int(found.settled(*images.shape[1:]).sum())
    members = torch.cat([found.log_probs(dequantised(image[None], generator), whole=False) for image in images], 1)
    whole = (members.double().logsumexp(0) - math.log(len(members))) / math.log(2)
    members = members.double() / math.log(2)
    mean = members.mean(0) / counted
    for kind, each in ((", members", mean), ("", whole / counted), (", best member", members.amax(0) / counted)):
        print(row(title + kind, each, time.monotonic() - began, None if each is mean else mean), flush=True)


def gaussian(train: Tensor, test: Tensor) -> Tensor:
    """The closed-form Gaussian over whole patches, per pixel: what a patch tells of its neighbours is lost."""
    generator = torch.Generator().manual_seed(0)

    def patches(image: Tensor) -> Tensor:
        cut = dequantised(image, generator).unfold(0, SIDE, SIDE).unfold(1, SIDE, SIDE)
        return cut.reshape(-1, SIDE * SIDE).double()

    known = torch.cat([patches(image) for image in train])
    mean, covariance = known.mean(0), known.T.cov()
    law = torch.distributions.MultivariateNormal(mean, covariance)
    return torch.stack([law.log_prob(patches(image)).mean() for image in test]) / SIDE**2 / math.log(2)


if __name__ == "__main__":
    main()
