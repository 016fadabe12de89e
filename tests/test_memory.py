"""What models remember of masks, together."""

from __future__ import annotations

import gc
import sys
import threading
from dataclasses import dataclass

import pytest

from recon import memory
from recon.memory import Memory, memory_of, put, remembering
from tests.models.fitted import fitted, observe


@dataclass
class Kept:
    nbytes: int


class Extended(Kept):
    is_extended = True


@pytest.fixture
def alone(monkeypatch):
    """As if no model had been loaded yet."""
    monkeypatch.setattr(memory, "_memories", type(memory._memories)())
    monkeypatch.setattr(memory, "MOST_BYTES", 100)


def test_what_was_asked_about_longest_ago_gives_way_of_whichever_model(alone):
    one, other = Memory(), Memory()
    put(one, 1, Kept(40))
    put(other, 2, Kept(40))
    put(one, 3, Kept(10))
    put(one, 1, one.pop(1))  # asked about again
    put(other, 4, Kept(30))
    assert (list(one), list(other)) == ([3, 1], [4])
    put(other, 5, Kept(1000))
    assert (list(one), list(other)) == ([], [5])  # the newest stays however large it is


def test_a_model_that_is_gone_is_no_more_counted(alone):
    one, other = Memory(), Memory()
    put(one, 1, Kept(90))
    del one
    gc.collect()
    put(other, 2, Kept(90))
    assert list(other) == [2] and len(memory._memories) == 1


def test_a_memory_of_ones_own_takes_no_room_of_the_others(alone):
    common = Memory()
    put(common, 1, Kept(90))
    with remembering({}):
        put(memory_of(common), 2, Kept(90))
    assert list(common) == [1]


def test_of_ones_own_the_newest_is_remembered_alone(alone):
    """Which a drawing of samples extends: with the masks before it, it had held hundreds of megabytes."""
    with remembering(own := {}):
        model = fitted()
        for size in (3, 5, 7):
            model.predict(observe(model, size)[0])
        put(memory_of(Memory()), 2, Kept(1))
    assert [len(each) for each in own.values()] == [1, 1] and not model.conditioned and not memory.bytes_held()


def test_all_that_is_kept_counts(alone):
    model = fitted()
    kept = model.condition(observe(model, 5)[0].mask.flatten())
    assert memory.bytes_held() == kept.nbytes == kept.factor.nbytes + kept.rows[0].nbytes


def test_what_is_forgotten_leaves_nothing(alone, monkeypatch):
    monkeypatch.setattr(memory, "MOST_BYTES", 10**9)
    one = Memory()
    for key in range(300):
        put(one, key, Extended(1))
        memory.forget_old(one)
    assert len(one) == memory.REMEMBERED and one.asked.keys() == one.keys()


def test_models_share_the_bound(alone):
    models = [fitted(), fitted()]
    for seed in range(4):
        for model in models:
            model.predict(observe(model, 5, seed)[0])
    counts = [sum(one.nbytes for one in model.conditioned.values()) for model in models]
    newest = list(models[1].conditioned.values())[-1].nbytes
    assert sum(counts) <= max(100, newest)


def test_models_are_made_while_others_remember(alone):
    """Of a set that grows while it is gone through, Python makes an error."""
    ended, failed = threading.Event(), []

    def remember():
        one = Memory()
        try:
            for k in range(2000):
                put(one, k % 7, Kept(1))
                memory.bytes_held()
        except RuntimeError as error:
            failed.append(error)
        ended.set()

    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        threading.Thread(target=remember).start()
        kept = []
        while not ended.is_set():
            kept = [*kept[-30:], Memory()]
    finally:
        sys.setswitchinterval(before)
    assert not failed
