"""Which pixels to ask for: those that would tell most.

For the Gaussian family the drop of the total variance that a pixel would bring is known in closed form, and does not
depend on what its value turns out to be: greedy choice by it is A-optimal design (Krause, Singh & Guestrin 2008,
"Near-optimal sensor placements in Gaussian processes", choose by information instead). With nothing observed it makes a
patch for a whole image set, see `design` and `recon.patches.designed`. Any other model is asked where it is least sure.

Of large pictures, whose whole covariance is never formed, only pixels that are unsure and far apart are weighed.

A model that stands on a Gaussian, and says better than it how sure it is of each pixel of this picture, can weigh that
drop: `largest_weighted_drop`.
"""

from __future__ import annotations

import torch
from torch import Tensor

from recon import patches
from recon.errors import PredictionError
from recon.models.conditioned import ROUNDING
from recon.models.gaussian import Gaussian
from recon.observation import Observation
from recon.prediction import Predictor

NO_SPREAD = "This method does not say how sure it is, so it cannot say where to look."
NO_GAUSSIAN = "This model stands on no Gaussian that could say what a pixel tells of the others."
CROWDING = 2.0  # pixels: how far around a chosen pixel its neighbours are less wanted
CANDIDATES = 96  # pixels of a large picture whose drop is worked out


def next_pixels(model: Predictor, observation: Observation, count: int = 1) -> list[tuple[int, int]]:
    """The `count` hidden pixels (row, column) of one image to observe next, best first.

    By `largest_drop` where the model is a Gaussian, by `largest_weighted_drop` where it stands on one, else by
    `largest_variance`. Raises PredictionError if fewer pixels are hidden, or the model gives a mean alone.
    """
    if isinstance(model, Gaussian):
        return largest_drop(model, observation, count)
    if gaussian_of(model) is not None:
        return largest_weighted_drop(model, observation, count)
    return largest_variance(model, observation, count)


def gaussian_of(model: Predictor) -> Gaussian | None:
    """The Gaussian that a model is, or stands on; None if there is none."""
    found = getattr(model, "base", model)
    return found if isinstance(found, Gaussian) else None


@torch.no_grad()
def largest_variance(model: Predictor, observation: Observation, count: int = 1) -> list[tuple[int, int]]:
    """Hidden pixels with the largest variance, channels together; a chosen one makes its neighbours less wanted."""
    check(observation, count)
    prediction = model.predict(observation)
    if not prediction.has_spread:
        raise PredictionError(NO_SPREAD)
    return apart(torch.where(prediction.observation.mask[0, 0], -1.0, prediction.variance[0].sum(0)), count)


@torch.no_grad()
def largest_weighted_drop(model: Predictor, observation: Observation, count: int = 1) -> list[tuple[int, int]]:
    """Hidden pixels whose observation would lower the total variance most, where a pixel's variance is the model's and
    its share that goes is the Gaussian's on which the model stands; a chosen one makes its neighbours less wanted.

    Raises PredictionError where the model stands on no Gaussian.
    """
    check(observation, count)
    gaussian = gaussian_of(model)
    if gaussian is None:
        raise PredictionError(NO_GAUSSIAN)
    mask = observation.mask[0, 0].to(gaussian.device)
    own, conditioned = model.predict(observation).variance[0].sum(0), gaussian.condition(mask.flatten())
    hidden, closed = ~conditioned.mask, conditioned.pixel_factor.square().sum((-2, -1)).to(own)
    weights = (own / closed.clamp_min(ROUNDING)).flatten()[hidden].repeat(gaussian.channels)
    drop = torch.full_like(own, -1.0)
    if gaussian.detail is None:
        drop[~mask] = drops(hidden_covariance(gaussian, mask.flatten()), gaussian.channels, weights)
    else:
        pixels = candidates(own, mask, count)
        rows, columns = candidate_rows(gaussian, mask.flatten(), pixels)
        drop.view(-1)[pixels] = drops(rows, gaussian.channels, weights, columns)
    return apart(drop, count)


def candidates(variance: Tensor, mask: Tensor, count: int) -> Tensor:
    """Hidden pixels (row-major indices) that are unsure, and apart from each other: CANDIDATES, or `count` if that is
    more, or all there are. variance and mask (side, side)"""
    most = min(max(count, CANDIDATES), int((~mask).sum()))
    places = apart(torch.where(mask, -1.0, variance), most)
    return torch.tensor([row * mask.shape[1] + column for row, column in places], device=mask.device)


def candidate_rows(model: Gaussian, mask: Tensor, pixels: Tensor) -> tuple[Tensor, Tensor]:
    """Covariance, given the pixels of `mask` (pixels,), of the dimensions of some hidden pixels with all hidden ones,
    (channels x n, hidden), and which of its columns are their own."""
    hidden = ~model.condition(mask).mask
    place = hidden.cumsum(0)[pixels] - 1
    columns = (place + torch.arange(model.channels, device=mask.device)[:, None] * hidden.sum()).flatten()
    return hidden_covariance(model, mask, columns), columns


