"""Recipes: one small TOML file a checkpoint, which says everything that its training needs."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from recon.data.sets import SETS, DataSet
from recon.data.signals import SIGNALS
from recon.errors import RecipeError
from recon.models import KINDS
from recon.models import SIGNALS as SIGNAL_KINDS

TEXTS = ("title", "summary", "notes")  # that a [full] part may have of its own
FOLDER = Path(__file__).parent / "recipes"


@dataclass(frozen=True)
class Training:
    """How a network is trained. Sizes are in pictures and steps of the optimiser; of 0 steps it is what it starts from.

    patch     "sobol" or "random", one fixed patch of `size` pixels for all; or "any", a fresh one a picture
    rate      Adam's; `decay` lets it fall to 0 along a half cosine, after `warm_up` steps of a linear rise
    ema       decay of the moving average of weights that is kept; 0 keeps the last weights
    mirror    half of the pictures are mirrored
    shared    a fresh patch is one for a whole batch, which is much cheaper for models that condition on each patch
    clip      largest norm of a step's gradient; 0 lets any pass
    start     checkpoints whose weights the run starts from, one after another; "" starts from none
    """

    steps: int
    batch: int = 100
    patch: str = "any"
    size: int = 128
    seed: int = 0
    rate: float = 1e-4
    warm_up: int = 0
    decay: bool = False
    ema: float = 0.0
    mirror: bool = False
    shared: bool = False
    clip: float = 0.0
    start: str = ""


@dataclass(frozen=True)
class Recipe:
    """A checkpoint's recipe.

    kind      the model's, a key of `recon.models.KINDS` or of its SIGNALS
    model     its constructor's arguments
    training  for networks; None for the closed form, whose `fit` takes `model` as it stands
    paper     where the model comes from
    notes     what a reader of the card must know, a sentence or two
    reached   the number that the bundled checkpoint reached, and on what; its card has the whole table
    beside    checkpoints of the same image set that its card is to be read beside
    """

    name: str
    title: str
    summary: str
    kind: str
    data: DataSet
    order: int
    paper: str
    notes: str
    reached: str = ""
    beside: tuple[str, ...] = ()
    model: dict[str, Any] = field(default_factory=dict)
    training: Training | None = None


def names() -> list[str]:
    """All recipes."""
    return sorted(path.stem for path in FOLDER.glob("*.toml"))


def load(name: str, full: bool = False) -> Recipe:
    """The recipe of that name, or of a `.toml` file; `full` lays its `[full]` part, the paper's own size, over it."""
    path = Path(name) if name.endswith(".toml") else FOLDER / f"{name}.toml"
    if not path.exists():
        raise RecipeError(f"There is no recipe {name!r}; there are {', '.join(names())}.")
    try:
        said = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise RecipeError(f"{path.name} is not valid TOML: {error}.") from error
    larger = said.pop("full", {})
    if full:
        if not larger:
            raise RecipeError(f"{path.name} has no [full] part: it has one size alone.")
        for part, values in larger.items():
            if isinstance(values, dict):
                said[part] = {**said.get(part, {}), **values}
            elif part in TEXTS:
                said[part] = values
            else:
                raise RecipeError(f"{path.name} does not read as a recipe: {part!r} in [full] is no part of one.")
    known = SETS | SIGNALS
    for key, table in (("data", known), ("kind", KINDS | SIGNAL_KINDS)):
        if str(said.get(key)) not in table:
            raise RecipeError(f"{path.name} names the {key} {said.get(key)!r}; there are {', '.join(table)}.")
    try:
        training = Training(**said.pop("training")) if "training" in said else None
        return Recipe(name=path.stem, data=known[said.pop("data")], training=training, **said)
    except TypeError as error:
        raise RecipeError(f"{path.name} does not read as a recipe: {error}.") from error
