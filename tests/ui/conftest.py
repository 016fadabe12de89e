"""What the tests of the page share: one engine for all of them, paintings, and the page served."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import gradio as gr
import numpy as np
import pytest

from recon import patches
from recon.painting import Painting, encode_picture
from recon.ui import page, pictures
from recon.ui.engine import Engine, reveal

Paint = Callable[..., Painting]


@pytest.fixture(scope="session")
def engine() -> Engine:
    """On the CPU, with what is bundled; models are loaded once for all tests."""
    return Engine("cpu")


@pytest.fixture(scope="session")
def binary(engine) -> str:
    """The name of a network of black and white pixels."""
    for name, record in engine.records.items():
        if record.binary and not name.startswith(("table1", "bmm")):
            return name
    pytest.skip("no binary checkpoint is bundled")


@pytest.fixture(scope="module")
def name(engine):
    return engine.default


@pytest.fixture(scope="module")
def truth():
    return encode_picture(pictures.load("face"))


@pytest.fixture(scope="module")
def face():
    return reveal(pictures.load("face"), patches.sobol(32, 64))


@pytest.fixture
def paint() -> Paint:
    """Paintings of `count` cells in random places and colours."""

    def make(count: int, side: int = 32, seed: int = 0) -> Painting:
        rng = np.random.default_rng(seed)
        mask = np.zeros(side * side, dtype=bool)
        mask[rng.permutation(side * side)[:count]] = True
        values = rng.integers(0, 256, (side, side, 3), dtype=np.uint8)
        return Painting.from_arrays(values, mask.reshape(side, side))

    return make


@pytest.fixture(scope="module")
def tabs() -> tuple[str, ...] | None:
    """Those that the page has beside Reconstruct; None for all. It is there sooner with fewer."""
    return None


@pytest.fixture(scope="module")
def served(engine, tabs) -> Iterator[gr.Blocks]:
    """The page, served as `python app.py` serves it, on a free port."""
    built: list[gr.Blocks] = []

    def build(*args):
        built.append(page_build(*args))
        return built[0]

    page_build = page.build
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(page, "build", build)
        page.launch(engine, tabs, prevent_thread_lock=True, quiet=True, show_error=False)
    yield built[0]
    built[0].close()


@pytest.fixture(scope="module")
def url(served) -> str:
    """Its address."""
    return served.local_url


@pytest.fixture(scope="module")
def chromium():
    from tests.ui import visitor

    if not visitor.CHROMIUM.exists():
        pytest.skip("Chromium is not installed")
    with visitor.playwright.sync_playwright() as p:
        browser = p.chromium.launch(executable_path=visitor.CHROMIUM, args=visitor.FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def desktop(chromium):
    """One for all tests: what the browser has cached, it need not load again."""
    context = chromium.new_context(viewport={"width": 1280, "height": 800}, accept_downloads=True)
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    return context


@pytest.fixture
def visit(url):
    """Opens tabs, and at the end asserts that none had an error or asked for anything outside of this machine."""
    from tests.ui import visitor

    opened = []

    def open_tab(context, link: str = ""):
        opened.append(visitor.Visitor(context.new_page(), url, link))
        return opened[-1]

    yield open_tab
    for one in opened:
        one.close()


@pytest.fixture
def visitor(visit, desktop):
    return visit(desktop)


@pytest.fixture(scope="module")
def app(chromium):
    """A tiny page around the painter, see `tests.ui.hand`; only where there is a browser to look at it."""
    from tests.ui import hand

    yield from hand.serve()


@pytest.fixture(scope="module")
def window(chromium):
    """One for all tests, as `desktop`, of another size."""
    return chromium.new_context(viewport={"width": 900, "height": 700})


@pytest.fixture
def hand(app, window):
    from tests.ui.hand import Hand

    page = window.new_page()
    errors = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    yield Hand(page, app)
    page.close()
    assert not errors
