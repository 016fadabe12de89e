"""What one visitor has in a part of the Beyond images tab: what is shown, and what is on its way.

What takes long comes in parts, each in a turn of the desk: a stroke, or what somebody else asks, is answered in
between. When a person asked for something, and when they stopped it, is told by their own browser's clock: of whatever
waits for its turn, and wherever, one knows whether it is stopped, or overtaken by a newer question.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any, Generic, TypeVar

import gradio as gr

from recon.ui.desk import AT_ONCE, Desk
from recon.ui.keeping import kept
from recon.ui.plainly import plainly
from recon.ui.texture_figures import bar

PACE, PATIENCE = 0.05, 60.0  # seconds between two looks whether an answer has come, and until one does not look again

Thing = TypeVar("Thing")
Steps = Callable[..., Iterator[tuple[Any, list]]]


class Course(Generic[Thing]):
    """Kept in a `gr.State` and changed in place. Times are milliseconds of the browser's clock.

    shown    what is on the page, whatever is chosen by now; None before there is anything
    asked    when the newest question was asked, and `answered` that whose answer came last, or was stopped
    stopped  when Stop was pressed
    drawn    how often samples were drawn of what is shown
    """

    def __init__(self) -> None:
        self.shown: Thing | None = None
        self.asked = self.answered = 0.0
        self.stopped = -1.0
        self.drawn = 0

    @property
    def coming(self) -> bool:
        """Whether an answer is on its way"""
        return self.answered < self.asked

    def stop(self, now: float | None) -> None:
        """All that was asked for until now"""
        self.stopped = max(self.stopped, now or 0.0)

    def settle(self, now: float = math.inf) -> None:
        """Waits for an answer that is on its way, unless what waits since that time is over."""
        until = time.monotonic() + PATIENCE
        while self.coming and not self.over(now) and time.monotonic() < until:
            time.sleep(PACE)

    def over(self, now: float) -> bool:
        """Whether what was asked for at that time is stopped, or of what is shown no more"""
        return self.asked > now or self.stopped >= now

    def show(self, thing: Thing) -> None:
        self.shown, self.drawn = thing, 0


def answering(
    desk: Desk, steps: Steps, begun: list, halted: Callable[[Any], list], ready: Callable[[], object] = lambda: None
) -> Callable[..., Iterator[list]]:
    """A handler of a course, the time, and what `steps` takes. After `begun`, which waits for no turn, those are pairs:
    what is shown from then on, None while it is made, and the outputs. They end where they are stopped, with what
    `halted` makes of what is still shown; and without a word where the person has asked for something newer. What is
    loaded once is loaded by `ready`, which needs no turn either: it may have to come from far away."""

    @plainly
    def answered(course: Course, now: float | None, *settings: Any) -> Iterator[list]:
        now = now or 0.0  # of one who has no clock
        if course.asked > now:
            yield [gr.skip()] * len(begun)
            return
        course.asked = now
        try:
            yield begun
            ready()
            with closing(steps(*settings)) as coming:  # type: ignore[type-var]
                for thing, outputs in desk.by_turns(coming):
                    if course.asked > now:
                        yield [gr.skip()] * len(begun)  # gradio sends the last once more
                        return
                    if course.stopped >= now:
                        yield halted(course.shown)
                        return
                    if thing is not None:
                        course.show(thing)
                    yield outputs
        except Exception:
            if course.asked == now:
                yield halted(course.shown)
            raise
        finally:
            if course.asked == now:
                course.answered = now

    return answered


def arriving(
    answer: Callable[..., Iterator[list]], outputs: int, read: Callable[[dict], tuple[list, list]]
) -> Callable[..., Iterator[list]]:
    """A handler of a course, the time, what the tab kept before a reload, and what is chosen: where nothing is there or
    on its way, the same with what was kept. `read` makes of that what is chosen, and what shows it; those outputs come
    before the `outputs` of an answer."""

    def arrived(course: Course, now: float | None, text: str, *settings: Any) -> Iterator[list]:
        same = [gr.skip()] * len(settings)
        if course.shown is not None or course.coming:
            yield [*same, *[gr.skip()] * outputs]
            return
        chosen, shown = kept(text, read) or (list(settings), same)
        for step in answer(course, now, *chosen):
            yield [*shown, *step]
            shown = same

    return arrived


def drawing(
    desk: Desk, steps: Callable[..., Iterator[list]], waits: list, last: Callable[[list], list]
) -> Callable[..., Iterator[list]]:
    """A handler of a course and the time: `steps` of what is shown, once an answer that is on its way has come, and of
    how often they were drawn of it before. They end where they are stopped, and where something newer is asked, with
    what `last` makes of the step."""

    @plainly
    def drawn(course: Course, now: float | None) -> Iterator[list]:
        now = now or 0.0
        step = waits
        if course.coming:
            yield waits
            course.settle(now)
        shown, times = course.shown, course.drawn
        course.drawn += 1
        try:
            with closing(steps(shown, times)) as coming:  # type: ignore[type-var]
                for step in desk.by_turns(coming):
                    if course.over(now):
                        yield last(step)
                        return
                    yield step
        except Exception:
            yield last(step)
            raise

    return drawn


def progress(done: float, of: int, said: str) -> str:
    """What is said while something comes; whatever has a Stop shows it as long as this is there."""
    return bar(done / of, said, True)


# How such handlers are listened to: those of several people at once, for the desk says who computes.
QUEUED: dict[str, Any] = {
    "show_progress": "hidden",
    "api_visibility": "private",
    "concurrency_limit": AT_ONCE,
    "trigger_mode": "multiple",
}
