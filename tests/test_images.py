"""Any picture that people hand over becomes a small grid, or a plain sentence."""

from __future__ import annotations

import io
import struct
import time
import zlib

import numpy as np
import pytest
import torch
from PIL import Image, PngImagePlugin

from recon import images
from recon.errors import ImageError

ORIENTATION = 0x0112


def encoded(image: Image.Image, kind: str, **options) -> bytes:
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def corners(mode: str = "RGB") -> Image.Image:
    """Red, green, blue and white quarters, 40 x 40."""
    pixels = np.zeros((40, 40, 3), dtype=np.uint8)
    pixels[:20, :20], pixels[:20, 20:], pixels[20:, :20], pixels[20:, 20:] = (255, 0, 0), (0, 255, 0), (0, 0, 255), 255
    return Image.fromarray(pixels).convert(mode)


def test_fit_averages_areas():
    pixels = np.random.default_rng(0).integers(0, 256, (64, 96, 3), dtype=np.uint8)
    found = images.fit(Image.fromarray(pixels), 16)
    centre = pixels[:, 16:80].reshape(16, 4, 16, 4, 3).mean((1, 3))
    assert found.shape == (16, 16, 3) and found.dtype == np.uint8
    assert np.abs(found - centre).max() <= 1
    assert (images.fit(Image.fromarray(pixels), (64, 96)) == pixels).all()


def test_fit_repeats_pixels_when_it_enlarges():
    pixels = np.arange(16, dtype=np.uint8).reshape(4, 4)
    assert (images.fit(Image.fromarray(pixels), 8) == np.kron(pixels, np.ones((2, 2)))).all()
    assert images.fit(Image.fromarray(pixels), np.int64(8)).shape == (8, 8)


@pytest.mark.parametrize("size", [(1, 1), (1, 5000), (5000, 1), (3, 4001), (29, 29), (33, 997)])
@pytest.mark.parametrize("to", [1, 7, 28, 32, (7, 13)])
def test_any_shape_to_any_shape(size, to):
    found = images.fit(Image.new("RGB", size, (200, 100, 50)), to)
    assert found.shape == (*((to, to) if isinstance(to, int) else to), 3)
    assert (found == (200, 100, 50)).all()


def test_the_crop_is_of_the_centre():
    wide = Image.new("RGB", (1000, 10), "black")
    wide.paste((255, 255, 255), (495, 0, 505, 10))
    assert (images.fit(wide, 10) == 255).all()


def test_16_bit_grey(tmp_path):
    levels = (np.linspace(0, 65535, 32 * 32).reshape(32, 32)).astype(np.uint16)
    for blob in (encoded(Image.fromarray(levels), "PNG"), encoded(Image.fromarray(levels), "TIFF")):
        found = images.fit(images.open_image(blob), 32)
        assert found.shape == (32, 32) and np.abs(found - levels / 257).max() <= 0.51
    big_endian = Image.frombytes("I;16B", (32, 32), levels.astype(">u2").tobytes())
    assert np.abs(images.fit(big_endian, 32) - levels / 257).max() <= 0.51


@pytest.mark.parametrize(
    ("mode", "dtype", "values", "expected"),
    [
        ("I", np.int32, [0, 65535], [0, 255]),
        ("I", np.int32, [0, 255], [0, 255]),
        ("I", np.int32, [-5, 2_000_000_000], [0, 255]),
        ("F", np.float32, [0, 0.5], [0, 128]),
        ("F", np.float32, [0, 255], [0, 255]),
        ("F", np.float32, [float("nan"), 1.0], [0, 255]),
        ("F", np.float32, [float("inf"), -1.0], [0, 0]),
    ],
)
def test_wide_and_real_numbers(mode, dtype, values, expected):
    image = Image.fromarray(np.array([values], dtype=dtype))
    assert image.mode == mode and images.fit(image, (1, 2)).tolist() == [expected]


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "CMYK", "YCbCr", "HSV", "RGBX", "P"])
def test_colour_modes(mode):
    found = images.fit(corners(mode), 2)
    assert found.shape == (2, 2, 3)
    assert np.abs(found - np.array([[[255, 0, 0], [0, 255, 0]], [[0, 0, 255], [255] * 3]])).max() <= 3


