"""The Gaussian of fields against plain linear algebra."""

import pytest
import torch

from recon.shapes.chairs import draw, grid
from recon.shapes.field_basis import FieldBasis, distances

SIDE = 10


@pytest.fixture(scope="module")
def basis():
    found = FieldBasis(SIDE, 12)
    found.fit(draw(60, torch.Generator().manual_seed(0)))
    return found


def test_the_fields_are_the_principal_components(basis):
    values = distances(draw(60, torch.Generator().manual_seed(0)), SIDE).double()
    mean = values.mean(0)
    _, spread, axes = torch.linalg.svd(values - mean, full_matrices=False)
    fields = basis.fields.flatten(1).double()
    assert torch.allclose(basis.mean.flatten().double(), mean, atol=1e-3)
    expected = (spread[:12, None] / 60**0.5) * axes[:12]
    assert torch.allclose(fields.T @ fields, expected.T @ expected, atol=2e-3)
    left = (values - mean) - (values - mean) @ axes[:12].T @ axes[:12]
    assert abs(basis.rest.item() / left.square().mean().sqrt().item() - 1) < 1e-3


def test_at_the_middles_of_cells_they_are_what_is_stored(basis):
    mean, fields = basis.at(grid(SIDE)[None])
    assert torch.allclose(mean[0], basis.mean.flatten().float(), atol=1e-5)
    assert torch.allclose(fields[0], basis.fields.flatten(1).T.float(), atol=1e-5)
    places = grid(SIDE).view(SIDE, SIDE, SIDE, 3)
    between, _ = basis.at((places[3, 4, 5] + places[3, 5, 5])[None, None] / 2)
    assert torch.allclose(between[0, 0], (basis.mean[3, 4, 5] + basis.mean[3, 5, 5]).float() / 2, atol=1e-4)


def test_the_posterior_is_that_of_a_gaussian(basis, generator):
    positions, queries = (2 * torch.rand(1, count, 3, generator=generator) - 1 for count in (15, 30))
    values = draw(1, generator).distance(positions)
    (near, fields), (far, asked) = basis.at(positions), basis.at(queries)
    near, fields, far, asked = (part[0].double() for part in (near, fields, far, asked))
    rest = basis.rest.double() ** 2
    inner = fields @ fields.T + rest * torch.eye(15, dtype=torch.float64)
    weights = asked @ fields.T @ torch.linalg.inv(inner)
    mean = far + weights @ (values[0].double() - near)
    variance = (asked @ asked.T - weights @ fields @ asked.T).diagonal() + rest
    found, deviation = basis.posterior(positions, values, torch.ones(1, 15, dtype=torch.bool), queries)
    assert torch.allclose(found[0].double(), mean, atol=1e-3)
    assert torch.allclose(deviation[0].double(), variance.sqrt(), rtol=1e-2)


def test_what_is_absent_is_not_looked_at(basis, generator):
    positions = 2 * torch.rand(1, 8, 3, generator=generator) - 1
    values, queries = draw(1, generator).distance(positions), 2 * torch.rand(1, 5, 3, generator=generator) - 1
    present = torch.arange(8)[None] < 5
    some = basis.posterior(positions, torch.where(present, values, torch.nan), present, queries)
    fewer = basis.posterior(positions[:, :5], values[:, :5], present[:, :5], queries)
    for one, other in zip(some, fewer, strict=True):
        assert torch.allclose(one, other, atol=1e-5)
