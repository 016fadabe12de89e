"""How good a prediction is. Units are in the names; what is averaged over is in the docstrings."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from recon.distributions.base import level_edges, share_within, with_mass
from recon.errors import PredictionError
from recon.prediction import Prediction, in_unit, whole

SSIM_WINDOW = 11  # pixels a side


def bits_per_dim(prediction: Prediction, values: Tensor, where: Tensor | None = None, levels: int = 256) -> float:
    """Mean of -log2 P(level) over the pixels in `where` and all channels, then over images; bits a pixel and channel.

    values  (batch, channels, height, width) in [0, 1], read as one of `levels` levels
    where   bool, (batch, 1, height, width), (batch, height, width) or (height, width); None: all unobserved pixels.
            Observed pixels cost nothing, so a `where` that takes them in lowers the figure.
    """
    return bits_per_dim_each(prediction, values, where, levels).mean().item()


def bits_per_dim_each(prediction: Prediction, values: Tensor, where: Tensor | None = None, levels: int = 256) -> Tensor:
    """`bits_per_dim` of each image by itself: (batch,), float64"""
    where = region(prediction, where)
    nats = (prediction.log_mass(values, levels) * where).flatten(1).double().sum(1)
    return -nats / (math.log(2) * values.shape[1] * where.flatten(1).sum(1))


def nats_per_dim(prediction: Prediction, values: Tensor, where: Tensor | None = None) -> float:
    """Mean of -log density over the pixels in `where` of all images and all channels: the loss of Table 1 of
    Emmett-Iwaniw & Kirk when the prediction is a Beta with its clamp. Arguments as in `bits_per_dim`."""
    where = region(prediction, where)
    nats = (prediction.log_prob(values) * where).double().sum() / where.sum()
    return -nats.item() / values.shape[1]


def psnr_db(estimate: Tensor, truth: Tensor, where: Tensor | None = None) -> float:
    """Mean over images of each image's 10 log10(1 / mean squared error), in dB; inf where an image has no error.

    estimate, truth  (batch, channels, height, width) in [0, 1]
    where            the pixels counted, as in `bits_per_dim`; None: all of them, observed ones too
    """
    return psnr_db_each(estimate, truth, where).mean().item()


def psnr_db_each(estimate: Tensor, truth: Tensor, where: Tensor | None = None) -> Tensor:
    """`psnr_db` of each image by itself: (batch,), float64. Raises PredictionError where shapes differ, the truth is
    not in [0, 1], or `where` is of another shape or empty in some image."""
    error = (estimate.double() - compared(estimate, truth).double()).square().mean(1)
    if where is not None:
        where = shaped(where, error)
        return -10 * ((error * where).flatten(1).sum(1) / where.flatten(1).sum(1)).log10()
    return -10 * error.flatten(1).mean(1).log10()


def ssim(estimate: Tensor, truth: Tensor) -> float:
    """Mean over images, channels and pixels of the structural similarity of Wang et al. 2004 (Gaussian window of
    1.5 pixels, values in [0, 1]), those left out whose window is not all inside; scikit-image computes it. Both
    (batch, channels, height, width)."""
    return ssim_each(estimate, truth).mean().item()


def ssim_each(estimate: Tensor, truth: Tensor) -> Tensor:
    """`ssim` of each image by itself: (batch,), float64. Raises PredictionError as `psnr_db_each`, and for pictures
    smaller than its window."""
    from skimage.metrics import structural_similarity

    truth = compared(estimate, truth)
    if min(estimate.shape[2:]) < SSIM_WINDOW:
        raise PredictionError(f"SSIM needs pictures of at least {SSIM_WINDOW} x {SSIM_WINDOW} pixels.")
    scores = [
        structural_similarity(
            a.double().cpu().numpy(),
            b.double().cpu().numpy(),
            data_range=1.0,
            channel_axis=0,
            gaussian_weights=True,
            sigma=1.5,
            use_sample_covariance=False,
        )
        for a, b in zip(estimate, truth, strict=True)
    ]
    return torch.tensor(scores, dtype=torch.float64)


def coverage(prediction: Prediction, values: Tensor, level: float = 0.9, where: Tensor | None = None) -> float:
    """Share of the values in `where` (all channels and images) that lie in their central interval of `level`.

    Values count as in when their rounding to 256 levels touches the interval, so that an interval narrower than a
    level can still hold its value.
    """
    where = region(prediction, where)
    inside = within(prediction, values, (level,))[0] & where[:, None]
    return (inside.sum() / (where.sum() * values.shape[1])).item()


def coverage_each(
    prediction: Prediction, values: Tensor, levels: Sequence[float], where: Tensor | None = None
) -> Tensor:
    """`coverage` of each image by itself, for intervals of each of `levels`: (levels, batch), float64"""
    where = region(prediction, where)
    inside = within(prediction, values, levels) & where[:, None]
    return inside.flatten(2).double().sum(2) / (where.flatten(1).sum(1) * values.shape[1])


def held_each(prediction: Prediction, values: Tensor, levels: Sequence[float], where: Tensor | None = None) -> Tensor:
    """What central intervals of each of `levels` hold of the values, each value's mass spread over its level's part of
    the distribution, as in `pit`: where that is right, `levels` themselves, even of digits that are mostly black, which
    every interval that reaches black would touch. (levels, batch), float64; arguments as `coverage_each`"""
    where = region(prediction, where)[:, None]
    low, high = reached(prediction, values)
    shares = [share_within(low, high, (1 - level) / 2, (1 + level) / 2) for level in checked_levels(levels)]
    inside = (torch.stack(shares) * where).flatten(2).double().sum(2)
    return inside / (where.flatten(1).sum(1) * values.shape[1])


def checked_levels(levels: Sequence[float]) -> Sequence[float]:
    if not all(0 < level < 1 for level in levels):
        raise PredictionError("The level of an interval lies between 0 and 1.")
    return levels


def reached(prediction: Prediction, values: Tensor) -> tuple[Tensor, Tensor]:
    """The distribution function where each value's level of 256 begins and where it ends, float64"""
    low, high = level_edges(whole(prediction.observation, values), 256)
    return prediction.distribution.cdf(low), prediction.distribution.cdf(high)


