"""The baseline of PixelTransformer (Tulsiani & Gupta 2021, appendix): a picture as what the decoder of a variational
autoencoder (Kingma & Welling 2013) makes of the latent variable that fits the observed pixels best.

    z* = argmin_z  E_k |D(z)(x_k) - v_k| + weight ||z||^2

The bottleneck is the paper's, 4 x 4 x 64. The paper's weight is .001, which leaves next to nothing of the
latent variable here: it is chosen on validation pictures, for each number of observed pixels.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from recon import Observation, data

LATENTS = (64, 4, 4)
STEPS, BATCH, RATE = 2000, 100, 2e-3
SEARCH, SEARCH_RATE = 300, 0.1
WEIGHTS = (1e-3, 1e-4, 1e-5, 1e-6)


class Autoencoder(nn.Module):
    """Of 32 x 32 pictures in [0, 1]"""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.encoder = nn.Sequential(
            nn.Conv2d(channels, 32, 4, 2, 1),
            nn.SiLU(),
            nn.Conv2d(32, 64, 4, 2, 1),
            nn.SiLU(),
            nn.Conv2d(64, 128, 4, 2, 1),
            nn.SiLU(),
            nn.Conv2d(128, 2 * LATENTS[0], 3, 1, 1),
        )
        self.decoder = nn.Sequential(
            nn.Conv2d(LATENTS[0], 128, 3, 1, 1),
            nn.SiLU(),
            nn.ConvTranspose2d(128, 64, 4, 2, 1),
            nn.SiLU(),
            nn.ConvTranspose2d(64, 32, 4, 2, 1),
            nn.SiLU(),
            nn.ConvTranspose2d(32, channels, 4, 2, 1),
        )

    def objective(self, pictures: Tensor, generator: torch.Generator) -> Tensor:
        """Negative evidence lower bound a picture, in nats; a level is taken for how probably a pixel is white."""
        mean, log_variance = self.encoder(pictures).chunk(2, 1)
        noise = torch.randn(mean.shape, generator=generator)
        said = self.decoder(mean + (0.5 * log_variance).exp() * noise)
        misfit = F.binary_cross_entropy_with_logits(said, pictures, reduction="sum")
        divergence = 0.5 * (mean.square() + log_variance.exp() - 1 - log_variance).sum()
        return (misfit + divergence) / len(pictures)

    def infer(self, known: Observation, weight: float) -> Tensor:
        """The picture that fits best, what is observed kept: (batch, channels, 32, 32)"""
        found = torch.zeros(known.batch, *LATENTS, requires_grad=True)
        optimiser = torch.optim.Adam([found], lr=SEARCH_RATE)
        share = known.mask / known.mask.sum((1, 2, 3), keepdim=True) / known.values.shape[1]
        for step in range(SEARCH):
            optimiser.param_groups[0]["lr"] = SEARCH_RATE * 0.5 * (1 + math.cos(math.pi * step / SEARCH))
            misfit = ((self.decoder(found).sigmoid() - known.values).abs() * share).sum()
            optimiser.zero_grad()
            (misfit + weight * found.square().sum()).backward()
            optimiser.step()
        with torch.no_grad():
            return torch.where(known.mask, known.values, self.decoder(found).sigmoid())


def trained(name: str, seed: int = 0) -> Autoencoder:
    """On the training pictures of a set"""
    torch.manual_seed(seed)
    images = data.load(name, "train")
    model, generator = Autoencoder(images.shape[1]), torch.Generator().manual_seed(seed)
    optimiser = torch.optim.Adam(model.parameters(), lr=RATE)
    for step in range(STEPS):
        optimiser.param_groups[0]["lr"] = RATE * 0.5 * (1 + math.cos(math.pi * step / STEPS))
        chosen = torch.randint(len(images), (BATCH,), generator=generator)
        loss = model.objective(images[chosen].float() / 255, generator)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    return model.eval().requires_grad_(False)


def chosen_weight(model: Autoencoder, pictures: Tensor, mask: Tensor) -> float:
    """Of WEIGHTS, the one with the least squared error on validation pictures (batch, channels, 32, 32)"""
    known = Observation(pictures * mask, mask.expand(len(pictures), -1, -1, -1))
    return min(WEIGHTS, key=lambda weight: (model.infer(known, weight) - pictures).square().mean().item())
