"""Metropolis within Gibbs against a Gaussian field whose posterior is known."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from recon.errors import PredictionError
from recon.models.directed import Directed
from recon.textures import surroundings
from recon.textures.metropolis import choose, metropolis
from tests.textures.gaussian_field import SPREAD, autoregression, drawn, posterior


def rectangle(height: int, width: int, rows: tuple[int, int], columns: tuple[int, int]) -> Tensor:
    hole = torch.zeros(height, width, dtype=torch.bool)
    hole[slice(*rows), slice(*columns)] = True
    return hole


def finished(
    model, picture: Tensor, hole: Tensor, sweeps: int, seed: int = 1, grey: bool = False, **options
) -> list[Tensor]:
    """The canvas after each sweep, from the picture itself, which is a draw from the posterior and has to remain one,
    or from a hole of grey"""
    start = torch.where(hole, 0.5, picture) if grey else picture
    generator = torch.Generator().manual_seed(seed)
    steps = metropolis(model, start, hole, generator, sweeps, **options)
    return [step.canvas.clone() for step in steps if step.done == int(step.done)]


def standardised(model, picture: Tensor, hole: Tensor, states: list[Tensor]) -> Tensor:
    """(states, pixels): normal, independent and of unit variance if the chain is right"""
    mean, covariance = posterior(model, picture, hole)
    values = torch.stack([state[hole] for state in states]).double() - mean
    return torch.linalg.solve_triangular(torch.linalg.cholesky(covariance), values.T, upper=False).T


def assert_standard_normal(chains: list[Tensor]) -> None:
    """First and second moments of independent chains, each (states, pixels), are within their error of 0 and 1: an
    error that is estimated from how much the chains differ, whatever the correlation of their states."""
    first = torch.stack([states.mean(0) for states in chains])
    second = torch.stack([states.T @ states / len(states) for states in chains]).flatten(1)
    for moments, truth in ((first, torch.zeros(1)), (second, torch.eye(chains[0].shape[1]).flatten())):
        error = moments.std(0) / len(chains) ** 0.5
        assert error.max() < 0.25
        assert ((moments.mean(0) - truth) / error).abs().max() < 5


# many fields in one picture are as many chains: they are farther apart than the window and twice that reach
TILE, MANY = 16, 150


def chains(model, hole: Tensor, sweeps: int, sampled=None, **options) -> list[Tensor]:
    """Of as many chains as tiles with this hole fit into a picture, a strip of them along the longer side's axis"""
    along = 1 if hole.shape[1] == TILE else 0
    many = [1, 1]
    many[along] = MANY
    whole = hole.repeat(*many)
    picture = drawn(model, *whole.shape)
    states = finished(sampled or model, picture, whole, sweeps, **options)[sweeps // 3 :]
    assert (states[0] != picture).sum() > whole.sum() / 2
    tiles = [state.split(TILE, along) for state in states]
    return [standardised(model, one[0], hole, list(one)) for one in zip(*tiles, strict=True)]


@pytest.mark.parametrize(
    ("rows", "options"),
    [
        ((3, 7), {"sides": (3,)}),
        ((3, 7), {"grey": True}),
        ((3, 7), {"sides": (5, 2), "tries": 3}),
        ((0, 4), {"sides": (3,)}),
        ((5, 9), {"sides": (3,), "tries": 2}),
        ((5, 9), {"sides": (1,)}),
    ],
    ids=["inside", "from grey", "two sizes, three tries", "top", "bottom, two tries", "bottom, single pixels"],
)
def test_mean_and_covariance_are_the_posteriors(rows, options):
    assert_standard_normal(chains(autoregression(), rectangle(9, TILE, rows, (6, 10)), 24, **options))


@pytest.mark.parametrize("columns", [(0, 3), (6, 9)], ids=["left", "right"])
def test_holes_at_the_sides(columns):
    assert_standard_normal(chains(autoregression(), rectangle(TILE, 9, (6, 9), columns), 20, sides=(2,)))


@pytest.mark.parametrize("corner", [(0, 0), (6, 6)])
def test_holes_in_corners(corner):
    model = autoregression()
    hole = rectangle(9, 9, *((first, first + 3) for first in corner))
    picture = drawn(model, 9, 9)
    states = finished(model, picture, hole, 400, sides=(2,))
    assert_standard_normal(list(standardised(model, picture, hole, states).split(20)))


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
    hole = rectangle(9, TILE, (3, 6), (6, 9))
    assert_standard_normal(chains(model, hole, 12, Opaque(), sides=(3,)))


def test_temperature_is_the_variance_of_experts():
    model = autoregression()
    colder = surroundings.tempered(model, 0.25)
    found = chains(colder, rectangle(9, TILE, (3, 7), (6, 10)), 16, model, temperature=0.25)
    assert_standard_normal(found)
    assert colder.mixture.spread.item() == pytest.approx(SPREAD / 2)
    assert model.mixture.spread.item() == pytest.approx(SPREAD)  # of a copy, then
    values = torch.rand(1, 9, 9)
    torch.testing.assert_close(surroundings.tempered(model, 1.0).log_prob(values), model.log_prob(values))


def test_known_pixels_stay_bit_by_bit_and_a_seed_is_a_seed(generator):
    model = autoregression(3, 2)
    picture = torch.rand(20, 23, generator=generator)
    hole = torch.rand(20, 23, generator=generator) < 0.3
    first, again, other = (finished(model, picture, hole, 3, seed, grey=True)[-1] for seed in (1, 1, 2))
    assert torch.equal(first[~hole], picture[~hole])
    assert torch.equal(first, again) and not torch.equal(first, other)
    assert (first[hole] > 0).all() and (first[hole] < 1).all() and (first[hole] != 0.5).any()


def test_bits_are_those_of_the_hole_and_what_depends_on_it():
    model = autoregression()
    model.mixture.slope.fill_(0.05)
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
