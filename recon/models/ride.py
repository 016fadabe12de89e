"""RIDE, the recurrent image density estimator (Theis & Bethge 2015): a spatial LSTM runs over a picture, and a mixture
of conditional Gaussian scale mixtures says of each pixel what its hidden state implies.

    p(x_ij | x_<ij) = p(x_ij | h_ij)

The LSTM sees of each pixel a small causal window, whitened; the mixture, what the best linear prediction from that
window leaves over (the authors' conditional whitening). With `skip` the mixture sees a causal window too, a larger
one, beside h: such a RIDE can start from a fitted MCGSM, whose answers it then gives until the LSTM has learned to add
to them. That is not in the paper.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from recon.errors import PredictionError
from recon.models.directed import LEVELS, Directed, one_thread
from recon.models.mcgsm import MCGSM, ConditionalMixture, Whitening, conditional_whitening
from recon.models.spatial_lstm import SpatialLSTM
from recon.models.window import Window


class RIDE(Directed):
    """RIDE of grey pictures.

    above, beside  the causal window that the LSTM sees, see `Window`; the paper's has 3 rows x 5 columns
    skip           (above, beside) of the window that the mixture sees beside h; None is the paper's
    hidden, layers, bound         `SpatialLSTM`'s
    components, scales, features  `ConditionalMixture`'s

    The LSTM begins at the first pixel whose whole window lies in the picture, with a state of zero, as it does at the
    corner of a patch while it is fitted. h is zero where a window reaches beyond the border.

    Raises PredictionError where the larger window does not contain the LSTM's.
    """

    kind = "ride"
    centre: Tensor
    whitening: Tensor
    slope: Tensor

    def __init__(
        self,
        *,
        above: int = 2,
        beside: int = 2,
        skip: Sequence[int] | None = None,
        hidden: int = 64,
        layers: int = 1,
        bound: float | None = 10.0,
        components: int = 32,
        scales: int = 4,
        features: int = 32,
    ):
        super().__init__()
        self.window = Window(above, beside)
        self.skip = None if skip is None else Window(*skip)
        self.context = self.skip or self.window  # what is whitened, and what says the linear prediction
        if self.context.above < above or self.context.beside < beside:
            raise PredictionError("The window beside the hidden state has to contain the LSTM's own.")
        self.lstm = SpatialLSTM(self.window.size, hidden, layers, bound)
        seen = self.skip.size if self.skip else 0
        self.mixture = ConditionalMixture(seen + hidden, components, scales, features)
        self.register_buffer("centre", torch.zeros(self.window.size))
        self.register_buffer("whitening", torch.eye(self.window.size))
        self.register_buffer("slope", torch.zeros(self.window.size))
        self.margin = max(4 * max(self.context.above, self.context.beside), 16)

    @property
    def outside(self) -> Tensor:
        return self.mixture.level

    def settled(self, height: int, width: int) -> Tensor:
        """bool (height, width): the pixels that have all of their windows in the picture. The LSTM remembers what lies
        before those; at the first of them it remembers nothing, and predicts the worse for it."""
        return self.context.inner(height, width)

    def precondition(self, x: Tensor, y: Tensor) -> None:
        """Set all whitening from samples: x (count, inputs), neighbourhoods by `context`, and y (count,), their pixels.

        h is left as it is. It lies within -1 and 1 by construction; whitened by its covariance it would have to be
        whitened anew whenever the LSTM has learned something, under the weights that read it.
        """
        self._whiten(conditional_whitening(x, y))
        self.mixture.range.copy_(torch.stack([y.min(), y.max()]))

    @torch.no_grad()
    def _whiten(self, found: Whitening) -> None:
        places = [self.context.offsets.index(offset) for offset in self.window.offsets]
        root = torch.linalg.inv(found.whitening.double())
        values, vectors = torch.linalg.eigh((root @ root)[places][:, places])
        self.whitening.copy_((vectors / values.sqrt()) @ vectors.T)
        self.centre.copy_(found.centre[places])
        self.mixture.level.copy_(found.level)
        self.mixture.spread.copy_(found.spread)
        if self.skip:
            seen = self.skip.size
            self.mixture.centre[:seen] = found.centre
            self.mixture.whitening[:seen, :seen] = found.whitening
            self.mixture.slope[:seen] = found.slope
        else:
            self.slope.copy_(found.slope)

    @torch.no_grad()
    def start_from(self, model: MCGSM) -> None:
        """Take over an MCGSM whose window is `skip`: what h says is ignored at first, so that every density is the
        MCGSM's. Raises PredictionError if they do not fit together."""
        theirs, own = model.mixture, self.mixture
        if self.skip != model.window or theirs.weights.shape != own.weights.shape or theirs.scales != own.scales:
            raise PredictionError("A RIDE starts from an MCGSM of the same window, components, scales and features.")
        self._whiten(Whitening(theirs.centre, theirs.whitening, theirs.slope, theirs.level, theirs.spread))
        for name in ("priors", "precisions", "weights", "range"):
            getattr(own, name).copy_(getattr(theirs, name))
        for name in ("features", "predictors"):
            getattr(own, name).copy_(F.pad(getattr(theirs, name), (0, 0, 0, self.lstm.hidden)))

    def filters(self) -> tuple[Tensor, Tensor, Tensor]:
        """What the mixture makes of neighbourhoods by `context` (size, outputs), of h (hidden, outputs), and the
        constant (outputs,); outputs are `ConditionalMixture.filters`'."""
        found, constant = self.mixture.filters()
        if self.skip:
            return found[: self.skip.size], found[self.skip.size :], constant
        read = self.mixture.features.shape[1]
        linear = F.pad(self.slope[:, None].expand(-1, self.mixture.components), (read, 0))
        return linear, found, constant - self.centre @ linear

    def hidden(self, values: Tensor) -> Tensor:
        """h of every pixel, (batch, height, width, hidden)"""
        above, beside = self.window.above, self.window.beside
        height, width = values.shape[-2:]
        if height <= above or width <= 2 * beside:
            return values.new_zeros(*values.shape, self.lstm.hidden)
        return F.pad(self.lstm(self._inputs(values)), (0, 0, beside, beside, above, 0))

    def _inputs(self, values: Tensor) -> Tensor:
        """The LSTM's inputs where the whole window lies in the picture"""
        found = self.window.convolved(values, self.whitening, 0.0) - (self.centre @ self.whitening)[:, None, None]
        beside = self.window.beside
        return found[..., self.window.above :, beside : values.shape[-1] - beside].movedim(1, -1)

    def linear(self, values: Tensor) -> Tensor:
        """What the filters make of every pixel: (batch, height, width, features + components)"""
        of_context, of_hidden, constant = self.filters()
        seen = self.context.convolved(values, of_context, self.outside).movedim(1, -1)
        return seen + self.hidden(values) @ of_hidden + constant

    def log_prob(self, values: Tensor) -> Tensor:
        return self.mixture.log_prob_of(values, self.linear(values))

    def log_mass(self, image: Tensor) -> Tensor:
        """See `MCGSM.log_mass`."""
        return self.mixture.log_mass_of(image.float(), self.linear((image.float() + 0.5) / LEVELS))

    def log_prob_at(self, values: Tensor, places: Tensor) -> Tensor:
        """log p of the pixels of patches, (patches, rows, columns), the LSTM beginning anew at each.

        values  a picture, (height, width)
        places  of pixels that are `settled`: int64 (patches, rows, columns), indices into it, flattened
        """
        of_context, of_hidden, constant = self.filters()
        inputs = (self.window.at(values, places.flatten()) - self.centre) @ self.whitening
        hidden = self.lstm(inputs.view(*places.shape, -1)).flatten(0, 2)
        seen = self.context.at(values, places.flatten())
        linear = torch.cat([seen, hidden], 1) @ torch.cat([of_context, of_hidden]) + constant
        return self.mixture.log_prob_of(values.flatten()[places], linear.view(*places.shape, -1))

    @torch.no_grad()
    def draw(
        self, canvas: Tensor, free: Tensor, generator: torch.Generator, temperature: float = 1.0
    ) -> Iterator[Tensor]:
        """See `Directed.draw`. The LSTM runs through the rows with free pixels, known pixels too, wave by wave; what it
        makes of the rows above is known beforehand."""
        free = free.cpu()
        first, (last, right) = int(free.any(1).nonzero()[0]), (int(free.any(d).nonzero()[-1]) for d in (1, 0))
        inner = self.window.inner(*free.shape)
        needed = inner.clone()
        needed[:first] = needed[last + 1 :] = needed[:, right + 1 :] = False
        padded = self.context.padded(canvas, self.outside)
        width, flat = padded.shape[-1], padded.flatten(1)
        (of_context, of_hidden, constant), device = self.filters(), canvas.device
        near, far = self.window.steps(width).to(device), self.context.steps(width).to(device)
        states = self._states_above(canvas, first, width)
        for front in self.context.fronts(needed | free):
            rows, columns = front.T
            running, drawn = inner[rows, columns].to(device), free[rows, columns].to(device)
            front = front.to(device)
            places = (front[:, 0] + self.context.above) * width + front[:, 1] + self.context.beside
            cells = (front[:, 0] - first + 1) * width + front[:, 1] + self.context.beside
            with one_thread():
                if running.any():
                    x = (flat[:, places[running, None] + near] - self.centre) @ self.whitening
                    here = cells[running]
                    left, up = (states[:, :, c].flatten(2, 3) for c in (here - 1, here - width))
                    found = self.lstm.step(x.transpose(0, 1).flatten(0, 1), left, up)
                    states[:, :, here] = found.unflatten(2, (len(here), len(canvas)))
                if not drawn.any():
                    continue
                chosen, front = places[drawn], front[drawn]
                h = states[-1, 1, cells[drawn]].transpose(0, 1)
                linear = flat[:, chosen[:, None] + far] @ of_context + h @ of_hidden + constant
                values = self.mixture.sample(linear, generator, temperature)
                flat[:, chosen] = values
                canvas[:, front[:, 0], front[:, 1]] = values
            yield front.cpu()

    def _states_above(self, canvas: Tensor, first: int, width: int) -> Tensor:
        """States of the row above the `first` that is drawn, and zeros below: (layers, 2, cells, batch, hidden)"""
        rows = canvas.shape[1] - first + 1
        states = canvas.new_zeros(self.lstm.layers, 2, rows * width, len(canvas), self.lstm.hidden)
        above, beside = self.window.above, self.window.beside
        if first > above and canvas.shape[2] > 2 * beside:
            known = canvas[:, :first]
            if (known == known[:1]).all():
                known = known[:1]  # many candidates for one hole: what lies above it is read once
            found = self.lstm.states(self._inputs(known))[:, :, :, -1].transpose(2, 3)
            begins = self.context.beside + beside
            states[:, :, begins : begins + found.shape[2]] = found
        return states
