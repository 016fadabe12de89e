"""What one visitor has on the Textures tab: the texture, models of it, what is under way. Kept in a `gr.State`."""

from __future__ import annotations

import math
import threading
from collections.abc import Generator, Iterator
from contextlib import closing
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

import torch
from torch import Tensor

from recon import hub
from recon.errors import PredictionError
from recon.models.colour import Colour
from recon.models.directed import LEVELS, dequantised
from recon.models.mcgsm import MCGSM
from recon.models.ride import RIDE
from recon.models.window import Window
from recon.textures.checkpoint import linear_bits
from recon.textures.fit import HELD_OUT, Progress, fit, rows_held_out
from recon.textures.fit_colour import fit_chroma, rows_learned
from recon.textures.fit_ride import SIZES, fit_ride
from recon.textures.pictures import Exemplar, at_hand
from recon.ui.engine import seed_of, whole

MCGSM_KIND, RIDE_KIND = "mcgsm", "ride"
KINDS = {MCGSM_KIND: "MCGSM", RIDE_KIND: "RIDE"}  # what can be learned here, and what it is called
LIMITS = {
    "components": (1, 32, "components"),
    "radius": (1, 12, "window radius"),
    "features": (1, 64, "features"),
    "steps": (20, 5000, "steps"),
    "ride_steps": (20, 5000, "steps of RIDE"),
}
FINISH, FINISH_ON = 4, 100_000  # iterations of L-BFGS, and pixels that it sees: a third of what Adam takes
FINISH_STEPS = 90  # steps of Adam that take as long as one iteration
CHROMA_STEPS = 400  # for each of both
CHROMA_SHARE = {MCGSM_KIND: 0.2, RIDE_KIND: 0.03}  # of the work on a coloured texture
POINTS = 50  # of a curve, about
RIDE_POINTS = 25  # measuring one takes a second
MEASURED = 50  # pixels of a patch that take as long to learn from as measuring does, spread over all steps
BEFORE = 64  # rows above the held-out ones that a model reads when it is measured
MOST_KEPT = 16  # models that one visitor has learned


