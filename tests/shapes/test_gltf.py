"""Binary glTF files, read again by the letter of the specification."""

import json
import struct

import numpy as np
import pytest
import torch

from recon.shapes import chairs, mesh
from recon.shapes.field_basis import distances
from recon.shapes.gltf import MOST_SHORT, to_glb
from recon.shapes.mesh import Mesh
from tests.shapes.test_mesh import ball

NUMBERS = {5123: np.dtype("<u2"), 5125: np.dtype("<u4"), 5126: np.dtype("<f4")}
WIDTHS = {"SCALAR": 1, "VEC3": 3}


def read(file: bytes) -> tuple[dict, list[np.ndarray]]:
    """What the file says of itself, and what each accessor reads; asserts what every reader relies on"""
    magic, version, length = struct.unpack_from("<4sII", file)
    assert magic == b"glTF" and version == 2 and length == len(file) and length % 4 == 0
    chunks, at = [], 12
    while at < length:
        size, kind = struct.unpack_from("<I4s", file, at)
        assert size % 4 == 0 and at % 4 == 0
        chunks.append((kind, file[at + 8 : at + 8 + size]))
        at += 8 + size
    assert at == length and [kind for kind, _ in chunks] == [b"JSON", b"BIN\0"]
    (_, text), (_, binary) = chunks
    said = json.loads(text)
    assert said["asset"]["version"] == "2.0" and not text.endswith(b"\0")
    assert len(binary) - 3 <= said["buffers"][0]["byteLength"] <= len(binary) and "uri" not in said["buffers"][0]
    found, ends = [], [0]
    for one in said["accessors"]:
        view, number = said["bufferViews"][one["bufferView"]], NUMBERS[one["componentType"]]
        assert view["byteOffset"] % 4 == 0 and view["byteOffset"] >= ends[-1]
        ends.append(view["byteOffset"] + view["byteLength"])
        width = WIDTHS[one["type"]]
        assert view["byteLength"] == one["count"] * width * number.itemsize and ends[-1] <= len(binary)
        values = np.frombuffer(binary, number, one["count"] * width, view["byteOffset"])
        found.append(values.reshape(-1, width) if width > 1 else values)
    return said, found


def parts(file: bytes) -> tuple[dict, np.ndarray, np.ndarray, np.ndarray]:
    """What it says, positions, normals and indices, as its one primitive names them"""
    said, found = read(file)
    (triangles,) = said["meshes"][said["nodes"][said["scenes"][said["scene"]]["nodes"][0]]["mesh"]]["primitives"]
    assert triangles.get("mode", 4) == 4
    places, shades = (triangles["attributes"][name] for name in ("POSITION", "NORMAL"))
    targets = [
        said["bufferViews"][said["accessors"][k]["bufferView"]]["target"] for k in (places, triangles["indices"])
    ]
    assert targets == [34962, 34963] and said["materials"][triangles["material"]]
    return said, found[places], found[shades], found[triangles["indices"]]


@pytest.mark.parametrize("kind", [None, "stool", "slats"])
def test_a_chair_comes_back_whole(kind):
    made = chairs.draw(1, torch.Generator().manual_seed(2), kind)
    shape = mesh.surface(distances(made, 24).view(24, 24, 24))
    said, places, normals, indices = parts(to_glb(shape, "a chair"))
    across, depth, up = shape.vertices.T
    assert np.array_equal(places, np.stack([across, up, -depth], 1))
    assert np.array_equal(indices.reshape(-1, 3), shape.faces)
    accessor = said["accessors"][0]
    assert accessor["min"] == places.min(0).tolist() and accessor["max"] == places.max(0).tolist()
    assert np.allclose(np.linalg.norm(normals, axis=1), 1, atol=1e-5) and said["nodes"][0]["name"] == "a chair"


def test_faces_and_normals_look_outside():
    _, places, normals, indices = parts(to_glb(mesh.surface(ball(0.6))))
    a, b, c = (places[indices.reshape(-1, 3)[:, k]].astype(float) for k in range(3))
    volume = (a * np.cross(b, c)).sum() / 6  # positive where they wind against the clock, seen from outside
    assert abs(volume - 4 / 3 * np.pi * 0.6**3) < 0.02
    assert (normals * places).sum(1).min() > 0.59


@pytest.mark.parametrize(("count", "number"), [(MOST_SHORT, "<u2"), (MOST_SHORT + 1, "<u4")])
def test_indices_are_as_wide_as_they_have_to_be(count, number):
    vertices = np.random.default_rng(0).random((count, 3), np.float32)
    faces = np.array([[0, 1, 2], [count - 3, count - 2, count - 1]], np.int32)
    _, places, _, indices = parts(to_glb(Mesh(vertices, faces)))
    assert indices.dtype == np.dtype(number) and indices.max() == count - 1 and len(places) == count


def test_a_vertex_without_a_face_that_has_an_area_has_a_normal_all_the_same():
    vertices = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [5, 5, 5]], np.float32)
    flat = Mesh(vertices, np.array([[0, 1, 2], [0, 0, 1]], np.int32))
    assert np.array_equal(flat.normals, np.tile([0, 0, 1], (4, 1)))
    _, _, normals, _ = parts(to_glb(flat))
    assert np.array_equal(normals, np.tile([0, 1, 0], (4, 1)))
