"""The Gaussian whose contrast is unknown: a Gaussian scale mixture (Wainwright & Simoncelli 2000, "Scale mixtures of
Gaussians and the statistics of natural images"), still in closed form.

A picture is x = location + sqrt(s) g with g of the Gaussian and s of a discrete prior: what is observed tells how
strong the contrast of this picture is, by Bayes' rule, and so how far the hidden pixels may stray. The mean is the
Gaussian's. Contrast also varies within a picture: each pixel's scale is a draw of a kernel around the picture's.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from typing import Self

import torch
from torch import Tensor

from recon.distributions import ScaledMixture, log_normal_mass
from recon.distributions.base import level_edges
from recon.models.blur import averaged
from recon.models.calibration import BAND, likeliest, share_held
from recon.models.conditioned import Evidence
from recon.models.gaussian import Gaussian, pictures_of
from recon.models.signal_transformer import at_counts
from recon.observation import Observation
from recon.prediction import finite

WIDEST = 3.5  # the grid of log scales reaches from -WIDEST to WIDEST: contrasts from a sixth to six times the average
KEPT = 600  # pictures that the prior and the kernel are estimated on
STEPS = 60  # of expectation-maximisation; further ones change bits/dim in the fifth digit
SHARES = (1 / 64, 1 / 32, 1 / 16, 1 / 8, 1 / 4)  # of the pixels, observed where the estimate is made
PATCH = 2.5  # pixels: how far local contrast reaches in joint samples (standard deviation of the blur)
ASKED = 200  # hidden pixels of a picture that an estimate looks at
TRIED = (-1.0, 1.0, 41)  # tilts: from, to, how many
SLACK = 0.02  # nats a channel that calibration may cost
PER_MASK = 50  # pictures for calibration that share one


class ScaleMixture(Gaussian):
    """Gaussian scale mixture; arguments as `Gaussian`'s, and `scales`, how many values s may take.

    Buffers: `log_prior` (scales,), of the picture's scale; `log_kernel` (scales, scales), of a pixel's scale (columns)
    given the picture's (rows). Where it is `fine`, also `tilt` (sizes,), what calibration adds to a pixel's logits for
    a log scale, from 1, 2, 4, ... observed pixels: the coarse pictures that it stands on are others.
    """

    kind = "scale_mixture"
    log_prior: Tensor
    log_kernel: Tensor
    tilt: Tensor | None

    def __init__(
        self,
        *,
        side: int,
        channels: int,
        even: int,
        odd: int = 0,
        mirrored: bool = True,
        fine: bool = False,
        scales: int = 15,
    ):  # spelled out: `config.json` is made of these
        super().__init__(side=side, channels=channels, even=even, odd=odd, mirrored=mirrored, fine=fine)
        self.scales = scales
        self.register_buffer("log_prior", torch.full((scales,), -math.log(scales)))
        self.register_buffer("log_kernel", torch.eye(scales).clamp_min(1e-9).log())
        self.register_buffer("tilt", torch.zeros((side * side // 2).bit_length()) if fine else None)

    @property
    def log_scales(self) -> Tensor:
        """float64 (scales,): no buffer, which would become single with the rest of a model"""
        return torch.linspace(-WIDEST, WIDEST, self.scales, dtype=torch.float64, device=self.device)

    @classmethod
    @torch.no_grad()
    def fit(
        cls,
        batches: Iterable[Tensor],
        rank: int,
        mirrored: bool = True,
        coarse: Iterable[Tensor] | None = None,
    ) -> Self:
        """As `Gaussian.fit`; then the prior and the kernel by expectation-maximisation: the prior from how likely
        observed pixels are, the kernel from how likely hidden ones are given them, on some of the pictures."""
        kept: list[Tensor] = []

        def passing() -> Iterator[Tensor]:
            for batch in map(pictures_of, batches):
                kept.append(batch[:: max(1, len(batch) // 50)].cpu())
                yield batch

        model = super().fit(passing(), rank, mirrored, coarse)
        pictures = torch.cat(kept)
        model.estimate(pictures[:: max(1, len(pictures) // KEPT)][:KEPT])
        return model

    @torch.no_grad()
    def estimate(self, pictures: Tensor, seed: int = 0) -> None:
        """Set prior and kernel from pictures, float (count, channels, side, side)."""
        generator, area = torch.Generator().manual_seed(seed), self.side**2
        evidence, masses = [], []
        for share in SHARES:
            mask = torch.zeros(area, dtype=torch.bool)
            mask[torch.randperm(area, generator=generator)[: round(share * area)]] = True
            each = Evidence(self.condition(mask), pictures.flatten(1) - self.location)
            evidence.append(self.log_evidence(each))
            masses.append(self.masses(each, pictures, some_of(~mask, min(ASKED, area // 2), generator)))
        observed, hidden = torch.cat(evidence), torch.cat(masses)
        prior = torch.full_like(observed[0], 1 / self.scales)
        for _ in range(STEPS):
            prior = (observed + prior.clamp_min(1e-12).log()).softmax(1).mean(0)
        posterior = (observed + prior.clamp_min(1e-12).log()).softmax(1)
        distance = self.log_scales[:, None] - self.log_scales
        kernel = (-0.5 * distance.square()).softmax(1)
        for _ in range(STEPS):
            total = torch.einsum("nl,nlp->np", posterior @ kernel, hidden).clamp_min(1e-300)
            kernel = kernel * (posterior.T @ torch.einsum("nlp,np->nl", hidden, 1 / total))
            kernel = kernel / kernel.sum(1, keepdim=True)
        self.log_prior.copy_(prior.clamp_min(1e-12).log())
        self.log_kernel.copy_(kernel.clamp_min(1e-12).log())
        self.forget()

    def masses(self, evidence: Evidence, values: Tensor, pixels: Tensor) -> Tensor:
        """Probability of the level of each channel of some pixels at every scale: (count, scales, ...), float64.

        Each channel by itself: flat colour would else make scales small that brightness needs large, and then
        intervals, which are a channel's own, hold less than they say.
        """
        each = [log_normal_mass(low, high) for low, high in self.edges(evidence, values, pixels)]
        return torch.stack(each, 1).exp()

    def edges(self, evidence: Evidence, values: Tensor, pixels: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
        """Where the level of each channel of some pixels begins and ends, in standard deviations from its mean, for one
        scale after another: (count, channels * pixels) each, float64"""
        scale = evidence.conditioned.pixel_factor.square().sum(-1).sqrt().movedim(-1, 0).flatten(1)[:, pixels].double()
        low, high = level_edges(values.flatten(2)[:, :, pixels], 256)
        centre = self.mean_given(evidence).flatten(2)[:, :, pixels]
        for log_scale in self.log_scales:
            wider = (0.5 * log_scale).exp() * scale
            yield ((low - centre) / wider).flatten(1), ((high - centre) / wider).flatten(1)

    @torch.no_grad()
    def calibrate(self, batches: Iterable[Tensor], orders: Tensor) -> None:
        """The tilt for each number of observed pixels, where there is one."""
        if self.tilt is None:
            return
        lots, generator = next(iter(batches)).split(PER_MASK), torch.Generator().manual_seed(0)
        self.tilt.zero_()
        for k in range(len(self.tilt)):
            prior, masses, edges = [], [], []
            for pictures, order in zip(lots, orders, strict=False):
                mask = torch.zeros(self.side**2, dtype=torch.bool, device=pictures.device)
                mask[order[: 2**k].to(mask.device)] = True
                evidence = Evidence(self.condition(mask), pictures.flatten(1) - self.location)
                few = some_of(~mask, ASKED, generator)
                prior.append(self.log_posterior(evidence).exp())
                masses.append(self.masses(evidence, pictures, few))
                each = [torch.stack(pair, -1) for pair in self.edges(evidence, pictures, few)]
                edges.append(torch.special.ndtr(torch.stack(each, 1)))
            tried, nats, held = torch.linspace(*TRIED), [], []
            picture, mass, edge = torch.cat(prior), torch.cat(masses), torch.cat(edges)
            for tilt in tried.tolist():
                local = picture @ (self.log_kernel.double() + tilt * self.log_scales).softmax(1)
                nats.append(-torch.einsum("nl,nlp->np", local, mass).clamp_min(1e-300).log().mean().item())
                below, above = torch.einsum("nl,nlpe->enp", local, edge)
                held.append(share_held(below, above, BAND))
            self.tilt[k] = likeliest(tried, nats, held, SLACK)
        self.forget_masks()

    def log_evidence(self, evidence: Evidence) -> Tensor:
        """Log density of the observed values at every scale, but for a constant: (batch, scales), float64"""
        return log_scale_evidence(self.log_scales, evidence.whitened.T)

    def log_density(self, evidence: Evidence) -> Tensor:
        """Of the observed values, but for a constant: (batch,), float64"""
        scales = self.log_evidence(evidence) + self.log_prior
        return scales.logsumexp(1) - evidence.conditioned.factor.log_determinant

    def log_posterior(self, evidence: Evidence) -> Tensor:
        """Of the picture's scale given what is observed: (batch, scales), float64"""
        return (self.log_evidence(evidence) + self.log_prior).log_softmax(1)

    def local_posterior(self, evidence: Evidence) -> Tensor:
        """Of any pixel's scale given what is observed: (batch, scales), float64"""
        return self.log_posterior(evidence).exp() @ self.kernel(int(evidence.conditioned.mask.sum()))

    def kernel(self, observed: int) -> Tensor:
        """Probabilities of a pixel's scale (columns) given the picture's (rows), from that many observed pixels:
        (scales, scales), float64"""
        if self.tilt is None:
            return self.log_kernel.double().exp()
        tilt = at_counts(self.tilt, torch.tensor(observed, device=self.device)).double()
        return (self.log_kernel.double() + tilt * self.log_scales).softmax(1)

    def distribution(self, observation: Observation) -> ScaledMixture:  # type: ignore[override]
        return joined([(which, self.law(evidence)) for which, evidence in self.evidence(observation)])

    def law(self, evidence: Evidence, lean: Tensor | None = None) -> ScaledMixture:
        """The distribution for images that share a mask.

        lean  what speaks for each scale at each pixel, logits (n, scales, side, side), or nothing
        """
        if lean is None:
            local = self.local_posterior(evidence).clamp_min(1e-30).log()[:, :, None, None]
        else:
            posterior = self.log_posterior(evidence).exp().to(lean)
            local = gated(posterior, self.log_kernel, lean.flatten(2)).view_as(lean)
        location, factor = self.mean_given(evidence)[:, None], evidence.conditioned.pixel_factor[None, None]
        root = (0.5 * self.log_scales).exp().to(factor)[None]
        return ScaledMixture(local.to(location), location, factor.clone(), root)  # what is remembered stays as it is

    def hidden_log_density(self, truth: Evidence) -> Tensor:
        """As the Gaussian's, with one scale for the whole picture: a field of local scales has no closed form."""
        squared, constant = self.hidden_distance(truth)
        scales = self.log_scales
        each = -0.5 * (squared[:, None] * (-scales).exp() + len(truth.conditioned.hidden) * scales) - constant
        return torch.logsumexp(self.log_posterior(truth) + each, 1)

    @torch.no_grad()
    def sample_joint(
        self,
        observation: Observation,
        count: int,
        generator: torch.Generator,
        temperature: float = 1.0,
        lean: Tensor | None = None,
    ) -> Tensor:
        """Exact joint samples given one image's observation: (count, channels, side, side), clipped to [0, 1].

        The picture's scale is drawn given what is observed, and then a smooth field of pixels' scales around it: its
        marginals are the kernel's, so every pixel is distributed as `predict` says. temperature multiplies every
        variance, given the scales. lean: as `law` takes it.
        """
        self.check_one(observation)
        observation = observation.to(self.device)
        ((_, evidence),) = self.evidence(observation)
        conditioned, posterior = evidence.conditioned, finite(self.log_posterior(evidence).exp())
        chosen = torch.multinomial(posterior[0], count, replacement=True, generator=generator)
        scale = self.local_scales(self.kernel(int(conditioned.mask.sum()))[chosen], generator, lean)
        stray = self.draw(count, generator)
        stray = (stray - conditioned.gain(stray)).view(count, *observation.values.shape[1:])
        joint = (self.mean_given(evidence) + (temperature * scale).sqrt() * stray).clamp(0, 1)
        return torch.where(observation.mask, observation.values, joint)

    def local_scales(self, kernel: Tensor, generator: torch.Generator, lean: Tensor | None) -> Tensor:
        """Every pixel's scale given probabilities for each picture, (count, scales): float32 (count, 1, side, side)"""
        noise = torch.randn(len(kernel), 1, self.side, self.side, generator=generator, device=self.device)
        # uniform at every pixel, and smooth
        level = torch.special.ndtr(averaged(noise, PATCH).double()).flatten(2)
        given = kernel.clamp_min(1e-30).log()[:, :, None]
        steps = finite((given if lean is None else given + lean.flatten(2)).softmax(1).cumsum(1))
        index = (steps < level).sum(1).clamp(max=self.scales - 1)
        return self.log_scales[index].exp().view_as(noise).float()


