"""The Gaussian against brute force: the same numbers from the whole covariance, in float64."""

from __future__ import annotations

import json
import math
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
from torch import Tensor
from torch.distributions import MultivariateNormal

import recon
from recon import Observation, hub, patches
from recon.errors import PredictionError
from recon.models import conditioned, gaussian
from recon.models.conditioned import ROUNDING
from recon.models.gaussian import Gaussian


def draws(count: int, channels: int, side: int, seed: int = 0, spread: float = 0.05) -> Tensor:
    """Pictures with a random covariance, well inside [0, 1] so that clipping plays no part."""
    generator = torch.Generator().manual_seed(seed)
    dims = channels * side * side
    mixing = torch.randn(dims, dims, generator=generator) / math.sqrt(dims)
    mixing += torch.eye(dims)
    mean = 0.4 + 0.2 * torch.rand(dims, generator=generator)
    return (mean + spread * torch.randn(count, dims, generator=generator) @ mixing).view(count, channels, side, side)


def fitted(channels: int = 3, side: int = 4, mirrored: bool = True, rank: int | None = None, **draw) -> Gaussian:
    return Gaussian.fit([draws(500, channels, side, **draw)], rank or channels * side * side, mirrored)


CASES = [
    pytest.param({"channels": 3, "side": 4, "mirrored": True}, id="colour-mirrored"),
    pytest.param({"channels": 3, "side": 4, "mirrored": False}, id="colour"),
    pytest.param({"channels": 1, "side": 6, "mirrored": True}, id="grey-mirrored"),
    pytest.param({"channels": 3, "side": 6, "mirrored": True, "rank": 20}, id="low-rank"),
]


def observe(model: Gaussian, size: int, seed: int = 0, count: int = 1) -> tuple[Observation, Tensor]:
    """An observation of `size` pixels, a mask for all of `count` pictures, and the pictures."""
    values = draws(count, model.channels, model.side, seed=seed + 10)
    mask = torch.zeros(model.side**2, dtype=torch.bool)
    mask[torch.randperm(model.side**2, generator=torch.Generator().manual_seed(seed))[:size]] = True
    return Observation(values, mask.view(1, 1, model.side, model.side).repeat(count, 1, 1, 1)), values


def brute_force(model: Gaussian, known: Observation) -> tuple[Tensor, Tensor, Tensor]:
    """Hidden dimensions, their conditional mean (batch, hidden) and covariance, by the textbook formula in float64."""
    covariance, centre = model.covariance().double(), model.location.double()
    dims = known.mask[0].expand(model.channels, -1, -1).flatten()
    seen, hidden = dims.nonzero()[:, 0], (~dims).nonzero()[:, 0]
    gain = covariance[hidden][:, seen] @ covariance[seen][:, seen].inverse()
    mean = centre[hidden] + (known.values.flatten(1).double()[:, seen] - centre[seen]) @ gain.T
    return hidden, mean, covariance[hidden][:, hidden] - gain @ covariance[seen][:, hidden]


def marginals(model: Gaussian, known: Observation) -> tuple[Tensor, Tensor]:
    """Before clipping: means (batch, dims), and the covariance of each pixel's channels (batch, h, w, c, c)."""
    found = model.distribution(known)
    return found.location.flatten(1), found.factor @ found.factor.mT


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


def empirical(pictures: Tensor, mirrored: bool) -> tuple[Tensor, Tensor]:
    if mirrored:
        pictures = torch.cat([pictures, pictures.flip(-1)])
    flat = pictures.flatten(1).double()
    return flat.mean(0), torch.cov(flat.T, correction=0)


@pytest.mark.parametrize("mirrored", [True, False])
@pytest.mark.parametrize("channels", [1, 3])
def test_fit_has_the_moments_of_its_pictures(mirrored, channels):
    pictures = draws(500, channels, 6)
    model = Gaussian.fit(pictures.split(130), channels * 36, mirrored)
    mean, covariance = empirical(pictures, mirrored)
    assert torch.allclose(model.location.double(), mean, atol=1e-6)
    # half precision keeps eleven bits of each eigenvector's entries
    assert (model.covariance().double() - covariance).abs().max() < 2e-3 * covariance.max()
    assert model.even_half.shape[1] + model.odd_half.shape[1] == channels * 36
    if mirrored:
        flipped = model.covariance().view([channels, 6, 6] * 2).flip(2).flip(5).reshape(channels * 36, -1)
        assert torch.allclose(flipped, model.covariance(), atol=1e-8)


