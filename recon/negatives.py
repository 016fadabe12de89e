"""A picture or its negative? A small classifier, for what a Gaussian hardly sees.

A Gaussian tells a picture from its negative by its mean alone. A network that looks at the closed form's conditional
mean also knows that skies are above and bright, and shadows dark. It is a density ratio learnt by logistic regression
(Sugiyama, Suzuki & Kanamori 2012, "Density Ratio Estimation in Machine Learning", chapter 4) between two classes that
mirror each other: an observation has a score, and its score less that of its negative is the log odds.
"""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.nn import functional as F

from recon.models.blur import blurred
from recon.models.factored import Factored
from recon.models.scale_mixture import ScaleMixture

FOLDER = Path(__file__).parent / "familiar"
GROUPS = 8  # of channels
HALVES = {"landscapes64": "landscapes"}  # image sets whose pictures are judged at half their side, as those of another


class NegativeClassifier(nn.Module):
    """Log odds that observed pixels are a picture's and not its negative's: a residual network, pre-activation (He,
    Zhang, Ren & Sun 2016, "Identity Mappings in Deep Residual Networks"), of a half, a quarter and an eighth of the
    picture's resolution, normalised in groups of channels (Wu & He 2018, "Group Normalization").

    width  channels at half the resolution
    """

    places: Tensor

    def __init__(self, *, side: int, channels: int, width: int = 32):
        super().__init__()
        sizes = (width, width, 2 * width, 2 * width, 4 * width, 4 * width)
        stages = [Residual(before, after) for before, after in pairwise(sizes)]
        self.body = nn.Sequential(nn.Conv2d(2 * channels + 5, width, 3, 2, 1), *stages)
        self.last = nn.GroupNorm(GROUPS, 4 * width)
        self.head = nn.Linear(4 * width, 1, bias=False)
        nn.init.zeros_(self.head.weight)
        edge = torch.linspace(-1, 1, side)
        places = torch.stack([edge[:, None].expand(side, side), edge.abs().expand(side, side)])
        self.register_buffer("places", places, persistent=False)  # pictures are mirrored: columns count from the middle

    def forward(self, mean: Tensor, values: Tensor, mask: Tensor) -> Tensor:
        """The score of each observation, (batch,).

        mean    conditional mean given the observation, (batch, channels, side, side)
        values  observed values, (batch, channels, side, side); those outside of `mask` are not looked at
        mask    observed pixels, the same for all, bool (pixels,)
        """
        seen = mask.view(1, 1, *values.shape[2:]).to(values)
        density = torch.cat([seen, *(8 * blurred(seen, reach) for reach in (1.5, 4.0)), self.places[None]], 1)
        parts = [4 * mean - 2, (4 * values - 2) * seen, density.expand(len(values), -1, -1, -1)]
        hidden = self.body(torch.cat(parts, 1).contiguous(memory_format=torch.channels_last))
        return self.head(F.relu(self.last(hidden)).mean((2, 3)))[:, 0]

    def log_odds(self, base: ScaleMixture, factored: Factored, values: Tensor, mirrored: bool = True) -> Tensor:
        """In nats, (batch,), above 0 where the picture is likelier; of the negative it is minus that.

        values    (batch, channels, side, side), conditioned on the pixels of `factored` as `base` has them
        mirrored  the average of what is said of the picture and of its mirror image
        """
        both = torch.cat([values, 1 - values])
        mean = (base.location + factored.gain(both.flatten(1) - base.location)).view_as(both)
        score, mask = self(mean, both, factored.mask), factored.mask.view(both.shape[2:])
        if mirrored:
            score = (score + self(mean.flip(-1), both.flip(-1), mask.flip(-1).flatten())) / 2
        picture, negative = score.chunk(2)
        return picture - negative


class Residual(nn.Module):
    """A block; where it makes more channels, of half the resolution."""

    def __init__(self, before: int, after: int):
        super().__init__()
        stride = 1 if before == after else 2
        self.norms = nn.ModuleList([nn.GroupNorm(GROUPS, before), nn.GroupNorm(GROUPS, after)])
        self.first = nn.Conv2d(before, after, 3, stride, 1, bias=False)
        self.second = nn.Conv2d(after, after, 3, 1, 1, bias=False)
        self.skip = nn.Identity() if before == after else nn.Conv2d(before, after, 1, stride, bias=False)

    def forward(self, hidden: Tensor) -> Tensor:
        active = F.relu(self.norms[0](hidden))
        around = hidden if isinstance(self.skip, nn.Identity) else self.skip(active)
        return around + self.second(F.relu(self.norms[1](self.first(active))))


def halved(mask: Tensor, values: Tensor) -> tuple[Tensor, Tensor]:
    """The same observation of half the side: of each 2 x 2 block what is observed in it, on average.

    mask    observed pixels, bool (pixels,)
    values  (batch, channels, side, side); those outside of `mask` are not looked at
    """
    side = values.shape[-1]
    seen = mask.view(1, 1, side, side).to(values)
    count = F.avg_pool2d(seen, 2)
    return (count > 0).flatten(), F.avg_pool2d(values * seen, 2) / count.clamp_min(0.25)


def write(classifier: NegativeClassifier, data_set: str) -> None:
    """Keep the classifier of an image set, in half precision."""
    FOLDER.mkdir(exist_ok=True)
    weights = {name: tensor.half().contiguous() for name, tensor in classifier.state_dict().items()}
    save_file(weights, FOLDER / f"{data_set}.safetensors")


def read(data_set: str, base: ScaleMixture) -> NegativeClassifier | None:
    """The classifier of an image set, for pictures as `base` takes them, in single precision and on its device; None
    where the Gaussians alone tell negatives."""
    path = FOLDER / f"{data_set}.safetensors"
    if not path.exists():
        return None
    classifier = NegativeClassifier(side=base.side, channels=base.channels)
    classifier.load_state_dict({name: tensor.float() for name, tensor in load_file(path).items()})
    return classifier.eval().requires_grad_(False).to(base.device)
