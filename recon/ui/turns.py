"""A lock that many wait for: who gets it next."""

from __future__ import annotations

import heapq
import itertools
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager


class Turns:
    """A lock that goes to the one whose time comes first: that of asking, and what it can wait. Who has it may take it
    again."""

    def __init__(self) -> None:
        self.changed = threading.Condition()
        self.waiting: list[tuple[float, int]] = []
        self.number = itertools.count()
        self.taken = False
        self.owner: int | None = None  # a thread

    @contextmanager
    def take(self, patience: float = 0.0, since: float | None = None) -> Iterator[None]:
        """`since` is when it was asked for, as time.monotonic says it, if not now."""
        if self.owner == threading.get_ident():
            yield
            return
        place = ((time.monotonic() if since is None else since) + patience, next(self.number))
        with self.changed:
            heapq.heappush(self.waiting, place)
            while self.taken or self.waiting[0] != place:
                self.changed.wait()
            heapq.heappop(self.waiting)
            self.taken, self.owner = True, threading.get_ident()
        try:
            yield
        finally:
            with self.changed:
                self.taken, self.owner = False, None
                self.changed.notify_all()
