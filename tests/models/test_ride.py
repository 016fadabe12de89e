"""RIDE: what it predicts with, what it may see, and that drawing agrees with its densities."""

import math
from pathlib import Path

import pytest
import torch
from torch import Tensor

from recon.errors import PredictionError
from recon.models.mcgsm import MCGSM
from recon.models.ride import RIDE

SIZES = {"components": 3, "scales": 2, "features": 4}
SKIPS = [None, (3, 3)]


def picture(height: int = 24, width: int = 22, count: int = 1) -> Tensor:
    """Smoothed noise in [0, 1]"""
    noise = torch.randn(count, 1, height + 4, width + 4, generator=torch.Generator().manual_seed(3))
    return (0.5 + 0.3 * torch.nn.functional.avg_pool2d(noise, 5, 1)).clamp(0, 1)[:, 0]


def samples(model: RIDE | MCGSM, values: Tensor) -> tuple[Tensor, Tensor]:
    """Neighbourhoods and pixels of the first picture"""
    window = model.context if isinstance(model, RIDE) else model.window
    places = window.inner(*values.shape[-2:]).flatten().nonzero()[:, 0]
    return window.at(values[0], places), values[0].flatten()[places]


def made(skip: tuple[int, int] | None = None, layers: int = 1, **sizes: int) -> RIDE:
    torch.manual_seed(1)
    model = RIDE(skip=skip, hidden=6, layers=layers, **(SIZES | sizes))
    model.precondition(*samples(model, picture(60, 60)))
    return model.eval()


@pytest.mark.parametrize("skip", SKIPS)
def test_looks_at_earlier_pixels_only(skip: tuple[int, int] | None):
    model, values = made(skip), picture()
    changed = values.clone()
    changed[0, 12, 11] += 0.2
    with torch.no_grad():
        differs = (model.log_prob(values) != model.log_prob(changed))[0]
    assert differs[12, 11]
    assert not differs[:12].any()
    assert not differs[12, :11].any()
    assert differs[20, 19]  # far beyond any window: the LSTM remembers


@pytest.mark.parametrize("skip", SKIPS)
def test_density_of_a_pixel_integrates_to_one(skip: tuple[int, int] | None):
    model = made(skip)
    levels = torch.linspace(-2, 3, 4001)
    values = picture(9, 9).expand(len(levels), -1, -1).clone()
    values[:, 8, 5] = levels
    with torch.no_grad():
        density = model.log_prob(values)[:, 8, 5].double().exp()
    assert abs(torch.trapezoid(density, levels.double()).item() - 1) < 1e-4


def test_without_skip_the_mixture_sees_the_hidden_state_alone():
    """p(x_ij | h_ij), of what the best linear prediction from the LSTM's window leaves over"""
    model, values = made(), picture()
    x, y = samples(model, values)
    rows = slice(2, None), slice(2, -2)
    with torch.no_grad():
        hidden = model.lstm(((x - model.centre) @ model.whitening).view(1, 22, 18, 12)).flatten(0, 2)
        left = y - (x - model.centre) @ model.slope
        wanted = model.mixture.log_prob(hidden, left)
        found = model.log_prob(values)[0][rows].flatten()
    assert torch.allclose(found, wanted, atol=1e-4)


@pytest.mark.parametrize("skip", SKIPS)
def test_whitened(skip: tuple[int, int] | None):
    model, values = made(skip), picture(60, 60)
    places = model.context.inner(60, 60).flatten().nonzero()[:, 0]
    x = (model.window.at(values[0], places) - model.centre) @ model.whitening
    assert torch.allclose(x.T @ x / len(x), torch.eye(12), atol=0.02)


@pytest.mark.parametrize("skip", SKIPS)
def test_patches_equal_whole_pictures_cut_out(skip: tuple[int, int] | None):
    """A picture cut so that only the patch is inside of it has the same densities there."""
    model, values = made(skip), picture()
    reach = model.context.above
    rows, columns = torch.arange(8, 14), torch.arange(9, 14)
    places = rows[:, None] * 22 + columns
    with torch.no_grad():
        found = model.log_prob_at(values[0], places[None])[0]
        near = model.window.above
        hidden = model.hidden(values[:, 8 - near : 14, 9 - near : 14 + near])[0, near:, near:-near]
        of_context, of_hidden, constant = model.filters()
        linear = model.context.at(values[0], places.flatten()) @ of_context
        linear = linear.view(6, 5, -1) + hidden @ of_hidden + constant
        wanted = model.mixture.log_prob_of(values[0, 8:14, 9:14], linear)
        if skip is None:
            cut = model.log_prob(values[:, 8 - reach : 14, 9 - reach : 14 + reach])[0, reach:, reach:-reach]
            assert torch.allclose(found, cut, atol=1e-4)
    assert torch.allclose(found, wanted, atol=1e-4)


