"""Dropout from a generator of its own: PyTorch's draws from the global one."""

from torch import Tensor

from recon.chance import Chance, uniform


def drop(hidden: Tensor, probability: float, chance: Chance | None) -> Tensor:
    """Each number 0 with this probability, else so much larger that the mean stays; without chance, as it is."""
    if probability == 0 or chance is None:
        return hidden
    keep = uniform(hidden.shape, chance, hidden.device) >= probability
    return hidden * keep / (1 - probability)
