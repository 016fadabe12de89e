"""A transformer of shapes: what it stands on, what it answers, what it imagines."""

import pytest
import torch

from recon import hub
from recon.errors import CheckpointError
from recon.models import ShapeTransformer
from recon.points import Points
from recon.shapes import answer, chairs
from recon.shapes.answer import field, imagined

TINY = {"width": 16, "heads": 2, "encoder_layers": 1, "decoder_layers": 1, "hidden": 24, "frequencies": 5, "bins": 3}


@pytest.fixture
def model():
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        found = ShapeTransformer(side=8, rank=6, transformer=TINY | {"dropout": 0.0}).requires_grad_(False)
    found.basis.fit(chairs.draw(30, torch.Generator().manual_seed(0)))
    return found


def known(size, seed=1):
    generator = torch.Generator().manual_seed(seed)
    positions = 2 * torch.rand(size, 3, generator=generator) - 1
    return positions, chairs.draw(1, generator).distance(positions[None])[0]


def test_silent_it_says_what_it_stands_on(model):
    model.transformer.head.weight.zero_()
    positions, values = known(9)
    present, queries = torch.ones(1, 9, dtype=torch.bool), chairs.grid(5)[None]
    law = model.law(positions[None], values[None], present, queries)
    mean, _ = model.closed_form(positions[None], values[None], present, queries)
    assert torch.allclose(law.mean[..., 0], mean, atol=1e-4)


def test_its_density_integrates_to_one(model):
    positions, values = known(9)
    law = model.law(positions[None], values[None], torch.ones(1, 9, dtype=torch.bool), torch.zeros(1, 1, 3))
    places = torch.linspace(-20, 20, 200_001)
    density = law.log_prob(places[:, None, None]).exp()[:, 0]
    assert abs(torch.trapezoid(density, places).item() - 1) < 1e-3


def test_a_field_is_the_law_on_a_grid(model):
    positions, values = known(9)
    found = field(model, positions, values, side=6)
    law = model.law(positions[None], values[None], torch.ones(1, 9, dtype=torch.bool), chairs.grid(6)[None])
    assert found.mean.shape == found.deviation.shape == (6, 6, 6)
    assert torch.allclose(found.mean.flatten(), law.mean[0, :, 0], atol=1e-5) and (found.deviation > 0).all()


def test_the_shape_holds_as_much_as_is_expected_and_what_is_likeliest(model):
    positions, values = known(9)
    found = field(model, positions, values, side=12)
    inside = found.shape < 0
    likely = torch.special.ndtr(-found.mean / found.deviation)
    assert abs(inside.sum() - likely.sum()) <= 1 and likely[inside].min() >= likely[~inside].max()
    sure = answer.Field(found.mean, torch.full_like(found.mean, 1e-6))
    assert torch.equal(sure.shape < 0, found.mean < 0)


def test_what_is_imagined_has_the_models_mean_and_spread_and_is_smooth(model):
    positions, values = known(9)
    found = field(model, positions, values, side=8)
    drawn = imagined(model, positions, values, found, 2000, torch.Generator().manual_seed(0))
    again = imagined(model, positions, values, found, 2000, torch.Generator().manual_seed(0))
    assert torch.equal(drawn, again) and drawn.shape == (2000, 8, 8, 8)
    assert ((drawn.mean(0) - found.mean).abs() < 0.1 * found.deviation).all()
    assert torch.allclose(drawn.std(0), found.deviation, rtol=0.1)


def test_training_lowers_its_objective(model, generator):
    model.transformer.head.weight.mul_(50)  # from the closed form there is not much to learn in a second
    model.requires_grad_(True)
    optimiser = torch.optim.Adam(model.parameters(), lr=5e-3)
    losses = []
    for _ in range(60):
        made = chairs.draw(8, generator)
        positions, queries = (2 * torch.rand(8, count, 3, generator=generator) - 1 for count in (20, 60))
        points = Points(
            positions, made.distance(positions), torch.ones(8, 20, dtype=torch.bool), queries, made.distance(queries)
        )
        loss = model.objective(points, generator)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    assert sum(losses[-10:]) < sum(losses[:10]) - 1


def test_the_bundled_one_knows_chairs():
    found = answer.load("chairs")
    positions, values = known(256, seed=5)
    truth = chairs.draw(1, torch.Generator().manual_seed(5))  # not the same one: its points are another's
    right = field(found, positions, values)
    wrong = field(found, positions, truth.distance(positions[None])[0])
    assert (right.mean - wrong.mean).abs().mean() > 0.01
    assert 0.001 < right.deviation.mean() < 0.05


def test_a_model_of_something_else():
    with pytest.raises(CheckpointError, match="curve_transformer"):
        answer.load("curves")
    assert {record.name for record in hub.signals()} >= {"curves", "curves-paper", "chairs"}
