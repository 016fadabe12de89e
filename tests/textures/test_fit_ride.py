"""Fitting RIDE on a small texture made by code."""

import pytest
import torch
from torch import Tensor

from recon.errors import DataError
from recon.models.mcgsm import MCGSM
from recon.models.ride import RIDE
from recon.textures.fit import Pixels, Progress, fit, measure, rows_held_out
from recon.textures.fit_ride import corners, fit_ride, patches

SIZES = {"components": 2, "scales": 2, "features": 4}


def texture(height: int = 100, width: int = 80) -> Tensor:
    """Stripes under noise, uint8: their slant makes left and right differ."""
    rows, columns = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    stripes = torch.sin(0.5 * columns + 0.3 * rows).sign()
    noise = torch.randn(height, width, generator=torch.Generator().manual_seed(0))
    return (128 + 50 * stripes + 10 * noise).clamp(0, 255).to(torch.uint8)


def made(skip: tuple[int, int] | None = None) -> RIDE:
    torch.manual_seed(0)
    return RIDE(skip=skip, hidden=8, **SIZES)


def fitted(model: RIDE, pixels: Pixels, **how) -> list[Progress]:
    return list(fit_ride(model, pixels, **({"steps": 16, "sizes": (6, 8), "batch": 8, "every": 8} | how)))


def test_learns_and_keeps_the_best():
    model = made()
    pixels = rows_held_out(texture(), model)
    found = fitted(model, pixels, steps=60, every=10, rate=2e-2)
    assert [p.step for p in found] == [0, 10, 20, 30, 40, 50, 60]
    assert [found[0].phase, found[-1].phase] == ["patches of 6", "patches of 8"]
    assert found[-1].best < found[0].held_out - 0.1
    assert [p.best for p in found] == [min(p.held_out for p in found[: n + 1]) for n in range(len(found))]


@pytest.mark.parametrize("mirrored", [False, True])
def test_same_seed_same_weights(mirrored: bool):
    models = [made(), made(), made()]
    found = [
        fitted(model, rows_held_out(texture(), model), seed=seed, mirrored=mirrored)
        for model, seed in zip(models, (1, 1, 2), strict=True)
    ]
    first, again, other = ([p.held_out for p in each] for each in found)
    assert first == again != other
    states = [model.state_dict() for model in models]
    assert all(torch.equal(states[0][name], states[1][name]) for name in states[0])


def test_starts_from_an_mcgsm_and_ends_no_worse():
    base = MCGSM(above=3, beside=3, **SIZES)
    pixels = rows_held_out(texture(), base)
    for _ in fit(base, pixels, steps=60, finish=0, batch=256):
        pass
    model = made((3, 3))
    found = fitted(model, pixels, start=base)
    ended, started = measure(model, pixels)[1], measure(base, pixels)[1]
    assert found[0].held_out == pytest.approx(started, abs=0.02)  # of the same pixels, under other noise
    assert found[-1].best <= found[0].held_out
    assert ended < started + 0.02
    model.start_from(base)
    assert measure(model, pixels)[1] == pytest.approx(started, abs=1e-4)


def test_left_early_it_has_the_best_so_far():
    model = made()
    pixels = rows_held_out(texture(), model)
    running = fit_ride(model, pixels, steps=40, sizes=(6,), batch=8, every=4)
    for progress in running:
        if progress.step == 12:
            break
    running.close()
    again = made()
    until = fitted(again, pixels, steps=40, sizes=(6,), every=4)[:4]
    assert progress.best == min(p.held_out for p in until)
    assert all(p.requires_grad for p in model.parameters())
    with torch.no_grad():
        assert model.log_prob(torch.full((1, 20, 20), 0.5)).isfinite().all()


@pytest.mark.parametrize("skip", [None, (3, 3)])
def test_patches_hold_no_pixel_that_is_held_out(skip: tuple[int, int] | None):
    model = made(skip)
    pixels = rows_held_out(texture(), model)
    found = corners(pixels, 7)
    rows, columns = found // 80, found % 80
    reach = model.context.above
    assert (int(rows.min()), int(rows.max()) + 6) == (reach, 79)
    assert (int(columns.min()), int(columns.max()) + 6) == (reach, 79 - reach)
    assert len(found) == (80 - reach - 6) * (80 - 2 * reach - 6)


@pytest.mark.parametrize("skip", [None, (4, 3)])
def test_patches_are_pieces_of_the_picture(skip: tuple[int, int] | None):
    model = made(skip)
    pixels = rows_held_out(texture(), model)
    corner = torch.tensor([10 * 80 + 20, 33 * 80 + 41])
    values, places = patches(model, pixels, corner, 6, False, torch.Generator().manual_seed(0))
    found = (values.flatten()[places] * 256).to(torch.uint8)
    assert torch.equal(found[0], texture()[10:16, 20:26])
    assert torch.equal(found[1], texture()[33:39, 41:47])
    x = (model.context.at(values, places[1].flatten()) * 256).to(torch.uint8)
    wanted = model.context.at(texture(), (torch.arange(33, 39)[:, None] * 80 + torch.arange(41, 47)).flatten())
    assert torch.equal(x, wanted)


def test_patches_mirrored_are_mirrored_with_what_surrounds_them():
    model = made((4, 3))
    pixels = rows_held_out(texture(), model)
    corner = torch.full((30,), 10 * 80 + 20)
    values, places = patches(model, pixels, corner, 6, True, torch.Generator().manual_seed(0))
    seen = (values.view(30, 10, 12) * 256).to(torch.uint8)
    piece = texture()[6:16, 17:29]
    straight = (seen == piece).flatten(1).all(1)
    turned = (seen == piece.flip(-1)).flatten(1).all(1)
    assert (straight ^ turned).all()
    assert 5 < straight.sum() < 25
    assert places.shape == (30, 6, 6)


def test_refuses_pictures_without_room_for_a_patch():
    model = made()
    pixels = rows_held_out(texture(40, 80), model)
    with pytest.raises(DataError, match="too small for patches of 31"):
        list(fit_ride(model, pixels, sizes=(8, 31)))
    with pytest.raises(DataError, match="too small for patches of 90"):
        corners(pixels, 90)
