"""What the parts of the page have in common where samples are drawn, one after another, of something that is shown."""

from __future__ import annotations

from typing import TypeVar

from recon.ui.engine import MOST_SEED, seed_of
from recon.ui.plainly import hint

DRAWING = " ..."  # ends what is said while samples come
NOTHING = "<p class='quiet'>Nothing is drawn yet.</p>"
STOPPED = "<p class='quiet'>Stopped.</p>"

Shown = TypeVar("Shown")


def stopped(step: list) -> list:
    """A step of samples, whose last outputs are what is said and how often they were drawn, when it is the last"""
    return step if DRAWING not in step[-2] else [*step[:-2], STOPPED, step[-1]]


def there(shown: Shown | None, what: str) -> Shown:
    """What is shown, or a sentence where there is nothing yet"""
    if shown is None:
        raise hint(f"The {what} is still on its way.")
    return shown


def next_seed(seed: int) -> int:
    return (seed_of(seed) + 1) % MOST_SEED
