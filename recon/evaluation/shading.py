"""Surfaces as still pictures: seen from far away (an orthographic camera), lit from one side (Lambert's law)."""

from __future__ import annotations

import math

import numpy as np

from recon.shapes.mesh import Mesh

TURN, TILT = math.radians(-32), math.radians(20)  # of the camera: to the left of the front, and above
LIGHT = np.array([-0.35, 0.8, 0.5])  # towards it, as the camera sees right, up and nearer
AMBIENT = 0.45
ROOM, WHOLE = 1.22, 1.45  # half of a picture's side, in the cube's coordinates: of a chair, and of the whole cube


def seen(places: np.ndarray) -> np.ndarray:
    """Places (..., 3) of the cube, across, depth and up, as the camera has them: right, up and nearer"""
    right, away = [math.cos(TURN), -math.sin(TURN), 0], np.array([math.sin(TURN), math.cos(TURN), 0])
    up = np.array([0, 0, 1])
    axes = [right, math.cos(TILT) * up + math.sin(TILT) * away, math.sin(TILT) * up - math.cos(TILT) * away]
    return places @ np.array(axes).T


def pixels(places: np.ndarray, side: float, room: float = ROOM) -> np.ndarray:
    """Where places (n, 3), as the camera has them, are in a picture of that side, (n, 2): x and y, fractions too"""
    return (places[:, :2] * [1, -1] / room + 1) / 2 * side


def shade(mesh: Mesh, side: int, colour: tuple[int, int, int], fine: int = 2) -> np.ndarray:
    """uint8 (side, side, 3), on white. Drawn `fine` times as large, then averaged."""
    wide = side * fine
    corners, normals = seen(mesh.vertices.astype(np.float64))[mesh.faces], seen(vertex_normals(mesh))[mesh.faces]
    # each face as points, so close together that it has no holes
    longest = np.linalg.norm(corners - np.roll(corners, 1, 1), axis=-1).max() if len(corners) else 0.0
    weights = barycentric(math.ceil(1.5 * longest / (2 * ROOM) * wide) + 1)
    points, facing = ((weights @ part).reshape(-1, 3) for part in (corners, normals))
    facing /= np.linalg.norm(facing, axis=1, keepdims=True).clip(1e-12)
    light = AMBIENT + (1 - AMBIENT) * (facing @ (LIGHT / np.linalg.norm(LIGHT))).clip(0)
    column, row = np.floor(pixels(points, wide)).astype(int).T
    order = np.argsort(points[:, 2], kind="stable")  # what is nearest is laid on last
    order = order[((row >= 0) & (row < wide) & (column >= 0) & (column < wide))[order]]
    found = np.ones((wide, wide, 3))
    found[row[order], column[order]] = light[order, None] * (np.array(colour) / 255)
    return (found.reshape(side, fine, side, fine, 3).mean((1, 3)) * 255 + 0.5).astype(np.uint8)


def vertex_normals(mesh: Mesh) -> np.ndarray:
    """(n, 3), outwards, not of length 1: the sum of those of the faces that meet there, by their areas"""
    a, b, c = (mesh.vertices[mesh.faces[:, k]].astype(np.float64) for k in range(3))
    each, found = np.cross(b - a, c - a), np.zeros((len(mesh.vertices), 3))
    for k in range(3):
        np.add.at(found, mesh.faces[:, k], each)
    # faces all turn the same way: so that the volume they enclose is above zero
    return found * np.sign((a * each).sum() or 1)


def barycentric(steps: int) -> np.ndarray:
    """Weights of a triangle's corners at points that are evenly spread over it, (n, 3)"""
    line = np.arange(steps + 1) / steps
    first, second = (axis.ravel() for axis in np.meshgrid(line, line, indexing="ij"))
    found = np.stack([first, second, 1 - first - second], 1)
    return found[found[:, 2] > -0.5 / steps]
