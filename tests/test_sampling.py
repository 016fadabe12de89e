"""Joint samples: groups that partition the hidden pixels, and pictures that keep what was observed."""

import itertools

import numpy as np
import pytest
import torch

import recon
from recon import Observation, Prediction, patches, sampling
from recon.distributions import Gaussian as Marginals
from recon.errors import PredictionError
from recon.models import ConvNADE, Gaussian
from recon.models.base import Model


def network(side: int = 24, channels: int = 3, head: str = "beta") -> ConvNADE:
    torch.manual_seed(0)
    return ConvNADE(side=side, channels=channels, head=head, width=2).eval()


def observe(side: int = 24, size: int = 60, channels: int = 3) -> Observation:
    mask = torch.from_numpy(patches.random(side, size, seed=2)) if size else torch.zeros(side, side, dtype=torch.bool)
    values = torch.rand(1, channels, side, side, generator=torch.Generator().manual_seed(1))
    return Observation(values, mask[None, None])


@pytest.mark.parametrize("shape", [(1, 1), (8, 8), (7, 7), (5, 12), (24, 24), (32, 32)])
@pytest.mark.parametrize("steps", [1, 2, 7, 32, 5000])
@pytest.mark.parametrize("share", [0.0, 0.1, 0.9, 1.0])
def test_groups_partition_the_hidden_pixels(shape, steps, share):
    mask = np.random.default_rng(0).random(shape) < share
    groups = sampling.groups(mask, steps)
    assert len(groups) <= min(steps, (~mask).sum())
    assert all(group.shape == shape and group.dtype == bool and group.any() for group in groups)
    total = sum(groups, np.zeros(shape, dtype=int))
    assert (total == ~mask).all()


def test_groups_follow_the_sobol_order_and_grow():
    mask = patches.random(16, 30, seed=0)
    order = [pixel for pixel in patches.sobol_order(16) if not mask.ravel()[pixel]]
    groups = sampling.groups(mask, 8)
    drawn = list(itertools.chain.from_iterable(sorted(np.flatnonzero(group), key=order.index) for group in groups))
    assert drawn == order
    sizes = [group.sum() for group in groups]
    assert len(sizes) == 8 and sizes == sorted(sizes)


def test_enough_steps_draw_one_pixel_at_a_time():
    groups = sampling.groups(np.zeros((4, 4), dtype=bool), 10_000)
    assert [group.sum() for group in groups] == [1] * 16


@pytest.mark.parametrize("head", ["bernoulli", "beta", "mog"])
@pytest.mark.parametrize("size", [0, 60])
def test_samples_keep_what_is_observed(head, size):
    known = observe(size=size)
    known = known.binarised() if head == "bernoulli" else known
    samples = recon.sample(network(head=head), known, count=3, steps=4)
    assert samples.shape == (3, 3, 24, 24) and samples.dtype == torch.float32
    assert samples.min() >= 0 and samples.max() <= 1
    assert (samples == known.values)[known.mask.expand(3, 3, -1, -1)].all()
    assert head != "bernoulli" or set(samples.unique().tolist()) <= {0.0, 1.0}
    assert not samples[0].equal(samples[1])


@pytest.mark.parametrize("side", [22, 32])
def test_the_same_seed_gives_the_same_pictures(side):
    model, known = network(side), observe(side)
    first, again, other = (recon.sample(model, known, count=2, steps=3, seed=seed) for seed in (5, 5, 6))
    assert first.equal(again) and not first.equal(other)
    state = torch.get_rng_state()
    recon.sample(model, known, count=1, steps=2)
    assert torch.get_rng_state().equal(state), "the global generator is left alone"


def test_the_streams_last_picture_is_the_sample():
    model, known = network(), observe()
    pictures = list(recon.sampling.stream(model, known, count=2, steps=5, seed=3))
    assert len(pictures) == 5 and pictures[-1].mask.all()
    assert pictures[-1].values.equal(recon.sample(model, known, count=2, steps=5, seed=3))
    for before, after in itertools.pairwise(pictures):
        assert (after.mask & ~before.mask).any() and (after.mask | ~before.mask).all()
        assert after.values[before.mask.expand(2, 3, -1, -1)].equal(before.values[before.mask.expand(2, 3, -1, -1)])


def test_everything_observed():
    known = observe(size=24 * 24)
    assert recon.sample(network(), known, count=2).equal(known.values.expand(2, -1, -1, -1))


def test_exact_models_need_one_step():
    known = observe(4, 5)
    model = Gaussian.fit([torch.rand(100, 3, 4, 4, generator=torch.Generator().manual_seed(0))], rank=48)
    pictures = list(sampling.stream(model, known, count=4, steps=9, seed=1))
    assert len(pictures) == 1 and pictures[0].mask.all()
    first, again, other = (recon.sample(model, known, count=4, seed=seed) for seed in (1, 1, 2))
    assert pictures[0].values.equal(first) and first.equal(again) and not first.equal(other)
    assert (first == known.values)[known.mask.expand(4, 3, -1, -1)].all()


class Copies(Model):
    """Every pixel is what the mean of all observed ones is, nearly: pixels that agree when drawn one after another."""

    kind, side, channels = "copies", 8, 1
    device = torch.device("cpu")

    def distribution(self, observation: Observation) -> Marginals:
        seen = observation.mask.sum((1, 2, 3))
        mean = torch.where(seen > 0, observation.values.sum((1, 2, 3)) / seen.clamp_min(1), 0.5)
        scale = torch.where(seen > 0, 0.01, 0.2)
        location = mean.view(-1, 1, 1, 1).expand(-1, 1, 8, 8).contiguous()
        return Marginals(location, scale.view(-1, 1, 1, 1, 1).expand(-1, 8, 8, 1, 1))

    def predict(self, observation: Observation) -> Prediction:
        return Prediction(self.distribution(observation), observation)


def test_pixels_of_a_joint_sample_agree():
    """Each by itself they spread by .2; drawn after one another they follow the first."""
    nothing = observe(8, 0, channels=1)
    model = Copies()
    alone = torch.cat([model.predict(nothing).sample(torch.Generator().manual_seed(k)) for k in range(20)])
    joint = recon.sample(model, nothing, count=20, steps=64)
    assert alone.flatten(1).std(1).mean() > 0.15
    assert joint.flatten(1).std(1).mean() < 0.03
    assert joint.mean((1, 2, 3)).std() > 0.1, "while whole pictures differ"


@pytest.mark.parametrize(("count", "steps"), [(0, 1), (1, 0), (-1, 4)])
def test_at_least_one(count, steps):
    with pytest.raises(PredictionError, match="At least one"):
        recon.sample(network(), observe(), count=count, steps=steps)


@pytest.mark.parametrize("asked", [{"count": 1.5}, {"steps": "4"}, {"seed": None}, {"seed": 0.5}, {"count": True}])
def test_whole_numbers_only(asked):
    with pytest.raises(PredictionError, match="whole numbers"):
        recon.sample(network(), observe(), **asked)


@pytest.mark.parametrize("seed", [-1, 2**70])
def test_any_whole_number_is_a_seed(seed):
    assert recon.sample(network(), observe(), count=1, steps=1, seed=seed).shape == (1, 3, 24, 24)


def test_what_cannot_be_sampled():
    with pytest.raises(PredictionError, match="one image at a time"):
        recon.sample(network(), observe().repeat(2))
    with pytest.raises(PredictionError, match="24 x 24"):
        recon.sample(network(), observe(32))
    with pytest.raises(PredictionError, match="no closed-form"):
        network().sample_joint(observe(), 1, torch.Generator())
