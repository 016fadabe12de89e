"""Figures of PixelTransformer, of what ships, made small."""

import functools

import numpy as np
import pytest
import torch
from PIL import Image

from recon.__main__ import main
from recon.curves.gaussian_process import GaussianProcess, of_sextics
from recon.evaluation import figures
from recon.shapes import chairs
from recon.shapes.answer import field
from recon.shapes.field_basis import distances


@pytest.fixture
def small(monkeypatch):
    for name, value in {
        "POINTS": (4, 20),
        "QUERIES": 41,
        "CURVES": 1,
        "CHAIRS": 1,
        "CUBE": 80,
        "DISTANCES": (8,),
        "CLIPS": {"moving": "things that move"},
        "VALUES": (32,),
        "FRAMES": (0, 15),
        "DIGITS": ("three",),
        "SIZES": (8, 256),
        "GROUPS": 4,
        "FACE": (16,),
        "GLANCED": (4,),
        "CUBES": (8,),
        "MEASURED": {"curves": 3, "clips": 1},
        "usual": lambda: GaussianProcess(of_sextics),  # the usual one is fitted for seconds
    }.items():
        monkeypatch.setattr(figures, name, value)
    monkeypatch.setattr("recon.shapes.answer.field", functools.partial(field, side=12))
    monkeypatch.setattr("recon.shapes.answer.MOST", 16)
    monkeypatch.setattr("recon.shapes.answer.FEWEST", 4)
    monkeypatch.setattr("recon.clips.answer.MOST", 40)
    monkeypatch.setattr("recon.clips.answer.FEWEST", 8)


def test_the_command_draws_curves_and_says_where(small, tmp_path, capsys):
    assert main(["figures", "curves", "--to", str(tmp_path)]) == 0
    assert "curves.png is written" in capsys.readouterr().out
    with Image.open(tmp_path / "curves.png") as picture:
        found = np.asarray(picture.convert("RGB")).astype(int)
    blue = (found[..., 2] - found[..., 0] > 100).any(0)
    orange = (found[..., 0] - found[..., 2] > 100).any(0)
    assert blue.any() and orange.any() and (found.sum(-1) > 700).mean() > 0.7  # a light page with lines on it


def test_an_unknown_figure_is_a_sentence(capsys):
    assert main(["figures", "faces"]) == 1
    assert "There is no figure 'faces'; there are curves, chairs, clips, digits, glance." in capsys.readouterr().err
    assert figures.asked_for([]) == ["curves", "chairs", "clips", "digits", "glance"]


def test_points_of_the_curve_are_near_the_truth():
    known = figures.sextic()
    assert known.positions.shape == (1, max(figures.POINTS), 1)
    places = np.linspace(-1, 1, figures.QUERIES)
    line = np.interp(known.positions[0, :, 0].numpy(), places, known.truth[0].numpy())
    assert np.abs(line - known.values[0].numpy()).max() < 0.1


def test_clips_digits_and_chairs_are_rows_of_pictures(small):
    for name, rows in (("clips", 5), ("digits", 4), ("chairs", 1)):
        found = figures.FIGURES[name]()
        side = {"clips": 60, "digits": 80, "chairs": figures.CHAIR}[name]
        assert found.height > 2 * rows * side and np.asarray(found).std() > 10


def test_a_glance_has_three_parts(small):
    found = np.asarray(figures.glance()).astype(int)
    assert found.shape[1] > 1.5 * found.shape[0]
    third = found.shape[1] // 3
    assert all((found[:, k * third : (k + 1) * third].sum(-1) < 600).mean() > 0.01 for k in range(3))


def test_a_shape_without_a_surface_is_an_empty_picture():
    assert (np.asarray(figures.solid(torch.ones(8, 8, 8), figures.TRUE)) == 255).all()
    made = chairs.draw(1, torch.Generator().manual_seed(0))
    truth = distances(made, 16).view(16, 16, 16)
    assert (np.asarray(figures.solid(truth, figures.TRUE)) < 200).any()


def test_known_distances_are_blue_inside_and_orange_outside():
    found = np.asarray(figures.cube(torch.zeros(1, 3), torch.tensor([-0.1]))).astype(int)
    middle = found[len(found) // 2, len(found) // 2]
    assert middle[2] > middle[0] + 100
    found = np.asarray(figures.cube(torch.zeros(1, 3), torch.tensor([0.1]))).astype(int)
    middle = found[len(found) // 2, len(found) // 2]
    assert middle[0] > middle[2] + 100
