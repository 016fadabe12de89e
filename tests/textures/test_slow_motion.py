"""What slow motion says of a pixel is what the model says of it."""

from __future__ import annotations

import pytest
import torch

from recon.errors import PredictionError
from recon.models.directed import dequantised
from recon.models.mcgsm import MCGSM
from recon.models.ride import RIDE
from recon.textures.fit import fit, rows_held_out
from recon.textures.slow_motion import slow_motion


@pytest.fixture(scope="module")
def image():
    """A field in which every pixel leans on its left and its upper neighbour."""
    generator = torch.Generator().manual_seed(1)
    noise = torch.randn(120, 90, generator=generator)
    for row in range(1, 120):
        for column in range(1, 90):
            noise[row, column] += 0.5 * noise[row - 1, column] + 0.4 * noise[row, column - 1]
    return (noise * 12 + 128).clamp(0, 255).to(torch.uint8)


@pytest.fixture(scope="module")
def model(image):
    torch.manual_seed(0)
    found = MCGSM(above=2, beside=2, components=3, scales=2, features=4)
    for _ in fit(found, rows_held_out(image, found), steps=300, finish=3, every=100):
        pass
    return found


def test_each_pixel_was_drawn_from_what_is_shown(model):
    shown = slow_motion(model, 12, torch.Generator().manual_seed(3))
    assert shown.canvas.shape == (14, 16) and shown.gate.shape == (12, 12, 3, 2) and shown.means.shape == (12, 12, 3)
    assert torch.allclose(shown.gate.sum((-1, -2)), torch.ones(12, 12), atol=1e-5)
    expected = model.log_prob(shown.canvas[None])[0, 2:, 2:14]
    assert torch.allclose(shown.log_density(), expected, atol=1e-4)


def test_of_a_ride_it_knows_what_the_lstm_has_read(image):
    """The state at the first pixel that is shown comes from those drawn before it."""
    torch.manual_seed(0)
    ride = RIDE(hidden=6, components=3, scales=2, features=4)
    pixels = rows_held_out(image, ride)
    ride.precondition(*pixels.at(ride.context, pixels.learned, torch.Generator().manual_seed(0)))
    shown = slow_motion(ride, 12, torch.Generator().manual_seed(3))
    generator = torch.Generator().manual_seed(3)
    canvas, free = ride.blank(14, 16, generator)
    for _ in ride.draw(canvas, free, generator):
        pass
    begin = ride.margin
    assert shown.remembers and torch.equal(shown.canvas, canvas[0, begin:, begin : begin + 16])
    with torch.no_grad():
        expected = ride.log_prob(canvas)[0, begin + 2 :, begin + 2 : begin + 14]
        cut = ride.log_prob(shown.canvas[None])[0, 2:, 2:14]
    assert torch.allclose(shown.log_density(), expected, atol=1e-4)
    assert not torch.allclose(cut, expected, atol=1e-3)


def test_a_seed_decides_and_temperature_narrows(model, image):
    first, again = (slow_motion(model, 8, torch.Generator().manual_seed(3)).canvas for _ in range(2))
    assert torch.equal(first, again)
    start = dequantised(image)
    cool = slow_motion(model, 8, torch.Generator().manual_seed(3), 0.25, start)
    warm = slow_motion(model, 8, torch.Generator().manual_seed(3), 1.0, start)
    assert torch.allclose(cool.spreads, warm.spreads / 2)


@pytest.mark.parametrize("side", [0, 129])
def test_a_side_that_cannot_be_is_told_so(model, side):
    with pytest.raises(PredictionError, match="slow motion"):
        slow_motion(model, side, torch.Generator())
