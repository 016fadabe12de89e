"""A lower triangular factor that grows with a mask: what a stroke adds to it is used where it is, not copied."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

PIECES = 8  # of one stroke each; more are joined


@dataclass(frozen=True, eq=False)
class Triangle:
    """A Cholesky factor, lower triangular (n, n), or several at once: then all has an axis for them in front.

    first  that of what it was begun with, (some of n, some of n)
    more   its further rows, those of one stroke each: (new, known) to the left of the diagonal, (new, new) at it
    """

    first: Tensor
    more: tuple[tuple[Tensor, Tensor], ...] = ()

    def extended(self, left: Tensor, corner: Tensor) -> Triangle:
        """With further rows, (new, n) and (new, new)"""
        found = Triangle(self.first, (*self.more, (left, corner)))
        return found if len(found.more) < PIECES else Triangle(found.whole)

    @property
    def whole(self) -> Tensor:
        """(n, n)"""
        known = self.first.shape[-1]
        size = known + sum(corner.shape[-1] for _, corner in self.more)
        found = self.first.new_zeros(*self.first.shape[:-2], size, size)
        found[..., :known, :known] = self.first
        for left, corner in self.more:
            known, end = left.shape[-1], left.shape[-1] + corner.shape[-1]
            found[..., known:end, :known], found[..., known:end, known:end] = left, corner
        return found

    @property
    def nbytes(self) -> int:
        """How many it keeps; what it shares with others is counted as well."""
        return self.first.nbytes + sum(left.nbytes + corner.nbytes for left, corner in self.more)

    @property
    def log_determinant(self) -> Tensor:
        """float64 ()"""
        corners = (self.first, *(corner for _, corner in self.more))
        return torch.cat([each.diagonal(dim1=-2, dim2=-1) for each in corners], -1).double().log().sum(-1)

    def solve(self, rows: Tensor, solved: Tensor | None = None) -> Tensor:
        """factor^-1 rows, of (n, m); solved: the same of the first of them, where that is known. It saves something
        where this factor was extended from one of so many"""
        ends = [self.first.shape[-1], *(left.shape[-1] + corner.shape[-1] for left, corner in self.more)]
        if solved is None or solved.shape[-2] not in ends:
            solved = torch.linalg.solve_triangular(self.first, rows[..., : ends[0], :], upper=False)
        for (left, corner), end in zip(self.more, ends[1:], strict=True):
            known = left.shape[-1]
            if known >= solved.shape[-2]:
                rest = rows[..., known:end, :] - left @ solved
                solved = torch.cat([solved, torch.linalg.solve_triangular(corner, rest, upper=False)], -2)
        return solved

    def solve_transposed(self, rows: Tensor) -> Tensor:
        """The transposed factor's inverse times rows, of (n, m)"""
        found: list[Tensor] = []
        for left, corner in reversed(self.more):
            known = left.shape[-1]
            found.insert(0, torch.linalg.solve_triangular(corner.mT, rows[..., known:, :], upper=True))
            rows = rows[..., :known, :] - left.mT @ found[0]
        found.insert(0, torch.linalg.solve_triangular(self.first.mT, rows, upper=True))
        return torch.cat(found, -2) if self.more else found[0]


class Told(NamedTuple):
    """What one picture said at a mask: who paints on says it again, and a little more.

    observed  residuals, (known, 1), or of several factors at once
    whitened  factor^-1 times these
    gain      what they add to every dimension, (1, dims), where somebody asked for that
    """

    observed: Tensor
    whitened: Tensor
    gain: Tensor | None = None


def told_before(told: Told | None, observed: Tensor) -> Told | None:
    """The same, if it is of the first of these residuals, (n, m); of another picture, or of several, it is not."""
    return told if told is not None and told.observed.equal(observed[..., : told.observed.shape[-2], :]) else None


def of_inverse(before: Tensor, factor: Triangle, left: Tensor, corner: Tensor) -> Tensor:
    """Squared norms of the columns of a factor's inverse, (n + new,), once it has further rows: of those of it without
    them, (n,)."""
    eye = torch.eye(len(corner), dtype=corner.dtype, device=corner.device)
    inverse = torch.linalg.solve_triangular(corner, eye, upper=False)
    rows = inverse @ factor.solve_transposed(left.mT).mT
    return torch.cat([before + rows.square().sum(0), inverse.square().sum(0)])
