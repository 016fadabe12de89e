"""The patches that networks are trained on."""

import pytest
import torch

from recon import patches
from recon.errors import RecipeError
from recon.training import masks


def test_the_sobol_order_is_that_of_the_patches():
    for side in (8, 32):
        assert (masks.sobol_order(side).numpy() == patches.sobol_order(side)).all()
    with pytest.raises(RecipeError, match="power of two"):
        masks.sobol_order(24)


def test_thinned_to_an_even_choice(generator):
    everything = torch.ones(32, 32, dtype=torch.bool)
    assert masks.thinned(everything, 100).view(32, 32).equal(torch.from_numpy(patches.sobol(32, 100)))
    few = torch.rand(32, 32, generator=generator) < 0.05
    assert masks.thinned(few, 100).equal(few.flatten())


def test_a_fixed_patch_is_one_for_all(generator):
    sobol = masks.maker("sobol", 32, 128, seed=0)(5, generator)
    assert sobol.shape == (5, 1, 32, 32) and sobol.dtype == torch.bool
    assert (sobol[:, 0].numpy() == patches.sobol(32, 128)).all()
    first, again, other = (masks.maker("random", 32, 128, seed=seed)(5, generator) for seed in (1, 1, 2))
    assert first.equal(again) and not first.equal(other)
    assert (first == first[:1]).all() and (first.flatten(1).sum(1) == 128).all()


def test_unknown_patch():
    with pytest.raises(RecipeError, match="sobol, random or any"):
        masks.maker("halton", 32, 128, seed=0)


@pytest.mark.parametrize("side", [16, 32])
def test_every_mask_shows_something_and_hides_something(side, generator):
    found = masks.maker("any", side, 0, seed=0)(3000, generator).flatten(1)
    assert found.shape == (3000, side * side) and found.dtype == torch.bool
    assert found.any(1).all() and not found.all(1).any()


def test_any_patch_is_of_every_size_and_fresh_for_every_picture(generator):
    found = masks.any_patch(3000, 32, generator).flatten(1)
    sizes = found.sum(1)
    assert sizes.min() <= 2 and sizes.max() > 900
    for low, high in ((1, 5), (5, 25), (25, 120), (120, 520)):  # about a fifth to a quarter each, by logarithm
        share = ((sizes >= low) & (sizes < high)).float().mean()
        assert 0.1 < share < 0.4
    assert len(found.unique(dim=0)) > 2500
    assert (found.float().mean(0) > 0.05).all() and (found.float().mean(0) < 0.5).all(), "no pixel is left out"


def test_a_third_are_shifted_sobol_patches():
    count = 600
    nets = 0
    for mask in masks.any_patch(count, 32, torch.Generator().manual_seed(1))[:, 0]:
        # of a shifted Sobol' patch, each quarter of the picture holds its share of the points to within one
        quarters = mask.view(2, 16, 2, 16).sum((1, 3)).flatten()
        nets += mask.sum() >= 16 and (quarters.max() - quarters.min() <= 1)
    by_chance = masks.any_patch(count, 32, torch.Generator().manual_seed(2))
    assert 0.1 * count < nets < 0.35 * count and len(by_chance) == count


def test_shifted_ranks_are_permutations_with_the_nets_property(generator):
    ranks = masks.shifted_sobol_ranks(20, 32, generator)
    assert (ranks.sort(1).values == torch.arange(1024)).all()
    assert len(ranks.unique(dim=0)) == 20
    boxes = (ranks < 64).view(20, 8, 4, 8, 4).sum((2, 4))
    assert (boxes == 1).all(), "64 points, one in each of 8 x 8 boxes"


def test_the_same_generator_gives_the_same_masks():
    first, again, other = (masks.any_patch(50, 32, torch.Generator().manual_seed(seed)) for seed in (3, 3, 4))
    assert first.equal(again) and not first.equal(other)


def test_painted_regions(generator):
    found = torch.stack([masks.painted(32, generator) for _ in range(300)])
    sizes = found.flatten(1).sum(1)
    assert sizes.min() >= 1 and sizes.max() < 1024
    assert (sizes < 64).any() and (sizes > 700).any()


def test_a_shared_patch_is_one_for_the_batch_and_another_for_the_next(generator):
    make = masks.maker("any", 32, 0, 0, shared=True)
    drawn = torch.stack([make(7, generator) for _ in range(6)])
    assert drawn.shape == (6, 7, 1, 32, 32) and (drawn == drawn[:, :1]).all()
    assert len(drawn[:, 0].flatten(1).unique(dim=0)) > 3


@pytest.mark.parametrize("side", [6, 8])
def test_orders_have_every_pixel_once(side):
    found = masks.orders(7, side, torch.Generator().manual_seed(0))
    assert torch.equal(found.sort(1).values, torch.arange(side * side).expand(7, -1))
    assert not torch.equal(found[0], found[2]) and not torch.equal(found[1], found[3])


def test_every_other_order_is_even():
    rows = masks.orders(8, 8, torch.Generator().manual_seed(0))[::2, :4] // 8
    assert all(sorted(four) == [0, 1, 2, 3] for four in (rows // 2).tolist()), "of four, one a quarter of the rows"
