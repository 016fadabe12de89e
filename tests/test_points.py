"""Samples: known values anywhere, and what are none."""

import pytest
import torch

from recon import Observation, Samples
from recon.errors import ObservationError
from recon.points import grid

PLACES, VALUES = torch.zeros(2, 3, 1), torch.zeros(2, 3, 4)


def test_of_pictures_they_are_the_pixels_that_are_observed():
    values = torch.arange(32).view(2, 1, 4, 4) / 32
    mask = torch.zeros(2, 1, 4, 4, dtype=torch.bool)
    mask[0, 0, 1, 2] = mask[1, 0, 0] = True
    found = Samples.of(Observation(values, mask))
    assert found.there.sum(1).tolist() == [1, 4] and found.positions.shape == (2, 4, 2)
    assert found.positions[0, 0].tolist() == [-0.25, 0.25] and found.values[0, 0].item() == 6 / 32
    assert torch.equal(found.positions[1], grid(4, 4)[:4]) and torch.equal(found.values[1, :, 0], values[1, 0, 0])


def test_all_are_there_unless_it_is_said():
    assert Samples(PLACES, VALUES).there.all()
    some = torch.tensor([[True, False, False]]).expand(2, -1)
    assert torch.equal(Samples(PLACES, VALUES, some).to(torch.zeros((), dtype=torch.float64)).there, some)


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ((PLACES[0], VALUES), "Samples are"),
        ((PLACES, VALUES[:, :2]), "Samples are"),
        ((PLACES, VALUES, torch.ones(2, 3)), "bool"),
        ((PLACES, VALUES, torch.ones(3, dtype=torch.bool)), "bool"),
        ((PLACES + 1.1, VALUES), "between -1 and 1"),
        ((PLACES * torch.nan, VALUES), "between -1 and 1"),
        ((PLACES, VALUES * torch.inf), "numbers"),
    ],
)
def test_what_are_none(given, says):
    with pytest.raises(ObservationError, match=says):
        Samples(*given)
