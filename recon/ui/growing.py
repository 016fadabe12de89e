"""What happens on the Textures tab when a texture is grown, watched in slow motion, or taken away as files."""

from __future__ import annotations

import base64
import io
import json
import threading
import time
import zipfile
from collections.abc import Iterator

import gradio as gr
import torch
from safetensors.torch import save
from torch import Tensor

from recon.errors import PredictionError
from recon.models.directed import LEVELS, dequantised
from recon.models.mcgsm import MCGSM
from recon.models.ride import RIDE
from recon.textures.pictures import Exemplar
from recon.textures.slow_motion import slow_motion
from recon.ui import texture_figures
from recon.ui.engine import seed_of, whole
from recon.ui.plainly import plainly
from recon.ui.texture_parts import packed
from recon.ui.texture_run import KINDS
from recon.ui.texture_session import Fitted, Visit

SMALLEST, LARGEST = 64, 512  # pixels a side
COOLEST, HOTTEST = 0.1, 1.5
OFTEN = 0.12  # seconds between two pictures
SHARE = 3  # times as long as a picture takes to be shown, drawing goes on
NOISE, ITSELF = "noise", "texture"
STARTS = [("noise", NOISE), ("the texture itself", ITSELF)]
SLOW_SIDE = 40  # pixels; fewer where a pixel has many experts
MOST_NUMBERS = 150_000  # that are sent of a slow motion
README = """Made by recon: a model of one texture.

config.json        keyword arguments of recon.models.MCGSM, of RIDE if there is "hidden", of Colour if there is "luma"
model.safetensors  its weights
settings.json      how it was learned, and what it reaches

    from safetensors.torch import load_file
    model = MCGSM(**json.load(open("config.json")))
    model.load_state_dict(load_file("model.safetensors"))
    *_, picture = model.generate(256, 256, torch.Generator().manual_seed(0))
"""


class Growing:
    """`how` is size, seed, temperature, start, kind of model; slow motion takes no size."""

    @plainly
    def grow(self, visit: Visit, *how) -> Iterator[list]:
        """The picture and what is said of it, about eight times a second, and the button that saves it."""
        yield from self.draw(visit, *how)

    @plainly
    def greet(self, visit: Visit, *how) -> Iterator[list]:
        """The same, if nothing has been drawn yet and something can be: so that a person sees what this is."""
        if visit.grown or visit.fitted(how[-1]) is None:
            yield [gr.skip()] * 3
        else:
            yield from self.draw(visit, *how)

    def draw(self, visit: Visit, size, seed, temperature, start, kind) -> Iterator[list]:
        texture, fitted = model_of(visit, kind)
        side = whole(size, "number of pixels")
        if not SMALLEST <= side <= LARGEST:
            raise PredictionError(f"A texture is grown to {SMALLEST} to {LARGEST} pixels a side.")
        how = hot(temperature), first_rows(start, texture)
        generator = torch.Generator().manual_seed(seed_of(seed or 0))
        about = f"{texture.title} · {KINDS[kind]} · {side} x {side} · seed {int(seed or 0)} · temperature {how[0]:g}"
        if visit.drawing is not None:
            visit.drawing.set()
        visit.drawing = stop = threading.Event()
        visit.grown = True
        began = shown = time.perf_counter()
        picture, wait = None, OFTEN
        for picture in fitted.drawing.generate(side, side, generator, 1, *how):
            now = time.perf_counter()
            if stop.is_set():
                yield [*self.drawn(picture, about, "stopped"), ready()]
                return
            if now - shown > wait:
                yield [*self.drawn(picture, about, "growing …", True), gr.skip()]
                shown = time.perf_counter()
                wait = max(OFTEN, SHARE * (shown - now))  # where showing is slow, drawing comes first
        assert picture is not None
        yield [*self.drawn(picture, about, f"{time.perf_counter() - began:.1f} s"), ready()]

    def drawn(self, picture: Tensor, about: str, said: str, busy: bool = False) -> list:
        mark = "texture-busy quiet" if busy else "quiet"
        return [texture_figures.drawn(picture[0], about), f"<p class='{mark}'>{about} · {said}</p>"]

    @plainly
    def suit(self, visit: Visit, kind) -> dict:
        """Which kind of model is to draw: one that there is."""
        there = [one for one in KINDS if visit.fitted(one) is not None]
        return gr.skip() if kind in there or not there else gr.update(value=there[0])

    @plainly
    def latest(self, visit: Visit) -> dict:
        """The same, after one was learned: that one, if its texture is still looked at."""
        key, kind = next(reversed(visit.fits), ("", ""))
        return gr.update(value=kind) if visit.texture and visit.texture.key == key else gr.skip()

    @plainly
    def stop(self, visit: Visit) -> None:
        """What is drawn so far stays."""
        if visit.drawing is not None:
            visit.drawing.set()

    @plainly
    def slowly(self, visit: Visit, seed, temperature, start, kind) -> dict:
        """The value of the `SlowMotionView`."""
        texture, fitted = model_of(visit, kind)
        model, generator = fitted.model, torch.Generator().manual_seed(seed_of(seed or 0))
        side = slow_side(model)
        shown = slow_motion(model, side, generator, hot(temperature), first_rows(start, texture))
        # the whole axis is what the texture has, and a little more
        low, high = (texture.image.min().item() / LEVELS, (texture.image.max().item() + 1) / LEVELS)
        edge = 0.03 * (high - low)
        return packed(shown, low - edge, high + edge)

    @plainly
    def weights(self, visit: Visit, kind) -> str:
        """A zip file, as base64."""
        texture, fitted = model_of(visit, kind)
        stream = io.BytesIO()
        with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("config.json", json.dumps(fitted.drawing.arguments, indent=2))
            tensors = {name: tensor.contiguous() for name, tensor in fitted.drawing.state_dict().items()}
            archive.writestr("model.safetensors", save(tensors))
            archive.writestr("settings.json", described(visit, texture, fitted, kind))
            archive.writestr("README.txt", README)
        return base64.b64encode(stream.getvalue()).decode("ascii")

    @plainly
    def settings(self, visit: Visit, kind) -> str:
        """What was learned, how, and what it reaches: JSON."""
        return described(visit, *model_of(visit, kind), kind)


