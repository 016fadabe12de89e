"""Every family: its sizes, its seeds, its bounds; and the low-discrepancy ones by their formulas."""

import warnings
from itertools import pairwise

import numpy as np
import pytest
import torch

from recon import patches
from recon.errors import PatchError

ALL = [family for family in patches.FAMILIES if not family.startswith("designed")]  # those have one side


def test_the_first_1024_sobol_points_visit_each_of_32_by_32_pixels_once():
    assert sorted(patches.sobol_order(32)) == list(range(1024))


def bits(n: int, count: int) -> list[int]:
    return [(n >> k) & 1 for k in range(count)]


def sobol_point(n: int) -> tuple[float, float]:
    """Point n of the two-dimensional Sobol' sequence from its definition: the first coordinate is van der Corput's;
    the second's direction numbers follow from the primitive polynomial x + 1: m_k = 2 m_{k-1} xor m_{k-1}, m_1 = 1."""
    first, second, m = 0, 0, 1
    for k, bit in enumerate(bits(n, 32)):
        if bit:
            first ^= 1 << (31 - k)
            second ^= m << (31 - k)
        m = (2 * m) ^ m
    return first / 2**32, second / 2**32


@pytest.mark.parametrize("m", [2, 4, 5])
def test_sobol_patches_agree_with_the_papers_formula(m):
    """idx = floor(2^m u1) + 2^m (2^m - 1 - floor(2^m u2)); the first 2^k points are one set in any order."""
    side = 2**m
    for k in range(2 * m + 1):
        expected = np.zeros(side * side, dtype=bool)
        for n in range(2**k):
            u1, u2 = sobol_point(n)
            expected[int(side * u1) + side * (side - 1 - int(side * u2))] = True
        assert (patches.sobol(side, 2**k).ravel() == expected).all()


def test_sobol_order_agrees_with_torch():
    points = torch.quasirandom.SobolEngine(2).draw(1024).numpy()
    order = np.floor(32 * points[:, 0]) + 32 * (31 - np.floor(32 * points[:, 1]))
    assert (patches.sobol_order(32) == order).all()


@pytest.mark.parametrize("family", ALL)
@pytest.mark.parametrize("side", [1, 2, 8])
def test_every_size_has_that_many_pixels(family, side):
    for size in range(1, side * side + 1):
        mask = patches.make(family, side, size, seed=3)
        assert mask.dtype == bool and mask.shape == (side, side) and mask.sum() == size


@pytest.mark.parametrize("family", ALL)
def test_sizes_at_32(family):
    for size in (1, 31, 128, 500, 1023, 1024):
        assert patches.make(family, 32, size).sum() == size


