"""Answers beside each other: one observation put to several models, or one model given several patches of a picture.

Each is a generator, so that a page can show a result as soon as it is there. What one model cannot answer is a sentence
in its own result, and the others go on.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from recon import hub, metrics, patches
from recon.errors import ObservationError, ReconError
from recon.memory import remembering
from recon.observation import Observation
from recon.prediction import Prediction, Predictor

Turn = Callable[[], AbstractContextManager]
ROUNDS = 3  # that are timed; imports, a covariance made once and whatever else can only add to the fastest


@dataclass(frozen=True)
class Result:
    """What one method made of one observation.

    name          of the model or the method, or of the patch family
    pixels        what the method sees of a picture: "colour", "grey" or "binary". The true picture is made the same
                  before it is compared, so scores are comparable among results of the same `pixels` only
    observation   as the method saw it, on the CPU; None where there was a problem
    mean          (channels, height, width) in [0, 1], observed pixels kept
    truth         the true picture as the method sees it, of the same shape; None where it is not known
    deviation     standard deviation, of the same shape; None for a method that gives a mean alone
    psnr_db       over all pixels, the observed ones kept
    ssim          over all pixels; None also of pictures that are too small for its window
    bits_per_dim  over the hidden pixels, 256 levels; None for a method that gives a mean alone
    milliseconds  wall-clock time from the observation to mean and deviation, for a mask not conditioned on before: the
                  fastest of three. Loading is not counted
    problem       a sentence where there is no answer

    The three scores are None where no true picture is known, or nothing is hidden.
    """

    name: str
    pixels: str = ""
    observation: Observation | None = None
    mean: Tensor | None = None
    truth: Tensor | None = None
    deviation: Tensor | None = None
    psnr_db: float | None = None
    ssim: float | None = None
    bits_per_dim: float | None = None
    milliseconds: float | None = None
    problem: str = ""

    @property
    def discrepancy(self) -> float | None:
        """How unevenly the observed pixels lie (`recon.patches.discrepancy`); None where there are none."""
        if self.observation is None or not self.observation.mask.any():
            return None
        return patches.discrepancy(self.observation.mask[0, 0].numpy())


def of_models(
    names: Iterable[str],
    observation: Observation,
    truth: Tensor | None = None,
    load: Callable[[str], Predictor] = hub.load,
    turn: Turn = nullcontext,
) -> Iterator[Result]:
    """One observation, answered by the checkpoints and baselines called `names`, one after another.

    observation  of one image. Models of grey or of binary pixels are given it as such
    truth        the whole picture, (1, channels, height, width) in [0, 1], if it is known
    load         from a name to a model
    turn         makes a context that each computation is done in, for who shares a machine

    Raises ObservationError where the observation is of several images, or the truth of another size.
    """
    check(observation, truth)
    for name in [names] if isinstance(names, str) else names:
        try:
            result = answered(name, load(name), observation, truth, turn)
        except ReconError as error:
            result = Result(name, problem=str(error))
        yield result


def of_patches(
    families: Iterable[str], model: Predictor, truth: Tensor, size: int, seed: int = 0, turn: Turn = nullcontext
) -> Iterator[Result]:
    """One picture, `size` of whose pixels are observed in the patch families named, answered by one model.

    truth  (1, channels, side, side) in [0, 1]
    seed   of the families with chance in them
    turn   as in `of_models`

    Raises ObservationError where the truth is not one square picture.
    """
    whole = Observation(truth, torch.ones_like(truth[:, :1], dtype=torch.bool))
    check(whole, None)
    if whole.side[0] != whole.side[1]:
        raise ObservationError(
            f"Patches are of square pictures; this one has {whole.side[0]} x {whole.side[1]} pixels."
        )
    for family in families:
        try:
            mask = torch.from_numpy(patches.make(family, whole.side[0], size, seed))[None, None]
            result = answered(family, model, Observation(truth, mask), truth, turn)
        except ReconError as error:
            result = Result(family, problem=str(error))
        yield result


def answered(name: str, model: Predictor, observation: Observation, truth: Tensor | None, turn: Turn) -> Result:
    """One result; `name` is what it is to be called."""
    observation = observation.as_seen_by(model)
    milliseconds = math.inf
    for _ in range(ROUNDS):
        with turn(), remembering({}):  # what is remembered of a patch would make an equal question look cheap
            began = time.perf_counter()
            prediction = model.predict(observation)
            mean, deviation = mean_and_deviation(prediction)
            milliseconds = min(milliseconds, 1000 * (time.perf_counter() - began))
    pixels = "binary" if model.binary else {1: "grey", 3: "colour"}[observation.channels]
    result = Result(name, pixels, observation.to("cpu"), mean, deviation=deviation, milliseconds=milliseconds)
    if truth is None:
        return result
    picture = Observation(truth, torch.ones_like(observation.mask)).with_channels(observation.channels)
    known = picture.as_seen_by(model).values
    result = replace(result, truth=known[0])
    if observation.mask.all():
        return result
    with turn():
        bits = metrics.bits_per_dim(prediction, known) if prediction.has_spread else None
    ssim = metrics.ssim(mean[None], known) if min(known.shape[2:]) >= metrics.SSIM_WINDOW else None
    return replace(result, psnr_db=metrics.psnr_db(mean[None], known), ssim=ssim, bits_per_dim=bits)


def mean_and_deviation(prediction: Prediction) -> tuple[Tensor, Tensor | None]:
    """Two of (channels, height, width), on the CPU"""
    return prediction.mean[0].cpu(), prediction.variance[0].sqrt().cpu() if prediction.has_spread else None


def check(observation: Observation, truth: Tensor | None) -> None:
    if observation.batch != 1:
        raise ObservationError(f"One picture is compared at a time, not {observation.batch}.")
    if truth is not None and truth[:, 0].shape != observation.mask[:, 0].shape:
        raise ObservationError("The true picture has another size than the observation.")
