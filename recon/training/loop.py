"""The training loop: a generator of progress, which a kill can interrupt anywhere without changing the result.

Every batch, mask and dropout pattern comes from a generator seeded by the recipe's seed and the step, so that a step
does not depend on how the run got there. The state on disk (weights, their moving average, Adam's moments, buffers, and
`losses`, the loss of every step so far) is one safetensors file, replaced atomically.
"""

from __future__ import annotations

import contextlib
import functools
import math
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from recon import transfer
from recon.chance import Chance
from recon.errors import RecipeError
from recon.models.base import Network
from recon.training import parallel
from recon.training.masks import MaskMaker, maker
from recon.training.recipe import Training

SAVE_EVERY = 60.0  # seconds

if TYPE_CHECKING:
    from recon.models.signal_model import SignalModel
    from recon.training.negatives import Contrast


@dataclass(frozen=True)
class Progress:
    """Where a run stands: loss (mean over unobserved pixels and channels, nats) is an average over the last steps.

    seconds     spent so far, sittings before an interruption counted in as far as they were saved
    """

    step: int
    steps: int
    loss: float
    images_per_second: float
    seconds_left: float
    seconds: float


def run(
    model: Network | Contrast,
    images: Tensor,
    recipe: Training,
    state: Path,
    device: str = "cpu",
    save_every: float = SAVE_EVERY,
) -> Iterator[Progress]:
    """Train `model` in place, resuming from `state` if it is there; at the end the model holds the averaged weights.

    images      uint8 (count, channels, side, side)
    state       file that the run can be resumed from; written every `save_every` seconds and at the end
    """
    make_masks = maker(recipe.patch, model.side, recipe.size, recipe.seed, recipe.shared)
    processes = parallel.here()

    def drawn(step: int) -> tuple:
        return draw(images, make_masks, recipe, step, device, processes)

    return follow(model, drawn, recipe, state, device, save_every)


def follow(
    model: Network | Contrast | SignalModel,
    drawn: Callable[[int], tuple],
    recipe: Training,
    state: Path,
    device: str = "cpu",
    save_every: float = SAVE_EVERY,
) -> Iterator[Progress]:
    """`run` of anything that has an objective, whose arguments, this process's part of them, `drawn` makes for each
    step. Of several processes all train, and read `state`; the first one writes it."""
    processes = parallel.here()
    processes.part(recipe.batch)
    model.to(device).train()
    model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # torch has it, its stubs do not
    weights = dict(model.named_parameters())
    buffers = {name: tensor for name, tensor in model.state_dict().items() if name not in weights}
    average = {name: weight.detach().clone() for name, weight in weights.items()}
    optimiser = torch.optim.Adam(weights.values(), lr=recipe.rate)
    losses = torch.full((recipe.steps,), math.nan, device=device)
    start, before = resume(state, weights, buffers, average, optimiser, losses, recipe)
    if not processes.agree(start):
        raise RecipeError(f"{state.name} is not the same for all processes: they need one folder of runs that all see.")
    objective = processes.objective(model)
    began = saved = time.monotonic()
    if start == recipe.steps:
        yield Progress(start, recipe.steps, math.nan, 0.0, 0.0, before)  # what took so long is known nevertheless
    for step in range(start, recipe.steps):
        for group in optimiser.param_groups:
            group["lr"] = rate(recipe, step)
        loss = objective(*drawn(step))
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        if recipe.clip:
            torch.nn.utils.clip_grad_norm_(weights.values(), recipe.clip)
        optimiser.step()
        decay = min(recipe.ema, (1 + step) / (10 + step))  # early weights are soon forgotten
        for name, weight in weights.items():
            average[name].lerp_(weight.detach(), 1 - decay if recipe.ema else 1.0)
        losses[step] = processes.mean(loss.detach())
        if processes.first and time.monotonic() - saved > save_every:
            saved = time.monotonic()
            save(state, weights, buffers, average, optimiser, losses, step + 1, before + saved - began, recipe)
        if (step + 1) % 20 == 0 or step + 1 == recipe.steps:
            seconds = time.monotonic() - began
            speed = (step + 1 - start) / seconds
            mean = losses[max(start, step - 199) : step + 1].mean().item()
            left = (recipe.steps - step - 1) / speed
            yield Progress(step + 1, recipe.steps, mean, speed * recipe.batch, left, before + seconds)
    if processes.first and recipe.steps:
        seconds = before + time.monotonic() - began
        save(state, weights, buffers, average, optimiser, losses, recipe.steps, seconds, recipe)
    with torch.no_grad():
        for name, weight in weights.items():
            weight.copy_(average[name])
    model.eval()


