"""Sorting pictures into clusters, each a Gaussian scale mixture: expectation-maximisation, made robust to contrast.

Everything is in coordinates in which the covariance of all pictures is one, so that shrinking a cluster's covariance
towards what is common to all means adding pictures whose covariance is the identity (an inverse Wishart prior).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from recon.models.gaussian import Gaussian
from recon.models.moments import split_halves

ROUNDS = 30  # of expectation-maximisation; by then fewer than one picture in a hundred changes its cluster
STARTING = 15  # rounds of k-means, which the clusters start from
STARTS, FIRST_ROUNDS = 4, 8


@dataclass(frozen=True)
class Coordinates:
    """Pictures in coordinates of variance 1: parts that are even and odd from left to right, which do not correlate
    where pictures and their mirror images are as likely; (count, ...) each, odd ones of mean 0 in any cluster."""

    even: Tensor
    odd: Tensor

    def first(self, even: int, odd: int) -> Coordinates:
        """The last columns, which belong to the largest eigenvalues."""
        return Coordinates(self.even[:, self.even.shape[1] - even :], self.odd[:, self.odd.shape[1] - odd :])


def coordinates(base: Gaussian, batches: list[Tensor]) -> Coordinates:
    """Of pictures (n, channels, side, side) along the columns of `base`'s factor, in their standard deviations."""
    location = base.location.view(1, base.channels, base.side, base.side)

    def along(part: Tensor, columns: Tensor) -> Tensor:
        columns = columns.float()
        return part @ (columns / columns.square().sum(0))

    even, odd = [], []
    for batch in batches:
        around = batch - location
        halves = split_halves(around) if base.mirrored else (around.flatten(1), around.new_zeros(len(around), 0))
        even.append(along(halves[0], base.even_half))
        odd.append(along(halves[1], base.odd_half) if base.mirrored else halves[1])
    return Coordinates(torch.cat(even), torch.cat(odd))


def largest(base: Gaussian, known: Coordinates, count: int) -> Coordinates:
    """Those along the `count` largest eigenvectors."""
    lengths = [half.float().norm(dim=0) for half in (base.even_half, base.odd_half)]
    smallest = torch.cat(lengths).sort(descending=True).values[:count][-1]
    return known.first(*(int((each >= smallest).sum()) for each in lengths))


@dataclass(frozen=True)
class Shape:
    """A cluster's Gaussian: `shift` of the even coordinates, and lower Cholesky factors of either covariance."""

    shift: Tensor
    even: Tensor
    odd: Tensor


def shape_of(pictures: Coordinates, weights: Tensor, strength: float) -> Shape:
    """Maximum a posteriori, where the prior counts as `strength` pictures of the common covariance; weights (count,)
    are the expected inverse scales of the pictures, so that strong contrast does not count for more."""
    count = len(weights)
    shift = (weights[:, None] * pictures.even).sum(0) / weights.sum()
    root = weights.sqrt()[:, None]

    def factor(part: Tensor) -> Tensor:
        part = part * root
        shrunk = part.T @ part + strength * torch.eye(part.shape[1], device=part.device)
        return torch.linalg.cholesky(shrunk / (count + strength))

    return Shape(shift, factor(pictures.even - shift), factor(pictures.odd))


def log_evidence(pictures: Coordinates, shape: Shape, log_scales: Tensor) -> tuple[Tensor, Tensor]:
    """Log density but for a constant, all of `log_scales` (scales,) being as likely, (count,); and the expected inverse
    scale of each picture, (count,)"""
    squared = torch.zeros_like(pictures.even[:, 0])
    volume = torch.zeros((), device=squared.device)
    for part, factor in ((pictures.even - shape.shift, shape.even), (pictures.odd, shape.odd)):
        squared = squared + torch.linalg.solve_triangular(factor, part.T, upper=False).square().sum(0)
        volume = volume + factor.diagonal().log().sum()
    dims = pictures.even.shape[1] + pictures.odd.shape[1]
    each = -0.5 * (squared[:, None] * (-log_scales).exp() + dims * log_scales)
    inverse = each.softmax(1) @ (-log_scales).exp()
    return each.logsumexp(1) - volume, inverse


def cluster(pictures: Coordinates, count: int, log_scales: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """The cluster of each picture, int64 (n,), and its expected inverse scale there, (n,).

    Hard assignments: nearly every picture belongs to one cluster almost surely. Of a few starts, each k-means on the
    directions of even coordinates, the one goes on that explains the pictures best after some rounds.
    """
    started = []
    for _ in range(STARTS):
        labels = k_means(F.normalize(pictures.even), count, generator)
        started.append(improved(pictures, labels, torch.ones(len(labels)), count, log_scales, FIRST_ROUNDS))
    labels, inverse, _ = max(started, key=lambda each: each[2])
    labels, inverse, _ = improved(pictures, labels, inverse, count, log_scales, ROUNDS - FIRST_ROUNDS)
    return labels, inverse


def k_means(points: Tensor, count: int, generator: torch.Generator) -> Tensor:
    """The cluster of each of `points` (n, dims), int64 (n,)"""
    centres = points[torch.randperm(len(points), generator=generator)[:count]]
    for _ in range(STARTING):
        labels = torch.cdist(points, centres).argmin(1)
        means = [points[labels == k].mean(0) if (labels == k).any() else centres[k] for k in range(count)]
        centres = torch.stack(means)
    return labels


def improved(
    pictures: Coordinates, labels: Tensor, inverse: Tensor, count: int, log_scales: Tensor, rounds: int
) -> tuple[Tensor, Tensor, float]:
    """Labels and inverse scales after some rounds of expectation-maximisation, and the mean log evidence of a picture
    in the cluster that it then has."""
    total, dims = len(labels), pictures.even.shape[1] + pictures.odd.shape[1]
    for _ in range(rounds):
        evidence, scales = torch.full((total, count), -math.inf), torch.ones(total, count)
        for k in labels.unique().tolist():
            members = labels == k
            theirs = Coordinates(pictures.even[members], pictures.odd[members])
            shape = shape_of(theirs, inverse[members], dims / 2)
            evidence[:, k], scales[:, k] = log_evidence(pictures, shape, log_scales)
            evidence[:, k] += math.log(len(theirs.even) / total)
        best, labels = evidence.max(1)
        inverse = scales.gather(1, labels[:, None])[:, 0]
    return labels, inverse, best.mean().item()


def packed(triangle: Tensor) -> Tensor:
    """The lower triangle of (n, n) row by row: (n (n + 1) / 2,)"""
    rows, columns = torch.tril_indices(*triangle.shape)
    return triangle[rows, columns]


def unpacked(numbers: Tensor, size: int) -> Tensor:
    """The inverse of `packed`: lower triangular (size, size)"""
    found = numbers.new_zeros(size, size)
    rows, columns = torch.tril_indices(size, size, device=numbers.device)
    found[rows, columns] = numbers
    return found


def turned(half: Tensor, triangle: Tensor, tail: Tensor) -> Tensor:
    """Columns of the common factor as a cluster has them: the last, of the largest eigenvalues, times its triangle."""
    other = half.shape[1] - len(triangle)
    return torch.cat([half[:, :other] * tail.sqrt(), half[:, other:] @ triangle], 1)
