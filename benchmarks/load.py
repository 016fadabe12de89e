"""Many people at once: each paints, now and then draws samples or compares models, through the queue and real sockets.

    python -m benchmarks load [--people 1 10 30] [--seconds 120] [--alone]

A person is a client of the page's own events, as the browser sends them: a stroke of up to 4 cells, after it the
question whether the painting is unlike what the model knows; then a pause of half a second to two and a half. Of 20
times, one is 8 joint samples and every second one of those a comparison of models. Of 60 times, one is going away in
the middle of samples, and coming back as somebody new. Prints how long a stroke takes from being sent to its answer,
how many samples came, what was refused, and the server's memory and CPU. The clients share the machine with the
server. `--alone` adds the same without answering strokes together (RECON_TOGETHER=0). For longer, and what becomes of
the server's memory: `python -m benchmarks soak`.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import statistics
import time
import uuid
from collections import Counter
from dataclasses import dataclass, field, replace

import httpx

from benchmarks._server import cpu_seconds, resident_mb, server
from recon.painting import encode_picture
from recon.ui import pictures

SIDE = 32
PAUSE = (0.5, 2.5)  # seconds between two of one person's doings
SAMPLES_EACH, COMPARE_EACH, LEAVE_EACH = 20, 40, 60  # doings
STAYS = 2.0  # seconds of samples that somebody sees who goes away
FULL = 300  # cells, then the person clears the grid
PATIENCE = 60.0
TICK = 5.0  # seconds between two looks at memory


@dataclass
class Event:
    """One event of the page: its number, and what the browser would send where nothing was changed. `before` is the
    event that it follows, as samples follow what notes that they were asked for."""

    number: int
    trigger: int
    inputs: list[int]
    values: list
    queued: bool = True
    before: Event | None = None

    def filled(self, given: dict[int, object]) -> list:
        return [given.get(at, value) for at, value in zip(self.inputs, self.values, strict=True)]


@dataclass
class Seen:
    """What all people of one run saw."""

    strokes: list[float] = field(default_factory=list)  # seconds
    samples: list[float] = field(default_factory=list)
    comparisons: list[float] = field(default_factory=list)
    doubts: list[float] = field(default_factory=list)
    wrong: Counter[str] = field(default_factory=Counter)
    memory: list[float] = field(default_factory=list)  # MB
    cpu: float = 0.0  # seconds of the server
    left: int = 0  # people who went away


class Page:
    """The page's configuration, as a browser reads it."""

    def __init__(self, config: dict):
        self.parts = {one["id"]: one for one in config["components"]}
        self.events = config["dependencies"]
        self.by_number = {one["id"]: one for one in self.events}
        self.named = {one["props"].get("elem_id"): at for at, one in self.parts.items()}

    def event(self, part: str, kind: str, output: str) -> Event:
        """What `kind` of the part with that id does that ends in `output`."""
        for one in self.events:
            first = self.by_number.get(one["trigger_after"], one)
            if [self.named[part], kind] in first["targets"] and self.named[output] in one["outputs"]:
                before = None if first is one else self.made(first, self.named[part])
                return replace(self.made(one, self.named[part]), before=before)
        raise SystemExit(f"The page has no {kind} of {part}.")

    def made(self, one: dict, trigger: int) -> Event:
        values = [self.parts[at]["props"].get("value") for at in one["inputs"]]
        return Event(one["id"], trigger, one["inputs"], values, one["queue"])


