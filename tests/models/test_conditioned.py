"""A mask that grows: the extended factor is the one that would have been made anew."""

from __future__ import annotations

import sys
import threading

import pytest
import torch

from recon.memory import bits_of, worth_extending
from recon.models import Gaussian
from recon.models.conditioned import Conditioned, Evidence, cholesky
from recon.models.factored import Factored
from recon.models.gaussian import alike
from tests.models.test_scale_mixture import SIDE, pictures

AREA = SIDE**2


@pytest.fixture(scope="module")
def model() -> Gaussian:
    return Gaussian.fit(list(pictures(2000).split(500)), rank=3 * AREA)


def masks(*sizes: int, seed: int = 0) -> list[torch.Tensor]:
    """Masks each within the next."""
    order = torch.randperm(AREA, generator=torch.Generator().manual_seed(seed))
    found = torch.zeros(len(sizes), AREA, dtype=torch.bool)
    for mask, size in zip(found, sizes, strict=True):
        mask[order[:size]] = True
    return list(found)


def same(one: Conditioned, other: Conditioned, residual: torch.Tensor) -> None:
    assert sorted(one.observed.tolist()) == sorted(other.observed.tolist()) and one.hidden.equal(other.hidden)
    assert torch.allclose(one.gain(residual), other.gain(residual), atol=2e-4)
    assert torch.allclose(one.pixel_factor, other.pixel_factor, atol=1e-4)
    says, said = Evidence(one, residual), Evidence(other, residual)
    assert torch.allclose(says.whitened.square().sum(0), said.whitened.square().sum(0), rtol=1e-3)
    assert torch.allclose(says.left_out, said.left_out, atol=2e-2)


@pytest.mark.parametrize("asked", [False, True], ids=["", "with precisions at hand"])
@pytest.mark.parametrize("sizes", [(5, 6), (1, 2, 30, 31, 63), (10, AREA), tuple(range(1, AREA, 3)), (7, 7)])
def test_extended_is_as_made_anew(model, sizes, asked):
    residual = pictures(4, seed=1).flatten(1) - model.location
    covariance = model.covariance()
    grown = None
    for mask in masks(*sizes):
        grown = Conditioned(covariance, 3, mask, grown)
        if asked:
            block = covariance[grown.observed][:, grown.observed]
            assert torch.allclose(grown.precision, torch.linalg.inv(block.double()).diagonal().float(), rtol=2e-3)
    same(grown, Conditioned(covariance, 3, masks(*sizes)[-1]), residual)


def test_the_model_extends_what_it_remembers(model, monkeypatch):
    small, large = masks(20, 23)
    (other,) = masks(23, seed=5)
    model.forget()
    first = model.condition(small)
    worth = [worth_extending(model.conditioned, bits_of(mask)) for mask in (large, other, *masks(50), small)]
    assert worth == [first, None, None, first]
    grown = []
    extend = Conditioned.extend
    monkeypatch.setattr(Conditioned, "extend", lambda self, *given: grown.append(given[1]) or extend(self, *given))
    model.condition(large)
    assert grown == [first]
    model.condition(large)
    model.condition(other)
    assert len(grown) == 1, "a known mask costs nothing, and an unrelated one starts anew"


def test_a_part_that_is_erased_starts_anew(model):
    small, large = masks(20, 23)
    model.forget()
    model.condition(large)
    residual = pictures(2, seed=2).flatten(1) - model.location
    same(model.condition(small), Conditioned(model.covariance(), 3, small), residual)


def test_a_singular_corner_is_conditioned_all_the_same():
    """Twins: once one is observed, the other has no variance left."""
    covariance = torch.eye(16)
    covariance[0, 1] = covariance[1, 0] = 1.0
    first, both = torch.zeros(16, dtype=torch.bool), torch.zeros(16, dtype=torch.bool)
    first[0] = both[0] = both[1] = True
    grown = Conditioned(covariance, 1, both, Conditioned(covariance, 1, first))
    assert grown.factor.whole.isfinite().all() and grown.gain(torch.ones(1, 16)).isfinite().all()
    assert cholesky(torch.ones(2, 2)).isfinite().all()


@pytest.mark.parametrize("size", [1, 10, AREA])
def test_a_factored_block_moves_as_much(model, size):
    (mask,) = masks(size)
    residual = pictures(3, seed=4).flatten(1) - model.location
    factored, whole = Factored(model.covariance(), 3, mask), Conditioned(model.covariance(), 3, mask)
    assert torch.allclose(factored.gain(residual), whole.gain(residual), atol=2e-4)
    assert torch.allclose(factored.whiten(residual), Evidence(whole, residual).whitened.T, atol=1e-4)


