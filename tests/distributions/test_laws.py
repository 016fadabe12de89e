"""Each distribution against its definition: it sums to one, its moments are those of its samples, nothing overflows."""

from __future__ import annotations

import itertools

import pytest
import torch
from scipy import integrate
from torch import Tensor

from recon.distributions import (
    Bernoulli,
    Beta,
    CoupledMixture,
    Distribution,
    Gaussian,
    GaussianMixture,
    IsotropicMixture,
    Point,
    ScaledMixture,
)
from recon.errors import PredictionError

HEIGHT, WIDTH = 2, 3


def some(kind: str, channels: int = 3, batch: int = 1) -> Distribution:
    """Ordinary parameters, every pixel its own; a batch repeats them."""
    generator = torch.Generator().manual_seed(1)

    def uniform(low: float, high: float, *shape: int) -> Tensor:
        return low + (high - low) * torch.rand(*shape, generator=generator)

    size = (1, channels, HEIGHT, WIDTH)
    parts = (1, channels, 4, HEIGHT, WIDTH)
    if kind == "bernoulli":
        return Bernoulli(uniform(-3, 3, *size).repeat(batch, 1, 1, 1))
    if kind == "beta":
        alpha, beta = uniform(0.3, 6, *size), uniform(0.3, 6, *size)
        return Beta(alpha.repeat(batch, 1, 1, 1), beta.repeat(batch, 1, 1, 1))
    if kind == "mixture":
        found = (uniform(-1, 1, *parts), uniform(-0.2, 1.2, *parts), uniform(-4, -1, *parts))
        return GaussianMixture(*(t.repeat(batch, 1, 1, 1, 1) for t in found))
    if kind == "isotropic":
        one = (1, 4, HEIGHT, WIDTH)
        means = uniform(-0.2, 1.2, 1, 4, channels, HEIGHT, WIDTH).repeat(batch, 1, 1, 1, 1)
        weights, scales = uniform(-1, 1, *one), uniform(-4, -1, *one)
        return IsotropicMixture(weights.repeat(batch, 1, 1, 1), means, scales.repeat(batch, 1, 1, 1))
    if kind in ("coupled", "scales"):
        factor = uniform(-0.2, 0.2, 1, 4, HEIGHT, WIDTH, channels, channels).tril(-1)
        factor = factor + torch.diag_embed(uniform(0.05, 0.4, 1, 4, HEIGHT, WIDTH, channels))
        location, weights = uniform(-0.1, 1.1, 1, 4, channels, HEIGHT, WIDTH), uniform(-1, 1, 1, 4, HEIGHT, WIDTH)
        if kind == "scales":  # one location and one set of weights, as a scale mixture has them
            location, weights = location[:, :1], weights[:, :, :1, :1]
            weights, location = weights.repeat(batch, 1, 1, 1), location.repeat(batch, 1, 1, 1, 1)
            return ScaledMixture(weights, location, factor[:, :1], uniform(0.3, 2, 1, 4))
        return CoupledMixture(weights.repeat(batch, 1, 1, 1), location.repeat(batch, 1, 1, 1, 1), factor)
    factor = uniform(-0.2, 0.2, 1, HEIGHT, WIDTH, channels, channels).tril(-1)
    factor = factor + torch.diag_embed(uniform(0.05, 0.4, 1, HEIGHT, WIDTH, channels))
    return Gaussian(uniform(-0.1, 1.1, *size).repeat(batch, 1, 1, 1), factor)


KINDS = ("bernoulli", "beta", "mixture", "gaussian", "coupled", "scales", "isotropic")
CONTINUOUS = KINDS[1:]


def everywhere(*colour: float) -> Tensor:
    """One colour at every pixel."""
    return torch.tensor(colour, dtype=torch.float64).view(1, -1, 1, 1).expand(1, -1, HEIGHT, WIDTH)


@pytest.mark.parametrize("kind", CONTINUOUS)
def test_256_levels_sum_to_one(kind):
    distribution = some(kind, channels=1)
    total = sum(distribution.log_mass(everywhere(level / 255)).exp() for level in range(256))
    assert torch.allclose(total, torch.ones_like(total), atol=1e-9)


@pytest.mark.parametrize("kind", CONTINUOUS)
def test_all_colours_sum_to_one(kind):
    distribution = some(kind)
    colours = itertools.product(torch.linspace(0, 1, 6).tolist(), repeat=3)
    total = sum(distribution.log_mass(everywhere(*colour), levels=6).exp() for colour in colours)
    assert torch.allclose(total, torch.ones_like(total), atol=1e-9)


