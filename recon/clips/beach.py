"""Waves that run up a beach, made by code, in the spirit of the paper's videos of beaches."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from recon.clips.scenes import EDGE

FOAM = 0.16  # how wide the white rim of the water is


@dataclass(frozen=True)
class Beaches:
    """From top to bottom: sky, sea, and sand that the water runs up and down; (clips,) each.

    horizon, shore      rows, and by what the shore is slanted, and moves with the waves
    sky, sea, sand      grey levels
    height, length      of waves: in grey levels at the shore, and 0.6 of what lies between two crests there; at the
                        horizon they are closer by a factor of 6
    period, phase       of waves: time, radians
    slant               by how many radians waves are ahead at the right border
    foam                how much of the way to white the rim of the water is
    """

    horizon: Tensor
    shore: Tensor
    slope: Tensor
    swash: Tensor
    sky: Tensor
    sea: Tensor
    sand: Tensor
    height: Tensor
    length: Tensor
    period: Tensor
    phase: Tensor
    slant: Tensor
    foam: Tensor

    def __len__(self) -> int:
        return len(self.horizon)

    def value(self, positions: Tensor) -> Tensor:
        """Grey levels in [0, 1] at positions (clips, points, 3), of time, row and column: (clips, points)"""
        time, row, column = positions.unbind(-1)
        said = {name: getattr(self, name)[:, None] for name in self.__dataclass_fields__}
        deep = said["shore"] - said["horizon"]
        turn = 2 * math.pi * time / said["period"] + said["phase"] + said["slant"] * column
        near = ((row - said["horizon"]) / deep).clamp(0.02, 1.5)  # 0 at the horizon, 1 at the shore
        # rows are nearer to each other the farther they are: a plane seen from above
        travelled = 2 * math.pi * deep / said["length"] * (2 - 1 / (0.4 + 0.6 * near))
        crest = (0.5 + 0.5 * (travelled - turn).cos()).square()  # narrow crests, wide troughs
        sea = said["sea"] + said["height"] * near * (crest - 0.375)
        border = said["shore"] + said["slope"] * column + said["swash"] * turn.cos()
        beyond = row - border  # of the water's rim
        wet = said["sand"] - 0.12 * (1 - beyond / 0.5).clamp(0, 1)
        rim = (1 - (beyond / FOAM + 0.5).abs()).clamp(0, 1)
        found = torch.where(row < said["horizon"], said["sky"] + 0.08 * (row - said["horizon"]), sea)
        dry = (beyond / EDGE + 0.5).clamp(0, 1)
        found = found * (1 - dry) + wet * dry
        return (found + rim * said["foam"] * (1 - found)).clamp(0, 1)


def beaches(count: int, generator: torch.Generator) -> Beaches:
    def between(low: float, high: float) -> Tensor:
        return low + (high - low) * torch.rand(count, generator=generator)

    return Beaches(
        horizon=between(-0.85, -0.25),
        shore=between(0.25, 0.75),
        slope=between(-0.25, 0.25),
        swash=between(0.08, 0.25),
        sky=between(0.55, 0.95),
        sea=between(0.15, 0.45),
        sand=between(0.45, 0.85),
        height=between(0.4, 0.9),
        length=between(0.5, 1.1),
        period=between(0.7, 1.6),
        phase=between(0, 2 * math.pi),
        slant=between(-0.9, 0.9),
        foam=between(0.4, 1.0),
    )
