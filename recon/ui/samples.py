"""What the parts of the page have in common where samples are drawn, one after another, of something that is shown."""

from __future__ import annotations

import time
from typing import TypeVar

from recon.ui.engine import MOST_SEED, seed_of
from recon.ui.plainly import hint

DRAWING = " ..."  # ends what is said while samples come
NOTHING = "<p class='quiet'>Nothing is drawn yet.</p>"
ON_ITS_WAY = 0.3  # seconds: what was sent just before it was stopped would come after what is said of that
STOPPED = "<p class='quiet'>Stopped.</p>"

Shown = TypeVar("Shown")


def stopped(status: str) -> str:
    """What is said after Stop: nothing new where nothing was being drawn"""
    time.sleep(ON_ITS_WAY)
    return STOPPED if DRAWING in status else status


def there(shown: Shown | None, what: str) -> Shown:
    """What is shown, or a sentence where there is nothing yet"""
    if shown is None:
        raise hint(f"The {what} is still on its way.")
    return shown


def next_seed(seed: int) -> int:
    return (seed_of(seed) + 1) % MOST_SEED
