"""Joint samples from any model that predicts: whole pictures whose pixels agree with each other.

Hidden pixels are drawn in groups, each given all before it. Groups follow the Sobol' order of the grid, so that the
pixels of a group lie far apart and are nearly independent given the rest. Where a model has joint samples in closed
form they are exact, and come in one step.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor

from recon import patches
from recon.errors import PredictionError
from recon.observation import Observation
from recon.prediction import Predictor


def sample(model: Predictor, observation: Observation, count: int = 8, steps: int = 32, seed: int = 0) -> Tensor:
    """Joint samples given the observation of one image: (count, channels, height, width) in [0, 1].

    steps  groups that the hidden pixels are drawn in; more is truer and slower. Exact models need one and ignore it.
    seed   the same seed gives the same pictures on the same device
    Raises PredictionError if the observation is no single image, or the model gives a mean alone.
    """
    for picture in stream(model, observation, count, steps, seed):  # noqa: B007
        pass
    return picture.values


def stream(
    model: Predictor, observation: Observation, count: int = 8, steps: int = 32, seed: int = 0
) -> Iterator[Observation]:
    """The same, step by step: yields after each group what is drawn so far, `count` images; the last is complete."""
    if observation.batch != 1:
        raise PredictionError("Joint samples are drawn for one image at a time.")
    if not all(patches.is_whole(number) for number in (count, steps, seed)):
        raise PredictionError("The numbers of samples and steps, and the seed, are whole numbers.")
    if count < 1 or steps < 1:
        raise PredictionError("At least one sample and one step are needed.")
    model.check(observation)
    observation = observation.to(model.device)
    generator = torch.Generator(model.device).manual_seed(int(seed) % 2**63)
    if model.exact_joint:
        joint = model.sample_joint(observation, count, generator)
        yield Observation(joint, torch.ones_like(observation.mask).repeat(count, 1, 1, 1))
        return
    drawn = observation.repeat(count)
    for group in groups(observation.mask[0, 0].cpu().numpy(), steps):
        where = torch.from_numpy(group).to(model.device).expand_as(drawn.mask)
        drawn = drawn.add(model.predict(drawn).sample(generator), where)
        yield drawn
    if observation.mask.all():
        yield drawn


def groups(mask: np.ndarray, steps: int) -> list[np.ndarray]:
    """Hidden pixels of `mask` in Sobol' order, in at most `steps` groups whose sizes grow: bool masks (height, width).

    The known share of the picture grows as 1 - cos: with little known yet, few pixels are drawn at once.
    """
    height, width = mask.shape
    side = 1 << (max(height, width) - 1).bit_length()
    rows, columns = np.divmod(patches.sobol_order(side), side)
    inside = (rows < height) & (columns < width)
    order = (rows * width + columns)[inside]
    order = order[~mask.ravel()[order]]
    known, total = mask.sum(), mask.size
    # where on the schedule from nothing to everything this observation stands
    start = np.arccos(1 - known / total)
    share = 1 - np.cos(np.linspace(start, np.pi / 2, steps + 1))
    ends = np.unique(np.maximum(np.round(share * total) - known, 0).astype(int).clip(0, len(order)))
    found = []
    for low, high in pairwise(ends):
        group = np.zeros(mask.size, dtype=bool)
        group[order[low:high]] = True
        found.append(group.reshape(mask.shape))
    return found
