"""Fine detail: a Gaussian over pictures of twice the side, out of one over their 2 x 2 averages.

A covariance of 64 x 64 colours has 75 million numbers; a few thousand pictures do not tell them, and 604 MB need not be
kept. So scales are taken apart, as in a Laplacian pyramid (Burt & Adelson 1983). A fine picture is its coarse one,
enlarged by the linear regression of each fine pixel on the averages around it, the same everywhere; and a residual,
whose correlations are the same everywhere as well, while its contrast is each pixel's own:

    x = location + U z + contrast * e,    z ~ N(0, F F'),  e stationary,

with F the factor over averages, for which smaller pictures serve that are more plentiful. The covariance is never
formed: `ByScale` makes those rows of it that are asked for.

Fine pixels are counted as (channel, row, column), and inside a 2 x 2 block as the 4 x channels `parts` that
`pixel_unshuffle` makes of it: e is a stationary field of such vectors over the blocks.
"""

from __future__ import annotations

from functools import cached_property
from typing import Self

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from recon.models.conditioned import ROUNDING

REACH = 2  # averages to either side that a fine pixel is regressed on
FEW = 500  # pictures at a time


class Detail(nn.Module):
    """What is fine about side x side pictures with `channels` channels.

    Buffers, float32: `weights` (4 x channels, 1, 5, 5), of the averages of the same channel around a block; `contrast`
    (channels, side, side), standard deviations; `correlation` (4 x channels, 4 x channels, side - 1, side - 1), of one
    part with another at an offset of that many blocks less side / 2 - 1.
    """

    weights: Tensor
    contrast: Tensor
    correlation: Tensor

    def __init__(self, side: int, channels: int):
        super().__init__()
        self.side, self.channels, self.blocks = side, channels, side // 2
        parts, offsets = 4 * channels, side - 1
        weights = torch.zeros(parts, 1, 2 * REACH + 1, 2 * REACH + 1)
        weights[:, :, REACH, REACH] = 1.0
        self.register_buffer("weights", weights)
        self.register_buffer("contrast", torch.full((channels, side, side), 0.1))
        correlation = torch.zeros(parts, parts, offsets, offsets)
        correlation[:, :, self.blocks - 1, self.blocks - 1] = torch.eye(parts)
        self.register_buffer("correlation", correlation)

    @classmethod
    @torch.no_grad()
    def fit(cls, pictures: Tensor, factor: Tensor) -> tuple[Self, Tensor]:
        """The detail of pictures, float (count, channels, side, side), and of their mirror images, beyond what is
        spanned by `factor`, of their averages (dims / 4, columns); and their mean, (channels, side, side)."""
        channels, side = pictures.shape[1], pictures.shape[-1]
        found = cls(side, channels)
        mean = pictures.mean(0)
        mean = (mean + mean.flip(-1)) / 2
        found.weights.copy_(regression((part - mean for part in pictures.split(FEW)), channels))
        axes = torch.linalg.qr(factor).Q
        squared, seen = torch.zeros_like(mean, dtype=torch.float64), []
        for part in torch.cat([pictures, pictures.flip(-1)]).split(FEW):
            fine = part - mean
            coarse = F.avg_pool2d(fine, 2)
            known = (coarse.flatten(1) @ axes @ axes.T).view_as(coarse)
            seen.append(fine - found.enlarge(known))
            squared += seen[-1].double().square().sum(0)
        found.contrast.copy_((squared / (2 * len(pictures))).clamp_min(ROUNDING).sqrt())
        size = (side, side)  # twice the blocks: what leaves at one edge does not come back at the other
        spectrum = torch.zeros(4 * channels, 4 * channels, side, side // 2 + 1, dtype=torch.complex128)
        for part in seen:
            waves = torch.fft.rfft2(F.pixel_unshuffle(part / found.contrast, 2), s=size).cdouble()
            spectrum += torch.einsum("nkuv,nluv->kluv", waves.conj(), waves)
        blocks = side // 2
        products = torch.fft.irfft2(spectrum, s=size) / (2 * len(pictures) * blocks**2)
        # divided by all blocks, however few pairs are so far apart: the sequence then is positive semidefinite
        offsets = torch.arange(1 - blocks, blocks) % side
        found.correlation.copy_(products[:, :, offsets[:, None], offsets])
        return found, mean

    def enlarge(self, coarse: Tensor) -> Tensor:
        """(n, channels, side / 2, side / 2) to (n, channels, side, side)"""
        return F.pixel_shuffle(self.enlarged_parts(coarse), 2)

    def enlarged_parts(self, coarse: Tensor) -> Tensor:
        """(n, channels, side / 2, side / 2) to (n, 4 x channels, side / 2, side / 2)"""
        return F.conv2d(F.pad(coarse, (REACH,) * 4, mode="replicate"), self.weights, groups=self.channels)

    def part(self, dims: Tensor) -> Tensor:
        """Which of a block's parts dimensions are: (n,)"""
        channel, pixel = dims // self.side**2, dims % self.side**2
        return 4 * channel + pixel // self.side % 2 * 2 + pixel % 2

    def block(self, dims: Tensor) -> tuple[Tensor, Tensor]:
        """Row and column of the block of dimensions: (n,) each"""
        pixel = dims % self.side**2
        return pixel // self.side // 2, pixel % self.side // 2

    def rows(self, dims: Tensor) -> Tensor:
        """The residual's correlation of some dimensions with all parts of all blocks: (n, dims)"""
        windows = self.correlation.unfold(2, self.blocks, 1).unfold(3, self.blocks, 1)  # a view: one for each block
        row, column = self.block(dims)
        return windows[self.part(dims), :, self.blocks - 1 - row, self.blocks - 1 - column].flatten(1)

    def pixel_blocks(self) -> Tensor:
        """The residual's covariance of each pixel's channels: (channels, channels, side, side)"""
        parts, middle = torch.arange(self.channels, device=self.contrast.device) * 4, self.blocks - 1
        at = self.correlation[:, :, middle, middle]
        phases = torch.stack([at[parts + k][:, parts + k] for k in range(4)], -1).view(*[self.channels] * 2, 2, 2)
        return phases.repeat(1, 1, self.blocks, self.blocks) * self.contrast * self.contrast[:, None]

    @cached_property
    def root(self) -> Tensor:
        """Factors of the residual's spectrum, complex (side, side / 2 + 1, parts, parts)"""
        whole = torch.zeros(*self.correlation.shape[:2], self.side, self.side, dtype=torch.float64)
        offsets = torch.arange(1 - self.blocks, self.blocks) % self.side
        whole[:, :, offsets[:, None], offsets] = self.correlation.double().cpu()
        spectrum = torch.fft.rfft2(whole).permute(2, 3, 1, 0)
        values, vectors = torch.linalg.eigh((spectrum + spectrum.mH) / 2)
        return (vectors * values.clamp_min(0).sqrt()[..., None, :]).cfloat().to(self.correlation.device)

    def draw(self, count: int, generator: torch.Generator) -> Tensor:
        """Residuals, (count, channels, side, side): by waves on a torus of twice the blocks, of which a quarter is
        looked at (circulant embedding: Dietrich & Newsam 1997)."""
        size = (count, 4 * self.channels, self.side, self.side)
        noise = torch.fft.rfft2(torch.randn(size, generator=generator, device=self.contrast.device), norm="ortho")
        waves = torch.einsum("uvkl,nluv->nkuv", self.root.to(noise.device), noise)
        field = torch.fft.irfft2(waves, s=size[2:], norm="ortho")[:, :, : self.blocks, : self.blocks]
        return F.pixel_shuffle(field, 2) * self.contrast


class ByScale:
    """A covariance of pictures made of the factor of their averages, (dims / 4, columns), and of their detail; indexed
    by dimensions, it gives rows, as a matrix would.

    factor  of the fine pictures, (dims, columns); the residual's covariance comes on top of it
    """

    def __init__(self, factor: Tensor, detail: Detail):
        self.coarse, self.detail = factor, detail
        shape = (detail.channels, detail.blocks, detail.blocks)
        parts = (detail.enlarge(part.T.unflatten(1, shape)).flatten(1).T for part in factor.split(FEW, 1))
        self.factor = torch.cat(list(parts), 1)
        dims = torch.arange(len(self.factor), device=factor.device)
        row, column = detail.block(dims)
        self.place = (detail.part(dims) * detail.blocks + row) * detail.blocks + column  # among all parts of all blocks
        self.contrast = torch.empty_like(detail.contrast).flatten()
        self.contrast[self.place] = detail.contrast.flatten()
        each = self.factor.view(detail.channels, detail.side**2, -1)
        self.blocks = torch.einsum("apk,bpk->abp", each, each).view(detail.channels, *detail.contrast.shape)
        self.blocks += detail.pixel_blocks()

    @property
    def device(self) -> torch.device:
        return self.coarse.device

    def __getitem__(self, dims: Tensor) -> Tensor:
        return self.rows(dims, torch.arange(len(self.factor), device=self.device))

    def rows(self, dims: Tensor, columns: Tensor) -> Tensor:
        """Covariance of some dimensions with others: (n, m)"""
        # at the coarse scale first: a quarter of the work
        shape = (self.detail.channels, self.detail.blocks, self.detail.blocks)
        coarse = (self.factor[dims] @ self.coarse.T).view(len(dims), *shape)
        found = self.detail.enlarged_parts(coarse).flatten(1)
        found.addcmul_(self.detail.rows(dims).mul_(self.detail.contrast.flatten()[dims, None]), self.contrast)
        return found.index_select(1, self.place[columns])

    def pixel_blocks(self) -> Tensor:
        """(channels, channels, side, side)"""
        return self.blocks


def regression(centred, channels: int) -> Tensor:
    """Weights of the averages around a block, by least squares over blocks, pictures and mirror images."""
    width = 2 * REACH + 1
    inner = torch.zeros(channels, width**2, width**2, dtype=torch.float64)
    outer = torch.zeros(channels, width**2, 4, dtype=torch.float64)
    for part in centred:
        for fine in (part, part.flip(-1)):
            coarse = F.avg_pool2d(fine, 2)
            around = F.unfold(coarse, width).unflatten(1, (channels, -1)).permute(1, 2, 0, 3).flatten(2)
            target = F.pixel_unshuffle(fine, 2)[:, :, REACH:-REACH, REACH:-REACH].flatten(2)
            target = target.unflatten(1, (channels, 4)).permute(1, 2, 0, 3).flatten(2)
            inner += (around @ around.mT).double()
            outer += (around @ target.mT).double()
    inner += 1e-6 * inner.diagonal(dim1=1, dim2=2).mean() * torch.eye(width**2)
    return torch.linalg.solve(inner, outer).mT.reshape(4 * channels, 1, width, width).float()
