"""PixelTransformer answers like every model, and between the pixels too."""

import math

import numpy as np
import pytest
import torch

import recon
from recon.errors import PredictionError
from recon.models import pixel_transformer
from recon.models.in_turn import InTurn
from recon.models.pixel_transformer import PixelTransformer, held, lookup
from recon.models.signal_transformer import Values
from recon.observation import Observation
from recon.points import Samples, grid
from recon.training import masks

TINY = {"width": 16, "heads": 2, "encoder_layers": 1, "decoder_layers": 2, "hidden": 24, "frequencies": 5, "bins": 4}


def stripes(count: int, channels: int = 3, side: int = 8) -> torch.Tensor:
    generator = torch.Generator().manual_seed(0)
    phase = 6 * torch.rand(count, channels, 1, 1, generator=generator)
    waves = 0.5 + 0.4 * torch.sin(torch.arange(side)[None, None, :, None] + phase).expand(-1, -1, -1, side)
    return (255 * waves).round() / 255


def model(channels: int = 3, queries: int = 256, **transformer) -> PixelTransformer:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        found = PixelTransformer(side=8, channels=channels, transformer=TINY | transformer, queries=queries)
    found.prepare([stripes(20, channels)])
    return found


def observed(count: int = 2, channels: int = 3) -> Observation:
    images = stripes(count, channels)
    mask = torch.rand(count, 1, 8, 8, generator=torch.Generator().manual_seed(2)) < 0.3
    mask[0, :, :, :4] = False  # of different numbers
    return Observation(images, mask)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("latents", [0, 3])
