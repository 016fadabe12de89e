"""What is stopped, or of one who left, is let go of: generators are closed and nothing holds what was computed. By weak
references, for what a process's memory is says little."""

from __future__ import annotations

import copy
import gc
import inspect
from collections import deque
from contextlib import suppress
from weakref import ref

import pytest
from gradio.state_holder import StateHolder

from recon import sampling
from recon.models import MCGSM
from recon.ui import page
from recon.ui.desk import Desk
from recon.ui.drawing import Drawing
from recon.ui.halting import Halt, until_stopped
from recon.ui.texture_session import Fitted, Visit


class Own(dict):
    """As what a drawing remembers, but that it can be referred to weakly."""


@pytest.fixture
def held(monkeypatch) -> tuple[list, list[ref]]:
    """Each drawing's steps, and all that they made: pictures, and what the model remembered for them"""
    streams, made = [], []

    def remembered() -> Own:
        made.append(ref(found := Own()))
        return found

    def watched(*arguments):
        def steps():
            for drawn in stream(*arguments):
                made.extend([ref(drawn), ref(drawn.values), ref(drawn.mask)])
                yield drawn
                del drawn

        streams.append(steps())
        return streams[-1]

    stream = sampling.stream
    monkeypatch.setattr(sampling, "Own", remembered)
    monkeypatch.setattr(sampling, "stream", watched)
    return streams, made


@pytest.fixture
def drawing(engine, face):
    """One under way, as the page asks for it, and its button"""
    halt = Halt()
    steps = until_stopped(Drawing(engine).draw, Drawing.stopped)(halt, halt.begin(), face, "mdn-celeba", 0)
    next(steps)
    next(steps)
    return steps, halt


def all_gone(made: list[ref]) -> bool:
    gc.collect()
    return len(made) > 3 and not [one for one in (each() for each in made) if one is not None]


def over(steps) -> bool:
    return inspect.getgeneratorstate(steps) == inspect.GEN_CLOSED


def test_what_is_stopped_is_let_go_of(engine, held, drawing):
    steps, halt = drawing
    streams, made = held
    assert not over(streams[0]) and not all_gone(made)
    halt.stop()
    assert next(steps)[1] == "stopped"  # and it is not asked any further
    assert over(streams[0]) and all_gone(made)
    assert not engine.desk.turns.taken and not engine.desk.turns.waiting and not engine.desk.asks


def test_what_one_who_left_had_asked_for_is_let_go_of(engine, held, drawing):
    """Gradio closes what it no longer asks."""
    steps, _ = drawing
    streams, made = held
    steps.close()
    assert over(steps) and over(streams[0]) and all_gone(made)
    assert not engine.desk.turns.taken and not engine.desk.turns.waiting


def test_what_failed_is_let_go_of(engine, held, face, monkeypatch):
    """A model that fails in the middle: its error is told, and takes nothing along."""
    known = engine.model("mdn-celeba")
    asked, predict = [], type(known).in_turn

    def failing(model):
        ask = predict(model)

        def one(*arguments):
            asked.append(1)
            if len(asked) == 3:
                raise ValueError("none")
            return ask(*arguments)

        return one

    streams, made = held
    monkeypatch.setattr(type(known), "in_turn", failing)
    with suppress(ValueError):
        deque(engine.desk.drawing(known, engine.observe("mdn-celeba", face), 2, 8, 0), 0)
    assert len(asked) == 3
    assert over(streams[0]) and all_gone(made) and not engine.desk.turns.taken


def test_an_answer_is_let_go_of_by_the_desk_once_it_is_told():
    """What models remember of masks has a bound of its own, `recon.memory`."""
    from tests.models.fitted import fitted, observe

    desk, model = Desk(), fitted()
    said = desk.ask(model, observe(model, 5)[0])
    made = [ref(said), ref(said.prediction), ref(said.mean), ref(said.deviation)]
    del said
    assert all_gone(made) and not desk.asks


def test_a_visitor_who_left_takes_their_models_along(engine, monkeypatch):
    """After an hour in which the tab might come back, or as soon as a hundred others have come."""
    built = page.build(engine, ("Textures",))
    built.state_session_capacity = 2
    holder = StateHolder()
    holder.set_blocks(built)
    place = next(key for key, block in built.blocks.items() if isinstance(getattr(block, "value", None), Visit))

    def come(name: str) -> ref:
        holder[name][place] = visit = copy.deepcopy(built.blocks[place].value)
        learned = MCGSM(above=2, beside=2, components=2)
        visit.fits["mine", "mcgsm"] = Fitted(learned)
        return ref(learned)

    first = come("first")
    assert not gone(first)
    second, third = come("second"), come("third")
    assert gone(first) and not gone(second) and not gone(third)
    left = holder["second"]
    left.is_closed, left.STATE_TTL_WHEN_CLOSED = True, 0
    holder.delete_all_expired_state()
    del left
    assert gone(second) and not gone(third)


def gone(one: ref) -> bool:
    gc.collect()
    return one() is None


def test_nothing_here_needs_gradients(engine, face):
    """A graph would hold on to all that was computed on the way."""
    said = engine.desk.ask(engine.model("mdn-celeba"), engine.observe("mdn-celeba", face))
    assert not said.mean.requires_grad and said.mean.grad_fn is None
