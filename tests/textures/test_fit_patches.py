"""Fitting models of patches, and drawing the patches."""

import pytest
import torch

from recon.data import natural
from recon.errors import DataError
from recon.models.patches import PatchMCGSM, PatchRIDE, without_last, without_mean
from recon.models.ride import RIDE
from recon.textures import fit_patches


def patches(seed: int, count: int = 1000) -> torch.Tensor:
    """Mean-free, smooth, of a contrast that varies from patch to patch"""
    generator = torch.Generator().manual_seed(seed)
    noise = torch.randn(count, 1, 10, 10, generator=generator)
    smooth = torch.nn.functional.avg_pool2d(noise, 3, 1)[:, 0]
    return without_mean(smooth * torch.rand(count, 1, 1, generator=generator) * 0.3)[0]


def model(dims: int = 3) -> PatchMCGSM:
    torch.manual_seed(0)
    return PatchMCGSM(dims, components=3, scales=3, features=4)


@pytest.mark.parametrize("dim", [0, 2])
def test_a_mixture_gains_over_whitening(dim: int):
    y, others = without_last(patches(0)), without_last(patches(1))
    *_, line = fit_patches.fit_dim(model(), dim, y, others, steps=0)
    found = model()
    told = list(fit_patches.fit_dim(found, dim, y, others, steps=60, finish=2, batch=256, every=30, finish_on=500))
    assert [each.phase for each in told] == ["Adam", "Adam", "L-BFGS", "L-BFGS"]
    assert told[-1].best < line.best - 0.02
    with torch.no_grad():
        assert fit_patches.in_bits(found.log_prob_of(others, dim)) == pytest.approx(told[-1].best, abs=1e-5)


def test_the_same_seed_gives_the_same_mixture():
    y, found = without_last(patches(0)), []
    for _ in range(2):
        found.append(model())
        list(fit_patches.fit_dim(found[-1], 2, y, y, steps=10, batch=64))
    assert all(one.equal(two) for one, two in zip(*(each.parameters() for each in found), strict=True))


def test_a_ride_learns_from_patches():
    torch.manual_seed(0)
    ride = PatchRIDE(RIDE(hidden=6, components=3, scales=3, features=4))
    told = list(fit_patches.fit_ride(ride, patches(0), patches(1, 200), steps=20, batch=50, rate=1e-2, every=4))
    assert told[-1].best < told[0].held_out


def test_patches_are_pieces_of_their_pictures():
    images = torch.arange(2 * 12 * 15).remainder(251).to(torch.uint8).view(2, 12, 15)
    found = natural.patches(images, 40, torch.Generator().manual_seed(0))
    assert found.shape == (2, 40, 8, 8) and found.dtype == torch.uint8
    whole = natural.patches(images[:, :8, :8], 3, torch.Generator().manual_seed(0))
    assert (whole == images[:, None, :8, :8]).all()
    for image, cut in zip(images, found, strict=True):
        every = image.unfold(0, 8, 1).unfold(1, 8, 1).flatten(0, 1)
        at = [(every == each).all((1, 2)).nonzero()[:, 0].tolist() for each in cut]
        assert all(len(place) >= 1 for place in at) and len({place[0] for place in at}) > 20
    with pytest.raises(DataError, match="smaller"):
        natural.patches(images[:, :7], 1, torch.Generator())
