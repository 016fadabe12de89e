"""Components of the density network that stand at neighbours' colours."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from recon import Observation, Prediction, metrics
from recon.distributions.clipped import log_ndtr
from recon.errors import PredictionError
from recon.models import MixtureDensity, ScaleMixture
from recon.models.mixture_density import FLOOR
from recon.models.neighbours import neighbours
from recon.training import masks
from tests.models.test_scale_mixture import SIDE, observe

COPIES = 4


def pictures(count: int, seed: int = 0) -> Tensor:
    """Two flat colours, with a straight edge between them"""
    generator = torch.Generator().manual_seed(seed)
    place = torch.linspace(-1, 1, SIDE)
    angle = 6.28 * torch.rand(count, 1, 1, generator=generator)
    beyond = (angle.sin() * place + angle.cos() * place[:, None])[:, None] > 0.3
    first, second = torch.rand(2, count, 3, 1, 1, generator=generator)
    return (torch.where(beyond, first, second) * 255).round() / 255


@pytest.fixture(scope="module")
def base() -> ScaleMixture:
    return ScaleMixture.fit(list(pictures(3000).split(500)), rank=3 * SIDE**2)


def network(base: ScaleMixture, copies: int = COPIES, stirred: float = 0.0) -> MixtureDensity:
    sizes = {"even": base.even_half.shape[1], "odd": base.odd_half.shape[1]}
    torch.manual_seed(0)
    model = MixtureDensity(side=SIDE, channels=3, width=8, blocks=1, components=3, copies=copies, **sizes)
    model.start_from(base)
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for weight in model.parameters():
            weight.add_(stirred * torch.randn(weight.shape, generator=generator))
    return model.eval()


def test_they_stand_at_the_neighbours_colours(base):
    observation = observe(pictures(5, seed=1), 12)
    found = network(base).predict(observation).distribution
    assert found.log_weights.shape[1] == 3 + COPIES + 1
    near, hidden = neighbours(observation, COPIES), ~observation.mask
    assert near.there[hidden.expand(-1, COPIES, -1, -1)].all()
    error = (found.location[:, 3:-1] - near.values).abs() * hidden[:, :, None]
    assert error.max() < 1e-4
    assert torch.allclose(found.location[:, -1], torch.full_like(found.location[:, -1], 0.5), atol=1e-4)


def test_those_that_are_not_there_have_no_weight(base):
    found = network(base).predict(observe(pictures(2, seed=2), 2)).distribution
    weights = found.weights[:, 3:-1, 0]
    hidden = ~observe(pictures(2, seed=2), 2).mask[:, 0]
    assert weights[:, 2:].max() < 1e-10 and weights[:, :2].amin(1)[hidden].min() > 1e-3


def test_an_edge_is_of_two_colours(base):
    """Untrained it knows already that flat colours come again, which no whitened residual says."""
    values = pictures(100, seed=3)
    observation = observe(values, 16)
    without, with_copies = (metrics.bits_per_dim(network(base, n).predict(observation), values) for n in (0, COPIES))
    assert with_copies < without - 0.3


def test_hidden_pixels_do_not_matter(base):
    model, values = network(base, stirred=0.15), pictures(2, seed=4)
    observation = observe(values, 10)
    other = torch.where(observation.mask, values, torch.rand(values.shape, generator=torch.Generator().manual_seed(0)))
    one, two = (model.predict(Observation(v, observation.mask)).mean for v in (values, other))
    assert torch.equal(one, two)


def test_training_sees_what_is_predicted(base):
    model, values = network(base, stirred=0.05), pictures(4, seed=5)
    values[:, :, 2], values[:, :, 5] = 1.0, 0.0
    observation = observe(values, 10)
    with torch.no_grad():
        known = model.condition(observation)
        mixture = model.split(model.network(model.features(observation, known)), known)
        bound = model.bound(values, known, mixture, torch.zeros_like(values))
    found, hidden = model.predict(observation).distribution, ~observation.mask[:, 0]
    ends = hidden.clone()
    ends[:, [0, 1, 3, 4, 6, 7]] = False
    assert torch.allclose(bound[ends].double(), -found.log_mass(values)[ends], atol=2e-3, rtol=1e-3)
    inner = hidden & ~ends
    density = 3 * torch.tensor(255.0).log() - bound
    assert torch.allclose(density[inner], found.log_prob(values)[inner].float(), atol=2e-2, rtol=1e-3)


def test_no_level_is_impossible_and_all_sum_to_one(base):
    distribution = network(base, stirred=0.15).predict(observe(pictures(3, seed=6), 10)).distribution
    for row, column in ((0, 3), (4, 4)):
        masses = distribution.level_masses(row, column)
        assert masses.sum(-1).tolist() == pytest.approx([1.0] * len(masses)) and masses.min() > 1e-9


def test_a_step_stays_finite_where_the_closed_form_is_wrong(base):
    """A picture like none that it knows: the far tails of narrow Gaussians have a derivative."""
    model = network(base, stirred=0.15).train()
    values = (torch.rand(4, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(7)) > 0.5).float()
    loss = model.objective(values, observe(values, 40).mask, torch.Generator().manual_seed(0))
    loss.backward()
    assert loss.isfinite()
    for name, weight in model.named_parameters():
        assert weight.grad is None or weight.grad.isfinite().all(), name


def test_it_starts_from_a_network_without(base):
    small, large = network(base, copies=0, stirred=0.1), network(base)
    large.start_from(small)
    inputs, outputs = small.stem.weight.shape[1], small.head.weight.shape[0]
    assert torch.equal(large.stem.weight[:, :inputs], small.stem.weight) and not large.stem.weight[:, inputs:].any()
    assert torch.equal(large.head.weight[:outputs], small.head.weight) and not large.head.bias[outputs:].any()
    observation = observe(pictures(3, seed=8), 10)
    own = large.predict(observation).distribution.location[:, :3]
    assert torch.allclose(own, small.predict(observation).distribution.location, atol=1e-5)
    with pytest.raises(RuntimeError):
        small.start_from(large)


def test_log_ndtr_and_its_derivative():
    at = torch.tensor([-1e6, -1e4, -300.0, -31.0, -29.0, -3.0, 0.0, 4.0], requires_grad=True)
    found = log_ndtr(at)
    found.sum().backward()
    exact = torch.special.log_ndtr(at.detach().double())
    assert torch.allclose(found.double(), exact, rtol=1e-5, atol=2e-3)
    hazard = (-0.5 * at.detach().double().square() - 0.9189385 - exact).exp()
    far = at.detach() < -100  # there it is nearly -x, and exp is of the difference of large numbers
    assert torch.allclose(at.grad[~far].double(), hazard[~far], rtol=3e-3)
    assert torch.allclose(at.grad[far], -at.detach()[far], rtol=1e-3)


def test_ends_and_copies_are_one_or_the_other():
    with pytest.raises(PredictionError, match="or at neighbours"):
        MixtureDensity(side=SIDE, channels=1, even=1, ends=True, copies=1)


def test_calibration_is_for_each_number_of_pixels_and_costs_little(base):
    model, values = network(base), pictures(30, seed=9)
    orders = masks.orders(30, SIDE, torch.Generator().manual_seed(1))
    model.calibrate([values], orders)
    assert model.temperatures.shape == (6,) and (model.temperatures != 1).any()
    seen = torch.zeros(30, SIDE**2, dtype=torch.bool).scatter_(1, orders[:, :16], True)
    observation = Observation(values, seen.view(30, 1, SIDE, SIDE))
    plain, found = Prediction(model.uncalibrated(observation), observation), model.predict(observation)
    bits = [metrics.bits_per_dim(one, values) for one in (plain, found)]
    assert bits[1] < bits[0] + 0.05


def test_without_copies_nothing_is_calibrated(base):
    model = network(base, copies=0)
    model.calibrate([pictures(4)], masks.orders(4, SIDE, torch.Generator().manual_seed(1)))
    assert model.temperatures is None and "temperatures" not in model.state_dict()


def test_the_floor_stays_under_all_however_sure_calibration_makes_it(base):
    model, values = network(base), pictures(4, seed=9)
    seen = torch.zeros(4, 1, SIDE, SIDE, dtype=torch.bool)
    seen[..., ::3, ::3] = True
    observation = Observation(values, seen)
    plain = model.distribution(observation).log_weights
    model.temperatures.fill_(0.4)
    found = model.distribution(observation).log_weights
    assert not found.allclose(plain) and found.exp().sum(1).allclose(torch.ones(()))
    assert torch.equal(found[:, -1], plain[:, -1]) and found[:, -1].exp().allclose(torch.tensor(FLOOR))
