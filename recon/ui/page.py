"""The whole page: a line on top, the tabs, the endpoints."""

from __future__ import annotations

import contextlib
import ctypes
import os
import threading
import time
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

import gradio as gr

from recon.ui import about, api, beyond, compare, diffs, lab, mending, race, reconstruct, textures
from recon.ui.engine import Engine
from recon.ui.scripts import ON_LOAD
from recon.ui.theme import theme

MOST_UPLOAD = "60mb"
WAITING = 64  # events; who comes then is told to try again
UPLOADS = (600, 3600)  # seconds: every ten minutes those that are an hour old are deleted
QUIET = 15.0  # seconds
TRIM = 20.0  # seconds
VISITORS = 100  # whose tabs the server remembers, three quarters of a megabyte each
STYLES = ("page.css", "tabs.css", "textures.css", "mending.css", "curves.css", "clips.css", "stale.css")
TAGLINE = "Paint a few pixels. See the picture they imply, and how sure the model is."


def build(engine: Engine, tabs: Collection[str] | None = None) -> gr.Blocks:
    """The page as Blocks, not launched; with Reconstruct, and all other tabs or those of these names."""
    diffs.install()
    with gr.Blocks(title="recon", analytics_enabled=False, fill_width=True, delete_cache=UPLOADS) as page:
        with gr.Row(elem_classes="recon-top"):
            gr.HTML(f"<div class='recon-brand'><h1>recon</h1><p class='quiet'>{TAGLINE}</p></div>")
            status = gr.HTML("", elem_classes="recon-status quiet", elem_id="recon-status")
        with gr.Tabs(elem_classes="recon-tabs") as board:
            with gr.Tab("Reconstruct", id="reconstruct"):
                parts = reconstruct.build(page, engine, status)
            others = {
                "Compare": lambda tab: compare.build(engine, parts, board, tab),
                "Race": lambda tab: race.build(engine, parts, board, tab),
                "Lab": lambda tab: lab.build(engine, tab),
                "Textures": lambda tab: mending.build(textures.build(tab)),
                "Beyond images": lambda tab: beyond.build(engine, tab),
                "Models": lambda tab: about.build(page, engine),
            }
            for name, fill in others.items():
                if tabs is None or name in tabs:
                    with gr.Tab(name) as tab:
                        fill(tab)
        api.build(engine)
    page.queue(default_concurrency_limit=1, max_size=WAITING)
    return page


def launch(engine: Engine | None = None, tabs: Collection[str] | None = None, **options):
    """Build and serve; `options` are those of `gr.Blocks.launch`."""
    give_memory_back()
    engine = engine or Engine()
    page = build(engine, tabs)
    threading.Thread(target=warm_up, args=(engine,), daemon=True).start()
    css = "\n".join(Path(__file__).with_name(name).read_text(encoding="utf-8") for name in STYLES)
    usual: dict[str, Any] = {"max_file_size": MOST_UPLOAD, "state_session_capacity": VISITORS}
    usual["enable_monitoring"] = False  # its page would show everyone's calls
    usual["mcp_server"] = os.environ.get("RECON_MCP") == "1"
    return page.launch(theme=theme(), css=css, js=ON_LOAD, footer_links=["api"], **{**usual, **options})


def give_memory_back() -> None:
    """Have glibc map every large block by itself, so that freed matrices go back to the system at once, and keep few
    heaps for the many threads that answer: together they come to hundreds of megabytes. What is free in those, between
    blocks that are not, goes back now and then: a hundred or two. Elsewhere nothing happens."""
    M_MMAP_THRESHOLD, M_ARENA_MAX = -3, -8
    with contextlib.suppress(OSError, AttributeError, TypeError):
        libc = ctypes.CDLL(None)
        for setting, value in ((M_MMAP_THRESHOLD, 1_000_000), (M_ARENA_MAX, 2)):
            libc.mallopt(setting, value)
        threading.Thread(target=trim, args=(libc.malloc_trim,), daemon=True).start()


def trim(malloc_trim: Callable[[int], int]) -> None:
    while True:
        time.sleep(TRIM)
        malloc_trim(0)


def warm_up(engine: Engine) -> None:
    """What the first visitor would wait for: the default model, its covariance, and slow imports. Then weights that are
    not here yet, which others may ask for."""
    from recon import patches
    from recon.curves.answer import usual
    from recon.painting import Painting, decode_picture, encode_picture
    from recon.ui import pictures

    patches.sobol_order(32)
    picture = encode_picture(pictures.load("face"))
    if engine.lender is None:  # a GPU is lent to visitors alone
        engine.answer(engine.default, Painting.empty(32), decode_picture(picture, 32)).scores()
    engine.fetch_rest()
    time.sleep(QUIET)  # whoever opened the page at once has it by then
    usual()  # seconds
