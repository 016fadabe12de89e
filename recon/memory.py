"""What closed forms remember of masks that they were conditioned on: in common, or each asker his own.

In common is quick: who paints, paints on. But a factor that was extended differs from one made anew by float32's
rounding, and what is drawn from it may then be another picture. Where the same seed has to give the same picture,
whoever asked before, a memory of one's own begins empty. What all models remember in common has one bound together. Of
what is one's own a model remembers the newest alone: samples are drawn group by group, and all that one needs of a mask
is to extend it to the next, while the last few masks of a drawing come to hundreds of megabytes.
"""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from operator import itemgetter
from typing import Any
from weakref import WeakSet

import numpy as np
from torch import Tensor

MOST_BYTES = 160_000_000  # in all memories in common together; thirty people at 32 x 32
ROOMY = 0.9  # of that is left where it was too much, so that not every stroke has to look for what is oldest
REMEMBERED = 8  # masks of a model that are kept, whatever became of them; all within the bound
PAINTERS = 40  # of older ones those that nothing was added to since: where each of many people has come to


class Memory(dict[int, Any]):
    """What one model remembers in common: by `bits_of` a mask, the newest last, something that has `nbytes`, and
    `is_extended`, whether it was the one before another."""

    __hash__ = object.__hash__  # type: ignore[assignment]  # each is itself alone

    def __init__(self) -> None:
        super().__init__()
        self.asked: dict[int, int] = {}
        with _lock:
            _memories.add(self)

    def __reduce__(self) -> tuple:
        """Copied and pickled empty: a copy would be counted nowhere."""
        return Memory, ()


Own = dict[Memory, dict]  # in whose place each is: it dies with what was worked out from, as an `id` would not
_own: ContextVar[Own | None] = ContextVar("own", default=None)
_memories: WeakSet[Memory] = WeakSet()
_clock = itertools.count()
_lock = threading.Lock()


@contextmanager
def remembering(own: Own) -> Iterator[None]:
    """Within it this thread's models know, and add to, what is in `own` alone."""
    before = _own.set(own)
    try:
        yield
    finally:
        _own.reset(before)


def memory_of(common: Memory) -> dict:
    """What a model remembers: in common, or within `remembering` alone"""
    own = _own.get()
    return common if own is None else own.setdefault(common, {})


def bits_of(mask: Tensor) -> int:
    """A mask, bool (pixels,), as a number: of a hundred of them, those within another are found in microseconds."""
    return int.from_bytes(np.packbits(mask.cpu().numpy()).tobytes(), "big")


def worth_extending(memory: dict, bits: int) -> Any:
    """What is remembered of the largest mask within the one of these `bits`, but None if that is less than half of
    it: then it costs no more to begin anew."""
    within = [other for other in list(memory) if not other & ~bits and 2 * other.bit_count() >= bits.bit_count()]
    return memory.get(max(within, key=int.bit_count, default=-1))  # another thread may have forgotten it


def recall(common: Memory, mask: Tensor, make: Callable[[Any], Any]) -> Any:
    """What is remembered of a mask, (pixels,), or what is made of the one of a mask within it, or of None."""
    memory, bits = memory_of(common), bits_of(mask)
    # taken out and put back as the newest: another thread may forget it in between
    found = memory.pop(bits, None)
    if found is None:
        before = worth_extending(memory, bits)
        found = make(before)
        if before is not None:
            before.is_extended = True
    put(memory, bits, found)
    forget_old(memory)
    return found


def forget_old(memory: dict[int, Any]) -> None:
    """All but those that are REMEMBERED, and PAINTERS'"""
    painters = 0
    for age, (bits, one) in enumerate(reversed(list(memory.items()))):
        painters += not one.is_extended
        if age >= REMEMBERED and (one.is_extended or painters > PAINTERS):
            drop(memory, bits)


def drop(memory: dict, key: int) -> Any:
    """What it was, and None where another thread was quicker"""
    if isinstance(memory, Memory):
        memory.asked.pop(key, None)
    return memory.pop(key, None)


def put(memory: dict, key: int, one: Any) -> None:
    """As the newest; what was asked about longest ago gives way to it, of whichever model, or all else that is one's
    own."""
    memory[key] = one
    if isinstance(memory, Memory):
        with _lock:
            memory.asked[key] = next(_clock)
            forget_oldest()
    else:
        for other in [other for other in memory if other != key]:
            del memory[other]


def forget_oldest() -> None:
    """But for the newest of all, where more than MOST_BYTES are held: until there is room again for some."""
    total = held()
    if total <= MOST_BYTES:
        return
    order = []
    for memory in list(_memories):
        # a list at once: others drop what is old without waiting for this
        order += [(time, memory, key) for key, time in list(memory.asked.items())]
    for _, memory, key in sorted(order, key=itemgetter(0))[:-1]:
        if total <= ROOMY * MOST_BYTES:
            return
        one = drop(memory, key)
        total -= 0 if one is None else one.nbytes


def bytes_held() -> int:
    """In all memories in common together; what two masks share is counted twice"""
    with _lock:
        return held()


def held() -> int:
    return sum(one.nbytes for memory in list(_memories) for one in list(memory.values()))
