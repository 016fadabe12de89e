"""What happens on the Reconstruct tab: functions from what the browser sends to what it shows.

They hold no state: the painting, the true picture and the pixel that is looked at come with every call. An error that
a person can cause becomes a sentence on the page, and every output but that sentence stays as it is.
"""

from __future__ import annotations

import base64
import html
import json

import gradio as gr
import numpy as np

from recon import acquisition, patches
from recon.errors import CheckpointError, ImageError, ObservationError, ReconError
from recon.painting import Painting, decode_picture, encode_picture, where
from recon.ui import doubts, export, figures, grids, looks, pictures
from recon.ui.drawing import SAMPLES
from recon.ui.engine import MOST_SEED, Answer, Engine, patch_mask, reveal, seed_of
from recon.ui.late import late
from recon.ui.plainly import as_text, plainly
from recon.ui.session import Session

SHUFFLED = {"sobol": "sobol_shifted"}  # what gives way to its kin with chance in it


class Handlers:
    """Bound to an engine. The order of outputs is `recon.ui.reconstruct.RESULTS`'."""

    def __init__(self, engine: Engine):
        self.engine = engine

    def results(self, painting: Painting, model: str, truth: str, look: str, marked: bool, selected: str) -> list:
        """Reconstruction, map, pixel, scores, status, note."""
        try:
            name = self.engine.at_hand(model)
            answer = self.engine.answer(name, painting, decode_picture(truth, painting.side))
            place, waiting = where(selected, painting.side), late(self.engine, model, name)
            return [
                {**looks.view(answer, self.engine.desk, model, look, marked, place), **waiting.again},
                figures.spread_map(answer),
                figures.pixel_card(answer, *place),
                figures.scores(answer),
                self.status(answer, name),
                waiting.note + looks.note(answer, look),
            ]
        except ReconError as error:
            # not a toast: this may follow every stroke; escaped: it may quote what a stranger wrote. What another model
            # or painting answered does not stay under this one's name.
            note = f"<p class='recon-note'>{html.escape(str(error), quote=False)}</p>"
            empty = {"png": "", "side": painting.side, "observed": [], "selected": [], "model": model}
            card, scores = figures.pixel_card(None, None, None), figures.scores(None)
            return [empty, figures.spread_map(None), card, scores, "<span>no answer</span>", note]

    def status(self, answer: Answer, model: str) -> str:
        device = "GPU" if answer.said.device == "cuda" else "CPU"
        if not self.engine.had_room and model in self.engine.records:
            device += " (the GPU's memory was full)"
        return f"<span>{device} · {self.title(model)} · {figures.duration(1000 * answer.seconds)}</span>"

    def title(self, model: str) -> str:
        return {name: title for title, name in self.engine.choices()}.get(model, model)

    # what a person does ------------------------------------------------------------------------------------------

    @plainly
    def paint(self, painting, model, truth, look, marked, selected, live):
        """After a stroke, or whatever else changes what is shown."""
        return self.results(painting, model, truth, look, marked, selected) if live else [gr.skip()] * 6

    @plainly
    def run(self, painting, model, truth, look, marked, selected):
        """The Run button."""
        return self.results(painting, model, truth, look, marked, selected)

    @plainly
    def choose_model(self, painting, model, truth, look, marked, selected):
        """Ink, a line about the model, and the results."""
        ink = self.engine.ink(model)
        line = f"<p class='quiet'>{self.engine.summary(model)}</p>"
        return [gr.update(ink=ink, marks=[]), line, *self.results(painting, model, truth, look, marked, selected)]

    @plainly
    def switch(self, word, painting, model, truth, look, marked, selected, picture, upload, family, size, seed, left):
        """Another model, and its grid if that is another: the menu of models, painter, line, results, truth, family,
        size, and what the browser keeps of the grid that is left.

        A model that is not of the set `word` gives way to its kin there: the set was chosen, or the model was before
        its menu had changed with it. Which one it is, is always said: answers come in order, so the last one is right,
        whatever the one before it has put in the menu.
        """
        model = self.engine.menus.kin(model, word)
        menu, side = self.menu(model), self.engine.side(model, painting.side)
        if side == painting.side or max(side, painting.side) % min(side, painting.side):
            return [menu, *self.choose_model(painting, model, truth, look, marked, selected), *[gr.skip()] * 4]
        sheet = grids.Sheet(painting, truth or "", picture or "", family, size, seed_of(seed or 0))
        sheet, left = grids.switched(sheet, side, upload, left)
        new = sheet.painting
        ink, line, *results = self.choose_model(new, model, sheet.truth, look, marked, "")
        painter = gr.update(value=new.to_payload(), picture=sheet.truth, ink=ink["ink"], selected=[], marks=[])
        results[1] = gr.update(value=results[1], selected=[])
        return [menu, painter, line, *results, sheet.truth, *grids.patch_controls(sheet.family, sheet.size, side), left]

    def menu(self, model: str) -> dict:
        """The menu of models, those of the same pictures in it."""
        return gr.update(value=model, choices=self.engine.menus.titles(model))

    @plainly
    def doubt(self, painting, model) -> str:
        """A quiet warning where the painting is unlike what the model was trained on."""
        return doubts.warning(self.engine, model, painting)

    @plainly
    def choose_patch(self, painting, model, truth, look, marked, selected, family, size, seed):
        """Painter and results."""
        known = decode_picture(truth, painting.side)
        if known is None:
            # no toast: one who paints freely may touch these controls by the way, and a link may hold them for later
            told = "<p class='recon-note'>A patch is taken from a picture, and here is none: choose or upload one.</p>"
            return [gr.skip()] * 6 + [told]
        painting = reveal(known, patch_mask(family, size, seed, painting.side))
        return [painting, *self.results(painting, model, truth, look, marked, selected)]

    @plainly
    def catch_up(self, painting, model, truth, look, marked, selected, picture, upload, family, size, seed):
        """After a late answer, see `PixelView`: truth, painter and results. What came late, a patch or a picture, is of
        the grid that was left: it goes to the one that there is now."""
        side = self.engine.side(model, painting.side)
        if side == painting.side or max(side, painting.side) % min(side, painting.side):
            return [gr.skip(), gr.skip(), *self.results(painting, model, truth, look, marked, selected)]
        seed = seed_of(seed or 0)
        try:
            known = decode_picture(truth, side)  # the patch alone was late
        except ReconError:
            known = None
        if known is not None:
            painting = reveal(known, patch_mask(grids.offered(family, side), size, seed, side))
        else:
            sheet, _ = grids.switched(
                grids.Sheet(painting, truth or "", picture or "", family, size, seed), side, upload
            )
            painting, truth = sheet.painting, sheet.truth
        update = gr.update(value=painting.to_payload(), picture=truth, marks=[])
        return [truth, update, *self.results(painting, model, truth, look, marked, selected)]

    @plainly
    def shuffle(self, seed, painting, model, truth, look, marked, selected, family, size):
        """Another seed; a family without chance gives way to its randomised kin."""
        if family not in (*patches.SEEDED, *SHUFFLED):
            told = "There is no chance in this patch: a designed one, a grid and a block are always the same."
            return [gr.skip()] * 8 + [f"<p class='recon-note'>{told}</p>"]
        seed, family = (seed_of(seed or 0) + 1) % MOST_SEED, SHUFFLED.get(family, family)
        return [
            seed,
            family,
            *self.choose_patch(painting, model, truth, look, marked, selected, family, size, seed),
        ]

    @plainly
    def choose_picture(self, name, upload, painting, model, look, marked, selected, family, size, seed):
        """Truth, painter, results. Without a picture the painting stays, and nothing is known of the truth."""
        if not name:
            return ["", gr.update(picture=""), *self.results(painting, model, "", look, marked, selected)]
        if name != pictures.OWN:
            picture = pictures.load(name, painting.side)
        elif upload is not None:
            picture = pictures.on_grid(upload, painting.side)
        else:
            raise ImageError("Your own picture is not here: bring it below, or make one of two.")
        return self.take(picture, painting, model, look, marked, selected, family, size, seed)

    @plainly
    def upload(self, image, painting, model, look, marked, selected, family, size, seed):
        """Picture menu, then as `choose_picture`."""
        if image is None:
            return [gr.skip()] * 9
        small = pictures.on_grid(image, painting.side)
        return [pictures.OWN, *self.take(small, painting, model, look, marked, selected, family, size, seed)]

    @plainly
    def compose(self, lower, painting, model, truth, look, marked, selected, family, size, seed):
        """As `upload`, of two pictures."""
        if not lower:
            return [gr.skip()] * 9
        both = pictures.composed(decode_picture(truth, painting.side), lower)
        return [pictures.OWN, *self.take(both, painting, model, look, marked, selected, family, size, seed)]

    @plainly
    def name_picture(self, truth, painting) -> str:
        """What the picture menu says of the picture that is known."""
        if not truth:
            return pictures.NONE
        same = (name for name in pictures.EXAMPLES if encode_picture(pictures.load(name, painting.side)) == truth)
        return next(same, pictures.OWN)

    @plainly
    def return_to(self, event: gr.EventData, painting, model, look, marked, selected):
        """Undone, or done again, to what was painted on another picture or on none: picture menu, then as
        `choose_picture`."""
        truth = event.picture or ""
        decode_picture(truth, painting.side)
        name = self.name_picture(truth, painting)
        results = self.results(painting, model, truth, look, marked, selected)
        return [name, truth, gr.update(picture=truth), *results]

    def take(self, picture, painting, model, look, marked, selected, family, size, seed) -> list:
        truth = encode_picture(picture)
        painting = reveal(picture, patch_mask(family, size, seed, painting.side))
        update = gr.update(value=painting.to_payload(), picture=truth)
        return [truth, update, *self.results(painting, model, truth, look, marked, selected)]

    @plainly
    def pick(self, event: gr.EventData, shown, painting, model, truth, look, marked):
        """Selected pixel, painter, reconstruction, map, pixel card."""
        row, column = event.row, event.col
        selected = json.dumps([row, column])
        name = self.engine.at_hand(model)
        answer = self.engine.answer(name, painting, decode_picture(truth, painting.side))
        place = where(selected, painting.side)
        card = figures.pixel_card(answer, *place)
        framed = gr.update(selected=[] if place[0] is None else list(place))
        if look == "sample" and isinstance(shown, dict):  # that very sample: another would be drawn
            view = {**shown, "selected": [] if place[0] is None else list(place)}
        else:
            view = looks.view(answer, self.engine.desk, model, look, marked, place)
        return [selected, framed, view | late(self.engine, model, name).again, framed, card]

    @plainly
    def mark(self, shown, painting, marked):
        """The reconstruction, whatever it shows, with what is observed marked in it or not."""
        if not isinstance(shown, dict):
            return gr.skip()
        return {**shown, "observed": np.flatnonzero(painting.mask).tolist() if marked else []}

    @plainly
    def ask(self, painting, model, truth):
        """Where the model would look next: painter (a mark), the Reveal button, the note."""
        if painting.mask.all():
            raise ObservationError("Every pixel is known: there is nothing left to ask for.")
        where = self.wanted(painting, model)
        known = bool(truth)
        told = f"It would look at row {where[0]}, column {where[1]}: there it would learn most."
        told += "" if known else " No picture is known to take it from: paint it."
        return [gr.update(marks=[list(where)]), gr.update(visible=known), f"<p class='recon-note'>{told}</p>"]

    @plainly
    def reveal_next(self, painting, model, truth, look, marked, selected):
        """Painter and results: what the model would look at next, taken from the picture; and the one after marked."""
        known = decode_picture(truth, painting.side)
        if known is None:
            raise ObservationError("There is no picture to take the pixel from: paint it.")
        mask = painting.mask.copy()
        mask[self.wanted(painting, model)] = True
        painting = Painting.from_arrays(np.where(painting.mask[..., None], painting.values, known), mask)
        after = [] if mask.all() else [list(self.wanted(painting, model))]
        update = gr.update(value=painting.to_payload(), marks=after)
        return [update, *self.results(painting, model, truth, look, marked, selected)]

    def wanted(self, painting: Painting, model: str) -> tuple[int, int]:
        model = self.engine.at_hand(model)
        known, observation = self.engine.model(model), self.engine.observe(model, painting)
        with self.engine.desk.later():
            return self.engine.desk.once(acquisition.next_pixels, known, observation)[0]

    # keeping it --------------------------------------------------------------------------------------------------

    @plainly
    def link(self, model, family, size, seed, picture, painting, truth="") -> str:
        """The part of a permalink behind `#recon=`. Whoever gets it sees what is painted, and no more of a picture of
        one's own."""
        if truth and picture not in pictures.EXAMPLES:
            gr.Info("The link holds what is painted, not your picture. The file of Download holds both.")
        return Session(model, family, size, seed_of(seed or 0), picture or "", painting).to_link()

    @plainly
    def download(self, model, family, size, seed, picture, painting, truth) -> str:
        """A zip file in base64; nothing is left on the server."""
        seed = seed_of(seed or 0)
        if self.engine.at_hand(model) != model:
            raise CheckpointError("The weights of this model are on their way: the download waits for them.")
        answer = self.engine.answer(model, painting, decode_picture(truth, painting.side))
        session = Session(model, family, size, seed, picture or "", painting)
        own = "" if picture in pictures.EXAMPLES else truth
        return base64.b64encode(export.bundle(answer, self.engine.desk, session, SAMPLES, seed, own)).decode("ascii")

    @plainly
    def load_file(self, path, look, marked, selected):
        """A session.json that was downloaded: the same outputs as `restore`."""
        try:
            with open(path, "rb") as file:
                said = json.loads(file.read(2_000_000))
        except (ValueError, OSError, RecursionError) as error:
            raise ObservationError("This file is not a session.json that this page wrote.") from error
        return self.open(Session.from_dict(said), said.get("truth"), look, marked, selected)

    @plainly
    def restore(self, said: str, look, marked, selected):
        """When the page opens: a link, what the tab had before a reload, or the start.

        Outputs: model, family, size, seed, picture, truth, painter, model line, results, and what the models show.
        """
        try:
            if said.startswith("link:"):
                return self.open(Session.from_link(said[5:]), None, look, marked, selected)
            if said.startswith("tab:"):
                kept = json.loads(said[4:])
                return self.open(Session.from_dict(kept), kept.get("truth"), look, marked, selected)
        except (ReconError, ValueError, RecursionError) as error:
            gr.Warning(as_text(error) if isinstance(error, ReconError) else "What this tab held could not be read.")
        painting = reveal(pictures.load("face"), patch_mask("sobol", 64, 0))
        start = Session(self.engine.default, picture="face", painting=painting)
        return self.open(start, None, look, marked, selected)

    def open(self, session: Session, truth: str | None, look, marked, selected) -> list:
        painting = session.painting
        name = session.picture if session.picture in pictures.EXAMPLES else pictures.NONE
        if truth:
            name = name or pictures.OWN
        else:
            truth = encode_picture(pictures.load(name, painting.side)) if name else ""
        decode_picture(truth, painting.side)
        model = self.there(session.model, painting.side)
        ink, line, *results = self.choose_model(painting, model, truth, look, marked, selected)
        painter = gr.update(value=painting.to_payload(), picture=truth, ink=ink["ink"])
        patch = grids.patch_controls(session.family, session.size, painting.side)
        head = [self.menu(model), *patch, session.seed, name, truth, painter, line]
        return [*head, *results, self.engine.menus.word(model)]

    def there(self, model: str, side: int) -> str:
        """The model of a link or a file; where this page has none of that name, the best for the painting's grid."""
        try:
            self.engine.check(model)
            return model
        except CheckpointError as error:
            found = self.engine.menus.seeing([self.engine.default], side, self.engine.default)[0]
            gr.Warning(as_text(f"{error} {self.title(found)} answers in its place."))
            return found
