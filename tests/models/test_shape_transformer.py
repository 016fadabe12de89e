"""A transformer of shapes: what it stands on, what it answers, what it imagines."""

import pytest
import torch

from recon import hub
from recon.errors import CheckpointError
from recon.evaluation import shapes
from recon.models import ShapeTransformer
from recon.models.signal_transformer import Values
from recon.points import Points
from recon.shapes import answer, chairs, mesh
from recon.shapes.answer import field, imagined

TINY = {"width": 16, "heads": 2, "encoder_layers": 1, "decoder_layers": 1, "hidden": 24, "frequencies": 5, "bins": 3}


def made(**transformer):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        found = ShapeTransformer(side=8, rank=6, transformer=TINY | {"dropout": 0.0} | transformer)
    found.process.fit(chairs.draw(30, torch.Generator().manual_seed(0)))
    return found.requires_grad_(False)


@pytest.fixture
def model():
    return made()


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
    likely = found.law.cdf(torch.zeros(1, 12**3, 1)).view(12, 12, 12)
    assert abs(inside.sum() - likely.sum()) <= 1 and likely[inside].min() >= likely[~inside].max()
    sure = Values(torch.zeros(1, 12**3, 1), found.law.mean[..., None], torch.full((1, 12**3, 1), -12.0))
    assert torch.equal(answer.Field(sure, 12).shape < 0, found.mean < 0)


def test_the_surface_lies_between_cells_where_the_mean_has_it():
    """Also where the model is as good as certain"""
    ball = (chairs.grid(16) - torch.tensor([0.03, 0.0, 0.01])).norm(dim=-1) - 0.613
    for deviation in (1e-4, 0.002, 0.02):
        scales = torch.full((1, 16**3, 1), deviation).log()
        found = mesh.surface(
            answer.Field(Values(torch.zeros_like(scales), ball[None, :, None, None], scales), 16).shape
        )
        apart = (torch.from_numpy(found.vertices) - torch.tensor([0.03, 0.0, 0.01])).norm(dim=-1) - 0.613
        assert apart.abs().mean() < 0.004, deviation


def test_in_double_precision(model):
    positions, values = (part.double() for part in known(9))
    present, queries = torch.ones(1, 9, dtype=torch.bool), chairs.grid(3)[None]
    single = model.law(positions[None].float(), values[None].float(), present, queries).mean
    double = model.double().law(positions[None], values[None], present, queries.double()).mean
    assert torch.allclose(single.double(), double, atol=1e-4)


def test_what_a_field_holds(model):
    positions, values = known(9)
    found = field(model, positions, values, side=6)
    low, high = found.law.interval(0.9)
    assert found.held(low + 1e-4) == 1 and found.held(low - 1e-4) == 0 and found.held(high + 1e-4) == 0
    assert found.held(found.mean) == 1


def test_what_is_imagined_keeps_what_is_known_and_differs(model, monkeypatch):
    monkeypatch.setattr(answer, "MOST", 60)
    monkeypatch.setattr(answer, "FEWEST", 20)
    positions, values = known(30)
    last = ([*imagined(model, positions, values, torch.Generator().manual_seed(seed))][-1] for seed in (0, 0, 1))
    one, again, other = (field(model, *points, side=8) for points in last)
    assert torch.equal(one.mean, again.mean) and not torch.equal(one.mean, other.mean)
    *_, (places, drawn) = model.draw(positions, values, 30, torch.Generator().manual_seed(0))
    assert torch.equal(places[:30], positions) and torch.equal(drawn[:30], values) and len(drawn) == 60
    assert torch.equal(one.mean, field(model, places, drawn, side=8).mean)


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


def test_each_number_of_points_is_calibrated_by_itself():
    model, generator = made(bins=1), torch.Generator().manual_seed(0)
    drawn = chairs.draw(20, generator)
    places, queries = (2 * torch.rand(20, count, 3, generator=generator) - 1 for count in (64, 80))
    there = torch.ones(20, 64, dtype=torch.bool)
    points = Points(places, drawn.distance(places), there, queries, drawn.distance(queries))
    model.calibrate(points, 0.8)
    assert model.widen.shape == (10,) and model.widen[:7].unique().numel() == 7 and (model.widen[6:].diff() == 0).all()
    for count in (1, 8, 64):
        some = points.first(count)
        rank = model.law(*some.known).cdf(some.truth[..., None])
        assert ((rank - 0.5).abs() <= 0.4).double().mean().item() == pytest.approx(0.8, abs=0.01)
    between = model.widening(torch.tensor([0, 1, 12, 10_000]))
    logs = model.widen.log()
    assert torch.equal(between[:2], logs[:1].expand(2)) and between[3] == logs[9]
    assert min(logs[3], logs[4]) < between[2] < max(logs[3], logs[4])


@pytest.fixture(scope="module")
def bundled():
    return answer.load("chairs")


def test_the_bundled_one_knows_chairs(bundled):
    """More of them the more it is told; its card has many chairs"""
    chosen, reached = shapes.made(2), []
    for size in (32, 256):
        found = []
        for one, other in zip(chosen, chosen[::-1], strict=True):
            positions, _ = known(size, seed=size)
            made = field(bundled, positions, one.distance(positions))
            far = shapes.far(made.shape, one.field)
            found.append([mesh.overlap(made.shape, one.field), far, made.held(one.field)])
            assert mesh.overlap(made.shape, other.field) < found[-1][0] - 0.1  # not of any chair
        reached.append(torch.tensor(found).mean(0).tolist())
    (few, far, held), (many, near, share) = reached
    assert few > 0.55 and many > 0.7 and far < 0.06 and near < 0.04  # of the Chamfer distance
    assert 0.8 < held < 0.99 and 0.8 < share < 0.99


def test_samples_of_the_bundled_one_agree_with_what_is_known_and_not_with_each_other(bundled, monkeypatch):
    monkeypatch.setattr(answer, "MOST", 96)
    monkeypatch.setattr(answer, "FEWEST", 32)
    one, positions = shapes.made(1)[0], known(64, seed=3)[0]
    values = one.distance(positions)
    drawn = [[*imagined(bundled, positions, values, torch.Generator().manual_seed(seed))][-1] for seed in range(2)]
    for points in drawn:
        assert (shapes.at_points(bundled, points, positions) - values).abs().mean() < 0.004
        assert (one.distance(points[0][64:]) - points[1][64:]).abs().mean() < 0.08
    first, second = (field(bundled, *points) for points in drawn)
    assert (first.mean - second.mean).abs().mean() > 0.003 and 0.4 < mesh.overlap(first.shape, second.shape) < 0.97


def test_a_model_of_something_else():
    with pytest.raises(CheckpointError, match="curve_transformer"):
        answer.load("curves")
    assert {record.name for record in hub.signals()} >= {"curves", "curves-paper", "chairs"}
