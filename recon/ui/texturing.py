"""What happens on the Textures tab while a texture is chosen and learned.

All that is shown follows from the visit, which handlers change in place: whoever looks at another texture while one is
learned sees that other one, and finds the first as it was.
"""

from __future__ import annotations

import html
from collections.abc import Generator, Iterator
from typing import Any

import gradio as gr

from recon import hub
from recon.errors import CheckpointError, DataError, ImageError, ReconError
from recon.models.colour import Colour
from recon.models.mcgsm import MCGSM
from recon.models.ride import RIDE
from recon.textures import pictures, shipped
from recon.textures.pictures import Exemplar
from recon.ui import texture_figures
from recon.ui.plainly import plainly
from recon.ui.texture_run import KINDS, Run, Settings
from recon.ui.texture_session import Fitted, Visit

FIRST = "grass"
NOTHING_YET = "Nothing is learned of this texture yet."
STILL_ANOTHER = " What is drawn further down is still of another texture."
WAITING = "waiting for its turn …"
BUNDLED_BACK, LEARNED_BACK = "Back to the bundled model", "Back to the model learned here"


class Texturing:
    """`shown` is the order of outputs: cards, picture, what was done to it, progress, curves, the button that changes
    models, how good it is, and the buttons that need a model: grow, slow motion, weights, settings."""

    OUTPUTS = 11

    @plainly
    def arrive(self, visit: Visit) -> list:
        """The tab is opened: with a texture, the first time."""
        if visit.texture is not None:
            return [gr.skip()] * self.OUTPUTS
        return self.look_at(visit, pictures.at_hand(FIRST))

    @plainly
    def choose(self, visit: Visit, event: gr.EventData) -> list:
        """A card is pressed."""
        names = list(shipped.TEXTURES)
        index = event.index if isinstance(event.index, int) else -1
        if 0 <= index < len(names):
            return self.look_at(visit, pictures.at_hand(names[index]))
        if index == len(names) and visit.mine is not None:
            return self.look_at(visit, visit.mine)
        return [gr.skip()] * self.OUTPUTS

    @plainly
    def take(self, visit: Visit, picture, how) -> Iterator[list]:
        """A picture is dropped in, or another way to make it small is chosen; the choice of ways is the last output."""
        if picture is None:
            yield [gr.skip()] * (self.OUTPUTS + 1)
            return
        ways = gr.update(visible=not pictures.fits(picture))
        try:
            texture = pictures.own(picture, how)
        except ImageError:
            # the other way may do
            yield [*[gr.skip()] * self.OUTPUTS, ways]
            raise
        visit.mine = texture
        yield [*self.look_at(visit, texture), ways]

    def look_at(self, visit: Visit, texture: Exemplar) -> list:
        visit.texture = texture
        for kind in KINDS:
            if visit.fitted(kind) is None and (model := bundled(texture.name, kind)) is not None:
                visit.keep(texture, kind, Fitted(model))
        return self.shown(visit)

    @plainly
    def measure(self, visit: Visit) -> list:
        """What takes seconds to work out, after all else is shown: how good the model is. Outputs as `moved`."""
        if visit.texture is not None:
            visit.measure(visit.texture)
        return self.moved(visit)

    @plainly
    def switch(self, visit: Visit, kind) -> list:
        """Another kind of model is to be learned: outputs as `moved`, of what there is of it."""
        if kind in KINDS:
            visit.kind = kind
        return self.moved(visit)

    @plainly
    def begin(self, visit: Visit, *settings) -> list:
        """Progress and all that follows it, before a fit has its turn; a sentence pops up if it cannot have one."""
        if visit.texture is None:
            raise DataError("Choose a texture first.")
        found = Settings.read(*settings)
        if visit.run is not None:
            visit.run.stop.set()
        visit.run = Run(visit.texture, found, visit.kind)
        return self.moved(visit)

    @plainly
    def swap(self, visit: Visit) -> list:
        """Back to the model that came with the page, or to the one learned here: outputs as `moved`."""
        if visit.run is None:
            visit.swap()
        return self.moved(visit)

    @plainly
    def learn(self, visit: Visit) -> Iterator[list]:
        """Fit; outputs as `moved`. What it has is kept, whether it ends or is stopped, but for what is `outdone`."""
        run = visit.run
        if run is None or run.stop.is_set():
            yield self.moved(visit)
            return
        try:
            run.waits = False
            yield self.moved(visit)
            model = run.model()
            colour = yield from self.tint(visit, run, model)
            for _ in run.steps(model):
                yield self.moved(visit)
            if run.progress and not outdone(visit, run):
                fitted = Fitted(
                    model.requires_grad_(False),
                    run.settings,
                    tuple(run.progress),
                    stopped=run.stop.is_set(),
                    seconds=run.seconds,
                    colour=colour,
                )
                visit.keep(run.texture, run.kind, fitted)
        except ReconError:
            visit.end(run)
            yield self.moved(visit)
            raise
        finally:
            visit.end(run)
        yield self.moved(visit)

    def tint(self, visit: Visit, run: Run, model: MCGSM | RIDE) -> Generator[list, None, Colour | None]:
        """The colours come first, if there are any: seconds, and whoever stops luma later has them."""
        steps = run.tint(model)
        while True:
            try:
                next(steps)
            except StopIteration as ended:
                return ended.value
            yield self.moved(visit)

    @plainly
    def stop(self, visit: Visit) -> str:
        """The progress; the fit itself ends after its next step."""
        run = visit.run
        if run is None:
            return self.bar(visit)
        run.stop.set()
        if run.waits:
            visit.run = None
        return self.bar(visit)

    def shown(self, visit: Visit) -> list:
        texture = visit.texture
        return [
            cards(visit),
            texture_figures.picture(texture),
            f"<p class='quiet'>{html.escape(texture.said, quote=False)}</p>" if texture else "",
            *self.moved(visit)[3:],
        ]

    def moved(self, visit: Visit) -> list:
        """What may have changed while the texture is the same."""
        run, fitted = visit.running, visit.fitted(visit.kind)
        progress = run.progress if run else fitted.progress if fitted else ()
        ready = gr.update(interactive=any(visit.fitted(kind) for kind in KINDS))
        other = visit.other if visit.run is None else None
        back = LEARNED_BACK if other and other.settings else BUNDLED_BACK
        return [
            *[gr.skip()] * 3,
            self.bar(visit),
            texture_figures.curves(progress, visit.linear_bits()),
            gr.update(value=back, visible=other is not None),
            good(visit),
            *[ready] * 4,
        ]

    def bar(self, visit: Visit) -> str:
        """How far the fit is, or what there is of it."""
        run, fitted = visit.running, visit.fitted(visit.kind)
        if run is not None:
            return texture_figures.bar(run.share, self.pace(run), busy=True)
        if visit.run is not None:
            return texture_figures.bar(0, f"{visit.run.texture.title} is still being learned.", busy=True)
        if fitted is None:
            stale = visit.grown and not any(visit.fitted(kind) for kind in KINDS)
            return texture_figures.bar(0, NOTHING_YET + STILL_ANOTHER * stale, busy=False)
        if not fitted.progress:
            return texture_figures.bar(
                1, "This model came with the page; learn one of your own if you like.", busy=False
            )
        best, word = fitted.progress[-1].best, "Stopped after" if fitted.stopped else "Learned in"
        said = f"{word} {fitted.seconds:.0f} s. The model that was best on held-out rows is kept: {best:.2f} bits/px."
        if fitted.colour is None and visit.texture is not None and visit.texture.colours is not None:
            said += " Its colours are not learned: it draws in grey."
        return texture_figures.bar(1, said, busy=False)

    def pace(self, run: Run) -> str:
        if run.stop.is_set():
            return "stopping after this step; what is best so far is kept …"
        if run.waits:
            return WAITING
        if not run.progress and run.tinted:
            return f"its colours first, given luma: {run.tinted[-1].phase.partition(',')[0]}, {run.seconds:.0f} s"
        if not run.progress:
            return "looking at the texture …"
        last, share = run.progress[-1], run.share
        bits = f"{last.learned:.2f} bits/px on learned rows, {last.held_out:.2f} on held-out rows"
        so_far = f"{bits}; {last.phase}, {run.seconds:.0f} s"
        if share < 0.02:  # what came before the first step would count for too much
            return so_far
        return f"{so_far}; about {run.seconds * (1 - share) / share:.0f} s to go"


