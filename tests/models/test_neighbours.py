"""The nearest observed pixels, against looking at all of them."""

from __future__ import annotations

import pytest
import torch

from recon import Observation
from recon.models.neighbours import neighbours

SIDE = 6


def observed(size: int, seed: int) -> torch.Tensor:
    mask = torch.zeros(SIDE**2, dtype=torch.bool)
    mask[torch.randperm(SIDE**2, generator=torch.Generator().manual_seed(seed))[:size]] = True
    return mask.view(1, 1, SIDE, SIDE)


@pytest.mark.parametrize("size", [0, 1, 3, 4, 20, SIDE**2 - 1, SIDE**2])
def test_they_are_the_nearest(size):
    values = torch.rand(2, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(1))
    masks = torch.cat([observed(size, 2), observed(size, 3)])
    found = neighbours(Observation(values * masks, masks), 4)
    assert found.values.shape == (2, 4, 3, SIDE, SIDE) and found.offset.shape == (2, 4, 2, SIDE, SIDE)
    for image in range(2):
        seen = masks[image, 0].nonzero().tolist()
        for row in range(SIDE):
            for column in range(SIDE):
                here = found.there[image, :, row, column].tolist()
                if [row, column] in seen:
                    assert here == [True, False, False, False]
                    assert torch.equal(found.values[image, 0, :, row, column], values[image, :, row, column])
                    continue
                nearest = sorted(seen, key=lambda place: (place[0] - row) ** 2 + (place[1] - column) ** 2)[:4]
                assert here == [k < len(nearest) for k in range(4)]
                for k, (there_row, there_column) in enumerate(nearest):  # sorted keeps the order of what is as far
                    assert found.offset[image, k, :, row, column].tolist() == [there_row - row, there_column - column]
                    colour = found.values[image, k, :, row, column]
                    assert torch.equal(colour, values[image, :, there_row, there_column])
                    away = ((there_row - row) ** 2 + (there_column - column) ** 2) ** 0.5
                    assert found.distance[image, k, row, column].item() == pytest.approx(away)
