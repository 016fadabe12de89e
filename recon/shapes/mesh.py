"""Surfaces of fields: meshes, as files, and how far two shapes are from each other."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from recon.errors import PredictionError

MOST = 3000  # vertices that distances are measured between


@dataclass(frozen=True)
class Mesh:
    """vertices float32 (n, 3), in the cube's coordinates; faces int32 (m, 3)"""

    vertices: np.ndarray
    faces: np.ndarray

    @property
    def normals(self) -> np.ndarray:
        """Outwards at each vertex, of length 1: the mean of its faces', weighed by their areas; float32 (n, 3)"""
        corners = self.vertices[self.faces].astype(np.float64)
        areas = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])  # twice that, outwards
        found = np.zeros((len(self.vertices), 3))
        for corner in self.faces.T:
            np.add.at(found, corner, areas)
        length = np.linalg.norm(found, axis=1, keepdims=True)
        upwards = np.array([0.0, 0.0, 1.0])  # where faces have no area, or cancel out
        return np.where(length > 0, found / np.where(length > 0, length, 1), upwards).astype(np.float32)

    def to_obj(self) -> str:
        """Wavefront OBJ, with normals, without which some viewers show no light; y is up there, as viewers have it"""
        lines = []
        for word, vectors in (("v", self.vertices), ("vn", self.normals)):
            across, depth, up = vectors.T
            lines += [f"{word} {x:.4f} {y:.4f} {z:.4f}" for x, y, z in zip(across, up, -depth, strict=True)]
        faces = (f"f {a}//{a} {b}//{b} {c}//{c}" for a, b, c in self.faces + 1)
        return "\n".join([*lines, *faces]) + "\n"


def surface(field: Tensor) -> Mesh:
    """Where a field of signed distances (side, side, side) over [-1, 1]^3 is zero (marching cubes, Lewiner 2003).
    Raises PredictionError where it is nowhere."""
    from skimage.measure import marching_cubes

    side = field.shape[0]
    values = np.pad(field.numpy(), 1, constant_values=float(field.max().clamp_min(1e-3)))  # closed at the cube's faces
    if values.min() >= 0:
        raise PredictionError("Nothing of this shape is left: no value is below zero.")
    vertices, faces, _, _ = marching_cubes(values, 0.0)
    return Mesh(((2 * (vertices - 1) + 1) / side - 1).astype(np.float32), faces.astype(np.int32))


def overlap(a: Tensor, b: Tensor) -> float:
    """Intersection over union of what is inside two fields"""
    inside, also = a < 0, b < 0
    return ((inside & also).sum() / (inside | also).sum().clamp_min(1)).item()


def chamfer(a: Mesh, b: Mesh) -> float:
    """Mean distance of a vertex of either to the nearest of the other, the two means averaged"""
    one, other = (thinned(torch.from_numpy(mesh.vertices)) for mesh in (a, b))
    apart = torch.cdist(one, other, compute_mode="donot_use_mm_for_euclid_dist")
    return 0.5 * (apart.amin(0).mean() + apart.amin(1).mean()).item()


def thinned(vertices: Tensor) -> Tensor:
    order = torch.randperm(len(vertices), generator=torch.Generator().manual_seed(0))
    return vertices[order[:MOST]]
