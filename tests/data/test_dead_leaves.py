import pytest
import torch

from recon.data.dead_leaves import dead_leaves, power_law
from recon.errors import DataError


def test_the_same_seed_gives_the_same_leaves():
    one, two = (dead_leaves(40, 60, torch.Generator().manual_seed(0)) for _ in range(2))
    assert one.equal(two) and one.shape == (40, 60) and one.dtype == torch.uint8


def test_greys_are_uniform_over_the_levels():
    images = torch.stack([dead_leaves(64, 64, torch.Generator().manual_seed(k), largest=10.0) for k in range(8)])
    assert images.float().mean().item() == pytest.approx(127.5, abs=10)
    assert images.float().std().item() == pytest.approx(255 / 12**0.5, rel=0.1)


def test_radii_follow_the_power_law():
    radii = power_law(torch.rand(200_000, generator=torch.Generator().manual_seed(1)), 2.0, 100.0, 3.0)
    assert radii.min() >= 2 and radii.max() <= 100
    for radius in (3.0, 5.0, 20.0):
        expected = (2.0**-2 - radius**-2) / (2.0**-2 - 100.0**-2)
        assert (radii < radius).float().mean().item() == pytest.approx(expected, abs=0.005)


def test_leaves_hide_each_other_evenly():
    """Two pixels under one leaf are equal: the share of equal neighbours is the same along rows and columns."""
    image = dead_leaves(200, 200, torch.Generator().manual_seed(2), smallest=4.0).int()
    across = (image[:, 1:] == image[:, :-1]).float().mean()
    down = (image[1:] == image[:-1]).float().mean()
    assert across > 0.6 and across.item() == pytest.approx(down.item(), abs=0.03)


@pytest.mark.parametrize("wrong", [{"smallest": 0.1}, {"smallest": 5.0, "largest": 4.0}, {"exponent": 1.0}])
def test_no_leaves(wrong):
    with pytest.raises(DataError, match="Leaves need"):
        dead_leaves(8, 8, torch.Generator(), **wrong)
