"""Where models are computed."""

from __future__ import annotations

import os


def chosen(device: str = "auto") -> str:
    """What torch calls a device. "auto" is a GPU where there is one, of several processes (torchrun, `accelerate
    launch`) each its own; else the CPU."""
    import torch

    if device != "auto":
        return device
    if not torch.cuda.is_available():
        return "cpu"
    rank = os.environ.get("LOCAL_RANK", "")
    return f"cuda:{int(rank) % torch.cuda.device_count()}" if rank.isdecimal() else "cuda"
