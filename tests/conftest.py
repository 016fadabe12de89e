"""What most tests share: randomness with a seed, smooth pictures, and a data folder of the test's own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

Pictures = Callable[..., Tensor]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest files first, so that workers end at about the same time."""
    items.sort(key=lambda item: "browser" not in item.nodeid)


@pytest.fixture
def generator() -> torch.Generator:
    return torch.Generator().manual_seed(0)


@pytest.fixture
def pictures(generator) -> Pictures:
    """Smooth random pictures, (count, channels, side, side) in [0, 1], as 8-bit levels."""

    def make(count: int = 1, channels: int = 3, side: int = 32) -> Tensor:
        coarse = torch.rand(count, channels, max(2, side // 4), max(2, side // 4), generator=generator)
        smooth = F.interpolate(coarse, size=(side, side), mode="bilinear")
        return (smooth * 255).round() / 255

    return make


@pytest.fixture
def digits(tmp_path, monkeypatch) -> Path:
    """RECON_DATA with binarised MNIST only: rectangles of 28 x 28, 60 to train on, 10 to validate and 8 to test."""
    rng = np.random.default_rng(0)

    def draw(count: int) -> np.ndarray:
        images = np.zeros((count, 28, 28), dtype=np.uint8)
        for image in images:
            top, left = rng.integers(2, 12, 2)
            height, width = rng.integers(6, 14, 2)
            image[top : top + height, left : left + width] = 1
        return images

    folder = tmp_path / "data"
    folder.mkdir()
    np.savez(folder / "binarized_mnist.npz", train=draw(60), valid=draw(10), test=draw(8))
    monkeypatch.setenv("RECON_DATA", str(folder))
    return folder
