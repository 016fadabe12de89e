"""A mixture of Gaussian processes in space and time."""

import pytest
import torch
from torch.distributions import MultivariateNormal

from recon.clips import kinds, process
from recon.clips.process import ProcessMixture, SpaceTime


def points(count, size, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return 2 * torch.rand(count, size, 3, generator=generator) - 1, torch.rand(count, size, generator=generator)


def test_the_kernel_is_that_of_a_picture_moving_at_random_velocities():
    found = SpaceTime()
    found.bumps = torch.tensor([[1.0, 0.3, 0.5, 0.8, 0.4, 1e6]]).log()
    velocities = torch.randn(200_000, 2, generator=torch.Generator().manual_seed(0)) * torch.tensor([0.8, 0.4])
    at, to = torch.tensor([[[0.1, 0.2, -0.3]]]), torch.tensor([[[0.6, 0.5, 0.1]]])
    apart = (to - at)[0, 0]
    still = (apart[1:] - velocities * apart[0]) / torch.tensor([0.3, 0.5])
    expected = (-0.5 * still.square().sum(-1)).exp().mean()
    assert found.kernel(at, to).item() == pytest.approx(expected.item(), abs=2e-3)


def test_the_posterior_is_that_of_the_joint_gaussian():
    found, (places, values) = SpaceTime(), points(2, 9)
    found.mean.uniform_(0.2, 0.8, generator=torch.Generator().manual_seed(1))
    queries, present = points(2, 4, seed=2)[0], torch.ones(2, 9, dtype=torch.bool)
    factor = found.factor(places, present)
    white, density = found.known(factor, places, values, present)
    mean, variance = found.posterior(factor, white, places, present, queries)
    both = torch.cat([places, queries], 1)
    own = (2 * found.rest).exp() + kinds.NOISE**2
    joint = found.kernel(both, both).double() + own.double() * torch.eye(13, dtype=torch.float64)
    middle = found.mean_at(both).double()
    for k in range(2):
        gain = joint[k, 9:, :9] @ torch.linalg.inv(joint[k, :9, :9])
        expected = middle[k, 9:] + gain @ (values[k].double() - middle[k, :9])
        left = (joint[k, 9:, 9:] - gain @ joint[k, :9, 9:]).diagonal()
        assert torch.allclose(mean[k].double(), expected, atol=1e-4)
        assert torch.allclose(variance[k].double(), left, atol=1e-4)
        said = MultivariateNormal(middle[k, :9], joint[k, :9, :9]).log_prob(values[k].double())
        assert density[k].item() == pytest.approx(said.item(), abs=1e-2)


def test_what_is_absent_changes_nothing():
    mixture, (places, values), queries = ProcessMixture(), points(1, 7), points(1, 5, seed=3)[0]
    present = torch.arange(7)[None] < 4
    less = mixture.posterior(places[:, :4], values[:, :4], present[:, :4], queries)
    values = torch.where(present, values, torch.nan)
    more = mixture.posterior(places, values, present, queries)
    assert all(torch.allclose(a, b, atol=1e-5) for a, b in zip(less, more, strict=True))


@pytest.mark.parametrize("count", [0, 1, 30, 130])
def test_absent_points_do_not_change_the_kinds_either(count):
    mixture, (places, values) = ProcessMixture(), points(1, 640)
    for shift, kind in enumerate(mixture.processes.values()):
        kind.rest.sub_(0.3 * shift)
    alone = mixture.weights(places[:, :count], values[:, :count], torch.ones(1, count, dtype=torch.bool))
    padded = mixture.weights(places, values, torch.arange(640)[None] < count)
    assert torch.allclose(alone, padded, atol=1e-4) and alone.sum().item() == pytest.approx(1)


def test_a_mixture_knows_kinds_apart_and_is_their_mean(monkeypatch):
    mixture = ProcessMixture()
    mixture.processes["beach"].rest.fill_(-1.0)  # rough
    for kind in ("moving", "passing"):
        mixture.processes[kind].bumps[:, 1:3] += 1.0  # smooth
    places, _ = points(2, 60)
    values = torch.stack([0.5 + 0.3 * places[0, :, 1], torch.rand(60, generator=torch.Generator().manual_seed(0))])
    weights = mixture.weights(places, values, torch.ones(2, 60, dtype=torch.bool))
    assert torch.allclose(weights.sum(-1), torch.ones(2)) and weights[0, 2] < 0.01 and weights[1, 2] > 0.99
    present, queries = torch.ones(2, 60, dtype=torch.bool), points(2, 5, seed=1)[0]
    mean, deviation = mixture.posterior(places, values, present, queries)
    monkeypatch.setattr(process, "NEGLIGIBLE", 0.0)
    exact = mixture.posterior(places, values, present, queries)
    assert torch.allclose(mean, exact[0], atol=2e-3) and torch.allclose(deviation, exact[1], atol=2e-3)
    alone = mixture.processes["beach"]
    factor = alone.factor(places[1:], present[1:])
    white, _ = alone.known(factor, places[1:], values[1:], present[1:])
    assert torch.allclose(
        mean[1], alone.posterior(factor, white, places[1:], present[1:], queries[1:])[0][0], atol=1e-2
    )


def test_fitting_makes_what_is_drawn_likelier(monkeypatch):
    monkeypatch.setattr(process, "FITTED", (25, 6, 40))
    monkeypatch.setattr(process, "EXAMPLES", 40)
    generator = torch.Generator().manual_seed(0)
    clips, places = kinds.KINDS["beach"](20, generator), points(20, 60)[0]
    values, present = clips.value(places), torch.ones(20, 60, dtype=torch.bool)
    found = SpaceTime()
    before = found.known(found.factor(places, present), places, values, present)[1].mean()
    found.fit(kinds.KINDS["beach"], generator)
    after = found.known(found.factor(places, present), places, values, present)[1].mean()
    assert after > before + 5 and not found.bumps.requires_grad
