"""Clips made by code: functions of time and place, no two alike, the same for the same seed."""

import math

import pytest
import torch

from recon.clips import kinds, scenes
from recon.clips.scenes import CROSS, DISC, RING, SQUARE, Things, bounced, outside


@pytest.mark.parametrize("kind", sorted(kinds.KINDS))
def test_a_kind_has_grey_levels_moves_and_repeats_by_its_seed(kind):
    clips, again, other = (kinds.whole(kinds.KINDS[kind](6, torch.Generator().manual_seed(s))) for s in (1, 1, 2))
    assert torch.equal(clips, again) and not torch.equal(clips, other)
    assert clips.shape == (6, 16, 24, 24) and clips.min() >= 0 and clips.max() <= 1
    assert (clips.std((1, 2, 3)) > 0.02).all()  # there is something to see
    assert ((clips[:, 1:] - clips[:, :-1]).abs().amax((1, 2, 3)) > 0.02).all()  # and it moves
    assert (clips[0] - clips[1]).abs().mean() > 0.02


def test_none_of_a_kind():
    generator = torch.Generator().manual_seed(0)
    for draw in kinds.KINDS.values():
        assert draw(0, generator).value(torch.zeros(0, 5, 3)).shape == (0, 5)


def one(kind=DISC, row=0.0, down=0.0, camera=None):
    ground = torch.tensor([[0.2, 0.0, 0.0]])
    numbers = [torch.tensor([[float(said)]]) for said in (row, 0, down, 0, 0.4, 0, 0)]
    return Things(ground, *numbers, torch.tensor([[kind]]), torch.tensor([[0.9]]), camera)


def test_a_thing_covers_the_ground_where_it_is():
    places = torch.tensor([[[0.0, 0.0, 0.0], [0.0, 0.9, 0.0], [0.0, 0.4, 0.0]]])
    assert one().value(places)[0].tolist() == pytest.approx([0.9, 0.2, 0.55])  # its edge has half of each
    assert one(RING).value(places)[0, 0] == pytest.approx(0.2)


def test_a_thing_goes_off_the_border_as_it_came():
    assert bounced(torch.tensor([0.0, 0.5, 0.8, 2.4, -0.8]), torch.tensor(0.6)).tolist() == pytest.approx(
        [0.0, 0.5, 0.4, 0.0, -0.4], abs=1e-6
    )
    there = torch.tensor([[[1.0, 0.2, 0.0], [1.0, -0.8, 0.0]]])
    assert one(row=0.0, down=1.0).value(there)[0].tolist() == pytest.approx([0.9, 0.2])


def test_a_camera_moves_everything_by_as_much():
    pan = torch.tensor([[0.5, 0.0, 0.0, 0.0]])  # it looks lower: things rise
    seen = one(camera=pan).value(torch.tensor([[[1.0, -0.5, 0.0], [1.0, 0.5, 0.0]]]))
    assert seen[0].tolist() == pytest.approx([0.9, 0.2])


@pytest.mark.parametrize("kind", [DISC, RING, SQUARE, CROSS])
def test_what_is_absent_or_far_is_outside(kind):
    place = torch.tensor(0.05), torch.tensor(0.02)
    assert outside(*place, torch.tensor(-1.0), torch.tensor(kind)) > scenes.EDGE
    assert outside(torch.tensor(2.0), torch.tensor(0.1), torch.tensor(0.4), torch.tensor(kind)) > 1


def test_a_beach_has_sky_above_and_sand_below():
    found = kinds.KINDS["beach"](20, torch.Generator().manual_seed(0))
    corners = torch.tensor([[0.0, -1.0, 0.0], [0.0, 1.0, 0.0]]).expand(20, -1, -1)
    sky, sand = found.value(corners).T
    assert ((sky - found.sky).abs() < 0.1).all() and ((sand - found.sand).abs() < 0.2).all()


def test_grids_and_grain():
    places = kinds.grid(2, 3)
    assert places.shape == (18, 3) and places[0].tolist() == pytest.approx([-0.5, -2 / 3, -2 / 3])
    noise = kinds.noisy(torch.zeros(20_000), torch.Generator().manual_seed(0))
    assert noise.std().item() == pytest.approx(kinds.NOISE, rel=0.05) and math.isclose(noise.mean(), 0, abs_tol=1e-3)