@pytest.mark.parametrize("mode", ["L", "LA", "1"])
def test_grey_modes_stay_grey(mode):
    image = Image.new("L", (8, 8), 255)
    image.paste(0, (0, 0, 4, 8))
    assert images.fit(image.convert(mode), 2).tolist() == [[0, 255]] * 2


@pytest.mark.parametrize("mode", ["LAB", "La", "PA", "RGBa", "I;16", "I;16L", "I;16N"])
def test_rare_modes_are_converted_or_refused(mode):
    try:
        assert images.fit(Image.new(mode, (4, 4)), 2).shape[:2] == (2, 2)
    except ImageError as error:
        assert "cannot be converted" in str(error)


def test_transparency_is_laid_on_white():
    clear = Image.new("RGBA", (8, 8), (255, 0, 0, 0))
    half = Image.new("RGBA", (8, 8), (255, 0, 0, 128))
    assert (images.fit(clear, 2) == 255).all()
    assert np.abs(images.fit(half, 2)[0, 0] - (255, 127, 127)).max() <= 1
    assert (images.fit(Image.new("LA", (8, 8), (0, 0)), 2) == 255).all()
    palette = Image.new("P", (8, 8), 0)
    palette.putpalette([255, 0, 0, 0, 0, 255])
    palette.paste(1, (0, 0, 4, 8))
    found = images.fit(images.open_image(encoded(palette, "PNG", transparency=0)), 2)
    assert found[0].tolist() == [[0, 0, 255], [255, 255, 255]]
    for image, clear in ((Image.new("RGB", (8, 8), (9, 8, 7)), (9, 8, 7)), (Image.new("L", (8, 8), 9), 9)):
        assert (images.fit(images.open_image(encoded(image, "PNG", transparency=clear)), 2) == 255).all()


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_turns_are_applied_once(orientation):
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    turns = {1: None, 2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}  # what a camera so held would store
    stored = corners() if turns[orientation] is None else corners().transpose(Image.Transpose(turns[orientation]))
    opened = images.open_image(encoded(stored, "PNG", exif=exif))
    for image in (opened, Image.open(io.BytesIO(encoded(stored, "PNG", exif=exif)))):
        assert (images.fit(image, 2) == images.fit(corners(), 2)).all()
    assert (np.asarray(opened) == np.asarray(corners())).all(), "upright as soon as it is open"


def test_broken_exif_is_no_trouble():
    blob = encoded(corners(), "JPEG", exif=b"Exif\0\0MM\0*\0\0\0\x08\xff\xff" + b"\x01\x12\0\x09" * 9)
    assert images.fit(images.open_image(blob), 2).shape == (2, 2, 3)


def test_animations_show_their_first_frame():
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("red", "lime", "blue")]
    for kind in ("GIF", "WEBP", "PNG"):
        blob = encoded(frames[0], kind, save_all=True, append_images=frames[1:], duration=50)
        found = images.fit(images.open_image(blob), 2)
        assert np.abs(found - (255, 0, 0)).max() <= 3


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "AVIF", "GIF", "BMP", "TIFF"])
def test_every_kind_of_file(kind, tmp_path):
    blob = encoded(corners(), kind)
    path = tmp_path / "picture"
    path.write_bytes(blob)
    for source in (blob, path, str(path)):
        assert images.fit(images.open_image(source), 4).shape == (4, 4, 3)


def test_20_megapixels_are_quick():
    photo = Image.new("RGB", (5500, 3700), (10, 200, 30))
    blob = encoded(photo, "JPEG")
    began = time.process_time()
    found = images.fit(images.open_image(blob), 32)
    assert time.process_time() - began < 3 and np.abs(found - (10, 200, 30)).max() <= 3
    began = time.process_time()
    images.fit(photo.convert("RGBA"), 32)
    assert time.process_time() - began < 6