def test_it_predicts_as_every_model_does(channels, latents):
    found = model(channels, latents=latents).requires_grad_(False)
    observation = observed(channels=channels)
    prediction = found.predict(observation)
    assert prediction.mean.shape == observation.values.shape
    assert (prediction.mean >= 0).all() and (prediction.mean <= 1).all() and (prediction.variance >= 0).all()
    assert prediction.log_mass(stripes(2, channels)).isfinite().all()
    alone = found.predict(Observation(observation.values[1:], observation.mask[1:]))
    torch.testing.assert_close(alone.mean, prediction.mean[1:], atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("latents", [0, 3])
def test_in_turn_it_says_what_it_says_at_once_until_something_is_added(latents):
    found = model(latents=latents).requires_grad_(False)
    found.temperatures.copy_(torch.linspace(0.5, 1.2, 6))
    images = stripes(2)
    mask = torch.rand(1, 1, 8, 8, generator=torch.Generator().manual_seed(2)) < 0.3
    known = Observation(images, mask.expand(2, -1, -1, -1))
    rest = ~known.mask
    first = rest & (torch.arange(64).view(8, 8) % 3 == 0)
    ask = InTurn(found, anew=2)
    truth = stripes(2)

    def apart(one, other, where):
        return ((one.log_mass(truth) - other.log_mass(truth)).abs() * where[:, 0]).max()

    assert apart(ask(known, first), found.predict(known), first) < 1e-3
    known = known.add(truth, first)
    second = rest & ~first & (torch.arange(64).view(8, 8) % 3 == 1)
    assert latents or apart(ask(known, second), found.predict(known), second) > 1e-4  # it was not read anew
    known, third = known.add(truth, second), rest & ~first & ~second
    assert apart(ask(known, third), found.predict(known), third) < 1e-3  # now it was
    with pytest.raises(PredictionError, match="same ones"):
        ask(known, observed().mask)
    with pytest.raises(PredictionError, match="only grows"):
        ask(Observation(images, mask.expand(2, -1, -1, -1)), third)


def test_it_draws_pictures_in_turn():
    found = model().requires_grad_(False)
    known = Observation(stripes(1), torch.arange(64).view(1, 1, 8, 8) % 5 == 0)
    drawn = recon.sample(found, known, count=3, steps=12, seed=1)
    assert drawn.shape == (3, 3, 8, 8) and not torch.equal(drawn[0], drawn[1])
    assert torch.equal(drawn, recon.sample(found, known, count=3, steps=12, seed=1))
    where = known.mask.expand(3, 3, -1, -1)
    assert torch.equal(drawn[where], known.values.expand(3, -1, -1, -1)[where])


def test_of_large_patches_a_step_takes_fewer_pictures(generator):
    found, masks = model(), torch.ones(6, 1, 8, 8, dtype=torch.bool)
    masks[..., 0] = False  # 56 are seen
    found.reads = 120
    images = stripes(6)
    assert found.objective(images, masks, torch.Generator().manual_seed(0)).isfinite()
    images[2:] = torch.nan  # two are read
    assert found.objective(images, masks, torch.Generator().manual_seed(0)).isfinite()


def test_it_may_learn_between_the_pixels(generator, monkeypatch):
    found, seen = model(queries=64), []
    found.between = True
    encode, decode = found.transformer.encode, found.transformer.decode
    monkeypatch.setattr(found.transformer, "encode", lambda *given: seen.append(given) or encode(*given))
    monkeypatch.setattr(found.transformer, "decode", lambda *given: seen.append(given) or decode(*given))
    rows = torch.arange(8.0) / 8 + 1 / 16  # as bright as it is low
    images = rows.view(1, 1, 8, 1).expand(6, 3, 8, 8).contiguous()
    masks = torch.zeros(6, 1, 8, 8, dtype=torch.bool)
    masks[:3, :, :2], masks[3:, :, 0] = True, True
    assert found.objective(images, masks, generator).isfinite()
    (places, values, present, _), (_, queries, _) = seen
    assert present.sum(1).tolist() == [16] * 3 + [8] * 3 and queries.shape == (6, found.queries, 2)
    inner = places[..., 0].abs() < 7 / 8  # beyond, it is the last pixel's
    assert torch.allclose(values[inner], places[inner][:, :1].expand(-1, 3), atol=1e-5)
    assert places.unique().numel() > 150


def test_between_the_pixels_it_says_what_it_says_at_them():
    found = model().requires_grad_(False)
    observation = observed()
    places = grid(8, 8).expand(2, -1, -1)
    law = found.predict_at(observation, places)
    distribution = found.distribution(observation)
    truth = stripes(2)
    at = law.log_prob(truth.flatten(2).transpose(1, 2))
    torch.testing.assert_close(at.unflatten(1, (8, 8)), distribution.log_prob(truth), atol=1e-3, rtol=1e-4)
    finer = found.predict_at(observation, grid(20, 24).expand(2, -1, -1))
    assert finer.mean.shape == (2, 480, 3) and finer.mean.isfinite().all()
    with pytest.raises(PredictionError, match="Positions"):
        found.predict_at(observation, grid(8, 8))


@pytest.mark.parametrize("latents", [0, 3])
def test_samples_on_the_grid_say_what_an_observation_says_in_any_order(latents):
    found, observation = model(latents=latents).requires_grad_(False), observed()
    found.temperatures.copy_(torch.linspace(0.5, 1.2, 6))
    truth = stripes(2)
    places = grid(8, 8).expand(2, -1, -1)
    for k in range(2):
        mask = observation.mask[k].flatten()
        values = observation.values[k].flatten(1)[:, mask].T
        order = torch.randperm(int(mask.sum()), generator=torch.Generator().manual_seed(1))
        law = found.predict_at(Samples(grid(8, 8)[mask][order][None], values[order][None]), places[:1])
        at = law.log_prob(truth[k : k + 1].flatten(2).transpose(1, 2)).unflatten(1, (8, 8))
        torch.testing.assert_close(at, found.distribution(observation).log_prob(truth)[k : k + 1], atol=1e-3, rtol=1e-4)
    whole, same = (found.predict_at(known, places).mean for known in (Samples.of(observation), observation))
    assert torch.equal(whole, same)


def test_samples_may_lie_anywhere_and_what_is_absent_changes_nothing():
    found, generator = model().requires_grad_(False), torch.Generator().manual_seed(3)
    places, values, asked = (torch.rand(2, 9, size, generator=generator) for size in (2, 3, 2))
    law = found.predict_at(Samples(2 * places - 1, values), 2 * asked - 1)
    assert law.mean.shape == (2, 9, 3) and law.log_prob(values).isfinite().all()
    moved = found.predict_at(Samples((2 * places - 1).clamp(-0.2, 0.2), values), 2 * asked - 1)
    assert not torch.allclose(moved.mean, law.mean, atol=1e-4)
    padded = [torch.cat([part, torch.full_like(part[:, :4], torch.nan)], 1) for part in (2 * places - 1, values)]
    longer = found.predict_at(Samples(*padded, (torch.arange(13) < 9).expand(2, -1)), 2 * asked.double() - 1)
    torch.testing.assert_close(longer.mean, law.mean, atol=1e-5, rtol=1e-4)
    nothing = found.predict_at(Samples(torch.zeros(1, 0, 2), torch.zeros(1, 0, 3)), torch.zeros(1, 4, 2))
    assert nothing.mean.isfinite().all()
    finer = Observation(stripes(1, side=20), torch.rand(1, 1, 20, 20, generator=generator) < 0.2)
    assert found.predict_at(Samples.of(finer), grid(5, 7)[None]).mean.shape == (1, 35, 3)


def test_samples_of_something_else_are_refused():
    found, places = model().requires_grad_(False), torch.zeros(1, 2, 2)
    for samples in (Samples(torch.zeros(1, 3, 3), torch.zeros(1, 3, 3)), Samples(places, torch.zeros(1, 2, 1))):
        with pytest.raises(PredictionError, match="a row, a column and 3"):
            found.predict_at(samples, places)
    with pytest.raises(PredictionError, match="between 0 and 1"):
        found.predict_at(Samples(places, torch.full((1, 2, 3), 1.2)), places)
    with pytest.raises(PredictionError, match="Positions"):
        found.predict_at(Samples(places, torch.zeros(1, 2, 3)), places.expand(3, -1, -1))


def test_a_finer_mean_is_the_laws_in_strips(monkeypatch):
    found, observation = model().requires_grad_(False), observed()
    torch.testing.assert_close(found.mean_at(observation, 8), found.distribution(observation).mean)
    whole = found.mean_at(observation, 20)
    monkeypatch.setattr(pixel_transformer, "AT_ONCE", 70)
    torch.testing.assert_close(found.mean_at(observation, 20), whole)
    assert whole.shape == (2, 3, 20, 20) and whole.min() >= 0 and whole.max() <= 1


def test_bins_stand_where_colours_are():
    found = model()
    centres = found.transformer.centres
    colours = stripes(20).movedim(1, -1).reshape(-1, 3)
    assert centres.min() >= colours.min() and centres.max() <= colours.max() and len(centres.unique(dim=0)) == 4
    near = torch.cdist(colours, centres).amin(1)
    assert near.mean() < torch.cdist(colours, centres.mean(0, keepdim=True)).mean()
    assert torch.equal(centres, model().transformer.centres)
    with pytest.raises(PredictionError, match="too few"):
        model().prepare([torch.zeros(2, 3, 8, 8)])


def test_a_bin_of_black_alone_holds_all_that_is_clipped_to_black():
    images = stripes(40, channels=1)
    images = (255 * (0.8 + 0.2 * images)).round() / 255  # far from black
    images[:, :, :, :3] = 0.0
    found = PixelTransformer(side=8, channels=1, transformer=TINY)
    found.prepare([images])
    black = found.transformer.centres[:, 0].abs() < 1e-3
    assert black.sum() == 1 and torch.equal(found.clipped[:, 0] != 0, black) and found.clipped.min() < -2 / 255
    known = Observation(images[:1], torch.zeros(1, 1, 8, 8, dtype=torch.bool))
    law = found.distribution(known)
    masses = law.level_masses(2, 2)[0]
    assert masses[0] == pytest.approx(law.weights[0, black, 0, 2, 2].item(), abs=1e-4)  # none of it is level 1
    assert masses[1] < 1e-4 and law.mean.min() >= 0
    assert not model(channels=1).clipped.any()  # where no bin is of one level


def test_training_lowers_its_objective(generator):
    found = model(queries=16, dropout=0.0)
    images = stripes(32)
    optimiser = torch.optim.Adam(found.parameters(), lr=3e-3)
    losses = []
    for _ in range(60):
        masks = torch.rand(32, 1, 8, 8, generator=generator) < 0.3
        loss = found.objective(images, masks, generator)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    assert np.mean(losses[-5:]) < np.mean(losses[:5]) - 0.2


def test_calibration_makes_held_out_pictures_likelier():
    found = model().requires_grad_(False)
    found.transformer.head.weight.mul_(20)  # surer than anything taught it
    images, orders = stripes(40), masks.orders(20, 8, torch.Generator().manual_seed(1))
    mask = torch.rand(40, 1, 8, 8, generator=torch.Generator().manual_seed(3)).argsort(-1) < 2
    known = Observation(images * mask, mask)
    before = found.predict(known).log_prob(images)[20:].mean()
    found.calibrate([images[:20]], orders)
    assert found.temperatures.shape == (6,) and found.temperatures.max() <= 1.5 and (found.temperatures != 1).any()
    assert found.predict(known).log_prob(images)[20:].mean() > before + 0.01
    first = found.temperatures.clone()
    found.calibrate([images[:20]], orders)
    assert torch.equal(found.temperatures, first)


def test_between_two_sizes_lies_a_temperature_between():
    found = model().requires_grad_(False)
    found.temperatures.copy_(torch.arange(1.0, 7.0))
    output = torch.randn(3, 5, found.transformer.head.out_features, generator=torch.Generator().manual_seed(0))
    found_law, plain = found.law(output, torch.tensor([0, 64, 6])), found.transformer.law(output)
    assert torch.equal(found_law.log_weights[0], plain.log_weights[0])  # of 1
    for k, temperature in ((1, 6.0), (2, 1 + math.log2(6))):
        want = (plain.log_weights[k] / temperature).log_softmax(-1)
        torch.testing.assert_close(found_law.log_weights[k], want)


def test_a_patch_of_everything_is_refused(generator):
    with pytest.raises(PredictionError, match="nothing to learn"):
        model().objective(stripes(2), torch.ones(2, 1, 8, 8, dtype=torch.bool), generator)


def test_a_lookup_does_not_darken_the_border(generator):
    images = torch.ones(1, 1, 4, 6)
    anywhere = 2 * torch.rand(1, 500, 2, generator=generator) - 1
    assert torch.allclose(lookup(images, anywhere), torch.ones(1, 500, 1))
    images = torch.rand(2, 3, 4, 6, generator=generator)
    at = lookup(images, grid(4, 6).expand(2, -1, -1))
    torch.testing.assert_close(at.transpose(1, 2).unflatten(2, (4, 6)), images, atol=1e-5, rtol=1e-5)
    between = lookup(images, (grid(4, 6)[:1] + grid(4, 6)[1:2])[None].expand(2, -1, -1) / 2)
    torch.testing.assert_close(between[:, 0], images[:, :, 0, :2].mean(-1), atol=1e-5, rtol=1e-5)


def test_what_intervals_hold_is_what_is_in_them_where_one_level_has_the_most():
    shape = 1, 2000, 1
    generator = torch.Generator().manual_seed(0)
    black = torch.rand(shape, generator=generator) < 0.7
    grey = 0.5 + 0.1 * torch.randn(shape, generator=generator)
    truth = torch.where(black, 0.0, (grey * 255).round() / 255)
    law = Values(  # the truth's own law
        torch.tensor([0.7, 0.3]).log().expand(1, 2000, 2),
        torch.tensor([[-1.0], [0.5]]).expand(1, 2000, 2, 1),
        torch.tensor([-3.0, math.log(0.1)]).expand(1, 2000, 2),
    )
    assert held(law, truth) == pytest.approx(0.9, abs=0.01), "though they touch all that is black"
    smooth = Values(torch.zeros(1, 2000, 1), torch.full((1, 2000, 1, 1), 0.5), torch.full((1, 2000, 1), math.log(0.1)))
    inner = (grey * 255).round() / 255
    edge = 0.1 * torch.special.ndtri(torch.tensor(0.95)) + 0.5 / 255
    touched = ((inner - 0.5).abs() <= edge).double().mean().item()
    assert held(smooth, inner) == pytest.approx(touched, abs=1e-3)
