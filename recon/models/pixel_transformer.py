"""PixelTransformer (Tulsiani & Gupta 2021): the distribution of any pixel given any others, by attention.

`SignalTransformer` in two dimensions, its bins centred at colours that occur (k-means). Positions are continuous: a
picture may be asked for anywhere between its pixels.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from recon.chance import Chance, uniform
from recon.distributions import IsotropicMixture
from recon.errors import PredictionError
from recon.models.base import Network
from recon.models.calibration import BAND, TRIED, best, share_held
from recon.models.in_turn import InTurn
from recon.models.signal_transformer import SignalTransformer, Values, at_counts
from recon.observation import Observation
from recon.points import Samples, grid, picked

COLOURS = 20_000  # that the centres of bins are found from
PIXELS = 300_000  # that tell how often each occurs
SLACK = 0.003  # nats a channel
LEVEL = 1 / 255
OUTSIDE = 4  # levels beyond black and white
AT_ONCE = 4096  # places that are asked for together


class PixelTransformer(Network):
    """PixelTransformer of `side` x `side` pictures.

    transformer  arguments of its `SignalTransformer`: the released code's unless said, with `latents` for a cost that
                 does not grow with the patch's square. Bins are 256, as in the paper; the code has 32 for digits.
    queries      pixels a picture that a training step asks for; all hidden ones if there are no more
    reads        observed pixels that a step reads, of all its pictures: of larger patches it takes fewer pictures
    between      it learns at positions anywhere, of colours between the pixels' (bilinear), as the paper's does; else
                 at the middles of pixels
    """

    kind = "pixel_transformer"
    temperatures: Tensor  # of the bins, for 1, 2, 4, ... observed pixels, up to half of all: calibration
    places: Tensor  # middles of the pixels, (pixels, 2)

    def __init__(
        self,
        *,
        side: int,
        channels: int,
        transformer: Mapping[str, Any] | None = None,
        queries: int = 256,
        reads: int = 4096,
        between: bool = False,
    ):
        super().__init__()
        self.between = between
        self.side, self.channels, self.queries, self.reads = side, channels, queries, reads
        self.transformer = SignalTransformer(2, channels, **{"bins": 256, "floor": LEVEL / 4, **(transformer or {})})
        self.register_buffer("temperatures", torch.ones(max(1, (side * side // 2).bit_length())))
        self.register_buffer("places", grid(side, side), persistent=False)

    def encode(self, values: Tensor, mask: Tensor, generator: Chance | None = None) -> tuple[Tensor, Tensor | None]:
        """The context of a batch of patches: values (batch, channels, side, side), mask bool (batch, 1, side, side)."""
        positions, seen, present = picked(values, mask, self.places)
        return self.transformer.encode(positions, 2 * seen - 1, present, generator)

    def samples(self, values: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """Positions and values, as the transformer takes them, of the pixels in `mask`, bool (pixels,)"""
        seen = values.flatten(2)[:, :, mask].transpose(1, 2)
        return self.places[mask].expand(len(values), -1, -1), 2 * seen - 1

    def in_turn(self) -> InTurn:
        return InTurn(self)

    def forward(self, values: Tensor, mask: Tensor, generator: Chance | None = None) -> Tensor:
        places = self.places.expand(len(values), -1, -1)
        output = self.transformer.decode(self.encode(values, mask, generator), places, generator)
        return output.transpose(1, 2).unflatten(2, (self.side, self.side))

    def parameterise(self, output: Tensor) -> IsotropicMixture:
        """As it was trained, before calibration"""
        return self.on_grid(self.transformer.law(output.flatten(2).transpose(1, 2)))

    @torch.no_grad()
    def distribution(self, observation: Observation) -> IsotropicMixture:
        output = self(observation.values, observation.mask)
        return self.on_grid(self.law(output.flatten(2).transpose(1, 2), observation.mask.flatten(1).sum(1)))

    def law(self, output: Tensor, counts: Tensor) -> Values:
        """What an output of the transformer stands for, calibrated for so many observed pixels of each picture"""
        return self.transformer.law(output).tempered(at_counts(self.temperatures, counts))

    def on_grid(self, law: Values, shape: tuple[int, int] | None = None) -> IsotropicMixture:
        """The law at the middles of pixels, clipped to what pixels can be, of rows and columns of them. A bin of black
        or of white alone holds all that is clipped to it, and none of the level beside it: it learned from values with
        noise over their level, and a Gaussian of that spread would reach over its edge."""
        shape = shape or (self.side, self.side)
        law = Values(law.log_weights, law.means + self.clipped, law.log_scales)
        return IsotropicMixture(
            law.log_weights.transpose(1, 2).unflatten(2, shape),
            law.means.permute(0, 2, 3, 1).unflatten(3, shape),
            law.log_scales.transpose(1, 2).unflatten(2, shape),
        )

    @torch.no_grad()
    def predict_at(self, samples: Samples | Observation, positions: Tensor) -> Values:
        """The law of the colour anywhere, given colours anywhere: at positions (batch, queries, 2), (row, column) from
        -1, the upper or left edge of the picture, to 1. Its means are (batch, queries, bins, channels), in [0, 1] but
        for what a Gaussian has beyond; `Values.mean` is (batch, queries, channels).

        samples  colours in [0, 1] at positions of their own, between pixels too; or an observation on the model's grid

        At the middles of pixels it is `predict`, not clipped. Raises PredictionError as `predict`, and for positions or
        samples of another shape or range.
        """
        if isinstance(samples, Observation):
            self.check(samples)
            samples = Samples.of(samples)
        if samples.positions.shape[-1] != 2 or samples.values.shape[-1] != self.channels:
            raise PredictionError(f"Samples of these pictures have a row, a column and {self.channels} channel(s).")
        if positions.dim() != 3 or positions.shape[::2] != (len(samples.values), 2):
            raise PredictionError("Positions are (batch, queries, 2), a batch of as many as are observed.")
        samples = samples.to(self.places)
        there, seen = samples.there, samples.values
        if not bool(((seen >= 0) & (seen <= 1))[there].all()):
            raise PredictionError("Colours are numbers between 0 and 1.")
        context = self.transformer.encode(samples.positions, 2 * seen - 1, there)
        return self.law(self.transformer.decode(context, positions.to(self.places)), there.sum(1))

    @torch.no_grad()
    def mean_at(self, observation: Observation, side: int) -> Tensor:
        """The mean at side x side places, evenly spread as pixels are: (batch, channels, side, side). Raises
        PredictionError as `predict`."""
        self.check(observation)
        observation = observation.to(self.device)
        context = self.encode(observation.values, observation.mask)
        counts, strips = observation.mask.flatten(1).sum(1), []
        for strip in grid(side, side).view(side, side, 2).to(self.device).split(max(1, AT_ONCE // side)):
            output = self.transformer.decode(context, strip.reshape(-1, 2).expand(observation.batch, -1, -1))
            strips.append(self.on_grid(self.law(output, counts), (len(strip), side)).mean)
        return torch.cat(strips, 2)

    @property
    def clipped(self) -> Tensor:
        """How far bins of one saturated level are moved, to where clipping puts their mass: (bins, channels)"""
        centres = self.transformer.centres
        single = self.transformer.spreads[:, None] <= LEVEL
        edge = (centres > 1 - LEVEL / 4).float() - (centres < LEVEL / 4).float()
        return OUTSIDE * LEVEL * single * edge

    def objective(self, batch: Tensor, masks: Tensor, generator: Chance) -> Tensor:
        """Equation 3: mean negative log density, in nats a channel, of some hidden pixels, or of colours anywhere, with
        noise over their level, as many of each picture."""
        most = int(masks.flatten(1).sum(1).max())
        kept = max(1, min(len(batch), self.reads // max(1, most)))
        batch, masks = batch[:kept], masks[:kept]
        asked = self._between if self.between else self._hidden
        context, places, truth = asked(batch, masks, generator)
        truth = truth + LEVEL * (uniform(truth.shape, generator, batch.device) - 0.5)
        law = self.transformer.law(self.transformer.decode(context, places, generator))
        return -law.log_prob(truth).mean() / self.channels

    def _hidden(self, batch: Tensor, masks: Tensor, generator: Chance) -> tuple:
        """Context of the pixels in the masks; places and values of hidden ones"""
        hidden = ~masks.flatten(1)
        count = min(self.queries, int(hidden.sum(1).min()))
        if count == 0:
            raise PredictionError("A patch of all pixels leaves nothing to learn.")
        noise = uniform(hidden.shape, generator, batch.device)
        chosen = noise.masked_fill(~hidden, -1).topk(count, 1).indices
        truth = batch.flatten(2).transpose(1, 2).gather(1, chosen[..., None].expand(-1, -1, self.channels))
        return self.encode(batch * masks, masks, generator), self.places[chosen], truth

    def _between(self, batch: Tensor, masks: Tensor, generator: Chance) -> tuple:
        """The same of positions anywhere, as many samples as the masks have pixels"""
        counts = masks.flatten(1).sum(1)
        most = int(counts.max())
        shape = len(batch), most + self.queries, 2
        places = 2 * uniform(shape, generator, batch.device) - 1
        values = lookup(batch, places)
        present = torch.arange(most, device=batch.device) < counts[:, None]
        context = self.transformer.encode(places[:, :most], 2 * values[:, :most] - 1, present, generator)
        return context, places[:, most:], values[:, most:]

    @torch.no_grad()
    def calibrate(self, batches: Iterable[Tensor], orders: Tensor) -> None:
        """The bins' temperature for each number of observed pixels (Guo et al. 2017), by pictures it was not trained
        on: what it learned for patches of all sizes is too unsure of large ones. Of those that make them likeliest, up
        to SLACK, the one of whose middle 90 % nearest to 90 % of the truth is."""
        pictures = next(iter(batches))
        generator = torch.Generator().manual_seed(0)
        orders = orders[: len(pictures)].to(pictures.device)
        tried = torch.linspace(*TRIED).to(pictures)
        for k in range(len(self.temperatures)):
            hidden = orders[:, 2**k :]
            some = torch.rand(hidden.shape, generator=generator).argsort(1)[:, : self.queries]
            asked = hidden.gather(1, some.to(hidden.device))
            mask = torch.zeros_like(orders, dtype=torch.bool).scatter_(1, orders[:, : 2**k], True)
            mask = mask.view(-1, 1, self.side, self.side)
            truth = pictures.flatten(2).transpose(1, 2).gather(1, asked[..., None].expand(-1, -1, self.channels))
            noise = torch.rand(truth.shape, generator=generator).to(truth) - 0.5
            context = self.encode(pictures * mask, mask)
            law = self.transformer.law(self.transformer.decode(context, self.places[asked]))
            each = law.log_prob_each(truth + LEVEL * noise)
            likely = [torch.logsumexp((law.log_weights / t).log_softmax(-1) + each, -1).mean() for t in tried]
            nats = [-density.item() / self.channels for density in likely]
            edges = Values(law.log_weights, law.means + self.clipped, law.log_scales)
            shares = [held(edges.tempered(t.expand(len(truth))), truth) for t in tried]
            self.temperatures[k] = best(tried, nats, shares, SLACK)

    def prepare(self, batches: Iterable[Tensor]) -> None:
        """Put the bins' centres where colours of the training pictures are, each colour that occurs counted once; a
        bin then begins as often as its colours are."""
        from scipy.cluster.vq import kmeans2

        found = torch.cat([batch.movedim(1, -1).reshape(-1, self.channels)[::7].cpu() for batch in batches])
        places = 256 ** torch.arange(self.channels)  # a colour as one number: rows are slow to sort
        codes = ((found * 255).round().long() * places).sum(1).unique()
        colours = (codes[:, None] // places % 256 / 255).numpy().astype(np.float64)
        generator = np.random.default_rng(0)
        some = generator.permutation(len(colours))[:COLOURS]
        bins = self.transformer.bins
        if len(some) < bins:
            raise PredictionError(f"These pictures have {len(some)} colours, too few for {bins} bins.")
        centres, _ = kmeans2(colours[some], bins, minit="++", rng=0)
        pixels = found[torch.from_numpy(generator.permutation(len(found))[:PIXELS])]
        noise = torch.from_numpy(generator.random(pixels.shape, dtype=np.float32)) - 0.5
        self.transformer.begin_at(torch.from_numpy(centres).to(pixels), pixels + LEVEL * noise)


def held(law: Values, truth: Tensor) -> float:
    """Share of levels (batch, queries, channels) in the law's 90 % intervals, as `share_held` has it"""
    below = torch.where(truth <= 0, 0.0, law.cdf(truth - LEVEL / 2))
    above = torch.where(truth >= 1, 1.0, law.cdf(truth + LEVEL / 2))
    return share_held(below, above, BAND)


def lookup(images: Tensor, positions: Tensor) -> Tensor:
    """Values of pictures (batch, channels, height, width) at any positions (batch, count, 2), bilinear between middles
    of pixels; up to the border, beyond the last middle, it is the last pixel's. (batch, count, channels)"""
    at = positions.flip(-1)[:, :, None]  # torch has the column first
    found = F.grid_sample(images, at, mode="bilinear", padding_mode="border", align_corners=False)
    return found[..., 0].transpose(1, 2)