def outdone(visit: Visit, run: Run) -> bool:
    """Whether a fit was stopped while it was worse than one that was learned here before of the same texture: a press
    of a button too many does not cost minutes of learning."""
    before = visit.fits.get((run.texture.key, run.kind))
    if before is None or not before.progress or not run.stop.is_set():
        return False
    return before.progress[-1].best <= run.progress[-1].best


def bundled(name: str, kind: str) -> MCGSM | RIDE | None:
    """The model of a texture that came with the page, if one did."""
    try:
        found = hub.load_directed(f"{kind}-{name}") if name else None
    except CheckpointError:
        return None
    return found if isinstance(found, MCGSM | RIDE) else None


def cards(visit: Visit) -> dict[str, Any]:
    """The value of the `TextureCards`; a person's own picture is the last."""
    offered = [pictures.at_hand(name) for name in shipped.TEXTURES] + ([visit.mine] if visit.mine else [])
    keys = [texture.key for texture in offered]
    chosen = keys.index(visit.texture.key) if visit.texture and visit.texture.key in keys else -1
    shown = [{"title": texture.title, "png": texture_figures.thumbnail(texture)} for texture in offered]
    return {"cards": shown, "chosen": chosen}


def good(visit: Visit) -> str:
    """Bits per pixel of every model of this texture on its held-out rows, as HTML."""
    models = [(title, one) for kind, title in KINDS.items() if (one := visit.fitted(kind)) is not None]
    if not models or visit.texture is None:
        return f"<p class='quiet'>{NOTHING_YET}</p>"
    linear = visit.linear_bits()
    found = [] if linear is None else [("Linear Gaussian", "the best straight line", linear)]
    for title, one in models:
        if one.bits is not None:
            parts = f"{one.model.mixture.components} components, {one.model.mixture.scales} scales"
            found.append((title, parts, one.bits))
    if not found:
        return "<p class='quiet'>measuring …</p>"
    return texture_figures.bars(found) + verdict(visit.texture, found)


def verdict(texture: Exemplar, found: list[tuple[str, str, float]]) -> str:
    """What the bars say, in a sentence."""
    (first, _, linear), *models = found
    if not models or first in KINDS.values():
        return ""
    name, _, bits = min(models, key=lambda one: one[2])
    saved = linear - bits
    if abs(saved) < 0.005:
        said = f"On {texture.title.lower()} {name} is level with the best linear predictor."
    else:
        word = "fewer" if saved > 0 else "more"
        said = f"{name} needs {abs(saved):.2f} bits a pixel {word} than the best linear predictor."
    return f"<p class='quiet'>{html.escape(said, quote=False)} Plain grey levels are 8 bits.</p>"
