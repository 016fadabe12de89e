"""What intervals hold, and the temperature that has them hold their due."""

from __future__ import annotations

import pytest
import torch

from recon.models.calibration import best, likeliest, share_held


def test_of_fine_levels_it_is_what_intervals_touch():
    below = torch.arange(1000) / 1000
    assert share_held(below, below + 1e-3, 0.9) == pytest.approx(0.9, abs=2e-3)
    some = below < 0.5  # of which those below .05 do not count as in
    assert share_held(below, below + 1e-3, 0.9, some) == pytest.approx(0.9, abs=3e-3)


def test_of_one_that_has_the_most_it_is_what_is_in_them():
    below, above = torch.zeros(100), torch.full((100,), 0.7)  # always black, whose mass is .7
    assert share_held(below, above, 0.9) == pytest.approx(0.65 / 0.7)


def test_the_best_temperature_is_among_those_that_cost_little():
    tried = torch.tensor([0.5, 0.8, 1.0, 1.2])
    nats, held = [2.0, 1.004, 1.0, 1.002], [0.9, 0.91, 0.93, 0.95]
    assert best(tried, nats, held, 0.006) == pytest.approx(0.8)
    assert best(tried, nats, held, 0.001) == pytest.approx(1.0)
    assert best(tried, nats, held, 2.0) == pytest.approx(0.5)


def test_the_likeliest_is_among_those_whose_intervals_hold_their_due():
    tried = torch.tensor([0.5, 0.8, 1.0, 1.2])
    nats = [2.0, 1.004, 1.0, 1.002]
    assert likeliest(tried, nats, [0.896, 0.904, 0.93, 0.95], 0.006) == pytest.approx(0.8)
    assert likeliest(tried, nats, [0.90, 0.93, 0.95, 0.96], 0.006) == pytest.approx(0.8), (
        "the nearest that costs little"
    )
