"""Weights that are not here yet: they come behind the page, which answers with others until then. No gradio here."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Iterable

from recon import hub

AGAIN = 30.0  # seconds until what could not be had is asked for once more
Fetch = Callable[[Iterable[str], Callable[[str, str | None], None]], object]


class Arrivals:
    """Which checkpoints are here, which are on their way, and why others are not.

    fetch   as `recon.hub.fetch_in_background`: settles names one after another, on a thread of its own
    """

    def __init__(self, fetch: Fetch = hub.fetch_in_background):
        self.fetch = fetch
        self.here: set[str] = set()  # an answer that cannot change while the page runs
        self.coming: set[str] = set()
        self.wanted: set[str] = set()  # of those, which somebody waits for
        self.failed: dict[str, tuple[float, str]] = {}  # when, and a sentence
        self.lock = threading.Lock()

    def begin(self, names: Iterable[str]) -> None:
        """Fetch those that are not here, one after another."""
        with self.lock:
            missing = [name for name in dict.fromkeys(names) if name not in self.coming and not self.has(name)]
            self.coming.update(missing)
        if missing:
            self.fetch(missing, self.settled)

    def has(self, name: str) -> bool:
        """Whether it can be loaded without waiting for the network"""
        if name not in self.here and hub.available(name):
            self.here.add(name)
        return name in self.here

    def want(self, name: str) -> None:
        """Somebody waits for it: it comes beside those that come one after another, also where it did not before."""
        with self.lock:
            since, _ = self.failed.get(name, (-math.inf, ""))
            if name in self.here or name in self.wanted or time.monotonic() < since + AGAIN:
                return
            self.coming.add(name)
            self.wanted.add(name)
        self.fetch([name], self.settled)

    def settled(self, name: str, error: str | None) -> None:
        with self.lock:
            self.coming.discard(name)
            self.wanted.discard(name)
            if error is None:
                self.failed.pop(name, None)
                self.here.add(name)
            else:
                self.failed[name] = time.monotonic(), error

    def why_not(self, name: str) -> str:
        """Why it could not be had the last time; "" where nothing went wrong"""
        return self.failed.get(name, (0.0, ""))[1]
