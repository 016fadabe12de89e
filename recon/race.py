"""How fast a picture comes: ways to choose pixels, all of them at 4, 8, ..., 256 pixels of one picture.

Most ways lay their pixels out before anything is seen: random, Sobol', farthest point, and the patch designed for an
image set, which is what `recon.acquisition.largest_drop` chooses when it starts from nothing. Two look at the picture:
after every few pixels the model is asked where it is least sure now, or where it would learn most. A Gaussian's
spread is the same for every picture, and a scale mixture's alike up to one factor, but for what clipping at black and
white takes of it: it is for mixtures of them, and for networks that stand on one, to adapt.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass

import torch
from torch import Tensor

from recon import acquisition, metrics, patches
from recon.baselines import Interpolator
from recon.comparison import Result, Turn, mean_and_deviation
from recon.errors import ObservationError, PredictionError, ReconError
from recon.observation import Observation
from recon.prediction import Predictor

SIZES = (4, 8, 16, 32, 64, 128, 256)
LEAST_SURE, LEARNS_MOST = "least_sure", "learns_most"
LOOKING: dict[str, Callable[[Predictor, Observation, int], list[tuple[int, int]]]] = {
    LEAST_SURE: acquisition.largest_variance,
    LEARNS_MOST: acquisition.largest_weighted_drop,
}
SHARE, MOST = 4, 8  # who looks adds a quarter of what is known, eight pixels at the most, before looking again


@dataclass(frozen=True)
class Lap(Result):
    """A runner at one size: a `Result` that is called as the runner, with neither SSIM, bits nor time.

    size  number of pixels that it was to observe
    """

    size: int = 0


def runners(model: Predictor, data_set: str = "") -> list[str]:
    """All who run for a model: patch families of `recon.patches`, among them the one designed for the image set where
    there is one, and who of LOOKING can ask it."""
    designed = f"designed_{data_set}"
    looking = [name for name in LOOKING if name != LEARNS_MOST or acquisition.gaussian_of(model)]
    return ["random", "sobol", "farthest", *[designed] * (designed in patches.FAMILIES), *looking]


def race(
    model: Predictor,
    truth: Tensor,
    names: Iterable[str],
    sizes: Sequence[int] = SIZES,
    seed: int = 0,
    turn: Turn = nullcontext,
) -> Iterator[Lap]:
    """One picture, of which runners observe more and more: for each size in turn, a lap of every runner.

    truth  (1, channels, side, side) in [0, 1]; a model of grey or of binary pixels is given it as such
    names  patch families, or keys of LOOKING
    sizes  numbers of pixels, growing
    seed   of the families with chance in them
    turn   as in `recon.comparison.of_models`

    What one runner cannot do is a sentence in its lap, after which it runs no more; a model that gives a mean alone has
    no choice of its own. Raises ObservationError where the truth is not one square picture, or the sizes do not grow.
    """
    if truth.ndim != 4 or len(truth) != 1 or truth.shape[2] != truth.shape[3]:
        raise ObservationError(f"A race is run on one square picture, not on {tuple(truth.shape)}.")
    if not all(map(patches.is_whole, sizes)) or list(sizes) != sorted(set(sizes)):
        raise ObservationError(f"The numbers of pixels are whole and must grow; these are not: {list(sizes)}.")
    if sizes and not 0 < sizes[0] <= sizes[-1] <= truth.shape[2] ** 2:
        raise ObservationError(f"This picture has {truth.shape[2] ** 2} pixels; a race cannot be run at {list(sizes)}.")
    whole = Observation(truth, torch.ones_like(truth[:, :1], dtype=torch.bool)).as_seen_by(model).values
    names = [names] if isinstance(names, str) else list(names)
    nothing = Observation(whole, torch.zeros_like(whole[:, :1], dtype=torch.bool))
    known: dict[str, Observation] = {}
    for size in sizes:
        for name in list(names):
            try:
                if name in LOOKING:
                    seen = known[name] = look_and_add(name, model, known.get(name, nothing), whole, size, turn)
                else:
                    mask = patches.make(name, whole.shape[2], size, seed)
                    seen = Observation(whole, torch.from_numpy(mask)[None, None])
                with turn():
                    found = lap(name, model, seen, whole, size)
            except ReconError as error:
                names.remove(name)
                found = Lap(name, size=size, problem=str(error))
            yield found


def look_and_add(
    name: str, model: Predictor, known: Observation, whole: Tensor, size: int, turn: Turn = nullcontext
) -> Observation:
    """`known` with more pixels of the picture `whole` until there are `size`; the model is asked anew after every few.
    PredictionError for a method that gives a mean alone."""
    if isinstance(model, Interpolator):  # with nothing observed it would complain of that instead
        raise PredictionError(acquisition.NO_SPREAD)
    while (count := int(known.mask.sum())) < size:
        more = min(MOST, max(1, count // SHARE), size - count)
        where = torch.zeros_like(known.mask)
        with turn():
            chosen = LOOKING[name](model, known, more)
        for row, column in chosen:
            where[0, 0, row, column] = True
        known = known.add(whole, where)
    return known


def lap(name: str, model: Predictor, seen: Observation, whole: Tensor, size: int) -> Lap:
    """One answer, beside the true picture; everything on the CPU."""
    mean, deviation = mean_and_deviation(model.predict(seen))
    return Lap(
        name,
        "binary" if model.binary else {1: "grey", 3: "colour"}[seen.channels],
        seen,
        mean,
        whole[0],
        deviation,
        metrics.psnr_db(mean[None], whole),
        size=size,
    )
