"""The best linear answer: one Gaussian over all pixels and channels, conditioned in closed form on any patch.

Nothing is trained but a mean and a covariance. Conditioning is textbook linear algebra (Rasmussen & Williams 2006,
appendix A.2); joint samples are exact, by Matheron's rule: a draw from the prior, corrected by what its observed
pixels miss (Wilson et al. 2021, "Pathwise conditioning of Gaussian processes", section 3).

The covariance is kept as low rank plus one small block a pixel. Pictures whose mirror images are as likely have
eigenvectors that are even or odd from left to right, so that half of each says all: twice the rank in the same bytes.
Where pictures are too large for that it is a factor over their 2 x 2 averages, and `recon.models.detail`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from typing import Self

import torch
from torch import Tensor

from recon.distributions import Gaussian as GaussianMarginals
from recon.errors import PredictionError
from recon.memory import Memory, recall
from recon.models.base import Remembering
from recon.models.conditioned import MOST_OBSERVED, Conditioned, Evidence, pixel_blocks, thinned
from recon.models.detail import ByScale, Detail
from recon.models.moments import Moments, join_halves, positive, split_halves, unfold
from recon.observation import Observation
from recon.patches import is_whole
from recon.prediction import whole


class Gaussian(Remembering):
    """Gaussian over side x side pictures with `channels` channels; dimensions run as (channel, row, column).

    mirrored  pictures and their mirror images are equally likely; then the factor's columns are stored by halves
    even, odd numbers of columns of either kind; without `mirrored` all are in `even`
    fine      the columns are those of pictures' 2 x 2 averages, and a `Detail` says the rest

    Buffers: `location` float32 (dims,); `even_half`, `odd_half` float16 (dims or dims / 2, columns), eigenvectors of
    the covariance, scaled; `rest` float32 (channels, channels, side, side), what they leave of each pixel's covariance,
    or where `fine` the buffers of `detail`.
    """

    kind = "gaussian"
    exact_joint = True
    location: Tensor
    even_half: Tensor
    odd_half: Tensor
    rest: Tensor

    def __init__(self, *, side: int, channels: int, even: int, odd: int = 0, mirrored: bool = True, fine: bool = False):
        super().__init__()
        factored = side // 2 if fine else side
        if (fine and side % 2) or (mirrored and factored % 2):
            raise PredictionError(
                f"Halves of mirrored pictures need an even side, not {side if side % 2 else factored}."
            )
        self.side, self.channels, self.mirrored, self.factored_side = side, channels, mirrored, factored
        dims = channels * factored * factored
        stored = dims // 2 if mirrored else dims
        self.register_buffer("location", torch.full((channels * side * side,), 0.5))
        self.register_buffer("even_half", torch.zeros(stored, even, dtype=torch.float16))
        self.register_buffer("odd_half", torch.zeros(stored, odd, dtype=torch.float16))
        self.detail = Detail(side, channels) if fine else None
        if not fine:
            rest = torch.eye(channels).view(channels, channels, 1, 1).repeat(1, 1, side, side)
            self.register_buffer("rest", rest)
        self.conditioned = Memory()  # of `Conditioned`
        self.full: Tensor | ByScale | None = None

    @property
    def device(self) -> torch.device:
        return self.location.device  # asked for often: the parent's goes through all it has

    def forget(self) -> None:
        """Drop what was worked out from weights that have changed since."""
        self.full = None
        self.forget_masks()

    def forget_masks(self) -> None:
        """Drop what was worked out for masks, also what somebody remembers alone."""
        self.conditioned = Memory()
        if self.detail is not None:
            self.detail.__dict__.pop("root", None)

    @classmethod
    @torch.no_grad()
    def fit(
        cls,
        batches: Iterable[Tensor],
        rank: int,
        mirrored: bool = True,
        coarse: Iterable[Tensor] | None = None,
    ) -> Self:
        """The Gaussian with the mean and covariance of pictures, and of their mirror images if `mirrored`.

        batches  float (batch, channels, side, side) in [0, 1]
        rank     eigenvectors kept, even and odd together
        coarse   pictures of half the side, whose eigenvectors they then are: `fine`. They may be more than the fine
                 ones, and others; the mirror images of both count

        Raises PredictionError where there is no picture, an odd side in the way of halves, or a batch of what is none.
        """
        if not is_whole(rank) or rank < 1:
            raise PredictionError(f"A Gaussian keeps one eigenvector or more, not {rank}.")
        if coarse is not None:
            averages, pictures = Gaussian.fit(coarse, rank), list(map(pictures_of, batches))
            if not pictures or pictures[0].shape[-1] != 2 * averages.side:
                raise PredictionError(f"Detail needs pictures of {2 * averages.side} pixels a side, and some.")
            detail, mean = Detail.fit(torch.cat(pictures), averages.factor())
            even, odd = averages.even_half.shape[1], averages.odd_half.shape[1]
            model = cls(side=detail.side, channels=detail.channels, even=even, odd=odd, fine=True)
            state = {name: getattr(averages, name) for name in ("even_half", "odd_half")}
            state |= {f"detail.{name}": tensor for name, tensor in detail.state_dict().items()}
            model.load_state_dict(state | {"location": mean.flatten()}, strict=False)
            return model
        moments: list[Moments] = []
        for batch in map(pictures_of, batches):
            if mirrored and batch.shape[-1] % 2:
                raise PredictionError(f"Halves of mirrored pictures need an even side, not {batch.shape[-1]}.")
            parts = split_halves(batch) if mirrored else (batch.flatten(1),)
            moments = moments or [Moments(part.shape[1]) for part in parts]
            for moment, part in zip(moments, parts, strict=True):
                if part.shape[1] != len(moment.total):
                    raise PredictionError("Pictures to fit to are all of one size.")
                moment.add(part)
        if not moments or not moments[0].count:
            raise PredictionError("A Gaussian cannot be fitted to no pictures at all.")
        if mirrored:
            moments[1].total.zero_()  # a picture and its mirror image cancel
        spectra = [torch.linalg.eigh(moment.covariance()) for moment in moments]
        smallest = torch.cat([values for values, _ in spectra]).sort(descending=True).values[:rank][-1]
        halves = []
        for values, vectors in spectra:
            kept = values >= smallest.clamp_min(1e-12)
            halves.append(vectors[:, kept] * values[kept].sqrt())
        channels, side = batch.shape[1], batch.shape[-1]
        counts = [half.shape[1] for half in halves] + [0]
        model = cls(side=side, channels=channels, even=counts[0], odd=counts[1], mirrored=mirrored)
        model.even_half.copy_(halves[0])
        if mirrored:
            model.odd_half.copy_(halves[1])
        means = [moment.mean() for moment in moments]
        model.location.copy_(join_halves(means[0], means[1], channels, side) if mirrored else means[0])
        variance = [moment.covariance() for moment in moments]
        full = unfold(variance[0], variance[1], channels, side) if mirrored else variance[0]
        model.rest.copy_(positive(pixel_blocks(full, channels) - model.factor_blocks()))
        return model

    def factor(self) -> Tensor:
        """The eigenvectors, scaled, over all dimensions, or where `fine` those of averages: float32 (dims, columns)"""
        if not self.mirrored:
            return self.even_half.float()
        shape = (self.channels, self.factored_side, self.factored_side // 2)
        even, odd = (half.float().unflatten(0, shape) / math.sqrt(2) for half in (self.even_half, self.odd_half))
        left, right = torch.cat([even, odd], -1), torch.cat([even, -odd], -1).flip(2)
        return torch.cat([left, right], 2).flatten(0, 2)

    def factor_blocks(self) -> Tensor:
        """What the factor says of each pixel's covariance of channels: float64 (channels, channels, side, side)"""
        blocks = self.factor().double().view(self.channels, self.side, self.side, -1)
        return torch.einsum("ahwk,bhwk->abhw", blocks, blocks)

    def covariance(self) -> Tensor | ByScale:
        """float32 (dims, dims), made once: 38 MB for 32 x 32 colour; where `fine` it makes rows when indexed"""
        if self.full is None:
            if self.detail is not None:
                self.full = ByScale(self.factor(), self.detail)
                return self.full
            even, odd = (half.float() @ half.float().T for half in (self.even_half, self.odd_half))
            # by halves it is a quarter of the work
            full = unfold(even, odd, self.channels, self.side) if self.mirrored else even
            pixels = torch.arange(self.side**2, device=self.device)
            by_pixel = full.view(self.channels, self.side**2, self.channels, self.side**2)
            for a in range(self.channels):
                for b in range(self.channels):
                    by_pixel[a, pixels, b, pixels] += self.rest[a, b].flatten()
            self.full = full
        return self.full

    def distribution(self, observation: Observation) -> GaussianMarginals:
        means = torch.empty_like(observation.values)
        factors = []
        for which, evidence in self.evidence(observation):
            means[which] = self.mean_given(evidence)
            factors.append((which, evidence.conditioned.pixel_factor))
        if len(factors) == 1:
            return GaussianMarginals(means, factors[0][1][None].clone())  # what is remembered stays as it is
        spread = means.new_empty(observation.batch, self.side, self.side, self.channels, self.channels)
        for which, factor in factors:
            spread[which] = factor
        return GaussianMarginals(means, spread)

    @torch.no_grad()
    def sample_joint(
        self, observation: Observation, count: int, generator: torch.Generator, temperature: float = 1.0
    ) -> Tensor:
        """Exact joint samples given one image's observation: (count, channels, side, side), clipped to [0, 1].

        temperature  multiplies every variance
        """
        self.check_one(observation)
        observation = observation.to(self.device)
        ((_, evidence),) = self.evidence(observation)
        stray = self.draw(count, generator)
        stray = (stray - evidence.conditioned.gain(stray)).view(count, *observation.values.shape[1:])
        joint = (self.mean_given(evidence) + math.sqrt(temperature) * stray).clamp(0, 1)
        return torch.where(observation.mask, observation.values, joint)

    def draw(self, count: int, generator: torch.Generator) -> Tensor:
        """Draws from the prior around its location, (count, dims), not clipped."""
        covariance = self.covariance()
        if self.detail is not None and isinstance(covariance, ByScale):
            latent = torch.randn(count, covariance.factor.shape[1], generator=generator, device=self.device)
            return latent @ covariance.factor.T + self.detail.draw(count, generator).flatten(1)
        factor = self.factor()
        latent = torch.randn(count, factor.shape[1], generator=generator, device=self.device)
        noise = torch.randn(count, self.side, self.side, self.channels, 1, generator=generator, device=self.device)
        rest = torch.linalg.cholesky(self.rest.permute(2, 3, 0, 1)) @ noise
        return latent @ factor.T + rest[..., 0].movedim(-1, 1).flatten(1)

    @torch.no_grad()
    def log_likelihood(self, observation: Observation, values: Tensor) -> Tensor:
        """Exact joint log density of each image's hidden pixels given its observed ones, in nats: (batch,), float64.

        values  (batch, channels, side, side), the whole images; the density is that before clipping. What was observed
                is known anyhow, and need not be a number here

        Raises PredictionError where they are of another shape, or are not in [0, 1].
        """
        self.check(observation)
        observation = observation.to(self.device)
        values = whole(observation, values)
        found = torch.empty(observation.batch, dtype=torch.float64, device=self.device)
        for which, mask in alike(observation.mask):
            whole_residual = values[which].flatten(1) - self.location
            found[which] = self.hidden_log_density(Evidence(self.condition(mask), whole_residual))
        return found

    def hidden_log_density(self, truth: Evidence) -> Tensor:
        """Of hidden residuals given the observed ones, both in `truth`, in nats: (n,), float64"""
        squared, constant = self.hidden_distance(truth)
        return -0.5 * squared - constant

    def hidden_distance(self, truth: Evidence) -> tuple[Tensor, Tensor]:
        """Squared Mahalanobis distance of hidden residuals from their conditional mean, (n,), and the rest of minus the
        log density, a number; float64. PredictionError where `fine`: it would take the whole covariance."""
        if self.detail is not None:
            raise PredictionError(
                f"A joint density of {self.side} x {self.side} pixels is more than this model works out."
            )
        conditioned, residual = truth.conditioned, truth.residual
        order = torch.cat([conditioned.observed, conditioned.hidden])
        cholesky = torch.linalg.cholesky(self.covariance()[order][:, order].double())
        known = len(conditioned.observed)
        # observed dimensions come first, so the rest of the chain rule is the conditional density
        whitened = torch.linalg.solve_triangular(cholesky, residual[:, order].double().T, upper=False)[known:]
        log_scale = cholesky.diagonal()[known:].log() + 0.5 * math.log(2 * math.pi)
        return whitened.square().sum(0), log_scale.sum()

    def evidence(self, observation: Observation) -> Iterator[tuple[Tensor, Evidence]]:
        """Images that share a mask, (n,), and what they say: one mask after another, for some megabytes hang on each"""
        residual = observation.values.flatten(1) - self.location
        for which, mask in alike(observation.mask):
            yield which, Evidence(self.condition(mask), residual[which])

    def mean_given(self, evidence: Evidence) -> Tensor:
        """Before clipping, (n, channels, side, side)"""
        return (self.location + evidence.gain).view(-1, self.channels, self.side, self.side)

    def condition(self, mask: Tensor) -> Conditioned:
        """All that does not depend on the observed values, for one mask (pixels,); the latest few are remembered, and
        the largest of them that lies within the mask is extended. Of more than MOST_OBSERVED pixels those that are
        nearest to hidden ones count."""
        if self.detail is not None and mask.sum() > MOST_OBSERVED:
            mask = thinned(mask)
        return recall(
            self.conditioned, mask, lambda before: Conditioned(self.covariance(), self.channels, mask, before)
        )


def alike(masks: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
    """Images that share a mask, of masks (batch, 1, side, side): their indices, (n,), and it, (pixels,)"""
    flat = masks.flatten(1)
    if len(flat) and bool((flat == flat[0]).all()):  # mostly, and sorting takes longer
        yield torch.arange(len(flat), device=masks.device), flat[0]
        return
    different, inverse = flat.unique(dim=0, return_inverse=True)
    for k, mask in enumerate(different):
        yield (inverse == k).nonzero()[:, 0], mask


def pictures_of(batch: Tensor) -> Tensor:
    """Pictures to fit to, in single precision; PredictionError for what is none."""
    if not isinstance(batch, Tensor) or not batch.is_floating_point() or batch.ndim != 4:
        raise PredictionError("Pictures come in batches, float tensors (batch, channels, side, side).")
    if batch.shape[2] != batch.shape[3]:
        raise PredictionError(f"Pictures are square, not {batch.shape[2]} x {batch.shape[3]}.")
    if not bool(((batch >= 0) & (batch <= 1)).all()):
        raise PredictionError("Pictures are of numbers between 0 and 1.")
    return batch.float()
