"""Training in several processes, one a GPU or a share of the cores: torchrun or `accelerate launch` starts them, and
PyTorch's DistributedDataParallel averages their gradients.

Each takes its part of every batch, with the random numbers that one process would draw for it, so that n processes
follow the loss of one, up to rounding. All hold the same weights, averages and moments; the first one alone writes.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from recon.chance import Chance, PartOf
from recon.errors import RecipeError


class Objective(nn.Module):
    """A model's objective as `forward`, which is what DistributedDataParallel watches."""

    def __init__(self, model: nn.Module):
        super().__init__()
        self.model = model

    def forward(self, *batch) -> Tensor:
        return self.model.objective(*batch)  # type: ignore[operator]


@dataclass(frozen=True)
class Processes:
    """How many there are, and which of them this is."""

    rank: int = 0
    count: int = 1

    @property
    def first(self) -> bool:
        return self.rank == 0

    def part(self, batch: int) -> slice:
        """This process's rows of a batch; RecipeError where it cannot be divided evenly."""
        if batch % self.count:
            raise RecipeError(f"A batch of {batch} cannot be shared evenly by {self.count} processes.")
        size = batch // self.count
        return slice(self.rank * size, (self.rank + 1) * size)

    def chance(self, generator: torch.Generator, batch: int) -> Chance:
        return generator if self.count == 1 else PartOf(generator, self.part(batch).start, batch)

    def objective(self, model: nn.Module) -> Callable[..., Tensor]:
        """Called with a process's part of a batch: its loss, whose gradients are those of the whole batch's."""
        if self.count == 1:
            return Objective(model)
        return nn.parallel.DistributedDataParallel(Objective(model))

    def mean(self, loss: Tensor) -> Tensor:
        """Of all processes"""
        if self.count > 1:
            loss = loss.clone()
            torch.distributed.all_reduce(loss)
            loss /= self.count
        return loss

    def agree(self, number: int) -> bool:
        """Whether it is the same for all; to be asked by all."""
        if self.count == 1:
            return True
        everyones: list = [None] * self.count
        torch.distributed.all_gather_object(everyones, number)
        return len(set(everyones)) == 1

    def wait(self) -> None:
        """Until all have come here"""
        if self.count > 1:
            torch.distributed.barrier()


def here() -> Processes:
    """As torchrun's environment says; alone without"""
    if torch.distributed.is_available() and torch.distributed.is_initialized():
        return Processes(torch.distributed.get_rank(), torch.distributed.get_world_size())
    return Processes()


@contextmanager
def joined(device: str) -> Iterator[Processes]:
    """The processes that torchrun or `accelerate launch` started, talking to each other; alone where nobody did."""
    if int(os.environ.get("WORLD_SIZE", "1")) == 1:
        yield Processes()
        return
    if device.startswith("cuda"):
        torch.cuda.set_device(device)
    torch.distributed.init_process_group("nccl" if device.startswith("cuda") else "gloo")
    try:
        yield here()
    finally:
        torch.distributed.destroy_process_group()