class Tab:
    """One open page: a heartbeat, and while anything is asked one stream of all answers, as the browser has them."""

    def __init__(self, client: httpx.AsyncClient):
        self.client, self.session = client, uuid.uuid4().hex[:11]
        self.waiting: dict[str, asyncio.Future[str]] = {}
        self.early: dict[str, str] = {}  # what was answered before its number was known
        self.joining = 0
        self.said: list = []  # by the last answer
        self.tasks = {"heartbeat": asyncio.create_task(self.heartbeat())}

    async def heartbeat(self) -> None:
        async with self.client.stream("GET", f"gradio_api/heartbeat/{self.session}", timeout=None) as stream:
            async for _ in stream.aiter_lines():
                pass

    async def ask(self, body: dict) -> str:
        """What went wrong, or ''"""
        self.joining += 1
        try:
            joined = await self.client.post("gradio_api/queue/join", json={**body, "session_hash": self.session})
        finally:
            self.joining -= 1
        if joined.status_code != 200:
            return f"{joined.status_code}: {joined.text[:80]}"
        number = joined.json()["event_id"]
        if number in self.early:
            return self.early.pop(number)
        self.waiting[number] = asyncio.get_running_loop().create_future()
        self.listen()
        return await self.waiting[number]

    async def at_once(self, body: dict) -> str:
        """As `ask`, of what does not queue."""
        got = await self.client.post("gradio_api/run/predict", json={**body, "session_hash": self.session})
        return "" if got.status_code == 200 else f"{got.status_code}: {got.text[:80]}"

    def listen(self) -> None:
        if "stream" not in self.tasks or self.tasks["stream"].done():
            self.tasks["stream"] = asyncio.create_task(self.answers())

    async def answers(self) -> None:
        said = {}
        async with self.client.stream("GET", "gradio_api/queue/data", params={"session_hash": self.session}) as stream:
            async for line in stream.aiter_lines():
                said = json.loads(line[5:]) if line.startswith("data:") else {"msg": ""}
                if said["msg"] == "process_completed":
                    self.said = said["output"].get("data", [])
                    self.settle(said["event_id"], "" if said["success"] else str(said["output"].get("error")))
                if said["msg"] in ("unexpected_error", "close_stream"):
                    break
        if said.get("msg") == "unexpected_error":
            for number in list(self.waiting):
                self.settle(number, "unexpected error")
        elif self.waiting:  # asked while the stream was closing
            self.tasks["stream"] = asyncio.create_task(self.answers())

    def settle(self, number: str, told: str) -> None:
        if number in self.waiting:
            future = self.waiting.pop(number)
            if not future.done():
                future.set_result(told)
        else:
            self.early[number] = told

    async def close(self) -> None:
        for task in self.tasks.values():
            task.cancel()
        await asyncio.gather(*self.tasks.values(), return_exceptions=True)


class Person:
    def __init__(self, client: httpx.AsyncClient, page: Page, seen: Seen, seed: int):
        self.client, self.page, self.seen, self.chance = client, page, seen, random.Random(seed)
        self.tab = Tab(client)
        self.cells: dict[tuple[int, int], list[int]] = {}
        self.truth = encode_picture(pictures.load("face"))
        self.stroke = page.event("recon-painter", "stroke", "recon-view")
        self.doubt = page.event("recon-painter", "change", "recon-doubt")
        self.draw = page.event("recon-draw", "click", "recon-gallery")
        self.compare = page.event("compare-run", "click", "compare-tiles")

    async def live(self, until: float) -> None:
        await asyncio.sleep(self.chance.uniform(0, PAUSE[1]))
        done, doubting = self.chance.randrange(COMPARE_EACH), None
        while time.monotonic() < until:
            done += 1
            if done % LEAVE_EACH == 0:
                if doubting is not None:
                    doubting.cancel()  # nobody is there to hear
                await self.leave()
            elif done % COMPARE_EACH == 0:
                await self.timed(self.compare, self.seen.comparisons)
            elif done % SAMPLES_EACH == 0:
                await self.timed(self.draw, self.seen.samples)
            else:
                self.paint()
                await self.timed(self.stroke, self.seen.strokes)
                if doubting is None or doubting.done():  # as the browser: the next one when the last is answered
                    doubting = asyncio.create_task(self.timed(self.doubt, self.seen.doubts))
            await asyncio.sleep(self.chance.uniform(*PAUSE))
        if doubting is not None and not doubting.done():
            await doubting

    def paint(self) -> None:
        if len(self.cells) > FULL:
            self.cells = {}
        row, column = self.chance.randrange(SIDE), self.chance.randrange(SIDE)
        colour = [self.chance.randrange(256) for _ in range(3)]
        for k in range(self.chance.randrange(1, 5)):
            self.cells[row, min(column + k, SIDE - 1)] = colour

    async def timed(self, event: Event, times: list[float]) -> None:
        began = time.monotonic()
        try:
            told = await asyncio.wait_for(self.ask(event), PATIENCE)
        except TimeoutError:
            what = {id(self.compare): "comparison", id(self.draw): "8 samples"}.get(id(event), "stroke or doubt")
            told = f"{what} not there after {PATIENCE:.0f} s"
        except (httpx.HTTPError, json.JSONDecodeError) as error:
            told = type(error).__name__
        if told:
            self.seen.wrong[told] += 1
        else:
            times.append(time.monotonic() - began)

    async def leave(self) -> None:
        drawing = asyncio.create_task(self.ask(self.draw))
        await asyncio.wait([drawing], timeout=STAYS)
        drawing.cancel()
        await self.tab.close()
        self.seen.left += 1
        self.tab, self.cells = Tab(self.client), {}

    async def ask(self, event: Event) -> str:
        """What went wrong, or ''"""
        painting = {"side": SIDE, "cells": [[*place, *colour] for place, colour in self.cells.items()]}
        given = {self.page.named["recon-painter"]: painting, self.page.named["recon-truth"]: self.truth}
        for one in filter(None, (event.before, event)):
            body = {"data": one.filled(given), "fn_index": one.number, "trigger_id": one.trigger, "event_data": None}
            told = await (self.tab.ask(body) if one.queued else self.tab.at_once(body))
            if told:
                return told
        return ""


