"""Values at a few positions to the distribution of the value at any other, in any number of dimensions (Tulsiani &
Gupta 2021, *PixelTransformer*, section 4.1 and Figure 1).

    omega = f(x, {(x_k, v_k)}),    p(v | x, S) = sum_b q_b N(v; c_b + mu_b, sigma_b^2 I)

Samples are embedded, position beside value, and attend to each other; a query's position attends to them and is read
out as B bins with a Gaussian in each. Queries do not attend to one another, so any number can be asked at once, and
each gets the answer that it would get alone.

Unlike the paper: p is the mixture's own density, which integrates to one, where the paper takes the nearest bin's alone
(appendix, alpha = .1). Queries have no layer of attention to themselves, which the released code masks to nothing. A
sample that says nothing is always there, so that nothing need be known. The paper gives no sizes; those here are the
released code's.

With `latents` the samples are read by so many learned vectors instead, which attend to each other (Jaegle et al. 2021,
*Perceiver IO*; Feng et al. 2023, *Latent bottlenecked attentive neural processes*): a query then costs the same
whatever the number of samples.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from recon.chance import Chance
from recon.errors import PredictionError
from recon.models.attention import Attention, Keys
from recon.models.copula import mixture_quantile


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
        return torch.logsumexp(self.log_weights + self.log_prob_each(values), -1)

    def log_prob_each(self, values: Tensor) -> Tensor:
        """Of each bin by itself, (batch, queries, bins)"""
        distance = (values[..., None, :] - self.means).square().sum(-1) * (-2 * self.log_scales).exp()
        return -0.5 * distance - values.shape[-1] * (self.log_scales + 0.5 * math.log(2 * math.pi))

    def tempered(self, temperatures: Tensor) -> Values:
        """With the bins' weights to the power of 1 / temperature, one for each of the batch"""
        weights = (self.log_weights / temperatures[:, None, None]).log_softmax(-1)
        return Values(weights, self.means, self.log_scales)

    def cdf(self, values: Tensor) -> Tensor:
        """P(v <= values) of each dimension by itself, (batch, queries, dimensions), float64"""
        standard = (values[..., None, :] - self.means) * (-self.log_scales).exp()[..., None]
        return (self.log_weights.double().exp()[..., None] * torch.special.ndtr(standard.double())).sum(-2)

    def interval(self, share: float) -> tuple[Tensor, Tensor]:
        """Central interval of that probability, of each dimension by itself: (batch, queries, dimensions) each"""
        weights, means = self.log_weights.transpose(1, 2)[..., None], self.means.transpose(1, 2)
        scales = self.log_scales.exp().transpose(1, 2)[..., None].expand_as(means)
        end = torch.special.ndtri(torch.tensor(0.5 + share / 2, dtype=torch.float64)).item()
        ends = torch.full_like(means[:, 0], end)
        return mixture_quantile(weights, means, scales, -ends), mixture_quantile(weights, means, scales, ends)

    def sample(self, generator: torch.Generator, temperature: float = 1.0) -> Tensor:
        """One value for each query by itself, (batch, queries, dimensions); temperature is that of bins and of the
        variance in each."""
        weights = (self.log_weights / temperature).softmax(-1)
        drawn = torch.multinomial(weights.flatten(0, 1), 1, generator=generator).view(*weights.shape[:2], 1)
        mean = self.means.gather(2, drawn[..., None].expand(-1, -1, -1, self.means.shape[-1]))[:, :, 0]
        scale = self.log_scales.gather(2, drawn).exp() * math.sqrt(temperature)
        return mean + scale * torch.randn(mean.shape, generator=generator, device=mean.device)


@dataclass(frozen=True)
class Memory:
    """Samples that were read once and are asked often: keys and values of each layer of the decoder, and of the encoder
    where there are no latents"""

    encoder: list[Keys]
    decoder: list[Keys]


