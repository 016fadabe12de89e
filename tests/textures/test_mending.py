"""Filling a hole: what is known stays, seeds, and that starts which see the known pixels beside them fit better."""

from __future__ import annotations

import pytest
import torch

from recon.errors import PredictionError
from recon.models.directed import Directed
from recon.textures.mending import Step, ancestral, mend, systematic
from recon.textures.surroundings import Touched
from tests.textures.gaussian_field import autoregression, drawn, posterior


@pytest.fixture(scope="module")
def model():
    return autoregression()


@pytest.fixture(scope="module")
def picture(model):
    return drawn(model, 30, 34)


@pytest.fixture
def hole():
    found = torch.zeros(30, 34, dtype=torch.bool)
    found[8:20, 10:24] = True
    found[12, 15] = False  # an island
    return found


def run(model, picture, hole, seed=0, **options) -> list[Step]:
    options = {"starts": 2, "sweeps": 2, "candidates": 4, **options}
    return list(mend(model, picture, hole, torch.Generator().manual_seed(seed), **options))


def test_steps_are_named_and_counted(model, picture, hole):
    steps = run(model, picture, hole)
    starts = [step for step in steps if step.phase == "start"]
    sweeps = steps[len(starts) :]
    assert all(step.phase == "sweep" and step.acceptance is not None for step in sweeps)
    assert [step.of for step in (starts[-1], sweeps[-1])] == [2, 2]
    assert starts[-1].done == 2 and sweeps[-1].done == 2
    done = [step.done for step in starts]
    assert done == sorted(done) and starts[0].bits is None and starts[-1].acceptance is None
    assert sweeps[-1].bits == pytest.approx(Touched(model, hole).bits(steps[-1].canvas[None]).item())


def test_known_pixels_stay_bit_by_bit_and_a_seed_is_a_seed(model, picture, hole):
    painted = torch.where(hole, 0.9, picture)  # what lies in the hole is not looked at
    first, again, other = (
        run(model, some, hole, seed)[-1].canvas for some, seed in ((picture, 1), (painted, 1), (picture, 2))
    )
    assert torch.equal(first[~hole], picture[~hole])
    assert torch.equal(first, again) and not torch.equal(first, other)
    for step in mend(model, picture, hole, torch.Generator().manual_seed(0), 1, 1, 2):
        assert torch.equal(step.canvas[~hole], picture[~hole])


@pytest.mark.parametrize("place", [(0, 0), (0, 22), (18, 0), (18, 22), (10, 0)])
def test_holes_at_borders_are_filled(model, picture, place):
    hole = torch.zeros(30, 34, dtype=torch.bool)
    hole[place[0] : place[0] + 12, place[1] : place[1] + 12] = True
    last = run(model, picture, hole, sweeps=1)[-1].canvas
    assert torch.equal(last[~hole], picture[~hole])
    assert (last[hole] != model.outside).all() and last[hole].std() > 0.01


def test_many_candidates_draw_from_the_posterior(model, picture):
    """Of a hole so small that a particle filter is exact but for their number"""
    hole = torch.zeros(30, 34, dtype=torch.bool)
    hole[10:12, 10:12] = True
    mean, covariance = posterior(model, picture[4:18, 4:18], hole[4:18, 4:18])
    generator = torch.Generator().manual_seed(0)
    found = []
    for _ in range(100):
        for canvas, _ in ancestral(model, picture, hole, generator, 256, 1.0):
            last = canvas
        found.append(last[hole].clone())
    values = torch.stack(found).double()
    assert ((values.mean(0) - mean) / (covariance.diagonal() / len(found)).sqrt()).abs().max() < 4
    assert (values.var(0) / covariance.diagonal() - 1).abs().max() < 4 * (2 / len(found)) ** 0.5


def test_candidates_and_sweeps_fit_a_hole_in(model, picture, hole):
    touched = Touched(model, hole)
    known = ~hole[touched.pixels]
    seams = {}
    for name, options in {"plain": {"candidates": 1}, "weighed": {"candidates": 16}, "swept": {"sweeps": 6}}.items():
        options = {"starts": 1, "sweeps": 0, **options}
        canvases = [run(model, picture, hole, seed, **options)[-1].canvas for seed in range(3)]
        seams[name] = -touched.log_prob(torch.stack(canvases))[:, known].mean()
    assert seams["plain"] > seams["weighed"] > seams["swept"]


def test_a_model_of_which_only_the_interface_is_known_is_mended_too(model, picture, hole):
    class Opaque(Directed):
        margin = model.margin
        outside = model.outside
        device = torch.device("cpu")
        log_prob = staticmethod(model.log_prob)
        draw = staticmethod(model.draw)

    last = run(Opaque(), picture, hole, sweeps=1)[-1].canvas
    assert torch.equal(last[~hole], picture[~hole]) and (last[hole] != model.outside).all()


def test_systematic_draws_are_in_proportion(generator):
    weights = torch.tensor([0.5, 0.25, 0.125, 0.125]).double().log() - 1000
    counts = torch.stack([torch.bincount(systematic(weights, generator), minlength=4) for _ in range(400)])
    assert torch.equal(counts[:, :2].unique(dim=0), torch.tensor([[2, 1]]))
    assert counts[:, 2].double().mean().item() == pytest.approx(0.5, abs=0.1)


def test_what_cannot_be_mended_is_refused(model, picture, hole):
    for problem, mask, options in (
        ("no hole", torch.zeros_like(hole), {}),
        ("Nothing of the picture", torch.ones_like(hole), {}),
        ("yes or no", hole[1:], {}),
        ("at least one start", hole, {"starts": 0}),
        ("at least one start", hole, {"sweeps": -1}),
    ):
        with pytest.raises(PredictionError, match=problem):
            run(model, picture, mask, **options)