def test_black_and_white_sum_to_one():
    distribution = some("bernoulli")
    total = sum(distribution.log_prob(everywhere(*c).float()).exp() for c in itertools.product([0.0, 1.0], repeat=3))
    assert torch.allclose(total, torch.ones_like(total))
    assert distribution.log_mass(everywhere(0, 1, 1).float()).equal(distribution.log_prob(everywhere(0, 1, 1).float()))
    with pytest.raises(PredictionError, match="black and white"):
        distribution.log_prob(everywhere(0, 0.5, 1).float())


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("levels", [2, 6, 256])
def test_the_levels_of_one_pixel(kind, levels):
    distribution = some(kind, batch=2)
    masses = distribution.level_masses(1, 2, levels, image=1)
    assert masses.shape == (3, levels) and (masses >= 0).all()
    assert torch.allclose(masses.sum(1), torch.ones(3, dtype=torch.float64), atol=1e-12)
    if kind in ("beta", "mixture"):  # of independent channels
        for level in (0, 1, levels - 1):
            together = distribution.log_mass(everywhere(*[level / (levels - 1)] * 3), levels)[0, 1, 2].exp()
            assert together.item() == pytest.approx(masses[:, level].prod().item(), rel=1e-6)
    if kind == "bernoulli":
        assert masses[:, -1].tolist() == pytest.approx(distribution.mean[1, :, 1, 2].tolist())


def test_a_gaussians_levels_agree_with_its_chain_rule():
    distribution = some("gaussian")
    masses = distribution.level_masses(0, 1, 6)
    levels = torch.linspace(0, 1, 6).tolist()
    rest = list(itertools.product(levels, levels))
    first = [
        sum(distribution.log_mass(everywhere(red, *others), 6)[0, 0, 1].exp() for others in rest) for red in levels
    ]
    assert torch.allclose(torch.stack(first), masses[0], atol=1e-9)


def test_values_between_levels_count_as_the_nearest():
    for kind in CONTINUOUS:
        distribution = some(kind)
        near = distribution.log_mass(everywhere(0.4 + 0.4 / 255, 0.2 - 0.3 / 255, 1))
        assert torch.allclose(near, distribution.log_mass(everywhere(0.4, 0.2, 1)), atol=1e-9)


@pytest.mark.parametrize("kind", CONTINUOUS)
def test_density_integrates_to_one(kind):
    distribution = some(kind, channels=1)
    low, high = (0, 1) if kind == "beta" else (-4, 5)
    for row, column in ((0, 0), (1, 2)):
        pixel = distribution.pixel(row, column)
        points = torch.linspace(low, high, 100_001, dtype=torch.float64)[1:-1]
        density = pixel_density(pixel, points).numpy()
        # a Beta with a shape below one is infinite at an end: what lies within the clamp there is its cdf's to say
        inside = integrate.trapezoid(density, points.numpy())
        ends = 0.0
        if kind == "beta":
            cut = points[[0, -1]]
            ends = (pixel.cdf(cut[0]) + 1 - pixel.cdf(cut[1])).item()
        assert inside + ends == pytest.approx(1, abs=2e-3)


def pixel_density(pixel: Distribution, points: Tensor) -> Tensor:
    return torch.cat([pixel.log_prob(point).flatten() for point in points.view(-1, 1, 1, 1).split(25_000)]).exp()


def test_densities_agree_with_torchs():
    values = torch.rand(1, 3, HEIGHT, WIDTH, generator=torch.Generator().manual_seed(5)) * 0.98 + 0.01
    beta, mixture, gaussian = some("beta"), some("mixture"), some("gaussian")
    expected = torch.distributions.Beta(beta.alpha, beta.beta).log_prob(values).sum(1)
    assert torch.allclose(beta.log_prob(values), expected, atol=1e-4)
    expected = torch.distributions.MixtureSameFamily(
        torch.distributions.Categorical(logits=mixture.log_weights.movedim(2, -1)),
        torch.distributions.Normal(mixture.means.movedim(2, -1), mixture.log_scales.exp().movedim(2, -1)),
    ).log_prob(values)
    assert torch.allclose(mixture.log_prob(values), expected.sum(1), atol=1e-4)
    expected = torch.distributions.MultivariateNormal(gaussian.location.movedim(1, -1), scale_tril=gaussian.factor)
    assert torch.allclose(gaussian.log_prob(values), expected.log_prob(values.movedim(1, -1)), rtol=1e-5, atol=1e-3)