def test_mirrored_storage_is_exact():
    """At full rank and full precision, the halves are the covariance of pictures and their mirror images."""
    pictures = draws(300, 3, 4)
    _, covariance = empirical(pictures, mirrored=True)
    even, odd = gaussian.split_halves(pictures.double())
    even = torch.cov(even.T, correction=0)
    odd = odd.T @ odd / len(odd)
    assert torch.allclose(gaussian.unfold(even, odd, 3, 4), covariance, atol=1e-12)
    model = Gaussian(side=4, channels=3, even=24, odd=24)
    for name, half in (("even_half", even), ("odd_half", odd)):
        setattr(model, name, torch.linalg.cholesky(half).float())
    model.rest.zero_()
    assert torch.allclose(model.covariance().double(), covariance, atol=1e-8)


def test_halves_join_again():
    picture = torch.rand(1, 3, 6, 6)
    even, odd = gaussian.split_halves(picture)
    assert torch.allclose(gaussian.join_halves(even[0], odd[0], 3, 6), picture.flatten(), atol=1e-6)
    assert torch.allclose(even.square().sum() + odd.square().sum(), picture.square().sum())
    assert gaussian.split_halves(picture + picture.flip(-1))[1].abs().max() < 1e-6


@pytest.mark.parametrize("rank", [1, 2, 5, 50])
def test_low_rank_keeps_each_pixels_covariance(rank):
    """Whatever the rank, with columns of one kind only too, what the factor leaves stands in `rest`."""
    pictures = draws(500, 3, 6)
    pictures = (pictures + pictures.flip(-1)) / 2 if rank < 5 else pictures  # symmetric: every eigenvector is even
    model = Gaussian.fit([pictures], rank)
    assert model.even_half.shape[1] + model.odd_half.shape[1] == rank
    _, covariance = empirical(pictures, mirrored=True)
    expected, found = (gaussian.pixel_blocks(c, 3) for c in (covariance, model.covariance().double()))
    assert torch.allclose(found, expected, atol=3 * ROUNDING)
    assert torch.linalg.eigvalsh(model.rest.permute(2, 3, 0, 1)).min() >= 0.99 * ROUNDING


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


def test_few_masks_are_remembered_and_answers_do_not_depend_on_it():
    model, fresh = fitted(), fitted()
    singles = [observe(model, 5, seed)[0] for seed in range(9)]
    for known in [*singles, *singles[::-1], singles[4]]:
        assert model.predict(known).mean.equal(fresh.predict(known).mean)
        fresh.conditioned.clear()
        assert len(model.conditioned) <= gaussian.REMEMBERED
    assert list(model.conditioned)[-1] == singles[4].mask.flatten().numpy().tobytes(), "the latest is kept longest"


def test_threads_may_share_a_model(monkeypatch):
    model = fitted()
    singles = [observe(model, 5, seed)[0] for seed in range(2)]
    expected = [model.predict(known).mean for known in singles]
    monkeypatch.setattr(gaussian, "REMEMBERED", 1)
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(8) as pool:
            found = list(pool.map(lambda k: model.predict(singles[k % 2]).mean, range(400)))
    finally:
        sys.setswitchinterval(before)
    assert all(mean.equal(expected[k % 2]) for k, mean in enumerate(found))
    assert len(model.conditioned) <= gaussian.REMEMBERED


def test_nearly_singular_covariances_are_conditioned_all_the_same():
    """Pictures of one colour: a single eigenvector holds all, and all the rest is noise below float32's reach."""
    greys = torch.linspace(0, 1, 200).view(-1, 1, 1, 1).expand(-1, 3, 16, 16)
    model = Gaussian.fit([greys], rank=1)
    mask = torch.from_numpy(patches.random(16, 200, seed=0))[None, None]
    prediction = model.predict(Observation(torch.full((1, 3, 16, 16), 0.7), mask))
    assert torch.allclose(prediction.mean, torch.tensor(0.7), atol=2e-3)
    assert prediction.variance.isfinite().all() and prediction.variance.max() < 1e-4


def test_cholesky_of_what_float32_takes_for_singular():
    matrices = torch.stack([torch.ones(3, 3), torch.eye(3)])
    factors = conditioned.cholesky(matrices)
    assert torch.allclose(factors @ factors.mT, matrices, atol=2 * ROUNDING) and factors.dtype == torch.float32


