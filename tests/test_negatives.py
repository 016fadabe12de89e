"""The classifiers of negatives: what they look at, and what is shipped."""

from __future__ import annotations

import pytest
import torch

from recon import negatives
from recon.familiarity import bundled
from recon.models.factored import Factored
from recon.negatives import NegativeClassifier

SHIPPED = sorted(path.stem for path in negatives.FOLDER.glob("*.safetensors"))


@pytest.fixture(scope="module")
def base():
    return bundled("fer2013")


@pytest.fixture
def classifier():
    """With a head that says something."""
    made = NegativeClassifier(side=32, channels=1)
    torch.nn.init.normal_(made.head.weight, generator=torch.Generator().manual_seed(0))
    return made.eval().requires_grad_(False)


@pytest.fixture
def factored(base):
    mask = torch.rand(1024, generator=torch.Generator().manual_seed(1)) < 0.05
    return Factored(base.covariance(), 1, mask)


def test_a_fresh_one_knows_nothing(base, factored, pictures):
    assert NegativeClassifier(side=32, channels=1).log_odds(base, factored, pictures(3, 1)).tolist() == [0, 0, 0]


def test_the_negative_has_the_opposite_odds(classifier, base, factored, pictures):
    faces = pictures(4, 1)
    odds = classifier.log_odds(base, factored, faces)
    assert odds.abs().min() > 0 and odds.allclose(-classifier.log_odds(base, factored, 1 - faces), atol=1e-5)


def test_what_is_not_observed_does_not_matter(classifier, base, factored, pictures):
    faces, garbage = pictures(2, 1), pictures(2, 1)
    seen = factored.mask.view(1, 1, 32, 32)
    changed = torch.where(seen, faces, garbage)
    assert classifier.log_odds(base, factored, changed).equal(classifier.log_odds(base, factored, faces))


def test_pictures_are_judged_one_by_one(classifier, base, factored, pictures):
    faces = pictures(3, 1)
    alone = torch.cat([classifier.log_odds(base, factored, face[None]) for face in faces])
    assert classifier.log_odds(base, factored, faces).allclose(alone, atol=1e-5)


def test_a_picture_and_its_mirror_image_are_as_likely(classifier, base, factored, pictures):
    faces = pictures(3, 1)
    turned = Factored(base.covariance(), 1, factored.mask.view(32, 32).flip(1).flatten())
    odds, others = (classifier.log_odds(base, *one) for one in ((factored, faces), (turned, faces.flip(3))))
    assert odds.allclose(others, atol=1e-3)
    alone = [classifier.log_odds(base, *one, mirrored=False) for one in ((factored, faces), (turned, faces.flip(3)))]
    assert odds.allclose(sum(alone) / 2, atol=1e-3) and not alone[0].allclose(alone[1], atol=1e-2)


def test_half_the_side_is_what_is_observed_of_each_block(generator):
    values, mask = torch.rand(2, 3, 8, 8, generator=generator), torch.rand(64, generator=generator) < 0.3
    seen, found = negatives.halved(mask, values)
    for row, col in ((row, col) for row in range(4) for col in range(4)):
        block = [(r, c) for r in (2 * row, 2 * row + 1) for c in (2 * col, 2 * col + 1) if mask[8 * r + c]]
        assert seen[4 * row + col] == bool(block)
        if block:
            expected = torch.stack([values[:, :, r, c] for r, c in block]).mean(0)
            assert found[:, :, row, col].allclose(expected)


def test_written_and_read_again(classifier, base, factored, pictures, tmp_path, monkeypatch):
    monkeypatch.setattr(negatives, "FOLDER", tmp_path / "familiar")
    assert negatives.read("fer2013", base) is None
    negatives.write(classifier, "fer2013")
    again, faces = negatives.read("fer2013", base), pictures(3, 1)
    assert not any(weight.requires_grad for weight in again.parameters())
    assert again.head.weight.dtype == torch.float32
    known = classifier.log_odds(base, factored, faces)
    assert again.log_odds(base, factored, faces).allclose(known, rtol=0.02, atol=0.02), "but for half precision"


@pytest.mark.parametrize("name", SHIPPED)
def test_what_is_shipped(name):
    path, base = negatives.FOLDER / f"{name}.safetensors", bundled(name)
    assert path.stat().st_size < 1_500_000
    found = negatives.read(name, base)
    assert all(weight.isfinite().all() for weight in found.parameters())
    mask = torch.rand(1024, generator=torch.Generator().manual_seed(1)) < 0.1
    assert found.log_odds(base, Factored(base.covariance(), base.channels, mask), torch.rand(2, base.channels, 32, 32))[
        0
    ].isfinite()
