"""Where in a picture contrast is strong: a gate over a scale mixture's scales, for each pixel by itself.

A scale mixture gives all hidden pixels of a picture the same distribution over scales. But where observed pixels were a
surprise, given the others, hidden ones beside them are of strong contrast; and of weak contrast in a sky. The gate of a
mixture of experts (Jacobs, Jordan, Nowlan & Hinton 1991) says so: a softmax that is linear in a few things seen nearby.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from recon.models.calibration import BAND, likeliest, share_held
from recon.models.conditioned import Evidence
from recon.models.gate_examples import Examples, examples
from recon.models.local_features import FEATURES, features
from recon.models.scale_mixture import SHARES, ScaleMixture
from recon.models.signal_transformer import at_counts

if TYPE_CHECKING:
    from recon.models.mogsm import MoGSM

FARTHEST = 4.0  # standard deviations from what is usual: beyond, a feature says no more
RIDGE = 1e-4  # nats a pixel for a squared weight
ROUNDS = 60  # of L-BFGS
PER_MASK = 10  # pictures share a mask
TIMES = 3  # that each picture is seen, under another mask
CALIBRATED = 10  # lots of pictures
TRIED = (-1.0, 1.0, 41)  # tilts: from, to, how many
SLACK = 0.02  # nats a channel that calibration may cost


class LocalContrast(nn.Module):
    """Buffers: `centre`, `spread` (features,), by which features are standardised; `weights` (features + 1, scales);
    `tilt` (sizes,), what calibration adds to the logits for a log scale, from 1, 2, 4, ... observed pixels."""

    centre: Tensor
    spread: Tensor
    weights: Tensor
    tilt: Tensor

    def __init__(self, scales: int, side: int):
        super().__init__()
        self.register_buffer("centre", torch.zeros(FEATURES))
        self.register_buffer("spread", torch.ones(FEATURES))
        self.register_buffer("weights", torch.zeros(FEATURES + 1, scales))
        self.register_buffer("tilt", torch.zeros(max(1, (side * side // 2).bit_length())))

    def forward(self, base: ScaleMixture, evidence: Evidence) -> Tensor:
        """What speaks for each scale at each pixel of images that share a mask, given what they say to `base`: logits
        (n, scales, side, side), which `gated` takes."""
        tilt = at_counts(self.tilt, evidence.conditioned.mask.sum())
        return self.logits(features(base, evidence)) + tilt * base.log_scales.float().view(-1, 1, 1)

    def logits(self, found: Tensor) -> Tensor:
        """Of features, (batch, features, ...), before they are tilted: (batch, scales, ...)"""
        return torch.einsum("bf...,fs->bs...", self.standard(found), self.weights)

    def standard(self, found: Tensor) -> Tensor:
        """Features (batch, features, ...) in standard deviations, and a one: (batch, features + 1, ...)"""
        shape = (-1, *[1] * (found.ndim - 2))
        scaled = ((found - self.centre.view(shape)) / self.spread.view(shape)).clamp(-FARTHEST, FARTHEST)
        return torch.cat([scaled, torch.ones_like(scaled[:, :1])], 1)

    def fit(self, mixture: MoGSM, pictures: Tensor, orders: Tensor) -> None:
        """Maximum likelihood of hidden pixels of `pictures`, (count, channels, side, side), which the mixture has not
        seen: those that it was fitted to surprise it less. PER_MASK of them at a time share a mask, the first pixels of
        one of `orders`, (any, pixels). Then intervals are calibrated on some of them."""
        generator = torch.Generator().manual_seed(0)
        lots = pictures.split(PER_MASK)

        def seen(k: int, observed: int) -> Examples:
            mask = torch.zeros(mixture.side**2, dtype=torch.bool, device=pictures.device)
            mask[orders[k % len(orders), :observed].to(mask.device)] = True
            return examples(mixture, lots[k % len(lots)], mask, generator)

        sizes = [max(1, round(share * mixture.side**2)) for share in SHARES]
        self.learn([seen(k, sizes[k % len(sizes)]) for k in range(TIMES * len(lots))])
        for k in range(len(self.tilt)):
            self.calibrate(k, [seen(lot, 2**k) for lot in range(min(CALIBRATED, len(lots)))], mixture.base.log_scales)
        mixture.forget_masks()

    def learn(self, seen: Sequence[Examples]) -> None:
        every = torch.cat([each.features for each in seen]).transpose(0, 1).flatten(1)
        self.centre.copy_(every.mean(1))
        self.spread.copy_(every.std(1).clamp_min(1e-6))
        weights = self.weights.clone().requires_grad_()
        search = torch.optim.LBFGS([weights], max_iter=ROUNDS, line_search_fn="strong_wolfe")

        def closure() -> float:
            search.zero_grad()
            loss = RIDGE * weights.square().sum()
            loss.backward()
            total = loss.item()
            for each in seen:
                loss = each.nats(torch.einsum("bfp,fs->bsp", self.standard(each.features), weights)).sum()
                loss = loss / every.shape[1]
                loss.backward()
                total += loss.item()
            return total

        with torch.enable_grad():
            search.step(closure)
        self.weights.copy_(weights.detach())

    def calibrate(self, k: int, seen: Sequence[Examples], log_scales: Tensor) -> None:
        """The tilt for 2^k observed pixels: likelihood is of all channels together, intervals are of each by itself."""
        tried = torch.linspace(*TRIED)
        channels = seen[0].parts[0].below.shape[2]
        nats, held = [], []
        for tilt in tried:
            leans = [self.logits(each.features) + tilt * log_scales.float()[:, None] for each in seen]
            lost = [each.nats(lean).flatten() for each, lean in zip(seen, leans, strict=True)]
            nats.append(torch.cat(lost).mean().item() / channels)
            below, above = zip(*(each.edges(lean) for each, lean in zip(seen, leans, strict=True)), strict=True)
            held.append(share_held(torch.cat(below), torch.cat(above), BAND))
        self.tilt[k] = likeliest(tried, nats, held, SLACK)