def apart(wanted: Tensor, count: int) -> list[tuple[int, int]]:
    """The `count` most wanted pixels of (height, width), negative where none may be; each keeps others away."""
    wanted = wanted.cpu()
    rows, columns = torch.meshgrid(*(torch.arange(size) for size in wanted.shape), indexing="ij")
    found = []
    for _ in range(count):
        row, column = divmod(int(wanted.argmax()), wanted.shape[1])
        found.append((row, column))
        far = 1 - (-0.5 * ((rows - row) ** 2 + (columns - column) ** 2) / CROWDING**2).exp()
        wanted = torch.where(wanted > 0, wanted * far, wanted)
        wanted[row, column] = -1
    return found


@torch.no_grad()
def largest_drop(model: Gaussian, observation: Observation, count: int = 1) -> list[tuple[int, int]]:
    """Hidden pixels chosen one after the other, each for the largest drop of the total variance that is left."""
    check(observation, count)
    model.check(observation)
    mask = observation.mask[0, 0].flatten().to(model.device)
    if model.detail is not None:
        pixels = candidates(model.predict(observation).variance[0].sum(0), mask.view(model.side, -1), count)
        rows, columns = candidate_rows(model, mask, pixels)
        order = greedy(rows, model.channels, torch.zeros_like(pixels, dtype=torch.bool), count, columns)
        return [divmod(int(pixels[place]), model.side) for place in order]
    order = greedy(conditional(model, mask), model.channels, mask, count)
    return [divmod(place, model.side) for place in order]


@torch.no_grad()
def design(model: Gaussian, size: int | None = None) -> list[int]:
    """The greedy patch for the pictures that a Gaussian was fitted to, before any is seen: the first `size` pixels
    (row-major indices, all of them by default), best first. PredictionError where its covariance is never formed, or
    there are not so many pixels."""
    if size is not None and not (patches.is_whole(size) and 0 <= size <= model.side**2):
        raise PredictionError(f"A patch has a whole number of pixels, at most {model.side**2}, not {size!r}.")
    covariance = model.covariance()
    if not isinstance(covariance, Tensor):
        raise PredictionError(f"A design for {model.side} x {model.side} pixels takes their whole covariance.")
    mask = torch.zeros(model.side**2, dtype=torch.bool, device=model.device)
    return greedy(covariance.clone(), model.channels, mask, model.side**2 if size is None else size)


def conditional(model: Gaussian, mask: Tensor) -> Tensor:
    """Covariance of all dimensions given the pixels of `mask`, (dims, dims); 0 where observed."""
    dims, hidden = len(model.location), model.condition(mask).hidden
    covariance = model.location.new_zeros(dims, dims)
    covariance[hidden[:, None], hidden] = hidden_covariance(model, mask)
    return covariance


def hidden_covariance(model: Gaussian, mask: Tensor, which: Tensor | None = None) -> Tensor:
    """Covariance of the hidden dimensions given the pixels of `mask`, (hidden, hidden), or some rows of it."""
    conditioned = model.condition(mask)
    hidden, whitened = conditioned.hidden, conditioned.whitened
    rows, told = (hidden, whitened) if which is None else (hidden[which], whitened[:, which])
    prior = model.covariance()[rows].index_select(1, hidden)
    return torch.addmm(prior, told.T, whitened, alpha=-1)


def drops(covariance: Tensor, channels: int, weights: Tensor | None = None, columns: Tensor | None = None) -> Tensor:
    """By how much observing each pixel would lower the total variance, or the sum of `weights` (dims,) times variances:
    (pixels,)

    Observing the dimensions D of a pixel takes C[:, D] (C[D, D] + noise)^-1 C[D, :] off the covariance C (dims, dims).
    Of some pixels alone, C is given by their rows, and by which of its `columns` are their own.
    """
    dims = len(covariance)
    rows = covariance.view(channels, dims // channels, -1)
    weighed = rows if weights is None else rows * weights
    squares = torch.stack(
        [torch.stack([(a * b).sum(1) for b in weighed]) for a in rows]
    )  # (channels, channels, pixels)
    own = covariance if columns is None else covariance[:, columns]
    blocks = own.view(channels, dims // channels, channels, dims // channels).diagonal(dim1=1, dim2=3)
    noise = ROUNDING * torch.eye(channels, dtype=covariance.dtype, device=covariance.device)
    taken = torch.linalg.solve(blocks.permute(2, 0, 1) + noise, squares.permute(2, 0, 1))
    return taken.diagonal(dim1=-2, dim2=-1).sum(-1)


def greedy(covariance: Tensor, channels: int, mask: Tensor, count: int, columns: Tensor | None = None) -> list[int]:
    """`count` pixels outside `mask`, each for the largest drop of the trace of `covariance`, which is used up; of some
    pixels alone, as in `drops`."""
    area = len(mask)
    taken, found = mask.clone(), []
    noise = ROUNDING * torch.eye(channels, dtype=covariance.dtype, device=covariance.device)
    for _ in range(count):
        place = int(torch.where(taken, -torch.inf, drops(covariance, channels, columns=columns)).argmax())
        found.append(place)
        taken[place] = True
        pixel = torch.arange(channels, device=covariance.device) * area + place
        column = covariance[:, pixel if columns is None else columns[pixel]]
        covariance.sub_(column @ torch.linalg.solve(column[pixel] + noise, covariance[pixel]))
    return found


def check(observation: Observation, count: int) -> None:
    if observation.batch != 1:
        raise PredictionError("The next pixel is that of one image.")
    hidden = int((~observation.mask).sum())
    if not patches.is_whole(count) or not 1 <= count <= hidden:
        raise PredictionError(f"There are {hidden} pixels left to ask for, not {count}.")
