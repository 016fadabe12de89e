"""Patches of natural images, BSDS300 in grey: the columns "63 dim." and "64 dim." of the first table of Theis & Bethge
(2015), as far as this machine goes.

    RECON_DATA=... python -m benchmarks.natural_patches [--components 16 32 64] [--steps 500] [--layers 1 2]

8 x 8 pixels with uniform noise, divided by 256; the mean is taken off and the last pixel dropped (Uria, Murray &
Larochelle 2013). 4000 patches of each of 126 pictures to learn from, 1500 of each of 14 others say when to stop, 300 of
each of 70 to test: log-likelihood in nats, higher is better, with 95 % intervals over test pictures; of its difference
to the first MCGSM's too, picture by picture. "64 dim." is the whole patch in bits per pixel: the mean's density, a
mixture of 64 Gaussians, times that of the 63 numbers, over 64 (see recon.models.patches).

An MCGSM has a mixture of its own for each of the 63 pixels, with 4 scales and 48 features; each starts from that of the
pixel above it, or, where there is none, of the pixel before it. A RIDE has 64 hidden units, sees 12 pixels, and has the
same mixture of 32 components for all pixels. Ensembles are the authors' cheap ones: one model, averaged over the eight
symmetries of a patch. What is fitted is kept in --runs, and not fitted again. Seconds are of one core, other work on
the machine not counted in.
"""

from __future__ import annotations

import argparse
import json
import math
import time
from collections.abc import Callable
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from recon.data import natural
from recon.models import RIDE
from recon.models.clusters import Coordinates, cluster, log_evidence, shape_of
from recon.models.directed import dequantised
from recon.models.ensemble import Ensemble
from recon.models.patches import PatchMCGSM, PatchRIDE, log_prob_with_mean, without_last, without_mean
from recon.textures import fit_patches

SIDE = 8
LEARNED, HELD_OUT, TESTED = 4000, 1500, 300  # patches a picture
FEATURES = 48
CLUSTERS, CLUSTERED = 16, 50_000  # of the closed form, and the patches that they are found in
PAPER = {  # nats for 63 dim., bit/px for 64 dim.
    "MCGSM, 16 components": (155.1, 3.413),
    "MCGSM, 32 components": (155.8, 3.430),
    "MCGSM, 64 components": (156.2, 3.439),
    "MCGSM, 128 components": (156.4, 3.443),
    "EoMCGSM, 128 components": (158.1, 3.481),
    "RIDE, 1 layer": (150.7, 3.293),
    "RIDE, 2 layers": (152.1, 3.346),
    "EoRIDE, 2 layers": (154.5, 3.400),
}


class Table:
    """Prints a row for each model, as soon as it is measured."""

    def __init__(self, mean: float):
        self.mean, self.base = mean, None  # mean log p(m); the first MCGSM's pictures
        print("| model | 63 dim. (nats) | to the first MCGSM | 64 dim. (bit/px) | s | paper: 63 dim. | 64 dim. |")
        print("| --- | --- | --- | --- | --- | --- | --- |", flush=True)

    def add(self, title: str, each: Tensor, seconds: float) -> None:
        """each  nats, a mean a test picture, (pictures,)"""
        if self.base is None and title.startswith("MCGSM"):
            self.base = each
        beside = "–" if self.base is None or each is self.base else interval(each - self.base, "+.2f")
        whole = log_prob_with_mean(each.mean(), torch.tensor(self.mean), SIDE**2) / SIDE**2 / math.log(2)
        paper = "{:.1f} | {:.3f}".format(*PAPER[title]) if title in PAPER else "– | –"
        print(f"| {title} | {interval(each, '.2f')} | {beside} | {whole:.3f} | {seconds:.0f} | {paper} |", flush=True)


def interval(each: Tensor, digits: str) -> str:
    return f"{each.mean():{digits}} ({1.96 * each.std().item() / math.sqrt(len(each)):.2f})"


def main() -> None:
    ask = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ask.add_argument("--components", type=int, nargs="*", default=[16, 32, 64])
    ask.add_argument("--steps", type=int, default=500, help="of Adam, a pixel")
    ask.add_argument("--layers", type=int, nargs="*", default=[], help="of the spatial LSTM: a RIDE each")
    ask.add_argument("--ride-steps", type=int, default=1000)
    ask.add_argument("--runs", type=Path, default=Path("runs"), help="where fitted models are kept")
    asked = ask.parse_args()
    generator = torch.Generator().manual_seed(0)
    learned, held_out, tested = (
        without_mean(dequantised(natural.patches(natural.load(split), each, generator), generator))
        for split, each in (("train", LEARNED), ("valid", HELD_OUT), ("test", TESTED))
    )
    patches, others = learned[0].flatten(0, 1), held_out[0].flatten(0, 1)
    y, y_others = without_last(patches), without_last(others)
    table = Table(of_mean(*(found[1].flatten() for found in (learned, held_out, tested))))

    def add(title: str, log_prob: Callable[[Tensor], Tensor], seconds: float) -> None:
        with torch.no_grad():
            table.add(title, torch.stack([log_prob(each).double().mean() for each in tested[0]]), seconds)

    for title, closed in (
        ("Gaussian", gaussian),
        ("Gaussian scale mixture", scale_mixture),
        (f"mixture of {CLUSTERS} scale mixtures", mixture),
    ):
        began = time.process_time()
        law = closed(y)
        add(title, lambda each, law=law: law(without_last(each)), time.process_time() - began)
    for components in asked.components:
        model, seconds = mcgsm(components, asked.steps, asked.runs, y, y_others)
        add(f"MCGSM, {components} components", summed(model), seconds)
        if components == max(asked.components):
            add(f"EoMCGSM, {components} components", Ensemble([model]).log_prob, seconds)
    for layers in asked.layers:
        model, seconds = ride(layers, asked.ride_steps, asked.runs, patches, others)
        title = f"RIDE, {layers} layer{'s' * (layers > 1)}"
        add(title, summed(model), seconds)
        if layers == max(asked.layers):
            add(f"Eo{title}", Ensemble([model]).log_prob, seconds)


