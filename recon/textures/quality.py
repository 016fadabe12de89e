"""How good a model of a texture is: bits per pixel on the rows that were held out, beside the best linear predictor."""

from __future__ import annotations

import torch
from torch import Tensor

from recon.models.mcgsm import MCGSM
from recon.textures.fit import HELD_OUT, WHITENED, Pixels, bits, pick, rows_held_out

PART = 20_000  # neighbourhoods at a time


@torch.no_grad()
def linear_gaussian(pixels: Pixels, radius: int, seed: int = 0) -> MCGSM:
    """The best linear predictor of a pixel from its causal window, with a Gaussian of one width around it: what an
    MCGSM is before it is fitted. `radius` as MCGSM's `above` and `beside`."""
    model = MCGSM(above=radius, beside=radius, components=1, scales=1, features=1)
    generator = torch.Generator().manual_seed(seed)
    model.mixture.precondition(*pixels.at(model, pick(pixels.learned, WHITENED, generator), generator))
    model.mixture.predictors.zero_()
    model.mixture.precisions.zero_()
    return model


def bits_held_out(model: MCGSM, image: Tensor, seed: int = 0, share: float = HELD_OUT) -> float:
    """Bits per pixel on all pixels of the lowest `share` of the rows of uint8 (height, width) whose window lies in the
    picture. The noise is the seed's, so that models of one window see the same values.

    Raises DataError if the picture is too small.
    """
    pixels = rows_held_out(image, model, share)
    generator = torch.Generator().manual_seed(seed)
    parts = pixels.held_out.split(PART)
    total = sum(bits(model, *pixels.at(model, part, generator)) * len(part) for part in parts)
    return total / len(pixels.held_out)