def png_of(width: int, height: int) -> bytes:
    """A few bytes which claim to be a large white picture."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


@pytest.mark.parametrize(("width", "height"), [(60_001, 1000), (10_000, 10_000), (30_000, 30_000), (2**21, 2**21)])
def test_decompression_bombs_are_refused(width, height):
    with pytest.raises(ImageError, match=r"million pixels|too large"):
        images.open_image(png_of(width, height))


def test_text_that_inflates_is_refused():
    info = PngImagePlugin.PngInfo()
    info.add_text("bomb", "0" * 100_000_000, zip=True)
    blob = encoded(Image.new("L", (8, 8)), "PNG", pnginfo=info)
    with pytest.raises(ImageError):
        images.open_image(blob)


NO_PICTURES = {
    "empty": b"",
    "text": b"not a picture",
    "a signature": b"\x89PNG\r\n\x1a\n",
    "another": b"GIF89a",
    "PostScript": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n%%EndComments\nshowpage\n",
    "SVG": b"<svg xmlns='http://www.w3.org/2000/svg' width='9' height='9'/>",
    "no data": png_of(8, 8),
    "no width": png_of(0, 8),
    "half a JPEG": encoded(corners(), "JPEG")[:-300],
    "half a PNG": encoded(corners(), "PNG")[:70],
    "half a WebP": encoded(corners(), "WEBP")[:60],
    "half a TIFF": encoded(corners(), "TIFF")[:200],
    "a kind not listed": encoded(corners(), "PPM"),
}


@pytest.mark.parametrize("what", NO_PICTURES)
def test_what_is_no_picture(what):
    blob = NO_PICTURES[what]
    with pytest.raises(ImageError, match=r"no picture|no pixels"):
        images.open_image(blob)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "WEBP"])
def test_of_a_polyglot_the_picture_is_read(kind):
    other = b"PK\x03\x04<script>alert(1)</script><?php system('ls'); ?>%PDF-1.7"
    blob = encoded(corners(), kind)
    assert images.open_image(blob + other).convert("RGB").tobytes() == images.open_image(blob).convert("RGB").tobytes()
    with pytest.raises(ImageError):
        images.open_image(other + blob)


def test_files_that_are_not_there(tmp_path):
    for source in (tmp_path / "none.png", tmp_path, "", "a\0b"):
        with pytest.raises(ImageError, match="no picture"):
            images.open_image(source)


@pytest.mark.parametrize("thing", [None, "photo.png", b"", np.zeros((4, 4, 3), np.uint8), torch.zeros(3, 4, 4), 7])
def test_fit_takes_pictures_only(thing):
    with pytest.raises(ImageError, match="no picture but a"):
        images.fit(thing, 4)


def test_fit_of_what_breaks_late():
    truncated = Image.open(io.BytesIO(encoded(corners(), "JPEG", quality=95)[:-200]))
    with pytest.raises(ImageError, match="damaged"):
        images.fit(truncated, 4)
    with pytest.raises(ImageError, match="no pixels"):
        images.fit(Image.new("RGB", (0, 4)), 4)
    with pytest.raises(ImageError, match="million"):
        images.fit(Image.new("1", (10_000, 6_001)), 4)


@pytest.mark.parametrize("size", [0, (0, 4), (4, -1)])
def test_fit_to_nothing(size):
    with pytest.raises(ImageError, match="at least one pixel"):
        images.fit(corners(), size)


def test_tensors_and_back():
    colour = np.random.default_rng(0).integers(0, 256, (5, 6, 3), dtype=np.uint8)
    grey = colour[..., 0]
    assert images.to_tensor(colour).shape == (3, 5, 6) and images.to_tensor(grey).shape == (1, 5, 6)
    assert images.to_tensor(colour[None]).shape == (1, 3, 5, 6) and images.to_tensor(grey[None]).shape == (1, 1, 5, 6)
    assert images.to_tensor(grey[:, :3]).shape == (1, 5, 3), "three columns are no colours"
    assert images.to_tensor(colour).max() <= 1 and images.to_tensor(colour).dtype == torch.float32
    for pixels in (colour, grey):
        assert (images.to_array(images.to_tensor(pixels)) == pixels).all()
        assert (np.asarray(images.to_pil(images.to_tensor(pixels))) == pixels).all()
    assert images.to_array(torch.tensor([-1.0, 2.0, 0.5]).view(1, 1, 3)).tolist() == [[0, 255, 128]]


def test_enlarged_pixels_are_crisp():
    large = np.asarray(images.to_pil(torch.tensor([[0.0, 1.0]]).view(1, 1, 2), scale=3))
    assert large.tolist() == [[0, 0, 0, 255, 255, 255]] * 3


def test_a_large_jpeg_is_decoded_whole_where_that_is_asked():
    blob = encoded(Image.new("RGB", (3200, 2400)), "JPEG")
    assert images.open_image(blob, whole=True).size == (3200, 2400)
    assert images.open_image(blob).size == (1600, 1200)
