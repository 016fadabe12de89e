"""Where a clip is observed: ways to spend a number of values on time and space."""

from __future__ import annotations

import torch
from torch import Tensor

from recon.clips.kinds import FRAMES, SIDE, middles
from recon.errors import PatchError

SCATTERED = "scattered"
PLACES = "the same places in every frame"
ENDS = "the first and the last frame"
START = "the first half"
OFFERED = (SCATTERED, PLACES, ENDS, START)

FEW = "a few frames"
WAYS = (SCATTERED, SCATTERED, PLACES, FEW)  # in training, as often


def on_grid(way: str, count: int, seed: int, frames: int = FRAMES, side: int = SIDE) -> Tensor:
    """Pixels of a clip, int64 (n, 3): frame, row and column of each; n is `count`, or for PLACES the most that fills
    all frames. They are spread by a Sobol' sequence, shifted at random, within what the way leaves to choose from; a
    larger count of the same seed has all of a smaller one's. PatchError for a way or a count that does not fit."""
    rooms = {SCATTERED: frames, PLACES: 1, ENDS: 2, START: frames // 2}
    if way not in rooms:
        raise PatchError(f"There is no way {str(way)[:40]!r} to observe a clip.")
    wanted = max(1, count // frames) if way == PLACES else count
    sizes = torch.tensor([rooms[way], side, side])
    if not 1 <= wanted <= sizes.prod():
        raise PatchError(f"Of {int(sizes.prod())} pixels that may be observed, {wanted} cannot be.")
    shift = torch.rand(3, generator=torch.Generator().manual_seed(seed))
    engine, chosen, taken = torch.quasirandom.SobolEngine(3), list[list[int]](), set[tuple[int, ...]]()
    while len(chosen) < wanted:
        for cell in ((engine.draw(1024) + shift) % 1 * sizes).long().tolist():
            if tuple(cell) not in taken and len(chosen) < wanted:
                taken.add(tuple(cell))
                chosen.append(cell)
    found = torch.tensor(chosen)
    if way == PLACES:
        found = found.repeat_interleave(frames, 0)
        found[:, 0] = torch.arange(frames).repeat(wanted)
    elif way == ENDS:
        found[:, 0] *= frames - 1
    return found


def positions(pixels: Tensor, frames: int = FRAMES, side: int = SIDE) -> Tensor:
    """The middles of pixels, as `on_grid` has them: (n, 3), from -1 to 1"""
    return torch.stack([middles(size)[part] for size, part in zip((frames, side, side), pixels.T, strict=True)], -1)


def uniform(count: int, points: int, way: str, generator: torch.Generator) -> Tensor:
    """Positions between pixels too, (count, points, 3), for training: SCATTERED; in PLACES, as many as fill all frames;
    or in a FEW frames, one to four"""
    found = 2 * torch.rand(count, points, 3, generator=generator) - 1
    if way == PLACES:
        places = found[:, : max(1, points // FRAMES), None].repeat(1, 1, FRAMES, 1)
        places[..., 0] = middles(FRAMES)
        return places.flatten(1, 2)
    if way == FEW:
        frames = 2 * torch.rand(count, 4, generator=generator) - 1
        used = torch.randint(1, 5, (count, 1), generator=generator)
        chosen = (torch.rand(count, points, generator=generator) * used).long()
        found[..., 0] = frames.gather(1, chosen)
    return found
