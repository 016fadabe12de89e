"""What happens in the Clips part of the page: a clip, some of its values, what they imply."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any, NamedTuple

import gradio as gr
import numpy as np
import torch
from PIL import Image
from torch import Tensor

from recon.clips import files, kinds, patterns
from recon.clips.answer import PARTS, Film, decibels, drawn_beside, imagined, joined, load, means, parts
from recon.clips.answer import kinds as kinds_of
from recon.clips.kinds import FRAMES, KINDS, SIDE
from recon.clips.patterns import OFFERED
from recon.ui.course import Course, progress
from recon.ui.engine import seed_of
from recon.ui.figures import data_uri
from recon.ui.keeping import one_of
from recon.ui.plainly import hint, plainly
from recon.ui.samples import NOTHING, STOPPED, VALUES, there
from recon.ui.tiles import viridis

MODEL = "clips"
SIZES = (32, 64, 128, 256, 512)
SAMPLES = 4
KEPT = ("kind", "way", "size", "seed", "own")
OWN = "your own"
TITLES = {"things": "moving", "camera": "passing", "beach": "beach"}
WORDS = {"moving": "things that move", "passing": "a camera over leaves", "beach": "waves on a beach"}
BRIGHTEST = 0.25  # standard deviation
EMPTY: dict[str, Any] = {"clips": [], "frames": FRAMES, "side": SIDE}


class Question(NamedTuple):
    """A clip, (frames, side, side), and what is known of it: pixels (n, 3) and values (n,)"""

    truth: Tensor
    pixels: Tensor
    values: Tensor

    @property
    def known(self) -> tuple[Tensor, Tensor]:
        """What the model is given: positions and values"""
        return patterns.positions(self.pixels), self.values


class Shown(NamedTuple):
    """What is on the page, whatever is chosen by now."""

    seed: int
    asked: Question
    found: Film


def question(title: str, way: str, size: int, seed: int, own: str) -> Question:
    """The clip of that kind and seed, or one's own, `packed`, with that many values known."""
    seed = seed_of(seed)
    if title == OWN:
        truth = unpacked(own)
        if truth is None:
            raise hint("Open a clip of your own first: a GIF, or another picture that moves.")
    elif title in TITLES:
        generator = torch.Generator().manual_seed(seed)
        truth = kinds.noisy(kinds.whole(KINDS[TITLES[title]](1, generator)), generator)[0].clamp(0, 1)
    else:
        raise hint(f"There are no clips of {str(title)[:40]!r} here.")
    pixels = patterns.on_grid(way, int(size), seed)
    return Question(truth, pixels, truth[pixels.unbind(-1)])


class Clipping:
    """What is shown, and how it comes (`recon.ui.course`)."""

    def answer(self, title: str, way: str, size: int, seed: int, own: str) -> Iterator[tuple[Shown | None, list]]:
        """Clips, and what is said of them, which is how far they are until they come. Samples are cleared with them,
        and what is said of those."""
        asked, found = question(title, way, size, seed, own), list[Tensor]()
        for part in parts(load(MODEL), *asked.known):
            found.append(part)
            yield None, [gr.skip(), coming(len(found)), gr.skip(), gr.skip()]
        shown = Shown(seed_of(seed), asked, joined(found))
        yield shown, [wall(asked, shown.found), said(asked, shown.found), EMPTY, NOTHING]

    @staticmethod
    def restored(kept: dict) -> tuple[list, list]:
        """What was chosen before a reload, and what shows it"""
        own = kept["own"] or ""
        titles = [*TITLES, OWN] if unpacked(own) is not None else list(TITLES)
        title, size = one_of(kept["kind"], titles), one_of(kept["size"], SIZES)
        others = [one_of(kept["way"], OFFERED), size, seed_of(kept["seed"]), own]
        return [title, *others], [gr.update(choices=titles, value=title), *others]

    @staticmethod
    def ready() -> None:
        load(MODEL)

    @staticmethod
    def begun() -> list:
        """The first step of an answer: what was said of another does not stay"""
        return [gr.skip(), coming(0), gr.skip(), gr.skip()]

    @staticmethod
    def halted(shown: Shown | None) -> list:
        """The last step of an answer that is stopped: all stays, and it is said what that is."""
        still = f"This is the clip from {len(shown.asked.values)} values still, of seed {shown.seed}." if shown else ""
        return [gr.skip(), f"<p class='quiet'>Stopped. {still}</p>", gr.skip(), gr.skip()]

    @plainly
    def open(self, path: str) -> list:
        """A clip of one's own: it is kept, and its kind is chosen."""
        return [packed(files.read(path)), gr.update(choices=[*TITLES, OWN], value=OWN)]

    def imagine(self, shown: Shown | None, times: int = 0) -> Iterator[list]:
        """Clips that the one shown could be, one after another; others each of the times."""
        seed, asked, _ = there(shown, "clip")
        model, clips, drawn = load(MODEL), list[Tensor](), list[dict]()
        yield [EMPTY, drawing(0)]
        more = drawn_beside(len(asked.values))
        for k in range(SAMPLES):
            generator = torch.Generator().manual_seed(seed + 1000 * (k + SAMPLES * times))
            points = asked.known
            for step in imagined(model, *asked.known, generator):
                points, count = step, len(step[1]) - len(asked.values)
                yield [
                    gr.skip(),
                    drawing(k, VALUES * count / more, f"values of the next one: {count}"),
                ]
            found = list[Tensor]()
            for part in means(model, *points):
                found.append(part)
                share = VALUES + (1 - VALUES) * len(found) / PARTS
                yield [gr.skip(), drawing(k, share, f"part {len(found)} of {PARTS} of the next one")]
            clips.append(torch.cat(found).view(FRAMES, SIDE, SIDE))
            drawn.append({"title": f"sample {k + 1}", "png": grey(clips[-1])})
            yield [{**EMPTY, "clips": list(drawn)}, drawing(k + 1)]
        yield [gr.skip(), alike(torch.stack(clips), asked)]

    @staticmethod
    def waits() -> list:
        """The first step of samples, while an answer is on its way"""
        return [gr.skip(), progress(0, 1, "The clip comes first.")]

    @staticmethod
    def stopped(step: list) -> list:
        """The last step of samples that are stopped: those that came stay."""
        return [*step[:-1], STOPPED]

    @plainly
    def as_gif(self, course: Course[Shown]) -> str:
        """What is observed, what is made of it, and the truth beside each other, in base64"""
        _, asked, found = there(course.shown, "clip")
        seen = torch.full_like(asked.truth, 0.5)
        seen[asked.pixels.unbind(-1)] = asked.values
        gap = torch.ones(FRAMES, SIDE, 1)
        beside = torch.cat([seen, gap, found.mean, gap, asked.truth], 2)
        return base64.b64encode(files.to_gif(beside)).decode("ascii")


