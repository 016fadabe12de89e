"""Metropolis within Gibbs against a Gaussian field whose posterior is known."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from recon.errors import PredictionError
from recon.models.directed import Directed
from recon.textures import surroundings
from recon.textures.metropolis import choose, metropolis
from tests.textures.gaussian_field import autoregression, drawn, posterior


def rectangle(height: int, width: int, rows: tuple[int, int], columns: tuple[int, int]) -> Tensor:
    hole = torch.zeros(height, width, dtype=torch.bool)
    hole[slice(*rows), slice(*columns)] = True
    return hole


def finished(model, picture: Tensor, hole: Tensor, sweeps: int, seed: int = 1, **options) -> list[Tensor]:
    """The canvas after each sweep, from a hole of grey"""
    start = torch.where(hole, 0.5, picture)
    generator = torch.Generator().manual_seed(seed)
    steps = metropolis(model, start, hole, generator, sweeps, **options)
    return [step.canvas.clone() for step in steps if step.done == int(step.done)]


def standardised(model, picture: Tensor, hole: Tensor, states: list[Tensor]) -> Tensor:
    """(states, pixels): normal, independent and of unit variance if the chain is right"""
    mean, covariance = posterior(model, picture, hole)
    values = torch.stack([state[hole] for state in states]).double() - mean
    return torch.linalg.solve_triangular(torch.linalg.cholesky(covariance), values.T, upper=False).T


def is_standard_normal(found: Tensor, chains: int) -> bool:
    """Means and covariances within four standard errors; states of one chain count for a tenth of a draw"""
    count = chains + len(found) / 10
    covariance = torch.cov(found.T)
    error = covariance - torch.eye(found.shape[1], dtype=found.dtype)
    return bool((found.mean(0).abs() < 4 / count**0.5).all() and (error.abs() < 4 * (2 / count) ** 0.5).all())


# many fields in a row are as many chains, as far apart as the window and twice that reach
TILE, MANY = 16, 40


@pytest.mark.parametrize(
    ("rows", "options"),
    [
        ((3, 7), {}),
        ((3, 7), {"sides": (3, 1), "tries": 3}),
        ((0, 4), {}),
        ((5, 9), {"tries": 2}),
        ((5, 9), {"sides": (1,)}),
    ],
    ids=["inside", "small blocks, several tries", "top", "bottom, two tries", "bottom, single pixels"],
)
def test_mean_and_covariance_are_the_posteriors(rows, options):
    model = autoregression()
    picture = drawn(model, 9, TILE * MANY)
    tile = rectangle(9, TILE, rows, (6, 10))
    states = finished(model, picture, tile.repeat(1, MANY), 24, **options)[8:]
    found = []
    for left in range(0, TILE * MANY, TILE):
        # further left and right than the hole's pixels reach, where a tile ends does not matter
        tiles = [state[:, left : left + TILE] for state in states]
        found.append(standardised(model, tiles[0], tile, tiles))
    assert is_standard_normal(torch.cat(found), MANY)


@pytest.mark.parametrize("columns", [(0, 3), (6, 9)], ids=["left", "right"])
def test_holes_at_the_sides(columns):
    model = autoregression()
    picture = drawn(model, TILE * MANY, 9)
    tile = rectangle(TILE, 9, (6, 9), columns)
    states = finished(model, picture, tile.repeat(MANY, 1), 24)[8:]
    found = []
    for top in range(0, TILE * MANY, TILE):
        tiles = [state[top : top + TILE] for state in states]
        found.append(standardised(model, tiles[0], tile, tiles))
    assert is_standard_normal(torch.cat(found), MANY)


@pytest.mark.parametrize("corner", [(0, 0), (0, 6), (6, 0), (6, 6)])
def test_holes_in_corners(corner):
    model = autoregression()
    picture = drawn(model, 9, 9)
    hole = rectangle(9, 9, *((first, first + 3) for first in corner))
    states = finished(model, picture, hole, 100, sides=(3,))[10:]
    assert is_standard_normal(standardised(model, picture, hole, states), 1)


def test_a_model_of_which_only_the_interface_is_known_agrees_where_its_past_is_short():
    model = autoregression()

    class Opaque(Directed):
        margin = model.margin
        outside = model.outside
        device = torch.device("cpu")

        def log_prob(self, values):
            return model.log_prob(values)

        def draw(self, canvas, free, generator, temperature=1.0):
            return model.draw(canvas, free, generator, temperature)

    assert isinstance(surroundings.of(Opaque(), 5), surroundings.Truncated)
    picture = drawn(model, 9, TILE * MANY)
    tile = rectangle(9, TILE, (3, 7), (6, 10))
    states = finished(Opaque(), picture, tile.repeat(1, MANY), 12)[4:]
    tiles = [[state[:, left : left + TILE] for state in states] for left in range(0, TILE * MANY, TILE)]
    assert is_standard_normal(torch.cat([standardised(model, some[0], tile, some) for some in tiles]), MANY)


def test_temperature_is_the_variance_of_experts():
    model = autoregression()
    picture = drawn(model, 9, TILE * MANY)
    tile = rectangle(9, TILE, (3, 7), (6, 10))
    states = finished(model, picture, tile.repeat(1, MANY), 16, temperature=0.25)[4:]
    tiles = [[state[:, left : left + TILE] for state in states] for left in range(0, TILE * MANY, TILE)]
    found = torch.cat([standardised(model, some[0], tile, some) for some in tiles])
    assert is_standard_normal(2 * found, MANY)
    values = torch.rand(1, 9, 9)
    assert model.mixture.spread == pytest.approx(0.02)  # of a copy
    torch.testing.assert_close(surroundings.tempered(model, 1.0).log_prob(values), model.log_prob(values))


def test_known_pixels_stay_bit_by_bit_and_a_seed_is_a_seed(generator):
    model = autoregression(3, 2)
    picture = torch.rand(20, 23, generator=generator)
    hole = torch.rand(20, 23, generator=generator) < 0.3
    first, again, other = (finished(model, picture, hole, 3, seed)[-1] for seed in (1, 1, 2))
    assert torch.equal(first[~hole], picture[~hole])
    assert torch.equal(first, again) and not torch.equal(first, other)
    assert (first[hole] > 0).all() and (first[hole] < 1).all() and (first[hole] != 0.5).any()


def test_bits_are_those_of_the_hole_and_what_depends_on_it():
    model = autoregression()
    picture, hole = drawn(model, 30, 40), rectangle(30, 40, (8, 12), (20, 25))
    touched = surroundings.Touched(model, hole)
    changed = torch.where(hole, picture + 0.01, picture)
    differs = model.log_prob(changed[None])[0] != model.log_prob(picture[None])[0]
    assert torch.equal(differs | hole, touched.pixels)
    bits = 8 - model.log_prob(picture[None])[0][touched.pixels].mean() / torch.tensor(2.0).log()
    assert touched.bits(picture[None]).item() == pytest.approx(bits.item(), abs=1e-4)
    for step in metropolis(model, picture, hole, torch.Generator().manual_seed(0), 2):
        assert 0 <= step.acceptance <= 1 and 0 < step.done <= 2
    assert step.bits == pytest.approx(touched.bits(step.canvas[None]).item())


def test_one_try_is_metropolis_and_weights_of_zero_are_never_taken(generator):
    old, new = torch.zeros(20_000).double(), torch.full((20_000, 1), -1.0).double()
    assert choose(old, new, generator)[1].double().mean().item() == pytest.approx(0.368, abs=0.02)
    assert choose(old, new + 2, generator)[1].all()
    impossible = torch.full((50, 3), -torch.inf).double()
    assert not choose(old[:50], impossible, generator)[1].any()
    impossible[:, 1] = 0.0
    assert (choose(old[:50], impossible, generator)[0] == 1).all()


def test_what_cannot_be_mended_is_refused(generator):
    model, picture = autoregression(), torch.rand(9, 9, generator=generator)
    hole = rectangle(9, 9, (3, 7), (3, 7))
    asked = {
        "no hole": (torch.zeros_like(hole), {}),
        "Nothing of the picture": (torch.ones_like(hole), {}),
        "yes or no": (hole[1:], {}),
        "at least one": (hole, {"tries": 0}),
    }
    for problem, (mask, options) in asked.items():
        with pytest.raises(PredictionError, match=problem):
            next(metropolis(model, picture, mask, generator, 1, **options))
    with pytest.raises(PredictionError, match="yes or no"):
        next(metropolis(model, picture[None], hole, generator, 1))
