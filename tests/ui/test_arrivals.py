"""Models whose weights are on their way, and what answers until they are here."""

from __future__ import annotations

import pytest

from recon import hub
from recon.painting import Painting
from recon.ui import arrivals
from recon.ui.arrivals import Arrivals
from recon.ui.engine import STAND_IN, Engine
from recon.ui.handlers import Handlers
from recon.ui.late import LATER, SOON

WANTED, KIN = "mdn-celeba", "gsm-celeba"
FRESH = ("", "mean", True, "")  # no truth, the mean, marks, nothing selected


@pytest.fixture
def asked(monkeypatch):
    """What is fetched, and how it is settled; only KIN is here."""
    asked = []
    monkeypatch.setattr(hub, "available", lambda name: name == KIN)
    return asked


@pytest.fixture
def engine(asked):
    engine = Engine("cpu")
    engine.arrivals = Arrivals(lambda names, settle: asked.append((list(names), settle)))
    return engine


def test_what_is_here_is_not_fetched_and_nothing_twice(engine, asked):
    engine.arrivals.begin([KIN, WANTED, WANTED])
    engine.arrivals.begin([WANTED])
    assert [names for names, _ in asked] == [[WANTED]] and engine.arrivals.coming == {WANTED}
    engine.arrivals.want(WANTED)  # beside the others
    engine.arrivals.want(WANTED)
    assert [names for names, _ in asked] == [[WANTED]] * 2


def test_the_best_that_is_here_answers_until_then(engine, asked):
    assert engine.at_hand(WANTED) == KIN and engine.at_hand(KIN) == KIN
    assert engine.at_hand("gsm-mnist") == STAND_IN and engine.at_hand("nearest") == "nearest"
    results = Handlers(engine).results(Painting.empty(32), WANTED, *FRESH)
    view, status, note = results[0], results[4], results[5]
    assert view["again"] == SOON and view["model"] == WANTED
    assert engine.records[KIN].title in status and "are on their way. Until they are here" in note
    asked[0][1](WANTED, None)
    results = Handlers(engine).results(Painting.empty(32), WANTED, *FRESH)
    assert "again" not in results[0] and engine.records[WANTED].title in results[4] and "on their way" not in results[5]


def test_what_cannot_be_had_is_said_and_asked_for_again_later(engine, asked, monkeypatch):
    engine.at_hand(WANTED)
    asked[0][1](WANTED, "The Hub is down.")
    results = Handlers(engine).results(Painting.empty(32), WANTED, *FRESH)
    assert results[0]["again"] == LATER and "The Hub is down. Until they are here" in results[5]
    assert len(asked) == 1
    monkeypatch.setattr(arrivals, "AGAIN", 0.0)
    engine.at_hand(WANTED)
    assert len(asked) == 2


def test_doubts_and_samples_wait_for_it(engine):
    assert Handlers(engine).doubt(Painting.empty(32), WANTED) == ""
    from recon.ui.drawing import Drawing

    with pytest.raises(Exception, match="on their way"):
        list(Drawing(engine).draw(Painting.empty(32), WANTED, 0))
