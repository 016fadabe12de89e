"""A folder of pictures to a folder of reconstructions: resumed, shared, and nothing spoilt by one bad file."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pytest
import torch
from PIL import Image

import recon
from recon import Observation, exchange, folders, images, patches
from recon.__main__ import main
from recon.errors import ReconError
from recon.painting import Painting
from recon.ui.engine import Engine

ASKED = folders.Asked("nearest", "sobol", 40)


@pytest.fixture
def folder(tmp_path):
    """Three pictures, one of them damaged, an observation, and what is neither"""
    here = tmp_path / "in"
    here.mkdir()
    generator = np.random.default_rng(0)
    for name in ("a.png", "b.jpg"):
        smooth = Image.fromarray(generator.integers(0, 256, (6, 8, 3), np.uint8)).resize((80, 60))
        smooth.save(here / name)
    (here / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    (here / "notes.txt").write_text("nothing")
    mask = torch.from_numpy(patches.random(32, 50))[None, None]
    exchange.write(Observation(torch.full((1, 3, 32, 32), 0.4), mask), here / "seen.npz")
    return here


def run(folder, out, asked=ASKED):
    return list(folders.reconstruct(recon.load(asked.model), asked, folder, out))


def test_each_file_is_answered_and_recorded(folder, tmp_path):
    out = tmp_path / "out"
    found = {record.file: record for record in run(folder, out)}
    assert list(found) == ["a.png", "b.jpg", "broken.png", "seen.npz"]
    assert found["a.png"].psnr_db > 5 and found["a.png"].observed == 40 and found["a.png"].bits_per_dim is None
    assert "no picture" in found["broken.png"].problem and not (out / "broken.png.png").exists()
    assert found["seen.npz"].observed == 50 and found["seen.npz"].psnr_db is None
    side = Image.open(out / "b.jpg.png").size
    assert side == (32, 32) and not list(out.glob("*.part"))
    said = folders.summary(ASKED, folder, out)
    assert said["files"] == 4 and said["answered"] == 3 and list(said["problems"]) == ["broken.png"]
    assert said["psnr_db"] == pytest.approx((found["a.png"].psnr_db + found["b.jpg"].psnr_db) / 2, abs=1e-4)
    assert json.loads((out / "summary.json").read_text()) == said


def test_a_run_goes_on_where_it_was_stopped(folder, tmp_path, monkeypatch):
    out, asked = tmp_path / "out", []
    answered = folders.answered
    monkeypatch.setattr(folders, "answered", lambda *of: asked.append(of[2].name) or answered(*of))
    records = folders.reconstruct(recon.load("nearest"), ASKED, folder, out)
    next(records), records.close()
    first = (out / "a.png.png").stat().st_mtime_ns
    run(folder, out)
    assert asked == ["a.png", "b.jpg", "broken.png", "seen.npz"] and (out / "a.png.png").stat().st_mtime_ns == first
    asked.clear()
    run(folder, out)
    assert asked == ["broken.png"]  # which may be mended by now
    asked.clear()
    run(folder, out, folders.Asked("nearest", "sobol", 41))
    assert len(asked) == 4  # another question
    (out / "a.png.record.json").write_text("{")
    asked.clear()
    run(folder, out, folders.Asked("nearest", "sobol", 41))
    assert asked == ["a.png", "broken.png"]


def test_several_processes_share_a_folder(folder, tmp_path, monkeypatch):
    out = tmp_path / "out"
    monkeypatch.setenv("WORLD_SIZE", "2")
    seen = []
    for rank in ("0", "1"):
        monkeypatch.setenv("RANK", rank)
        seen.append([record.file for record in run(folder, out)])
        said = folders.summary(ASKED, folder, out)
    assert seen == [["a.png", "broken.png"], ["b.jpg", "seen.npz"]] and said["answered"] == 3


def test_page_library_and_command_say_the_same(folder, tmp_path):
    """Bit for bit, for one who asks alone"""
    out, name = tmp_path / "out", "gsm-celeba"
    code = main(
        ["reconstruct", str(folder), str(out), "--model", name, "--patch", "random:60", "--seed", "3", "--arrays"]
    )
    assert code == 1  # one file is damaged
    pixels = images.fit(images.open_image(folder / "a.png"), 32)
    mask = patches.make("random", 32, 60, 3)
    library = recon.load(name).predict(Observation.from_image(pixels, mask))
    page = Engine("cpu").answer(name, Painting.from_arrays(pixels, mask))
    assert torch.equal(page.mean, library.mean[0])
    assert np.array_equal(np.asarray(Image.open(out / "a.png.png")), images.to_array(page.mean))
    with np.load(out / "a.png.npz") as arrays:
        assert np.array_equal(arrays["mean"], page.mean.numpy())
        assert np.array_equal(arrays["variance"], library.variance[0].numpy())
    assert torch.equal(exchange.read(out / "a.png.observed.png").mask[0, 0], torch.from_numpy(mask))


@pytest.mark.parametrize("text", ["sobol", "sobol:", "sobol:-3", "sobol:x", "nothing:3", ":3", "sobol:0"])
def test_what_is_no_patch(text):
    with pytest.raises(ReconError):
        folders.patch_of(text)


def test_bad_questions_are_sentences(folder, tmp_path, capsys):
    assert main(["reconstruct", str(tmp_path / "none"), str(tmp_path / "out")]) == 1
    assert main(["reconstruct", str(folder), str(tmp_path / "out"), "--patch", "sobol"]) == 1
    assert main(["reconstruct", str(folder), str(tmp_path / "out"), "--model", "nobody"]) == 1
    (tmp_path / "empty").mkdir()
    assert main(["reconstruct", str(tmp_path / "empty"), str(tmp_path / "out")]) == 1
    told = capsys.readouterr().err.splitlines()
    assert len(told) == 4 and not any("Traceback" in line for line in told)


def test_what_is_made_needs_a_folder_of_its_own(folder):
    with pytest.raises(ReconError, match="of its own"):
        run(folder, folder)
    assert folders.patch_of("designed_celeba:128") == ("designed_celeba", 128)


def test_a_full_gpu_is_a_files_problem_and_the_others_go_on(folder, tmp_path, monkeypatch):
    model, times = recon.load("nearest"), []
    predict = type(model).predict

    def once(this, observation):
        times.append(1)
        if len(times) == 1:
            raise torch.OutOfMemoryError
        return predict(this, observation)

    monkeypatch.setattr(type(model), "predict", once)
    found = list(folders.reconstruct(model, ASKED, folder, tmp_path / "out"))
    assert "memory is full" in found[0].problem and found[1].psnr_db is not None


def test_what_cannot_be_written_is_a_files_problem_or_a_sentence(folder, tmp_path, monkeypatch):
    taken = tmp_path / "taken"
    taken.write_text("a file")
    with pytest.raises(ReconError, match="'taken' cannot be made"):
        run(folder, taken)
    save = Image.Image.save

    def full(self, path, *how):
        if path.name == "a.png.png":
            raise OSError(28, "No space left on device")
        return save(self, path, *how)

    monkeypatch.setattr(Image.Image, "save", full)
    found = {record.file: record.problem for record in run(folder, tmp_path / "out")}
    assert "No space left" in found["a.png"] and not found["b.jpg"]


def test_it_begins_without_the_page():
    code = "import sys, recon.folders; sys.exit('gradio' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize("kind", folders.OBSERVED)
def test_what_was_observed_is_written_and_answered_alike(folder, tmp_path, kind):
    """By the command: out of pictures, and into it again"""
    (folder / "broken.png").unlink()
    first, again = tmp_path / "first", tmp_path / "again"
    how = ["--model", "gsm-celeba", "--patch", "sobol:40", "--arrays", "--device", "cpu", "--observed", kind]
    assert main(["reconstruct", str(folder), str(first), *how]) == 0
    seen = tmp_path / "seen"
    seen.mkdir()
    for path in first.glob("*.observed.*"):
        path.rename(seen / path.name)
    ending = "png" if kind == "mask" else kind
    assert len(list(seen.glob("*.mask.png"))) == 3 * (kind == "mask")
    assert main(["reconstruct", str(seen), str(again), *how]) == 0
    for name in ("a.png", "b.jpg", "seen.npz"):
        with np.load(first / f"{name}.npz") as one, np.load(again / f"{name}.observed.{ending}.npz") as other:
            for array in one:
                np.testing.assert_allclose(one[array], other[array], atol=1e-6, err_msg=f"{name} {array}")