@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize("skip", SKIPS)
@pytest.mark.parametrize("hole", ["all", "middle", "two"])
def test_draws_what_it_predicts(layers: int, skip: tuple[int, int] | None, hole: str):
    """Without noise every pixel drawn is the mean that the finished picture's earlier pixels imply."""
    model = made(skip, layers, components=1)
    values = picture(20, 18, count=2)
    free = torch.zeros(20, 18, dtype=torch.bool)
    if hole == "all":
        free[:] = True
    if hole == "middle":
        free[7:12, 6:13] = True
    if hole == "two":
        free[5:7, 10:12] = free[9:14, 3:6] = True
    canvas = values.clone()
    canvas[:, free] = model.outside
    drawn = torch.cat(list(model.draw(canvas, free, torch.Generator().manual_seed(0), temperature=0.0)))
    assert torch.equal(canvas[:, ~free], values[:, ~free])
    assert sorted(map(tuple, drawn.tolist())) == sorted(map(tuple, free.nonzero().tolist()))
    with torch.no_grad():
        mean = model.mixture.answer(model.linear(canvas))[1][..., 0, 0]
    assert torch.allclose(canvas[:, free], mean.clamp(*model.mixture.range)[:, free], atol=1e-5)


def test_generates_and_completes():
    model = made((3, 3))
    *_, found = model.generate(10, 12, torch.Generator().manual_seed(0), count=2)
    *_, again = model.generate(10, 12, torch.Generator().manual_seed(0), count=2)
    assert found.shape == (2, 10, 12)
    assert torch.equal(found, again)
    hole = torch.zeros(24, 22, dtype=torch.bool)
    hole[0:4, 0:4] = True  # a corner: no state above
    *_, mended = model.complete(picture(), hole, torch.Generator().manual_seed(0))
    assert torch.equal(mended[:, ~hole], picture()[:, ~hole])


def test_starts_as_the_mcgsm():
    torch.manual_seed(2)
    base = MCGSM(above=3, beside=3, **SIZES)
    values = picture(60, 60)
    base.mixture.precondition(*samples(base, values))
    model = RIDE(skip=(3, 3), hidden=6, **SIZES)
    model.start_from(base)
    with torch.no_grad():
        assert torch.allclose(model.log_prob(values), base.log_prob(values), atol=1e-3)
    assert torch.allclose(model.whitening, made((3, 3)).whitening, rtol=1e-2, atol=1e-2)
    model.log_prob(values).mean().backward()
    assert model.mixture.predictors.grad[-6:].abs().max() > 0  # and can learn to read h


@pytest.mark.parametrize("other", [{"above": 4}, {"components": 5}, {"scales": 3}])
def test_starts_from_no_other(other: dict[str, int]):
    base = MCGSM(**{"above": 3, "beside": 3, **SIZES, **other})
    with pytest.raises(PredictionError, match="same window"):
        RIDE(skip=(3, 3), hidden=6, **SIZES).start_from(base)


def test_refuses_a_skip_smaller_than_its_window():
    with pytest.raises(PredictionError, match="has to contain"):
        RIDE(skip=(1, 7))


def test_settled_pixels_and_small_pictures():
    model = made((3, 3))
    assert model.settled(9, 9).sum() == 6 * 3
    with torch.no_grad():
        assert model.log_prob(picture(2, 3)).isfinite().all()
    image = (picture(30, 30) * 255).to(torch.uint8)
    assert math.isfinite(model.bits_per_pixel(image, torch.Generator().manual_seed(0), whole=False))
    with pytest.raises(PredictionError, match="smaller"):
        model.bits_per_pixel(image[:, :3], torch.Generator().manual_seed(0), whole=False)


def test_discrete_masses_sum_to_one():
    model = made((3, 3))
    image = (picture(8, 9) * 255).to(torch.uint8).expand(256, -1, -1).clone()
    image[:, 7, 4] = torch.arange(256)
    with torch.no_grad():
        assert abs(model.log_mass(image)[:, 7, 4].exp().sum().item() - 1) < 1e-4


@pytest.mark.parametrize("skip", SKIPS)
def test_saved_and_loaded(tmp_path: Path, skip: tuple[int, int] | None):
    model = made(skip, layers=2)
    model.save_pretrained(tmp_path)
    again = RIDE.from_pretrained(tmp_path)
    with torch.no_grad():
        assert torch.equal(again.log_prob(picture()), model.log_prob(picture()))
