"""A directed model whose pictures have a known distribution: one expert is a linear Gaussian autoregression."""

from __future__ import annotations

import torch
from torch import Tensor

from recon.models.mcgsm import MCGSM

SPREAD = 0.02


WEIGHTS = {(0, -1): 0.8, (-1, 0): 0.5, (-1, -1): -0.4, (-1, 2): 0.1, (-2, -1): -0.1}  # near a separable field's


def autoregression(above: int = 2, beside: int = 2) -> MCGSM:
    """Each pixel is a linear prediction from its window plus noise of standard deviation SPREAD."""
    model = MCGSM(above=above, beside=beside, components=1, scales=1, features=1).requires_grad_(False)
    model.mixture.slope.copy_(torch.tensor([WEIGHTS.get(offset, 0.0) for offset in model.window.offsets]))
    for part, value in (("precisions", 0.0), ("predictors", 0.0), ("centre", 0.5), ("level", 0.5), ("spread", SPREAD)):
        getattr(model.mixture, part).fill_(value)
    return model


def posterior(model: MCGSM, picture: Tensor, hole: Tensor) -> tuple[Tensor, Tensor]:
    """Exact mean (pixels,) and covariance (pixels, pixels) of the hole's pixels given the others.

    Noise = (I - A)(x - mean), row by row of A a pixel's predictor, so the precision is (I - A)' (I - A) / variance.
    """
    height, width = hole.shape
    residual = torch.eye(height * width, dtype=torch.float64)
    for row in range(height):
        for column in range(width):
            for (down, right), weight in zip(model.window.offsets, model.mixture.slope.double(), strict=True):
                if row + down >= 0 and 0 <= column + right < width:
                    residual[row * width + column, (row + down) * width + column + right] = -weight
    precision = residual.T @ residual / model.mixture.spread.double() ** 2
    free, values = hole.flatten(), picture.flatten().double() - model.outside.double()
    within = precision[free][:, free]
    mean = model.outside - torch.linalg.solve(within, precision[free][:, ~free] @ values[~free])
    return mean, torch.linalg.inv(within)


def drawn(model: MCGSM, height: int, width: int, seed: int = 0) -> Tensor:
    """One picture of the model, (height, width)"""
    canvas = torch.full((1, height, width), 0.5)
    everything = torch.ones(height, width, dtype=torch.bool)
    for _ in model.draw(canvas, everything, torch.Generator().manual_seed(seed)):
        pass
    return canvas[0]
