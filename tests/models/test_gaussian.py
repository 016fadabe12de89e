"""The Gaussian against brute force: the same numbers from the whole covariance, in float64."""

from __future__ import annotations

import math
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
from torch.distributions import MultivariateNormal

import recon
from recon import Observation, memory
from recon.errors import PredictionError
from recon.memory import bits_of, remembering
from recon.models import gaussian
from recon.models.conditioned import ROUNDING
from recon.models.gaussian import Gaussian
from tests.models.fitted import brute_force, draws, fitted, marginals, observe

CASES = [
    pytest.param({"channels": 3, "side": 4, "mirrored": True}, id="colour-mirrored"),
    pytest.param({"channels": 3, "side": 4, "mirrored": False}, id="colour"),
    pytest.param({"channels": 1, "side": 6, "mirrored": True}, id="grey-mirrored"),
    pytest.param({"channels": 3, "side": 6, "mirrored": True, "rank": 20}, id="low-rank"),
]


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("size", [1, 5, 15])
def test_prediction_is_the_textbook_conditional(case, size):
    model = fitted(**case)
    known, _ = observe(model, size, count=2)
    hidden, expected, covariance = brute_force(model, known)
    mean, blocks = marginals(model, known)
    assert torch.allclose(mean[:, hidden].double(), expected, atol=1e-5)
    pixels = model.side**2
    whole = torch.zeros(len(model.location), len(model.location), dtype=torch.float64)
    whole[hidden[:, None], hidden] = covariance
    whole = whole.view(model.channels, pixels, model.channels, pixels).diagonal(dim1=1, dim2=3).movedim(-1, 0)
    unseen = ~known.mask[0, 0].flatten()
    found = blocks.flatten(1, 2)[0].double() - ROUNDING * torch.eye(model.channels)
    assert torch.allclose(found[unseen], whole[unseen], atol=1e-7)
    inside = (expected > 0.3) & (expected < 0.7)  # far from being clipped
    assert torch.allclose(model.predict(known).mean.flatten(1)[:, hidden].double()[inside], expected[inside], atol=1e-3)


@pytest.mark.parametrize("case", CASES)
def test_nothing_observed_is_the_prior(case):
    model = fitted(**case)
    known, _ = observe(model, 0)
    mean, blocks = marginals(model, known)
    assert torch.allclose(mean[0], model.location, atol=1e-6)
    prior = gaussian.pixel_blocks(model.covariance(), model.channels).permute(2, 3, 0, 1)
    assert torch.allclose(blocks[0], prior + ROUNDING * torch.eye(model.channels), atol=1e-7)


@pytest.mark.parametrize("case", CASES)
def test_everything_observed_is_the_picture(case, generator):
    model = fitted(**case)
    known, values = observe(model, model.side**2)
    prediction = model.predict(known)
    assert prediction.mean.equal(values) and (prediction.variance == 0).all()
    assert recon.sample(model, known, count=3).equal(values.expand(3, -1, -1, -1))
    assert model.log_likelihood(known, values).tolist() == [0]


def test_log_likelihood_is_that_of_brute_force():
    model = fitted()
    for size in (0, 3, 15):
        known, values = observe(model, size, count=2)
        hidden, mean, covariance = brute_force(model, known)
        covariance = (covariance + covariance.mT) / 2
        expected = MultivariateNormal(mean, covariance).log_prob(values.flatten(1)[:, hidden].double())
        assert torch.allclose(model.log_likelihood(known, values), expected, rtol=1e-4)


def test_log_likelihood_follows_the_chain_rule():
    """log p(a, b) = log p(a) + log p(b | a), and the last pixel's is its own marginal's."""
    model = fitted()
    nothing, values = observe(model, 0)
    some, _ = observe(model, 6)
    some = Observation(values, some.mask)
    seen = some.mask[0].expand(3, -1, -1).flatten()
    marginal = MultivariateNormal(model.location[seen].double(), model.covariance()[seen][:, seen].double())
    first = marginal.log_prob(values.flatten()[seen].double())
    whole, rest = model.log_likelihood(nothing, values), model.log_likelihood(some, values)
    assert whole.item() == pytest.approx((first + rest).item(), rel=1e-9)
    known, values = observe(model, 15)
    assert model.log_likelihood(known, values).item() == pytest.approx(
        model.predict(known).log_prob(values).sum().item(), abs=0.02
    ), "but for the variance of rounding"


def test_joint_samples_have_the_right_mean_and_covariance(generator):
    model = fitted(side=4, channels=3)
    known, values = observe(model, 6)
    count = 20_000
    samples = model.sample_joint(known, count, generator)
    assert samples.shape == (count, 3, 4, 4)
    assert (samples == values)[known.mask.expand(count, 3, 4, 4)].all()
    hidden, mean, covariance = brute_force(model, known)
    drawn = samples.flatten(1)[:, hidden].double()
    deviation = covariance.diagonal().sqrt()
    assert ((drawn.mean(0) - mean[0]).abs() < 5 * deviation / math.sqrt(count)).all()
    error = (torch.cov(drawn.T) - covariance) / torch.outer(deviation, deviation)
    assert error.abs().max() < 5 * math.sqrt(2 / count)


