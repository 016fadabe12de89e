"""The page as a Hugging Face Space: `python -m recon publish --space OWNER/NAME`.

Each checkpoint becomes a repository OWNER/recon-NAME of its own, and the Space holds the code, an index that pins each
of them to the commit just made, and the few checkpoints that the page has to answer with before anything is fetched.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from recon import hub, portraits, transfer
from recon.errors import CheckpointError
from recon.transfer import CARD, CONFIG, WEIGHTS

ROOT = Path(__file__).parents[1]
KEPT = ("mdn-celeba", "gsm-celeba")  # with the page: its first answer, and its doubts
TOP = ("app.py", "requirements.txt", "README.md", "LICENSE", "CONTRIBUTING.md")
FOLDERS = ("recon", "docs")
LEFT_OUT = {"__pycache__", ".pyc", ".pyi"}  # gradio writes stubs beside its subclasses
INDEX = "recon/hub_index.json"


@dataclass(frozen=True)
class Plan:
    """What publishing sends: the Space, and by checkpoint its repository"""

    space: str
    models: dict[str, str]
    files: dict[str, Path]  # of the Space, but its index and its card

    def said(self) -> str:
        """In lines, for who only wants to know."""
        total = sum(path.stat().st_size for path in self.files.values()) / 1e6
        weights = sum((hub.resolve(name) / WEIGHTS).stat().st_size for name in self.models) / 1e6
        lines = [f"models/{repo}" for repo in self.models.values()]
        lines.append(f"spaces/{self.space}: {len(self.files)} files, {total:.1f} MB, with {', '.join(KEPT)}")
        lines.append(f"{len(self.models)} models, {weights:.1f} MB of weights; each with its card, and pinned")
        return "\n".join(lines)


def plan(space: str) -> Plan:
    """Of all that is bundled; CheckpointError where `space` is no "owner/name"."""
    if not re.fullmatch(r"[\w.-]+/[\w.-]+", space):
        raise CheckpointError(f"A Space is called owner/name, and not '{space}'.")
    owner = space.split("/")[0]
    found = [record for listed in (hub.checkpoints, hub.textures, hub.signals) for record in listed()]
    models = {record.name: f"{owner}/recon-{record.name}" for record in found if record.bundled}
    if missing := [name for name in KEPT if name not in models]:
        raise CheckpointError(f"The page opens with {missing[0]}, which is not bundled here.")
    return Plan(space, models, files())


def files() -> dict[str, Path]:
    """What a Space holds, by its path there."""
    paths = [ROOT / name for name in TOP]
    paths += [path for folder in FOLDERS for path in sorted((ROOT / folder).rglob("*")) if path.is_file()]
    paths += [ROOT / "checkpoints" / name / file for name in KEPT for file in (CARD, CONFIG, WEIGHTS)]
    kept = (path for path in paths if not LEFT_OUT & {*path.parts, path.suffix})
    return {path.relative_to(ROOT).as_posix(): path for path in kept}


def publish(what: Plan, token: str | None = None, say: Callable[[str], None] = lambda _: None) -> str:
    """Send all of it; the address of the Space's commit. What is there already makes no new commit. Raises
    CheckpointError; what was sent before stays."""
    index = {}
    for name, repo in what.models.items():
        path = hub.resolve(name)
        sent: dict[str, Path | bytes] = {file: path / file for file in (CONFIG, WEIGHTS, CARD)}
        picture, told = portraits.portrait(name)
        card = (path / CARD).read_text(encoding="utf-8")
        sent |= {portraits.FILE: picture, CARD: pictured(card, told).encode()}
        done = push(sent, repo, f"Publish {name}", token)
        index[name] = hub.index_entry(name, done.revision)
        say(done.address)
    card = what.files[CARD].read_text(encoding="utf-8")
    sent = {
        **what.files,
        CARD: listing(card, list(what.models.values())).encode(),
        INDEX: (json.dumps(index, indent=1) + "\n").encode(),
    }
    owner = what.space.split("/")[0]
    done = push(sent, what.space, "Publish the page", token, False, {"RECON_HUB": owner})
    say(done.address)
    return done.address


def push(sent: dict, repo: str, *how) -> transfer.Pushed:
    try:
        return transfer.push(sent, repo, *how)
    except CheckpointError as error:
        raise CheckpointError(f"'{repo}' could not be published: {error}.") from error


def pictured(card: str, told: str) -> str:
    """A card with its portrait below the title, and what is seen on it."""
    title = re.search(r"^# .*$", card, re.MULTILINE)
    at = title.end() if title else 0
    return f"{card[:at]}\n\n![{told}]({portraits.FILE})\n\n*{told}.*{card[at:]}"


def listing(card: str, repos: list[str]) -> str:
    """The README, whose front matter says which models the Space uses."""
    head, middle, rest = card.partition("\nlicense:")
    return f"{head}\nmodels: [{', '.join(repos)}]{middle}{rest}" if middle else card
