"""Pictures of any kind to small grids of pixels, and back."""

from __future__ import annotations

import io
import warnings
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageOps
from torch import Tensor

from recon.errors import ImageError

MAX_PIXELS = 60_000_000  # a 50-megapixel camera's picture passes; a decompression bomb does not
FORMATS = ("PNG", "JPEG", "WEBP", "AVIF", "GIF", "BMP", "TIFF")  # others hand the file to programs, such as Ghostscript


def open_image(source: str | Path | bytes, whole: bool = False) -> Image.Image:
    """A picture from a file or its bytes, upright, first frame; raises ImageError if it is none or too large.

    whole  with every pixel; else a large JPEG is decoded at a fraction of its size, 1024 pixels a side or more
    """
    try:
        # read at once: Pillow keeps a file of several frames, or a broken one, open
        stream = io.BytesIO(source if isinstance(source, bytes) else Path(source).read_bytes())
        with warnings.catch_warnings():
            # our own limit below speaks plainly, and what is wrong with a readable file's metadata matters to no one
            warnings.simplefilter("ignore")
            image = Image.open(stream, formats=FORMATS)
            check_size(image)
            if not whole:
                image.draft("RGB", (1024, 1024))
            image.load()
            ImageOps.exif_transpose(image, in_place=True)
    except ImageError:
        raise
    except Image.DecompressionBombError as error:
        raise ImageError("This picture is too large to open safely.") from error
    except Exception as error:  # Pillow's decoders raise nearly anything on a broken file
        readable = f"{', '.join(FORMATS[:-1])} or {FORMATS[-1]} file"
        raise ImageError(f"This file holds no picture that can be read: choose a {readable}.") from error
    return image


def check_size(image: Image.Image) -> None:
    """Raise ImageError if the picture has no pixels or more than MAX_PIXELS."""
    width, height = image.size
    if width * height == 0:
        raise ImageError("This picture has no pixels.")
    if width * height > MAX_PIXELS:
        raise ImageError(
            f"This picture has {width * height / 1e6:.0f} million pixels; up to {MAX_PIXELS // 10**6} million work."
        )


def fit(image: Image.Image, size: int | tuple[int, int]) -> np.ndarray:
    """Centre-crop to the shape of `size` (height, width) and average areas: uint8 (height, width[, 3]).

    Any mode works: 16-bit grey is scaled to 8, transparency is laid on white, CMYK and palettes become RGB, EXIF
    turns are applied. Grey modes stay grey (one channel). Raises ImageError for what is no picture, or a broken one.
    """
    height, width = (size, size) if isinstance(size, int | np.integer) else size
    if not isinstance(image, Image.Image):
        raise ImageError(f"This is no picture but a {type(image).__name__}: `recon.images.open_image` opens files.")
    if height < 1 or width < 1:
        raise ImageError("A grid has at least one pixel.")
    check_size(image)
    try:
        image = eight_bit(ImageOps.exif_transpose(image))
    except Exception as error:  # a file opened lazily is only decoded here; and not every mode can be converted
        raise ImageError("This picture is damaged, or of a kind that cannot be converted to RGB.") from error
    scale = min(image.width / width, image.height / height)
    crop_w, crop_h = min(scale * width, image.width), min(scale * height, image.height)
    left, top = (image.width - crop_w) / 2, (image.height - crop_h) / 2
    box = (left, top, left + crop_w, top + crop_h)
    # BOX averages exactly the source area under each pixel; enlarging, it repeats them
    return np.asarray(image.resize((width, height), Image.Resampling.BOX, box=box))


def eight_bit(image: Image.Image) -> Image.Image:
    """Any mode as "L" or "RGB"."""
    if image.mode in ("L", "RGB") and not image.has_transparency_data:
        return image
    if image.mode.startswith("I;16") or image.mode in ("I", "F"):
        values = np.nan_to_num(np.asarray(image, dtype=np.float64), posinf=0.0, neginf=0.0)
        top = values.max(initial=0.0)
        # I and F carry no range: at least 16 bits when the values say so, else 8 bits, else the unit interval
        wide = top > 255 or image.mode.startswith("I;16")
        full = max(top, 65535.0) if wide else 255.0 if top > 1 or image.mode == "I" else 1.0
        return Image.fromarray(np.clip(values / full * 255 + 0.5, 0, 255).astype(np.uint8))
    grey = image.mode in ("1", "L", "LA", "La")
    if image.has_transparency_data:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    return image.convert("L" if grey else "RGB")


def to_tensor(image: np.ndarray) -> Tensor:
    """uint8 (..., height, width) or (..., height, width, 3) to float32 (..., channels, height, width) in [0, 1].

    A trailing axis of size 3 is taken for colour only in arrays of three or more axes.
    """
    # a copy: arrays that Pillow lends are read-only, and torch knows of none that run backwards
    pixels = torch.from_numpy(image.copy(order="C")).float() / 255
    if image.ndim >= 3 and image.shape[-1] == 3:
        return pixels.movedim(-1, -3).contiguous()
    return pixels.unsqueeze(-3)


def to_array(values: Tensor) -> np.ndarray:
    """float (channels, height, width) in [0, 1] to uint8 (height, width) or (height, width, 3), rounded."""
    pixels = (values.detach().float().clamp(0, 1) * 255 + 0.5).to(torch.uint8).cpu().numpy()
    return pixels[0] if pixels.shape[0] == 1 else np.moveaxis(pixels, 0, -1)


def to_pil(values: Tensor, scale: int = 1) -> Image.Image:
    """float (channels, height, width) in [0, 1] as a picture, each pixel a `scale` x `scale` square."""
    return enlarge(Image.fromarray(to_array(values)), scale)


def enlarge(image: Image.Image, scale: int) -> Image.Image:
    """Each pixel a `scale` x `scale` square: nothing is smoothed."""
    if scale == 1:
        return image
    return image.resize((image.width * scale, image.height * scale), Image.Resampling.NEAREST)
