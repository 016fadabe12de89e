"""Pictures to start from, and whatever people upload: any kind of picture, and a sentence for what is none."""

from __future__ import annotations

import io
import struct
import warnings
import zlib
from types import SimpleNamespace

import gradio as gr
import numpy as np
import pytest
from PIL import Image

from recon import images
from recon.errors import ImageError
from recon.ui import pictures
from recon.ui.components import PictureInput

# ---- examples


@pytest.mark.parametrize("name", pictures.EXAMPLES)
@pytest.mark.parametrize("side", [16, 32])
def test_examples_load(name, side):
    found = pictures.load(name, side)
    assert found.shape == (side, side, 3) and found.dtype == np.uint8 and found.std() > 10
    assert not found.flags.writeable and pictures.load(name, side) is found


def test_examples_ask_nothing_of_the_network(monkeypatch):
    monkeypatch.setattr("socket.socket.connect", lambda *_: pytest.fail("an example picture asked the network"))
    pictures.load.cache_clear()
    for name in pictures.EXAMPLES:
        pictures.load(name)


def test_grey_examples_are_grey():
    for name in ("camera", "coins", "three", "five"):
        assert np.ptp(pictures.load(name).astype(int), axis=-1).max() == 0


def test_digits_lie_as_in_mnist():
    for name in ("three", "five"):
        ink = np.argwhere(pictures.load(name)[..., 0] > 127)
        assert np.abs(ink.mean(0) - 15.5).max() < 3 and 40 < len(ink) < 250
        assert ink.min() >= 4 and ink.max() <= 27


def test_the_menu_begins_with_no_picture():
    titles, names = zip(*pictures.choices(), strict=True)
    assert names == (pictures.NONE, *pictures.EXAMPLES) and len(set(titles)) == len(titles)


@pytest.mark.parametrize("name", ["", "moon", "../face", "FACE"])
def test_an_unknown_example_lists_those_there_are(name):
    with pytest.raises(ImageError, match=r"There is no example picture .*; there are face, "):
        pictures.load(name)


def test_as_colour():
    grey, colour = np.arange(6, dtype=np.uint8).reshape(2, 3), np.zeros((2, 3, 3), np.uint8)
    assert pictures.as_colour(grey).shape == (2, 3, 3) and (pictures.as_colour(grey)[..., 2] == grey).all()
    copy = pictures.as_colour(colour)
    copy[:] = 1
    assert not colour.any()


# ---- uploads


def saved(image: Image.Image, kind: str = "PNG", **options) -> bytes:
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def quarters(mode: str = "RGB", size: int = 64) -> Image.Image:
    """Red, green; blue, white."""
    image = Image.new("RGB", (2, 2))
    image.putdata([(255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255)])
    return image.resize((size, size), Image.Resampling.NEAREST).convert(mode)


def corners(content: bytes) -> list[list[int]]:
    """The upload's four quarters on the grid, as the page takes it."""
    small = pictures.as_colour(images.fit(images.open_image(content), 32))
    assert small.shape == (32, 32, 3) and small.dtype == np.uint8
    return [small[row, column].tolist() for row in (8, 23) for column in (8, 23)]


RED, GREEN, BLUE, WHITE = [255, 0, 0], [0, 255, 0], [0, 0, 255], [255, 255, 255]


def near(found, wanted, by: int = 0) -> bool:
    return np.abs(np.subtract(found, wanted)).max() <= by


@pytest.mark.parametrize("kind", ["PNG", "BMP", "TIFF", "GIF"])
def test_formats_that_lose_nothing(kind):
    assert corners(saved(quarters(), kind)) == [RED, GREEN, BLUE, WHITE]


@pytest.mark.parametrize("kind", ["JPEG", "WEBP", "AVIF"])
def test_formats_that_lose_a_little(kind):
    assert near(corners(saved(quarters(), kind, quality=95)), [RED, GREEN, BLUE, WHITE], by=12)


def test_cmyk():
    assert near(corners(saved(quarters("CMYK"), "JPEG", quality=95)), [RED, GREEN, BLUE, WHITE], by=12)


def test_palette():
    assert near(corners(saved(quarters().quantize(4))), [RED, GREEN, BLUE, WHITE], by=2)


def test_what_is_transparent_is_white():
    image = quarters("RGBA")
    image.putalpha(Image.new("L", image.size, 0))
    assert corners(saved(image)) == [WHITE] * 4
    image.putalpha(Image.new("L", image.size, 128))
    assert near(corners(saved(image))[0], [255, 127, 127], by=1)


@pytest.mark.parametrize("level", [0, 32768, 65535])
def test_sixteen_bits(level):
    image = Image.fromarray(np.full((40, 40), level, np.uint16))
    assert near(corners(saved(image)), [[level / 257] * 3] * 4, by=1)


def test_one_bit():
    assert corners(saved(Image.new("1", (9, 9), 1))) == [WHITE] * 4


@pytest.mark.parametrize(
    "orientation, wanted",
    [
        (1, [RED, GREEN, BLUE, WHITE]), (2, [GREEN, RED, WHITE, BLUE]), (3, [WHITE, BLUE, GREEN, RED]),
        (4, [BLUE, WHITE, RED, GREEN]), (5, [RED, BLUE, GREEN, WHITE]), (6, [BLUE, RED, WHITE, GREEN]),
        (7, [WHITE, GREEN, BLUE, RED]), (8, [GREEN, WHITE, RED, BLUE]),
    ],
)  # fmt: skip
def test_exif_turns_are_made(orientation, wanted):
    exif = Image.Exif()
    exif[0x0112] = orientation
    assert near(corners(saved(quarters(), "JPEG", quality=95, exif=exif)), wanted, by=12)


