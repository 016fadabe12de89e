"""Pictures of any kind become textures of a size that can be learned, or a plain sentence says why not."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image

from recon.errors import DataError, ImageError
from recon.textures import pictures, shipped
from recon.textures.pictures import CROP, HALVE


def noise(width: int, height: int, mode: str = "L", seed: int = 0) -> Image.Image:
    shape = (height, width, 3) if mode == "RGB" else (height, width)
    return Image.fromarray(np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8))


@pytest.mark.parametrize("name", shipped.TEXTURES)
def test_textures_at_hand_are_grey_and_of_the_largest_size(name):
    found = pictures.at_hand(name)
    assert found.image.dtype == torch.uint8 and found.image.shape == (512, 512) and found.key == name


def test_a_texture_that_is_not_there_is_told_so():
    with pytest.raises(DataError, match="grass"):
        pictures.at_hand("marble")


def test_a_small_grey_picture_is_taken_as_it_is():
    image = noise(100, 80)
    found = pictures.own(image)
    assert np.array_equal(found.image.numpy(), np.asarray(image))
    assert "grey" not in found.said and "100 x 80" in found.said
    assert found.key == pictures.own(image).key != pictures.own(noise(100, 80, seed=1)).key


def test_a_coloured_picture_has_luma_and_colours():
    image = noise(70, 64, "RGB")
    found = pictures.own(image)
    luma = np.asarray(image, dtype=float) @ [0.299, 0.587, 0.114]
    assert np.abs(found.image.numpy() - luma).max() < 1 and "Rec. 601" in found.said
    assert found.colours is not None and np.array_equal(found.colours.movedim(0, -1).numpy(), np.asarray(image))
    grey = pictures.own(Image.merge("RGB", [noise(70, 64)] * 3))
    assert "Rec. 601" not in grey.said and grey.colours is None
    assert grey.key == pictures.own(noise(70, 64)).key != found.key


@pytest.mark.parametrize("how", [CROP, HALVE])
def test_colours_are_made_small_with_their_luma(how):
    found = pictures.own(noise(1100, 600, "RGB"), how)
    assert found.colours is not None and found.colours.shape == (3, *found.image.shape)
    luma = torch.tensordot(torch.tensor([0.299, 0.587, 0.114]), found.colours.float(), 1)
    assert (luma - found.image).abs().max() < 1


def test_a_large_picture_is_cropped_or_halved_as_asked():
    image = noise(1100, 600)
    assert not pictures.fits(image)
    crop = pictures.own(image, CROP)
    assert np.array_equal(crop.image.numpy(), np.asarray(image)[44:556, 294:806]) and "512 x 512" in crop.said
    half = pictures.own(image, HALVE)
    assert half.image.shape == (150, 275) and "275 x 150" in half.said
    assert abs(half.image.float().mean().item() - np.asarray(image).mean()) < 1


@pytest.mark.parametrize("how", [CROP, HALVE])
def test_a_long_strip_is_too_narrow(how):
    with pytest.raises(ImageError, match="64 or more"):
        pictures.own(noise(3000, 20), how)


def test_transparency_and_palettes_are_taken():
    clear = noise(90, 90, "RGB").convert("RGBA")
    clear.putalpha(noise(90, 90))
    for image in (clear, noise(90, 90, "RGB").convert("P"), noise(90, 90).convert("1")):
        assert pictures.own(image).image.shape == (90, 90)


@pytest.mark.parametrize("image", [noise(63, 200), Image.new("L", (100, 100), 7), None, Image.new("L", (0, 9))])
def test_what_cannot_be_learned_is_told_in_a_sentence(image):
    with pytest.raises(ImageError) as told:
        pictures.own(image)
    assert str(told.value).endswith(".")


def test_there_are_two_ways_to_make_a_picture_small():
    with pytest.raises(ImageError):
        pictures.own(noise(100, 100), "squeeze")


def test_what_is_transparent_becomes_white_and_is_said():
    clear = noise(80, 80, "RGB").convert("RGBA")
    clear.putalpha(Image.fromarray(np.repeat(np.uint8([[0], [255]]), 40, 0).repeat(80, 1)))
    found = pictures.own(clear)
    assert (found.image[:40] == 255).all() and found.image[40:].float().std() > 20
    assert "transparent was laid on white" in found.said and "transparent" not in pictures.own(noise(80, 80)).said
