"""What people would use instead: classical interpolation of scattered pixels, behind the same `predict`.

SciPy and scikit-image do the work. All of them give a mean alone; each is linear in the observed values, so that
images which share a mask are interpolated together. The observed pixels are kept.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

from recon.distributions import Point
from recon.errors import CheckpointError, PredictionError
from recon.observation import Observation
from recon.prediction import Prediction

Interpolate = Callable[[np.ndarray, np.ndarray], np.ndarray]  # mask (h, w), values (observed, n) -> (h, w, n)


@dataclass(frozen=True)
class Interpolator:
    """A classical method: any side, any number of channels, no spread and so no samples."""

    name: str
    title: str
    summary: str
    interpolate: Interpolate
    kind: ClassVar[str] = "baseline"
    binary: ClassVar[bool] = False
    exact_joint: ClassVar[bool] = False

    @property
    def device(self) -> torch.device:
        return torch.device("cpu")

    def predict(self, observation: Observation) -> Prediction:
        """A mean for every pixel; PredictionError if an image has no observed pixel."""
        self.check(observation)
        observation = observation.to("cpu")
        mean = torch.empty_like(observation.values)
        masks, inverse = observation.mask.unique(dim=0, return_inverse=True)
        for k, mask in enumerate(masks):
            which = (inverse == k).nonzero()[:, 0]
            stack = observation.values[which].flatten(0, 1)
            known = stack[:, mask[0]].T.double().numpy()
            if not len(known):
                raise PredictionError("There is nothing to interpolate: no pixel is observed.")
            filled = torch.from_numpy(self.interpolate(mask[0].numpy(), known))
            mean[which] = filled.permute(2, 0, 1).reshape(len(which), *mean.shape[1:]).float()
        return Prediction(Point(mean), observation)

    def check(self, observation: Observation) -> None:
        """Interpolators take any observation."""

    def in_turn(self) -> Callable[[Observation, Tensor], Prediction]:
        return lambda known, where: self.predict(known)

    def sample_joint(
        self, observation: Observation, count: int, generator: torch.Generator, temperature: float = 1.0
    ) -> Tensor:
        raise Point.silent()


def nearest(mask: np.ndarray, values: np.ndarray) -> np.ndarray:
    from scipy.interpolate import NearestNDInterpolator

    return NearestNDInterpolator(np.argwhere(mask), values)(*np.indices(mask.shape))


def linear(mask: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Linear on Delaunay triangles; nearest outside of them, and where points on a line make none."""
    from scipy.interpolate import LinearNDInterpolator
    from scipy.spatial import QhullError

    filled = nearest(mask, values)
    try:
        inside = LinearNDInterpolator(np.argwhere(mask), values)(*np.indices(mask.shape))
    except (QhullError, ValueError):
        return filled
    return np.where(np.isnan(inside), filled, inside)


def thin_plate(mask: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Thin-plate spline; nearest where points are too few, or on one line, to fix its plane."""
    from scipy.interpolate import RBFInterpolator

    points = np.argwhere(mask)
    if np.linalg.matrix_rank(np.column_stack([points, np.ones(len(points))])) < 3:
        return nearest(mask, values)
    everywhere = np.argwhere(np.ones_like(mask))
    spline = RBFInterpolator(points, values, kernel="thin_plate_spline")
    return spline(everywhere).reshape(*mask.shape, -1)


def biharmonic(mask: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Inpainting by the biharmonic equation."""
    from skimage.restoration import inpaint_biharmonic

    image = np.zeros((*mask.shape, values.shape[1]))
    image[mask] = values
    if mask.all():
        return image
    with warnings.catch_warnings():
        # a hidden pixel far from all observed ones makes the sparse system nearly singular; it is still solved
        warnings.simplefilter("ignore")
        filled = inpaint_biharmonic(image, ~mask, channel_axis=-1)
    return np.where(np.isfinite(filled), filled, nearest(mask, values))


METHODS = {
    found.name: found
    for found in [
        Interpolator("nearest", "Nearest pixel", "Each pixel takes the nearest observed one's colour.", nearest),
        Interpolator("linear", "Linear interpolation", "Straight lines across Delaunay triangles.", linear),
        Interpolator("rbf", "Thin-plate spline (RBF)", "The smoothest surface through what is seen.", thin_plate),
        Interpolator("biharmonic", "Biharmonic inpainting", "Fills holes as a bent plate would.", biharmonic),
    ]
}
NAMES: tuple[str, ...] = tuple(METHODS)


def load(name: str) -> Interpolator:
    """The classical method of that name; CheckpointError if there is none."""
    if name not in METHODS:
        raise CheckpointError(f"There is no baseline {name!r}; there are {', '.join(NAMES)}.")
    return METHODS[name]
