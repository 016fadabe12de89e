"""The one list of models that have weights: a kind, as `config.json` names it, and its class. KINDS predict; DIRECTED
are of pictures of any size, drawn in raster order; SIGNALS are of what is no picture."""

from recon.models.base import Model
from recon.models.bernoulli_mixture import BernoulliMixture
from recon.models.clip_transformer import ClipTransformer
from recon.models.colour import Colour
from recon.models.convnade import ConvNADE
from recon.models.curve_transformer import CurveTransformer
from recon.models.directed import Directed
from recon.models.gaussian import Gaussian
from recon.models.mcgsm import MCGSM
from recon.models.mixture_density import MixtureDensity
from recon.models.mogsm import MoGSM
from recon.models.orderless_nade import OrderlessNADE
from recon.models.pixel_transformer import PixelTransformer
from recon.models.ride import RIDE
from recon.models.scale_mixture import ScaleMixture
from recon.models.shape_transformer import ShapeTransformer
from recon.models.signal_model import SignalModel

LISTED = (
    Gaussian,
    ScaleMixture,
    MoGSM,
    BernoulliMixture,
    MixtureDensity,
    OrderlessNADE,
    ConvNADE,
    PixelTransformer,
)
KINDS: dict[str, type[Model]] = {model.kind: model for model in LISTED}
DIRECTED: dict[str, type[Directed]] = {model.kind: model for model in (MCGSM, RIDE)}
SIGNALS: dict[str, type[SignalModel]] = {
    model.kind: model for model in (CurveTransformer, ShapeTransformer, ClipTransformer)
}

__all__ = [
    "DIRECTED",
    "KINDS",
    "MCGSM",
    "RIDE",
    "SIGNALS",
    "BernoulliMixture",
    "ClipTransformer",
    "Colour",
    "ConvNADE",
    "CurveTransformer",
    "Directed",
    "Gaussian",
    "MixtureDensity",
    "MoGSM",
    "Model",
    "OrderlessNADE",
    "PixelTransformer",
    "ScaleMixture",
    "ShapeTransformer",
    "SignalModel",
]
