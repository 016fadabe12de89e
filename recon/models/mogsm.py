"""A mixture of Gaussian scale mixtures (Guerrero-Colon, Simoncelli & Portilla 2008, "Image denoising using mixtures of
Gaussian scale mixtures"), conditioned in closed form: pictures come in clusters, each with a mean and a covariance of
its own, and what is observed tells which one this picture is of. The answer is no longer linear in what is observed.

A cluster's covariance is that of all pictures with other numbers for its largest eigenvectors, so that a few hundred
thousand numbers a cluster are enough. Where hundreds of values are observed, Bayes' rule is surer of one cluster than
such an estimate deserves; the scale mixture of all pictures therefore always keeps a part of the weight.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import NamedTuple, Self

import torch
from torch import Tensor

from recon.distributions.mixture import Mixture, Part
from recon.errors import PredictionError
from recon.memory import Memory, recall
from recon.models.base import Remembering
from recon.models.clusters import (
    Coordinates,
    cluster,
    coordinates,
    largest,
    packed,
    shape_of,
    turned,
    unpacked,
)
from recon.models.conditioned import Evidence
from recon.models.factored import Factored
from recon.models.gaussian import pictures_of
from recon.models.local_contrast import LocalContrast
from recon.models.moments import join_halves
from recon.models.scale_mixture import KEPT, ScaleMixture, joined, log_scale_evidence
from recon.observation import Observation
from recon.prediction import finite, whole

COMMON = 0.35  # weight that the scale mixture of all pictures keeps: chosen on validation pictures, for the mean
NEGLIGIBLE = 1e-3  # a component of less weight is left out
SORTED_BY = 512  # of the largest eigenvectors, at most, by which pictures are sorted into clusters
PICTURES_EACH = 2  # that the average cluster has for every eigenvector it is sorted by, at least
HELD_OUT = 10  # every so many pictures set a cluster's prior over scales alone, which its covariance must not have seen


class AtWork(NamedTuple):
    """A part, the images (n,) for which it has some weight, and that, float64 (n,)"""

    part: ScaleMixture
    images: Tensor
    weights: Tensor


class MoGSM(Remembering):
    """Mixture of Gaussian scale mixtures; arguments as `ScaleMixture`'s, and

    components  clusters
    own         eigenvectors, of the even and of the odd ones each, whose covariance is a cluster's own
    local       whether a gate says where in the picture contrast is strong (`LocalContrast`)

    Buffers: `gate`, where `local`; `base`, the scale mixture of all pictures; `log_shares` (1 + components,), `base`
    first; and a cluster each row: `shift` of its mean and `even_triangle`, `odd_triangle` float16, lower Cholesky
    factors row by row, in coordinates where `base` has the identity; `tail`, the variance of all other coordinates;
    `log_prior`, `log_kernel`.
    """

    kind = "mogsm"
    exact_joint = True
    calibrated_by = 500
    log_shares: Tensor
    shift: Tensor
    even_triangle: Tensor
    odd_triangle: Tensor
    tail: Tensor
    log_prior: Tensor
    log_kernel: Tensor

    def __init__(
        self,
        *,
        side: int,
        channels: int,
        even: int,
        odd: int = 0,
        mirrored: bool = True,
        scales: int = 15,
        components: int = 8,
        own: int = 768,
        local: bool = False,
    ):
        super().__init__()
        self.side, self.channels, self.mirrored, self.components = side, channels, mirrored, components
        self.own = min(own, even), min(own, odd)
        self.base = ScaleMixture(side=side, channels=channels, even=even, odd=odd, mirrored=mirrored, scales=scales)
        self.register_buffer("log_shares", torch.full((components + 1,), -math.log(components + 1)))
        self.register_buffer("shift", torch.zeros(components, self.own[0]))
        for name, size in zip(("even_triangle", "odd_triangle"), self.own, strict=True):
            eye = packed(torch.eye(size)).half().repeat(components, 1)
            self.register_buffer(name, eye)
        self.register_buffer("tail", torch.ones(components))
        self.register_buffer("log_prior", self.base.log_prior.repeat(components, 1))
        self.register_buffer("log_kernel", self.base.log_kernel.repeat(components, 1, 1))
        self.gate = LocalContrast(scales, side) if local else None
        self.made: list[ScaleMixture] = []
        self.factored = Memory()  # of `Factored`, of all clusters

    def forget(self) -> None:
        """Drop what was worked out from weights that have changed since."""
        self.made = []
        self.forget_masks()

    def forget_masks(self) -> None:
        """Drop what was worked out for masks."""
        self.factored = Memory()
        for part in [self.base, *self.made]:
            part.forget_masks()

    @classmethod
    @torch.no_grad()
    def fit(
        cls,
        batches: Iterable[Tensor],
        rank: int,
        mirrored: bool = True,
        components: int = 8,
        own: int = 768,
        strength: float = 200,
        local: bool = False,
        seed: int = 0,
    ) -> Self:
        """`ScaleMixture.fit` for all pictures; then clusters, and for each what is its own. A gate, if it is to
        have one, comes from `calibrate`.

        batches, rank, mirrored  as `ScaleMixture.fit` takes them
        strength                 in pictures: how much the common covariance counts in a cluster's own

        Raises PredictionError where there are too few pictures for the clusters.
        """
        kept = list(map(pictures_of, batches))
        if (count := sum(map(len, kept))) < 2 * HELD_OUT * components:
            raise PredictionError(f"{count} pictures do not make {components} clusters.")
        base = ScaleMixture.fit(kept, rank, mirrored)
        model = cls(
            side=base.side,
            channels=base.channels,
            even=base.even_half.shape[1],
            odd=base.odd_half.shape[1],
            mirrored=mirrored,
            scales=base.scales,
            components=components,
            own=own,
            local=local,
        )
        model.base = base
        generator = torch.Generator().manual_seed(seed)
        known = coordinates(base, kept)
        sorted_by = max(1, min(SORTED_BY, len(known.even) // (PICTURES_EACH * components)))
        labels, inverse = cluster(largest(base, known, sorted_by), components, base.log_scales.float(), generator)
        pictures = torch.cat(kept)
        for k in range(components):
            members = (labels == k).nonzero()[:, 0]
            if len(members) < 2 * HELD_OUT:
                raise PredictionError(f"{len(pictures)} pictures do not make {components} clusters.")
            model.learn(k, pictures, known, members, inverse, strength)
        shares = labels.bincount(minlength=components).float() / len(labels)
        # all pictures together are as likely a component as the average cluster
        model.log_shares.copy_(torch.cat([torch.tensor([1 / components]), shares]).log())
        model.forget()
        return model

    def calibrate(self, batches: Iterable[Tensor], orders: Tensor) -> None:
        """The gate, if there is one, on pictures that were kept out of the rest."""
        if self.gate is not None:
            self.gate.fit(self, torch.cat(list(batches)), orders)

    def learn(
        self, k: int, pictures: Tensor, known: Coordinates, members: Tensor, inverse: Tensor, strength: float
    ) -> None:
        """Set the buffers of one cluster from its members, (n,), some of which set its scales alone."""
        held_out, members = members[::HELD_OUT], members[torch.arange(len(members)) % HELD_OUT > 0]
        theirs = Coordinates(known.even[members], known.odd[members])
        weights = inverse[members] / inverse[members].mean()
        shape = shape_of(theirs.first(*self.own), weights, strength)
        self.shift[k] = shape.shift
        self.even_triangle[k] = packed(shape.even).half()
        self.odd_triangle[k] = packed(shape.odd).half()
        rest = [part[:, : part.shape[1] - size] for part, size in zip((theirs.even, theirs.odd), self.own, strict=True)]
        squares = torch.cat(rest, 1).square()
        if squares.shape[1]:
            self.tail[k] = (weights @ squares).mean() / len(members)
        part = self.part(k)
        part.estimate(pictures[held_out][:KEPT])
        self.log_prior[k], self.log_kernel[k] = part.log_prior, part.log_kernel

    def part(self, k: int) -> ScaleMixture:
        """One cluster as a scale mixture by itself."""
        base = self.base
        part = ScaleMixture(
            side=self.side, channels=self.channels, even=0, mirrored=self.mirrored, scales=base.scales
        ).to(self.device)
        halves = zip((base.even_half, base.odd_half), (self.even_triangle, self.odd_triangle), self.own, strict=True)
        scaled = [
            turned(half.float(), unpacked(triangle[k].float(), size), self.tail[k]) for half, triangle, size in halves
        ]
        part.even_half, part.odd_half = scaled
        columns = base.even_half[:, base.even_half.shape[1] - self.own[0] :].float()
        moved = columns @ self.shift[k]
        if self.mirrored:
            moved = join_halves(moved, torch.zeros_like(moved), self.channels, self.side)
        part.location.copy_(base.location + moved)
        part.rest.copy_(base.rest * self.tail[k])
        part.log_prior.copy_(self.log_prior[k])
        part.log_kernel.copy_(self.log_kernel[k])
        return part

    def parts(self) -> list[ScaleMixture]:
        """`base`, and then the clusters; made once, and each takes the memory of one full covariance."""
        made = self.made
        if not made:
            made = self.made = [self.part(k) for k in range(self.components)]
        return [self.base, *made]

    def posterior(self, observation: Observation) -> Tensor:
        """Weights of `base` and of the clusters given what is observed, float64 (batch, 1 + components); at least
        COMMON for `base`, and what is NEGLIGIBLE is 0."""
        found = torch.empty(observation.batch, self.components + 1, dtype=torch.float64, device=self.device)
        for which, evidence in self.base.evidence(observation):
            found[which] = self.posterior_given(evidence, observation.values[which])
        return found

    def posterior_given(self, evidence: Evidence, values: Tensor) -> Tensor:
        """The same of images, (n, channels, side, side), that share a mask; evidence: what they say to `base`"""
        clusters, factored = self.parts()[1:], self.factored_clusters(evidence.conditioned.mask)
        location = torch.stack([part.location for part in clusters])[:, None]
        log_prior = torch.stack([part.log_prior for part in clusters])[:, None]
        scales = log_scale_evidence(self.base.log_scales, factored.whiten(values.flatten(1) - location)) + log_prior
        theirs = scales.logsumexp(-1) - factored.factor.log_determinant[:, None]
        found = torch.cat([self.base.log_density(evidence)[None], theirs]).T
        weights = (found + self.log_shares).softmax(1) * (1 - COMMON)
        weights[:, 0] += COMMON
        weights = torch.where(weights > NEGLIGIBLE, weights, 0.0)
        return weights / weights.sum(1, keepdim=True)

    def factored_clusters(self, mask: Tensor) -> Factored:
        """The observed block of every cluster's covariance, factored, for one mask (pixels,); remembered and extended
        as `Gaussian.condition` does."""

        def make(before: Factored | None) -> Factored:
            return Factored([part.covariance() for part in self.parts()[1:]], self.channels, mask, before)

        return recall(self.factored, mask, make)

    def at_work(self, weights: Tensor) -> list[AtWork]:
        """The parts of some weight, of all (batch, 1 + components), `base` first: of that every image has some"""
        found = []
        for k, part in enumerate(self.parts()):
            images = weights[:, k].nonzero()[:, 0]
            if len(images):
                found.append(AtWork(part, images, weights[images, k]))
        return found

    @torch.no_grad()
    def distribution(self, observation: Observation) -> Mixture:
        values, gate = observation.values, self.gate
        lean = None if gate is None else values.new_empty(len(values), self.base.scales, self.side, self.side)
        weights = torch.empty(len(values), self.components + 1, dtype=torch.float64, device=self.device)
        laws = []
        for which, evidence in self.base.evidence(observation):
            weights[which] = self.posterior_given(evidence, values[which])
            if lean is not None and gate is not None:
                lean[which] = gate(self.base, evidence)
            laws.append((which, self.base.law(evidence, None if lean is None else lean[which])))
        common, *clusters = self.at_work(weights)
        found = [Part(common.images, common.weights, joined(laws))]
        for part, images, share in clusters:
            laws = [
                (which, part.law(evidence, None if lean is None else lean[images[which]]))
                for which, evidence in part.evidence(observation.some(images))
            ]
            found.append(Part(images, share, joined(laws)))
        return Mixture(observation.batch, tuple(found))

    @torch.no_grad()
    def sample_joint(
        self, observation: Observation, count: int, generator: torch.Generator, temperature: float = 1.0
    ) -> Tensor:
        """Exact joint samples given one image's observation: (count, channels, side, side), clipped to [0, 1].

        A component is drawn for each given what is observed, and then a picture of it, as `ScaleMixture.sample_joint`
        does; temperature multiplies every variance, given component and scales.
        """
        self.check_one(observation)
        observation = observation.to(self.device)
        ((_, evidence),) = self.base.evidence(observation)
        at_work = self.at_work(self.posterior_given(evidence, observation.values))
        lean = None if self.gate is None else self.gate(self.base, evidence)
        weights = finite(torch.cat([weight for _, _, weight in at_work]))
        chosen = torch.multinomial(weights, count, replacement=True, generator=generator)
        found = observation.values.expand(count, -1, -1, -1).clone()
        for k, (part, _, _) in enumerate(at_work):
            theirs = chosen == k
            if theirs.any():
                found[theirs] = part.sample_joint(observation, int(theirs.sum()), generator, temperature, lean)
        return found

    @torch.no_grad()
    def log_likelihood(self, observation: Observation, values: Tensor) -> Tensor:
        """Joint log density of each image's hidden pixels given its observed ones, in nats: (batch,), float64, as
        `ScaleMixture.log_likelihood` gives it for one component."""
        self.check(observation)
        observation = observation.to(self.device)
        values = whole(observation, values)
        found = torch.full((observation.batch,), -math.inf, dtype=torch.float64, device=self.device)
        for part, images, weights in self.at_work(self.posterior(observation)):
            each = part.log_likelihood(observation.some(images), values[images]) + weights.log()
            found[images] = torch.logaddexp(found[images], each)
        return found
