"""A transformer of clips: what it stands on, what it answers, what it imagines."""

import pytest
import torch

from recon.clips import answer, kinds, patterns
from recon.clips.answer import film, imagined
from recon.errors import CheckpointError
from recon.models import ClipTransformer
from recon.points import Points

TINY = {"width": 16, "heads": 2, "encoder_layers": 1, "decoder_layers": 1, "hidden": 24, "frequencies": 5, "bins": 3}


@pytest.fixture
def model():
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return ClipTransformer(transformer=TINY | {"dropout": 0.0}).requires_grad_(False)


def known(size, seed=1, kind="beach"):
    generator = torch.Generator().manual_seed(seed)
    positions = 2 * torch.rand(size, 3, generator=generator) - 1
    return positions, kinds.KINDS[kind](1, generator).value(positions[None])[0]


def test_silent_it_says_about_what_it_stands_on(model):
    model.transformer.head.weight.zero_()
    positions, values = known(20)
    present, queries = torch.ones(1, 20, dtype=torch.bool), kinds.grid(2, 4)[None]
    law = model.law(positions[None], values[None], present, queries)
    mean, deviation = model.closed_form(positions[None], values[None], present, queries)
    assert torch.allclose(law.mean[..., 0], mean, atol=1e-4)
    assert torch.allclose(law.variance[..., 0].sqrt(), deviation, rtol=0.7)


def test_its_density_integrates_to_one(model):
    positions, values = known(9)
    law = model.law(positions[None], values[None], torch.ones(1, 9, dtype=torch.bool), torch.zeros(1, 1, 3))
    places = torch.linspace(-10, 10, 200_001)
    density = law.log_prob(places[:, None, None]).exp()[:, 0]
    assert abs(torch.trapezoid(density, places).item() - 1) < 1e-3


def test_the_order_of_points_and_what_is_absent_change_nothing(model):
    positions, values = known(12)
    present, queries = torch.ones(1, 12, dtype=torch.bool), torch.zeros(1, 3, 3)
    law = model.law(positions[None], values[None], present, queries)
    order = torch.randperm(12, generator=torch.Generator().manual_seed(0))
    other = model.law(positions[order][None], values[order][None], present, queries)
    assert torch.allclose(law.mean, other.mean, atol=1e-4)
    padded = [torch.cat([part, torch.full_like(part[:4], torch.nan)])[None] for part in (positions, values)]
    longer = model.law(*padded, torch.arange(16)[None] < 12, queries)
    assert torch.allclose(law.mean, longer.mean, atol=1e-4)


def test_a_film_is_the_law_on_a_grid_of_any_size(model):
    positions, values = known(9)
    found = film(model, positions, values, frames=3, side=6)
    law = model.law(positions[None], values[None], torch.ones(1, 9, dtype=torch.bool), kinds.grid(3, 6)[None])
    assert found.mean.shape == found.deviation.shape == (3, 6, 6)
    assert torch.allclose(found.mean.flatten(), law.mean[0, :, 0].clamp(0, 1), atol=1e-5)
    assert torch.allclose(law.cdf(found.low.view(1, -1, 1)), torch.tensor(0.05).double(), atol=1e-3)
    assert torch.equal(answer.mean(model, positions, values, frames=3, side=6), found.mean)
    assert found.error(found.mean) == 0 and found.held(found.mean) == 1 and found.held(found.high + 1) == 0


def test_what_is_imagined_keeps_what_is_known_and_differs(model, monkeypatch):
    monkeypatch.setattr(answer, "MOST", 80)
    monkeypatch.setattr(answer, "FEWEST", 40)
    positions, values = known(20)
    steps = list(imagined(model, positions, values, torch.Generator().manual_seed(0)))
    assert [len(values) for _, values in steps] == [21, 22, 24, 28, 36, 52, 80]
    places, drawn = steps[-1]
    assert torch.equal(places[:20], positions) and torch.equal(drawn[:20], values) and places.abs().max() <= 1
    *_, (_, again) = imagined(model, positions, values, torch.Generator().manual_seed(0))
    *_, (_, other) = imagined(model, positions, values, torch.Generator().manual_seed(1))
    assert torch.equal(drawn, again) and not torch.equal(drawn[20:], other[20:])
    monkeypatch.setattr(answer, "MOST", 10)
    *_, (_, fewest) = imagined(model, positions, values, torch.Generator().manual_seed(0))
    assert len(fewest) == 20 + answer.FEWEST


def test_what_is_drawn_is_elsewhere_than_what_is_known(model, monkeypatch):
    """Also where both come of one seed"""
    monkeypatch.setattr(answer, "MOST", 320)
    pixels = patterns.on_grid(patterns.SCATTERED, 256, seed=5)
    places, values = patterns.positions(pixels), torch.full((256,), 0.5)
    *_, (places, _) = imagined(model, places, values, torch.Generator().manual_seed(5))
    cells = ((places[256:] + 1) / 2 * torch.tensor([16, 24, 24])).long().tolist()
    there = set(map(tuple, pixels.tolist()))
    assert len(cells) == 128 and sum(tuple(cell) in there for cell in cells) < 12


def test_calibration_makes_intervals_hold_what_they_say(model):
    """For each number of points by itself"""
    generator = torch.Generator().manual_seed(0)
    clips, places = kinds.KINDS["passing"](12, generator), 2 * torch.rand(12, 94, 3, generator=generator) - 1
    values = clips.value(places)
    points = Points(
        places[:, :64], values[:, :64], torch.ones(12, 64, dtype=torch.bool), places[:, 64:], values[:, 64:]
    )
    model.calibrate(points, 0.8)
    assert model.widen.shape == (10,) and torch.equal(model.widen[7:], model.widen[6].expand(3))
    for count in (4, 64):
        few = points.first(count)
        low, high = model.law(*few.known).interval(0.8)
        held = ((low[..., 0] <= few.truth) & (few.truth <= high[..., 0])).double().mean()
        assert held.item() == pytest.approx(0.8, abs=0.01)


def test_in_double_precision(model):
    positions, values = (part.double() for part in known(9))
    present, queries = torch.ones(1, 9, dtype=torch.bool), kinds.grid(2, 4)[None].double()
    law = model.double().law(positions[None], values[None], present, queries)
    assert law.mean.dtype == torch.float64


def test_the_bundled_one_knows_clips_and_their_kinds():
    found = answer.load("clips")
    for kind, draw in kinds.KINDS.items():
        generator = torch.Generator().manual_seed(5)
        truth = kinds.noisy(kinds.whole(draw(1, generator)), generator)[0]
        pixels = patterns.on_grid(patterns.SCATTERED, 256, 0)
        positions, values = patterns.positions(pixels), truth[pixels.unbind(-1)]
        made = film(found, positions, values)
        error = (made.mean - truth).square().mean()
        assert error < 0.45 * truth.var()
        chances = answer.kinds(found, positions, values)
        assert chances[kind] == max(chances.values()) > 0.5


def test_a_model_of_something_else():
    with pytest.raises(CheckpointError, match="curve_transformer"):
        answer.load("curves")
