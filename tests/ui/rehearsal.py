"""ZeroGPU rehearsed with the real package `spaces`, which has to be installed for it, on a CPU that pretends.

    python -m tests.ui.rehearsal

A server of ours lends the GPU as ZeroGPU's would. All that is `spaces`' own is as it is: models put on a GPU that this
process only imagines, packed to disk at the launch; a process forked for the work, what goes there and comes back
pickled. In that process, where they are moved to the GPU, they are moved to the CPU instead.
"""

from __future__ import annotations

import json
import mmap
import os
import socket
import sys
import tempfile
import threading
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

LENT: list[int] = []  # seconds, as declared


class Lending(BaseHTTPRequestHandler):
    """What `spaces` asks for a GPU."""

    def do_POST(self) -> None:
        address = urlsplit(self.path)
        asked = {name: values[0] for name, values in parse_qs(address.query).items()}
        body = b""
        if address.path == "/schedule":
            LENT.append(int(asked["durationSeconds"]))
            told = {"idle": True, "nvidiaIndex": 0, "nvidiaUUID": "none", "allowToken": f"token-{len(LENT)}"}
            body = json.dumps(told).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_) -> None:
        pass


def pretend() -> None:
    """In the process that would have the GPU."""
    import torch
    from spaces.zero import torch as zero
    from spaces.zero.torch import packing, patching

    made = {name: getattr(torch, name) for name in ("empty", "tensor")}

    def on_cpu(make):
        return lambda *args, device=None, **more: make(*args, **more)

    def move(callback=None):
        torch.Tensor.cuda = lambda self, *args, **more: self.clone()
        torch.Tensor.pin_memory = lambda self: torch.frombuffer(mmap.mmap(-1, self.nbytes), dtype=self.dtype)  # aligned
        torch.cuda.is_available = lambda: False
        torch.cuda.synchronize = lambda *args: None
        packing.torch = type("torch", (), {**vars(torch), **{name: on_cpu(made[name]) for name in made}})
        with torch.no_grad():
            patching._move(lambda _: None)

    zero.init, zero.move = (lambda uuid: None), move


def main() -> int:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Lending)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    home = tempfile.mkdtemp()
    address = f"http://127.0.0.1:{server.server_address[1]}"
    os.environ |= {"HOME": home, "HF_HOME": home, "SPACE_ID": "them/recon", "SPACES_ZERO_GPU": "true"}
    os.environ |= {"SPACES_ZERO_DEVICE_API_URL": address, "GRADIO_ANALYTICS_ENABLED": "False"}

    from recon import hub

    here = ("mdn-celeba", "gsm-celeba", "nade-mnist")
    available, hub.available = hub.available, lambda name: name in here
    import app

    hub.available = available
    app.engine.arrivals.here.clear()
    pretend()
    placed = app.engine.models
    print("on the GPU that is imagined:", *(f"{name} ({model.device})" for name, model in placed.items()))

    import numpy as np
    import torch
    from gradio_client import Client

    from recon import Observation, images, sampling
    from recon.painting import Painting
    from recon.ui import page
    from recon.ui.figures import picture_uri

    built = []
    build, page.build = page.build, lambda *args: built.append(build(*args)) or built[0]
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    page.launch(app.engine, prevent_thread_lock=True, quiet=True, server_port=port)
    client = Client(built[0].local_url, verbose=False)
    cells = [[4, 7, 230, 180, 150], [20, 12, 40, 30, 30], [16, 16, 200, 150, 120]]

    wrong = []

    def same(what: str, found, known) -> None:
        off = float(np.abs(np.array(found, float) - known).max())
        print(f"{what}: lent for {LENT[-1]} s, {len(LENT)} times by now; off by {off:.2g}")
        wrong.extend([what] * (off > 1e-5))

    def alone(name: str):
        """As the library answers it, off the thread on which `spaces` imagines a GPU"""
        model = hub.load(name, "cpu")
        painted = Painting.parse({"side": 32, "cells": cells})
        mask = torch.from_numpy(painted.mask)[None, None]
        observation = Observation(images.to_tensor(painted.values)[None], mask).as_seen_by(model)
        with ThreadPoolExecutor() as pool:
            return model, observation, pool.submit(lambda: model.predict(observation).mean[0].numpy()).result()

    for name in ("mdn-celeba", "gsm-celeba", "mogsm-celeba", "nade-mnist"):  # the third arrives late
        found = client.predict(cells, name, 32, api_name="/reconstruct")
        same(f"a stroke, {name}", found["mean"], alone(name)[2])

    drawn = client.predict(cells, "nade-mnist", 2, 8, 5, api_name="/sample")
    model, observation, _ = alone("nade-mnist")
    with ThreadPoolExecutor() as pool:
        known = [picture_uri(one) for one in pool.submit(sampling.sample, model, observation, 2, 8, 5).result()]
    same("samples", [a != b for a, b in zip(drawn, known, strict=True)], 0)
    rows = client.predict(cells, ["mdn-celeba", "gsm-celeba", "nearest"], api_name="/compare")
    print("a comparison:", [(row["name"], row["problem"]) for row in rows], f"lent for {LENT[-1]} s")
    try:
        client.predict(cells, "nade-mnist", 2, 8, 5, 32, "none", api_name="/sample")
        wrong.append("a sentence")
    except Exception as error:
        print("a sentence:", error)
        wrong.extend(["a sentence"] * ("There is no order" not in str(error)))
    print("Wrong: " + ", ".join(wrong) if wrong else "All as it would be without.")
    built[0].close()
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main())