def test_save_and_load(tmp_path):
    model = fitted(side=4, rank=20)
    model.save_pretrained(tmp_path / "saved")
    path = tmp_path / "saved" / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"checkpoint": {"kind": "gaussian"}}))
    again = hub.read(tmp_path / "saved")
    assert isinstance(again, Gaussian) and again.mirrored and again.even_half.dtype == torch.float16
    known, values = observe(model, 6)
    assert again.predict(known).mean.equal(model.predict(known).mean)
    assert again.log_likelihood(known, values).equal(model.log_likelihood(known, values))


def test_the_wrong_picture():
    with pytest.raises(PredictionError, match="even side"):
        Gaussian(side=5, channels=1, even=1)
    model = fitted()
    with pytest.raises(PredictionError, match="4 x 4 pixels; the observation has 6 x 6"):
        model.predict(Observation(torch.zeros(1, 3, 6, 6), torch.zeros(1, 1, 6, 6, dtype=torch.bool)))
    with pytest.raises(PredictionError, match=r"has 1 channel"):
        model.predict(Observation(torch.zeros(1, 1, 4, 4), torch.zeros(1, 1, 4, 4, dtype=torch.bool)))


@pytest.mark.parametrize("name", ["gaussian-cifar10", "gaussian-mnist"])
def test_float32_is_enough_for_the_real_ones(name):
    """Conditioning the bundled covariances, whose smallest eigenvalues are 1e-6 of the largest."""
    if name not in [checkpoint.name for checkpoint in recon.checkpoints()]:
        pytest.skip(f"{name} is not bundled")
    model = recon.load(name, device="cpu")
    drawn = model.location + model.draw(1, torch.Generator().manual_seed(0))
    picture = drawn.view(1, model.channels, 32, 32).clamp(0, 1)
    covariance = exact_covariance(model)
    for size in (5, 128, 500, 1000):
        known = Observation(picture, torch.from_numpy(patches.random(32, size, seed=size))[None, None])
        hidden, mean, variance = exact(model, covariance, known)
        found, blocks = marginals(model, known)
        spread = blocks.diagonal(dim1=-2, dim2=-1)[0].movedim(-1, 0).flatten()[hidden].double()
        assert (found[0, hidden] - mean).abs().max() < 1 / 255, "less than a level"
        assert (found[0, hidden] - mean).square().mean().sqrt() < 1e-3
        assert (spread - variance - ROUNDING).abs().max() < 2 * ROUNDING


def exact_covariance(model: Gaussian) -> Tensor:
    """What the model stores, multiplied out in float64."""
    factor, pixels = model.factor().double(), torch.arange(model.side**2)
    covariance = factor @ factor.T
    blocks = covariance.view([model.channels, model.side**2] * 2)
    for a in range(model.channels):
        for b in range(model.channels):
            blocks[a, pixels, b, pixels] += model.rest[a, b].flatten()
    return covariance


def exact(model: Gaussian, covariance: Tensor, known: Observation) -> tuple[Tensor, Tensor, Tensor]:
    """Hidden dimensions, their conditional means and variances, in float64."""
    dims = known.mask[0].expand(model.channels, -1, -1).flatten()
    seen, hidden = dims.nonzero()[:, 0], (~dims).nonzero()[:, 0]
    cholesky = torch.linalg.cholesky(covariance[seen][:, seen])
    gain = torch.linalg.solve_triangular(cholesky, covariance[seen][:, hidden], upper=False)
    residual = (known.values.flatten() - model.location)[seen].double()
    whitened = torch.linalg.solve_triangular(cholesky, residual[:, None], upper=False)
    mean = model.location[hidden] + (gain.T @ whitened)[:, 0]
    return hidden, mean, covariance.diagonal()[hidden] - gain.square().sum(0)


def test_other_weights_give_other_answers_at_once():
    model, other = fitted(seed=1), fitted(seed=2)
    observation, _ = observe(model, 5)
    model.predict(observation)  # works out the covariance, and keeps it
    model.load_state_dict(other.state_dict())
    assert torch.equal(model.predict(observation).mean, other.predict(observation).mean)


@pytest.mark.parametrize(
    "batches, told",
    [([], "no pictures"), ([torch.rand(0, 3, 4, 4)], "no pictures"), ([torch.rand(9, 3, 5, 5)], "even side")],
)
def test_what_cannot_be_fitted_is_a_sentence(batches, told):
    with pytest.raises(PredictionError, match=told):
        Gaussian.fit(batches, 4)
