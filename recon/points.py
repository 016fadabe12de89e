"""Known values of signals that are no pictures, at positions of their own."""

from __future__ import annotations

from dataclasses import dataclass, fields

from torch import Tensor


@dataclass(frozen=True)
class Points:
    """What is known of some signals, and what is asked.

    positions (signals, points, dimensions) and values (signals, points); present bool (signals, points), for there may
    be fewer points of some; queries (signals, queries, dimensions), and truth (signals, queries), the values there
    """

    positions: Tensor
    values: Tensor
    present: Tensor
    queries: Tensor
    truth: Tensor

    def to(self, device: str) -> Points:
        return Points(*(getattr(self, part.name).to(device) for part in fields(self)))

    @property
    def known(self) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """What `SignalModel.law` takes"""
        return self.positions, self.values, self.present, self.queries

    def first(self, count: int) -> Points:
        """The same of the first points of each signal"""
        positions, values, present = (part[:, :count] for part in (self.positions, self.values, self.present))
        return Points(positions, values, present, self.queries, self.truth)

    def part(self, which: slice) -> Points:
        """Some of the signals"""
        return Points(*(getattr(self, part.name)[which] for part in fields(self)))
