"""Fitting a RIDE: on patches that grow from stage to stage, as in the authors' code (8 to 22 pixels wide, the rate
falling), but by AdamW, where they have SGD with momentum and L-BFGS after each stage; a generator that can be left
anywhere.

The LSTM begins anew at each patch: small ones teach it quickly what is near, large ones slowly what is further away.
Held-out pixels are watched as in `recon.textures.fit`, but in strips with the rows above them, which it reads first.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from recon.errors import DataError
from recon.models.directed import LEVELS
from recon.models.mcgsm import MCGSM
from recon.models.ride import RIDE
from recon.textures.fit import EMA, WHITENED, Keeper, Pixels, Progress, noisy, pick

SIZES = (8, 10, 12, 14, 16, 18, 20, 22)
WATCHED = 20_000  # pixels of either kind that bits are measured on
PICTURES = 14  # the most that they come from
BEFORE = 32  # rows that the LSTM reads before those
CLIP = 1.0  # norm of the gradient, nats per pixel


def fit_ride(
    model: RIDE,
    pixels: Pixels,
    *,
    start: MCGSM | None = None,
    steps: int = 2000,
    sizes: Sequence[int] = SIZES,
    batch: int = 50,
    rate: float = 3e-3,
    decay: float = 0.3,
    mirrored: bool = False,
    seed: int = 0,
    every: int = 50,
    stop: Callable[[], bool] = lambda: False,
) -> Iterator[Progress]:
    """Fit `model` in place, on the CPU; yields before the first step and after every so many. The same seed gives the
    same model.

    pixels              to learn from and held out; all have to be `settled`, see `rows_held_out`
    start               an MCGSM to start from, for a model with `skip`; without it whitening is estimated first
    steps, batch, rate  of Adam, all sizes together, as many of each; patches a step; the rate falls to nearly 0 along
                        a half cosine; a moving average of the weights is kept
    decay               of weights (Loshchilov & Hutter 2019): 512 x 512 pixels are soon learned by heart
    mirrored            show half of the patches mirrored: for pictures that may as well be
    stop                asked at every step; once it says yes, what there is by then is yielded, and the fit ends
    The generator may be closed at any time: the model then has the weights that were best on held-out pixels.
    Raises DataError where no patch fits.
    """
    generator = torch.Generator().manual_seed(seed)
    if start is None:
        some = pick(pixels.learned, WHITENED, generator)
        model.precondition(*pixels.at(model.context, some, generator))
    else:
        model.start_from(start)
    keeper = Keeper(model, strips(model, pixels, generator))
    optimiser = torch.optim.AdamW(model.parameters(), lr=rate, betas=(0.9, 0.99), weight_decay=decay)
    stages = [(size, corners(pixels, size)) for size in sizes]
    try:
        yield keeper.progress(f"patches of {sizes[0]}", 0, steps)
        for step in range(1, steps + 1):
            size, places = stages[(step - 1) * len(stages) // steps]
            for group in optimiser.param_groups:
                group["lr"] = rate * min(1.0, step / 50) * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * step / steps)))
            chosen = places[torch.randint(len(places), (batch,), generator=generator)]
            loss = -model.log_prob_at(*patches(model, pixels, chosen, size, mirrored, generator)).mean()
            optimiser.zero_grad(set_to_none=True)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), CLIP)
            optimiser.step()
            keeper.take(model.state_dict(), min(EMA, step / (step + 10)))
            stopped = stop()
            if step % every == 0 or step == steps or stopped:
                yield keeper.progress(f"patches of {size}", step, steps)
            if stopped:
                return
    finally:
        keeper.to_best()


def corners(pixels: Pixels, size: int) -> Tensor:
    """Places of the upper left pixels of all patches of size x size that are to be learned from, int64"""
    learned = torch.zeros(pixels.images.shape, dtype=torch.bool)
    learned.view(-1)[pixels.learned] = True
    height, width = learned.shape[-2:]
    if min(height, width) < size:
        raise DataError(f"This picture is too small for patches of {size} x {size} pixels.")
    whole = F.max_pool2d(1 - learned[:, None].float(), size, stride=1)[:, 0] == 0
    found = F.pad(whole, (0, size - 1, 0, size - 1)).flatten().nonzero()[:, 0]
    if len(found) == 0:
        raise DataError(f"This picture is too small for patches of {size} x {size} pixels.")
    return found


def patches(
    model: RIDE, pixels: Pixels, corner: Tensor, size: int, mirrored: bool, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Patches with what their windows see, uniform noise added, below each other in one picture; and the places in it
    of the patches' own pixels (patches, size, size): what `RIDE.log_prob_at` takes."""
    above, beside = model.context.above, model.context.beside
    rows, columns = torch.arange(-above, size), torch.arange(-beside, size + beside)
    around = rows[:, None] * pixels.images.shape[-1] + columns
    values = noisy(pixels.images.view(-1)[corner[:, None, None] + around], generator)
    if mirrored:
        flip = torch.rand(len(values), 1, 1, generator=generator) < 0.5
        values = torch.where(flip, values.flip(-1), values)
    own = torch.arange(values.numel()).view_as(values)[:, above:, beside:-beside]
    return values.flatten(0, 1), own


def strips(model: RIDE, pixels: Pixels, generator: torch.Generator) -> Callable[[], list[float]]:
    """What a `Keeper` measures: bits per pixel on the lowest rows that are learned from, and that are held out."""
    kinds = [list(lowest(pixels.images, places, generator)) for places in (pixels.learned, pixels.held_out)]

    def measure() -> list[float]:
        found = []
        for strip in kinds:
            nats = torch.cat([model.log_prob(values[None])[0][chosen] for values, chosen in strip])
            found.append(math.log2(LEVELS) - nats.mean().item() / math.log(2))
        return found

    return measure


def lowest(images: Tensor, places: Tensor, generator: torch.Generator) -> Iterator[tuple[Tensor, Tensor]]:
    """Of some pictures the lowest rows with some of the places, about as many of each: values with uniform noise
    (rows, width), with rows above; and which of them count, bool."""
    counts = torch.zeros(images.shape, dtype=torch.bool)
    counts.view(-1)[places] = True
    some = counts.any(-1).any(-1).nonzero()[:, 0]
    some = some[torch.linspace(0, len(some) - 1, min(PICTURES, len(some))).round().long()]
    for image, chosen in zip(images[some], counts[some], strict=True):
        rows = chosen.any(1).nonzero()[:, 0]
        rows = rows[-math.ceil(WATCHED / len(some) / images.shape[-1]) :]
        first, last = int(rows[0]), int(rows[-1]) + 1
        above = max(0, first - BEFORE)
        kept = chosen[above:last].clone()
        kept[: first - above] = False
        yield noisy(image[above:last], generator), kept
