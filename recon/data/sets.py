"""The list of image sets, each with its source and terms, and one way to read any of them as tensors of a side."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from recon.data import packed
from recon.errors import DataError

NON_COMMERCIAL = "non-commercial research only"


@dataclass(frozen=True)
class DataSet:
    """An image set.

    title      what a page and a card call it
    file       its packed archive in the folder that RECON_DATA names
    channels   1 or 3
    side       of the pictures as they are trained on and measured
    terms      the licence that its source states; it binds what is trained on it
    parquet    on the Hub: (repository, revision, {split: file}, image column), or None
    binary     pixels are 0 or 1
    by_class   the test split comes sorted by class, and is put into a fixed random order
    validated  it has a split "valid" of its own
    held_out   pictures at the end of the training split that serve as validation where it has not
    repeats    pictures of one split are in another, too: they are left out of "test" where "train" or "valid" has them,
               and of "valid" where "train" has them
    """

    name: str
    title: str
    file: str
    channels: int
    terms: str
    source: str
    side: int = 32
    parquet: tuple[str, str, dict[str, str], str] | None = None
    binary: bool = False
    by_class: bool = False
    validated: bool = False
    held_out: int = 2000
    repeats: bool = False


SETS: dict[str, DataSet] = {
    found.name: found
    for found in [
        DataSet(
            name="cifar10",
            title="JPEG CIFAR-10",
            file="cifar10.npz",
            channels=3,
            terms="none stated",
            source="Krizhevsky 2009, from a copy stored as JPEG (about 30 dB from the true images)",
        ),
        DataSet(
            name="celeba",
            title="CelebA 32",
            file="celeba32.npz",
            channels=3,
            terms=NON_COMMERCIAL,
            source="Liu et al. 2015, aligned and cropped, reduced to 32 x 32",
            held_out=700,
        ),
        DataSet(
            name="landscapes",
            title="landscapes 32",
            file="landscapes64.npz",
            channels=3,
            terms="none stated",
            source="forest, glacier, mountain and sea of the Intel image classification challenge 2018, 2 x 2 averages",
            held_out=500,
        ),
        DataSet(
            name="celeba64",
            title="CelebA 64",
            file="celeba64.npz",
            channels=3,
            side=64,
            terms=NON_COMMERCIAL,
            source="Liu et al. 2015, aligned and cropped, reduced to 64 x 64",
            held_out=250,
        ),
        DataSet(
            name="landscapes64",
            title="landscapes 64",
            file="landscapes64.npz",
            channels=3,
            side=64,
            terms="none stated",
            source="forest, glacier, mountain and sea of the Intel image classification challenge 2018, 64 x 64",
            held_out=500,
        ),
        DataSet(
            name="fer2013",
            title="FER2013",
            file="fer2013.npz",
            channels=1,
            terms="none stated (a Kaggle contest)",
            source="Goodfellow et al. 2013, reduced to 32 x 32",
            validated=True,
            repeats=True,
        ),
        DataSet(
            name="mnist",
            title="MNIST (grey)",
            file="mnist.npz",
            channels=1,
            terms="MIT (of the copy)",
            source="LeCun et al. 1998, padded to 32 x 32",
            parquet=(
                "ylecun/mnist",
                "main",
                {"train": "mnist/train-00000-of-00001.parquet", "test": "mnist/test-00000-of-00001.parquet"},
                "image",
            ),
        ),
        DataSet(
            name="fashion",
            title="Fashion-MNIST (grey)",
            file="fashion_mnist.npz",
            channels=1,
            terms="MIT (of the copy)",
            source="Xiao et al. 2017, 16,000 of its 70,000 pictures, padded to 32 x 32",
            held_out=1000,
        ),
        DataSet(
            name="binarized_mnist",
            title="binarised MNIST",
            file="binarized_mnist.npz",
            channels=1,
            terms="MIT (of the copy)",
            source="Salakhutdinov & Murray 2008, padded to 32 x 32",
            binary=True,
            by_class=True,
            validated=True,
        ),
    ]
}


def load(name: str, split: str, side: int | None = None, limit: int | None = None) -> Tensor:
    """One split of a set: uint8 (count, channels, side, side); binary sets hold 0 and 255.

    split  "train", "valid" or "test"; where a set has no "valid" of its own it is the end of "train", which then
           ends before it
    side   pixels; the set's own by default
    limit  the first so many only
    Raises DataError if the set is unknown, or neither `RECON_DATA` nor the Hub has it.
    """
    if name not in SETS:
        raise DataError(f"There is no image set {name!r}; there are {', '.join(SETS)}.")
    found = SETS[name]
    images = split_of(found, split)[:limit]
    images = images * 255 if found.binary else images
    return to_side(images, side or found.side)


def labels(name: str, split: str) -> Tensor:
    """What each picture of `load` shows, uint8 (count,); DataError where `RECON_DATA` does not say."""
    if name not in SETS:
        raise DataError(f"There is no image set {name!r}; there are {', '.join(SETS)}.")

    def said(found: DataSet, split: str) -> np.ndarray:
        folder = os.environ.get("RECON_DATA")
        if not folder or not (Path(folder) / found.file).exists():
            raise DataError(f"What pictures show is read from a folder: set RECON_DATA to one that holds {found.file}.")
        return packed.read(Path(folder) / found.file, f"{split}_labels").astype(np.uint8)

    return torch.from_numpy(split_of(SETS[name], split, said))


def split_of(found: DataSet, split: str, read: Callable[[DataSet, str], np.ndarray] | None = None) -> np.ndarray:
    """The part of what `read` finds, pictures unless said otherwise, that is the split."""
    read = read or pictures
    if split in ("train", "valid") and not found.validated:
        train = read(found, "train")
        if len(train) <= found.held_out:
            told = f"{found.title} has {len(train)} pictures to train on, of which {found.held_out} are held out"
            raise DataError(f"{told}: `held_out` in recon/data/sets.py says how many.")
        return train[-found.held_out :] if split == "valid" else train[: -found.held_out]
    images = read(found, split)
    if found.repeats and split != "train":
        images = images[new(found, split)]
    if split == "test" and found.by_class:  # else the first few hundred, which cards are measured on, are all one digit
        return images[np.random.default_rng(0).permutation(len(images))]
    return images


def new(found: DataSet, split: str) -> list[bool]:
    """Which pictures of "valid" or "test" no split before it has"""
    others = ("train",) if split == "valid" else ("train", "valid")
    known = {picture.tobytes() for other in others for picture in pictures(found, other)}
    return [picture.tobytes() not in known for picture in pictures(found, split)]


def pictures(found: DataSet, split: str) -> np.ndarray:
    folder = os.environ.get("RECON_DATA")
    if folder and (Path(folder) / found.file).exists():
        return packed.read(Path(folder) / found.file, split)
    if found.parquet:
        from recon.data import parquet

        return parquet.read(*found.parquet, split=split)
    raise DataError(f"{found.title} is not here: set RECON_DATA to a folder that holds {found.file}.")


def to_side(images: np.ndarray, side: int) -> Tensor:
    """uint8 (count, height, width[, 3]) to uint8 (count, channels, side, side): smaller ones are padded with zeros,
    as the papers pad MNIST, larger ones averaged over whole blocks."""
    tensor = torch.from_numpy(images)
    tensor = tensor.movedim(-1, 1) if tensor.ndim == 4 else tensor.unsqueeze(1)
    height = tensor.shape[-1]
    if height < side:
        before = (side - height) // 2
        after = side - height - before
        return torch.nn.functional.pad(tensor, (before, after, before, after)).contiguous()
    if height % side:
        raise DataError(f"Pictures of {height} x {height} pixels do not average to {side} x {side}.")
    if height > side:
        factor = height // side
        chunks = [torch.nn.functional.avg_pool2d(part.float(), factor) for part in tensor.split(4096)]
        return (torch.cat(chunks) + 0.5).to(torch.uint8)
    return tensor.contiguous()


def as_unit(images: Tensor) -> Tensor:
    """uint8 to float32 in [0, 1]"""
    return images.float() / 255
