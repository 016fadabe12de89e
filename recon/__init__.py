"""How much of a picture a few pixels tell.

An `Observation` is what is known of a batch of images; a model's `predict` answers it with one distribution a pixel.
`Samples` are what is known of a signal anywhere, on no grid; `predict_at` of a PixelTransformer answers those.
"""

from __future__ import annotations

import importlib
from types import ModuleType

from recon import metrics, patches
from recon.errors import ReconError
from recon.hub import checkpoints, load
from recon.observation import Observation
from recon.points import Samples
from recon.prediction import Prediction
from recon.sampling import sample

__all__ = ["Observation", "Prediction", "ReconError", "Samples", "checkpoints", "load", "metrics", "patches", "sample"]
__version__ = "0.1.0"
ASKED_FOR = ("acquisition", "comparison", "exchange", "familiarity", "schedules")  # modules, read when first named


def __getattr__(name: str) -> ModuleType:
    if name not in ASKED_FOR:
        raise AttributeError(f"module 'recon' has no attribute {name!r}")
    return importlib.import_module(f"recon.{name}")
