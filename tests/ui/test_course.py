"""What is made in parts: stopped, overtaken, or waited for, without a browser."""

from __future__ import annotations

import threading
import time

import gradio as gr
import pytest

from recon.errors import PredictionError
from recon.ui.course import Course, answering, arriving, drawing
from recon.ui.desk import Desk

PARTS, BEGUN = 5, ["begun"]


def making(thing, log=None):
    """It comes in parts"""
    for part in range(PARTS):
        if log is not None:
            log.append((thing, part))
        yield None, [f"part {part} of {thing}"]
    yield thing, [f"all of {thing}"]


def halted(shown):
    return [f"still {shown}"]


def drawn(shown, times):
    for k in range(PARTS):
        yield [f"{k} of {shown}, {times}"]


def stopped(step):
    return [f"stopped at {step[0]}"]


@pytest.fixture
def desk():
    return Desk()


@pytest.fixture
def course():
    return Course()


def test_what_comes_in_parts_is_shown_when_all_is_there(desk, course):
    coming = answering(desk, making, BEGUN, halted)(course, 1.0, "a")
    assert next(coming) == BEGUN
    for part in range(PARTS):
        assert next(coming) == [f"part {part} of a"] and course.shown is None and course.coming
    assert next(coming) == ["all of a"] and course.shown == "a"
    assert not list(coming) and not course.coming


def test_it_is_stopped_within_one_part_and_what_was_shown_stays(desk, course):
    course.show("before")
    log: list = []
    coming = answering(desk, making, BEGUN, halted)(course, 1.0, "a", log)
    assert [next(coming), next(coming)] == [BEGUN, ["part 0 of a"]]
    course.stop(2.0)
    assert list(coming) == [["still before"]] and len(log) == 2 and course.shown == "before" and not course.coming
    late = answering(desk, making, BEGUN, halted)(course, 1.5, "b")  # it waited, and began late
    assert list(late)[-1] == ["still before"]
    assert list(answering(desk, making, BEGUN, halted)(course, 3.0, "c"))[-1] == ["all of c"]


def test_a_newer_question_overtakes_an_older_one_whichever_begins_first(desk, course):
    answer = answering(desk, making, BEGUN, halted)
    older, newer = answer(course, 1.0, "a"), answer(course, 2.0, "b")
    next(older)
    next(newer)
    assert list(older) == [[gr.skip()]] and course.coming
    assert list(newer)[-1] == ["all of b"] and course.shown == "b"
    assert list(answer(course, 1.5, "late")) == [[gr.skip()]] and course.shown == "b"


def test_samples_are_of_what_is_shown_and_others_each_time(desk, course):
    course.show("a")
    draw = drawing(desk, drawn, ["first"], stopped)
    assert list(draw(course, 1.0))[-1] == ["4 of a, 0"] and list(draw(course, 2.0))[-1] == ["4 of a, 1"]
    course.show("b")
    assert list(draw(course, 3.0))[-1] == ["4 of b, 0"]


@pytest.mark.parametrize("end", [lambda course: course.stop(2.0), lambda course: setattr(course, "asked", 2.0)])
def test_samples_end_with_stop_and_with_a_newer_question(desk, course, end):
    course.show("a")
    coming = drawing(desk, drawn, ["first"], stopped)(course, 1.0)
    assert next(coming) == ["0 of a, 0"]
    end(course)
    assert list(coming) == [["stopped at 1 of a, 0"]]


def test_samples_wait_for_an_answer_that_is_on_its_way(desk, course):
    course.show("a")
    answer = answering(desk, making, BEGUN, halted)(course, 1.0, "b")
    next(answer)
    seen: list = []
    thread = threading.Thread(target=lambda: seen.extend(drawing(desk, drawn, ["first"], stopped)(course, 2.0)))
    thread.start()
    time.sleep(0.2)
    assert seen == [["first"]]
    list(answer)
    thread.join(5)
    assert seen[1:] == [[f"{k} of b, 0"] for k in range(PARTS)]


def test_arriving_again_changes_nothing(desk, course):
    arrive = arriving(answering(desk, making, BEGUN, halted), 1, dict)
    coming = arrive(course, 1.0, "", "a")
    next(coming)
    assert list(arrive(course, 2.0, "", "b")) == [[gr.skip()] * 2]
    assert list(coming)[-1] == [gr.skip(), "all of a"] and list(arrive(course, 3.0, "", "b")) == [[gr.skip()] * 2]


def test_what_the_tab_kept_comes_back_and_what_cannot_be_read_is_a_warning(desk, monkeypatch):
    warned: list = []
    monkeypatch.setattr("recon.ui.keeping.gr.Warning", warned.append)
    arrive = arriving(answering(desk, making, BEGUN, halted), 1, lambda kept: ([kept["it"]], [kept["it"].upper()]))
    first, *_, last = arrive(Course(), 1.0, '{"it": "b"}', "a")
    assert first == ["B", *BEGUN] and last == [gr.skip(), "all of b"] and not warned
    for text in ("{", "[]", "null", '"b"', "{}", '{"it": 1}', "[" * 100_000):
        first, *_, last = arrive(Course(), 1.0, text, "a")
        assert first == [gr.skip(), *BEGUN] and last == [gr.skip(), "all of a"]
    assert warned == ["What this tab held could not be read."] * 7


def test_what_goes_wrong_is_a_sentence_and_no_progress_stays(desk, course):
    def failing(when):
        if when:
            yield None, ["part 0"]
        raise PredictionError("There is no chair.")

    course.show("before")
    for when, seen in ((0, [["still before"]]), (1, [["part 0"], ["still before"]])):
        coming, found = answering(desk, failing, BEGUN, halted)(course, 1.0, when), []
        with pytest.raises(gr.Error, match="no chair"):
            for step in coming:
                found.append(step)
        assert found == [BEGUN, *seen] and not course.coming


def test_others_have_their_turn_between_two_parts(desk, course):
    for _ in answering(desk, making, BEGUN, halted)(course, 1.0, "a"):
        with desk.turns.take():  # would wait for ever if the part still had its own
            pass


def test_one_who_has_no_clock(desk, course):
    assert list(answering(desk, making, BEGUN, halted)(course, None, "a"))[-1] == ["all of a"]
    assert list(drawing(desk, drawn, ["first"], stopped)(course, None))[-1] == ["4 of a, 0"]
    course.stop(None)


def test_what_is_loaded_first_holds_nobody_up(desk, course):
    def ready():
        assert not desk.turns.taken

    assert list(answering(desk, making, BEGUN, halted, ready)(course, 1.0, "a"))[-1] == ["all of a"]
