"""Values at a few positions to the distribution of the value at any other, in any number of dimensions (Tulsiani &
Gupta 2021, *PixelTransformer*, section 4.1 and Figure 1).

    omega = f(x, {(x_k, v_k)}),    p(v | x, S) = sum_b q_b N(v; c_b + mu_b, sigma_b^2 I)

Samples are embedded, position beside value, and attend to each other; a query's position attends to them and is read
out as B bins with a Gaussian in each. Queries do not attend to one another, so any number can be asked at once, and
each gets the answer that it would get alone. Sizes are those of the released code, which differ from the paper's.

With `latents` the samples are read by so many learned vectors instead, which attend to each other (Jaegle et al. 2021,
*Perceiver IO*; Feng et al. 2023, *Latent bottlenecked attentive neural processes*): a query then costs the same
whatever the number of samples.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from recon.errors import PredictionError
from recon.models.dropout import drop

FLOOR = 2e-3  # of sigma: half a level of 256


@dataclass(frozen=True)
class Values:
    """The law of a value at each query: a mixture of Gaussians, one a bin, with the same variance in all dimensions.

    log_weights (batch, queries, bins), normalised; means (batch, queries, bins, dimensions);
    log_scales (batch, queries, bins)
    """

    log_weights: Tensor
    means: Tensor
    log_scales: Tensor

    @property
    def mean(self) -> Tensor:
        """(batch, queries, dimensions); equation 2"""
        return (self.log_weights.exp()[..., None] * self.means).sum(-2)

    @property
    def variance(self) -> Tensor:
        """(batch, queries, dimensions)"""
        around = (self.means - self.mean[..., None, :]).square() + (2 * self.log_scales).exp()[..., None]
        return (self.log_weights.exp()[..., None] * around).sum(-2)

    def log_prob(self, values: Tensor) -> Tensor:
        """Log density in nats, (batch, queries), of values (batch, queries, dimensions)"""
        size = values.shape[-1]
        distance = (values[..., None, :] - self.means).square().sum(-1) * (-2 * self.log_scales).exp()
        each = -0.5 * distance - size * (self.log_scales + 0.5 * math.log(2 * math.pi))
        return torch.logsumexp(self.log_weights + each, -1)

    def cdf(self, values: Tensor) -> Tensor:
        """P(v <= values) of each dimension by itself, (batch, queries, dimensions), float64"""
        standard = (values[..., None, :] - self.means) * (-self.log_scales).exp()[..., None]
        return (self.log_weights.double().exp()[..., None] * torch.special.ndtr(standard.double())).sum(-2)

    def sample(self, generator: torch.Generator, temperature: float = 1.0) -> Tensor:
        """One value for each query by itself, (batch, queries, dimensions); temperature is that of bins and of the
        variance in each."""
        weights = (self.log_weights / temperature).softmax(-1)
        drawn = torch.multinomial(weights.flatten(0, 1), 1, generator=generator).view(*weights.shape[:2], 1)
        mean = self.means.gather(2, drawn[..., None].expand(-1, -1, -1, self.means.shape[-1]))[:, :, 0]
        scale = self.log_scales.gather(2, drawn).exp() * math.sqrt(temperature)
        return mean + scale * torch.randn(mean.shape, generator=generator, device=mean.device)


class Attention(nn.Module):
    """Queries attend to a context, and pass a small network; each sublayer's output is normed, and then added."""

    def __init__(self, width: int, heads: int, hidden: int, dropout: float):
        super().__init__()
        self.heads, self.dropout = heads, dropout
        self.query, self.out = nn.Linear(width, width), nn.Linear(width, width)
        self.key_value = nn.Linear(width, 2 * width)
        self.feed = nn.Sequential(nn.Linear(width, hidden), nn.ReLU(), nn.Linear(hidden, width))
        self.norms = nn.ModuleList([nn.LayerNorm(width), nn.LayerNorm(width)])

    def forward(self, x: Tensor, context: Tensor, present: Tensor | None, generator: torch.Generator | None) -> Tensor:
        """x (batch, n, width); context (batch, m, width), of which `present`, bool (batch, m), says what is there"""
        query, key, value = (
            part.unflatten(-1, (self.heads, -1)).transpose(1, 2)
            for part in (self.query(x), *self.key_value(context).chunk(2, -1))
        )
        mask = None if present is None else present[:, None, None]
        seen = F.scaled_dot_product_attention(query, key, value, attn_mask=mask).transpose(1, 2).flatten(2)
        x = x + drop(self.norms[0](self.out(seen)), self.dropout, generator)
        return x + drop(self.norms[1](self.feed(x)), self.dropout, generator)


