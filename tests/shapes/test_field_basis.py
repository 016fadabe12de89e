"""The fields that shapes are made of, against plain linear algebra."""

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


def test_at_the_middles_of_cells_they_are_what_is_stored(basis):
    mean, fields = basis.at(grid(SIDE)[None])
    assert torch.allclose(mean[0], basis.mean.flatten().float(), atol=1e-5)
    assert torch.allclose(fields[0], basis.fields.flatten(1).T.float(), atol=1e-5)
    places = grid(SIDE).view(SIDE, SIDE, SIDE, 3)
    between, _ = basis.at((places[3, 4, 5] + places[3, 5, 5])[None, None] / 2)
    assert torch.allclose(between[0, 0], (basis.mean[3, 4, 5] + basis.mean[3, 5, 5]).float() / 2, atol=1e-4)
