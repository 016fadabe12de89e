"""One fit on the Textures tab: what it is asked to do, and how far it is."""

from __future__ import annotations

import threading
from collections.abc import Generator, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

from recon.chance import first_weights
from recon.errors import PredictionError
from recon.models.colour import Colour
from recon.models.mcgsm import MCGSM
from recon.models.ride import RIDE
from recon.textures.fit import Progress, fit, rows_held_out
from recon.textures.fit_colour import fit_chroma, rows_learned
from recon.textures.fit_ride import SIZES, fit_ride
from recon.textures.pictures import Exemplar
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
        with first_weights(self.seed):
            if kind == RIDE_KIND:
                return RIDE(components=self.components, features=self.features)
            return MCGSM(above=self.radius, beside=self.radius, components=self.components, features=self.features)

    def told(self, kind: str) -> dict[str, int]:
        """What counts for a model of that kind."""
        ride = kind == RIDE_KIND
        found = {"components": self.components, "features": self.features, "seed": self.seed}
        return found | ({"steps": self.ride_steps} if ride else {"radius": self.radius, "steps": self.steps})


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
        """Learn the chroma of a coloured texture, for a model of luma that may still have to learn; None where there
        are no colours, or it is stopped."""
        if self.texture.colours is None or self.stop.is_set():
            return None
        with first_weights(self.settings.seed):
            found = Colour.over(model)
        learned = rows_learned(*self.texture.image.shape)
        how: dict[str, Any] = {"seed": self.settings.seed, "stop": self.stop.is_set}
        for progress in fit_chroma(
            found, self.texture.colours[None], learned, steps=CHROMA_STEPS, every=CHROMA_STEPS // 8, **how
        ):
            self.tinted.append(progress)
            yield progress
        found.chroma.requires_grad_(False)
        return None if self.stop.is_set() else found

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
        rest = CHROMA_SHARE[self.kind] if self.tinted else 0.0
        if not self.progress:
            last = self.tinted[-1] if self.tinted else None
            return rest * (last.phase.startswith("red") + last.step / last.steps) / 2 if last else 0.0
        last = self.progress[-1]
        if self.kind == RIDE_KIND:
            return rest + (1 - rest) * ride_share(last.step, last.steps)
        done = last.step if last.phase == "Adam" else self.settings.steps + FINISH_STEPS * last.step
        return rest + (1 - rest) * min(1.0, done / (self.settings.steps + FINISH_STEPS * FINISH))

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
