"""What models of curves and of shapes share: any few values of a signal to the law of the value anywhere.

A model may stand on a closed form: it is told what a Gaussian process, a mixture of those, or a Student-t process says
of each position, and answers in units of that. Those are exact but for what the signals are beyond them. Without, it is
PixelTransformer as in the paper, and has to learn what a matrix inverse does as well.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from recon.chance import Chance
from recon.errors import PredictionError
from recon.models.base import Stored
from recon.models.signal_transformer import SignalTransformer, Values, at_counts
from recon.points import Points, Samples

Posterior = Callable[[Tensor], tuple[Tensor, Tensor]]  # queries to mean and standard deviation there
HALVINGS = 20
LEAST = 1e-4  # of what the closed form says that it is sure to


@dataclass(frozen=True)
class Reading:
    """Points that were read: the transformer's context, the logarithm of what calibration multiplies its standard
    deviations with (signals,), and what the closed form makes of the points if there is one"""

    context: tuple[Tensor, Tensor | None]
    wider: Tensor
    posterior: Posterior | None


class SignalModel(Stored):
    """Of a signal with one value at each position of [-1, 1]^dimensions.

    transformer  arguments of its `SignalTransformer`
    stands       on a closed form, which a subclass has to have
    samples      the fewest and the most points that it learns from
    queries      of each signal that a training step asks for
    sizes        for how many numbers of known points it is calibrated: 1, 2, 4, ...; or 1 for all alike

    Raises PredictionError for numbers of samples or queries that are none.
    """

    kind: str
    limits = (-math.inf, math.inf)  # of values
    widen: Tensor

    def __init__(
        self,
        dimensions: int,
        transformer: Mapping[str, Any] | None,
        stands: bool,
        samples: Sequence[int],
        queries: int,
        sizes: int = 1,
    ):
        super().__init__()
        self.dimensions, self.stands = dimensions, stands
        self.fewest, self.most = samples
        self.queries = queries
        if not 0 <= self.fewest <= self.most or queries < 1:
            raise PredictionError("It learns from the fewest to the most samples, and is asked for one value at least.")
        self.transformer = SignalTransformer(dimensions, 1, **{"told": 2 * stands, **(transformer or {})})
        self.register_buffer("widen", torch.ones(sizes if sizes > 1 else ()))  # of standard deviations: calibration

    def spread_bins(self, reach: float) -> None:
        """Where there are several bins and it stands on something: evenly from -reach to reach, in standard deviations
        of that"""
        transformer = self.transformer
        if self.stands and transformer.bins > 1:
            transformer.centres.copy_(torch.linspace(-reach, reach, transformer.bins)[:, None])
            transformer.spreads.fill_(reach / (transformer.bins - 1))  # half the way to the next

    def begin_at(self, values: Tensor) -> None:
        """Where it stands on nothing: bins evenly over values that occur, (count,), as the paper has them (section
        4.1), each with the mean, the spread and the share of the values that are nearest to it"""
        if self.transformer.bins > 1:
            ends = values.aminmax()
            centres = torch.linspace(ends.min.item(), ends.max.item(), self.transformer.bins)[:, None]
            self.transformer.begin_at(centres, values[:, None])

    def conditioned(self, positions: Tensor, values: Tensor, present: Tensor) -> Posterior:
        """The closed form that it stands on, given points as `Points` has them"""
        raise NotImplementedError

    def closed_form(self, positions: Tensor, values: Tensor, present: Tensor, queries: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and standard deviation at the queries, (signals, queries) each; PredictionError where it stands on
        none"""
        if not self.stands:
            raise PredictionError("This model stands on no closed form.")
        return self.conditioned(positions, values, present)(queries)

    def prepare(self, generator: torch.Generator) -> None:
        """Before training: estimate what is not trained, from signals that it draws."""

    def read(self, positions: Tensor, values: Tensor, present: Tensor, generator: Chance | None = None) -> Reading:
        """Points as `Points` has them, read once to be asked often; a generator turns dropout on. Raises
        PredictionError where shapes do not fit together."""
        if positions.shape != (*values.shape, self.dimensions) or present.shape != values.shape:
            raise PredictionError(f"A point has a position of {self.dimensions}, a value, and whether it is there.")
        context = self.transformer.encode(positions, values[..., None], present, generator)
        wider = self.widening(present.sum(-1))
        return Reading(context, wider, self.conditioned(positions, values, present) if self.stands else None)

    def ask(self, reading: Reading, queries: Tensor, generator: Chance | None = None) -> Values:
        """The law of the values at the queries, (signals, queries, 1). Raises PredictionError where shapes do not fit
        together."""
        signals = len(reading.context[0])
        if queries.dim() != 3 or queries.shape[::2] != (signals, self.dimensions):
            raise PredictionError(f"Queries are (signals, queries, {self.dimensions}), of as many signals.")
        if reading.posterior is None:
            law = self.transformer.law(self.transformer.decode(reading.context, queries, generator))
            return Values(law.log_weights, law.means, law.log_scales + reading.wider[:, None, None])
        mean, deviation = reading.posterior(queries)
        centre, spread = mean[..., None], deviation.clamp_min(LEAST)[..., None]
        told = torch.cat([centre, spread.log()], -1)
        law = self.transformer.law(self.transformer.decode(reading.context, queries, generator, told))
        scales = law.log_scales + spread.log() + reading.wider[:, None, None]
        return Values(law.log_weights, centre[..., None] + spread[..., None] * law.means, scales)

    def law(
        self,
        positions: Tensor,
        values: Tensor,
        present: Tensor,
        queries: Tensor,
        generator: Chance | None = None,
    ) -> Values:
        """`ask` what was `read`"""
        return self.ask(self.read(positions, values, present, generator), queries, generator)

    @torch.no_grad()
    def predict_at(self, samples: Samples, positions: Tensor) -> Values:
        """The law of the value anywhere, given samples anywhere, of one channel: at positions (batch, queries,
        dimensions) from -1 to 1. `Values.mean` is (batch, queries, 1). Raises PredictionError where shapes do not fit
        together or are of another dimension."""
        if samples.values.shape[-1] != 1:
            raise PredictionError(f"A signal has one value at a position, not {samples.values.shape[-1]}.")
        samples, positions = samples.to(self.transformer.centres), positions.to(self.transformer.centres)
        return self.law(samples.positions, samples.values[..., 0], samples.there, positions)

    @torch.no_grad()
    def draw(
        self, positions: Tensor, values: Tensor, count: int, generator: torch.Generator
    ) -> Iterator[tuple[Tensor, Tensor]]:
        """One signal that it could be, known better and better: points (n, dimensions) and values (n,), those given and
        those drawn until now, `count` in all. They are drawn in groups that are spread evenly (Sobol', scrambled), each
        given all before; groups are small at first, while little is known and distant values go together. The mean
        given all is the signal. The paper draws every value by itself, in a random order."""
        seed = int(torch.randint(2**31, (), generator=generator))
        engine = torch.quasirandom.SobolEngine(self.dimensions, scramble=True, seed=seed)
        places = (2 * engine.draw(count) - 1).to(positions)
        sizes = itertools.chain((1, 1, 2, 4, 8, 16), itertools.repeat(32))
        ends = itertools.takewhile(lambda end: end < count, itertools.accumulate(sizes))
        for group in places.tensor_split(list(ends)):
            present = torch.ones_like(values, dtype=torch.bool)[None]
            law = self.law(positions[None], values[None], present, group[None])
            positions = torch.cat([positions, group])
            values = torch.cat([values, law.sample(generator)[0, :, 0].clamp(*self.limits)])
            yield positions, values

    def objective(self, points: Points, generator: Chance) -> Tensor:
        """Equation 3: mean negative log density of the truth at the queries, in nats"""
        return -self.law(*points.known, generator).log_prob(points.truth[..., None]).mean()

    def widening(self, counts: Tensor) -> Tensor:
        """The logarithm of what standard deviations are multiplied with, given so many points of each signal"""
        logs = self.widen.log()
        return at_counts(logs, counts) if logs.dim() else logs.expand(len(counts))

    @torch.no_grad()
    def calibrate(self, points: Points, share: float) -> None:
        """Widen or narrow all bins so that the law's own central intervals of that `share` hold that share of the
        truth: far from a Gaussian, they are not those that its standard deviation would make."""
        self.widen.fill_(1)
        if not self.widen.dim():
            self.widen.fill_(self.wanted(points, share))
            return
        for k in range(len(self.widen)):
            known = 2**k <= points.values.shape[1]  # of more than there are it is as of the most
            self.widen[k] = self.wanted(points.first(2**k), share) if known else self.widen[k - 1]

    def wanted(self, points: Points, share: float) -> float:
        """What all bins are to be widened by for these points"""
        law, truth = self.law(*points.known), points.truth[..., None]
        low, high = 0.2, 5.0
        for _ in range(HALVINGS):
            middle = math.sqrt(low * high)
            rank = Values(law.log_weights, law.means, law.log_scales + math.log(middle)).cdf(truth)
            held = ((rank - 0.5).abs() <= share / 2).double().mean().item()
            low, high = (middle, high) if held < share else (low, middle)
        return middle
