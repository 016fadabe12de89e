"""An experiment: models, patches and sizes on the same pictures, each mean with a 95 % interval over the pictures.

All pictures of a cell (a model, a family, a size and a seed) share one patch, so that it is conditioned on once. Every
cell sees the same pictures: two of them differ by what they do and not by what they saw, and their difference, taken
picture by picture, is known far better than either mean.
"""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import product

import torch
from torch import Tensor

from recon import baselines, hub, metrics, patches
from recon.errors import ExperimentError
from recon.evaluation.reconstruction import LEVELS
from recon.observation import Observation
from recon.prediction import Predictor

MEASURES = ("psnr_db", "ssim", "bits_per_dim", "coverage")
NEED_SPREAD = ("bits_per_dim", "coverage")
BATCH = 32  # pictures a step: a fraction of a second, so that whoever stops a run does not wait
COLUMNS = ("model", "family", "size", "measure", "level", "mean", "low", "high", "pictures")
PAIRED = ("difference", "difference_low", "difference_high")  # to the first model and family, picture by picture


@dataclass(frozen=True)
class Estimate:
    """A mean over `count` pictures and its 95 % confidence interval, Student's t with count - 1 degrees of freedom;
    nan where fewer than two pictures (for the mean: none) have a value."""

    mean: float
    low: float
    high: float
    count: int


def estimate(values: Tensor) -> Estimate:
    """The mean of independent values (count,). Infinite ones (the PSNR of a picture without error) are left out."""
    from scipy.special import stdtrit

    values = values[values.isfinite()].double()
    count = len(values)
    mean = values.mean().item() if count else math.nan
    if count < 2:
        return Estimate(mean, math.nan, math.nan, count)
    half = float(stdtrit(count - 1, 0.975)) * values.std().item() / math.sqrt(count)
    return Estimate(mean, mean - half, mean + half, count)


@dataclass(frozen=True, eq=False)
class Row:
    """One measure of one model on patches of one family and size.

    level  of the intervals, where the measure is their coverage
    each   every picture's figure, averaged over seeds: float64 (pictures,)
    """

    model: str
    family: str
    size: int
    measure: str
    level: float | None
    each: Tensor

    @cached_property
    def estimate(self) -> Estimate:
        return estimate(self.each)

    def minus(self, other: Row) -> Estimate:
        """The mean difference to another row of the same experiment, paired picture by picture. The interval is over
        pictures, given the very patches that were drawn: two sets of random patches may differ by more."""
        return estimate(self.each - other.each)


@dataclass(frozen=True)
class Step:
    """How far a run is, counted in reconstructions, and the rows that have just been finished."""

    done: int
    total: int
    rows: tuple[Row, ...] = ()


@dataclass(frozen=True, eq=False)
class Experiment:
    """What is to be compared on which pictures.

    pictures  float (count, 1 or 3, side, side) in [0, 1]; models of other channels see them turned grey or to colour
    models    names that `recon.load` knows; families, keys of `recon.patches.FAMILIES`; sizes, in pixels
    seeds     how many patches are drawn of a family with chance; the others have one
    measure   of MEASURES: PSNR over the whole picture with observed pixels kept, SSIM likewise, bits/dim (256 levels)
              and what LEVELS' intervals hold (`metrics.held_each`) over the hidden pixels
    Raises ExperimentError for what cannot be run, PatchError for a patch that cannot be made.
    """

    pictures: Tensor
    models: tuple[str, ...]
    families: tuple[str, ...]
    sizes: tuple[int, ...]
    seeds: int = 1
    measure: str = "psnr_db"

    def __post_init__(self) -> None:
        for name, what in (("models", "model"), ("families", "patch family"), ("sizes", "number of pixels")):
            chosen = getattr(self, name)
            if isinstance(chosen, str):
                raise ExperimentError(f"{name.capitalize()} come as a tuple, and '{chosen}' is a single one.")
            if not chosen:
                raise ExperimentError(f"Choose at least one {what}.")
            if len(set(chosen)) < len(chosen):
                raise ExperimentError(f"A {what} is chosen twice.")
        if not isinstance(self.pictures, Tensor) or self.pictures.ndim != 4 or self.pictures.shape[1] not in (1, 3):
            raise ExperimentError("Pictures are a tensor (count, channels, side, side) with 1 or 3 channels.")
        if self.pictures.shape[2] != self.side or not self.pictures.is_floating_point():
            raise ExperimentError("Pictures are square, and of floats in [0, 1].")
        if len(self.pictures) < 2:
            raise ExperimentError("An interval over pictures needs at least two of them.")
        if self.measure not in MEASURES:
            raise ExperimentError(f"There is no measure {self.measure!r}; there are {', '.join(MEASURES)}.")
        if not patches.is_whole(self.seeds) or self.seeds < 1:
            raise ExperimentError("At least one patch of each family is needed.")
        for family, size in product(self.families, self.sizes):
            patches.make(family, self.side, size)
        if max(self.sizes) >= self.side**2:
            raise ExperimentError("A patch of every pixel leaves nothing to predict.")
        silent = [name for name in self.models if name in baselines.METHODS and self.measure in NEED_SPREAD]
        if silent:
            title = baselines.METHODS[silent[0]].title
            raise ExperimentError(f"{title} gives a mean alone: bits/dim and coverage need a model that says how sure.")

    @property
    def side(self) -> int:
        return self.pictures.shape[-1]

    def patches_of(self, family: str) -> int:
        """How many patches of a family each picture is asked about."""
        return self.seeds if family in patches.SEEDED else 1

    @property
    def reconstructions(self) -> int:
        """How many predictions a run makes."""
        drawn = sum(self.patches_of(family) for family in self.families)
        return len(self.models) * drawn * len(self.sizes) * len(self.pictures)


