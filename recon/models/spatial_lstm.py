"""Spatial long short-term memory (Theis & Bethge 2015, section "Spatial LSTMs"; Graves & Schmidhuber 2009).

    (g, o, i, f_r, f_c) = (tanh, sigma, sigma, sigma, sigma) of T(x_<ij, h_i,j-1, h_i-1,j), T affine
    c_ij = g i + c_i,j-1 f_c + c_i-1,j f_r
    h_ij = tanh(c_ij o)

Where f_r + f_c stays above 1, c doubles every few pixels. In the patches that a model is fitted to that is harmless,
some hundred pixels further it is beyond float32: c is kept within a bound, unless there is to be none, as printed.

A pixel needs its left and its upper neighbour only, so all pixels of an anti-diagonal are computed at once: a picture
takes height + width - 1 steps. Of a picture with one row and one column of zeros before it, stored row by row, an
anti-diagonal and the left and the upper neighbours of its pixels are three slices of the same stride.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from recon.errors import PredictionError


def diagonals(rows: int, columns: int) -> Iterator[tuple[slice, slice, slice, slice]]:
    """Anti-diagonals, one after another: where its pixels are in a flattened picture; then, in one with a row and a
    column before it, where they, their left and their upper neighbours are."""
    for wave in range(rows + columns - 1):
        first = max(0, wave - columns + 1)
        count = min(rows, wave + 1) - first
        place = first * columns + wave - first
        stride = max(columns - 1, 1)
        padded = (first + 1) * (columns + 1) + wave - first + 1
        starts = (padded, padded - 1, padded - columns - 1)
        here, left, up = (slice(start, start + (count - 1) * columns + 1, columns) for start in starts)
        yield slice(place, place + (count - 1) * stride + 1, stride), here, left, up


def cell(
    inputs: Tensor,
    left: tuple[Tensor, Tensor],
    up: tuple[Tensor, Tensor],
    weights: tuple[Tensor, Tensor, Tensor],
    bound: float,
) -> tuple[Tensor, Tensor, Tensor]:
    """The formulas above for some pixels: gates (o, i, f_r, f_c, g) (pixels, 5 hidden), c and h (pixels, hidden).

    inputs    (pixels, inputs)
    left, up  c and h of the neighbours, (pixels, hidden)
    weights   `SpatialLSTM`'s, of one layer
    """
    of_inputs, of_hidden, bias = weights
    hidden = of_hidden.shape[0] // 2
    gates = torch.addmm(bias, inputs, of_inputs)
    gates.addmm_(left[1], of_hidden[:hidden]).addmm_(up[1], of_hidden[hidden:])
    gates[:, : 4 * hidden].sigmoid_()
    gates[:, 4 * hidden :].tanh_()
    o, i, f_r, f_c, g = gates.split(hidden, 1)
    c = (g * i).addcmul_(left[0], f_c).addcmul_(up[0], f_r).clamp_(-bound, bound)
    return gates, c, (c * o).tanh_()


def scan(
    x: Tensor, weights: tuple[Tensor, Tensor, Tensor], bound: float, gates: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    """c and h of one layer over x (rows, columns, batch, inputs): ((rows + 1) (columns + 1), batch, hidden), zero in
    the first row and column; `gates` (rows columns, batch, 5 hidden) are filled in."""
    rows, columns, batch, inputs = x.shape
    hidden = len(weights[2]) // 5
    c = x.new_zeros((rows + 1) * (columns + 1), batch, hidden)
    h = torch.zeros_like(c)
    flat = x.flatten(0, 1)
    for places, here, left, up in diagonals(rows, columns):
        before, above = ((c[s].reshape(-1, hidden), h[s].reshape(-1, hidden)) for s in (left, up))
        found, c_here, h_here = cell(flat[places].reshape(-1, inputs), before, above, weights, bound)
        c[here], h[here] = c_here.view(-1, batch, hidden), h_here.view(-1, batch, hidden)
        if gates is not None:
            gates[places] = found.view(-1, batch, 5 * hidden)
    return c, h


def inner(padded: Tensor, rows: int, columns: int) -> Tensor:
    """What lies inside the row and the column of zeros, (rows, columns, batch, hidden), a view"""
    return padded.unflatten(0, (rows + 1, columns + 1))[1:, 1:]


class _Layer(torch.autograd.Function):
    """One layer over whole pictures, by `cell`. It has its own gradient, since torch's would keep and add up a tensor
    for every slice, and would multiply out the weights' gradient once a diagonal instead of once."""

    @staticmethod
    def forward(
        ctx: Any, x: Tensor, of_inputs: Tensor, of_hidden: Tensor, bias: Tensor, bound: float, keep: bool
    ) -> Tensor:
        rows, columns, batch, _ = x.shape
        gates = x.new_empty(rows * columns, batch, len(bias)) if keep else None
        c, h = scan(x, (of_inputs, of_hidden, bias), bound, gates)
        if gates is None:
            return inner(h, rows, columns)
        ctx.bound = bound
        ctx.save_for_backward(x, of_inputs, of_hidden, gates, c, h)
        return inner(h, rows, columns).clone()  # what is kept for the gradient is nobody else's to change

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        x, of_inputs, of_hidden, gates, c, h = ctx.saved_tensors
        rows, columns, batch, _ = x.shape
        hidden = of_hidden.shape[0] // 2
        d_c, d_h = torch.zeros_like(c), torch.zeros_like(h)
        inner(d_h, rows, columns).copy_(grad)
        d_gates = torch.empty_like(gates)
        from_left, from_up = of_hidden[:hidden].T, of_hidden[hidden:].T
        for places, here, left, up in reversed(list(diagonals(rows, columns))):
            o, i, f_r, f_c, g = gates[places].split(hidden, -1)
            through = d_h[here] * (1 - h[here].square())
            d_here = d_c[here].addcmul(through, o).mul_(c[here].abs() < ctx.bound)
            d_c[left].addcmul_(d_here, f_c)
            d_c[up].addcmul_(d_here, f_r)
            parts = (through * c[here], d_here * g, d_here * c[up], d_here * c[left])
            found = torch.cat([*parts, d_here * i], -1)
            squashed = gates[places]
            found[..., : 4 * hidden] *= squashed[..., : 4 * hidden] * (1 - squashed[..., : 4 * hidden])
            found[..., 4 * hidden :] *= 1 - g.square()
            d_gates[places] = found
            found = found.view(-1, 5 * hidden)
            d_h[left] += (found @ from_left).view(-1, batch, hidden)
            d_h[up] += (found @ from_up).view(-1, batch, hidden)
        whole, seen = d_gates.view(-1, 5 * hidden), h.unflatten(0, (rows + 1, columns + 1))
        d_hidden = torch.cat(
            [neighbours.reshape(-1, hidden).T @ whole for neighbours in (seen[1:, :-1], seen[:-1, 1:])]
        )
        d_x = (whole @ of_inputs.T).view_as(x) if ctx.needs_input_grad[0] else None
        return d_x, x.reshape(-1, x.shape[-1]).T @ whole, d_hidden, whole.sum(0), None, None


