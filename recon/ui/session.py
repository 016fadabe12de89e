"""What a person has on the page, as a value: kept through a reload, put into a link, written to a file and read again.

The state is in the link and in the file themselves, so that neither needs the server to remember anything.
"""

from __future__ import annotations

import base64
import binascii
import json
import zlib
from dataclasses import dataclass, field, replace

import numpy as np

from recon import patches
from recon.errors import ObservationError
from recon.painting import Painting

MOST_BYTES = 200_000  # of an unpacked link
TORN = "This link or file does not hold a painting of this page, or a part of it is missing."


@dataclass(frozen=True)
class Session:
    """Model and patch as chosen, and what is painted; `picture` is the name of an example, or ""."""

    model: str
    family: str = "sobol"
    size: int = 64
    seed: int = 0
    picture: str = ""
    painting: Painting = field(default_factory=lambda: Painting.empty(32))

    def to_dict(self) -> dict:
        """As JSON holds it; readable by people."""
        return {**self.settings(), "painting": self.painting.to_payload()}

    def settings(self) -> dict:
        return {
            "recon": 1,
            "model": self.model,
            "patch": {"family": self.family, "size": self.size, "seed": self.seed},
            "picture": self.picture,
        }

    @classmethod
    def from_dict(cls, said: object) -> Session:
        """ObservationError, a plain sentence, for whatever is not one."""
        if not isinstance(said, dict) or said.get("recon") != 1 or not isinstance(said.get("patch"), dict):
            raise ObservationError(TORN)
        patch = said["patch"]
        family, size, seed = patch.get("family"), patch.get("size"), patch.get("seed")
        if not isinstance(family, str) or family not in patches.FAMILIES:
            raise ObservationError(f"There is no patch family called {str(family)[:40]!r}.")
        if not all(isinstance(number, int) and not isinstance(number, bool) for number in (size, seed)):
            raise ObservationError("The patch's size and seed must be whole numbers.")
        if not isinstance(said.get("model"), str) or not isinstance(said.get("picture", ""), str):
            raise ObservationError(TORN)
        painting = Painting.parse(said.get("painting"))
        if not 1 <= size <= painting.side**2 or not 0 <= seed < 2**32:
            raise ObservationError("The patch's size or seed is out of range.")
        return cls(said["model"], family, size, seed, said.get("picture", ""), painting)

    def to_link(self) -> str:
        """As the part of a link behind `#recon=`: letters, digits, - and _. At most 4.4 KB for 32 x 32 colours."""
        painting = self.painting
        head = json.dumps({**self.settings(), "side": painting.side}, separators=(",", ":")).encode()
        body = np.packbits(painting.mask).tobytes() + painting.values[painting.mask].tobytes()
        packed = zlib.compress(head + b"\0" + body, 9)
        return base64.urlsafe_b64encode(packed).decode().rstrip("=")

    @classmethod
    def from_link(cls, text: str) -> Session:
        """The inverse; ObservationError, a plain sentence, for a link that is torn or not ours."""
        try:
            packed = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
            unpacker = zlib.decompressobj()
            head, _, body = unpacker.decompress(packed, MOST_BYTES).partition(b"\0")
            if not unpacker.eof:
                raise ValueError("the end is missing")
            settings = json.loads(head)
            painting = unpack(settings.pop("side"), body)
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError, zlib.error, binascii.Error) as error:
            raise ObservationError(TORN) from error
        blank = cls.from_dict({**settings, "painting": Painting.empty(painting.side).to_payload()})
        return replace(blank, painting=painting)


def unpack(side: int, body: bytes) -> Painting:
    """A painting from the bits of its mask and the colours of its cells; ValueError if they do not fit together."""
    Painting.empty(side)  # refuses an absurd side before anything is made of it
    bits = (side * side + 7) // 8
    if len(body) < bits:
        raise ValueError("the mask is missing")
    mask = np.unpackbits(np.frombuffer(body[:bits], np.uint8), count=side * side).astype(bool).reshape(side, side)
    values = np.zeros((side, side, 3), np.uint8)
    values[mask] = np.frombuffer(body[bits:], np.uint8).reshape(-1, 3)
    return Painting.from_arrays(values, mask)
