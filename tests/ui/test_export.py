"""The zip file: what is in it reads back, and opens the page where it was left."""

from __future__ import annotations

import io
import json
import zipfile

import numpy as np
import pytest
import torch
from PIL import Image

from recon import patches
from recon.painting import Painting
from recon.ui import export, pictures
from recon.ui.engine import reveal
from recon.ui.session import Session


def made(engine, name: str, painting: Painting, truth=None, count: int = 3) -> zipfile.ZipFile:
    session = Session(name, "sobol", 64, 5, "face", painting)
    archive = zipfile.ZipFile(
        io.BytesIO(export.bundle(engine.answer(name, painting, truth), engine.desk, session, count, seed=5))
    )
    assert archive.testzip() is None
    return archive


def picture(archive: zipfile.ZipFile, name: str) -> np.ndarray:
    image = Image.open(io.BytesIO(archive.read(name)))
    assert image.format == "PNG"
    return np.asarray(image)


@pytest.fixture(scope="module")
def face():
    return reveal(pictures.load("face"), patches.sobol(32, 64))


@pytest.fixture(scope="module")
def archive(engine, face):
    return made(engine, engine.default, face)


def test_the_files(archive):
    names = {"README.txt", "result.npz", "session.json"}
    for stem in ("reconstruction", "observed", "sample-1", "sample-2", "sample-3"):
        names |= {f"{stem}.png", f"{stem}-16x.png"}
    assert set(archive.namelist()) == names
    assert sum(entry.compress_size for entry in archive.infolist()) < 500_000


def test_arrays_read_back_and_agree_with_the_pictures(archive, engine, face):
    with np.load(io.BytesIO(archive.read("result.npz")), allow_pickle=False) as arrays:
        found = dict(arrays)
    assert {name: array.shape for name, array in found.items()} == {
        "mean": (3, 32, 32), "variance": (3, 32, 32), "samples": (3, 3, 32, 32), "mask": (32, 32),
        "observed": (32, 32, 3),
    }  # fmt: skip
    assert found["mask"].dtype == bool and np.array_equal(found["mask"], face.mask)
    assert found["observed"].dtype == np.uint8 and np.array_equal(found["observed"], face.values)
    answer = engine.answer(engine.default, face)
    torch.testing.assert_close(torch.from_numpy(found["mean"]), answer.mean)
    torch.testing.assert_close(torch.from_numpy(found["variance"]), answer.prediction.variance[0])
    for name, values in [("reconstruction", found["mean"]), ("sample-2", found["samples"][1])]:
        shown = picture(archive, f"{name}.png")
        assert shown.shape == (32, 32, 3)
        assert np.abs(shown / 255 - np.clip(values, 0, 1).transpose(1, 2, 0)).max() <= 0.51 / 255
    assert np.array_equal(picture(archive, "observed.png"), face.values)
    seen = face.mask
    np.testing.assert_allclose(found["samples"][:, :, seen], np.broadcast_to(found["mean"][:, seen], (3, 3, 64)))


def test_sixteen_times_is_sixteen_times_the_same_pixel(archive):
    small, large = picture(archive, "reconstruction.png"), picture(archive, "reconstruction-16x.png")
    assert large.shape == (512, 512, 3)
    assert np.array_equal(large, small.repeat(16, 0).repeat(16, 1))


def test_the_session_opens_again(archive, engine, face):
    session = Session.from_dict(json.loads(archive.read("session.json")))
    assert (session.model, session.family, session.size, session.seed) == (engine.default, "sobol", 64, 5)
    assert session.picture == "face" and session.painting.to_payload() == face.to_payload()


def test_the_same_seed_gives_the_same_samples(archive, engine, face):
    again = made(engine, engine.default, face)
    assert again.read("sample-3.png") == archive.read("sample-3.png")


def test_a_method_without_spread_has_a_mean_alone(engine, face):
    archive = made(engine, "nearest", face)
    assert set(np.load(io.BytesIO(archive.read("result.npz"))).files) == {"mean", "mask", "observed"}
    assert not [name for name in archive.namelist() if name.startswith("sample")]


@pytest.mark.parametrize("count", [0, 1024])
def test_nothing_and_all_observed(engine, paint, count):
    painting = paint(count)
    archive = made(engine, engine.default, painting, count=2)
    assert Session.from_dict(json.loads(archive.read("session.json"))).painting.count == count
    assert len(np.load(io.BytesIO(archive.read("result.npz")))["samples"]) == 2


def test_a_binary_model(engine, binary, face):
    archive = made(engine, binary, face, count=1)
    assert set(np.unique(picture(archive, "sample-1.png"))) <= {0, 255}
    assert np.load(io.BytesIO(archive.read("result.npz")))["mean"].shape == (1, 32, 32)
