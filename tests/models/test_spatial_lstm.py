"""The spatial LSTM against its formulas, one pixel at a time."""

import math

import pytest
import torch
from torch import Tensor

from recon.errors import PredictionError
from recon.models.spatial_lstm import SpatialLSTM


def double_loop(lstm: SpatialLSTM, x: Tensor, bound: float = math.inf) -> Tensor:
    """h of the last layer, written as the paper prints it; the bound is ours."""
    size = lstm.hidden
    for of_inputs, of_hidden, bias in zip(lstm.of_inputs, lstm.of_hidden, lstm.biases, strict=True):
        zero = x.new_zeros(len(x), size)
        h, c = {}, {}
        for row in range(x.shape[1]):
            for column in range(x.shape[2]):
                left, up = (row, column - 1), (row - 1, column)
                before = torch.cat([x[:, row, column], h.get(left, zero), h.get(up, zero)], 1)
                o, i, f_r, f_c, g = (before @ torch.cat([of_inputs, of_hidden]) + bias).split(size, 1)
                c[row, column] = (
                    torch.tanh(g) * torch.sigmoid(i)
                    + c.get(left, zero) * torch.sigmoid(f_c)
                    + c.get(up, zero) * torch.sigmoid(f_r)
                ).clamp(-bound, bound)
                h[row, column] = torch.tanh(c[row, column] * torch.sigmoid(o))
        rows = [torch.stack([h[row, column] for column in range(x.shape[2])], 1) for row in range(x.shape[1])]
        x = torch.stack(rows, 1)
    return x


def small(layers: int = 1, hidden: int = 5, inputs: int = 3, bound: float | None = None) -> SpatialLSTM:
    torch.manual_seed(0)
    lstm = SpatialLSTM(inputs, hidden, layers, bound)
    for bias in lstm.biases:
        torch.nn.init.normal_(bias)
    return lstm


@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize("rows,columns", [(6, 9), (9, 6), (7, 7), (1, 5), (5, 1), (1, 1)])
def test_equals_the_double_loop_in_values_and_gradients(layers: int, rows: int, columns: int):
    lstm = small(layers)
    x = torch.randn(4, rows, columns, 3, requires_grad=True)
    towards = torch.randn(4, rows, columns, 5)
    wanted_from = [x, *lstm.parameters()]
    found, wanted = lstm(x), double_loop(lstm, x)
    assert (found - wanted).abs().max() < 1e-5
    gradients = torch.autograd.grad((found * towards).sum(), wanted_from)
    expected = torch.autograd.grad((wanted * towards).sum(), wanted_from)
    for found, wanted in zip(gradients, expected, strict=True):
        assert torch.allclose(found, wanted, rtol=1e-5, atol=1e-5)


def test_equals_the_double_loop_at_the_paper_s_size():
    lstm = small(hidden=64, inputs=12).double()  # float32 sums of 968 pixels differ by as much with other threads
    x = torch.randn(2, 22, 22, 12).double()
    towards = torch.randn(2, 22, 22, 64).double() / 22**2
    found, wanted = lstm(x), double_loop(lstm, x)
    assert (found - wanted).abs().max() < 1e-5
    gradients = torch.autograd.grad((found * towards).sum(), [*lstm.parameters()])
    expected = torch.autograd.grad((wanted * towards).sum(), [*lstm.parameters()])
    assert all((a - b).abs().max() < 1e-5 for a, b in zip(gradients, expected, strict=True))


def test_memory_is_bounded():
    """Forget gates wide open: unbounded, c would be some 2 to the power of 600."""
    lstm = small(hidden=2, bound=10.0)
    lstm.biases[0].data[4:8] = 8
    x = torch.randn(1, 300, 300, 3)
    with torch.no_grad():
        states = lstm.states(x)
    assert states.isfinite().all()
    assert states[0, 0].abs().max() == 10
    x = x[:, :6, :7].requires_grad_()
    found, wanted, paper = lstm(x), double_loop(lstm, x, 10.0), double_loop(lstm, x)
    assert (found - wanted).abs().max() < 1e-5 < (found - paper).abs().max()
    gradients, expected = (torch.autograd.grad(h.sum(), [x, *lstm.parameters()]) for h in (found, wanted))
    assert all(torch.allclose(a, b, rtol=1e-4, atol=1e-4) for a, b in zip(gradients, expected, strict=True))


def test_gradient_agrees_with_differences():
    lstm = small(hidden=3, inputs=2).double()
    x = torch.randn(2, 3, 4, 2, dtype=torch.double, requires_grad=True)
    assert torch.autograd.gradcheck(lstm, x)


def test_nothing_is_kept_where_no_gradient_is_asked_for():
    lstm, x = small(layers=2), torch.randn(2, 8, 11, 3)
    with torch.no_grad():
        found = lstm(x)
    assert not found.requires_grad
    assert torch.equal(found, lstm(x).detach())


def test_sees_above_and_left_only():
    lstm, x = small(layers=2), torch.randn(1, 8, 9, 3)
    changed = x.clone()
    changed[0, 3, 4] += 1
    with torch.no_grad():
        differs = (lstm(x) != lstm(changed)).any(-1)[0]
    assert differs[3:, 4:].all()
    assert not differs[:3].any()
    assert not differs[:, :4].any()


def test_steps_make_the_same_states():
    lstm, x = small(layers=2), torch.randn(3, 4, 5, 3)
    zero = torch.zeros(2, 2, 3, 5)
    states: dict[tuple[int, int], Tensor] = {}
    with torch.no_grad():
        wanted = lstm(x)
    for row in range(4):
        for column in range(5):
            left, up = states.get((row, column - 1), zero), states.get((row - 1, column), zero)
            states[row, column] = lstm.step(x[:, row, column], left, up)
            assert torch.allclose(states[row, column][-1, 1], wanted[:, row, column], atol=1e-6)
            assert torch.allclose(states[row, column], lstm.states(x)[:, :, :, row, column], atol=1e-6)


@pytest.mark.parametrize("sizes", [(0, 4, 1), (2, 0, 1), (2, 4, 0), (2, 4, 1, 0.0)])
def test_refuses_to_be_empty(sizes: tuple[int, int, int]):
    with pytest.raises(PredictionError, match=r"at least one|above zero"):
        SpatialLSTM(*sizes)
