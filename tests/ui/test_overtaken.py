"""Strokes that their own painter has overtaken: the server drops them, whoever sends them."""

from __future__ import annotations

import asyncio
import threading
import time

import httpx
import pytest

from benchmarks import load
from recon.painting import Painting
from recon.ui import desk as desks
from recon.ui import page as pages
from recon.ui import plainly
from recon.ui.desk import Desk, Overtaken, overtaken
from recon.ui.plainly import the_newest
from tests.models.fitted import fitted, observe


@pytest.fixture(scope="module")
def tabs():
    return ()


@pytest.fixture
def answered(monkeypatch):
    """How many pixels were observed in each question that a model was asked."""
    counts: list[int] = []
    real = desks.answered

    def answered(asks):
        counts.extend(int(one.observation.mask.sum()) for one in asks)
        return real(asks)

    monkeypatch.setattr(desks, "answered", answered)
    return counts


def test_of_strokes_that_wait_the_last_of_each_person_is_answered(served, url, engine, answered, monkeypatch):
    """Through the queue: ten by one and one by another, while something else is computed."""
    told, real = set(), plainly.asked_at

    def noted() -> float:
        told.add(found := real())
        return found

    monkeypatch.setattr(plainly, "asked_at", noted)
    engine.answer(engine.default, Painting.parse({"side": 32, "cells": [[1, 1, 200, 100, 50]]}))  # what is loaded once

    async def paint() -> list[dict]:
        async with httpx.AsyncClient(base_url=url, timeout=30) as client:
            page = load.Page((await client.get("config")).json())
            stroke = page.event("recon-painter", "stroke", "recon-view")

            async def send(session: str, count: int) -> str:
                cells = [[k, k, 200, 100, 50] for k in range(count)]
                data = stroke.filled({page.named["recon-painter"]: {"side": 32, "cells": cells}})
                body = {"data": data, "fn_index": stroke.number, "trigger_id": stroke.trigger, "session_hash": session}
                return (await client.post("gradio_api/queue/join", json=body)).json()["event_id"]

            async def answers(session: str, events: list[str]) -> list[list]:
                found: dict = {}
                async with client.stream("GET", "gradio_api/queue/data", params={"session_hash": session}) as stream:
                    async for line in stream.aiter_lines():
                        said = load.json.loads(line[5:]) if line.startswith("data:") else {}
                        if said.get("msg") == "process_completed":
                            assert said["success"], said
                            found[said["event_id"]] = said["output"]["data"]
                        if len(found) == len(events):
                            return [found[event] for event in events]
                raise AssertionError("not all are answered")

            with engine.desk.turns.take():
                answered.clear()
                mine = []
                for count in range(1, 11):  # at once, as the page would not: threads may begin them in another order
                    mine.append(await send("mine", count))
                other = [await send("other", 20)]
                until = time.monotonic() + 30
                while (len(engine.desk.asks) < 2 or len(told) < 11) and time.monotonic() < until:
                    await asyncio.sleep(0.05)
                await asyncio.sleep(0.5)  # those that wait behind the first of their own
                # one that was overtaken before its turn at the desk is answered already, and gone
                assert told >= {one.enqueue_time for one in served._queue.event_ids_to_events.values()}
            return [await answers("mine", mine), await answers("other", other)]

    (*dropped, last), (other,) = asyncio.run(paint())
    assert sorted(answered) == [10, 20]
    for each in dropped:
        assert len(each) == 6 and all(part["__type__"] == "update" and "value" not in part for part in each)
    assert last[0]["png"] and other[0]["png"] and last[0]["png"] != other[0]["png"]


def test_what_is_overtaken_is_neither_asked_nor_kept():
    desk, (observation, _) = Desk(), observe(fitted(), 3)
    before = overtaken.set(lambda: True)
    with pytest.raises(Overtaken):
        desk.ask(fitted(), observation)
    overtaken.reset(before)
    assert not desk.asks and desk.ask(fitted(), observation).mean.shape == observation.values.shape[1:]


def test_what_comes_from_no_page_is_never_dropped():
    told = []

    def handler(depth):
        told.append(overtaken.get()())
        return [depth] if depth == 2 else follow(depth + 1)  # a newer one that comes in the meantime

    follow = the_newest(handler, ["dropped"])
    assert follow(0) == [2] and told == [False] * 3 and not overtaken.get()()


def test_the_last_is_the_one_that_joined_last_whichever_begins_first(monkeypatch):
    begun, go, found = threading.Event(), threading.Event(), {}

    def handler(name: str) -> str:
        begun.set()
        assert go.wait(10)
        found[name] = overtaken.get()()
        return name

    follow = the_newest(handler, ["dropped"])
    monkeypatch.setattr(plainly, "person", lambda: "somebody")
    threads = []
    for name, joined in (("newer", 2.0), ("older", 1.0)):
        monkeypatch.setattr(plainly, "asked_at", lambda joined=joined: joined)
        threads.append(threading.Thread(target=follow, args=(name,)))
        threads[-1].start()
        assert begun.wait(10)
        begun.clear()
    go.set()
    for thread in threads:
        thread.join()
    assert found == {"newer": False, "older": True}


def test_the_load_test_finds_the_events_that_it_sends(engine):
    config = pages.build(engine, ["Compare"]).get_config_file()
    page = load.Page(load.json.loads(load.json.dumps(config, default=str)))  # as it is sent
    draw = page.event("recon-draw", "click", "recon-gallery")
    compare = page.event("compare-run", "click", "compare-tiles")
    assert all(one.queued and one.before is not None and not one.before.queued for one in (draw, compare))
    assert page.event("recon-painter", "stroke", "recon-view").before is None
