"""Mean and covariance of pictures, and of the even and odd halves of pictures whose mirror images are as likely."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from recon.models.conditioned import ROUNDING


class Moments:
    """Running first and second moments, in float64."""

    def __init__(self, dims: int):
        self.count = 0
        self.total = torch.zeros(dims, dtype=torch.float64)
        self.outer = torch.zeros(dims, dims, dtype=torch.float64)

    def add(self, batch: Tensor) -> None:
        self.count += len(batch)
        self.total += batch.double().sum(0).cpu()
        self.outer += (batch.T @ batch).double().cpu()

    def mean(self) -> Tensor:
        return self.total / self.count

    def covariance(self) -> Tensor:
        return self.outer / self.count - torch.outer(self.mean(), self.mean())


def split_halves(batch: Tensor) -> tuple[Tensor, Tensor]:
    """Even and odd parts, left to right, of pictures (batch, channels, side, side): two of (batch, dims / 2)"""
    left, right = batch.chunk(2, -1)
    right = right.flip(-1)
    return ((left + right) / math.sqrt(2)).flatten(1), ((left - right) / math.sqrt(2)).flatten(1)


def join_halves(even: Tensor, odd: Tensor, channels: int, side: int) -> Tensor:
    """The inverse of `split_halves` for vectors (dims / 2,): (dims,)"""
    even, odd = (half.view(channels, side, side // 2) / math.sqrt(2) for half in (even, odd))
    return torch.cat([even + odd, (even - odd).flip(-1)], -1).flatten()


def unfold(even: Tensor, odd: Tensor, channels: int, side: int) -> Tensor:
    """The covariance (dims, dims) that has these covariances of even and odd parts."""
    shape = (channels, side, side // 2, channels, side, side // 2)
    same, mirrored = ((even + odd) / 2).view(shape), ((even - odd) / 2).view(shape)
    left = torch.cat([same, mirrored.flip(5)], 5)
    right = torch.cat([mirrored.flip(2), same.flip(2).flip(5)], 5)
    return torch.cat([left, right], 2).reshape(channels * side * side, -1)


def positive(blocks: Tensor) -> Tensor:
    """The nearest blocks (channels, channels, side, side) whose eigenvalues are at least ROUNDING."""
    values, vectors = torch.linalg.eigh(blocks.permute(2, 3, 0, 1))
    mended = vectors @ torch.diag_embed(values.clamp_min(ROUNDING)) @ vectors.mT
    return mended.permute(2, 3, 0, 1)
