"""What a stranger can read of the server's files, and what is left of those that they send."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from recon.ui.page import UPLOADS

ROOT = Path(__file__).parents[2]
PATHS = [
    "/etc/passwd",
    "/proc/self/environ",
    "../../../../etc/passwd",
    "%2e%2e/%2e%2e/%2e%2e/etc/passwd",
    "..%2f..%2f..%2fetc%2fpasswd",
    "file:///etc/passwd",
    "\\etc\\passwd",
    "app.py",
    "checkpoints",
    str(ROOT / "app.py"),
    str(ROOT / "requirements.txt"),
    str(ROOT / ".git" / "config"),
    str(ROOT / "checkpoints" / "mdn-celeba" / "model.safetensors"),
    __file__,
]
ROUTES = ["gradio_api/file={}", "file={}", "gradio_api/file/{}", "static/{}", "assets/{}", "gradio_api/static/{}"]
OTHERS = [
    "monitoring",
    "gradio_api/monitoring",
    "docs",
    "gradio_api/proxy=http://127.0.0.1:22/",
    "gradio_api/vibe-code",
]


@pytest.fixture(scope="module")
def tabs():
    return ()


@pytest.fixture(scope="module")
def stranger(url):
    with httpx.Client(base_url=url, timeout=60) as client:
        yield client


@pytest.mark.parametrize("path", PATHS)
def test_no_file_of_the_server_can_be_read(stranger, path):
    for route in ROUTES:
        assert stranger.get(route.format(path)).status_code in (403, 404), route


@pytest.mark.parametrize("route", OTHERS)
def test_what_gradio_offers_beside_is_closed(stranger, route):
    assert stranger.get(route).status_code in (400, 403, 404)


def upload(stranger, name: str, content: bytes) -> str:
    answer = stranger.post("gradio_api/upload", files=[("files", (name, content))])
    assert answer.status_code == 200
    return answer.json()[0]


@pytest.mark.parametrize("name", ["../../../evil.png", "a/../../b\\c.png", "n" * 300 + ".png", "\0.png", "con.png"])
def test_a_name_with_a_path_stays_where_uploads_are(stranger, name):
    there = upload(stranger, name, b"x")
    cache = upload(stranger, "plain.png", b"y")
    assert Path(there).resolve().parents[1] == Path(cache).resolve().parents[1]


@pytest.mark.parametrize(
    ("name", "content"), [("a.svg", b"<svg onload='alert(1)'/>"), ("a.html", b"<script></script>")]
)
def test_what_may_hold_a_script_is_not_shown_by_the_browser(stranger, name, content):
    got = stranger.get("gradio_api/file=" + upload(stranger, name, content))
    assert got.headers["content-disposition"].startswith("attachment")
    assert "html" not in got.headers["content-type"] and "svg" not in got.headers["content-type"]


def test_an_upload_larger_than_any_picture_is_refused(stranger):
    answer = stranger.post("gradio_api/upload", files=[("files", ("big.png", bytes(61 * 2**20)))])
    assert answer.status_code == 413


def test_uploads_are_deleted_and_the_page_goes_on_without(served, engine):
    from gradio.data_classes import FileData

    from recon.ui.components import PictureInput

    assert served.delete_cache == UPLOADS and UPLOADS[1] <= 3600
    gone = PictureInput(render=False).preprocess(FileData(path="/nowhere/that/was.png"))
    assert gone is None


def test_old_uploads_go(stranger, served):
    from gradio.route_utils import delete_files_created_by_app

    there = Path(upload(stranger, "old.png", b"old"))
    delete_files_created_by_app(served, UPLOADS[1])
    assert there.exists()
    delete_files_created_by_app(served, -1)  # as if it were an hour later
    assert not there.exists()
