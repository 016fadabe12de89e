"""A few seconds of `python -m benchmarks fuzz`: nothing breaks, whatever is sent."""

from __future__ import annotations

from benchmarks.fuzz import fuzz


def test_whatever_is_sent_gets_a_sentence_or_an_answer(url):
    caller = fuzz(url, seconds=6, seed=7)
    assert not caller.wrong, caller.wrong
    assert caller.seen["a sentence"] > 10 and caller.seen["an answer"] > 0
