"""Ways to observe a clip."""

import pytest
import torch

from recon.clips import patterns
from recon.errors import PatchError


@pytest.mark.parametrize("way", patterns.OFFERED)
def test_pixels_are_there_once_and_fewer_are_the_first_of_many(way):
    few, many = (patterns.on_grid(way, count, seed=3) for count in (64, 256))
    assert len(few) == 64 and len(many) == 256 and torch.equal(few, many[:64])
    assert len(set(map(tuple, many.tolist()))) == 256
    assert (many >= 0).all() and (many < torch.tensor([16, 24, 24])).all()
    assert not torch.equal(many, patterns.on_grid(way, 256, seed=4))


def test_where_they_are():
    assert patterns.on_grid(patterns.SCATTERED, 256, 0)[:, 0].bincount().tolist() == pytest.approx([16] * 16, abs=2)
    places = patterns.on_grid(patterns.PLACES, 70, 0).view(4, 16, 3)  # 64 fill all frames
    assert (places[:, :, 1:] == places[:, :1, 1:]).all() and (places[:, :, 0] == torch.arange(16)).all()
    assert set(patterns.on_grid(patterns.ENDS, 64, 0)[:, 0].tolist()) == {0, 15}
    assert patterns.on_grid(patterns.START, 256, 0)[:, 0].max() == 7


@pytest.mark.parametrize(("way", "count"), [("nowhere", 8), (patterns.SCATTERED, 0), (patterns.ENDS, 1153)])
def test_what_does_not_fit(way, count):
    with pytest.raises(PatchError):
        patterns.on_grid(way, count, 0)


def test_positions_are_middles():
    found = patterns.positions(torch.tensor([[0, 0, 23], [15, 12, 0]]))
    assert found.flatten().tolist() == pytest.approx([-15 / 16, -23 / 24, 23 / 24, 15 / 16, 1 / 24, -23 / 24])


@pytest.mark.parametrize("way", sorted(set(patterns.WAYS)))
def test_positions_for_training(way):
    found = patterns.uniform(5, 64, way, torch.Generator().manual_seed(0))
    assert found.shape == (5, 64, 3) and found.abs().max() <= 1
    if way == patterns.PLACES:
        assert (found.view(5, 4, 16, 3)[:, :, :, 1:] == found.view(5, 4, 16, 3)[:, :, :1, 1:]).all()
    if way == patterns.FEW:
        assert all(len(set(times.tolist())) <= 4 for times in found[..., 0])
