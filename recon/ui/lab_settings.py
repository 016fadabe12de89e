"""What can be set in the Lab, and the experiments that it suggests."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import torch
from torch import Tensor

from recon import baselines, data
from recon.errors import ExperimentError
from recon.evaluation import sources
from recon.evaluation.experiment import Experiment
from recon.ui.engine import SIDE, Engine, seed_of, whole
from recon.ui.grids import FAMILIES

MEASURES = [("PSNR", "psnr_db"), ("SSIM", "ssim"), ("bits/dim", "bits_per_dim"), ("Coverage", "coverage")]
SIZES = [4, 8, 16, 32, 64, 128, 256, 512]
FEWEST, MOST = 8, 256  # pictures; a person's own may be fewer
MOST_SEEDS = 8
MOST_SERIES = 12  # lines of a plot that can still be told apart
MOST_RECONSTRUCTIONS = 20_000  # a minute or two on two cores with the slower models
PAINTER = "gsm-celeba"  # the model that draws faces to experiment on: its joint samples are exact, and instant
OWN, DRAWN = "own", "drawn"

MADE = {
    "photographs": (
        "pieces of photographs",
        "Squares cut at random from four photographs that come with scikit-image: astronaut, cat, coffee, rocket. "
        "They overlap, so that intervals hold for pieces of these four photographs alone.",
    ),
    "faces": (
        "grey faces",
        "Labeled Faces in the Wild: the hundred faces that come with scikit-image, enlarged from 25 × 25.",
    ),
    "leaves": (
        "dead leaves, drawn by code",
        "Discs that hide each other: edges at every scale, and nothing in them that a model has learnt.",
    ),
    DRAWN: (
        "faces drawn by a model",
        "Drawn by the scale mixture itself: a fair test of patches, not of the models.",
    ),
    OWN: ("your own pictures", "Each is cropped to a square and reduced to what the models see."),
}


@dataclass(frozen=True)
class Settings:
    """The controls' values: they say all that it takes to run an experiment again, but for a person's own pictures."""

    data: str = "photographs"
    pictures: int = 64
    picture_seed: int = 0
    models: tuple[str, ...] = ()
    families: tuple[str, ...] = ("random", "sobol")
    sizes: tuple[int, ...] = (16, 32, 64, 128, 256)
    seeds: int = 3
    measure: str = "psnr_db"

    @classmethod
    def read(cls, data, pictures, picture_seed, models, families, sizes, seeds, measure, files=()) -> Settings:
        """From what a browser sends; ExperimentError or CheckpointError, a plain sentence, for what cannot be run."""
        pictures, seeds = whole(pictures, "number of pictures"), whole(seeds, "number of patches")
        if data == OWN:
            if not files:
                raise ExperimentError("Choose the pictures first: there are none yet.")
            pictures = min(pictures, len(files))
        elif not FEWEST <= pictures <= MOST or data not in dict(data_choices_by_name()):
            raise ExperimentError(f"Choose {FEWEST} to {MOST} pictures of the data that are offered.")
        if data == "faces":
            pictures = min(pictures, sources.FACES)
        if not 1 <= seeds <= MOST_SEEDS:
            raise ExperimentError(f"Choose 1 to {MOST_SEEDS} random patches.")
        lists = tuple(models or ()), tuple(families or ()), tuple(sorted(sizes or ()))
        found = cls(data, pictures, seed_of(picture_seed or 0), *lists, seeds, measure)
        found.check()
        return found

    def check(self, side: int = SIDE) -> int:
        """How many reconstructions these settings ask for; ExperimentError where they are too many."""
        count = self.experiment(torch.zeros(1, 3, side, side).expand(self.pictures, -1, -1, -1)).reconstructions
        if count > MOST_RECONSTRUCTIONS:
            raise ExperimentError(
                f"That is {count:,} reconstructions; up to {MOST_RECONSTRUCTIONS:,} run here. "
                "Take fewer pictures, sizes, models or patches."
            )
        if len(self.models) * len(self.families) > MOST_SERIES:
            raise ExperimentError(f"Up to {MOST_SERIES} pairs of a model and a patch can be told apart in one plot.")
        return count

    def experiment(self, pictures: Tensor) -> Experiment:
        return Experiment(pictures, self.models, self.families, self.sizes, self.seeds, self.measure)

    def side(self, engine: Engine) -> int:
        """Of the models, in pixels; ExperimentError where theirs are several, for they would see other pictures."""
        sides = {engine.side(name) for name in self.models if name in engine.records} or {SIDE}
        if len(sides) > 1:
            told = " and ".join(f"{side} x {side}" for side in sorted(sides))
            raise ExperimentError(f"These models see pictures of {told} pixels: choose models of one size.")
        return sides.pop()

    def load(self, engine: Engine, files: Sequence[str] = ()) -> Tensor:
        """The pictures, float32 (count, channels, side, side), of the models' side."""
        side = self.side(engine)
        if self.data == OWN:
            return sources.files(files[: self.pictures], side)
        if self.data == DRAWN:
            painter = PAINTER if side == SIDE else f"{PAINTER}{side}"
            model = engine.model(painter)
            with engine.desk.later():
                return engine.desk.once(sources.drawn, model, self.pictures, self.picture_seed, side)
        if self.data in MADE:
            make = {"photographs": sources.photographs, "faces": sources.faces, "leaves": sources.leaves}[self.data]
            return make(self.pictures, self.picture_seed, side)
        found = data.SETS[self.data]
        if found.side < side:
            raise ExperimentError(
                f"{found.title} has pictures of {found.side} x {found.side} pixels: choose larger ones."
            )
        return data.sets.as_unit(data.load(self.data, "test", side, limit=self.pictures))

    def said(self) -> dict[str, object]:
        """For the head of a CSV file."""
        listed = {
            name: " ".join(map(str, value)) if isinstance(value, tuple) else value
            for name, value in asdict(self).items()
        }
        return listed | {"interval": "95 %, Student's t over pictures, each averaged over its patches"}


