"""A quiet warning where what is painted is unlike what the model was trained on."""

from __future__ import annotations

import html

from recon.data.sets import SETS
from recon.errors import ReconError
from recon.evaluation.reconstruction import data_set
from recon.familiarity import NEGATIVE, NOISE
from recon.painting import Painting
from recon.ui.engine import Engine

KINDS = {
    "celeba": "faces",
    "celeba64": "faces",
    "cifar10": "photographs of objects",
    "landscapes": "landscapes",
    "landscapes64": "landscapes",
    "fer2013": "grey faces",
    "mnist": "digits",
    "fashion": "clothes",
}

GREY = {"binarized_mnist": "mnist"}  # what is binary is judged by its greys


def warning(engine: Engine, name: str, painting: Painting) -> str:
    """A sentence as HTML, or "" where there is nothing to doubt or no way to know."""
    if name not in engine.records or engine.at_hand(name) != name:
        return ""
    try:
        own = data_set(name)
        own = GREY.get(own, own)
        observation = engine.painted(name, painting).with_channels(SETS[own].channels)
        with engine.desk.later():
            found = engine.desk.once(engine.judge.doubt, own, observation)
    except ReconError:  # the answer itself says what is wrong
        return ""
    if found is None:
        return ""
    known = KINDS.get(own, own)
    if found.looks_like == NOISE:
        like = "look like noise"
    elif found.looks_like == NEGATIVE:
        like = f"look less like {known} than like negatives of them"
    else:
        like = f"look more like {KINDS.get(found.looks_like, found.looks_like)}"
    told = f"These pixels {like}. The model knows {known} only: how sure it is may mean little here."
    return f"<p class='recon-note recon-doubt'>{html.escape(told)}</p>"
