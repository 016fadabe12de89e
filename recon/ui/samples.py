"""What the parts of the page have in common where samples are drawn, one after another, of something that is shown."""

from __future__ import annotations

from typing import TypeVar

from recon.ui.plainly import hint

NOTHING = "<p class='quiet'>Nothing is drawn yet.</p>"
STOPPED = "<p class='quiet'>Stopped.</p>"

Shown = TypeVar("Shown")


def there(shown: Shown | None, what: str) -> Shown:
    """What is shown, or a sentence where there is nothing yet"""
    if shown is None:
        raise hint(f"The {what} is still on its way.")
    return shown
