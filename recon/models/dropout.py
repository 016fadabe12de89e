"""Dropout from a generator of its own: PyTorch's draws from the global one."""

import torch
from torch import Tensor


def drop(hidden: Tensor, probability: float, generator: torch.Generator | None) -> Tensor:
    """Each number 0 with this probability, else so much larger that the mean stays; without a generator, as it is."""
    if probability == 0 or generator is None:
        return hidden
    keep = torch.rand(hidden.shape, generator=generator, device=hidden.device) >= probability
    return hidden * keep / (1 - probability)