def joined(laws: Sequence[tuple[Tensor, ScaledMixture]]) -> ScaledMixture:
    """Of a batch, what is said of its images, (n,) each"""
    if len(laws) == 1:
        return laws[0][1]
    order, parts = torch.cat([which for which, _ in laws]).argsort(), [law for _, law in laws]
    log_weights = torch.cat([part.log_weights for part in parts])[order]
    location = torch.cat([part.location for part in parts])[order]
    factor = torch.cat([part.factor.expand(len(part.location), -1, -1, -1, -1, -1) for part in parts])[order]
    return ScaledMixture(log_weights, location, factor, parts[0].root)


def some_of(mask: Tensor, most: int, generator: torch.Generator) -> Tensor:
    """A random choice of the pixels in `mask`, bool (pixels,): int64 (at most `most`,)"""
    found = mask.nonzero()[:, 0]
    return found[torch.randperm(len(found), generator=generator)[:most].to(found.device)]


def gated(posterior: Tensor, log_kernel: Tensor, lean: Tensor) -> Tensor:
    """Log probabilities of each pixel's scale, (batch, scales, pixels), by `log_kernel` (scales of the picture, scales)
    and logits `lean` together, where the picture's scale has probabilities `posterior` (batch, scales)."""
    tilt = (lean - lean.amax(1, keepdim=True)).clamp_min(-60).exp()
    kernel = log_kernel.exp()
    given = posterior[:, :, None] / (kernel @ tilt)
    return (kernel.T @ given * tilt).clamp_min(1e-30).log()


def log_scale_evidence(log_scales: Tensor, whitened: Tensor) -> Tensor:
    """Log density at every scale, but for a constant, of values (..., n) of variance 1 at scale 1: (..., scales)"""
    count, surprise = whitened.shape[-1], whitened.double().square().sum(-1, keepdim=True)
    return -0.5 * (count * log_scales + surprise * (-log_scales).exp())
