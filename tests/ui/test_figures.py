"""What the page draws."""

from __future__ import annotations

import base64
import io
import json
from xml.etree import ElementTree

import numpy as np
import pytest
import torch
from PIL import Image

from recon import patches
from recon.ui import figures, pictures
from recon.ui.engine import reveal


def opened(uri: str) -> Image.Image:
    head, _, data = uri.partition(",")
    assert head == "data:image/png;base64"
    return Image.open(io.BytesIO(base64.b64decode(data, validate=True)))


def parsed(html: str) -> ElementTree.Element:
    """HTML of ours, which is written so that an XML parser reads it."""
    return ElementTree.fromstring(f"<body>{html.replace('<br>', '<br/>')}</body>")


def said(html: str) -> str:
    return " ".join("".join(parsed(html).itertext()).split())


@pytest.fixture(scope="module")
def answer(engine):
    truth = pictures.load("face")
    return engine.answer(engine.default, reveal(truth, patches.sobol(32, 64)), truth)


@pytest.fixture(scope="module")
def digit(engine, binary):
    truth = pictures.load("three")
    return engine.answer(binary, reveal(truth, patches.sobol(32, 64)), truth)


@pytest.fixture(scope="module")
def classical(engine):
    truth = pictures.load("face")
    return engine.answer("linear", reveal(truth, patches.sobol(32, 64)), truth)


@pytest.mark.parametrize("channels", [1, 3])
def test_a_picture_is_a_pixel_a_pixel_and_loses_nothing(channels):
    levels = torch.randint(256, (channels, 32, 32), generator=torch.Generator().manual_seed(0))
    picture = opened(figures.picture_uri(levels / 255))
    assert picture.size == (32, 32) and picture.mode == {1: "L", 3: "RGB"}[channels]
    assert np.array_equal(np.atleast_3d(np.asarray(picture)), levels.permute(1, 2, 0).numpy())


def test_values_beyond_the_range_saturate():
    values = torch.tensor([-3.0, 0.5, 4.0, 1.0]).reshape(1, 2, 2)
    assert np.asarray(opened(figures.picture_uri(values))).tolist() == [[0, 128], [255, 255]]


def unpacked(value: dict, name: str) -> np.ndarray:
    levels = np.frombuffer(base64.b64decode(value[name]), "<u2")
    return levels.reshape(value["channels"], value["side"], value["side"]) / 65535


def test_the_map_is_told_all_of_every_pixel(answer, digit):
    for shown in (answer, digit):
        value = figures.spread_map(shown)
        assert value["note"] == "" and len(json.dumps(value)) < 150_000
        low, high = shown.interval
        wanted = {"mean": shown.mean, "deviation": shown.deviation, "low": low, "high": high}
        for name, tensor in wanted.items():
            assert np.abs(unpacked(value, name) - tensor.numpy()).max() < 1e-5, name
        spread = unpacked(value, "deviation")
        assert not spread[:, shown.painting.mask].any() and (spread[:, ~shown.painting.mask].max(0) > 0).all()


def test_the_map_of_a_method_without_spread_says_so(classical):
    value = figures.spread_map(classical)
    assert "does not say how sure it is" in value["note"] and "deviation" not in value


def test_the_map_where_all_is_observed_is_flat_and_sound(engine, paint):
    assert not unpacked(figures.spread_map(engine.answer(engine.default, paint(1024))), "deviation").any()


def test_the_maps_frame_is_a_heatmap_with_a_word_under_the_pointer():
    figure = figures.map_frame(32)
    (heat,) = figure.data
    assert heat.type == "heatmap" and np.shape(heat.z) == (32, 32) and "%{text}" in heat.hovertemplate
    assert list(figure.layout.yaxis.range) == [31.5, -0.5]  # the first row on top


