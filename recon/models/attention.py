"""One layer of attention, as in the released PixelTransformer: each sublayer's output is normed, and then added."""

from __future__ import annotations

import math
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from recon.chance import Chance
from recon.models.dropout import drop

NEAR = 12.0  # about what attention weighs a sample at the query's own place with, as a logit, when training begins
QUIET = 0.2  # what a layer adds then, in each dimension; the paper's begin at 1

Keys = tuple[Tensor, Tensor]  # keys and values of a context, (batch, heads, m, width / heads) each


class Attention(nn.Module):
    """Queries attend to a context, and pass a small network. Half of `width` is for a position, half for a value."""

    def __init__(self, width: int, heads: int, hidden: int, dropout: float):
        super().__init__()
        self.heads, self.dropout = heads, dropout
        self.query, self.out = nn.Linear(width, width), nn.Linear(width, width)
        self.key_value = nn.Linear(width, 2 * width)
        self.feed = nn.Sequential(nn.Linear(width, hidden), nn.ReLU(), nn.Linear(hidden, width))
        self.norms = nn.ModuleList([nn.LayerNorm(width), nn.LayerNorm(width)])

    @torch.no_grad()
    def look_near(self, squared: float) -> None:
        """Begin with what lies near: a key, as a query, is its position under one and the same projection, so that
        attention is a kernel around the query. `squared` is the mean squared length of an embedded position. Weights
        that begin at random meet the whole picture alike, and it is long before they look anywhere."""
        width = len(self.query.weight)
        half, size = width // 2, width // self.heads
        turn = torch.cat([nn.init.orthogonal_(torch.empty(size, half)) for _ in range(self.heads)])
        turn *= math.sqrt(NEAR * math.sqrt(size) * half / (min(size, half) * squared))
        for weight, bias in ((self.query.weight, self.query.bias), (self.key_value.weight, self.key_value.bias)):
            weight[:width] *= 0.2
            weight[:width, :half] += turn
            bias[:width] = 0
        for norm in self.norms:  # or what a layer adds would drown the positions that the next one looks by
            nn.init.constant_(cast(Tensor, norm.weight), QUIET)

    def keys(self, context: Tensor) -> Keys:
        """What queries meet of a context (batch, m, width)"""
        key, value = (self.split(part) for part in self.key_value(context).chunk(2, -1))
        return key, value

    def forward(self, x: Tensor, keys: Keys, seen: Tensor | None = None, generator: Chance | None = None) -> Tensor:
        """x (batch, n, width); seen, bool of a shape that broadcasts to (batch, heads, n, m), says what of the context
        each may look at; None is all of it. A generator turns dropout on."""
        found = F.scaled_dot_product_attention(self.split(self.query(x)), *keys, attn_mask=seen)
        x = x + drop(self.norms[0](self.out(found.transpose(1, 2).flatten(2))), self.dropout, generator)
        return x + drop(self.norms[1](self.feed(x)), self.dropout, generator)

    def split(self, x: Tensor) -> Tensor:
        return x.unflatten(-1, (self.heads, -1)).transpose(1, 2)