def model_of(visit: Visit, kind) -> tuple[Exemplar, Fitted]:
    """The texture that is looked at and its model, or a plain sentence."""
    if kind not in KINDS:
        raise PredictionError("Choose a model that is offered here.")
    fitted = visit.fitted(kind)
    if visit.texture is None or fitted is None:
        if visit.running is not None:
            raise PredictionError(
                "This texture is still being learned. Wait for the end, or stop it and keep what it has."
            )
        title = KINDS[kind]
        raise PredictionError(f"There is no {title} of this texture yet. Choose {title} at the top, then “Learn it”.")
    return visit.texture, fitted


def hot(temperature) -> float:
    """A temperature, or a plain sentence."""
    if (
        isinstance(temperature, bool)
        or not isinstance(temperature, int | float)
        or not COOLEST <= temperature <= HOTTEST
    ):
        raise PredictionError(f"Choose a temperature from {COOLEST} to {HOTTEST}.")
    return float(temperature)


def first_rows(start, texture: Exemplar) -> Tensor | None:
    """What a new texture begins from, as `Directed.generate` takes it."""
    if start not in (NOISE, ITSELF):
        raise PredictionError("A texture is grown from noise or from the texture itself.")
    return dequantised(texture.image) if start == ITSELF else None


def slow_side(model: MCGSM | RIDE) -> int:
    """How many pixels a side are shown in slow motion, so that a browser gets about as much of any model."""
    numbers = model.mixture.components * (model.mixture.scales + 1)
    return max(16, min(SLOW_SIDE, int((MOST_NUMBERS / numbers) ** 0.5)))


def described(visit: Visit, texture: Exemplar, fitted: Fitted, kind: str) -> str:
    """JSON for a person or a program"""
    told = {
        "texture": {"title": texture.title, "height": texture.image.shape[0], "width": texture.image.shape[1]},
        "model": {"kind": fitted.drawing.kind, **fitted.drawing.arguments},
        "learned": {**fitted.settings.told(kind), "seconds": round(fitted.seconds, 1), "stopped": fitted.stopped}
        if fitted.settings
        else None,
        "bits_per_pixel_held_out": {
            kind: fitted.bits,
            "linear_gaussian": visit.linear_bits(),
        },
        "curve": [
            {
                "phase": one.phase,
                "step": one.step,
                "seconds": one.seconds,
                "learned": one.learned,
                "held_out": one.held_out,
            }
            for one in fitted.progress
        ],
    }
    return json.dumps(told, indent=2)


def ready() -> dict:
    return gr.update(interactive=True)