@pytest.mark.parametrize("kind", KINDS)
def test_moments_and_intervals_are_those_of_samples(kind, generator):
    count = 40_000
    distribution, one = some(kind, batch=count), some(kind)
    draws = distribution.sample(generator)
    assert draws.shape == (count, 3, HEIGHT, WIDTH) and draws.dtype == torch.float32
    assert draws.min() >= 0 and draws.max() <= 1
    draws = draws.double()
    mean, variance = one.mean[0].double(), one.variance[0].double()
    assert ((draws.mean(0) - mean).abs() < 5 * (variance / count).sqrt() + 1e-6).all()
    assert torch.allclose(draws.var(0), variance, rtol=0.06, atol=1e-6)
    for level in (0.5, 0.9):
        low, high = one.interval(level)
        assert ((low >= 0) & (low <= high) & (high <= 1)).all()
        share = ((draws >= low.double() - 1e-6) & (draws <= high.double() + 1e-6)).double().mean(0)
        assert (share > level - 0.015).all(), "an interval holds its mass"
        inner = (low > 0) & (high < 1)
        if kind != "bernoulli":
            assert (share[inner[0]] < level + 0.015).all(), "and no more, where nothing is clipped"


@pytest.mark.parametrize("kind", ["beta", "mixture", "gaussian"])
def test_gaussian_samples_keep_their_channels_together(kind, generator):
    draws = some(kind, batch=40_000).sample(generator)[:, :, 1, 1].double()
    between = torch.corrcoef(draws.T)[0, 1].item()
    if kind == "gaussian":
        inside = Gaussian(torch.full((40_000, 3, 1, 1), 0.5), 0.2 * some(kind).factor[:, :1, :1])
        covariance = torch.cov(inside.sample(generator)[:, :, 0, 0].double().T)
        expected = inside.factor[0, 0, 0] @ inside.factor[0, 0, 0].T
        assert torch.allclose(covariance, expected.double(), atol=5e-5)
    else:
        assert abs(between) < 0.02


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_generator_gives_the_same_sample(kind):
    first, second = (some(kind).sample(torch.Generator().manual_seed(7)) for _ in range(2))
    assert first.equal(second)
    assert not first.equal(some(kind, batch=1).sample(torch.Generator().manual_seed(8))) or kind == "bernoulli"


@pytest.mark.parametrize("kind", KINDS)
def test_the_cdf_rises_to_one_and_is_float64(kind):
    distribution = some(kind)
    steps = torch.stack([distribution.cdf(torch.tensor(x)) for x in (-50.0, 0.0, 0.3, 0.6, 1.0, 50.0)])
    assert steps.dtype == torch.float64 and (steps.diff(dim=0) >= 0).all()
    assert (steps[0] < 1e-9).all() and (steps[-1] > 1 - 1e-9).all()


@pytest.mark.parametrize("kind", CONTINUOUS)
def test_quantile_inverts_the_cdf(kind):
    distribution = some(kind)
    for probability in (0.05, 0.3, 0.5, 0.95):
        value = distribution.quantile(probability)
        inner = (value > 0) & (value < 1)
        assert inner.any()
        assert torch.allclose(distribution.cdf(value)[inner], torch.tensor(probability, dtype=torch.float64), atol=1e-5)
        assert (distribution.cdf(torch.tensor(0.0))[value == 0] >= probability).all()


def test_an_interval_begins_at_zero_itself_where_black_is_likely():
    mixture = GaussianMixture(*(torch.full((1, 1, 1, 1, 1), x) for x in (0.0, -0.1, -3.0)))
    low, high = mixture.interval(0.9)
    assert low.item() == 0 and high.item() == 0
    low, high = Bernoulli(torch.tensor([0.0, 5.0, -5.0]).view(1, 1, 1, 3)).interval(0.9)
    assert low.flatten().tolist() == [0, 1, 0] and high.flatten().tolist() == [1, 1, 0]


DIFFERENTIABLE = [(kind, "log_prob") for kind in KINDS]
DIFFERENTIABLE += [(kind, "log_mass") for kind in KINDS if kind != "beta"]  # SciPy's incomplete beta has no gradient


@pytest.mark.parametrize("ends", [0.0, 1.0])
@pytest.mark.parametrize(("kind", "what"), DIFFERENTIABLE)
def test_gradients_are_finite_at_the_ends(kind, what, ends):
    distribution = some(kind)
    parameters = [t for t in vars(distribution).values() if isinstance(t, Tensor)]
    for parameter in parameters:
        parameter.requires_grad_()
    getattr(distribution, what)(everywhere(ends, 1 - ends, ends).float()).sum().backward()
    for parameter in parameters:
        assert parameter.grad.isfinite().all() and parameter.grad.any()


def test_gradient_of_the_density_agrees_with_differences():
    values = everywhere(0.2, 0.0, 1.0)[..., :1, :1]
    gaussian, mixture, beta = (some(kind).pixel(0, 0) for kind in ("gaussian", "mixture", "beta"))
    for kind, tensors in (
        (Beta, (beta.alpha, beta.beta)),
        (GaussianMixture, (mixture.log_weights, mixture.means, mixture.log_scales)),
        (Gaussian, (gaussian.location, gaussian.factor)),
    ):
        doubles = [t.double().requires_grad_() for t in tensors]
        assert torch.autograd.gradcheck(lambda *t, kind=kind: kind(*t).log_prob(values).sum(), doubles)
        if kind is not Beta:
            assert torch.autograd.gradcheck(lambda *t, kind=kind: kind(*t).log_mass(values).sum(), doubles)