def draw(
    images: Tensor,
    make_masks: MaskMaker,
    recipe: Training,
    step: int,
    device: str,
    processes: parallel.Processes = parallel.Processes(),  # noqa: B008, it is frozen
) -> tuple[Tensor, Tensor, Chance]:
    """Batch, masks and chance for dropout of one step, all functions of the seed and the step alone; of several
    processes the part of each, whose masks and mirrors all of them draw for all."""
    per_epoch = len(images) // recipe.batch
    if per_epoch == 0:
        raise RecipeError(f"A batch of {recipe.batch} needs as many pictures; there are {len(images)}.")
    epoch, place = divmod(step, per_epoch)
    chosen = shuffled(len(images), recipe.seed, epoch)[place * recipe.batch : (place + 1) * recipe.batch]
    generator = seeded(recipe.seed, 2, step)
    part = processes.part(recipe.batch)
    batch = images[chosen[part]]
    if recipe.mirror:
        flip = torch.rand(recipe.batch, 1, 1, 1, generator=generator)[part] < 0.5
        batch = torch.where(flip, batch.flip(-1), batch)
    batch = batch.to(device).float().div(255).contiguous(memory_format=torch.channels_last)
    masks = make_masks(recipe.batch, generator)[part]
    return batch, masks.to(device), processes.chance(seeded(recipe.seed, 3, step, device), recipe.batch)


@functools.lru_cache(maxsize=1)
def shuffled(count: int, seed: int, epoch: int) -> Tensor:
    """The order in which an epoch takes the pictures; kept, since every step of the epoch asks for it."""
    return torch.randperm(count, generator=seeded(seed, 1, epoch))


def seeded(seed: int, stream: int, step: int, device: str = "cpu") -> torch.Generator:
    """A generator of its own for every (seed, stream, step)."""
    return torch.Generator(device).manual_seed((seed * 8 + stream) * 10**9 + step)


def rate(recipe: Training, step: int) -> float:
    rising = min(1.0, (step + 1) / recipe.warm_up) if recipe.warm_up else 1.0
    falling = 0.5 * (1 + math.cos(math.pi * step / recipe.steps)) if recipe.decay else 1.0
    return recipe.rate * rising * falling


def save(
    state: Path,
    weights: dict,
    buffers: dict,
    average: dict,
    optimiser: torch.optim.Adam,
    losses: Tensor,
    step: int,
    seconds: float,
    recipe: Training,
) -> None:
    tensors: dict[str, Tensor] = {f"buffer.{name}": tensor for name, tensor in buffers.items()}
    tensors["losses"] = losses[:step]
    for name, weight in weights.items():
        moments = optimiser.state[weight]
        tensors |= {
            f"weight.{name}": weight.detach(),
            f"average.{name}": average[name],
            f"first.{name}": moments["exp_avg"],
            f"second.{name}": moments["exp_avg_sq"],
        }
    tensors = {name: tensor.contiguous() for name, tensor in tensors.items()}
    unfinished = state.with_suffix(".part")
    try:
        state.parent.mkdir(parents=True, exist_ok=True)
        save_file(tensors, unfinished, metadata={"step": str(step), "seconds": str(seconds), "recipe": repr(recipe)})
        os.replace(unfinished, state)  # a kill leaves the old state or the new one, never half of one
    except (OSError, SafetensorError) as error:
        with contextlib.suppress(OSError):
            unfinished.unlink(missing_ok=True)
        told = f"{state.name} cannot be written ({transfer.first_line(error)}); what was saved before is whole."
        raise RecipeError(told) from error


def resume(
    state: Path,
    weights: dict,
    buffers: dict,
    average: dict,
    optimiser: torch.optim.Adam,
    losses: Tensor,
    recipe: Training,
) -> tuple[int, float]:
    """Load what an interrupted run left; the step to go on from and the seconds spent, 0 if there is none."""
    if not state.exists():
        return 0, 0.0
    try:
        with safe_open(state, framework="pt") as file:
            said = file.metadata()
            stored = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118, it is no dict
    except (SafetensorError, OSError) as error:
        raise RecipeError(f"{state.name} is damaged; remove it to start anew.") from error
    shapes = {key.removeprefix("weight."): t.shape for key, t in stored.items() if key.startswith("weight.")}
    if said["recipe"] != repr(recipe) or shapes != {name: weight.shape for name, weight in weights.items()}:
        raise RecipeError(f"{state.name} is of a run with another recipe; move it away to start anew.")
    with torch.no_grad():
        for name, buffer in buffers.items():  # what `prepare` found elsewhere may differ, and weights know it as it was
            if f"buffer.{name}" in stored:
                buffer.copy_(stored[f"buffer.{name}"])
        for name, weight in weights.items():
            weight.copy_(stored[f"weight.{name}"])
            average[name].copy_(stored[f"average.{name}"])
            optimiser.state[weight] = {
                "step": torch.tensor(float(said["step"])),
                # in the weight's own memory layout, as Adam makes them: other kernels may round otherwise
                "exp_avg": torch.empty_like(weight).copy_(stored[f"first.{name}"]),
                "exp_avg_sq": torch.empty_like(weight).copy_(stored[f"second.{name}"]),
            }
    step = int(said["step"])
    if "losses" in stored:  # states of old did not keep them
        losses[:step] = stored["losses"]
    return step, float(said.get("seconds", 0))
