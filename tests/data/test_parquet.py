"""Image sets from a Hub of the test's own."""

from __future__ import annotations

import io
import sys

import numpy as np
import pytest
from fake_hub import FakeHub
from PIL import Image

from recon import data
from recon.data import parquet
from recon.errors import DataError

pyarrow = pytest.importorskip("pyarrow", reason="pyarrow is not installed")
pytest_plugins = ["hub_fixtures"]

FILES = {"train": "data/train.parquet", "test": "data/test.parquet"}
GREY = np.random.default_rng(0).integers(0, 256, (7, 5, 5), dtype=np.uint8)
COLOUR = np.random.default_rng(1).integers(0, 256, (7, 5, 5, 3), dtype=np.uint8)


def encode(image: np.ndarray) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(image).save(stream, "PNG")
    return stream.getvalue()


def table(images, column: str = "image", struct: bool = True) -> bytes:
    """A parquet file as the Hub's image sets have it: a struct of bytes and path, beside a label."""
    from pyarrow import parquet as writer

    cells = [encode(image) for image in images]
    rows = [{"bytes": cell, "path": None} for cell in cells] if struct else cells
    stream = io.BytesIO()
    writer.write_table(pyarrow.table({column: rows, "label": list(range(len(rows)))}), stream, row_group_size=3)
    return stream.getvalue()


def publish(server: FakeHub, images, **how) -> str:
    return server.add("them/set", {FILES["train"]: table(images, **how)}, kind="datasets")


def read(revision: str = "main", column: str = "image", split: str = "train") -> np.ndarray:
    return parquet.read("them/set", revision, FILES, column, split)


@pytest.mark.parametrize("images", [GREY, COLOUR], ids=["grey", "colour"])
@pytest.mark.parametrize("struct", [True, False])
def test_read(server, images, struct, monkeypatch):
    monkeypatch.setattr(parquet, "CHUNK", 2)
    publish(server, images, struct=struct)
    found = read()
    assert found.dtype == np.uint8 and found.shape == images.shape and (found == images).all()


def test_a_mixture_is_all_colour(server):
    publish(server, [COLOUR[0], GREY[0], COLOUR[1]])
    found = read()
    assert found.shape == (3, 5, 5, 3) and (found[1] == GREY[0][..., None]).all() and (found[2] == COLOUR[1]).all()


def test_what_is_at_hand_is_not_asked_for_again(server):
    commit = publish(server, GREY)
    assert (read(commit) == GREY).all()
    server.log.clear()
    server.fault = "down"
    assert (read(commit) == GREY).all() and server.log == []


def test_the_pinned_commit_is_read(server):
    old = publish(server, GREY)
    publish(server, COLOUR)
    assert (read(old) == GREY).all() and (read("main") == COLOUR).all()


@pytest.mark.parametrize("fault", ["down", "401", "404", "500", "truncated", "wrong hash", "pickle"])
def test_whatever_fails_is_a_sentence(server, fault):
    publish(server, GREY)
    server.fault = fault
    with pytest.raises(DataError, match=r"could not be fetched|does not read") as told:
        read()
    assert str(told.value).startswith("data/train.parquet of them/set ")
    assert len(str(told.value).splitlines()) == 1 and str(told.value).endswith(".")


def test_what_is_not_there(server):
    publish(server, GREY)
    with pytest.raises(DataError, match="no split 'valid'; there are train, test"):
        read(split="valid")
    with pytest.raises(DataError, match="does not have a file asked for"):
        read(split="test")
    with pytest.raises(DataError, match="no column 'picture'"):
        read(column="picture")
    with pytest.raises(DataError, match="does not have the commit"):
        read("0" * 40)
    with pytest.raises(DataError, match="the repository does not exist"):
        parquet.read("them/other", "main", FILES, "image", "train")


@pytest.mark.parametrize("images", [[GREY[0], GREY[1][:4]], []], ids=["of two sizes", "none"])
def test_pictures_that_make_no_array(server, images):
    publish(server, images)
    with pytest.raises(DataError, match="does not read as pictures of one size"):
        read()


def test_a_column_of_something_else(server):
    publish(server, GREY)
    with pytest.raises(DataError, match="does not read as pictures"):
        read(column="label")


def test_without_pyarrow(server, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(DataError, match="need pyarrow"):
        read()
    assert server.log == []


def test_a_set_is_read_from_the_hub_where_there_is_no_folder(server, monkeypatch):
    monkeypatch.delenv("RECON_DATA", raising=False)
    repo, _, files, column = data.SETS["mnist"].parquet
    images = np.random.default_rng(2).integers(0, 256, (4, 28, 28), dtype=np.uint8)
    server.add(repo, {files["test"]: table(images, column)}, kind="datasets")
    found = data.load("mnist", "test")
    assert found.shape == (4, 1, 32, 32) and (found[:, 0, 2:30, 2:30].numpy() == images).all()
