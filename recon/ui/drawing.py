"""The gallery of the Reconstruct tab: joint samples as they form, and one of them looked at closely."""

from __future__ import annotations

import time
from collections.abc import Iterator

import gradio as gr
import numpy as np

from recon import schedules
from recon.errors import PredictionError
from recon.painting import where
from recon.ui import figures
from recon.ui.engine import Engine, seed_of, whole
from recon.ui.plainly import plainly

SAMPLES = 8
STEPS = 32
MOST_SECONDS = 60.0  # a drawing of samples ends here whatever the model


class Drawing:
    """Bound to an engine."""

    def __init__(self, engine: Engine):
        self.engine = engine

    @plainly
    def draw(self, painting, model, seed, order="sobol", steps=STEPS, temperature=1.0) -> Iterator[list]:
        """Gallery and a line about it, as the samples form. Where that fails, what has come stays."""
        shown = [gr.skip(), "not drawn"]
        try:
            for shown in self.forming(painting, model, seed, order, steps, temperature):
                yield shown
        except Exception:
            yield self.stopped(shown)
            raise

    def forming(self, painting, model, seed, order, steps, temperature) -> Iterator[list]:
        if self.engine.at_hand(model) != model:
            raise PredictionError("The weights of this model are on their way: its samples wait for them.")
        known = self.engine.model(model)
        observation = self.engine.observe(model, painting)
        if not self.engine.desk.ask(known, observation).prediction.has_spread:
            raise PredictionError("This method gives a mean alone, so it has no other pictures to offer.")
        count, said = whole(steps, "number of groups"), schedules.ORDERS.get(order, order)
        exact = f"joint samples in {count} groups, {said}"
        if known.exact_joint:
            exact = "exact joint samples"
        elif getattr(known, "copula", False):
            exact = "joint samples in one step, by a Gaussian copula"
        pngs: list[str] = []
        how = (SAMPLES, count, seed_of(seed or 0), order, temperature)
        room = {"count": SAMPLES, "side": painting.side}
        began = shown = time.perf_counter()
        yield [{"pngs": [], **room, "busy": True}, "drawing …"]
        for step, drawn in enumerate(self.engine.desk.drawing(known, observation, *how)):
            now = time.perf_counter()
            if now - began > MOST_SECONDS:
                yield [{"pngs": pngs, **room, "busy": False}, "stopped after a minute"]
                return
            pngs = [figures.picture_uri(sample) for sample in drawn.values.cpu()]
            if now - shown > 0.25:  # a frame now and then; each costs the browser a redraw
                shown = now
                yield [{"pngs": pngs, **room, "busy": True}, f"step {step + 1} of {count}"]
        took = 1000 * (time.perf_counter() - began)
        yield [{"pngs": pngs, **room, "busy": False}, f"{len(pngs)} {exact} · {figures.duration(took)}"]

    @staticmethod
    def stopped(step: list) -> list:
        """What has come stays."""
        if not step[0].get("busy"):  # all has come, or nothing
            return step
        return [{**step[0], "busy": False}, "stopped"]

    @plainly
    def choose(self, event: gr.EventData, samples, painting, marked, selected):
        """A sample in place of the mean: look, reconstruction."""
        index = event.index
        if not isinstance(index, int) or not 0 <= index < len(samples["pngs"]):
            return [gr.skip(), gr.skip()]
        if samples.get("side") != painting.side:
            raise PredictionError("This sample is of another grid: draw new ones.")
        place = where(selected, painting.side)
        view = {
            "png": samples["pngs"][index],
            "side": painting.side,
            "observed": np.flatnonzero(painting.mask).tolist() if marked else [],
            "selected": [] if place[0] is None else list(place),
        }
        return ["sample", view]
