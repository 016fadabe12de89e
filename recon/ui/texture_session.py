"""What one visitor has on the Textures tab: the texture, models of it, what is under way. Kept in a `gr.State`."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field, replace
from functools import cache

import torch

from recon import hub
from recon.errors import PredictionError
from recon.models.mcgsm import MCGSM
from recon.textures.checkpoint import linear_bits
from recon.textures.fit import Progress, fit, measure, rows_held_out
from recon.textures.pictures import Exemplar, at_hand
from recon.ui.engine import seed_of, whole

MCGSM_KIND = "mcgsm"
KINDS = {MCGSM_KIND: "MCGSM"}  # what can be learned here, and what it is called
LIMITS = {
    "components": (1, 32, "components"),
    "radius": (1, 12, "window radius"),
    "features": (1, 64, "features"),
    "steps": (20, 5000, "steps"),
}
FINISH = 8  # iterations of L-BFGS
FINISH_STEPS = 90  # steps of Adam that take as long as one of them
POINTS = 50  # of a curve, about
MOST_KEPT = 8  # models of one visitor


@dataclass(frozen=True)
class Settings:
    """Of a fit; `read` checks them. The window of radius r is r rows above and r columns to either side."""

    components: int = 12
    radius: int = 7
    features: int = 32
    steps: int = 1500
    seed: int = 0

    @classmethod
    def read(cls, components, radius, features, steps, seed) -> Settings:
        """From what a browser sends; PredictionError or CheckpointError, a plain sentence, for what is out of range."""
        sent = {"components": components, "radius": radius, "features": features, "steps": steps}
        found = {name: whole(value, f"number of {LIMITS[name][2]}") for name, value in sent.items()}
        for name, value in found.items():
            low, high, said = LIMITS[name]
            if not low <= value <= high:
                raise PredictionError(f"Choose {low} to {high} for the {said}.")
        return cls(**found, seed=seed_of(seed or 0))

    def model(self) -> MCGSM:
        """An MCGSM that has learned nothing yet; the seed decides its first weights."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.seed)  # only initial weights come from the global generator
            return MCGSM(above=self.radius, beside=self.radius, components=self.components, features=self.features)


@dataclass(frozen=True)
class Fitted:
    """A model of a texture. `settings` is None for one that came with the page; `bits` are on held-out rows."""

    model: MCGSM
    settings: Settings | None = None
    progress: tuple[Progress, ...] = ()
    bits: float | None = None
    stopped: bool = False


@dataclass
class Run:
    """A fit from the press of the button on. `stop` ends it after the step that it is at."""

    texture: Exemplar
    settings: Settings
    progress: list[Progress] = field(default_factory=list)
    stop: threading.Event = field(default_factory=threading.Event)
    waits: bool = True

    def steps(self, model: MCGSM) -> Iterator[Progress]:
        """Fit the model in place; when left, it has the best weights there were."""
        settings = self.settings
        pixels = rows_held_out(self.texture.image, model)
        every = max(5, settings.steps // POINTS)
        with closing(fit(model, pixels, steps=settings.steps, finish=FINISH, seed=settings.seed, every=every)) as found:
            for progress in found:
                self.progress.append(progress)
                yield progress
                if self.stop.is_set():
                    return

    @property
    def share(self) -> float:
        """How much of the work is done, from 0 to 1, about"""
        if not self.progress:
            return 0.0
        last = self.progress[-1]
        done = last.step if last.phase == "Adam" else self.settings.steps + FINISH_STEPS * last.step
        return min(1.0, done / (self.settings.steps + FINISH_STEPS * FINISH))


@dataclass
class Visit:
    """Changed in place, for a fit may end while something else is looked at."""

    texture: Exemplar | None = None
    mine: Exemplar | None = None  # the picture that was brought
    fits: dict[tuple[str, str], Fitted] = field(default_factory=dict)
    linear: dict[tuple[str, int], float] = field(default_factory=dict)
    run: Run | None = None
    drawing: threading.Event | None = None
    grown: bool = False

    def fitted(self, kind: str = MCGSM_KIND) -> Fitted | None:
        """What there is of the texture that is looked at."""
        return self.fits.get((self.texture.key, kind)) if self.texture else None

    def keep(self, texture: Exemplar, kind: str, found: Fitted) -> None:
        """The latest is kept in place of an earlier one of the same texture; long-forgotten ones go."""
        self.fits.pop((texture.key, kind), None)
        self.fits[texture.key, kind] = found
        while len(self.fits) > MOST_KEPT:
            del self.fits[next(iter(self.fits))]

    @property
    def running(self) -> Run | None:
        """The fit that is under way, if it is of the texture that is looked at."""
        same = self.run and self.texture and self.run.texture.key == self.texture.key
        return self.run if same else None

    def measure(self, texture: Exemplar, kind: str = MCGSM_KIND) -> None:
        """Bits on held-out rows, of the model and of the best linear predictor, where they are not known yet."""
        found = self.fits.get((texture.key, kind))
        if found is None:
            return
        radius = found.model.window.beside
        if (texture.key, radius) not in self.linear:
            came = found.settings is None
            linear = linear_at_hand(texture.name) if came else linear_bits(found.model, texture.image)
            self.linear[texture.key, radius] = linear
        if found.bits is None:
            _, bits = measure(found.model, rows_held_out(texture.image, found.model))
            self.fits[texture.key, kind] = replace(found, bits=bits)


@cache
def linear_at_hand(name: str) -> float:
    """Bits on held-out rows of the best linear predictor of a texture that came with the page, with its model's window:
    worked out for the first visitor, in seconds."""
    model = hub.load_directed(f"{MCGSM_KIND}-{name}")
    assert isinstance(model, MCGSM)
    return linear_bits(model, at_hand(name).image)
