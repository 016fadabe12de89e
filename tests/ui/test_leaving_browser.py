"""People who go while something is computed for them, and too many who come."""

from __future__ import annotations

import time

import pytest

from recon import sampling
from tests.ui.visitor import expect

STEPS, PACE = 200, 0.1  # of a drawing that would take twenty seconds


@pytest.fixture(scope="module")
def tabs():
    return ()


@pytest.fixture
def slow(monkeypatch):
    """Samples that come slowly: what became of each drawing, its steps and whether it was ended."""
    drawings: list[dict] = []

    def stream(model, observation, count, *_):
        drawings.append(this := {"steps": 0, "ended": False})
        try:
            for _ in range(STEPS):
                time.sleep(PACE)
                this["steps"] += 1
                yield observation.repeat(count)
        finally:
            this["ended"] = True

    monkeypatch.setattr(sampling, "stream", stream)
    return drawings


def wait(true, seconds: float = 15) -> None:
    until = time.monotonic() + seconds
    while not true() and time.monotonic() < until:
        time.sleep(0.05)
    assert true()


def test_a_tab_that_is_closed_takes_its_work_with_it(visitor, slow, engine):
    visitor.press("Draw samples")
    wait(lambda: slow and slow[0]["steps"] > 5)
    visitor.page.close()
    wait(lambda: slow[0]["ended"])
    assert slow[0]["steps"] < STEPS / 2
    wait(lambda: not engine.desk.turns.taken and not engine.desk.turns.waiting)


def test_what_is_stopped_ends_within_a_step_or_two(visitor, slow):
    visitor.press("Draw samples")
    wait(lambda: slow and slow[0]["steps"] > 5)
    visitor.press("Stop")
    expect(visitor.page.locator("#recon-drawn")).to_have_text("stopped")
    steps = slow[0]["steps"]
    wait(lambda: slow[0]["ended"])
    assert slow[0]["steps"] <= steps + 2
    visitor.press("Draw samples")  # and another may begin
    wait(lambda: len(slow) == 2 and slow[1]["steps"] > 2)


def test_where_too_many_wait_a_stroke_is_kept_and_one_is_told(visitor, served, monkeypatch):
    before = visitor.shown()
    with monkeypatch.context() as full:
        full.setattr(served._queue, "max_size", 0)
        visitor.paint((2, 2), (2, 9))
        said = visitor.page.get_by_test_id("toast-text").first
        expect(said).to_have_text("This application is currently busy. Please try again. ")  # gradio's own words
        painted = visitor.cells(64 + 8)
    assert visitor.shown() == before and (2, 5) in painted
    visitor.paint((30, 30))
    visitor.changed(before)
    assert set(painted) < set(visitor.cells(64 + 9))
    visitor.errors[:] = [said for said in visitor.errors if "503" not in said]
