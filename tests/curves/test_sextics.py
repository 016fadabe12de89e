"""Random sextics, and points on them."""

import numpy as np
import torch

from recon.curves import sextics


def test_they_are_polynomials_of_degree_six_through_their_values(generator):
    curves = sextics.draw(5, generator)
    assert torch.allclose(sextics.values_at(curves, sextics.NODES[:, None].expand(5, -1, -1)), curves)
    places = torch.linspace(-1, 1, 30, dtype=torch.float64)
    for curve, values in zip(curves, sextics.values_at(curves, places[:, None].expand(5, -1, -1)), strict=True):
        fitted = np.polynomial.Chebyshev.fit(sextics.NODES.numpy(), curve.numpy(), 6)
        np.testing.assert_allclose(fitted(places.numpy()), values.numpy(), atol=1e-10)
    assert curves.abs().max() <= 1 and (curves.var() - sextics.VARIANCE).abs() < 0.2


def test_points_lie_on_them_up_to_the_noise(generator):
    curves = sextics.draw(400, generator)
    sizes = torch.arange(400) % 21
    points = sextics.observed(curves, sizes, torch.zeros(400, 3, 1), generator)
    assert torch.equal(points.present.sum(1), sizes) and (points.values[~points.present] == 0).all()
    off = (points.values - sextics.values_at(curves, points.positions))[points.present]
    assert abs(off.std().item() - sextics.NOISE) < 0.002 and abs(off.mean().item()) < 0.002
    assert torch.allclose(points.truth.double(), sextics.values_at(curves, points.queries), atol=1e-6)
    assert points.positions.abs().max() <= 1


def test_the_same_seed_draws_the_same():
    first, again, other = (sextics.draw(3, torch.Generator().manual_seed(seed)) for seed in (1, 1, 2))
    assert torch.equal(first, again) and not torch.equal(first, other)
