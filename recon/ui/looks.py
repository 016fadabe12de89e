"""What the reconstruction's picture on the page may show, and a quiet word about it."""

from __future__ import annotations

import numpy as np

from recon import baselines
from recon.models import PixelTransformer
from recon.ui import figures
from recon.ui.desk import Desk
from recon.ui.engine import Answer

FINER = "finer"
LOOKS = [
    ("Mean", "mean"),
    ("Sample", "sample"),
    ("Finer", FINER),
    ("Observed", "observed"),
    ("Nearest", "nearest"),
    ("Error", "error"),
]
FINE = 128  # pixels a side of a finer picture
STEPS = 16  # of one sample that follows the brush: fewer than the gallery's


def view(answer: Answer, desk: Desk, model: str, look: str, marked: bool, place: tuple) -> dict:
    """The value of the reconstruction's PixelView. `desk` is where more is asked of the model, if the look needs it."""
    shown = answer.mean
    if look == "sample" and answer.prediction.has_spread:
        shown = desk.sample(answer.model, answer.prediction.observation, 1, STEPS)[0].cpu()
    elif look == FINER and isinstance(answer.model, PixelTransformer):
        with desk.later():
            shown = desk.once(answer.model.mean_at, answer.prediction.observation, FINE)[0].cpu()
    elif look == "observed":
        shown = answer.prediction.observation.values[0].cpu()
    elif look == "nearest" and answer.painting.mask.any():
        shown = baselines.load("nearest").predict(answer.prediction.observation).mean[0]
    elif look == "error" and answer.truth is not None:
        shown = figures.error_map(answer.mean, answer.truth[0])
    return {
        "png": figures.picture_uri(shown),
        "side": answer.painting.side,
        "observed": np.flatnonzero(answer.painting.mask).tolist() if marked else [],
        "selected": [] if place[0] is None else list(place),
        "model": model,
    }


def note(answer: Answer, look: str) -> str:
    """Where something might surprise; else empty."""
    return f"<p class='recon-note'>{told}</p>" if (told := said(answer, look)) else ""


def said(answer: Answer, look: str) -> str:
    if not answer.painting.mask.any():
        nearest = " Nearest needs a pixel, too." if look == "nearest" else ""
        return f"Nothing is observed yet: this is what the model expects of any picture.{nearest}"
    if look == "error" and answer.truth is None:
        return "No true picture is known, so there is no error to show: this is the mean."
    if look == "sample" and not answer.prediction.has_spread:
        return "A classical method has no samples to show: this is its answer."
    if look == FINER and not isinstance(answer.model, PixelTransformer):
        return "This model answers at pixels alone. PixelTransformer answers anywhere, also between them: choose it."
    if look == FINER:
        return f"The mean, asked for at {FINE} x {FINE} places: what lies between pixels, as far as it was learned."
    if not answer.prediction.has_spread:
        return "A classical method: a mean alone, with no spread and no samples."
    return ""