def data_choices(engine: Engine) -> list[tuple[str, str]]:
    """(title, name): what is made here, then the image sets that the server has at hand, then one's own."""
    return [(title, name) for name, title in data_choices_by_name() if name != DRAWN or PAINTER in engine.records]


def data_choices_by_name() -> list[tuple[str, str]]:
    folder = os.environ.get("RECON_DATA")
    at_hand = [found for found in data.SETS.values() if folder and (Path(folder) / found.file).exists()]
    sets = [(found.name, f"{found.title}, test pictures") for found in at_hand]
    made = [(name, title) for name, (title, _) in MADE.items()]
    return [*made[:-1], *sets, made[-1]]


def title_of(name: str) -> str:
    return dict(data_choices_by_name()).get(name, name)


def about_data(name: str) -> str:
    """A line on where pictures come from."""
    if name in MADE:
        return MADE[name][1]
    found = data.SETS[name]
    return f"The first test pictures of {found.title}. Terms: {found.terms}."


def model_titles(engine: Engine) -> dict[str, str]:
    return {name: title for title, name in engine.choices()}


def family_titles() -> dict[str, str]:
    return {name: title for title, name in FAMILIES}


@dataclass(frozen=True)
class Preset:
    """A suggested experiment: a question, two sentences on it, what to look for, and its settings."""

    title: str
    story: str
    look: str
    settings: Settings

    def at(self, engine: Engine) -> Preset:
        """With the models that are here; the default one where none of them is."""
        here = tuple(m for m in self.settings.models if m in engine.records or m in baselines.METHODS)
        return replace(self, settings=replace(self.settings, models=here or (engine.default,)))


PRESETS = (
    Preset(
        "Does even coverage help?",
        "Random pixels clump and leave holes; Sobol' points lie evenly. "
        "With the same pictures and as many pixels, is evenness alone worth anything?",
        "Look at how far the upper line lies to the left of the lower one: so many pixels are saved.",
        Settings(models=("mdn-cifar10",)),
    ),
    Preset(
        "How many pixels make a face?",
        "A hundred real faces are shown to a model by 4 pixels of their 1024, by 8, and so on to half of them. "
        "Some pixels tell more than others: a patch designed for faces goes along.",
        "Look at what each doubling buys, and at where the designed patch is ahead of Sobol'.",
        Settings(
            data="faces",
            pictures=100,
            models=("gsm-fer2013",),
            families=("sobol", "designed_celeba"),
            sizes=tuple(SIZES),
            seeds=1,
        ),
    ),
    Preset(
        "What is a network worth over a straight line?",
        "Linear interpolation joins what it sees by straight lines, the Gaussian knows what faces have in common, "
        "and the network may bend. All three see the same pixels of the same faces.",
        "Look at the differences in the table: they are paired, so that small ones show. Then run it for SSIM.",
        Settings(
            data="faces",
            models=("linear", "gaussian-celeba", "mdn-celeba"),
            families=("sobol",),
            seeds=1,
        ),
    ),
    Preset(
        "Do intervals mean what they say?",
        "A 90 % interval should hold the true value nine times in ten. "
        "Here it is counted, on pictures that these models have not seen.",
        "Look at which side of the dashed line a curve runs: above it intervals are wider than they need be, "
        "below it the model is surer than it has a right to be. A value that lies on an interval's end counts in part.",
        Settings(
            models=("gaussian-cifar10", "gsm-cifar10", "mdn-cifar10"),
            families=("sobol",),
            sizes=(64,),
            seeds=1,
            measure="coverage",
        ),
    ),
)