def run(experiment: Experiment, load: Callable[[str], Predictor] = hub.load) -> Iterator[Step]:
    """Run it in steps of at most BATCH pictures; rows come as they are finished, model by model, family by family.
    Raises ExperimentError for the coverage of a model of black and white.

    Nothing is drawn at random but the patches, whose seeds are 0, 1, ...: the same experiment gives the same rows.
    """
    done, total = 0, experiment.reconstructions
    for name in experiment.models:
        model = load(name)
        if experiment.measure == "coverage" and getattr(model, "binary", False):
            raise ExperimentError(f"'{name}' knows black and white alone: an interval says nothing of two values.")
        truth = seen_by(model, experiment.pictures)
        for family, size in product(experiment.families, experiment.sizes):
            drawn = []
            for seed in range(experiment.patches_of(family)):
                mask = torch.from_numpy(patches.make(family, experiment.side, size, seed))
                parts = []
                for images in truth.split(BATCH):
                    parts.append(scores(model, images, mask, experiment.measure))
                    done += len(images)
                    yield Step(done, total)
                drawn.append(torch.cat(parts, 1))
            each = torch.stack(drawn).mean(0)
            levels = LEVELS if experiment.measure == "coverage" else (None,)
            rows = (Row(name, family, size, experiment.measure, *row) for row in zip(levels, each, strict=True))
            yield Step(done, total, tuple(rows))


def seen_by(model: Predictor, pictures: Tensor) -> Tensor:
    """Pictures as the model's kind: colour, grey, or black and white."""
    whole = Observation(pictures, torch.ones_like(pictures[:, :1], dtype=torch.bool))
    return whole.as_seen_by(model).values


def scores(model: Predictor, truth: Tensor, mask: Tensor, measure: str) -> Tensor:
    """Each picture's figure given one patch, mask bool (side, side): (1, count); for coverage (levels, count)."""
    truth = truth.to(model.device)
    prediction = model.predict(Observation(truth, mask.to(model.device).expand(len(truth), 1, -1, -1)))
    if measure == "coverage":
        return metrics.held_each(prediction, truth, LEVELS).cpu()
    if measure == "bits_per_dim":
        return metrics.bits_per_dim_each(prediction, truth).cpu()[None]
    each = {"psnr_db": metrics.psnr_db_each, "ssim": metrics.ssim_each}[measure]
    return each(prediction.mean, truth).cpu()[None]


def first_of(rows: Sequence[Row]) -> dict[tuple[int, float | None], Row]:
    """The rows of the first model and family, which others are set beside, by size and level."""
    return {(r.size, r.level): r for r in rows if (r.model, r.family) == (rows[0].model, rows[0].family)}


def to_csv(rows: Sequence[Row], settings: Mapping[str, object]) -> str:
    """Rows as CSV, under a line `# name: value` for every setting that it takes to run them again."""
    stream = io.StringIO()
    for name, value in settings.items():
        stream.write(f"# {name}: {value}\n")
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(COLUMNS + PAIRED)
    first = first_of(rows)

    def figures(found: Estimate) -> list[str]:
        return [f"{number:.6g}" for number in (found.mean, found.low, found.high)]

    for row in rows:
        other = first.get((row.size, row.level), row)
        level = "" if row.level is None else row.level
        paired = ["", "", ""] if other is row else figures(row.minus(other))
        head = [row.model, row.family, row.size, row.measure, level]
        writer.writerow([*head, *figures(row.estimate), row.estimate.count, *paired])
    return stream.getvalue()
