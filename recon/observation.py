"""What is known of a batch of images: the noun that every model answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from recon.errors import ObservationError

if TYPE_CHECKING:
    from PIL import Image


@dataclass(frozen=True, eq=False)
class Observation:
    """Observed pixels of a batch of images.

    values  float32 (batch, channels, height, width) in [0, 1]; what is given where nothing was observed is set to 0
    mask    bool (batch, 1, height, width), True where a pixel (all its channels) was observed

    Both are its own: what becomes of the tensors it was made of does not matter, and no gradient flows back to them.
    The mask comes to the values' device.
    Raises ObservationError when shapes or types do not fit, or an observed value is not a number in [0, 1].
    """

    values: Tensor
    mask: Tensor

    def __post_init__(self) -> None:
        values, mask = self.values, self.mask
        if not isinstance(values, Tensor) or not isinstance(mask, Tensor):
            raise ObservationError("An observation is made of two tensors, values and mask.")
        if values.ndim != 4 or values.shape[1] not in (1, 3):
            raise ObservationError(
                f"Values must be (batch, channels, height, width) with 1 or 3 channels, not {tuple(values.shape)}."
            )
        if not len(values):
            raise ObservationError("An observation is of one image or more.")
        if mask.dtype != torch.bool or mask.shape != (values.shape[0], 1, *values.shape[2:]):
            raise ObservationError(
                f"The mask must be bool of shape {(values.shape[0], 1, *values.shape[2:])}, "
                f"not {mask.dtype} of shape {tuple(mask.shape)}."
            )
        mask = mask.to(values.device, copy=True)
        # `where`, not a product: 0 * nan is nan, and what was not observed may be anything
        values = torch.where(mask, values.detach().to(torch.float32), 0.0)
        if not bool(((values >= 0) & (values <= 1)).all()):
            raise ObservationError("Observed values must be numbers between 0 and 1.")
        object.__setattr__(self, "values", values)
        object.__setattr__(self, "mask", mask)

    @classmethod
    def from_image(cls, image: Image.Image | np.ndarray, mask: np.ndarray | Tensor) -> Observation:
        """The pixels of one image that `mask` picks.

        image  PIL image, or uint8 array (height, width) or (height, width, 3). A PIL image of another size than the
               mask's is centre-cropped and area-averaged to it (`recon.images.fit`); an array must have its size.
               A PIL image of a grey mode gives one channel, any other three.
        mask   bool (height, width)
        """
        from recon import images  # Pillow is only needed by those who have pictures

        mask = np.ascontiguousarray(mask.cpu().numpy() if isinstance(mask, Tensor) else mask)
        if mask.ndim != 2 or mask.dtype != bool or not mask.size:
            raise ObservationError("The mask must be bool of shape (height, width).")
        if not isinstance(image, np.ndarray):
            image = images.fit(image, tuple(mask.shape))
        if image.dtype != np.uint8 or image.ndim not in (2, 3) or (image.ndim == 3 and image.shape[2] != 3):
            raise ObservationError("An image must be uint8 of shape (height, width) or (height, width, 3).")
        if image.shape[:2] != tuple(mask.shape):
            raise ObservationError(
                f"The image has {image.shape[0]} x {image.shape[1]} pixels, the mask {mask.shape[0]} x {mask.shape[1]}."
            )
        return cls(values=images.to_tensor(image)[None], mask=torch.tensor(mask)[None, None])

    @property
    def batch(self) -> int:
        return self.values.shape[0]

    @property
    def channels(self) -> int:
        return self.values.shape[1]

    @property
    def side(self) -> tuple[int, int]:
        """(height, width)"""
        height, width = self.values.shape[2:]
        return height, width

    def to(self, device: torch.device | str) -> Observation:
        """The same observation on `device`; the same object where it is there."""
        if torch.device(device) == self.values.device:
            return self
        return Observation(self.values.to(device), self.mask.to(device))

    def some(self, images: Tensor) -> Observation:
        """Of some images of the batch, indices int64 (n,)"""
        return Observation(self.values[images], self.mask[images])

    def repeat(self, count: int) -> Observation:
        """Every image `count` times, one after another: (batch * count, ...)."""
        return Observation(self.values.repeat_interleave(count, 0), self.mask.repeat_interleave(count, 0))

    def add(self, values: Tensor, where: Tensor) -> Observation:
        """The same observation with the pixels in `where`, bool (batch, 1, height, width), set to `values`."""
        return Observation(torch.where(where, values, self.values), self.mask | where)

    def with_channels(self, channels: int) -> Observation:
        """As grey (Rec. 601 luma) or as three channels; the same object where nothing changes."""
        if channels == self.channels:
            return self
        if channels == 3:
            return Observation(self.values.expand(-1, 3, -1, -1).clone(), self.mask)
        if channels == 1:
            weights = self.values.new_tensor([0.299, 0.587, 0.114])[:, None, None]
            return Observation((self.values * weights).sum(1, keepdim=True).clamp(0, 1), self.mask)
        raise ObservationError(f"Pictures have 1 or 3 channels, not {channels}.")

    def as_seen_by(self, model: object) -> Observation:
        """In colour, in grey or in black and white, as a model wants it; a classical method takes what comes."""
        found = self.with_channels(getattr(model, "channels", self.channels))
        return found.binarised() if getattr(model, "binary", False) else found

    def binarised(self, threshold: float = 0.5) -> Observation:
        """Observed values set to 0 or 1 at `threshold`, for binary models."""
        return Observation((self.values >= threshold).float(), self.mask)
