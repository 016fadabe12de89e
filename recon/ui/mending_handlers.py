"""What happens in the Mend section of the Textures tab. All that is shown follows from the visitor's job, which
handlers change in place, so that whatever ends or fails, the hole and what fills it are still there."""

from __future__ import annotations

import base64
import html
import io
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import gradio as gr
from PIL import Image

from recon.errors import PredictionError
from recon.ui import mending_figures, texture_figures
from recon.ui.engine import seed_of, whole
from recon.ui.growing import model_of
from recon.ui.hole import Hole
from recon.ui.mending_job import STARTS, Job
from recon.ui.plainly import plainly
from recon.ui.texture_run import KINDS, RIDE_KIND
from recon.ui.texture_session import Visit

FEWEST, MOST = 1, 100  # sweeps that are asked for at once
OFTEN, SELDOM = 0.2, 0.8  # seconds between two pictures; between two curves: a browser is slow to draw those
NOTHING = "Nothing is filled yet. Paint a hole, or take the one that is there, and press “Fill it”."


@dataclass
class Work:
    """What a visitor has of this section; changed in place."""

    job: Job | None = None


class Mending:
    """`shown` is the order of outputs: picture, a line about it, curves, side by side, and the buttons to go on and to
    save."""

    OUTPUTS = 6

    @plainly
    def look(self, visit: Visit, kind) -> list:
        """The painter and a line about the model."""
        if visit.texture is None:
            return [gr.skip(), gr.skip()]
        picture = texture_figures.png(visit.texture.shown)
        return [gr.update(picture=picture), f"<p class='quiet'>{html.escape(who(visit, kind), quote=False)}</p>"]

    @plainly
    def suit(self, visit: Visit, kind) -> list:
        """The same where the texture or its model is another, and the kind of a model that there is."""
        there = [one for one in KINDS if visit.fitted(one) is not None]
        if kind in there or not there:
            return [*self.look(visit, kind), gr.skip()]
        return [*self.look(visit, there[0]), gr.update(value=there[0])]

    @plainly
    def begin(self, visit: Visit, work: Work, hole: Hole, kind, seed, sweeps) -> list:
        """All that is shown, before the job has its turn; a sentence pops up if it cannot have one."""
        texture, fitted = model_of(visit, kind)
        named = f"{KINDS[kind]} · seed {seed_of(seed or 0)}"
        job = Job(texture, fitted.model, named, hole, seed_of(seed or 0), asked(sweeps), fitted.colour)
        if work.job is not None:
            work.job.stop.set()
        work.job = job
        return self.shown(job)

    @plainly
    def run(self, work: Work) -> Iterator[list]:
        """Fill, or go on."""
        job = work.job
        if job is None:
            yield [gr.skip()] * self.OUTPUTS
            return
        job.waits = False
        seen = compared = time.perf_counter()
        points = 0
        for _ in job.go():
            job.waits = False  # who goes on before this one has heard stop would else be told to wait for it
            if work.job is not job:
                return  # another hole is filled by now
            now = time.perf_counter()
            if len(job.points) != points and now - compared > SELDOM:
                seen, compared, points = now, now, len(job.points)
                yield self.shown(job)
            elif now - seen > OFTEN:
                seen = now
                yield self.moved(job)
        if work.job is job:
            yield self.shown(job)

    @plainly
    def more(self, work: Work, sweeps) -> list:
        """So many sweeps more, before they have their turn."""
        job, count = work.job, asked(sweeps)
        if job is None:
            raise PredictionError("Fill a hole first.")
        job.until = int(job.done) + count
        job.waits = True
        job.stop.clear()
        return self.shown(job)

    @plainly
    def beside(self, work: Work) -> dict[str, Any]:
        """Side by side, with what scikit-image makes of the same hole."""
        if work.job is not None and work.job.biharmonic is None:
            work.job.interpolate()
        return mending_figures.side_by_side(work.job)

    @plainly
    def stop(self, work: Work) -> str:
        """The line; the job itself ends after its next step."""
        if work.job is not None:
            work.job.stop.set()
        return line(work.job)

    @plainly
    def save(self, work: Work) -> str:
        """The whole picture, its hole mended: a PNG as base64"""
        if work.job is None:
            raise PredictionError(NOTHING)
        stream = io.BytesIO()
        Image.fromarray(work.job.whole()).save(stream, "PNG")
        return base64.b64encode(stream.getvalue()).decode("ascii")

    def shown(self, job: Job) -> list:
        return [
            mending_figures.view(job),
            line(job),
            mending_figures.lines(job),
            mending_figures.side_by_side(job),
            gr.update(interactive=True),
            gr.update(interactive=job.canvas is not None),
        ]

    def moved(self, job: Job) -> list:
        """What has changed within a start or a sweep"""
        return [mending_figures.view(job), line(job), *[gr.skip()] * (self.OUTPUTS - 2)]


def asked(sweeps) -> int:
    """How many sweeps, or a plain sentence"""
    count = whole(sweeps, "number of sweeps")
    if not FEWEST <= count <= MOST:
        raise PredictionError(f"Choose {FEWEST} to {MOST} sweeps.")
    return count


def who(visit: Visit, kind) -> str:
    """Which model fills a hole in the texture that is looked at"""
    fitted, texture = visit.fitted(kind), visit.texture
    if texture is None or fitted is None:
        title = KINDS.get(kind, "such model")
        return f"No {title} of this texture yet: choose it at the top of this tab, and press “Learn it”."
    slow = " It takes several times as long as an MCGSM." if kind == RIDE_KIND else ""
    if fitted.settings is None:
        return f"Filled by the {KINDS[kind]} of {texture.title.lower()} that came with the page.{slow}"
    return f"Filled by the {KINDS[kind]} of this texture that was learned here.{slow}"


def swept(count: int) -> str:
    return f"{count} sweep{'s' * (count != 1)}"


def line(job: Job | None) -> str:
    """Where a job is, as HTML"""
    if job is None:
        return f"<p class='quiet'>{NOTHING}</p>"
    stopped, busy = job.stop.is_set(), job.busy
    if busy and job.waits:
        said = "waiting for its turn …"
    elif job.started < STARTS:
        begun = f"start {int(job.started) + 1} of {STARTS}"
        said = f"stopped at {begun}; what is drawn is kept" if stopped else f"drawing {begun} …"
        said += "" if job.bits is None else f" · best so far {job.bits:.2f} bits/px"
    else:
        said = f"sweep {min(int(job.done) + 1, job.until)} of {job.until}" if busy else swept(int(job.done))
        said += ", stopped" if stopped else ""
        said += "" if job.bits is None else f" · {job.bits:.2f} bits/px"
        said += "" if job.acceptance is None else f" · {100 * job.acceptance:.0f} % of blocks taken"
    about = f"{job.texture.title} · {job.named}"
    told = html.escape(f"{about} · {said} · {job.seconds:.1f} s", quote=False)
    return f"<p class='quiet{' texture-busy' if busy else ''}'>{told}</p>"
