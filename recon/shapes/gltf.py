"""Meshes as binary glTF 2.0 files, which viewers, browsers and 3D programs open (Khronos Group 2021, *glTF 2.0
Specification*, sections 3.6 on buffers and accessors, 3.7 on meshes, 3.9 on materials, 4 on the binary container)."""

from __future__ import annotations

import json
import struct
from typing import Any

import numpy as np

from recon.shapes.mesh import Mesh

MAGIC, VERSION = 0x46546C67, 2  # "glTF"
JSON, BINARY = 0x4E4F534A, 0x004E4942  # kinds of chunks: "JSON", "BIN"
FLOAT, SHORT, INT = 5126, 5123, 5125  # of components: float32, uint16, uint32
VERTICES, INDICES = 34962, 34963  # what a part of the buffer is for
MOST_SHORT = 65_535  # vertices that uint16 counts; the last number is kept free, section 3.7.2.1
COLOUR = (0.26, 0.33, 0.69)  # linear RGB: sRGB #8c9bd9, as the page draws shapes
ROUGH = 0.8


def to_glb(mesh: Mesh, name: str = "shape") -> bytes:
    """A file with the mesh, its normals, and a matt material. y is up there, and the front looks to the viewer."""
    points = upright(mesh.vertices)
    shades = upright(mesh.normals)
    kind, whole = (SHORT, "<u2") if len(points) <= MOST_SHORT else (INT, "<u4")
    parts = [points.astype("<f4"), shades.astype("<f4"), mesh.faces.astype(whole)]
    views, binary = [], b""
    for part, target in zip(parts, (VERTICES, VERTICES, INDICES), strict=True):
        views.append({"buffer": 0, "byteOffset": len(binary), "byteLength": part.nbytes, "target": target})
        binary += padded(part.tobytes(), b"\0")
    ends = {"min": parts[0].min(0).tolist(), "max": parts[0].max(0).tolist()}
    accessors: list[dict[str, Any]] = [
        {"bufferView": 0, "componentType": FLOAT, "count": len(points), "type": "VEC3", **ends},
        {"bufferView": 1, "componentType": FLOAT, "count": len(points), "type": "VEC3"},
        {"bufferView": 2, "componentType": kind, "count": mesh.faces.size, "type": "SCALAR"},
    ]
    matt = {"baseColorFactor": [*COLOUR, 1.0], "metallicFactor": 0.0, "roughnessFactor": ROUGH}
    triangles = {"attributes": {"POSITION": 0, "NORMAL": 1}, "indices": 2, "material": 0}
    head = {
        "asset": {"version": "2.0", "generator": "recon"},
        "scene": 0,
        "scenes": [{"nodes": [0]}],
        "nodes": [{"mesh": 0, "name": name}],
        "meshes": [{"name": name, "primitives": [triangles]}],
        "materials": [{"name": "matt", "pbrMetallicRoughness": matt}],
        "accessors": accessors,
        "bufferViews": views,
        "buffers": [{"byteLength": len(binary)}],
    }
    text = padded(json.dumps(head, separators=(",", ":")).encode(), b" ")
    chunks = b"".join(struct.pack("<II", len(part), what) + part for part, what in ((text, JSON), (binary, BINARY)))
    return struct.pack("<III", MAGIC, VERSION, 12 + len(chunks)) + chunks


def upright(vectors: np.ndarray) -> np.ndarray:
    """From across, depth and up to glTF's axes: a turn, so that faces still look outside"""
    across, depth, up = vectors.T
    return np.stack([across, up, -depth], 1)


def padded(part: bytes, filler: bytes) -> bytes:
    """To a whole number of four bytes, at which every part of the file begins"""
    return part + filler * (-len(part) % 4)
