"""Which models there are for which pictures: what menus list, and which model is taken where another has to be.

A title is "FAMILY · PICTURES (DATA)", such as "Density network · faces (CelebA 32)". Models of the same pictures make a
set, whose word is what is shown: "faces", or "faces 64" where they are of another side than most. No gradio here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

from recon import baselines
from recon.errors import CheckpointError
from recon.hub import Checkpoint

ANY = "anything (classical)"  # the set of the classical methods
# kinds of models, and the classical method, that are taken of a set where nothing else tells which
BEST = ("mixture_density", "orderless_nade", "mogsm", "scale_mixture", "bernoulli_mixture", "gaussian", "linear")
HIDDEN = "table1"  # of one patch each, and one figure: no menu lists them


@dataclass(frozen=True)
class Menus:
    """Of the models in `records`, by name, and the classical methods; `side` is that of most models."""

    records: Mapping[str, Checkpoint]
    side: int

    @property
    def shown(self) -> list[str]:
        """All that a menu lists: sets one after another, larger pictures last, then the classical methods."""
        return [name for names in self.sets.values() for name in names]

    @cached_property
    def sets(self) -> dict[str, list[str]]:
        """By the word for what a set shows: its models in their order; last `ANY`."""
        shown = [name for name in self.records if not name.startswith(HIDDEN)]
        found: dict[str, list[str]] = {}
        for name in sorted(shown, key=lambda name: self.records[name].side):
            found.setdefault(self.word(name), []).append(name)
        return {**found, ANY: list(baselines.NAMES)}

    def word(self, name: str) -> str:
        """For the set that a model is of."""
        if name not in self.records:
            return ANY
        side = self.records[name].side
        return self.subject(name) if side == self.side else f"{self.subject(name)} {side}"

    def subject(self, name: str) -> str:
        """What a checkpoint has seen pictures of, whatever their side."""
        record = self.records[name]
        kin = [other for other in self.records.values() if other.data == record.data]
        said = next(filter(None, map(pictures_in, [record, *kin])), record.data).removesuffix(f" {record.side}")
        if record.binary:
            said = f"binary {said.removeprefix('binary ')}"
        return said or "other pictures"

    def family(self, name: str) -> str:
        """A model's title without its pictures."""
        return self.records[name].title.partition(" · ")[0] if name in self.records else baselines.METHODS[name].title

    def titles(self, name: str) -> list[tuple[str, str]]:
        """(title, name) of all that are of one set with `name`, which may be one that no other menu lists; titles are
        without the set's word, but where several models would be called the same."""
        names = self.sets.get(self.word(name), [])
        names = names if name in names else [*names, name]
        families = [self.family(each) for each in names]
        same = {family for family in families if families.count(family) > 1}
        return [
            (f"{title}, {each}" if title in same else title, each) for title, each in zip(families, names, strict=True)
        ]

    def kin(self, name: str, word: str) -> str:
        """What is of the same family as `name` in the set of that word, itself first, else the set's best;
        CheckpointError if there is no such set."""
        if word not in self.sets:
            raise CheckpointError(f"There are no models of {str(word)[:40]!r} on this page.")
        names = self.sets[word]
        if name in names or (name in self.records and self.word(name) == word):
            return name
        kinds = [each for each in names if self.kind(each) == self.kind(name)]
        family = [each for each in kinds if self.family(each) == self.family(name)]
        return next(iter([*family, *kinds]), self.best(names))

    def kind(self, name: str) -> str:
        """Of a checkpoint, as `recon.models.KINDS` calls it; a classical method is a kind by itself."""
        return self.records[name].model if name in self.records else name

    def sees(self, name: str, side: int) -> bool:
        """Whether it answers for pictures of `side`; a classical method does for all."""
        return name not in self.records or self.records[name].side == side

    def best(self, names: Iterable[str]) -> str:
        """The first of the best kind."""
        kinds = {name: self.kind(name) for name in names}
        return min(kinds, key=lambda name: BEST.index(kinds[name]) if kinds[name] in BEST else len(BEST))

    def seeing(self, names: list[str], side: int, default: str) -> list[str]:
        """`names` where one of its models sees pictures of `side`, or there is none among them. Otherwise all that do,
        of the same pictures, else of those of `default`, else of any; the best first, then the classical methods.
        """
        models = [name for name in names if name in self.records]
        if not models or any(self.sees(name, side) for name in models):
            return names
        here = [name for name in self.shown if name in self.records and self.sees(name, side)]
        same = {self.subject(name) for name in models}
        usual = {self.subject(default)} if default in self.records else set()
        found = [name for name in here if self.subject(name) in same]
        found = found or [name for name in here if self.subject(name) in usual] or here
        if not found:
            return list(baselines.NAMES)
        best = self.best(found)
        return [*sorted(found, key=lambda name: name != best), *baselines.NAMES]


def pictures_in(record: Checkpoint) -> str:
    """What the title says of the pictures, "" where it says nothing."""
    return re.split(r" \(|, ", record.title.partition(" · ")[2])[0]