def test_draws_are_of_the_prior(generator):
    model = fitted(rank=10)
    drawn = (model.location + model.draw(20_000, generator)).double()
    scale = model.covariance().diagonal().double().sqrt()
    assert ((drawn.mean(0) - model.location).abs() < 5 * scale / math.sqrt(20_000)).all()
    error = (torch.cov(drawn.T) - model.covariance()) / torch.outer(scale, scale)
    assert error.abs().max() < 5 * math.sqrt(2 / 20_000)


def test_a_batch_with_different_masks_is_as_one_by_one():
    model = fitted()
    singles = [observe(model, size, seed)[0] for seed, size in enumerate([3, 0, 7, 16, 3])]
    singles.append(Observation(singles[0].values.flip(0), singles[0].mask))
    batch = Observation(torch.cat([s.values for s in singles]), torch.cat([s.mask for s in singles]))
    together = model.predict(batch)
    low, high = together.interval()
    values = draws(len(singles), 3, 4, seed=99)
    likelihood = model.log_likelihood(batch, values)
    for k, single in enumerate(singles):
        alone = model.predict(single)
        assert torch.allclose(together.mean[k], alone.mean[0], atol=1e-6)
        assert torch.allclose(together.variance[k], alone.variance[0], atol=1e-8)
        assert torch.allclose(low[k], alone.interval()[0][0], atol=1e-5)
        assert torch.allclose(high[k], alone.interval()[1][0], atol=1e-5)
        assert torch.allclose(together.log_mass(values)[k], alone.log_mass(values[k : k + 1])[0], atol=1e-3)
        assert torch.allclose(likelihood[k], model.log_likelihood(single, values[k : k + 1])[0])


def test_hidden_pixels_do_not_matter():
    model = fitted()
    known, _ = observe(model, 5)
    garbage = torch.where(known.mask, known.values, float("nan"))
    assert model.predict(Observation(garbage, known.mask)).mean.equal(model.predict(known).mean)


def test_few_masks_are_remembered_and_answers_do_not_depend_on_it(monkeypatch):
    monkeypatch.setattr(memory, "PAINTERS", 3)
    model, fresh = fitted(), fitted()
    singles = [observe(model, 5, seed)[0] for seed in range(9)]
    for known in [*singles, *singles[::-1], singles[4]]:
        assert model.predict(known).mean.equal(fresh.predict(known).mean)
        fresh.conditioned.clear()
        assert len(model.conditioned) <= memory.REMEMBERED
    assert list(model.conditioned)[-1] == bits_of(singles[4].mask.flatten()), "the latest is kept longest"


def test_where_each_of_many_has_painted_to_is_remembered_longer(monkeypatch):
    monkeypatch.setattr(memory, "REMEMBERED", 2)
    monkeypatch.setattr(memory, "PAINTERS", 4)
    model = fitted()
    area = model.side**2
    for count in (1, 2, 3):  # pixels of each of five people, one after another
        for person in range(5):
            mask = torch.zeros(area, dtype=torch.bool)
            mask[3 * person : 3 * person + count] = True
            model.condition(mask)
    ends = [mask.sum().item() for mask in (one.mask for one in model.conditioned.values())]
    assert ends == [3] * 4  # where the last four are, and nothing that they came by
    with remembering(own := {}):
        model.condition(mask)
    assert len(own[model.conditioned]) == 1 and len(model.conditioned) == 4


def test_threads_may_share_a_model(monkeypatch):
    model = fitted()
    singles = [observe(model, 5, seed)[0] for seed in range(2)]
    expected = [model.predict(known).mean for known in singles]
    monkeypatch.setattr(memory, "REMEMBERED", 1)
    monkeypatch.setattr(memory, "PAINTERS", 0)
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(8) as pool:
            found = list(pool.map(lambda k: model.predict(singles[k % 2]).mean, range(400)))
    finally:
        sys.setswitchinterval(before)
    assert all(mean.equal(expected[k % 2]) for k, mean in enumerate(found))
    assert len(model.conditioned) <= memory.REMEMBERED


def test_the_wrong_picture():
    with pytest.raises(PredictionError, match="even side"):
        Gaussian(side=5, channels=1, even=1)
    model = fitted()
    with pytest.raises(PredictionError, match="4 x 4 pixels; the observation has 6 x 6"):
        model.predict(Observation(torch.zeros(1, 3, 6, 6), torch.zeros(1, 1, 6, 6, dtype=torch.bool)))
    with pytest.raises(PredictionError, match=r"has 1 channel"):
        model.predict(Observation(torch.zeros(1, 1, 4, 4), torch.zeros(1, 1, 4, 4, dtype=torch.bool)))