def packed(clip: Tensor) -> str:
    """As the browser keeps it: its levels, 0 to 255, in base64"""
    return base64.b64encode(sprite(clip).tobytes()).decode("ascii")


def unpacked(text: str | None) -> Tensor | None:
    """The inverse, (frames, side, side) in [0, 1]; None where there is none, and a plain sentence for what is torn"""
    if not text:
        return None
    try:
        levels = np.frombuffer(base64.b64decode(text, validate=True), np.uint8).reshape(FRAMES, SIDE, SIDE)
    except ValueError as error:
        raise hint("This clip did not arrive whole. Please open it again.") from error
    return torch.from_numpy(levels.astype(np.float32) / 255)


def coming(done: int) -> str:
    """What is said of a clip of which so many parts are there"""
    return progress(done, PARTS, f"The clip is made: part {done} of {PARTS}.")


def drawing(samples: int, of_next: float = 0.0, more: str = "") -> str:
    """What is said while samples are drawn: so many, that share of the next one, and what is made of it"""
    return progress(samples + of_next, SAMPLES, f"{samples} of {SAMPLES}" + (f"; {more}" if more else ""))


def wall(asked: Question, found: Film) -> dict:
    """The value of the `ClipWall`"""
    known = torch.zeros_like(asked.truth)
    known[asked.pixels.unbind(-1)] = 1
    levels = sprite(asked.truth)
    seen = Image.fromarray(np.dstack([levels, (sprite(known))]), "LA")
    unsure = Image.fromarray(viridis()[sprite(found.deviation / BRIGHTEST)])
    clips = [
        ("Observed", f"{len(asked.values)} of {asked.truth.numel()} values", data_uri(seen)),
        ("Reconstruction", "mean", grey(found.mean)),
        ("How unsure", f"standard deviation; brightest from {BRIGHTEST}", data_uri(unsure)),
        ("The true clip", "", grey(asked.truth)),
    ]
    return {**EMPTY, "clips": [{"title": title, "note": note, "png": png} for title, note, png in clips]}


def sprite(clip: Tensor) -> np.ndarray:
    """Frames one below another, uint8 (frames * side, side)"""
    return (clip.clamp(0, 1) * 255).round().to(torch.uint8).flatten(0, 1).numpy()


def grey(clip: Tensor) -> str:
    return data_uri(Image.fromarray(sprite(clip)))


def said(asked: Question, found: Film) -> str:
    error, held = found.error(asked.truth), found.held(asked.truth)
    told = f"PSNR <b>{decibels(error)} dB</b>; {100 * held:.0f} % of the values lie in their 90 % intervals."
    if chances := kinds_of(load(MODEL), *asked.known):
        kind = max(chances, key=lambda kind: chances[kind])
        chance = "above 99.5 %" if chances[kind] > 0.995 else f"{100 * chances[kind]:.0f} %"
        told += f" The model takes this clip for {WORDS[kind]} (probability {chance})."
    return f"<p class='quiet'>{told}</p>"


def alike(clips: Tensor, asked: Question) -> str:
    pairs = [(clips[a] - clips[b]).square().mean().item() for a in range(len(clips)) for b in range(a)]
    true = (clips - asked.truth).square().mean().item()
    time, row, column = asked.pixels.unbind(-1)
    off = (clips[:, time, row, column] - asked.values).abs().mean().item()
    apart, beside = decibels(sum(pairs) / len(pairs)), decibels(true)
    return (
        f"<p class='quiet'>They are {apart} dB from each other and {beside} dB from the true clip; at "
        f"what is observed they are off by {off:.3f} on average.</p>"
    )
