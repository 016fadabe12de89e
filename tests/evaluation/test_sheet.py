"""What figures are drawn with: words, pictures, lines and bands; surfaces that light falls on."""

import numpy as np
import pytest
import torch
from PIL import Image

from recon.evaluation import shading, sheet
from recon.shapes import chairs, mesh

RED = (220, 20, 20)


def ball(radius: float, middle: tuple[float, float, float] = (0, 0, 0), side: int = 32) -> mesh.Mesh:
    apart = chairs.grid(side) - torch.tensor(middle)
    return mesh.surface((apart.norm(dim=-1) - radius).view(side, side, side))


def test_a_table_has_room_for_words_and_a_small_picture_keeps_its_pixels():
    pixels = Image.fromarray(np.array([[RED, (255, 255, 255)], [(255, 255, 255), RED]], np.uint8))
    found = sheet.table([("two rows", [("first", [pixels, None]), ("second", [pixels, pixels])])], ["a", "b"], 40)
    step = 40 + sheet.GAP
    width = sheet.LABEL + 2 * step - sheet.GAP + 2 * sheet.EDGE
    height = 2 * sheet.HEAD + 2 * step - sheet.GAP + 2 * sheet.EDGE
    assert found.size == (width * sheet.FINE, height * sheet.FINE)
    array = np.asarray(found)
    left, top = (sheet.LABEL + sheet.EDGE) * sheet.FINE, (2 * sheet.HEAD + sheet.EDGE) * sheet.FINE
    square = array[top + 2 : top + 38, left + 2 : left + 38]  # a pixel of the picture, without the frame
    assert (square == RED).all()
    assert (array[top : top + 80, left + step * sheet.FINE : -sheet.EDGE * sheet.FINE] == 255).all()  # there is none
    assert (array[:top, :left] < 100).any()  # words


def test_what_is_not_observed_is_no_grey():
    mask = torch.tensor([[[True, False]]])
    found = np.asarray(sheet.shown(torch.tensor([[[0.2, 0.2]]]), mask))
    assert found[0, 0].tolist() == [51, 51, 51]
    assert found[0, 1].tolist() == sheet.UNKNOWN.tolist() and len(set(found[0, 1].tolist())) > 1
    assert np.asarray(sheet.shown(torch.tensor([[[0.2, 0.2]]]))).tolist() == [[[51] * 3] * 2]


def test_dashes_follow_a_line_and_are_half_of_it():
    turns = np.linspace(0, 2 * np.pi, 400)
    circle = 50 * np.stack([np.cos(turns), np.sin(turns)], 1)
    found = sheet.dashes(circle, 4)
    lengths = [np.linalg.norm(np.diff(part, axis=0), axis=1).sum() for part in found]
    assert np.allclose(lengths[:-1], 4, atol=0.01)
    assert sum(lengths) == pytest.approx(np.pi * 50, abs=4)
    assert all(np.allclose(np.linalg.norm(part, axis=1), 50, atol=0.01) for part in found)


def test_bands_let_shine_through_and_lines_are_where_they_should_be():
    page = sheet.Sheet(20, 20, 0)
    page.band(np.array([[0, 5], [20, 5]]), np.array([[0, 15], [20, 15]]), "#0000ff80")
    page.line(np.array([[0, 10], [20, 10]]), "#ff0000", 2)
    found = np.asarray(page.done())
    assert found[4, 20].tolist() == [255, 255, 255] and found[20, 20].tolist() == [255, 0, 0]
    assert found[14, 20].tolist() == pytest.approx([127, 127, 255], abs=1)


def test_axes_know_where_values_are_and_have_lines_there():
    page = sheet.Sheet(100, 50, 0)
    axes = sheet.Axes(page, (20, 10), (60, 30), (4, 256), (0, 1), logarithmic=True)
    places = axes.at([4, 32, 256], [0, 0.5, 2])
    assert np.allclose(places, [[20, 40], [50, 25], [80, 10]])  # what is beyond the top is there
    axes.ticks({32: "32"}, {0.5: "half"}, numbered=False)
    found = np.asarray(page.done()).astype(int)
    assert (found[30:70, 99:101] < 240).any(1).all() and (found[49:51, 50:150] < 240).any(0).all()
    assert (found[:, :38] == 255).all() and (found[82:, 90:110] < 200).any()  # words below, none before


def test_saved_colours_are_as_they_were(tmp_path):
    drawn = Image.fromarray(np.linspace(0, 255, 300).astype(np.uint8)[None].repeat(4, 0)).convert("RGB")
    sheet.save(drawn, tmp_path / "new" / "a.png")
    with Image.open(tmp_path / "new" / "a.png") as found:
        assert np.abs(np.asarray(found.convert("RGB")).astype(int) - np.asarray(drawn)).max() <= 3


@pytest.mark.parametrize("turned_round", [False, True])
def test_normals_point_outwards_whichever_way_faces_turn(turned_round):
    found = ball(0.6, (0.2, 0, -0.1))
    if turned_round:
        found = mesh.Mesh(found.vertices, found.faces[:, ::-1])
    normals = shading.vertex_normals(found)
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    outwards = found.vertices - np.array([0.2, 0, -0.1], np.float32)
    assert ((normals * outwards).sum(1) / 0.6 > 0.95).all()


def test_a_ball_is_a_disc_without_holes_and_lit_from_the_left_above():
    side, radius = 120, 0.6
    found = shading.shade(ball(radius), side, (200, 200, 200)).astype(float)
    row, column = np.mgrid[:side, :side] + 0.5 - side / 2
    far, edge = np.hypot(row, column), radius / shading.ROOM * side / 2
    assert (found[far > edge + 1] == 255).all() and (found[far < edge - 1.5] <= 200).all()
    light = np.where(far < edge - 2, found[..., 0], 0)
    brightest = np.unravel_index(light.argmax(), light.shape)
    assert brightest[0] < side / 2 and brightest[1] < side / 2
    assert light[far < edge - 2].min() == pytest.approx(200 * shading.AMBIENT, abs=2)


def test_what_is_nearer_hides_what_is_farther():
    near = np.array(
        [np.sin(-shading.TURN), -np.cos(-shading.TURN), 0.0]
    )  # straight towards the camera, but for its tilt
    assert shading.seen(near[None])[0, 2] > 0.9
    front, behind = ball(0.3, tuple(0.5 * near)), ball(0.3, tuple(-0.5 * near))
    where = shading.pixels(shading.seen(0.5 * near[None]), 100)[0].astype(int)
    pair = mesh.Mesh(
        np.concatenate([front.vertices, behind.vertices]),
        np.concatenate([front.faces, behind.faces + len(front.vertices)]),
    )
    alone, both = (shading.shade(one, 100, RED) for one in (front, pair))
    nearby = np.s_[where[1] - 8 : where[1] + 8, where[0] - 8 : where[0] + 8]
    assert np.abs(alone[nearby].astype(int) - both[nearby]).max() < 3


def test_what_is_outside_of_the_picture_is_left_out():
    found = shading.shade(mesh.Mesh(np.float32([[9, 0, 0], [9, 1, 0], [9, 0, 1]]), np.int32([[0, 1, 2]])), 20, RED)
    assert (found == 255).all()