class SignalTransformer(nn.Module):
    """Any samples of a signal to the law of its value anywhere.

    positions, values   dimensions of each: 2 and 3 for colour pictures
    bins                B; what they are before training comes from data, by `begin_at`
    width, heads, encoder_layers, decoder_layers, hidden, dropout
                        of the transformer; half the width is for the position, half for the value
    frequencies, scale  of the Fourier features of positions in [-1, 1] (Tancik et al. 2020), drawn with `seed`
    latents             0 for attention between all samples
    told                numbers that a query comes with, beside its position
    floor               the least sigma
    near                begin with what lies near (`Attention.look_near`), latents at places of their own; the paper's
                        weights begin at random

    Raises PredictionError for sizes that do not fit together.
    """

    centres: Tensor  # (bins, values)
    spreads: Tensor  # (bins,)
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
        floor: float = 2e-3,
        near: bool = False,
        seed: int = 0,
    ):
        super().__init__()
        if min(positions, values, bins, encoder_layers, decoder_layers, frequencies) < 1 or width % (2 * heads):
            raise PredictionError("A signal transformer has one of everything at least, and a width of whole heads.")
        self.values, self.bins, self.floor = values, bins, floor
        drawn = torch.randn(positions, frequencies, generator=torch.Generator().manual_seed(seed))
        self.register_buffer("waves", 2 * math.pi * scale * drawn)
        self.register_buffer("centres", torch.zeros(bins, values))
        self.register_buffer("spreads", torch.ones(bins))
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
        if near:
            self.look_near()

    @torch.no_grad()
    def look_near(self) -> None:
        nn.init.orthogonal_(self.place.weight)
        nn.init.zeros_(self.place.bias)
        places = 2 * torch.quasirandom.SobolEngine(len(self.waves)).draw(1025)[1:] - 1  # the first is a corner
        squared = self.embedded(places).square().sum(-1).mean().item()
        for layer in (*layers(self.encoder), *layers(self.decoder), *([] if self.read is None else [self.read])):
            layer.look_near(squared)
        if self.latents is not None:  # each begins at a place of its own, evenly spread
            self.latents[:, : self.latents.shape[1] // 2] = self.embedded(places[: len(self.latents)])

    @torch.no_grad()
    def begin_at(self, centres: Tensor, values: Tensor) -> None:
        """Set the bins from their centres (bins, values) and values that occur (count, values): before training each
        has the mean, the spread and the share of what is nearest to its centre. Shifts and scales are in units of that
        spread: a level of 256 is much for a black pixel and nothing for a grey one."""
        bias = self.head.bias.view(self.bins, -1)
        near = torch.cat([torch.cdist(part, centres).argmin(1) for part in values.split(20_000)])
        for k, centre in enumerate(centres):
            mine = values[near == k]
            self.centres[k] = mine.mean(0) if len(mine) else centre
            wide = mine.var(0, unbiased=False).mean().sqrt() if len(mine) else values.new_zeros(())
            self.spreads[k] = wide.clamp_min(2 * self.floor)
            bias[k, 0] = math.log((len(mine) + 1) / (len(values) + self.bins))

    def embedded(self, positions: Tensor) -> Tensor:
        """(..., dimensions) in [-1, 1] to (..., width / 2)"""
        phase = positions @ self.waves
        return self.place(torch.cat([phase.sin(), phase.cos()], -1))

    def encode(
        self, positions: Tensor, values: Tensor, present: Tensor, generator: Chance | None = None
    ) -> tuple[Tensor, Tensor | None]:
        """The context that `decode` takes: vectors, and which of them are there as attention has it.

        positions (batch, n, dimensions), values (batch, n, dimensions of a value), present bool (batch, n): rows may be
        of different lengths, and what is not present is not looked at. A generator turns dropout on.
        """
        # what is absent may be anything, also no number at all, and 0 x nan is nan, on the way back too
        positions, values = (torch.where(present[..., None], tensor, 0.0) for tensor in (positions, values))
        samples = self.begun(self.embedded_samples(positions, values))
        seen = None if present.all() else F.pad(present, (1, 0), value=True)[:, None, None]
        if self.latents is not None and self.read is not None:
            latents = self.latents.expand(len(samples), -1, -1)
            samples, seen = self.read(latents, self.read.keys(samples), seen, generator), None
        for layer in layers(self.encoder):
            samples = layer(samples, layer.keys(samples), seen, generator)
        return samples, seen

    def decode(
        self,
        context: tuple[Tensor, Tensor | None],
        queries: Tensor,
        generator: Chance | None = None,
        told: Tensor | None = None,
    ) -> Tensor:
        """What the head says of queries (batch, m, dimensions), told (batch, m, numbers) of each: (batch, m,
        bins (values + 2))"""
        memory = Memory([], [layer.keys(context[0]) for layer in layers(self.decoder)])
        return self.recall(memory, queries, context[1], generator, told)

    def remember(self, positions: Tensor, values: Tensor) -> Memory:
        """What `recall` asks: samples as `encode` takes them, all present, read once."""
        if self.latents is not None:
            present = torch.ones(positions.shape[:2], dtype=torch.bool, device=positions.device)
            context, _ = self.encode(positions, values, present)
            return Memory([], [layer.keys(context) for layer in layers(self.decoder)])
        return self.read_on(self.begun(self.embedded_samples(positions, values)), Memory([], []))

    def extend(self, memory: Memory, positions: Tensor, values: Tensor) -> Memory:
        """The memory with more samples, which look at what is there and at each other; what is there does not look
        back, as it would if everything were read anew. PredictionError for latents, whose number stays."""
        if self.latents is not None:
            raise PredictionError("What latents have read is not extended: they read everything anew.")
        return self.read_on(self.embedded_samples(positions, values), memory)

    def recall(
        self,
        memory: Memory,
        queries: Tensor,
        seen: Tensor | None = None,
        generator: Chance | None = None,
        told: Tensor | None = None,
    ) -> Tensor:
        """As `decode`, from a memory, of which `seen` is there."""
        x = self.embedded(queries)
        asked = self.asked.expand_as(x)
        x = torch.cat([x, asked if self.told is None or told is None else asked + self.told(told)], -1)
        for layer, keys in zip(layers(self.decoder), memory.decoder, strict=True):
            x = layer(x, keys, seen, generator)
        return self.head(x)

    def read_on(self, x: Tensor, memory: Memory) -> Memory:
        def joined(before: list[Keys], k: int, keys: Keys) -> Keys:
            if not before:
                return keys
            return torch.cat([before[k][0], keys[0]], 2), torch.cat([before[k][1], keys[1]], 2)

        encoder = []
        for k, layer in enumerate(layers(self.encoder)):
            encoder.append(joined(memory.encoder, k, layer.keys(x)))
            x = layer(x, encoder[-1])
        decoder = [joined(memory.decoder, k, layer.keys(x)) for k, layer in enumerate(layers(self.decoder))]
        return Memory(encoder, decoder)

    def embedded_samples(self, positions: Tensor, values: Tensor) -> Tensor:
        return torch.cat([self.embedded(positions), self.value(values)], -1)

    def begun(self, samples: Tensor) -> Tensor:
        """With the sample that is always there, before all others"""
        return torch.cat([self.nothing.expand(len(samples), 1, -1), samples], 1)

    def law(self, output: Tensor) -> Values:
        """The distribution that an output of `decode` stands for"""
        each = output.unflatten(-1, (self.bins, self.values + 2))
        weights, shift, scale = each.split([1, self.values, 1], -1)
        floor = scale.new_tensor(math.log(self.floor))
        log_scales = torch.logaddexp(scale[..., 0] + self.spreads.log(), floor)
        return Values(weights[..., 0].log_softmax(-1), self.centres + self.spreads[:, None] * shift, log_scales)

    def forward(
        self,
        positions: Tensor,
        values: Tensor,
        present: Tensor,
        queries: Tensor,
        generator: Chance | None = None,
    ) -> Values:
        """The law of the value at each query; arguments as `encode`'s and `decode`'s."""
        return self.law(self.decode(self.encode(positions, values, present, generator), queries, generator))


def layers(stack: nn.ModuleList) -> list[Attention]:
    return cast(list[Attention], list(stack))


def at_counts(table: Tensor, counts: Tensor) -> Tensor:
    """Entries of a table that is known for 1, 2, 4, ... samples, at any numbers of them: linear in their logarithm, and
    beyond the ends as at them"""
    place = counts.clamp_min(1).to(table).log2().clamp_max(len(table) - 1)
    below = place.floor().long()
    return table[below].lerp(table[(below + 1).clamp_max(len(table) - 1)], place - below)
