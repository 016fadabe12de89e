"""What joint samples would cost by attention, one pixel at a time, as PixelTransformer draws them.

A plain stack of the released size (Tulsiani & Gupta 2021; 10 encoder and 10 decoder layers of width 256, 4 heads,
feed-forward width 512), with random weights: only its cost is of interest. A whole picture would take minutes, so
single steps are timed with few, many and nearly all pixels known, and those between are taken to lie on the lines.
"""

from __future__ import annotations

import statistics
import time
from itertools import pairwise

import torch
from torch import nn

WIDTH, HEADS, INNER, LAYERS = 256, 4, 512, 10
PIXELS = 32 * 32


class Stack(nn.Module):
    """Known pixels attend to one another; the pixel that is asked for attends to them."""

    def __init__(self) -> None:
        super().__init__()
        sizes = {"nhead": HEADS, "dim_feedforward": INNER, "dropout": 0.0, "batch_first": True}
        self.encoder = nn.TransformerEncoder(nn.TransformerEncoderLayer(WIDTH, **sizes), LAYERS)
        self.decoder = nn.TransformerDecoder(nn.TransformerDecoderLayer(WIDTH, **sizes), LAYERS)

    def forward(self, known: torch.Tensor, asked: torch.Tensor) -> torch.Tensor:
        return self.decoder(asked, self.encoder(known))


@torch.no_grad()
def seconds(samples: int, observed: int, rounds: int = 3) -> float:
    """To draw the hidden pixels of `samples` pictures one after another, all pictures at once; scaled from a part."""
    model = Stack().eval()
    places = [observed, (observed + PIXELS) // 2, PIXELS - 1]
    steps = []
    for known in places:
        inputs = torch.randn(samples, known, WIDTH), torch.randn(samples, 1, WIDTH)
        times = []
        for _ in range(rounds):
            began = time.perf_counter()
            model(*inputs)
            times.append(time.perf_counter() - began)
        steps.append(statistics.median(times))
    lines = zip(pairwise(places), pairwise(steps), strict=True)
    return sum((far - near) * (first + last) / 2 for (near, far), (first, last) in lines)