def test_a_mixture_of_one_gaussian_is_that_gaussian():
    gaussian = some("gaussian")
    mixture = CoupledMixture(torch.zeros(1, 1, 1, 1), gaussian.location[:, None], gaussian.factor[:, None])
    values = everywhere(0.2, 0.7, 1.0)
    for name in ("log_prob", "log_mass", "cdf"):
        assert torch.allclose(getattr(mixture, name)(values), getattr(gaussian, name)(values).double(), atol=1e-5)
    assert torch.allclose(mixture.mean, gaussian.mean) and torch.allclose(mixture.variance, gaussian.variance)


def test_a_coupled_mixtures_channels_come_from_one_component(generator):
    location = torch.tensor([0.2, 0.8]).view(1, 2, 1, 1, 1).repeat(500, 1, 3, 1, 1)
    factor = 0.01 * torch.eye(3).view(1, 1, 1, 1, 3, 3).expand(500, 2, 1, 1, 3, 3)
    draws = CoupledMixture(torch.tensor([0.3, 0.7]).log().view(1, 2, 1, 1), location, factor).sample(generator)
    bright = draws > 0.5
    assert bright.all(1).logical_or(~bright.any(1)).all()
    assert bright.float().mean().item() == pytest.approx(0.7, abs=0.08)


def test_a_point_has_a_mean_and_nothing_else(generator):
    point = Point(torch.tensor([-0.5, 0.5, 1.5]).view(1, 1, 1, 3))
    assert not point.has_spread and point.mean.flatten().tolist() == [0, 0.5, 1]
    values = point.mean
    for ask in (
        lambda: point.variance,
        lambda: point.log_prob(values),
        lambda: point.log_mass(values),
        lambda: point.cdf(values),
        lambda: point.interval(0.9),
        lambda: point.quantile(0.5),
        lambda: point.sample(generator),
        lambda: point.tempered(0.5),
        lambda: point.level_masses(0, 0),
    ):
        with pytest.raises(PredictionError, match="mean alone"):
            ask()


@pytest.mark.parametrize("kind", ["bernoulli", "beta", "gaussian"])
@pytest.mark.parametrize("temperature", [0.6, 1.0, 1.4])
def test_a_tempered_density_is_a_power_of_the_density(kind, temperature):
    law = some(kind)
    law = Beta(law.alpha + 1, law.beta + 1) if isinstance(law, Beta) else law
    colours = itertools.product([0.0, 1.0] if kind == "bernoulli" else [0.2, 0.5, 0.9], repeat=3)
    tempered = law.tempered(temperature)
    left = torch.stack([tempered.log_prob(v) - law.log_prob(v) / temperature for v in map(everywhere_of, colours)])
    assert torch.allclose(left, left[:1].expand_as(left), atol=1e-4), "but for a constant"


def everywhere_of(colour: tuple[float, ...]) -> Tensor:
    return everywhere(*colour).float()


@pytest.mark.parametrize("kind", KINDS)
def test_a_temperature_of_one_changes_nothing_and_less_is_tamer(kind):
    law = some(kind)
    assert torch.allclose(law.tempered(1.0).mean, law.mean, atol=1e-6)
    if kind not in ("beta", "mixture", "coupled", "isotropic"):  # which may have modes apart
        assert (law.tempered(0.5).variance < law.variance).all()


def test_a_power_that_has_no_integral():
    law = Beta(torch.full((1, 1, 1, 1), 0.05), torch.full((1, 1, 1, 1), 2.0)).tempered(0.5)
    assert law.mean.isfinite().all() and law.alpha.item() > 0


@pytest.mark.parametrize("kind", ["coupled", "scales", "isotropic"])
def test_newtons_quantiles_are_those_that_halving_finds(kind):
    law = some(kind, batch=3)
    for probability in (0.001, 0.05, 0.5, 0.95, 0.999):
        found, halved = law.quantile(probability).double(), Distribution.quantile(law, probability).double()
        off = (law.cdf(found) - law.cdf(halved)).abs()
        assert ((found - halved).abs().minimum(off) < 1e-6).all()  # where nothing lies, any value is one


@pytest.mark.parametrize("kind", KINDS)
def test_one_picture_of_a_batch(kind):
    law = some(kind, batch=3)
    for k in (0, 2):
        one = law.picture(k)
        for name in ("mean", "variance"):
            torch.testing.assert_close(getattr(one, name), getattr(law, name)[k][None])
        torch.testing.assert_close(one.level_masses(1, 2), law.level_masses(1, 2, image=k))