@dataclass(frozen=True)
class Settings:
    """Of a fit; `read` checks them.

    radius, steps  of an MCGSM: its window is r rows above and r columns to either side
    ride_steps     of a RIDE, whose window is the paper's; as those that are bundled, it takes the other defaults of
                   `python -m recon texture --ride 900`
    """

    components: int = 12
    radius: int = 7
    features: int = 32
    steps: int = 1500
    ride_steps: int = 900
    seed: int = 0

    @classmethod
    def read(cls, components, radius, features, steps, ride_steps, seed) -> Settings:
        """From what a browser sends; PredictionError or CheckpointError, a plain sentence, for what is out of range."""
        sent = {"components": components, "radius": radius, "features": features, "steps": steps}
        sent["ride_steps"] = ride_steps
        found = {name: whole(value, f"number of {LIMITS[name][2]}") for name, value in sent.items()}
        for name, value in found.items():
            low, high, said = LIMITS[name]
            if not low <= value <= high:
                raise PredictionError(f"Choose {low} to {high} for the {said}.")
        return cls(**found, seed=seed_of(seed or 0))

    def model(self, kind: str) -> MCGSM | RIDE:
        """One that has learned nothing yet; the seed decides its first weights."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.seed)  # only initial weights come from the global generator
            if kind == RIDE_KIND:
                return RIDE(components=self.components, features=self.features)
            return MCGSM(above=self.radius, beside=self.radius, components=self.components, features=self.features)

    def told(self, kind: str) -> dict[str, int]:
        """What counts for a model of that kind."""
        ride = kind == RIDE_KIND
        found = {"components": self.components, "features": self.features, "seed": self.seed}
        return found | ({"steps": self.ride_steps} if ride else {"radius": self.radius, "steps": self.steps})


@dataclass(frozen=True)
class Fitted:
    """A model of a texture. `settings` is None for one that came with the page; `bits` are on held-out rows; `colour`
    is the model and that of chroma, of a coloured texture."""

    model: MCGSM | RIDE
    settings: Settings | None = None
    progress: tuple[Progress, ...] = ()
    bits: float | None = None
    stopped: bool = False
    seconds: float = 0.0
    colour: Colour | None = None

    @property
    def drawing(self) -> MCGSM | RIDE | Colour:
        """What draws"""
        return self.colour or self.model

    @property
    def window(self) -> Window:
        """What the model looks at; a RIDE remembers more."""
        return self.model.context if isinstance(self.model, RIDE) else self.model.window


@dataclass
class Run:
    """A fit from the press of the button on. `stop` ends it at the step that it is at.

    progress  of luma, or all there is of a grey texture
    tinted    of chroma, blue and red
    """

    texture: Exemplar
    settings: Settings
    kind: str = MCGSM_KIND
    progress: list[Progress] = field(default_factory=list)
    tinted: list[Progress] = field(default_factory=list)
    stop: threading.Event = field(default_factory=threading.Event)
    waits: bool = True

    def model(self) -> MCGSM | RIDE:
        """One that has learned nothing yet."""
        return self.settings.model(self.kind)

    def steps(self, model: MCGSM | RIDE) -> Iterator[Progress]:
        """Fit the model in place; when left, it has the best weights there were."""
        with closing(self._fit(model)) as found:
            for progress in found:
                self.progress.append(progress)
                yield progress
                if self.stop.is_set():
                    return

    def tint(self, model: MCGSM | RIDE) -> Generator[Progress, None, Colour | None]:
        """Learn the chroma of a coloured texture beside that model of luma; None where it has none or is stopped."""
        if self.texture.colours is None or self.stop.is_set():
            return None
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.settings.seed)
            found = Colour.over(model)
        learned = rows_learned(*self.texture.image.shape)
        how: dict[str, Any] = {"seed": self.settings.seed, "stop": self.stop.is_set}
        for progress in fit_chroma(
            found, self.texture.colours[None], learned, steps=CHROMA_STEPS, every=CHROMA_STEPS // 8, **how
        ):
            self.tinted.append(progress)
            yield progress
        return None if self.stop.is_set() else found.requires_grad_(False).eval()

    def _fit(self, model: MCGSM | RIDE) -> Generator[Progress, None, None]:
        settings, pixels = self.settings, rows_held_out(self.texture.image, model)
        how: dict[str, Any] = {"seed": settings.seed, "stop": self.stop.is_set}
        if isinstance(model, RIDE):
            every = max(4, settings.ride_steps // RIDE_POINTS)
            yield from fit_ride(model, pixels, steps=settings.ride_steps, every=every, **how)
        else:
            every = max(5, settings.steps // POINTS)
            how |= {"finish": FINISH, "finish_on": FINISH_ON}
            yield from fit(model, pixels, steps=settings.steps, every=every, **how)

    @property
    def share(self) -> float:
        """How much of the work is done, from 0 to 1, about"""
        if not self.progress:
            return 0.0
        rest = 0.0 if self.texture.colours is None else CHROMA_SHARE[self.kind]
        if self.tinted:
            last = self.tinted[-1]
            return 1 - rest + rest * (last.phase.startswith("red") + last.step / last.steps) / 2
        last = self.progress[-1]
        if self.kind == RIDE_KIND:
            return (1 - rest) * ride_share(last.step, last.steps)
        done = last.step if last.phase == "Adam" else self.settings.steps + FINISH_STEPS * last.step
        return (1 - rest) * min(1.0, done / (self.settings.steps + FINISH_STEPS * FINISH))

    @property
    def seconds(self) -> float:
        """That it worked, so far"""
        chroma = [[one.seconds for one in self.tinted if one.phase.startswith(name)] for name in ("blue", "red")]
        return sum(max(some, default=0.0) for some in ([one.seconds for one in self.progress], *chroma))


def ride_share(step: int, steps: int) -> float:
    """How much of the work of fitting a RIDE is done, from 0 to 1: a step takes as long as its patches are large, and
    measuring as much as some more pixels."""
    work = [size**2 + MEASURED for size in SIZES]
    stages = step / steps * len(work)
    whole_stages = int(stages)
    part = work[whole_stages] * (stages - whole_stages) if whole_stages < len(work) else 0
    return (sum(work[:whole_stages]) + part) / sum(work)


@dataclass
class Visit:
    """Changed in place, for a fit may end while something else is looked at.

    mine   the picture that was brought
    fits   by the texture's key and the kind of model
    aside  of a texture that came with the page, the model that came with it or the one learned here: that which is not
           used now
    kind   that is learned, or would be
    """

    texture: Exemplar | None = None
    mine: Exemplar | None = None
    fits: dict[tuple[str, str], Fitted] = field(default_factory=dict)
    aside: dict[tuple[str, str], Fitted] = field(default_factory=dict)
    linear: dict[tuple[str, int], float] = field(default_factory=dict)
    run: Run | None = None
    drawing: threading.Event | None = None
    grown: bool = False
    kind: str = MCGSM_KIND

    def fitted(self, kind: str = MCGSM_KIND) -> Fitted | None:
        """What there is of the texture that is looked at."""
        return self.fits.get((self.texture.key, kind)) if self.texture else None

    def keep(self, texture: Exemplar, kind: str, found: Fitted) -> None:
        """The latest is kept in place of an earlier one of the same texture, which is put aside if it came with the
        page. Of those learned here the oldest go; the few that came with the page stay."""
        before = self.fits.pop((texture.key, kind), None)
        if before is not None and before.settings is None:
            self.aside[texture.key, kind] = before
        self.fits[texture.key, kind] = found
        learned = [key for key, one in self.fits.items() if one.settings is not None]
        for gone in learned[:-MOST_KEPT]:
            del self.fits[gone]
            self.aside.pop(gone, None)

    @property
    def other(self) -> Fitted | None:
        """What is put aside of the texture that is looked at, of the kind that would be learned."""
        return self.aside.get((self.texture.key, self.kind)) if self.texture else None

    def swap(self) -> None:
        """Use that, and put aside what was used."""
        if self.texture is not None and self.other is not None:
            key = self.texture.key, self.kind
            self.fits[key], self.aside[key] = self.aside[key], self.fits[key]

    @property
    def running(self) -> Run | None:
        """The fit that is under way, if it is of the texture that is looked at."""
        same = self.run and self.texture and self.run.texture.key == self.texture.key
        return self.run if same else None

    def end(self, run: Run) -> None:
        """A run is over; another may have taken its place already."""
        if self.run is run:
            self.run = None

    def measure(self, texture: Exemplar) -> None:
        """Bits on held-out rows, of its models and of the best linear predictor, where they are not known yet."""
        for kind in KINDS:
            found = self.fits.get((texture.key, kind))
            if found is not None and found.bits is None:
                self.tell(texture.key, kind, found.model, bits_held_out(found.model, texture.image))
        found = self.fits.get((texture.key, MCGSM_KIND))
        radius = self.radius(texture)
        if (texture.key, radius) in self.linear or not any((texture.key, kind) in self.fits for kind in KINDS):
            return
        came = found is not None and found.settings is None
        window = MCGSM(above=radius, beside=radius, components=1, scales=1, features=1)
        linear = linear_at_hand(texture.name) if came else linear_bits(window, texture.image)
        self.linear[texture.key, radius] = linear

    def tell(self, key: str, kind: str, model: MCGSM | RIDE, bits: float) -> None:
        """What a model reaches. That took a second to work out, in which it may have learned colours, have been put
        aside, or have been replaced: what is kept by now stays."""
        for kept in (self.fits, self.aside):
            now = kept.get((key, kind))
            if now is not None and now.model is model:
                kept[key, kind] = replace(now, bits=bits)

    def radius(self, texture: Exemplar) -> int:
        """Of the window of the best linear predictor that models are measured against: the MCGSM's, or what it would
        have."""
        found = self.fits.get((texture.key, MCGSM_KIND))
        return Settings().radius if found is None else found.window.beside

    def linear_bits(self) -> float | None:
        """What that predictor reaches on held-out rows of the texture that is looked at, if it is known."""
        return self.linear.get((self.texture.key, self.radius(self.texture))) if self.texture else None


@torch.no_grad()
def bits_held_out(model: MCGSM | RIDE, image: Tensor) -> float:
    """Bits per pixel on the held-out rows of uint8 (height, width), the picture above them known; the same noise for
    all models."""
    height, width = image.shape
    counted = model.settled(height, width)
    cut = round(height * (1 - HELD_OUT))
    counted[:cut] = False
    values = dequantised(image, torch.Generator().manual_seed(0))
    above = max(0, cut - BEFORE)
    nats = model.log_prob(values[None, above:])[0][counted[above:]]
    return math.log2(LEVELS) - nats.double().mean().item() / math.log(2)


@cache
def linear_at_hand(name: str) -> float:
    """Bits on held-out rows of the best linear predictor of a texture that came with the page, with its model's window:
    worked out for the first visitor, in seconds."""
    model = hub.load_directed(f"{MCGSM_KIND}-{name}")
    assert isinstance(model, MCGSM)
    return linear_bits(model, at_hand(name).image)
