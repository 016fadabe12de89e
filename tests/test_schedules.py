"""Schedules: orders of the hidden pixels, in groups that partition them."""

import itertools

import numpy as np
import pytest

from recon import patches, schedules
from recon.errors import PredictionError

BEFOREHAND = [order for order in schedules.ORDERS if order != schedules.SUREST]


@pytest.mark.parametrize("shape", [(1, 1), (8, 8), (7, 7), (5, 12), (24, 24), (32, 32)])
@pytest.mark.parametrize("steps", [1, 2, 7, 32, 5000])
@pytest.mark.parametrize("share", [0.0, 0.1, 0.9, 1.0])
@pytest.mark.parametrize("order", BEFOREHAND)
def test_groups_partition_the_hidden_pixels(shape, steps, share, order):
    mask = np.random.default_rng(0).random(shape) < share
    groups = schedules.groups(mask, steps, order)
    assert len(groups) <= min(steps, (~mask).sum())
    assert all(group.shape == shape and group.dtype == bool and group.any() for group in groups)
    total = sum(groups, np.zeros(shape, dtype=int))
    assert (total == ~mask).all()


def test_groups_follow_the_sobol_order_and_grow():
    mask = patches.random(16, 30, seed=0)
    order = [pixel for pixel in patches.sobol_order(16) if not mask.ravel()[pixel]]
    groups = schedules.groups(mask, 8)
    drawn = list(itertools.chain.from_iterable(sorted(np.flatnonzero(group), key=order.index) for group in groups))
    assert drawn == order
    sizes = [group.sum() for group in groups]
    assert len(sizes) == 8 and sizes == sorted(sizes)


def test_enough_steps_draw_one_pixel_at_a_time():
    groups = schedules.groups(np.zeros((4, 4), dtype=bool), 10_000)
    assert [group.sum() for group in groups] == [1] * 16


def test_every_order_takes_groups_of_the_same_sizes():
    mask = patches.random(16, 30, seed=0)
    assert list(schedules.FOUND) == BEFOREHAND
    for order in BEFOREHAND:
        assert [group.sum() for group in schedules.groups(mask, 8, order)] == schedules.sizes(mask, 8)


def test_raster_goes_row_by_row_and_farthest_keeps_away():
    mask = np.zeros((8, 8), dtype=bool)
    mask[0, 0] = True
    assert np.flatnonzero(schedules.groups(mask, 63, "raster")[0]).tolist() == [1]
    assert schedules.groups(mask, 63, "farthest")[0][7, 7]


def test_chance_comes_from_the_seed():
    mask = np.zeros((16, 16), dtype=bool)
    for order in ("random", "farthest"):
        first, again, other = (np.stack(schedules.groups(mask, 8, order, seed)) for seed in (1, 1, 2))
        assert (first == again).all() and (first != other).any()


@pytest.mark.parametrize("order", ["spiral", schedules.SUREST, ["sobol"]])
def test_orders_that_are_not_known_beforehand(order):
    with pytest.raises(PredictionError, match="no order"):
        schedules.groups(np.zeros((4, 4), dtype=bool), 2, order)
