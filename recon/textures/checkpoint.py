"""From a texture to a checkpoint folder: weights, the record that `recon.hub.textures` reads, and a card."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from safetensors import SafetensorError
from torch import Tensor

from recon.errors import CheckpointError
from recon.models import MCGSM, Directed
from recon.textures import fit
from recon.textures.shipped import Texture
from recon.transfer import CARD, CONFIG, WEIGHTS, first_line, replaced, size_of

PAPER = "Theis & Bethge, Generative Image Modeling using Spatial LSTMs (2015)"
TITLES = {"mcgsm": "MCGSM", "ride": "RIDE"}


@dataclass(frozen=True)
class Reached:
    """What a fit reached: bits/px on rows learned from and on rows held out, beside the best linear predictor's, and
    after how long on how many cores."""

    learned: float
    held_out: float
    linear: float
    seconds: float
    cores: int


def linear_predictor(model: MCGSM) -> MCGSM:
    """With the same window, what whitening alone makes: a single Gaussian around the best linear prediction."""
    window = model.window
    found = MCGSM(above=window.above, beside=window.beside, components=1, scales=1, features=1)
    for tensor in (found.mixture.predictors, found.mixture.precisions, found.mixture.weights):
        tensor.data.zero_()
    return found


def linear_bits(model: MCGSM, image: Tensor, seed: int = 0) -> float:
    """Bits/px of the best linear predictor from the same window, on the held-out rows of uint8 (height, width)."""
    linear = linear_predictor(model)
    pixels = fit.rows_held_out(image, linear)
    list(fit.fit(linear, pixels, steps=0, finish=0, seed=seed))  # whitening alone
    return fit.measure(linear, pixels)[1]


def write(model: Directed, folder: Path, texture: Texture, side: Sequence[int], reached: Reached, command: str) -> None:
    """The checkpoint folder of a model of one texture.

    side     rows and columns of the picture it was fitted to
    command  that does all this
    Raises CheckpointError where it cannot be written.
    """
    try:
        with replaced(folder) as unfinished:
            fill(unfinished, folder.name, model, texture, side, reached, command)
    except (OSError, SafetensorError) as error:
        raise CheckpointError(f"'{folder.name}' cannot be written ({first_line(error)}).") from error


def fill(
    folder: Path, name: str, model: Directed, texture: Texture, side: Sequence[int], reached: Reached, command: str
) -> None:
    model.save_pretrained(folder)
    path = folder / CONFIG
    config = json.loads(path.read_text())
    title = f"{TITLES[model.kind]} · {texture.title}"
    terms = f"weights: Apache-2.0; the picture: {texture.terms}"
    config["checkpoint"] = {
        "kind": model.kind,
        "title": title,
        "summary": "Learned from one picture, pixel by pixel: draws more of it, and mends holes in it.",
        "data": f"{texture.title}, {side[1]} x {side[0]} pixels",
        "licence": terms,
        "paper": PAPER,
        "parameters": sum(t.numel() for t in model.state_dict().values()),
        "side": 0,
        "channels": 1,
        "held_out": round(reached.held_out, 4),
    }
    path.write_text(json.dumps(config, indent=2) + "\n")
    size = size_of(folder / WEIGHTS)
    (folder / CARD).write_text(card(name, config["checkpoint"], size, texture, reached, command))


def card(name: str, said: dict, size: str, texture: Texture, reached: Reached, command: str) -> str:
    """README.md of the folder."""
    share = f"{100 * fit.HELD_OUT:.0f} %"
    return f"""---
license: apache-2.0
library_name: recon
pipeline_tag: unconditional-image-generation
tags: [texture-synthesis, inpainting]
---

# {said["title"]}

{said["summary"]}

- **Model**: {said["kind"]}, {said["parameters"]:,} numbers, {size}. From: {said["paper"]}.
- **Trained on**: {said["data"]} ({texture.source}; {texture.terms}), but for the lowest {share} of its rows.
- **Training**: {reached.seconds:.0f} seconds on {reached.cores} CPU core{"s" * (reached.cores > 1)}.
- **Licence**: {said["licence"]}.
- **Made by**: `{command}`

```python
import torch
from recon import hub

model = hub.load_directed("{name}")
*_, pictures = model.generate(256, 256, torch.Generator().manual_seed(0))  # (1, 256, 256) in [0, 1]
```

## What it reaches

Bits per pixel, by the exact density of values with uniform noise. The rows held out also decided when to stop.

| rows learned from | rows held out | held out, best linear predictor |
| --- | --- | --- |
| {reached.learned:.3f} | {reached.held_out:.3f} | {reached.linear:.3f} |
"""
