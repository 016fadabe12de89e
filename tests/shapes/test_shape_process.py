"""The Student-t process of fields against plain linear algebra, and what it is for."""

import pytest
import torch

from recon.shapes import process
from recon.shapes.chairs import draw, grid
from recon.shapes.process import FLOOR, FREEDOM, LEFT, ShapeProcess, matern, separations


@pytest.fixture(scope="module")
def model():
    found = ShapeProcess(10, 12)
    found.fit(draw(60, torch.Generator().manual_seed(0)))
    return found


def drawn(generator, known=15, asked=30):
    positions, queries = (2 * torch.rand(1, count, 3, generator=generator) - 1 for count in (known, asked))
    return positions, draw(1, generator).distance(positions), torch.ones(1, known, dtype=torch.bool), queries


def test_the_posterior_is_that_of_a_student_t_process(model, generator, monkeypatch):
    wide, long = LEFT[1]
    monkeypatch.setattr(process, "LEFT", LEFT[1:])
    positions, values, present, queries = drawn(generator)
    (near, seen), (far, asked) = model.basis.at(positions), model.basis.at(queries)
    near, seen, far, asked = (part[0].double() for part in (near, seen, far, asked))

    def kernel(a, b):
        apart = (a[0][:, None] - b[0]).norm(dim=-1).double() * 3**0.5 / long
        return wide**2 * (1 + apart) * (-apart).exp()

    inner = seen @ seen.T + kernel(positions, positions) + FLOOR**2 * torch.eye(15, dtype=torch.float64)
    between = asked @ seen.T + kernel(queries, positions)
    known = values[0].double() - near
    mean = far + between @ torch.linalg.solve(inner, known)
    left = (asked @ asked.T + kernel(queries, queries) - between @ torch.linalg.solve(inner, between.T)).diagonal()
    scale = (FREEDOM + known @ torch.linalg.solve(inner, known)) / (FREEDOM + 15)
    found, deviation = model.posterior(positions, values, present, queries)
    assert torch.allclose(found[0].double(), mean, atol=1e-3)
    assert torch.allclose(deviation[0].double(), ((left + FLOOR**2) * scale).sqrt(), rtol=2e-2)


def test_what_was_not_seen_before_makes_it_less_sure(model, generator):
    positions, values, present, queries = drawn(generator, 60, 200)
    _, usual = model.posterior(positions, values, present, queries)
    ball = positions.norm(dim=-1) - 0.5
    mean, unusual = model.posterior(positions, ball, present, queries)
    assert unusual.median() > 1.5 * usual.median()
    assert (mean - (queries.norm(dim=-1) - 0.5)).abs().mean() < 0.1
    weights = [known.weight.item() for _, known in model.weighed(positions, ball, present)[1]]
    assert weights[1] > 0.99 and abs(sum(weights) - 1) < 1e-6


def test_known_values_are_kept(model, generator):
    positions, values, present, _ = drawn(generator, 100)
    mean, deviation = model.posterior(positions, values, present, positions)
    assert (mean - values).abs().max() < 0.01 and deviation.max() < 0.02


def test_what_is_absent_is_not_looked_at(model, generator):
    positions, values, _, queries = drawn(generator, 8, 5)
    present = torch.arange(8)[None] < 5
    some = model.posterior(positions, torch.where(present, values, torch.nan), present, queries)
    fewer = model.posterior(positions[:, :5], values[:, :5], present[:, :5], queries)
    for one, other in zip(some, fewer, strict=True):
        assert torch.allclose(one, other, atol=1e-4)


def test_nothing_known_is_the_mean_field(model):
    nothing = torch.zeros(1, 0, 3), torch.zeros(1, 0), torch.zeros(1, 0, dtype=torch.bool)
    mean, deviation = model.posterior(*nothing, grid(10)[None])
    assert torch.allclose(mean[0], model.basis.mean.flatten().float(), atol=1e-4) and (deviation > FLOOR).all()


def test_neighbours_are_alike():
    line = torch.linspace(0, 1, 30)[None, :, None].expand(1, -1, 3)
    found = matern(separations(line, line), 0.2)[0]
    assert torch.allclose(found.diagonal(), torch.ones(30)) and (found[0].diff() < 0).all()
    assert torch.linalg.eigvalsh(found.double()).min() > 0
