"""Known values of signals at positions of their own, on no grid."""

from __future__ import annotations

from dataclasses import dataclass, fields

import torch
from torch import Tensor

from recon.errors import ObservationError
from recon.observation import Observation


@dataclass(frozen=True)
class Samples:
    """What is known of a batch of signals, wherever it was measured: what `predict_at` answers.

    positions  float (batch, n, dimensions), from -1 to 1; of a picture (row, column), from its upper and left edge
    values     float (batch, n, channels), such as colours from 0 to 1
    present    bool (batch, n), for there may be fewer of some; all of them where it is left out. What is not present
               may be anything

    Raises ObservationError when shapes or types do not fit, or what is present is no number or lies elsewhere.
    """

    positions: Tensor
    values: Tensor
    present: Tensor | None = None

    def __post_init__(self) -> None:
        positions, values = self.positions, self.values
        if positions.dim() != 3 or values.dim() != 3 or positions.shape[:2] != values.shape[:2]:
            raise ObservationError("Samples are positions (batch, n, dimensions) and values (batch, n, channels).")
        there = self.there
        if there.dtype != torch.bool or there.shape != values.shape[:2]:
            raise ObservationError("Which samples are present is said by bool (batch, n).")
        if not bool((positions[there].abs() <= 1).all() and values[there].isfinite().all()):
            raise ObservationError("Samples lie between -1 and 1, and their values are numbers.")

    @classmethod
    def of(cls, observation: Observation) -> Samples:
        """Observed pixels of pictures of any size, each at its middle"""
        places = grid(*observation.side).to(observation.values)
        return cls(*picked(observation.values, observation.mask, places))

    @property
    def there(self) -> Tensor:
        """`present`, also where it is left out"""
        if self.present is not None:
            return self.present
        return torch.ones(self.values.shape[:2], dtype=torch.bool, device=self.values.device)

    def to(self, like: Tensor) -> Samples:
        """On the device of a tensor, and with numbers of its type"""
        return Samples(self.positions.to(like), self.values.to(like), self.there.to(like.device))


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


def grid(height: int, width: int) -> Tensor:
    """Middles of pixels, (height width, 2), rows and columns, of a picture that reaches from -1 to 1"""
    rows, columns = ((2 * torch.arange(size) + 1) / size - 1 for size in (height, width))
    return torch.cartesian_prod(rows, columns)


def picked(values: Tensor, mask: Tensor, places: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Pixels in a mask, bool (batch, 1, height, width), of pictures (batch, channels, height, width): where they are
    among the places of all pixels (pixels, 2), their values, and whether they are there, as `Samples` has them; of each
    picture as many as of the one with most"""
    chosen = mask.flatten(1)
    most = int(chosen.sum(1).max())
    order = chosen.to(torch.uint8).sort(dim=1, descending=True, stable=True).indices[:, :most]
    seen = values.flatten(2).transpose(1, 2).gather(1, order[..., None].expand(-1, -1, values.shape[1]))
    return places[order], seen, chosen.gather(1, order)