@pytest.mark.parametrize("kind", ["GIF", "PNG", "WEBP"])
def test_the_first_frame_of_an_animation(kind):
    frames = [Image.new("RGB", (40, 40), colour) for colour in ("red", "blue", "green")]
    content = saved(frames[0], kind, save_all=True, append_images=frames[1:], duration=50)
    assert near(corners(content)[0], RED, by=12)


def test_one_pixel():
    assert corners(saved(Image.new("RGB", (1, 1), (9, 8, 7)))) == [[9, 8, 7]] * 4


@pytest.mark.parametrize("size", [(1000, 1), (1, 1000), (33, 31), (300, 100)])
def test_any_shape_is_cropped_to_its_centre(size):
    width, height = size
    ramp = np.zeros((height, width, 3), np.uint8)
    ramp[..., 0] = (np.linspace(0, 255, width) if width > 1 else np.full(1, 128)).round()
    ramp[..., 1] = (np.linspace(0, 255, height) if height > 1 else np.full(1, 128)).round()[:, None]
    small = images.fit(images.open_image(saved(Image.fromarray(ramp))), 32)
    assert np.abs(small.mean((0, 1))[:2] - 128).max() < 3


def test_areas_are_averaged():
    board = np.indices((320, 320)).sum(0) % 2 * 255
    small = images.fit(images.open_image(saved(Image.fromarray(board.astype(np.uint8)))), 32)
    assert small.min() >= 127 and small.max() <= 128


def test_twenty_megapixels():
    noise = np.random.default_rng(0).integers(0, 256, (50, 50, 3), dtype=np.uint8)
    image = Image.fromarray(noise).resize((5000, 4000), Image.Resampling.NEAREST)
    for kind, by in [("PNG", 1), ("JPEG", 30)]:
        small = images.fit(images.open_image(saved(image, kind)), 32)
        wanted = np.asarray(image.resize((32, 32), Image.Resampling.BOX, box=(500, 0, 4500, 4000)))
        assert near(small.astype(int), wanted.astype(int), by=by)


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width: int, height: int, rows: bytes) -> bytes:
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


PHOTO = saved(Image.fromarray(np.random.default_rng(0).integers(0, 256, (200, 200, 3), dtype=np.uint8)), "JPEG")
BAD_FILES = {
    "an empty file": (b"", "no picture that can be read"),
    "a text file": (b"Dear page,\nthis is no picture.\n", "no picture that can be read"),
    "an SVG": (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "no picture that can be read"),
    "a zip": (b"PK\3\4" + bytes(64), "no picture that can be read"),
    "PostScript": (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "no picture that can be read"),
    "a truncated JPEG": (PHOTO[: len(PHOTO) // 2], "no picture that can be read"),
    "a JPEG's head": (PHOTO[:200], "no picture that can be read"),
    "a truncated PNG": (saved(quarters())[:-60], "no picture that can be read"),
    "a PNG's signature": (b"\x89PNG\r\n\x1a\n", "no picture that can be read"),
    "a PNG of 100000 x 100000": (png(100_000, 100_000, b""), "too large|10000 million pixels"),
    "a PNG just too large": (png(10_000, 7_000, b""), "70 million pixels; up to 60 million"),
    "a PNG of no pixels": (png(0, 5, b""), "no picture that can be read|no pixels"),
    "a bomb that says it is small": (png(8, 8, bytes(50_000_000)), None),
}


@pytest.mark.parametrize("content, wanted", BAD_FILES.values(), ids=BAD_FILES)
def test_what_is_no_picture_is_a_sentence(content, wanted, tmp_path):
    path = tmp_path / "photo.png"
    path.write_bytes(content)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        if wanted is None:  # the decoder reads what it needs and no more
            assert images.open_image(path).size == (8, 8)
            return
        for source in (content, path):
            with pytest.raises(ImageError, match=wanted) as told:
                images.open_image(source)
            assert str(told.value).startswith("This ") and str(told.value).endswith(".")
            assert "Error" not in str(told.value) and str(tmp_path) not in str(told.value)


def test_a_file_that_is_gone_is_a_sentence(tmp_path):
    with pytest.raises(ImageError):
        images.open_image(tmp_path / "gone.png")


def test_the_input_reads_with_our_reader(tmp_path):
    """gradio's own would refuse some of these with a stack trace, or read them at their full size."""
    field = PictureInput(render=False)
    assert field.preprocess(None) is None
    path = tmp_path / "photo.png"
    path.write_bytes(saved(Image.fromarray(np.full((4, 4), 65535, np.uint16))))
    assert images.fit(field.preprocess(SimpleNamespace(path=str(path))), 32).min() == 255
    path.write_bytes(b"no picture")
    with pytest.raises(gr.Error, match="no picture that can be read") as told:
        field.preprocess(SimpleNamespace(path=str(path)))
    assert not told.value.print_exception
    with pytest.raises(gr.Error, match="did not arrive"):
        field.preprocess(SimpleNamespace(path=None))
