"""ConvNADE, ConvNADE-Beta-Color and ConvNADE-MoG-Color (Emmett-Iwaniw & Kirk, sections 2.3 and 3.1, Fig. 1).

A stack of "valid" convolutions that shrinks the picture, then one of "full" convolutions that grows it back. Its input
is the observed pixels, zero where hidden, and the mask; its output the parameters of every pixel's distribution.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from recon.chance import Chance
from recon.distributions import Bernoulli, Beta, Distribution, GaussianMixture
from recon.errors import PredictionError
from recon.models.base import Network
from recon.models.dropout import drop

KERNELS = (8, 4, 6, 7, 7, 6, 4, 8)  # 32-25-22-17-11-17-22-25-32
VALID = 4  # the first four layers are "valid", the others "full"
HEADS = ("bernoulli", "beta", "mog")


class ConvNADE(Network):
    """ConvNADE with the paper's eight layers.

    head        "bernoulli" (ConvNADE, binary), "beta" (ConvNADE-Beta-Color) or "mog" (ConvNADE-MoG-Color)
    width       channels of the hidden layers; 64 in the paper, where ConvNADE-Beta-Color has 868,806 parameters
    components  Gaussians a channel of the "mog" head; 10 in the paper's comparison
    dropout     probability after layers 2 to 7 in training; 0.5 in the paper's colour models, none in the binary one
    clamp       of the Beta density, see `recon.distributions.Beta`; 1e-5 in the paper
    """

    kind = "convnade"

    def __init__(
        self,
        *,
        side: int = 32,
        channels: int = 3,
        head: str = "beta",
        width: int = 64,
        components: int = 10,
        dropout: float = 0.5,
        clamp: float = 1e-5,
    ):
        super().__init__()
        if head not in HEADS:
            raise PredictionError(f"ConvNADE has the heads {', '.join(HEADS)}, not {head!r}.")
        smallest = 1 + sum(kernel - 1 for kernel in KERNELS[:VALID])
        if side < smallest:
            raise PredictionError(f"ConvNADE's layers need pictures of at least {smallest} pixels a side, not {side}.")
        self.side, self.channels, self.head = side, channels, head
        self.components, self.dropout, self.clamp = components, dropout, clamp
        self.binary = head == "bernoulli"
        outputs = channels * {"bernoulli": 1, "beta": 2, "mog": 3 * components}[head]
        widths = [channels + 1] + [width] * (len(KERNELS) - 1) + [outputs]
        layers = [
            nn.Conv2d(widths[i], widths[i + 1], kernel, padding=0 if i < VALID else kernel - 1)
            for i, kernel in enumerate(KERNELS)
        ]
        # He's initialisation: torch's own shrinks what passes through eight plain ReLU layers to nearly nothing, and
        # a short run never leaves the plateau of a constant answer
        for layer in layers[:-1]:
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
            nn.init.zeros_(layer.bias)  # type: ignore[arg-type]
        nn.init.normal_(layers[-1].weight, std=0.1 / math.sqrt(width * KERNELS[-1] ** 2))
        self.layers = nn.ModuleList(layers)

    def forward(self, values: Tensor, mask: Tensor, generator: Chance | None = None) -> Tensor:
        """Head parameters, (batch, outputs, side, side).

        values (batch, channels, side, side), mask bool (batch, 1, side, side); a generator turns dropout on.
        """
        hidden = torch.cat([values * mask, mask.to(values)], 1)
        for i, layer in enumerate(self.layers[:-1]):
            hidden = F.relu(layer(hidden))
            if i > 0:
                hidden = drop(hidden, self.dropout, generator)
        return self.layers[-1](hidden)

    def parameterise(self, output: Tensor) -> Distribution:
        """The head's distribution; the paper's channel order: all parameters of red, of green, of blue."""
        shaped = output.unflatten(1, (self.channels, -1))
        if self.head == "bernoulli":
            return Bernoulli(output)
        if self.head == "beta":
            # The paper's softplus alone can round to 0, where the density has no value
            alpha, beta = (F.softplus(shaped) + 1e-6).unbind(2)
            return Beta(alpha, beta, clamp=self.clamp)
        log_weights, means, log_scales = shaped.unflatten(2, (3, self.components)).unbind(2)
        # scales from about a quarter of a level to the whole range; means start spread over it
        spread = torch.linspace(0, 1, self.components, device=output.device)[:, None, None]
        return GaussianMixture(log_weights, means + spread, (log_scales - 2).clamp(-7, 1))
