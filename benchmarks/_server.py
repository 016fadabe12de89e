"""The page on a port of its own, for those that measure it, and what Linux says of its process."""

from __future__ import annotations

import os
import random
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

ROOT = Path(__file__).parents[1]
PATIENCE = 300.0  # seconds for a start, where a machine does much else


@contextmanager
def server() -> Iterator[tuple[str, int]]:
    """`python app.py` on a free port: its address and process id."""
    port = free_port()
    settings = {**os.environ, "GRADIO_SERVER_PORT": str(port)}
    process = subprocess.Popen([sys.executable, "app.py"], cwd=ROOT, env=settings, stdout=subprocess.DEVNULL)
    try:
        until = time.monotonic() + PATIENCE
        while not is_open(port):
            if process.poll() is not None or time.monotonic() > until:
                raise SystemExit("The page did not start.")
            time.sleep(0.1)
        yield f"http://127.0.0.1:{port}/", process.pid
    finally:
        process.terminate()
        process.wait(20)


def free_port() -> int:
    """None of those that Linux gives to connections: whoever knocks at such a one for long may be let in by himself."""
    while True:
        port = random.randrange(20_000, 30_000)
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


def is_open(port: int) -> bool:
    with socket.socket() as probe:
        return not probe.connect_ex(("127.0.0.1", port))


def resident_mb(pid: int) -> float:
    found = re.search(r"VmRSS:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    if found is None:
        raise SystemExit("The page ended in the middle of it.")
    return int(found[1]) / 1e3


def cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
