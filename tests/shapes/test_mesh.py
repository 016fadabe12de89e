"""Surfaces, files of them, and how far shapes are from each other."""

import math

import numpy as np
import pytest
import torch

from recon.errors import PredictionError
from recon.shapes import mesh
from recon.shapes.chairs import grid

SIDE = 24


def ball(radius: float, centre: float = 0.0):
    return (grid(SIDE) - centre).norm(dim=-1).view(SIDE, SIDE, SIDE) - radius


def test_the_surface_of_a_ball_is_one():
    found = mesh.surface(ball(0.6))
    assert np.allclose(np.linalg.norm(found.vertices, axis=1), 0.6, atol=0.01)
    a, b, c = (found.vertices[found.faces[:, k]] for k in range(3))
    area = np.linalg.norm(np.cross(b - a, c - a), axis=1).sum() / 2
    assert abs(area - 4 * math.pi * 0.36) < 0.1


def test_a_shape_that_leaves_the_cube_is_closed_at_it():
    found = mesh.surface(ball(1.2))
    edges = np.sort(np.concatenate([found.faces[:, [0, 1]], found.faces[:, [1, 2]], found.faces[:, [2, 0]]]), 1)
    assert (np.unique(edges, axis=0, return_counts=True)[1] == 2).all()


def test_what_has_no_surface():
    with pytest.raises(PredictionError, match="below zero"):
        mesh.surface(torch.ones(8, 8, 8))


def test_overlap_and_distance():
    small, large = ball(0.4), ball(0.6)
    assert abs(mesh.overlap(small, large) - (0.4 / 0.6) ** 3) < 0.03 and mesh.overlap(small, small) == 1
    assert abs(mesh.chamfer(mesh.surface(small), mesh.surface(large)) - 0.2) < 0.02
    assert mesh.chamfer(mesh.surface(small), mesh.surface(small)) == 0


def test_a_file_has_every_vertex_normal_and_face_with_y_up():
    found = mesh.surface(ball(0.3, 0.4))
    lines = [line.split() for line in found.to_obj().splitlines()]
    vertices, normals = (np.array([line[1:] for line in lines if line[0] == word], float) for word in ("v", "vn"))
    corners = [[corner.split("//") for corner in line[1:]] for line in lines if line[0] == "f"]
    faces = np.array(corners, dtype=int)
    assert np.allclose(vertices.mean(0), [0.4, 0.4, -0.4], atol=0.02)
    assert ((vertices - [0.4, 0.4, -0.4]) / 0.3 * normals).sum(1).min() > 0.9  # outwards
    assert np.array_equal(faces[..., 0] - 1, found.faces) and np.array_equal(faces[..., 0], faces[..., 1])
    assert faces.min() == 1 and faces.max() == len(vertices) == len(normals)
