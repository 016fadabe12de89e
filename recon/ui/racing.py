"""What happens on the Race tab: laps as they come, to lines of a plot, a board of tiles a size, and a table."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass

import gradio as gr
import numpy as np

from recon.comparison import Result
from recon.errors import CheckpointError, ObservationError
from recon.evaluation.reconstruction import data_set
from recon.race import SIZES, Lap, race, runners
from recon.ui import race_figures, tiles
from recon.ui.comparing import PICTURE, Comparing, Question, encoded, needed, true_picture
from recon.ui.engine import Engine, patch_mask, reveal
from recon.ui.grids import FAMILIES
from recon.ui.plainly import plainly
from recon.ui.race_figures import said, title
from recon.ui.session import Session

COLUMNS = (tiles.QUALITY[0], tiles.EVENNESS)
OFFERED = {family for _, family in FAMILIES}
UNUSED = {"tiles": [], "waiting": [], "busy": False, "scale": 0, "truth": ""}
NO_PICTURE = "there is no picture on Reconstruct: choose one above"


@dataclass(frozen=True)
class Race:
    """One race, and how it is shown.

    Shown is: `asked`, lines, status, table, what is kept, the button to save, and then a sentence and a board for each
    of SIZES. What is kept is a dict: `csv`, and `done`, the sizes that all have come to.
    """

    asked: str  # equal for equal questions
    model: str
    names: Sequence[str]
    laps: Iterator[Lap]
    question: Question
    about: str

    def begun(self) -> list:
        """Before anything has come."""
        head = [self.asked, race_figures.lines([], self.names), f"starting · {self.about}", "", kept([]), needed(False)]
        return head + [part for size in SIZES for part in self.board(size, [])]

    def shown(self, laps: Sequence[Lap], boards: dict[int, list]) -> list:
        """After a lap. `boards` are the sentences and tiles of the sizes that all have come to; a lap may add to them.

        The latest is sent again with every lap, and all with the last: what comes right before something else, a
        browser may pass over.
        """
        size = laps[-1].size
        if not set(self.names) - {lap.name for lap in laps if lap.size == size or lap.problem}:
            boards[size] = self.board(size, laps)
        finished = len(boards) == len(SIZES)
        status = f"finished · {self.about}" if finished else f"{size} of {SIZES[-1]} pixels · {self.about}"
        table = race_figures.table([lap for lap in laps if lap.size in boards], self.names)
        head = [self.asked, race_figures.lines(laps, self.names), status, table, kept(laps, boards), needed(True)]
        sent = boards if finished else {each: board for each, board in boards.items() if each == max(boards)}
        return head + [part for each in SIZES for part in sent.get(each, [gr.skip()] * 2)]

    def board(self, size: int, laps: Sequence[Lap]) -> list:
        """The sentence and the tiles of one size; waiting for all where nobody has come to it."""
        # who gave up before says so at every size
        here = [lap for lap in laps if lap.size == size or (lap.problem and lap.size < size)]
        titles = {name: title(name) for name in self.names}
        value = {
            "tiles": true_picture(self.question) + tiles.tiles(here, titles, COLUMNS, self.link),
            "waiting": [] if here else [titles[name][0] for name in self.names],
            "busy": not here,
            "scale": tiles.widest(here),
            "truth": encoded(self.question.truth),
        }
        return [race_figures.sentence(here), value]

    def link(self, lap: Result) -> str:
        """Opens on Reconstruct what a lap observed."""
        assert self.question.truth is not None and lap.observation is not None
        painting = reveal(self.question.truth, lap.observation.mask[0, 0].numpy())
        family = lap.name if lap.name in OFFERED else "sobol"
        return Session(
            self.model, family, painting.count, self.question.seed, self.question.picture, painting
        ).to_link()


@dataclass(frozen=True)
class Racing:
    """Bound to an engine. Of `run`, the last inputs are what is on Reconstruct: painter, picture, its name, a patch."""

    engine: Engine

    @plainly
    def arrive(self, asked, source, seed, model, *there) -> Iterator[list]:
        """The tab is opened: race, unless what is shown answers this very question, or there is no picture."""
        if source == PICTURE and not there[1]:  # no toast: one who paints freely may come by
            yield [gr.skip(), gr.skip(), NO_PICTURE, *[gr.skip()] * (3 + 2 * len(SIZES))]
        elif self.race(source, seed, model, *there).asked == asked:
            yield [gr.skip()] * (6 + 2 * len(SIZES))
        else:
            yield from self.run(source, seed, model, *there)

    @plainly
    def run(self, source, seed, model, *there) -> Iterator[list]:
        """Outputs as `Race.shown`, lap by lap."""
        this = self.race(source, seed, model, *there)
        laps: list[Lap] = []
        boards: dict[int, list] = {}
        yield this.begun()
        try:
            for lap in this.laps:
                laps.append(lap)
                yield this.shown(laps, boards)
        except Exception:  # a fault of ours: nothing more is waited for, and what has come stays
            yield [*[gr.skip()] * 2, "stopped", *[gr.skip()] * 3, *halted(boards)]
            raise

    def race(self, source, seed, model, *there) -> Race:
        """What is to be run; nothing is computed yet."""
        compare = Comparing(self.engine)
        side = self.engine.side(model, there[0].side)
        question = compare.question(source, "sobol", SIZES[-1], seed, *there, side=side)
        if question.whole is None:
            raise ObservationError("There is no picture to take pixels from: choose one.")
        known, desk = self.engine.model(model), self.engine.desk
        names = runners(known, self.set_of(model))
        return Race(
            question.link(model) + encoded(question.truth),
            model,
            names,
            desk.steps(race, known, question.whole, names, SIZES, question.seed, desk.later),
            question,
            " · ".join(filter(None, compare.titles[model])),
        )

    def set_of(self, model: str) -> str:
        """The image set that a model was trained on, "" if it has none that is known."""
        try:
            return data_set(model) if model in self.engine.records else ""
        except CheckpointError:
            return ""

    @plainly
    def open(self, event: gr.EventData, look, marked, selected):
        """As `Comparing.open`; where pixels are no patch that a menu could name, patch and seed stay as they were."""
        tabs, *restored = Comparing(self.engine).open(event, look, marked, selected)
        opened = Session.from_link(str(event.link))
        mask = opened.painting.mask
        if not np.array_equal(patch_mask(opened.family, opened.size, opened.seed, opened.painting.side), mask):
            gr.Info("These pixels are no patch of the Patch menu, which stays as it was.", title="Chosen by the model")
            family, size, _ = restored[1:4]
            restored[1:4] = [without_value(family), without_value(size), gr.skip()]
        return [tabs, *restored]

    @staticmethod
    def stopped(step: list) -> list:
        """What has come stays."""
        asked, lines, _, table, had, save, *boards = step
        done = had.get("done", SIZES)
        if len(done) == len(SIZES):  # all has come, or was there before
            return step
        # the latest board comes with this very step
        ended = [old if new == gr.skip() else new for old, new in zip(boards, halted(done), strict=True)]
        return [asked, lines, "stopped", table, had, save, *ended]


def without_value(update: dict) -> dict:
    """Choices and limits change, and what is chosen does not."""
    return {name: said for name, said in update.items() if name != "value"}


def kept(laps: Sequence[Lap], done: Iterable[int] = ()) -> dict:
    return {"csv": race_figures.as_csv(laps), "done": list(done)}


def halted(done: Collection[int]) -> list:
    """The sentence and the board of each size, when a race ends after those that are done."""
    late = "The race was stopped before all had come to {} pixels."
    boards = [[gr.skip()] * 2 if size in done else [said(late.format(size)), UNUSED] for size in SIZES]
    return [part for board in boards for part in board]