def test_a_pixel_has_a_curve_a_channel(answer):
    row, column = np.argwhere(~answer.painting.mask)[17].tolist()
    html = figures.pixel_card(answer, row, column)
    assert f"Pixel row {row}, column {column}" in said(html)
    lines = parsed(html).findall(".//polyline")
    assert [line.find("title").text for line in lines] == ["red", "green", "blue"]
    points = [tuple(map(float, point.split(","))) for point in lines[0].get("points").split()]
    width, height = map(float, parsed(html).find(".//svg").get("viewBox").split()[2:])
    assert len(points) == 254 and all(0 <= x <= width and 0 <= y <= height for x, y in points)
    low, high = answer.interval
    assert f"red {low[0, row, column]:.2f} to {high[0, row, column]:.2f}" in said(html)
    assert f"truly (dashed) {answer.truth[0, 0, row, column]:.2f}" in said(html)


def test_a_binary_pixel_is_two_bars(digit):
    row, column = np.argwhere(~digit.painting.mask)[500].tolist()
    html = figures.pixel_card(digit, row, column)
    assert len(parsed(html).findall(".//rect")) <= 2
    assert f"mean {digit.mean[0, row, column]:.2f}" in said(html)


def test_an_observed_pixel_has_nothing_to_guess(answer):
    row, column = np.argwhere(answer.painting.mask)[5].tolist()
    html = figures.pixel_card(answer, row, column)
    assert "It was observed" in said(html) and parsed(html).find(".//svg") is None


def test_a_pixel_of_a_classical_method(classical):
    row, column = np.argwhere(~classical.painting.mask)[5].tolist()
    assert "gives a mean alone" in said(figures.pixel_card(classical, row, column))


@pytest.mark.parametrize("place", [(None, None), (None, 3), (3, None)])
def test_no_pixel_is_an_invitation(answer, place):
    assert "Click a pixel" in said(figures.pixel_card(answer, *place))
    assert "Click a pixel" in said(figures.pixel_card(None, *place))


@pytest.mark.parametrize(
    "masses",
    [
        np.eye(3, 256),  # all of it in the first three levels
        np.full((3, 256), 1 / 256),
        np.zeros((1, 256)),
        np.eye(1, 256, 255),  # all of it saturated
    ],
    ids=["narrow", "flat", "nothing", "saturated"],
)
def test_curves_of_any_shape_stay_within_the_frame(masses):
    names = figures.CHANNELS[len(masses)]
    drawing = ElementTree.fromstring(figures.curves(masses, names, [0.0, 0.5, 1.0][: len(masses)]))
    for line in drawing.iter("polyline"):
        for point in line.get("points").split():
            x, y = map(float, point.split(","))
            assert 0 <= x <= 320 and 0 <= y <= 84
    assert [text.text for text in drawing.iter("text")] == ["0", "0.5", "1"]
    truths = [float(line.get("x1")) for line in drawing.iter("line") if line.get("class") == "truth"]
    assert truths == [4, 160, 316][: len(masses)], "on the scale of the curves"
    for bar in drawing.iter("rect"):
        assert float(bar.get("y")) >= 0 and 0 <= float(bar.get("height")) <= 84


def test_scores_are_said_with_their_units(answer, classical, engine, paint):
    found = answer.scores()
    text = said(figures.scores(answer))
    assert f"{found['psnr_db']:.1f} dB" in text and f"{found['bits_per_dim']:.2f}" in text
    assert "–" in said(figures.scores(classical))
    assert "Choose a picture" in said(figures.scores(None))
    assert "Choose a picture" in said(figures.scores(engine.answer(engine.default, paint(4))))
    full = paint(1024)
    assert "Every pixel is observed" in said(figures.scores(engine.answer(engine.default, full, full.values)))


def test_an_infinite_score_is_said_too(engine):
    flat = np.full((32, 32, 3), 77, np.uint8)
    assert "∞" in said(figures.scores(engine.answer("nearest", reveal(flat, patches.sobol(32, 9)), flat)))


def test_the_error_map_is_dark_where_it_is_right(answer):
    shown = figures.error_map(answer.mean, answer.truth[0])
    assert shown.shape == (1, 32, 32) and not shown[0][torch.from_numpy(answer.painting.mask)].any()
    wanted = min(1.0, 2 * float((answer.mean - answer.truth[0])[:, 9, 9].abs().mean()))
    assert float(shown[0, 9, 9]) == pytest.approx(wanted, abs=1e-5)
