"""Ensembles: a density, and never worse than its mean member."""

import math

import pytest
import torch

from recon.errors import PredictionError
from recon.models.directed import Directed, dequantised
from recon.models.ensemble import EIGHT, MIRRORED, Ensemble, Symmetry
from recon.models.mcgsm import MCGSM
from recon.models.ride import RIDE

SIZES = {"components": 2, "scales": 2, "features": 3}


def model(seed: int, kind: type[MCGSM] | type[RIDE] = MCGSM) -> Directed:
    torch.manual_seed(seed)
    found = kind(above=1, beside=1, **SIZES)
    found.mixture.level.fill_(0.5)
    found.mixture.spread.fill_(0.1)
    torch.nn.init.normal_(found.mixture.predictors)
    return found.eval()


def images(count: int = 3, height: int = 6, width: int = 8) -> torch.Tensor:
    return torch.randint(256, (count, height, width), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)


@pytest.mark.parametrize("symmetry", EIGHT)
def test_symmetries_reorder_pixels_and_are_undone(symmetry: Symmetry):
    values = torch.arange(12.0).view(3, 4)
    assert torch.equal(symmetry.undo(symmetry.apply(values)), values)
    basis = torch.eye(12, dtype=torch.double).view(12, 3, 4)
    matrix = symmetry.apply(basis).flatten(1)
    assert abs(torch.linalg.det(matrix).item()) == 1


def test_all_eight_differ():
    values = torch.arange(9.0).view(3, 3)
    assert len({tuple(symmetry.apply(values).flatten().tolist()) for symmetry in EIGHT}) == 8


@pytest.mark.parametrize("kind", [MCGSM, RIDE])
@pytest.mark.parametrize("whole", [True, False])
@pytest.mark.parametrize("shared", [True, False])
def test_never_below_the_mean_of_its_members(kind: type[MCGSM] | type[RIDE], whole: bool, shared: bool):
    members = [model(0, kind)] if shared else [model(seed, kind) for seed in range(8)]
    ensemble, values = Ensemble(members), dequantised(images())
    with torch.no_grad():
        each, found = ensemble.log_probs(values, whole), ensemble.log_prob(values, whole)
    assert each.shape == (8, 3)
    assert each.std(0).min() > 0.1  # so that there is something to gain
    assert (found > each.mean(0)).all()
    assert (found <= each.amax(0)).all()
    assert (found >= each.amax(0) - math.log(8) - 1e-4).all()


def test_the_first_of_the_shared_is_the_model_itself():
    single, values = model(0), dequantised(images())
    with torch.no_grad():
        each = Ensemble([single]).log_probs(values)
        assert torch.allclose(each[0], single.log_prob(values).flatten(1).sum(1))
        assert torch.allclose(each[1], single.log_prob(values.flip(-1)).flatten(1).sum(1))


@pytest.mark.parametrize("shape", [(1, 2), (2, 1)])
def test_integrates_to_one(shape: tuple[int, int]):
    ensemble = Ensemble([model(seed) for seed in range(8)])
    line = torch.linspace(-3, 4, 561)
    values = torch.cartesian_prod(line, line).view(-1, *shape)
    with torch.no_grad():
        density = ensemble.log_prob(values).double().exp()
    cell = (line[1] - line[0]).item() ** 2
    assert abs(density.sum().item() * cell - 1) < 1e-3


def test_counts_pixels_that_all_members_have_settled():
    ensemble = Ensemble([model(0)])
    settled = ensemble.settled(6, 8)
    assert settled.sum() == 4 * 6
    assert settled[1:-1, 1:-1].all()
    assert Ensemble([model(0)], MIRRORED).settled(6, 8).sum() == 5 * 6
    with pytest.raises(PredictionError, match="smaller"):
        ensemble.log_prob(torch.zeros(1, 2, 2), whole=False)


def test_bits_per_pixel_of_one_member_are_the_model_s():
    single = model(0)
    ensemble = Ensemble([single], [Symmetry()])
    for whole in (True, False):
        wanted = single.bits_per_pixel(images(), torch.Generator().manual_seed(1), whole)
        found = ensemble.bits_per_pixel(images(), torch.Generator().manual_seed(1), whole)
        assert found == pytest.approx(wanted, abs=1e-4)


def test_refuses_numbers_that_do_not_fit():
    with pytest.raises(PredictionError, match="one for each"):
        Ensemble([model(0), model(1)])
