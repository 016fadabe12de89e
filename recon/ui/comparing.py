"""What happens on the Compare tab: from what is chosen there, and what is on Reconstruct, to tiles and a table."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import gradio as gr
import numpy as np
import torch
from torch import Tensor

from recon import baselines, comparison, images
from recon.comparison import Result
from recon.errors import ObservationError
from recon.observation import Observation
from recon.painting import Painting, decode_picture, encode_picture
from recon.ui import pictures, tiles
from recon.ui.engine import SIDE, SIDES, Engine, patch_mask, reveal, seed_of
from recon.ui.figures import picture_uri
from recon.ui.grids import FAMILIES, Sheet, offered, truth_at
from recon.ui.handlers import Handlers
from recon.ui.menus import ANY
from recon.ui.plainly import plainly
from recon.ui.session import Session

MODELS, PATCHES = "models", "patches"
PAINTED, PICTURE = "painted", "picture"  # of the Reconstruct tab: its very pixels, or its picture
OTHERS = f" · patches designed for {SIDE} x {SIDE} left out"


@dataclass(frozen=True)
class Question:
    """What is put to the models: what is painted, its picture if that is known, and where both came from."""

    painting: Painting
    truth: np.ndarray | None = None  # uint8 (side, side, 3)
    picture: str = ""  # name of an example
    family: str = "sobol"
    size: int = 64
    seed: int = 0

    @property
    def is_grey(self) -> bool:
        """Then it is put as a grey one: a classical method is judged beside those that see grey."""
        known = [one for one in (self.painting.values, self.truth) if one is not None]
        return all((one == one[..., :1]).all() for one in known)

    @property
    def observation(self) -> Observation:
        if self.painting.side not in SIDES:  # classical methods would take any, and hours
            seen = " or ".join(f"{side} x {side}" for side in SIDES)
            raise ObservationError(f"Models here see {seen} pixels, and the painting is another size.")
        mask = torch.from_numpy(self.painting.mask)[None, None]
        values = self.painting.values[..., 0] if self.is_grey else self.painting.values
        return Observation(images.to_tensor(values)[None], mask)

    @property
    def whole(self) -> Tensor | None:
        """The true picture, (1, 3 or 1, side, side) in [0, 1]"""
        if self.truth is None:
            return None
        return images.to_tensor(self.truth[..., 0] if self.is_grey else self.truth)[None]

    def link(self, model: str) -> str:
        return Session(model, self.family, self.size, self.seed, self.picture, self.painting).to_link()


@dataclass(frozen=True)
class Comparison:
    """One comparison: its results as they come, and how they are shown."""

    asked: str  # equal for equal questions
    names: Sequence[str]
    found: Iterator[Result]
    titles: tiles.Titles
    columns: Sequence[tiles.Column]
    about: str
    truth: np.ndarray | None
    references: list[dict]  # the tiles before the results
    link: Callable[[Result], str]  # opens on Reconstruct what a result shows

    def shown(self, results: Sequence[Result], going: bool = True) -> list:
        """asked, board, table, line, the button to save: after some results have come"""
        waiting = [self.titles[name][0] for name in self.names[len(results) :]]
        done = f"{len(results)} of {len(self.names)}" if waiting else f"{len(results)} compared"
        value = {
            "tiles": self.references + tiles.tiles(results, self.titles, self.columns, self.link),
            "waiting": waiting,
            "busy": going and bool(waiting),
            "scale": tiles.widest(results),
            "truth": encoded(self.truth),
            "csv": tiles.as_csv(results, self.columns),
        }
        table = tiles.table(results, self.titles, self.columns)
        return [self.asked, value, table, f"{done} · {self.about}", needed(bool(results))]


@dataclass(frozen=True)
class Comparing:
    """Bound to an engine. Of `compare`, the last inputs are what is on Reconstruct."""

    engine: Engine

    @property
    def sets(self) -> dict[str, list[str]]:
        """By the word for what a set shows: the names of all that was trained on such pictures, and the classical."""
        found = self.engine.menus.sets.items()
        return {word: [*names, *baselines.NAMES] for word, names in found if word != ANY}

    @property
    def first(self) -> list[str]:
        """What is compared when the tab opens: all there is for the pictures of the page's default model, it first."""
        default = self.engine.default
        names = next((names for names in self.sets.values() if default in names), list(baselines.NAMES))
        return sorted(names, key=lambda name: name != default)

    @property
    def titles(self) -> tiles.Titles:
        shown = {name: title.partition(" · ")[::2] for title, name in self.engine.choices()}
        return shown | {name: (method.title, "classical") for name, method in baselines.METHODS.items()}

    @plainly
    def arrange(self, mode, source, painting):
        """Controls as they are needed: source, family, seed, size, a word, names, sets, model, families, and of each
        set the button that chooses all of it."""
        several = mode == MODELS
        source = PICTURE if source == PAINTED and not several else source
        painted = source == PAINTED
        chosen = gr.update(choices=sources(mode), value=source)
        what = map(needed, (several and not painted, not painted, not painted, painted, several))
        # the row of buttons is there already, and to show it again would show every button in it
        sets = gr.skip() if painted else needed(several)
        rest = [needed(not several)] * 2
        return [chosen, *what, sets, *rest, *self.buttons(source, painting.side)]

    def buttons(self, source: str, side: int) -> list[dict]:
        """Of each set the button that chooses all of it: what is painted can be put to models of its side alone."""
        sees = self.engine.menus.sees
        return [needed(source != PAINTED or sees(names[0], side)) for names in self.sets.values()]

    @plainly
    def arrive(self, asked, ours, *inputs) -> Iterator[list]:
        """The tab is opened: compare, by models that see what is on Reconstruct, unless what is shown answers this
        very question. Outputs as `run`, then names, model, both as the page chose them, and the sets' buttons."""
        _, source, *_, names, model, families, painting, truth, picture = inputs[:11]
        was = (names or [], model)
        now = self.follow(ours, source, was[0], model, Sheet(painting, truth or "", picture or ""))
        changes = [gr.skip() if new == old else new for new, old in zip(now, was, strict=True)]
        ours = [mine if new == old else new for new, old, mine in zip(now, was, ours, strict=True)]
        more = [*changes, ours, *self.buttons(source, painting.side)]
        inputs = (*inputs[:5], *now, families, *inputs[8:])
        if self.comparison(*inputs).asked == asked:
            yield [*[gr.skip()] * 5, *more]
            return
        for step, (question, board, *rest) in enumerate(self.run(*inputs)):
            # what the page itself chose on the way makes nothing old
            yield [question, {**board, "arriving": step < 2}, *rest, *more]
            more = [gr.skip()] * len(more)

    def follow(self, ours, source: str, names: list[str], model: str, sheet: Sheet) -> tuple[list[str], str]:
        """Names and model, for what is on Reconstruct: what the page chose, `ours`, goes with its side, and what the
        person chose stays as long as it can answer."""
        side = sheet.painting.side
        if source not in (PAINTED, PICTURE) or side not in SIDES:
            return names, model

        def fitting(chosen: list[str], stays: bool) -> list[str]:
            if stays and truth_at(sheet, self.side(chosen, side)):
                return chosen
            return self.engine.menus.seeing(chosen, side, self.engine.default)

        person = source == PICTURE and names != ours[0]
        return fitting(names, person), fitting([model], model != ours[1])[0]

    def side(self, names: Sequence[str], other: int) -> int:
        """Of the pictures that are put to these models, the first of which has its way; `other` where all take any."""
        return next((self.engine.side(name) for name in names if name in self.engine.records), other)

    @plainly
    def run(self, *inputs) -> Iterator[list]:
        """Outputs as `Comparison.shown`, result by result."""
        this = self.comparison(*inputs)
        results: list[Result] = []
        yield this.shown(results)
        try:
            for result in this.found:
                results.append(result)
                yield this.shown(results)
        except Exception:  # a fault of ours: nothing more is waited for, and what has come stays
            yield this.shown(results, going=False)
            raise

    def comparison(self, mode, source, family, size, seed, names, model, families, *there) -> Comparison:
        """What is to be compared; nothing is computed yet."""
        side = self.side((names or []) if mode == MODELS else [model], there[0].side)
        question = self.question(source, family, size, seed, *there, side=side)
        return self.of_models(question, names) if mode == MODELS else self.of_patches(question, model, families)

    def question(self, source, family, size, seed, painting, truth, picture, *patch, side) -> Question:
        """From what is chosen here, and then what is on Reconstruct; ObservationError where there is no picture. What
        is painted is put as it is, pictures at `side`."""
        if source == PAINTED:
            family, size, seed = patch
            known = decode_picture(truth, painting.side)
            return Question(painting, known, picture or "", family, size, seed_of(seed or 0))
        if source == PICTURE:
            seen = truth_at(Sheet(painting, truth or "", picture or ""), side)
            if truth and not seen:
                raise ObservationError(
                    f"The picture on Reconstruct is known at {painting.side} x {painting.side} pixels only: choose a "
                    f"model of {side} x {side} there, and bring the picture again."
                )
            known = decode_picture(seen, side)
        else:
            known = pictures.load(source, side)
        if known is None:
            raise ObservationError("There is no picture on Reconstruct to take pixels from: choose one.")
        name, seed = (picture or "") if source == PICTURE else source, seed_of(seed or 0)
        return Question(reveal(known, patch_mask(family, size, seed, side)), known, name, family, size, seed)

    def of_models(self, question: Question, names: Sequence[str]) -> Comparison:
        if not names:
            raise ObservationError("Choose at least one model.")
        desk, count = self.engine.desk, f"{question.painting.count} of {question.painting.side**2} pixels"
        about = count if question.truth is not None else f"{count} · no true picture, so no scores"
        seen = {"title": "Observed", "aside": count, "picture": tiles.observed_uri(question.observation)}
        return Comparison(
            question.link(repr(names)) + encoded(question.truth),
            names,
            desk.steps(
                comparison.of_models, names, question.observation, question.whole, self.engine.model, desk.later
            ),
            self.titles,
            tiles.MODEL_COLUMNS,
            about,
            question.truth,
            [seen, *true_picture(question)],
            lambda result: question.link(result.name),
        )

    def of_patches(self, question: Question, model: str, families: Sequence[str]) -> Comparison:
        known, truth, whole = self.engine.model(model), question.truth, question.whole
        desk = self.engine.desk
        side = question.painting.side
        asked, families = families or [], [family for family in families or () if offered(family, side) == family]
        if not families or truth is None or whole is None:
            raise ObservationError(f"Choose at least one patch of {side} x {side} pixels, and a picture.")

        def link(result: Result) -> str:
            mask = patch_mask(result.name, question.size, question.seed, side)
            return replace(question, family=result.name, painting=reveal(truth, mask)).link(model)

        return Comparison(
            question.link(repr([model, *families])) + encoded(truth),
            families,
            desk.steps(comparison.of_patches, families, known, whole, question.size, question.seed, desk.later),
            {family: (title, "") for title, family in FAMILIES},
            tiles.PATCH_COLUMNS,
            f"{question.size} pixels · {' · '.join(self.titles[model])}"
            + (OTHERS if len(asked) > len(families) else ""),
            truth,
            true_picture(question),
            link,
        )

    @staticmethod
    def stopped(step: list) -> list:
        """What has come stays."""
        asked, board, table, _, *more = step
        if not board.get("busy"):  # all has come, or was there before
            return step
        return [asked, {**board, "waiting": [], "busy": False}, table, "stopped", *more]

    @plainly
    def open(self, event: gr.EventData, look, marked, selected):
        """What a tile shows, on Reconstruct: the tabs, and all that a link restores."""
        session = Session.from_link(str(event.link))
        restored = Handlers(self.engine).open(session, event.truth, look, marked, selected)
        return [gr.update(selected="reconstruct"), *restored]


def sources(mode: str) -> list[tuple[str, str]]:
    """Where the picture comes from: the Reconstruct tab, or an example."""
    examples = [(title, name) for title, name in pictures.choices() if name != pictures.NONE]
    if mode == PATCHES:
        return [("the picture on Reconstruct", PICTURE), *examples]
    return [("as on Reconstruct", PAINTED), ("that picture, another patch", PICTURE), *examples]


def true_picture(question: Question) -> list[dict]:
    """Its tile, if it is known."""
    if question.whole is None:
        return []
    return [{"title": "The true picture", "aside": "", "picture": picture_uri(question.whole[0])}]


def needed(is_needed: bool) -> dict:
    """A control, shown or not; "hidden" keeps what it holds."""
    return gr.update(visible=True if is_needed else "hidden")


def encoded(truth: np.ndarray | None) -> str:
    """As the browser keeps a picture; "" for none."""
    return "" if truth is None else encode_picture(truth)
