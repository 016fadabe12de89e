"""The list of image sets, and one way to read any of them."""

import os
from pathlib import Path

import numpy as np
import pytest
import torch

from recon import data
from recon.data import sets
from recon.errors import DataError

REAL = os.environ.get("RECON_DATA", "")


def test_every_set_says_where_it_is_from_and_on_what_terms():
    for name, found in data.SETS.items():
        assert name == found.name and found.title and found.source and found.terms
        assert found.file.endswith(".npz") and found.channels in (1, 3)
        if found.parquet:
            repo, revision, files, column = found.parquet
            assert repo.count("/") == 1 and revision and {"train", "test"} <= set(files) and column


def test_smaller_pictures_are_padded_with_zeros():
    images = np.full((2, 28, 28), 7, dtype=np.uint8)
    found = sets.to_side(images, 32)
    assert found.shape == (2, 1, 32, 32) and found.dtype == torch.uint8
    assert (found[:, :, 2:30, 2:30] == 7).all() and found.sum() == 7 * 2 * 28 * 28
    assert sets.to_side(images[:, :27, :27], 32)[0, 0, 2:29, 2:29].float().mean() == 7


def test_larger_pictures_are_averaged():
    images = np.random.default_rng(0).integers(0, 256, (3, 64, 64, 3), dtype=np.uint8)
    found = sets.to_side(images, 32)
    expected = images.reshape(3, 32, 2, 32, 2, 3).mean((2, 4))
    assert found.shape == (3, 3, 32, 32) and found.dtype == torch.uint8
    assert np.abs(found.movedim(1, -1).numpy() - expected).max() <= 0.5
    with pytest.raises(DataError, match="48 x 48"):
        sets.to_side(images[:, :48, :48], 32)


def test_pictures_of_the_right_size_stay_as_they_are():
    images = np.random.default_rng(0).integers(0, 256, (3, 32, 32, 3), dtype=np.uint8)
    found = sets.to_side(images, 32)
    assert (found.movedim(1, -1).numpy() == images).all() and found.is_contiguous()
    assert torch.equal(sets.as_unit(found), found.float() / 255)


def test_binary_sets_are_black_and_white(digits):
    train = data.load("binarized_mnist", "train")
    assert train.shape == (60, 1, 32, 32) and set(train.unique().tolist()) == {0, 255}
    assert len(data.load("binarized_mnist", "valid")) == 10 and len(data.load("binarized_mnist", "test", limit=3)) == 3


def test_what_pictures_show_is_in_their_order(digits):
    count = 50
    pictures = np.arange(count).astype(np.uint8)[:, None, None].repeat(28, 1).repeat(28, 2)
    parts = {split: pictures for split in ("train", "valid", "test")}
    shown = {f"{split}_labels": np.arange(count).astype(np.uint8) for split in parts}
    np.savez(digits / "binarized_mnist.npz", **parts, **shown)
    found = sets.pictures(sets.SETS["binarized_mnist"], "test")[:, 0, 0]
    mixed = sets.split_of(sets.SETS["binarized_mnist"], "test")[:, 0, 0]
    assert data.labels("binarized_mnist", "test").tolist() == mixed.tolist() != found.tolist()
    with pytest.raises(DataError, match="no image set"):
        data.labels("none", "test")


def test_without_a_folder_nobody_says_what_pictures_show(monkeypatch, tmp_path):
    np.savez(tmp_path / "mnist.npz", test_labels=np.zeros(3))
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("RECON_DATA", raising=False)
    with pytest.raises(DataError, match=r"mnist\.npz"):
        data.labels("mnist", "test")


def test_what_comes_sorted_by_class_is_mixed(digits):
    count = 50
    pictures = np.arange(count).astype(np.uint8)[:, None, None].repeat(28, 1).repeat(28, 2)
    np.savez(digits / "binarized_mnist.npz", train=pictures, valid=pictures, test=pictures)
    order = sets.pictures(sets.SETS["binarized_mnist"], "test")[:, 0, 0]
    mixed = sets.split_of(sets.SETS["binarized_mnist"], "test")[:, 0, 0]
    assert sorted(mixed) == list(order) and (mixed[:10] > 9).any()
    assert (mixed == sets.split_of(sets.SETS["binarized_mnist"], "test")[:, 0, 0]).all(), "always the same order"


def test_a_set_that_is_smaller_than_what_is_held_out_is_told(digits):
    pictures = np.zeros((2000, 28, 28), np.uint8)
    np.savez(digits / "mnist.npz", train=pictures, test=pictures[:5])
    for split in ("train", "valid"):
        with pytest.raises(DataError, match="has 2000 pictures to train on, of which 2000 are held out"):
            data.load("mnist", split)
    assert len(data.load("mnist", "test")) == 5


def test_validation_is_the_end_of_training_where_there_is_none(digits):
    count = 2010
    np.savez(digits / "mnist.npz", train=np.arange(count).astype(np.uint8)[:, None, None].repeat(28, 1).repeat(28, 2))
    train, valid = data.load("mnist", "train"), data.load("mnist", "valid")
    assert (len(train), len(valid)) == (10, 2000)
    assert train[-1].max() == 9 and valid[0].max() == 10, "and no picture is in both"


def test_what_is_not_there(digits, monkeypatch):
    with pytest.raises(DataError, match="there are cifar10"):
        data.load("imagenet", "train")
    with pytest.raises(DataError, match="CelebA 32 is not here: set RECON_DATA"):
        data.load("celeba", "train")
    with pytest.raises(DataError, match="no split 'holdout'"):
        data.load("binarized_mnist", "holdout")
    for folder in (None, "", "/nowhere"):
        monkeypatch.delenv("RECON_DATA") if folder is None else monkeypatch.setenv("RECON_DATA", folder)
        with pytest.raises(DataError, match=r"binarised MNIST is not here: set RECON_DATA to .* binarized_mnist.npz"):
            data.load("binarized_mnist", "train")
        monkeypatch.setenv("RECON_DATA", str(digits))


@pytest.mark.parametrize("name", data.SETS)
def test_the_real_ones(name):
    found = data.SETS[name]
    if not REAL:
        pytest.skip("RECON_DATA is not set")
    if not (Path(REAL) / found.file).exists():
        pytest.skip(f"RECON_DATA has no {found.file}")
    images = data.load(name, "test")
    assert images.shape[1:] == (found.channels, found.side, found.side)
    assert images.dtype == torch.uint8 and len(images) >= 50
    unit = sets.as_unit(images[:500])
    assert unit.std() > 0.05 and 0.05 < unit.mean() < 0.8 and unit.max() > 0.7
    across = (unit[..., 1:] - unit[..., :-1]).abs().mean()
    assert across < 0.75 * (unit[1:] - unit[:-1]).abs().mean(), "neighbours are alike: pixels are in their order"
    if found.binary:
        assert set(images.unique().tolist()) == {0, 255}


def test_what_an_earlier_split_has_is_left_out_of_later_ones(digits):
    pictures = np.arange(60).astype(np.uint8)[:, None, None].repeat(32, 1).repeat(32, 2)
    valid, test = pictures[[3, 40, 41]], pictures[[50, 5, 41, 51]]
    np.savez(digits / "fer2013.npz", train=pictures[:30], valid=valid, test=test)
    found = {split: data.load("fer2013", split)[:, 0, 0, 0].tolist() for split in ("train", "valid", "test")}
    assert found == {"train": list(range(30)), "valid": [40, 41], "test": [50, 51]}
