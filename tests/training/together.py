"""Trains tiny models, in as many processes as torchrun started: `together.py FOLDER STEPS` leaves what the first one
saw, losses.json and the weights of each model; runs that were stopped after fewer steps go on."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

from recon.models import CurveTransformer, MixtureDensity, PixelTransformer
from recon.training import loop, parallel, signals
from recon.training.recipe import Training
from tests.training.test_loop import Small

SMALL = {"bins": 4, "width": 16, "heads": 2, "encoder_layers": 1, "decoder_layers": 1, "hidden": 16, "frequencies": 4}
RECIPE = Training(steps=40, batch=4, rate=3e-3, warm_up=5, decay=True, ema=0.9, mirror=True, clip=1.0, seed=3)


def pictures(channels: int) -> torch.Tensor:
    coarse = torch.randint(0, 256, (23, channels, 4, 4), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)
    return coarse.repeat_interleave(2, 2).repeat_interleave(2, 3)


def networks() -> dict[str, Callable]:
    return {
        "small": Small,  # with dropout
        "density": lambda: MixtureDensity(side=8, channels=1, even=6, odd=6, scales=3, width=8, blocks=1),
        "transformer": lambda: PixelTransformer(side=8, channels=3, queries=8, transformer={**SMALL, "dropout": 0.1}),
    }


def curves(model: CurveTransformer, state: Path, processes: parallel.Processes) -> Iterator[loop.Progress]:
    def drawn(step: int) -> tuple:
        points = signals.of_sextics(RECIPE.batch, (0, 20, 20), loop.seeded(3, 2, step), False)
        return points.part(processes.part(RECIPE.batch)), processes.chance(loop.seeded(3, 3, step), RECIPE.batch)

    return loop.follow(model, drawn, RECIPE, state, save_every=0)


def main(folder: Path, steps: int) -> None:
    torch.set_num_threads(1)
    losses = {}
    with parallel.joined("cpu") as processes:
        for name, make in [*networks().items(), ("curves", lambda: CurveTransformer(transformer=SMALL))]:
            torch.manual_seed(1 + processes.rank)  # what others begin with does not matter
            model, state = make(), folder / f"{name}.state"
            if name == "curves":
                run = curves(model, state, processes)
            else:
                # a transformer's dropout is as long as the most that any picture of the batch has
                recipe = replace(RECIPE, shared=name == "transformer")
                run = loop.run(model, pictures(model.channels), recipe, state, save_every=0)
            for _ in run if steps == RECIPE.steps else islice(run, steps // 20):
                pass
            processes.wait()
            if processes.first:
                losses[name] = load_file(state)["losses"].tolist()
                save_file({name: t.contiguous() for name, t in model.state_dict().items()}, folder / f"{name}.weights")
    if processes.first:
        (folder / "losses.json").write_text(json.dumps(losses))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
