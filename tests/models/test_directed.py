import pytest
import torch

from recon.errors import PredictionError
from recon.models.directed import around
from tests.models.test_mcgsm import picture_model


def drawn(steps):
    *_, last = steps
    return last.clone()


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def test_the_same_seed_draws_the_same_picture():
    model = picture_model()
    one, two = (drawn(model.generate(12, 20, seeded(), count=2)) for _ in range(2))
    assert one.equal(two) and one.shape == (2, 12, 20)
    assert not one[0].equal(one[1])
    assert not one.equal(drawn(model.generate(12, 20, seeded(1), count=2)))


def test_drawing_in_waves_follows_the_model():
    """A one-component model is a linear autoregression: its innovations are independent, of the variance it says."""
    model = picture_model(components=1, scales=1)
    model.mixture.weights.data.zero_()
    model.mixture.range.copy_(torch.tensor([-9.0, 9.0]))
    picture = drawn(model.generate(60, 60, seeded()))
    log_prob = model.log_prob(picture)[0, 4:, 4:-4]
    entropy = 0.5 + (model.mixture.answer(model.linear(picture))[2]).item() + 0.5 * torch.tensor(2 * torch.pi).log()
    assert -log_prob.mean().item() == pytest.approx(entropy.item(), abs=0.05)


def test_temperature_is_the_variance_of_experts():
    model = picture_model()
    cold, warm = (drawn(model.generate(30, 30, seeded(), temperature=t)) for t in (0.05, 1.0))
    assert cold.std() < 0.7 * warm.std()


def test_growing_may_start_from_a_texture():
    texture = torch.rand(10, 10, generator=seeded())
    model = picture_model()
    assert not drawn(model.generate(8, 8, seeded(), start=texture)).equal(drawn(model.generate(8, 8, seeded())))
    mirrored = around(texture, 25, 12)
    assert mirrored.shape == (25, 12)
    assert mirrored[10].equal(mirrored[9]) and mirrored[20:, :10].equal(texture[:5])


def test_a_hole_is_filled_and_nothing_else_changes():
    model, image = picture_model(), torch.rand(1, 14, 16, generator=seeded())
    hole = torch.zeros(14, 16, dtype=torch.bool)
    hole[4:9, 6:] = True
    before = image.clone()
    filled = drawn(model.complete(image, hole, seeded()))
    assert image.equal(before)
    assert filled[:, ~hole].equal(image[:, ~hole]) and (filled != image)[:, hole].all()
    lost = image.clone()
    lost[:, hole] = torch.nan
    assert drawn(model.complete(lost, hole, seeded())).equal(filled)


def test_what_cannot_be_filled():
    model, image = picture_model(), torch.rand(1, 8, 8)
    with pytest.raises(PredictionError, match="no hole"):
        next(model.complete(image, torch.zeros(8, 8, dtype=torch.bool), seeded()))
    with pytest.raises(PredictionError, match="differ in size"):
        next(model.complete(image, torch.ones(8, 9, dtype=torch.bool), seeded()))


def test_bits_are_those_of_the_density():
    model = picture_model()
    image = torch.randint(0, 256, (2, 20, 20), generator=seeded(), dtype=torch.uint8)
    whole, settled = (model.bits_per_pixel(image, seeded(), whole) for whole in (True, False))
    assert 7 < settled < 12 and whole == pytest.approx(settled, abs=1.5)
    with pytest.raises(PredictionError, match="smaller"):
        model.bits_per_pixel(image[:, :2], seeded(), whole=False)


def test_threads_are_as_they_were():
    before = torch.get_num_threads()
    drawn(picture_model().generate(4, 4, seeded()))
    assert torch.get_num_threads() == before
