import functools
import json

import numpy as np
import pytest
import torch
from PIL import Image

from recon import hub
from recon.__main__ import main
from recon.errors import CheckpointError, DataError, ImageError
from recon.models import MCGSM
from recon.textures import checkpoint, fit, shipped
from tests.textures.test_fit import small, texture


@pytest.mark.parametrize("name", shipped.TEXTURES)
def test_each_is_a_picture(name):
    image = shipped.load(name)
    assert image.dtype == torch.uint8 and image.shape == (512, 512) and image.float().std() > 5


def test_unknown_textures():
    with pytest.raises(DataError, match="grass, gravel"):
        shipped.load("moss")


def test_a_file_is_a_texture_too(tmp_path, capsys):
    Image.fromarray(texture().numpy()).convert("RGB").save(tmp_path / "My wall (2).png")
    known, image = shipped.find(str(tmp_path / "My wall (2).png"))
    assert known.name == "my-wall-2" and torch.equal(image, texture())
    path = str(tmp_path / "My wall (2).png")
    assert not main(["texture", path, "--to", str(tmp_path), "--components", "2", "--radius", "2", "--steps", "20"])
    assert "bits/px held out" in capsys.readouterr().out
    assert isinstance(hub.load_directed("mcgsm-my-wall-2", folder=tmp_path), MCGSM)
    # as on the page: the middle of a large JPEG, pixel for pixel; and not by the name of one that ships
    rough = np.random.default_rng(0).integers(0, 255, (2100, 2200), dtype=np.uint8)
    Image.fromarray(rough).save(tmp_path / "Grass.jpg", quality=95)
    known, image = shipped.find(str(tmp_path / "Grass.jpg"))
    assert known.name == "my-grass" and (image.numpy() - rough[794:1306, 844:1356].astype(float)).std() < 10
    (tmp_path / "words.png").write_text("no picture")
    with pytest.raises(ImageError):
        shipped.find(str(tmp_path / "words.png"))
    with pytest.raises(DataError, match="no texture"):
        shipped.find(str(tmp_path / "nothing.png"))


def test_a_folder_is_written_and_read(tmp_path):
    model = small()
    list(fit.fit(model, fit.rows_held_out(texture(), model), steps=10, finish=0))
    reached = checkpoint.Reached(5.1234, 5.2345, 5.3456, 12, 2)
    checkpoint.write(model, tmp_path / "mcgsm-grass", shipped.TEXTURES["grass"], (96, 96), reached, "make it")
    (listed,) = hub.textures(tmp_path)
    assert (listed.name, listed.side, listed.title) == ("mcgsm-grass", 0, "MCGSM · grass")
    assert not hub.checkpoints(tmp_path)
    read = hub.load_directed("mcgsm-grass", folder=tmp_path)
    assert isinstance(read, MCGSM)
    assert all(tensor.equal(model.state_dict()[name]) for name, tensor in read.state_dict().items())
    card = (tmp_path / "mcgsm-grass" / "README.md").read_text()
    assert "5.123" in card and "5.234" in card and "5.346" in card and "CC0" in card and "`make it`" in card


def test_a_folder_that_cannot_be_written_is_as_it_was(tmp_path, monkeypatch):
    reached = checkpoint.Reached(1, 1, 1, 1, 1)
    write = functools.partial(checkpoint.write, texture=shipped.TEXTURES["grass"], side=(9, 9), reached=reached)
    write(small(), tmp_path / "it", command="make it")
    before = {path.name: path.read_bytes() for path in (tmp_path / "it").iterdir()}

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(checkpoint, "card", full)
    with pytest.raises(CheckpointError, match="'it' cannot be written"):
        write(small(), tmp_path / "it", command="make it anew")
    assert {path.name: path.read_bytes() for path in (tmp_path / "it").iterdir()} == before
    assert [path.name for path in tmp_path.iterdir()] == ["it"]


def test_it_does_not_predict(tmp_path):
    model = small()
    reached = checkpoint.Reached(1, 1, 1, 1, 1)
    checkpoint.write(model, tmp_path / "it", shipped.TEXTURES["grass"], (9, 9), reached, "make it")
    with pytest.raises(CheckpointError, match="load_directed"):
        hub.load("it", folder=tmp_path)
    with pytest.raises(CheckpointError, match="kind"):
        hub.load_directed("gaussian-mnist")


@pytest.mark.parametrize("record", hub.textures(), ids=lambda record: record.name)
def test_what_is_bundled_reaches_what_its_card_says(record):
    """On the held-out rows of the texture that it was fitted to."""
    model, image = hub.load_directed(record.name), shipped.load(record.name.partition("-")[2])
    path = hub.resolve(record.name)
    said = json.loads((path / "config.json").read_text())["checkpoint"]["held_out"]
    pixels = fit.rows_held_out(image, MCGSM(components=1))  # of a RIDE too, whose own window is smaller
    assert fit.measure(model, pixels)[1] == pytest.approx(said, abs=2e-3)
    told = (path / "README.md").read_text().splitlines()[-1].split("|")[2]
    assert float(told) == pytest.approx(said, abs=6e-4)


def test_the_straight_line_is_worse():
    model = small()
    list(fit.fit(model, fit.rows_held_out(texture(), model), steps=100, finish=0))
    line = checkpoint.linear_bits(model, texture())
    assert fit.measure(model, fit.rows_held_out(texture(), model))[1] < line < 9


def test_the_command(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(shipped, "load", lambda name: texture())
    arguments = ["texture", "gravel", "--to", str(tmp_path), "--steps", "5", "--components", "2", "--radius", "2"]
    assert main(arguments) == 0
    assert "bits/px held out" in capsys.readouterr().out
    assert hub.textures(tmp_path)[0].name == "mcgsm-gravel"
