import pytest
import torch

from recon.errors import PredictionError
from recon.models.window import Window


def test_the_papers_windows():
    assert Window(2, 2).size == 12 == len(Window(2, 2).offsets)
    assert Window(4, 4).size == 40


def test_all_neighbours_come_before_the_pixel():
    assert all(dy < 0 or (dy == 0 and dx < 0) for dy, dx in Window(3, 2).offsets)
    assert len(set(Window(3, 2).offsets)) == Window(3, 2).size


@pytest.mark.parametrize("above, beside", [(-1, 2), (2, 0)])
def test_a_window_without_pixels_is_refused(above, beside):
    with pytest.raises(PredictionError, match="the pixel to the left"):
        Window(above, beside)


def test_convolving_is_gathering_and_multiplying():
    generator = torch.Generator().manual_seed(0)
    window, values = Window(2, 3), torch.rand(1, 9, 11, generator=generator)
    filters = torch.randn(window.size, 4, generator=generator)
    inner = window.inner(9, 11)
    places = inner.flatten().nonzero()[:, 0]
    expected = window.at(values[0], places) @ filters
    found = window.convolved(values, filters, 0.5)[0].movedim(0, -1)[inner]
    torch.testing.assert_close(found, expected)


def test_outside_is_what_it_is_told():
    window, values = Window(1, 1), torch.zeros(1, 1, 1)
    seen = window.convolved(values, torch.eye(window.size), 0.3)
    assert seen.flatten().tolist() == pytest.approx([0.3] * 4)


@pytest.mark.parametrize("above, beside", [(2, 2), (0, 1), (1, 3)])
def test_fronts_see_only_what_was_drawn_before(above, beside):
    window = Window(above, beside)
    free = torch.rand(8, 12, generator=torch.Generator().manual_seed(1)) < 0.7
    left, drawn = free.clone(), 0
    for front in window.fronts(free):
        for y, x in front.tolist():
            for dy, dx in window.offsets:
                at = (y + dy, x + dx)
                assert not (0 <= at[0] < 8 and 0 <= at[1] < 12) or not left[at]
        left[front[:, 0], front[:, 1]] = False
        drawn += len(front)
    assert drawn == free.sum() and not left.any()
