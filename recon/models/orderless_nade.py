"""An orderless neural autoregressive density estimator of binary pictures (Uria, Murray & Larochelle 2014, "A deep and
tractable density estimator", section 3) that stands on two closed forms.

Trained on patches of every kind, it says of each hidden pixel how likely it is to be white given any set of others;
drawn one group after another, those make a whole picture. A mixture of Bernoullis tells it what shape the observed
pixels hint at, the conditional mean of a Gaussian scale mixture what they say of their surroundings; the network starts
at the mean of the two logits (a logarithmic opinion pool: Genest & Zidek 1986).
"""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor

from recon.chance import Chance
from recon.distributions import Bernoulli
from recon.models.base import Model
from recon.models.bernoulli_mixture import BernoulliMixture
from recon.models.on_closed_form import OnClosedForm
from recon.models.scale_mixture import ScaleMixture
from recon.observation import Observation

CERTAIN = 0.01  # the Gaussian's mean is no probability: it is kept this far from 0 and 1
TAME = 0.25  # what the mixture's logits are multiplied by on their way into the network


class OrderlessNADE(OnClosedForm):
    """Orderless NADE.

    shapes         components of the mixture of Bernoullis
    width, blocks  `OnClosedForm`'s; the other arguments are `Gaussian`'s
    """

    kind = "orderless_nade"
    binary = True

    def __init__(
        self,
        *,
        side: int,
        channels: int,
        even: int,
        odd: int = 0,
        mirrored: bool = True,
        shapes: int = 500,
        width: int = 64,
        blocks: int = 4,
    ):
        base = ScaleMixture(side=side, channels=channels, even=even, odd=odd, mirrored=mirrored)
        super().__init__(base, channels, width, blocks, more=channels)
        self.mixture = BernoulliMixture(side=side, channels=channels, components=shapes)

    def start_from(self, model: Model) -> None:
        """Another network of this kind."""
        self.load_state_dict(model.state_dict())

    def prepare(self, batches: Iterable[Tensor]) -> None:
        kept = list(batches)
        super().prepare(kept)
        fitted = BernoulliMixture.fit(kept, len(self.mixture.log_weights))
        self.mixture.load_state_dict(fitted.state_dict())

    def forward(self, values: Tensor, mask: Tensor, generator: Chance | None = None) -> Tensor:
        """Logits of white, (batch, channels, side, side)."""
        observation = Observation(values * mask, mask)
        base = self.condition(observation)
        linear = base.location.clamp(CERTAIN, 1 - CERTAIN).logit()
        shape = self.mixture.distribution(observation).logits
        features = torch.cat([self.features(observation, base), TAME * shape], 1)
        return (linear + shape) / 2 + self.network(features)

    def parameterise(self, output: Tensor) -> Bernoulli:
        return Bernoulli(output)
