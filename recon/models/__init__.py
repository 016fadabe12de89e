"""The one list of models that have weights: a kind, as `config.json` names it, and its class."""

from recon.models.base import Model
from recon.models.bernoulli_mixture import BernoulliMixture
from recon.models.convnade import ConvNADE
from recon.models.gaussian import Gaussian
from recon.models.mixture_density import MixtureDensity
from recon.models.mogsm import MoGSM
from recon.models.orderless_nade import OrderlessNADE
from recon.models.scale_mixture import ScaleMixture

LISTED = (Gaussian, ScaleMixture, MoGSM, BernoulliMixture, MixtureDensity, OrderlessNADE, ConvNADE)
KINDS: dict[str, type[Model]] = {model.kind: model for model in LISTED}

__all__ = [
    "KINDS",
    "BernoulliMixture",
    "ConvNADE",
    "Gaussian",
    "MixtureDensity",
    "MoGSM",
    "Model",
    "OrderlessNADE",
    "ScaleMixture",
]