class SignalTransformer(nn.Module):
    """Any samples of a signal to the law of its value anywhere.

    positions, values   dimensions of each: 2 and 3 for colour pictures
    bins                B; their centres are a buffer (bins, values), to be set from data
    width, heads, encoder_layers, decoder_layers, hidden, dropout
                        of the transformer; half the width is for the position, half for the value
    frequencies, scale  of the Fourier features of positions in [-1, 1] (Tancik et al. 2020), drawn with `seed`
    latents             0 for attention between all samples
    told                numbers that a query comes with, beside its position

    Raises PredictionError for sizes that do not fit together.
    """

    centres: Tensor
    waves: Tensor

    def __init__(
        self,
        positions: int,
        values: int,
        *,
        bins: int = 1,
        width: int = 256,
        heads: int = 4,
        encoder_layers: int = 10,
        decoder_layers: int = 10,
        hidden: int = 512,
        dropout: float = 0.1,
        frequencies: int = 64,
        scale: float = 2.0,
        latents: int = 0,
        told: int = 0,
        seed: int = 0,
    ):
        super().__init__()
        if min(positions, values, bins, encoder_layers, decoder_layers, frequencies) < 1 or width % (2 * heads):
            raise PredictionError("A signal transformer has one of everything at least, and a width of whole heads.")
        self.values, self.bins = values, bins
        drawn = torch.randn(positions, frequencies, generator=torch.Generator().manual_seed(seed))
        self.register_buffer("waves", 2 * math.pi * scale * drawn)
        self.register_buffer("centres", torch.zeros(bins, values))
        self.place = nn.Linear(2 * frequencies, width // 2)
        self.value = nn.Linear(values, width // 2)
        self.asked = nn.Parameter(torch.zeros(width // 2))  # in the place of a query's value
        self.told = nn.Linear(told, width // 2, bias=False) if told else None
        self.nothing = nn.Parameter(torch.zeros(width))  # one more sample that is always there, so that none may be
        sizes = (width, heads, hidden, dropout)
        self.latents = nn.Parameter(torch.randn(latents, width) / math.sqrt(width)) if latents else None
        self.read = Attention(*sizes) if latents else None
        self.encoder = nn.ModuleList(Attention(*sizes) for _ in range(encoder_layers))
        self.decoder = nn.ModuleList(Attention(*sizes) for _ in range(decoder_layers))
        self.head = nn.Linear(width, bins * (values + 2))
        nn.init.normal_(self.head.weight, std=0.01)
        nn.init.zeros_(self.head.bias)

    def embedded(self, positions: Tensor) -> Tensor:
        """(..., dimensions) in [-1, 1] to (..., width / 2)"""
        phase = positions @ self.waves
        return self.place(torch.cat([phase.sin(), phase.cos()], -1))

    def encode(
        self, positions: Tensor, values: Tensor, present: Tensor, generator: torch.Generator | None = None
    ) -> tuple[Tensor, Tensor | None]:
        """The context that `decode` takes: vectors and which of them are there.

        positions (batch, n, dimensions), values (batch, n, dimensions of a value), present bool (batch, n): rows may be
        of different lengths, and what is not present is not looked at. A generator turns dropout on.
        """
        samples = torch.cat([self.embedded(positions), self.value(values)], -1)
        nothing = self.nothing.expand(len(samples), 1, -1)
        # what is absent may be anything, also no number at all, and 0 x nan is nan
        samples = torch.cat([nothing, torch.where(present[..., None], samples, 0.0)], 1)
        seen: Tensor | None = F.pad(present, (1, 0), value=True)
        if self.latents is not None and self.read is not None:
            latents = self.latents.expand(len(samples), -1, -1)
            samples, seen = self.read(latents, samples, seen, generator), None
        for layer in self.encoder:
            samples = layer(samples, samples, seen, generator)
        return samples, seen

    def decode(
        self,
        context: tuple[Tensor, Tensor | None],
        queries: Tensor,
        generator: torch.Generator | None = None,
        told: Tensor | None = None,
    ) -> Tensor:
        """What the head says of queries (batch, m, dimensions), told (batch, m, numbers) of each: (batch, m,
        bins (values + 2))"""
        x = self.embedded(queries)
        asked = self.asked.expand_as(x)
        x = torch.cat([x, asked if self.told is None or told is None else asked + self.told(told)], -1)
        for layer in self.decoder:
            x = layer(x, *context, generator)
        return self.head(x)

    def law(self, output: Tensor) -> Values:
        """The distribution that an output of `decode` stands for"""
        each = output.unflatten(-1, (self.bins, self.values + 2))
        weights, shift, scale = each.split([1, self.values, 1], -1)
        log_scales = torch.logaddexp(scale[..., 0] + self.widths, scale.new_tensor(math.log(FLOOR)))
        return Values(weights[..., 0].log_softmax(-1), self.centres + shift, log_scales)

    @property
    def widths(self) -> Tensor:
        """Where log sigma of each bin starts: half the way to the nearest other centre, or 1 for a single bin"""
        if self.bins == 1:
            return self.centres.new_zeros(1)
        apart = torch.cdist(self.centres, self.centres).fill_diagonal_(math.inf).amin(1)
        return (apart / 2).clamp_min(FLOOR).log()

    def forward(
        self,
        positions: Tensor,
        values: Tensor,
        present: Tensor,
        queries: Tensor,
        generator: torch.Generator | None = None,
    ) -> Values:
        """The law of the value at each query; arguments as `encode`'s and `decode`'s."""
        return self.law(self.decode(self.encode(positions, values, present, generator), queries, generator))
