"""What the parts of the page have in common where samples are drawn, one after another, of something that is shown."""

from __future__ import annotations

from typing import TypeVar

from recon.ui.engine import MOST_SEED, seed_of
from recon.ui.plainly import hint

DRAWING = " ..."  # ends what is said while samples come
NOTHING = "<p class='quiet'>Nothing is drawn yet.</p>"
STOPPED = "<p class='quiet'>Stopped.</p>"

Shown = TypeVar("Shown")


class Halt:
    """What Stop says to what draws samples, one a visitor: which of those that were asked for are over.

    What draws reads it between two steps and says itself that it stopped. Were it cancelled instead, an answer that is
    on its way already could come after that was said, and stay.
    """

    def __init__(self) -> None:
        self.asked = 0
        self.stopped = 0

    def begin(self) -> int:
        """The number of what is asked for now, though it may have to wait until others are drawn."""
        self.asked += 1
        return self.asked

    def stop(self) -> None:
        """All that was asked for by now."""
        self.stopped = self.asked

    def over(self, number: int) -> bool:
        return number <= self.stopped


def there(shown: Shown | None, what: str) -> Shown:
    """What is shown, or a sentence where there is nothing yet"""
    if shown is None:
        raise hint(f"The {what} is still on its way.")
    return shown


def next_seed(seed: int) -> int:
    return (seed_of(seed) + 1) % MOST_SEED