def test_several_blocks_at_once_are_each_factored(model):
    covariances = [model.covariance(), 2 * model.covariance() + torch.eye(3 * AREA)]
    few, *_, more = steps = masks(*range(9, 30, 2))
    grown = Factored(covariances, 3, few)
    for mask in steps[1:]:
        grown = Factored(covariances, 3, mask, grown)
    assert 0 < len(grown.factor.more) < len(steps) - 1, "pieces are joined before they are many"
    assert grown.nbytes < 2 * grown.factor.whole.nbytes
    residuals = torch.stack([pictures(4, seed=5).flatten(1) - model.location, torch.ones(4, 3 * AREA)])
    for k, covariance in enumerate(covariances):
        one = Factored(covariance, 3, more, Factored(covariance, 3, few))
        block = covariance[grown.observed][:, grown.observed]
        assert torch.allclose(grown.factor.whole[k] @ grown.factor.whole[k].T, block, atol=1e-5)
        assert torch.allclose(grown.whiten(residuals)[k].square().sum(1), one.whiten(residuals[k]).square().sum(1))
        assert torch.allclose(grown.factor.log_determinant[k], one.factor.log_determinant)


def test_who_paints_on_is_answered_as_who_begins(model):
    """What a picture said before is not asked for again, of that picture and of no other."""
    covariance, steps = model.covariance(), masks(*range(9, 60, 2))
    picture, other = (pictures(1, seed=seed).flatten(1) - model.location for seed in (6, 7))
    grown, block, told = None, None, 0
    for k, mask in enumerate(steps):
        grown, block = Conditioned(covariance, 3, mask, grown), Factored([covariance], 3, mask, block)
        asked = picture if k % 7 else other
        told += Evidence(grown, asked).before is not None
        anew = Evidence(Conditioned(covariance, 3, mask), asked)
        for _ in range(2):
            says = Evidence(grown, asked)
            assert torch.allclose(says.gain, anew.gain, atol=1e-3)
            assert torch.allclose(says.whitened.square().sum(), anew.whitened.square().sum(), rtol=1e-3)
            assert torch.allclose(block.whiten(asked[None]).square().sum(), anew.whitened.square().sum(), rtol=1e-3)
    assert told == len(steps) - 2 * len(steps[::7]), "another is asked about, and then the first again"


def test_between_two_strokes_others_may_ask(model):
    """Of a batch and of other pictures, at once: each has his own answer."""
    small, large = masks(20, 24)
    batch = pictures(6, seed=8).flatten(1) - model.location
    covariances = [model.covariance()] * 3
    kept, block = Conditioned(model.covariance(), 3, small), Factored(covariances, 3, small)
    for k in (0, 1, slice(0, 4), 0):
        Evidence(kept, batch[k].view(-1, 3 * AREA)).gain.zero_()  # what is remembered stays as it is
        block.whiten(batch[k].view(-1, 3 * AREA).expand(3, -1, -1))
    grown, more = Conditioned(model.covariance(), 3, large, kept), Factored(covariances, 3, large, block)
    anew, block_anew = Conditioned(model.covariance(), 3, large), Factored(covariances, 3, large)
    expected = [
        (Evidence(anew, one[None]).gain, block_anew.whiten(one.expand(3, 1, -1)).square().sum(-1)) for one in batch
    ]
    before, failed = sys.getswitchinterval(), []

    def ask(k: int) -> None:
        for _ in range(200):
            one = batch[k]
            says = Evidence(grown, one[None])
            if not torch.allclose(says.gain, expected[k][0], atol=1e-3):
                failed.append(k)
            if not torch.allclose(more.whiten(one.expand(3, 1, -1)).square().sum(-1), expected[k][1], rtol=1e-3):
                failed.append(k)

    sys.setswitchinterval(1e-6)
    try:
        threads = [threading.Thread(target=ask, args=[k]) for k in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(before)
    assert not failed


def test_what_is_solved_in_part_is_solved_on(model):
    """From the end of a piece; from elsewhere it is begun anew."""
    small, middle, large = masks(9, 12, 20)
    first = Conditioned(model.covariance(), 3, small)
    factor = Conditioned(model.covariance(), 3, large, Conditioned(model.covariance(), 3, middle, first)).factor
    rows = torch.randn(60, 2, generator=torch.Generator().manual_seed(0))
    whole = torch.linalg.solve_triangular(factor.whole, rows, upper=False)
    for known in (27, 36, 60, 5, 30):
        assert torch.allclose(factor.solve(rows, whole[:known]), whole, atol=1e-3), known
    assert torch.allclose(factor.whole.T @ factor.solve_transposed(rows), rows, atol=1e-3)


def test_of_several_matrices_the_singular_alone_are_changed():
    sound = torch.tensor([[2.0, 1.0], [1.0, 2.0]])
    factors = cholesky(torch.stack([sound, torch.ones(2, 2)]))
    assert factors[0].equal(torch.linalg.cholesky(sound)) and factors.isfinite().all()


def test_images_that_share_a_mask_go_together():
    one, other = torch.zeros(2, 1, 2, 2, dtype=torch.bool)
    other[0, 0, 0] = True
    assert [(which.tolist(), mask.tolist()) for which, mask in alike(torch.stack([one, one]))] == [
        ([0, 1], [False] * 4)
    ]
    found = {tuple(which.tolist()): mask.any().item() for which, mask in alike(torch.stack([one, other, one]))}
    assert found == {(0, 2): False, (1,): True}
    assert list(alike(torch.zeros(0, 1, 2, 2, dtype=torch.bool))) == []