async def run(url: str, pid: int, people: int, seconds: float) -> Seen:
    seen, limits = Seen(), httpx.Limits(max_connections=None, max_keepalive_connections=None)
    async with httpx.AsyncClient(base_url=url, timeout=PATIENCE, limits=limits) as client:
        page = Page((await client.get("config")).json())
        everyone = [Person(client, page, seen, seed) for seed in range(people)]
        for event in (everyone[0].compare, everyone[0].draw):  # what is loaded once
            everyone[0].paint()
            await everyone[0].ask(event)
        for person in everyone:  # everyone's page is open
            await person.ask(person.stroke)
            await person.ask(person.doubt)
        until, before = time.monotonic() + seconds, cpu_seconds(pid)

        async def watch() -> None:
            while time.monotonic() < until:
                seen.memory.append(resident_mb(pid))
                await asyncio.sleep(TICK)

        await asyncio.gather(watch(), *(person.live(until) for person in everyone))
        seen.cpu = cpu_seconds(pid) - before
        for person in everyone:
            await person.tab.close()
    return seen


def line(title: str, people: int, seen: Seen, seconds: float) -> str:
    cuts = statistics.quantiles(seen.strokes, n=100) if len(seen.strokes) > 1 else [0.0] * 99
    times = " / ".join(f"{1000 * cuts[at - 1]:.0f}" for at in (50, 95, 99))
    drawn = statistics.median(seen.samples or [0.0])
    wrong = ", ".join(f"{count} x {told}" for told, count in seen.wrong.items()) or "none"
    many = 8 * 60 * len(seen.samples) / seconds
    return (
        f"| {title} | {people} | {len(seen.strokes) / seconds:.1f} | {times} | {many:.0f}"
        f" | {drawn:.1f} | {len(seen.comparisons)} | {seen.memory[0]:.0f} to {seen.memory[-1]:.0f}"
        f" (most {max(seen.memory):.0f}) | {seen.cpu / seconds:.2f} | {wrong} |"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--people", type=int, nargs="+", default=[1, 10, 30])
    parser.add_argument("--seconds", type=float, default=120)
    parser.add_argument("--alone", action="store_true", help="also without answering strokes together")
    asked = parser.parse_args()
    print(f"{asked.seconds:.0f} s each, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} before")
    print("| strokes | people | strokes a second | a stroke's answer, ms: p50 / p95 / p99 | samples a minute"
          " | 8 samples, s | comparisons | server, MB | cores busy | errors |")  # fmt: skip
    print("| --- " * 10 + "|")
    for people in asked.people:
        for title, setting in [("together", "1"), *[("one by one", "0")] * asked.alone]:
            os.environ["RECON_TOGETHER"] = setting
            with server() as (url, pid):
                seen = asyncio.run(run(url, pid, people, asked.seconds))
                print(line(title, people, seen, asked.seconds), flush=True)


if __name__ == "__main__":
    main()
