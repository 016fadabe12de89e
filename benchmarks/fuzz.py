"""Sends the page what no person would: to every public endpoint, and to every event that the browser has.

    python -m benchmarks fuzz [--seconds 300] [--seed 0] [--url URL]

Arguments are nearly right, or any JSON (Hypothesis makes them). Counts what came of it: an answer, a sentence, a
refusal by the server. Exit code 1 where there was an HTTP 500, a traceback, no end, or an endpoint that owned up to a
fault of ours; those calls are printed. An event of the page may own up to one: what only a script could send.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
import uuid
from collections import Counter
from collections.abc import Callable
from contextlib import nullcontext

import httpx
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import seed as seeded
from hypothesis import strategies as st

from benchmarks._server import server

PATIENCE = 60.0  # seconds for one answer
ROUND = 25  # calls between two looks at the clock
NAMES = (
    "gsm-celeba",
    "gaussian-mnist",
    "nearest",
    "linear",
    "mdn-celeba",
    "bmm-mnist",
    "gsm-celeba64",
    "",
    "../x",
    "curves",
)
OWNED = "it is our fault"
FAULTS = ("Traceback", 'File "', OWNED, "Internal Server Error")

numbers = st.one_of(
    st.integers(-3, 70),
    st.integers(),
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from([0, 1, 32, 64, 2**31]),
)
junk = st.recursive(
    st.one_of(st.none(), st.booleans(), numbers, st.text(max_size=20)),
    lambda part: st.one_of(st.lists(part, max_size=4), st.dictionaries(st.text(max_size=8), part, max_size=3)),
    max_leaves=12,
)
cell = st.one_of(
    st.tuples(*[st.integers(0, 31)] * 2, *[st.integers(0, 255)] * 3).map(list), st.lists(numbers, max_size=6)
)
cells = st.lists(cell, max_size=12)
painting = st.fixed_dictionaries({"side": st.sampled_from([32, 64, 0, 33]), "cells": cells})
names = st.sampled_from(NAMES)
seeds = st.integers(0, 5)
ENDPOINTS: dict[str, list] = {
    "models": [],
    "patch": [
        st.sampled_from(["sobol", "random", "lattice", "block", "x"]),
        numbers,
        seeds,
        st.sampled_from([8, 32, 64]),
    ],
    "reconstruct": [cells, names, st.sampled_from([32, 64])],
    "sample": [cells, names, st.integers(-1, 3), st.integers(0, 4), seeds, st.just(32), st.text(max_size=6), numbers],
    "compare": [cells, st.lists(names, max_size=3), st.none(), st.just(32)],
    "curve": [
        st.lists(st.lists(st.floats(-1, 1), min_size=2, max_size=2), max_size=5),
        st.none(),
        names,
        numbers,
        seeds,
    ],
}


def nearly(right: st.SearchStrategy) -> st.SearchStrategy:
    """Four times out of five as it should be"""
    return st.integers(0, 4).flatmap(lambda chance: junk if chance == 0 else right)


class Caller:
    def __init__(self, client: httpx.Client):
        self.client, self.seen, self.wrong = client, Counter[str](), list[str]()
        config = client.get("config").raise_for_status().json()
        self.events = [(one["id"], len(one["inputs"])) for one in config["dependencies"] if one["backend_fn"]]

    def call(self, name: str, data: list) -> None:
        joined = self.client.post(f"gradio_api/call/{name}", json={"data": data})
        if joined.status_code != 200:
            return self.note(name, data, joined.status_code, joined.text)
        got = self.client.get(f"gradio_api/call/{name}/{joined.json()['event_id']}")
        self.note(name, data, got.status_code, got.text)

    def event(self, number: int, data: list) -> None:
        session = uuid.uuid4().hex[:11]
        body = {"data": data, "fn_index": number, "trigger_id": None, "event_data": None, "session_hash": session}
        joined = self.client.post("gradio_api/queue/join", json=body)
        if joined.status_code != 200:
            return self.note(f"event {number}", data, joined.status_code, joined.text)
        with self.client.stream("GET", "gradio_api/queue/data", params={"session_hash": session}) as stream:
            said = ""
            for line in stream.iter_lines():
                said = line
                if '"process_completed"' in line or '"unexpected_error"' in line or '"close_stream"' in line:
                    break
        self.note(f"event {number}", data, 200, said)

    def note(self, name: str, data: list, status: int, text: str) -> None:
        if OWNED in text and name.startswith("event"):
            self.seen["owned up to, by an event"] += 1
        elif status >= 500 or any(fault in text for fault in FAULTS):
            self.seen["WRONG"] += 1
            self.wrong.append(f"{name} {json.dumps(data)[:300]} -> {status} {text[:300]}")
        elif status != 200:
            self.seen[f"refused with {status}"] += 1
        else:
            failed = "event: error" in text or '"success":false' in text
            self.seen["a sentence" if failed else "an answer"] += 1

    def guarded(self, what: Callable[[], None], told: str) -> None:
        try:
            what()
        except httpx.HTTPError as error:
            self.wrong.append(f"{told}: {type(error).__name__}")


def fuzz(url: str, seconds: float, seed: int) -> Caller:
    with httpx.Client(base_url=url, timeout=PATIENCE) as client:
        caller = Caller(client)
        calls = st.sampled_from(sorted(ENDPOINTS)).flatmap(
            lambda name: st.tuples(st.just(name), st.tuples(*map(nearly, ENDPOINTS[name])))
        )
        part = st.one_of(
            junk, painting, names, seeds, st.sampled_from(["", "mean", "sobol", "[3, 4]", "link:AAAA", "tab:{}"])
        )
        events = st.sampled_from(caller.events).flatmap(
            lambda one: st.tuples(st.just(one[0]), st.lists(part, min_size=one[1], max_size=one[1]))
        )

        def once(what: tuple) -> None:
            name, data = what
            if isinstance(name, str):
                caller.guarded(lambda: caller.call(name, list(data)), f"{name} {data}")
            else:
                caller.guarded(lambda: caller.event(name, list(data)), f"event {name} {data}")

        until, number = time.monotonic() + seconds, 0
        while time.monotonic() < until:
            run = settings(
                max_examples=ROUND,
                deadline=None,
                database=None,
                phases=[Phase.generate],
                suppress_health_check=list(HealthCheck),
            )(given(st.one_of(calls, events))(once))
            seeded(1000 * seed + number)(run)()
            number += 1
    return caller


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seconds", type=float, default=300)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--url", help="of a page that runs already")
    asked = parser.parse_args()
    with nullcontext((asked.url, 0)) if asked.url else server() as (url, _):
        caller = fuzz(url, asked.seconds, asked.seed)
    print(", ".join(f"{count} x {what}" for what, count in caller.seen.most_common()))
    print("\n".join(["Wrong:", *caller.wrong]) if caller.wrong else "Nothing went wrong.")
    return 1 if caller.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
