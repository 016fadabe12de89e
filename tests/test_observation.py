"""What is known of a batch of images, and what is refused."""

import numpy as np
import pytest
import torch
from PIL import Image

from recon import Observation, patches
from recon.errors import ImageError, ObservationError


def half(side: int = 4) -> torch.Tensor:
    mask = torch.zeros(1, 1, side, side, dtype=torch.bool)
    mask[..., : side // 2] = True
    return mask


def test_hidden_values_are_forgotten_whatever_they_are():
    values = torch.full((1, 3, 4, 4), 0.5)
    values[..., 2:] = torch.tensor([float("nan"), float("inf")])
    known = Observation(values, half())
    assert (known.values[..., :2] == 0.5).all() and (known.values[..., 2:] == 0).all()
    assert known.values.dtype == torch.float32
    assert (known.batch, known.channels, known.side) == (1, 3, (4, 4))


def test_the_given_tensor_is_not_changed():
    values = torch.full((1, 1, 4, 4), 0.5)
    Observation(values, half())
    assert (values == 0.5).all()


def test_what_becomes_of_the_given_mask_does_not_matter():
    mask = torch.zeros(1, 1, 2, 2, dtype=torch.bool)
    observation = Observation(torch.ones(1, 1, 2, 2), mask)
    mask[:] = True
    assert not observation.mask.any()


def test_arrays_may_run_backwards():
    pixels = np.arange(12, dtype=np.uint8).reshape(2, 2, 3)
    mask = np.array([[True, False], [True, True]])
    flipped = Observation.from_image(pixels[:, ::-1, ::-1], mask[::-1])
    copied = Observation.from_image(pixels[:, ::-1, ::-1].copy(), mask[::-1].copy())
    assert flipped.values.equal(copied.values) and flipped.mask.equal(copied.mask)


@pytest.mark.parametrize("bad", [float("nan"), -0.01, 1.01, float("inf")])
def test_observed_values_are_checked(bad):
    values = torch.zeros(1, 1, 4, 4)
    values[0, 0, 0, 0] = bad
    with pytest.raises(ObservationError, match="between 0 and 1"):
        Observation(values, half())


@pytest.mark.parametrize(
    ("values", "mask"),
    [
        (np.zeros((1, 1, 4, 4)), half()),
        (torch.zeros(1, 1, 4, 4), half().numpy()),
        (torch.zeros(1, 4, 4), half()),
        (torch.zeros(1, 2, 4, 4), half()),
        (torch.zeros(1, 1, 4, 4), half().float()),
        (torch.zeros(1, 1, 4, 4), half()[0]),
        (torch.zeros(2, 1, 4, 4), half()),
        (torch.zeros(0, 1, 4, 4), half()[:0]),
        (torch.zeros(1, 1, 4, 5), half()),
        (torch.zeros(1, 3, 4, 4), half().expand(1, 3, 4, 4)),
    ],
)
def test_shapes_and_types_are_checked(values, mask):
    with pytest.raises(ObservationError):
        Observation(values, mask)


@pytest.mark.parametrize("shape", [(8, 8), (8, 8, 3)])
def test_from_an_array(shape):
    image = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    mask = patches.random(8, 20, seed=1)
    known = Observation.from_image(image, mask)
    assert known.values.shape == (1, 3 if len(shape) == 3 else 1, 8, 8)
    seen = known.values[0].movedim(0, -1).numpy()[mask]
    np.testing.assert_allclose(seen, image[mask].reshape(seen.shape) / 255, atol=1e-7)
    assert (known.mask[0, 0].numpy() == mask).all()


def test_from_a_picture_of_another_size():
    known = Observation.from_image(Image.new("RGB", (300, 200), (255, 0, 51)), np.ones((16, 16), dtype=bool))
    assert torch.allclose(known.values, torch.tensor([1, 0, 0.2]).view(1, 3, 1, 1).expand(1, 3, 16, 16))
    assert Observation.from_image(Image.new("L", (5, 9), 255), np.ones((8, 4), dtype=bool)).side == (8, 4)


def test_masks_may_be_tensors_or_read_only():
    image, mask = np.zeros((4, 4), dtype=np.uint8), np.ones((4, 4), dtype=bool)
    mask.setflags(write=False)
    assert Observation.from_image(image, mask).mask.all()
    assert Observation.from_image(image, torch.ones(4, 4, dtype=torch.bool)).mask.all()
    assert Observation.from_image(image, mask.tolist()).mask.all()


@pytest.mark.parametrize(
    ("image", "mask"),
    [
        (np.zeros((4, 4)), np.ones((4, 4), dtype=bool)),
        (np.zeros((4, 4, 4), dtype=np.uint8), np.ones((4, 4), dtype=bool)),
        (np.zeros((4, 5), dtype=np.uint8), np.ones((4, 4), dtype=bool)),
        (np.zeros((4, 4), dtype=np.uint8), np.ones((4, 4))),
        (np.zeros((4, 4), dtype=np.uint8), np.ones((1, 4, 4), dtype=bool)),
        (Image.new("L", (4, 4)), np.ones((0, 4), dtype=bool)),
        (np.zeros((4, 4), dtype=np.uint8), "mask"),
        (np.zeros((4, 4), dtype=np.uint8), None),
    ],
)
def test_bad_images_and_masks(image, mask):
    with pytest.raises(ObservationError):
        Observation.from_image(image, mask)


def test_a_path_is_no_picture():
    with pytest.raises(ImageError, match="no picture but a str"):
        Observation.from_image("photo.png", np.ones((4, 4), dtype=bool))


def test_add_repeat_and_to():
    known = Observation(torch.full((1, 1, 4, 4), 0.25), half())
    more = known.add(torch.ones(1, 1, 4, 4), ~half())
    assert more.mask.all() and (more.values[..., :2] == 0.25).all() and (more.values[..., 2:] == 1).all()
    assert known.mask.sum() == 8, "the first one stays as it was"
    two = Observation(torch.stack([torch.zeros(1, 4, 4), torch.ones(1, 4, 4)]), half().repeat(2, 1, 1, 1)).repeat(3)
    assert two.batch == 6 and two.values[:, 0, 0, 0].tolist() == [0, 0, 0, 1, 1, 1]
    assert known.to("cpu").values.equal(known.values)


def test_grey_and_colour():
    colours = torch.tensor([0.2, 0.4, 0.6]).view(1, 3, 1, 1).expand(1, 3, 4, 4)
    known = Observation(colours, half())
    assert known.with_channels(3) is known
    grey = known.with_channels(1)
    assert grey.values[0, 0, 0, 0].item() == pytest.approx(0.299 * 0.2 + 0.587 * 0.4 + 0.114 * 0.6)
    assert (grey.with_channels(3).values == grey.values).all()
    white = Observation(torch.ones(1, 3, 4, 4), half()).with_channels(1)
    assert (white.values[white.mask] == 1).all(), "rounding must not push white beyond 1"
    with pytest.raises(ObservationError):
        known.with_channels(2)


def test_binarised():
    known = Observation(torch.tensor([0.49, 0.5, 0.2, 0.9]).view(1, 1, 2, 2), torch.ones(1, 1, 2, 2, dtype=torch.bool))
    assert known.binarised().values.flatten().tolist() == [0, 1, 0, 1]
    assert known.binarised(0.1).values.flatten().tolist() == [1, 1, 1, 1]


def test_no_gradient_flows_through_an_observation():
    values = torch.full((1, 1, 4, 4), 0.5, requires_grad=True)
    assert not Observation(values, half()).values.requires_grad


def test_an_observation_is_itself_alone():
    known, other = (Observation(torch.full((1, 1, 4, 4), 0.5), half()) for _ in range(2))
    assert known == known and known != other and known in [other, known]