def within(prediction: Prediction, values: Tensor, levels: Sequence[float]) -> Tensor:
    """Whether values, read as one of 256 levels, touch their central interval of each of `levels`: bool (levels,
    *values.shape). It is asked of the distribution function, which is far quicker than to find the intervals' ends."""
    low, high = reached(prediction, values)
    return torch.stack([(high >= (1 - level) / 2) & (low <= (1 + level) / 2) for level in checked_levels(levels)])


def pit(prediction: Prediction, values: Tensor, bins: int = 20, where: Tensor | None = None) -> Tensor:
    """Histogram of the probability integral transform: shares of `bins` equal parts of [0, 1], images weighed alike;
    even where the values are distributed as predicted. (bins,), float64

    A value stands for its level of 256: its mass is spread evenly from the distribution function at the level's lower
    edge to that at its upper one (Czado, Gneiting & Held 2009, "Predictive model assessment for count data").
    """
    if bins < 1:
        raise PredictionError(f"A histogram has one bin or more, not {bins}.")
    where = region(prediction, where)[:, None]
    low, high = with_mass(*reached(prediction, values))
    wide = high - low
    below = [(((k / bins - low) / wide).clamp(0, 1) * where).flatten(1).sum(1) for k in range(bins + 1)]
    count = where.flatten(1).sum(1) * values.shape[1]
    return (torch.stack(below, 1) / count[:, None]).mean(0).diff()


def compared(estimate: Tensor, truth: Tensor) -> Tensor:
    """The truth, where the estimate is; PredictionError unless they are of one shape, and it is in [0, 1]."""
    if estimate.ndim != 4 or estimate.shape != truth.shape:
        raise PredictionError(f"Pictures of {tuple(estimate.shape)} are compared to as many, not {tuple(truth.shape)}.")
    return in_unit(truth.to(estimate.device))


def region(prediction: Prediction, where: Tensor | None) -> Tensor:
    """`where`, or all hidden pixels, as bool (batch, height, width); PredictionError as `shaped`"""
    hidden = ~prediction.observation.mask[:, 0]
    return shaped(hidden if where is None else where, hidden)


def shaped(where: Tensor, like: Tensor) -> Tensor:
    """`where` as bool of the shape and on the device of `like`, (batch, height, width); PredictionError if it is of
    another shape, or empty in some image."""
    where = torch.as_tensor(where, device=like.device)
    where = where[:, 0] if where.ndim == 4 and where.shape[1] == 1 else where
    where = where.expand(like.shape) if where.shape in (like.shape[1:], (1, *like.shape[1:])) else where
    if where.dtype != torch.bool or where.shape != like.shape:
        raise PredictionError(f"`where` must be bool of shape {tuple(like.shape)}, or {tuple(like.shape[1:])}.")
    if not bool(where.flatten(1).any(1).all()):
        raise PredictionError("There are no pixels to judge: every pixel was observed, or `where` is empty.")
    return where
