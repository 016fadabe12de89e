"""Stop: what comes one after another ends before its next step, and says so itself.

Gradio can cancel it instead; but then an answer that is on its way already may come after what is said of that, and
stays: "step 12 of 32", say, for good.
"""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import gradio as gr

Steps = Callable[..., Iterator[list]]
# nothing that is computed holds it up
ASIDE: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private", "queue": False}


class Halt:
    """What one visitor asked for, numbered, and up to which number it was stopped; and what was asked for once more
    while it was under way."""

    def __init__(self) -> None:
        self.asked = 0
        self.stopped = 0
        self.answered: tuple[int, bytes, list] | None = None

    def begin(self) -> int:
        """The number of what is asked for now, though it may have to wait for its turn."""
        self.asked += 1
        return self.asked

    def stop(self) -> None:
        """All that was asked for by now."""
        self.stopped = self.asked

    def over(self, number: int) -> bool:
        return number <= self.stopped

    def answer(self, number: int, question: bytes, last: list) -> None:
        """What `number` asked for is there: its last step is kept for those that came meanwhile."""
        self.answered = (self.asked, question, last) if self.asked > number else None

    def answer_before(self, number: int, question: bytes) -> list | None:
        """The last step of what was under way when `number` asked for the very same"""
        up_to, same, last = self.answered or (0, b"", [])
        return last if number <= up_to and question == same else None


class Stop:
    """A button that stops what is begun through it. To be made where the page is laid out."""

    def __init__(self, button: gr.Button):
        self.halt, self.number = gr.State(Halt()), gr.State(0)
        button.click(Halt.stop, self.halt, None, **ASIDE)

    def begun(self, event: Callable) -> Callable:
        """In place of an event: comes right after it."""
        return event(Halt.begin, self.halt, self.number, trigger_mode="multiple", **ASIDE).then

    def inputs(self, *more) -> list:
        """Of a handler that is `until_stopped`, before its own"""
        return [self.halt, self.number, *more]


def until_stopped(steps: Steps, last: Callable[[list], list]) -> Steps:
    """The handler, which ends with the step during which it was stopped; that becomes what `last` makes of it. One who
    is impatient and asks the same again gets the same, and it is not computed again."""

    def shown(halt: Halt, number: int, *inputs) -> Iterator[list]:
        question = pickle.dumps(inputs)
        step = halt.answer_before(number, question)
        if step is not None:
            yield step
            return
        with closing(steps(*inputs)) as coming:  # type: ignore[type-var]
            for step in coming:
                if halt.over(number):
                    break
                yield step
            else:
                if step is not None and not halt.over(number):
                    halt.answer(number, question, step)
                return
        yield last(step)  # by now what was stopped is let go of

    return shown
