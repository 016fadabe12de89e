"""Where models are computed."""

from __future__ import annotations

import pytest
import torch

from recon import devices


@pytest.mark.parametrize(
    ("asked", "gpus", "rank", "expected"),
    [
        ("auto", 0, None, "cpu"),
        ("auto", 0, "1", "cpu"),
        ("auto", 1, None, "cuda"),
        ("auto", 2, "1", "cuda:1"),
        ("auto", 2, "3", "cuda:1"),
        ("auto", 1, "what", "cuda"),
        ("cpu", 2, "1", "cpu"),
    ],
)
def test_each_process_has_a_gpu_of_its_own(monkeypatch, asked, gpus, rank, expected):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: gpus > 0)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: gpus)
    monkeypatch.delenv("LOCAL_RANK", raising=False)
    if rank is not None:
        monkeypatch.setenv("LOCAL_RANK", rank)
    assert devices.chosen(asked) == expected
