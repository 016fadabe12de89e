"""Stop, without a browser."""

from __future__ import annotations

import copy

import pytest

from recon.ui.halting import Halt, until_stopped


def counting(count: int, ended: list[int]):
    """One number after another, and what was the last when it ended"""
    step = 0
    try:
        for step in range(count):
            yield [step]
    finally:
        ended.append(step)


def test_it_ends_with_the_step_it_was_stopped_in_and_says_so_last():
    halt, ended = Halt(), []
    steps = until_stopped(counting, lambda step: [f"stopped at {step[0]}"])(halt, halt.begin(), 9, ended)
    assert [next(steps), next(steps)] == [[0], [1]]
    halt.stop()
    assert list(steps) == [["stopped at 2"]] and ended == [2]


def test_what_waits_is_stopped_as_well_but_not_what_is_asked_for_after_that():
    halt, ended = Halt(), []
    halt.stop()  # there is nothing yet that it could stop
    begun, waiting = halt.begin(), halt.begin()
    shown = until_stopped(counting, lambda _: ["stopped"])
    assert next(shown(halt, begun, 3, ended)) == [0]
    halt.stop()
    after = halt.begin()
    assert list(shown(halt, waiting, 3, ended)) == [["stopped"]]
    assert list(shown(halt, after, 3, ended)) == [[0], [1], [2]]


def test_of_one_who_left_nothing_goes_on():
    halt, ended = Halt(), []
    steps = until_stopped(counting, list)(halt, halt.begin(), 9, ended)
    next(steps)
    steps.close()
    assert ended == [0]


def test_a_fault_comes_through():
    def failing():
        yield [0]
        raise ValueError("none")

    halt = Halt()
    steps = until_stopped(failing, list)(halt, halt.begin())
    assert next(steps) == [0]
    with pytest.raises(ValueError, match="none"):
        next(steps)


def test_a_visitor_has_one_of_their_own():
    halt = Halt()
    other = copy.deepcopy(halt)
    other.begin()
    assert halt.asked == 0


def test_what_is_asked_again_meanwhile_is_not_computed_again():
    halt, ended = Halt(), []
    shown = until_stopped(counting, list)
    first = shown(halt, halt.begin(), 3, ended)
    assert next(first) == [0]
    again, other = halt.begin(), halt.begin()
    assert list(first) == [[1], [2]]
    assert list(shown(halt, again, 3, [])) == [[2]] and ended == [2]  # the very same, as far as it is asked with
    assert list(shown(halt, other, 4, [])) == [[0], [1], [2], [3]]
    later = halt.begin()
    assert list(shown(halt, later, 4, [])) == [[0], [1], [2], [3]], "who asks afterwards wants it anew"
