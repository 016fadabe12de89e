"""ZeroGPU: a GPU that a Hugging Face Space is lent for moments. Elsewhere nothing here does anything.

The page's own process never has that GPU. `spaces.GPU` forks another process, which has it, and what goes there and
comes back is pickled; what is changed there stays there. So the engine and its models, which both have, go by name, and
what comes back is on the CPU. Models are put on the GPU before the page is launched; what arrives later, that process
loads for itself. It was tried with the real `spaces` on a CPU that pretends (`tests/ui/rehearsal.py`), and never on
ZeroGPU itself.
"""

from __future__ import annotations

import io
import os
import pickle
import pkgutil
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from recon.errors import ReconError

if TYPE_CHECKING:
    from recon.ui.engine import Engine

STROKE, MOST = 5, 120  # seconds: of what is not named below; the longest that a Space gives without being asked to
# What a GPU is asked for, of the arguments of what is done there. A visitor must have as much left of the day's share,
# so it is to be near to what it takes; a process that has to be forked first takes some of it.
SECONDS: dict[str, Callable[..., float]] = {
    "recon.sampling.stream": lambda model, observation, count, steps, *_: 8 + steps * (1 + count / 8) / 8,
    "recon.comparison.of_models": lambda names, *_: 10 + 3 * len(names),
    "recon.comparison.of_patches": lambda families, *_: 10 + 2 * len(families),
    "recon.race.race": lambda *_: 60,
    "recon.evaluation.sources.drawn": lambda *_: 20,
    "recon.evaluation.experiment.run": lambda asked, *_: 15 + asked.reconstructions / 50,
}

# What is imported late elsewhere. A process that is forked while another thread imports would wait for that thread,
# which was not forked with it.
NEEDED = (
    *("qmcpy", "scipy.stats.qmc", "scipy.ndimage", "scipy.special", "scipy.interpolate", "scipy.spatial"),
    *("skimage.metrics:structural_similarity", "skimage.restoration:inpaint_biharmonic"),
    *("safetensors.torch", "huggingface_hub.file_download"),
    *("recon.comparison", "recon.race", "recon.evaluation.experiment", "recon.evaluation.sources"),
)

Decorator = Callable[..., Callable[[Callable], Callable]]


def decorator() -> Decorator | None:
    """`spaces.GPU` where this is a Space that has the package, which must come before anything touches CUDA."""
    if not os.environ.get("SPACE_ID"):
        return None
    try:
        from spaces import GPU
    except ImportError:
        return None
    return GPU


def seconds(work: Callable, *arguments: Any) -> int:
    """What is declared for `work(*arguments)`"""
    known = SECONDS.get(f"{work.__module__}.{work.__qualname__}")
    return STROKE if known is None else min(MOST, round(known(*arguments)))


def there(declared: int, parcel: bytes) -> Generator[bytes, None, None]:
    """In the process that has the GPU: all that the work in a parcel yields, or what it returns, each in a parcel."""
    assert lender is not None
    lender.arrive()
    try:
        work, arguments = lender.unpacked(parcel)
        found = work(*arguments)
        for step in found if isinstance(found, Iterator) else (found,):
            yield lender.packed(step)
    except ReconError as error:  # of others `spaces` keeps the name of the class alone
        yield lender.packed(error)


carried_out = there
if GPU := decorator():
    carried_out = GPU(duration=lambda declared, parcel: declared)(there)  # as it was, on a Space without ZeroGPU
lender: Lender | None = None  # of this process' page


class Lender:
    """Has work done with a GPU, for an engine: `Desk.steps`, where there is ZeroGPU."""

    def __init__(self, engine: Engine):
        global lender
        lender, self.engine, self.process = self, engine, os.getpid()
        self.placed: dict = {}

    def place(self) -> None:
        """Put all models that are here on the GPU: from the main thread, before the launch. What comes later serves
        this process to look at only."""
        for name in NEEDED:
            pkgutil.resolve_name(name)
        for name in self.engine.records:
            if self.engine.arrivals.has(name):
                self.engine.model(name)
        self.placed, self.engine.device = dict(self.engine.models), "cpu"

    def __call__(self, work: Callable, *arguments: Any) -> Iterator:
        """As `Desk.steps`"""
        with closing(carried_out(seconds(work, *arguments), self.packed((work, arguments)))) as coming:
            for parcel in coming:
                step = self.unpacked(parcel)
                if isinstance(step, ReconError):
                    raise step
                yield step

    def arrive(self) -> None:
        """The first time in another process"""
        if os.getpid() != self.process:
            self.process, self.engine.device = os.getpid(), "auto"
            self.engine.models = dict(self.placed)

    def packed(self, thing: object) -> bytes:
        names = {id(model): f"model {name}" for name, model in self.engine.models.items()}
        names |= {id(getattr(self.engine, part)): part for part in ("desk", "judge")} | {id(self.engine): "engine"}
        Packer(stream := io.BytesIO(), names).dump(thing)
        return stream.getvalue()

    def unpacked(self, parcel: bytes) -> Any:
        return Unpacker(io.BytesIO(parcel), self.engine).load()


class Packer(pickle.Pickler):
    """What both processes have goes by name, and tensors as arrays, from whichever device."""

    def __init__(self, stream: io.BytesIO, names: dict[int, str]):
        super().__init__(stream, pickle.HIGHEST_PROTOCOL)
        self.names = names

    def persistent_id(self, thing: object) -> str | None:
        return self.names.get(id(thing))

    def reducer_override(self, thing: object) -> Any:
        return (torch.from_numpy, (thing.cpu().numpy(),)) if isinstance(thing, Tensor) else NotImplemented


class Unpacker(pickle.Unpickler):
    def __init__(self, stream: io.BytesIO, engine: Engine):
        super().__init__(stream)
        self.engine = engine

    def persistent_load(self, name: str) -> object:
        kind, _, called = name.partition(" ")
        if kind == "model":
            return self.engine.model(called)
        return self.engine if kind == "engine" else getattr(self.engine, kind)
