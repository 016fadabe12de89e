"""What publishing a Space sends, and that what is sent runs."""

from __future__ import annotations

import json

import pytest
from tiny import bundle

from recon import hub, portraits, space
from recon.__main__ import main
from recon.errors import CheckpointError

pytest_plugins = ["hub_fixtures"]


@pytest.fixture
def small(lists, tmp_path, monkeypatch):
    """A folder with what a Space needs, in little: two checkpoints, one of which stays with it."""
    bundle(tmp_path, "kept", title="Kept")
    bundle(tmp_path, "other", title="Other")
    monkeypatch.setattr(space, "KEPT", ("kept",))
    monkeypatch.setattr(space, "ROOT", tmp_path)
    monkeypatch.setattr(portraits, "portrait", lambda name: portraits.Portrait(b"PNG", f"Of {name}"))
    (tmp_path / "checkpoints").symlink_to(tmp_path / "bundled")
    for name in ("app.py", "recon/__init__.py", "recon/hub_index.json", "recon/ui/page.css", "recon/ui/page.pyi",
                 "recon/__pycache__/hub.pyc", "tests/test_it.py", "docs/page.webp", "requirements.txt", "LICENSE",
                 "CONTRIBUTING.md"):  # fmt: skip
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("{}")
    (tmp_path / "README.md").write_text("---\ntitle: recon\nlicense: apache-2.0\n---\n\n# recon\n")


def test_a_space_and_its_models_are_made_then_updated(small, server, tmp_path, monkeypatch):
    server.tokens.add("hf_secret")
    told = []
    space.publish(space.plan("them/recon"), "hf_secret", say=told.append)
    made, other = server.repos["spaces/them/recon"], server.repos["models/them/recon-other"]
    sent = other.commits[other.head]
    assert sent["samples.png"] == b"PNG" and b"![Of other](samples.png)\n\n*Of other.*" in sent["README.md"]
    files = made.commits[made.head]
    assert {"app.py", "recon/__init__.py", "recon/ui/page.css", "checkpoints/kept/model.safetensors"} <= set(files)
    assert not [path for path in files if "other" in path or "tests" in path or path.endswith((".pyc", ".pyi"))]
    assert made.variables == {"RECON_HUB": "them"} and len(told) == 3 and told[-1].endswith(made.head)
    assert b"models: [them/recon-kept, them/recon-other]\nlicense: apache-2.0" in files["README.md"]
    index = json.loads(files["recon/hub_index.json"])
    assert {name: entry["revision"] for name, entry in index.items()} == {
        name: server.repos[f"models/them/recon-{name}"].head for name in ("kept", "other")
    }

    # what a Space then does: the checkpoint that did not come with the page is fetched, and is the same
    hub.INDEX.write_text(json.dumps(index))
    (tmp_path / "bundled/other").rename(tmp_path / "away")
    monkeypatch.setenv("RECON_HUB", "them")
    assert not hub.available("other")
    fetched = hub.resolve("other") / "model.safetensors"
    assert fetched.read_bytes() == (tmp_path / "away/model.safetensors").read_bytes()

    (tmp_path / "away").rename(tmp_path / "bundled/other")
    before = {name: repo.head for name, repo in server.repos.items()}
    (tmp_path / "recon/ui/page.css").unlink()
    (tmp_path / "app.py").write_text("new")
    space.publish(space.plan("them/recon"), "hf_secret")
    after = made.commits[made.head]
    assert after["app.py"] == b"new" and "recon/ui/page.css" not in after and ".gitattributes" in after
    assert all(server.repos[name].head == head for name, head in before.items() if name.startswith("models/"))


def test_a_dry_run_says_what_it_would_send_and_asks_no_one(small, server, capsys):
    assert main(["publish", "--space", "them/recon", "--dry-run"]) == 0
    said = capsys.readouterr().out
    assert "models/them/recon-other\n" in said and "spaces/them/recon: " in said and "with kept" in said
    assert main(["publish", "other", "--to", "them/x", "--dry-run"]) == 0
    assert "models/them/x: other" in capsys.readouterr().out and not server.log


def test_what_cannot_be_published_is_said(small, server, capsys, monkeypatch):
    for name in ("recon", "a/b/c", "them/"):
        with pytest.raises(CheckpointError, match="is called owner/name"):
            space.plan(name)
    with pytest.raises(CheckpointError, match="'them/recon-kept' could not be published: the token is missing"):
        space.publish(space.plan("them/recon"))
    assert main(["publish", "--to", "them/x"]) == 1 and "--space alone" in capsys.readouterr().err
    assert main(["publish", "--space", "them/recon", "--private"]) == 1
    assert "without --private" in capsys.readouterr().err
    monkeypatch.setattr(space, "KEPT", ("none",))
    with pytest.raises(CheckpointError, match="opens with none"):
        space.plan("them/recon")


def test_a_card_has_its_portrait_below_the_title():
    card = space.pictured("---\nlicense: other\n---\n\n# Title\n\nMore.\n", "Eight pictures")
    assert "# Title\n\n![Eight pictures](samples.png)\n\n*Eight pictures.*\n\nMore." in card


def test_what_is_really_published_is_all_that_the_page_needs():
    what = space.plan("them/recon")
    assert {"app.py", "recon/ui/page.py", "recon/ui/painter.js", "docs/page.webp"} <= set(what.files)
    assert not [path for path in what.files if path.startswith("checkpoints/") and path.split("/")[1] not in space.KEPT]
    assert sum(path.stat().st_size for path in what.files.values()) < 25e6