def summed(model: nn.Module) -> Callable[[Tensor], Tensor]:
    return lambda patches: model.log_prob(patches).sum((1, 2))


def of_mean(learned: Tensor, held_out: Tensor, tested: Tensor) -> float:
    """Mean log p(m) of test patches, in nats, by a mixture fitted to the means of others."""
    torch.manual_seed(0)
    model = PatchMCGSM(1, components=16, features=1)
    *_, told = fit_patches.fit_dim(model, 0, learned[:, None], held_out[:, None])
    print(f"<!-- mean: {told} -->")
    with torch.no_grad():
        found = model.log_prob_of(tested[:, None], 0).double().mean().item()
    print(f"<!-- mean log p(m) on test patches: {found:.3f} nats; less log 64: {found - math.log(SIDE**2):.3f} -->")
    return found


def gaussian(y: Tensor) -> Callable[[Tensor], Tensor]:
    y = y.double()
    law = torch.distributions.MultivariateNormal(y.mean(0), y.T.cov())
    return lambda each: law.log_prob(each.double())


def scale_mixture(y: Tensor) -> Callable[[Tensor], Tensor]:
    return mixture(y, 1)


def mixture(y: Tensor, count: int = CLUSTERS) -> Callable[[Tensor], Tensor]:
    """Clusters of patches, each a Gaussian scale mixture whose scales are all as likely (see recon.models.clusters)."""
    generator = torch.Generator().manual_seed(0)
    y = y[torch.randperm(len(y), generator=generator)[:CLUSTERED]].double()
    centre, factor = y.mean(0), torch.linalg.cholesky(y.T.cov())
    log_scales = torch.linspace(-7, 3, 11)

    def whitened(each: Tensor) -> Coordinates:
        found = torch.linalg.solve_triangular(factor, (each.double() - centre).T, upper=False).T.float()
        return Coordinates(found, found[:, :0])

    known = whitened(y)
    labels, inverse = cluster(known, count, log_scales, generator)
    parts = []
    for k in labels.unique().tolist():
        members = labels == k
        theirs = Coordinates(known.even[members], known.odd[members])
        parts.append((math.log(len(theirs.even) / len(y)), shape_of(theirs, inverse[members], y.shape[1] / 2)))
    constant = 0.5 * y.shape[1] * math.log(2 * math.pi) + math.log(len(log_scales)) + factor.diagonal().log().sum()

    def log_prob(each: Tensor) -> Tensor:
        pictures = whitened(each)
        found = [share + log_evidence(pictures, shape, log_scales)[0] for share, shape in parts]
        return torch.stack(found).logsumexp(0) - constant

    return log_prob


def mcgsm(components: int, steps: int, runs: Path, y: Tensor, held_out: Tensor) -> tuple[PatchMCGSM, float]:
    """A model and the seconds that it took. A pixel whose mixture is in `runs` is not fitted again."""
    folder = runs / f"bsds300-patches-mcgsm-{components}-{steps}"
    folder.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(0)
    model, seconds = PatchMCGSM(y.shape[1], components, features=FEATURES), 0.0
    for dim in range(y.shape[1]):
        kept, taken = folder / f"{dim:02}.safetensors", folder / f"{dim:02}.json"
        if not taken.exists():
            began = time.process_time()
            if dim > 1:
                model.start_from(dim - SIDE if dim > SIDE else dim - 1, dim)
            *_, told = fit_patches.fit_dim(model, dim, y, held_out, steps=steps, seed=dim, every=max(1, steps // 4))
            print(f"<!-- {components}, pixel {dim}: {told} -->", flush=True)
            save_file(model.mixture(dim).state_dict(), kept)
            taken.write_text(json.dumps(time.process_time() - began))
        model.mixture(dim).load_state_dict(load_file(kept))
        seconds += json.loads(taken.read_text())
    return model, seconds


def ride(layers: int, steps: int, runs: Path, patches: Tensor, held_out: Tensor) -> tuple[PatchRIDE, float]:
    """The same for a RIDE, which is kept when it is fitted."""
    folder = runs / f"bsds300-patches-ride-{layers}-{steps}"
    if (folder / "seconds.json").exists():
        return PatchRIDE(RIDE.from_pretrained(folder)), json.loads((folder / "seconds.json").read_text())
    torch.manual_seed(0)
    model = PatchRIDE(RIDE(layers=layers))
    began = time.process_time()
    for told in fit_patches.fit_ride(model, patches, held_out, steps=steps):
        print(f"<!-- {layers} layers: {told} -->", flush=True)
    seconds = time.process_time() - began
    model.ride.save_pretrained(folder)
    (folder / "seconds.json").write_text(json.dumps(seconds))
    return model, seconds


if __name__ == "__main__":
    main()
