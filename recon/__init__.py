"""How much of a picture a few pixels tell.

An `Observation` is what is known of a batch of images; a model's `predict` answers it with one distribution a pixel.
"""

from recon import metrics, patches
from recon.errors import ReconError
from recon.hub import checkpoints, load
from recon.observation import Observation
from recon.prediction import Prediction
from recon.sampling import sample

__all__ = ["Observation", "Prediction", "ReconError", "checkpoints", "load", "metrics", "patches", "sample"]
__version__ = "0.1.0"
