"""The one list of models that have weights: a kind, as `config.json` names it, and its class."""

from recon.models.base import Model
from recon.models.convnade import ConvNADE
from recon.models.gaussian import Gaussian

KINDS: dict[str, type[Model]] = {model.kind: model for model in (Gaussian, ConvNADE)}

__all__ = ["KINDS", "ConvNADE", "Gaussian", "Model"]
