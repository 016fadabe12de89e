"""What one visitor has on the Textures tab: the texture, models of it, what is under way. Kept in a `gr.State`."""

from __future__ import annotations

import math
import threading
from dataclasses import dataclass, field, replace
from functools import cache

import torch
from torch import Tensor

from recon import hub
from recon.models.colour import Colour
from recon.models.directed import LEVELS, dequantised
from recon.models.mcgsm import MCGSM
from recon.models.ride import RIDE
from recon.models.window import Window
from recon.textures.checkpoint import linear_bits
from recon.textures.fit import HELD_OUT, Progress
from recon.textures.pictures import Exemplar, at_hand
from recon.ui.texture_run import KINDS, MCGSM_KIND, Run, Settings

BEFORE = 64  # rows above the held-out ones that a model reads when it is measured
MOST_KEPT = 16  # models that one visitor has learned


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
