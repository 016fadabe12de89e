"""What happens in the Lab: from the controls to a run whose table and plot fill as it goes. No state is kept here."""

from __future__ import annotations

import time
from collections.abc import Iterator

import gradio as gr

from recon.errors import ReconError
from recon.evaluation import experiment
from recon.evaluation.experiment import Row
from recon.ui import lab_figures, lab_report
from recon.ui.engine import Engine, seed_of
from recon.ui.keeping import kept, one_of, some_of, within
from recon.ui.lab_settings import (
    FEWEST,
    MEASURES,
    MOST,
    MOST_SEEDS,
    OWN,
    PRESETS,
    SIZES,
    Settings,
    about_data,
    data_choices,
    family_titles,
    model_titles,
    title_of,
)
from recon.ui.plainly import plainly

WAITING = "waiting for its turn …"
MOST_SECONDS = 300.0  # a run ends here with what it has
OFTEN = 0.25  # seconds between two looks at the progress
KEPT = ("data", "pictures", "seed", "models", "families", "sizes", "seeds", "measure")  # controls but the files


class LabHandlers:
    """Bound to an engine. `controls` are those of `Settings.read`, in its order, the files last."""

    def __init__(self, engine: Engine):
        self.engine = engine

    @plainly
    def choose_preset(self, event: gr.EventData):
        """Controls but the files, the line on the data, the files' place, what to look for, the cards."""
        if not isinstance(event.index, int) or not 0 <= event.index < len(PRESETS):
            return [gr.skip()] * 12
        return self.show(PRESETS[event.index].at(self.engine).settings)

    def restore(self, text: str) -> list:
        """The same, of what was set before a reload: nothing changes where nothing was."""
        settings = kept(text, self.read)
        return [gr.skip()] * 12 if settings is None else self.show(settings)

    def read(self, held: dict) -> Settings:
        """What a tab held, whether or not it can be run; of models, those that are here."""
        return Settings(
            one_of(held["data"], [name for _, name in data_choices(self.engine)]),
            within(held["pictures"], FEWEST, MOST),
            seed_of(held["seed"]),
            some_of(held["models"], [name for _, name in self.engine.choices()]),
            some_of(held["families"], list(family_titles())),
            some_of(held["sizes"], SIZES),
            within(held["seeds"], 1, MOST_SEEDS),
            one_of(held["measure"], [name for _, name in MEASURES]),
        )

    def show(self, s: Settings) -> list:
        """`choose_preset`'s outputs"""
        known = [preset.at(self.engine) for preset in PRESETS]
        chosen = next((k for k, preset in enumerate(known) if preset.settings == s), -1)
        lists = [list(s.models), list(s.families), list(s.sizes)]
        return [
            *(s.data, s.pictures, s.picture_seed, *lists, s.seeds, s.measure),
            data_line(s.data),
            gr.update(visible=s.data == OWN),
            advice(known[chosen].look) if chosen >= 0 else "",
            gr.update(chosen=chosen),
        ]

    @plainly
    def choose_data(self, data):
        """The line on the data, and a place for files where they are a person's own."""
        return data_line(data), gr.update(visible=data == OWN)

    def count(self, *controls) -> str:
        """How much work the controls ask for, or why they cannot be run; beside the button, so never a toast."""
        try:
            settings = Settings.read(*controls)
            count = settings.check(settings.side(self.engine))
        except ReconError as error:
            return quiet(str(error))
        mixed = " Grey and colour models are asked for different things: compare lines of one kind."
        said = f"{count:,} reconstructions, of {settings.pictures} pictures."
        return quiet(said + (mixed if self.kinds(settings) > 1 else ""))

    def subject(self, settings: Settings) -> str:
        """What a result is of, for whoever has touched the controls since."""
        titles = model_titles(self.engine)
        models = ", ".join(titles.get(name, name) for name in settings.models)
        patches = ", ".join(family_titles().get(name, name) for name in settings.families)
        pictures = f"{settings.pictures} pictures ({title_of(settings.data)}, seed {settings.picture_seed})"
        return f"{pictures}; {models}; patches: {patches}."

    def kinds(self, settings: Settings) -> int:
        """How many kinds of truth the models are held to: colour, grey, black and white. Grey pictures make the first
        two one, but for bits/dim, which share what is certain among three equal channels."""
        records = [self.engine.records[name] for name in settings.models if name in self.engine.records]
        grey = settings.data == "faces" and settings.measure != "bits_per_dim"
        return len({(record.binary, record.channels if not grey else 1) for record in records})

    @plainly
    def begin(self, *controls):
        """The progress before a run has its turn; a sentence pops up instead if it cannot be run."""
        settings = Settings.read(*controls)
        waiting = lab_report.progress(0, settings.check(settings.side(self.engine)), WAITING)
        return f"<div class='lab-waiting'>{waiting}</div>"  # what is shown meanwhile is of the run before

    @plainly
    def run(self, *controls) -> Iterator[list]:
        """Progress, sentence, plot, table, CSV, and the two buttons that save, as they come."""
        settings, files = Settings.read(*controls), controls[-1] or []
        label = lab_report.labels(settings.models, settings.families, model_titles(self.engine), family_titles())
        total, done, rows = settings.check(settings.side(self.engine)), 0, list[Row]()
        began = shown = time.perf_counter()
        yield [
            lab_report.progress(0, total, "loading models and pictures …"),
            "",
            lab_figures.figure([], settings.measure, settings.sizes, label),
            "",
            "",
            *[gr.update(interactive=False)] * 2,
        ]

        def results(said: str, over: bool = True) -> list:
            # a sentence of what is half done would change with every row
            shares = [lab_report.progress(done, total, said), lab_report.verdict(rows, label) if over else ""]
            drawn = lab_figures.figure(rows, settings.measure, settings.sizes, label)
            drawn.update_layout(meta={"of": lab_report.folded(self.subject(settings))})  # for the PNG
            csv = experiment.to_csv(rows, settings.said())
            saving = [gr.update(interactive=bool(rows))] * 2
            return [*shares, drawn, lab_report.table(rows, label), csv, *saving]

        try:
            found = settings.experiment(settings.load(self.engine, files))
            for name in found.models:
                self.engine.model(name)  # which may have to come first: nobody's turn is spent on that
            desk = self.engine.desk
            for step in desk.by_turns(desk.steps(experiment.run, found, self.engine.model)):
                now, done = time.perf_counter(), step.done
                rows += step.rows
                if now - began > MOST_SECONDS:
                    yield results(f"stopped after {MOST_SECONDS / 60:.0f} minutes, {done:,} of {total:,}")
                    return
                if step.rows and done < total:
                    yield results(pace(done, total, now - began), over=False)
                elif now - shown > OFTEN:
                    yield [lab_report.progress(done, total, pace(done, total, now - began)), *[gr.skip()] * 6]
                else:
                    continue
                shown = now
        except ReconError as error:
            yield results(f"stopped at {done:,} of {total:,}: {error}")
            raise
        seconds = time.perf_counter() - began
        yield results(f"{total:,} reconstructions in {seconds:.1f} s: {self.subject(settings)}")


def pace(done: int, total: int, seconds: float) -> str:
    left = seconds * (total - done) / max(done, 1)
    return f"{done:,} of {total:,} reconstructions, {seconds:.0f} s; about {left:.0f} s to go"


def data_line(name: str) -> str:
    return quiet(about_data(name))


def advice(said: str) -> str:
    return f"<p class='recon-note'>{said}</p>"


def quiet(said: str) -> str:
    return f"<p class='quiet'>{said}</p>"