@pytest.mark.parametrize("family", [f for f in ALL if not f.startswith("sobol")])
@pytest.mark.parametrize("side", [3, 7, 28])
def test_sides_that_are_no_power_of_two(family, side):
    for size in (1, side, side * side // 2, side * side):
        assert patches.make(family, side, size).sum() == size


@pytest.mark.parametrize("family", [f for f in ALL if f != "grid"])
def test_a_larger_patch_contains_the_smaller(family):
    sizes = (1, 5, 17, 64, 100, 256)
    masks = [patches.make(family, 16, size, seed=1) for size in sizes]
    assert all((small <= large).all() for small, large in pairwise(masks))


@pytest.mark.parametrize("family", ALL)
@pytest.mark.parametrize("size", [0, 65, -1, 3.0, 3.5, True, "3", None, float("nan"), 10**30, [3]])
def test_sizes_beyond(family, size):
    with pytest.raises(PatchError, match="1 to 64 pixels"):
        patches.make(family, 8, size)


@pytest.mark.parametrize("family", ALL)
@pytest.mark.parametrize("side", [0, -8, 8.0, True, "8", None, 257, 10**9])
def test_sides_beyond(family, side):
    with pytest.raises(PatchError, match="side of 1 to"):
        patches.make(family, side, 1)


@pytest.mark.parametrize("family", ["sobol", "sobol_shifted"])
@pytest.mark.parametrize("side", [3, 24, 28, 255])
def test_sobol_needs_a_power_of_two(family, side):
    with pytest.raises(PatchError, match="power of two"):
        patches.make(family, side, 4)


@pytest.mark.parametrize("name", ["", "Sobol", None, 3, ["sobol"]])
def test_unknown_family(name):
    with pytest.raises(PatchError, match=f"there are {', '.join(patches.FAMILIES)}"):
        patches.make(name, 8, 4)


@pytest.mark.parametrize("family", sorted(patches.SEEDED))
def test_seeds(family):
    same, again, other = (patches.make(family, 16, 40, seed=seed) for seed in (5, 5, 6))
    assert (same == again).all() and (same != other).any()
    assert patches.make(family, 16, 40, seed=2**70).sum() == 40


@pytest.mark.parametrize("family", sorted(patches.SEEDED))
@pytest.mark.parametrize("seed", [-1, 1.0, "1", True, [1], float("nan")])
def test_bad_seeds(family, seed):
    with pytest.raises(PatchError, match="seed"):
        patches.make(family, 8, 4, seed=seed)


def test_only_halton_and_lattice_may_go_without_a_seed():
    for family in (patches.random, patches.sobol_shifted, patches.farthest):
        with pytest.raises(PatchError, match="seed"):
            family(8, 4, seed=None)
    for family in (patches.halton, patches.lattice):
        assert (family(8, 4) == family(8, 4, seed=None)).all()


def test_numpy_integers_are_numbers_whatever_their_width():
    assert (patches.random(np.uint8(32), np.int16(40), np.int64(1)) == patches.random(32, 40, 1)).all()


def test_patches_are_the_callers_own():
    mask = patches.sobol(8, 4)
    mask[:] = True
    assert patches.sobol(8, 4).sum() == 4


def test_discrepancy():
    even = patches.discrepancy(patches.sobol(32, 128))
    halton = patches.discrepancy(patches.halton(32, 128))
    chance = np.mean([patches.discrepancy(patches.random(32, 128, seed)) for seed in range(5)])
    assert even == pytest.approx(1.9e-4, rel=0.05)
    assert even < halton < chance
    assert patches.discrepancy(patches.lattice(32, 128)) == pytest.approx(3.0e-4, rel=0.05)
    assert halton == pytest.approx(4.2e-4, rel=0.1) and chance == pytest.approx(4.1e-3, rel=0.5)


def test_discrepancy_by_hickernells_formula():
    mask = patches.random(8, 11, seed=2)
    x = (np.argwhere(mask) + 0.5) / 8
    centred = np.abs(x - 0.5)
    single = np.prod(1 + centred / 2 - centred**2 / 2, axis=1).sum()
    pair = 1 + (centred[:, None] + centred[None] - np.abs(x[:, None] - x[None])) / 2
    expected = (13 / 12) ** 2 - 2 / len(x) * single + np.prod(pair, axis=2).sum() / len(x) ** 2
    assert patches.discrepancy(mask) == pytest.approx(expected)


@pytest.mark.parametrize("mask", [np.zeros((4, 4), bool), np.ones((4, 4)), np.ones(4, bool), None])
def test_discrepancy_of_no_patch(mask):
    with pytest.raises(PatchError):
        patches.discrepancy(mask)


@pytest.mark.parametrize("seed", range(5))
def test_a_digital_shift_keeps_the_net(seed):
    """Each elementary interval, of 2^k columns by 2^(7 - k) rows, has its one point of 128, shifted or not."""
    mask = patches.sobol_shifted(32, 128, seed)
    for k in range(6):
        columns, rows = 2**k, 2 ** (7 - k)
        if rows <= 32:
            boxes = mask.reshape(rows, 32 // rows, columns, 32 // columns).sum((1, 3))
            assert (boxes == 1).all()


def test_farthest_keeps_its_distance():
    points = np.argwhere(patches.farthest(16, 16, seed=0))
    distances = np.hypot(*(points[:, None] - points[None]).T)[~np.eye(16, dtype=bool)]
    assert distances.min() >= 3, "16 of 256 pixels, a quarter of a side apart at best"


def gaps(points: np.ndarray, known: np.ndarray) -> np.ndarray:
    """The distance from each point to the nearest pixel of a mask."""
    return np.hypot(*(points[:, None] - np.argwhere(known)[None]).T).min(0)


@pytest.mark.parametrize(("side", "size"), [(8, 13), (16, 40), (5, 25)])
def test_farthest_by_its_definition(side, size):
    """Each pixel of the order is a farthest one from those before it."""
    small = patches.farthest(side, 1, seed=4)
    for count in range(2, size + 1):
        larger = patches.farthest(side, count, seed=4)
        fresh = np.argwhere(larger & ~small)
        everywhere = np.argwhere(~small)
        assert gaps(fresh, small).min() >= gaps(everywhere, small).max() - 2e-3
        small = larger


def test_grid_and_block_are_regular():
    assert np.argwhere(patches.grid(8, 4)).tolist() == [[2, 2], [2, 6], [6, 2], [6, 6]]
    rows = patches.grid(32, 100).sum(1)
    assert rows[rows > 0].tolist() == [10] * 10
    square = np.zeros((8, 8), bool)
    square[2:6, 2:6] = True
    assert (patches.block(8, 16) == square).all()


@pytest.mark.parametrize("side", [1, 2, 8, 32, 64, 256])
def test_the_sobol_order_is_that_of_qmcpys_points(side):
    import qmcpy

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that the first point is the origin is meant
        points = qmcpy.Sobol(2, randomize=False, order="GRAY")(side * side)
    assert (patches.sobol_order(side) == patches.pixel_of(points, side)).all()
