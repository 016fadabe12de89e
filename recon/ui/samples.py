"""What the parts of the page have in common where samples are drawn, one after another, of something that is shown."""

from __future__ import annotations

from typing import TypeVar

from recon.ui.plainly import hint

NOTHING = "<p class='quiet'>Nothing is drawn yet.</p>"
VALUES = 0.4  # of the time that a sample takes, what its values take; then it is made of them, in parts
STOPPED = "<p class='quiet'>Stopped.</p>"

Shown = TypeVar("Shown")


def there(shown: Shown | None, what: str) -> Shown:
    """What is shown, or a sentence where there is nothing yet"""
    if shown is None:
        raise hint(f"The {what} is still on its way.")
    return shown