class SpatialLSTM(nn.Module):
    """Spatial LSTM of one or more layers, each above the first fed with h of the one below.

    inputs  numbers at each pixel
    hidden  memory cells of each layer
    bound   what |c| may not exceed; None is the paper's, for small pictures

    Raises PredictionError where one of them is below 1, or the bound not above 0.
    """

    def __init__(self, inputs: int, hidden: int = 64, layers: int = 1, bound: float | None = 10.0):
        super().__init__()
        if bound is not None and not bound > 0:
            raise PredictionError("The bound of a spatial LSTM's memory is above zero, or there is none.")
        self.bound = math.inf if bound is None else bound
        if min(inputs, hidden, layers) < 1:
            raise PredictionError("A spatial LSTM has at least one input, memory cell and layer.")
        self.hidden = hidden
        sizes = [inputs] + [hidden] * (layers - 1)
        # gates in the order of `cell`. Biases of zero: both forget gates are then one half, and the memory of the two
        # neighbours is averaged; the usual larger bias would let it double along the diagonal.
        self.of_inputs = nn.ParameterList(torch.randn(n, 5 * hidden) / math.sqrt(n) for n in sizes)
        self.of_hidden = nn.ParameterList(torch.randn(2 * hidden, 5 * hidden) / math.sqrt(4 * hidden) for _ in sizes)
        self.biases = nn.ParameterList(torch.zeros(5 * hidden) for _ in sizes)

    @property
    def layers(self) -> int:
        return len(self.biases)

    def _weights(self) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
        yield from zip(self.of_inputs, self.of_hidden, self.biases, strict=True)

    def forward(self, x: Tensor) -> Tensor:
        """h of the last layer, (batch, height, width, hidden), from x (batch, height, width, inputs); before the first
        row and column c and h are zero."""
        found = x.permute(1, 2, 0, 3).contiguous()
        for weights in self._weights():
            found = _Layer.apply(found, *weights, self.bound, torch.is_grad_enabled())
        return found.permute(2, 0, 1, 3)

    @torch.no_grad()
    def states(self, x: Tensor) -> Tensor:
        """c and h of every layer, (layers, 2, batch, height, width, hidden), from x as `forward` takes it."""
        found = x.permute(1, 2, 0, 3).contiguous()
        states = []
        for weights in self._weights():
            both = [inner(state, *found.shape[:2]) for state in scan(found, weights, self.bound)]
            states.append(torch.stack(both))
            found = both[1]
        return torch.stack(states).permute(0, 1, 4, 2, 3, 5)

    @torch.no_grad()
    def step(self, x: Tensor, left: Tensor, up: Tensor) -> Tensor:
        """The state of some pixels from that of their neighbours: (layers, 2, pixels, hidden), c and h of each layer.

        x         (pixels, inputs)
        left, up  states of the neighbours, zero where there is none
        """
        states = []
        for layer, weights in enumerate(self._weights()):
            _, c, x = cell(x, (left[layer, 0], left[layer, 1]), (up[layer, 0], up[layer, 1]), weights, self.bound)
            states.append(torch.stack([c, x]))
        return torch.stack(states)
