"""The whole page: a line on top, the tabs, the endpoints."""

from __future__ import annotations

import contextlib
import ctypes
import threading
from pathlib import Path

import gradio as gr

from recon.ui import about, api, beyond, compare, lab, mending, race, reconstruct, textures
from recon.ui.engine import Engine
from recon.ui.theme import theme

MOST_UPLOAD = "60mb"
STYLES = ("page.css", "tabs.css", "textures.css", "mending.css", "curves.css", "clips.css")
TAGLINE = "Paint a few pixels. See the picture they imply, and how sure the model is."


def build(engine: Engine) -> gr.Blocks:
    """The page as Blocks, not launched."""
    with gr.Blocks(title="recon", analytics_enabled=False, fill_width=True) as page:
        with gr.Row(elem_classes="recon-top"):
            gr.HTML(f"<div class='recon-brand'><h1>recon</h1><p class='quiet'>{TAGLINE}</p></div>")
            status = gr.HTML("", elem_classes="recon-status quiet", elem_id="recon-status")
        with gr.Tabs(elem_classes="recon-tabs") as tabs:
            with gr.Tab("Reconstruct", id="reconstruct"):
                parts = reconstruct.build(page, engine, status)
            with gr.Tab("Compare") as tab:
                compare.build(engine, parts, tabs, tab)
            with gr.Tab("Race") as tab:
                race.build(engine, parts, tabs, tab)
            with gr.Tab("Lab") as tab:
                lab.build(engine, tab)
            with gr.Tab("Textures") as tab:
                mending.build(textures.build(tab))
            with gr.Tab("Beyond images") as tab:
                beyond.build(tab)
            with gr.Tab("Models"):
                about.build(engine)
        api.build(engine)
    page.queue(default_concurrency_limit=1, max_size=64)
    return page


def launch(engine: Engine | None = None, **options):
    """Build and serve; `options` are those of `gr.Blocks.launch`."""
    give_memory_back()
    engine = engine or Engine()
    page = build(engine)
    threading.Thread(target=warm_up, args=(engine,), daemon=True).start()
    css = "\n".join(Path(__file__).with_name(name).read_text(encoding="utf-8") for name in STYLES)
    return page.launch(theme=theme(), css=css, footer_links=["api"], **{"max_file_size": MOST_UPLOAD, **options})


def give_memory_back() -> None:
    """Have glibc map every large block by itself, so that freed matrices go back to the system at once: kept in the
    heaps of the threads that answer, they come to hundreds of megabytes. Elsewhere nothing happens."""
    M_MMAP_THRESHOLD = -3
    with contextlib.suppress(OSError, AttributeError, TypeError):
        ctypes.CDLL(None).mallopt(M_MMAP_THRESHOLD, 1_000_000)


def warm_up(engine: Engine) -> None:
    """What the first visitor would wait for: the default model, its covariance, and slow imports."""
    from recon import patches
    from recon.curves.answer import usual
    from recon.ui import pictures
    from recon.ui.painting import Painting, decode_picture, encode_picture

    patches.sobol_order(32)
    picture = encode_picture(pictures.load("face"))
    engine.answer(engine.default, Painting.empty(32), decode_picture(picture, 32)).scores()
    usual()  # seconds
