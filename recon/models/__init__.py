"""The one list of models that have weights: a kind, as `config.json` names it, and its class."""

from recon.models.base import Model
from recon.models.convnade import ConvNADE
from recon.models.gaussian import Gaussian
from recon.models.mixture_density import MixtureDensity
from recon.models.mogsm import MoGSM
from recon.models.scale_mixture import ScaleMixture

KINDS: dict[str, type[Model]] = {
    model.kind: model for model in (Gaussian, ScaleMixture, MoGSM, MixtureDensity, ConvNADE)
}

__all__ = ["KINDS", "ConvNADE", "Gaussian", "MixtureDensity", "MoGSM", "Model", "ScaleMixture"]
