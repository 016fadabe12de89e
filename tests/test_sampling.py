"""Joint samples: groups that partition the hidden pixels, and pictures that keep what was observed."""

import itertools

import numpy as np
import pytest
import torch

import recon
from recon import Observation, Prediction, patches, sampling, schedules
from recon.distributions import Gaussian as Marginals
from recon.errors import PredictionError
from recon.models import ConvNADE, Gaussian
from recon.models.base import Model
from tests.models.fitted import fitted


def network(side: int = 24, channels: int = 3, head: str = "beta") -> ConvNADE:
    torch.manual_seed(0)
    return ConvNADE(side=side, channels=channels, head=head, width=2).eval()


def observe(side: int = 24, size: int = 60, channels: int = 3) -> Observation:
    mask = torch.from_numpy(patches.random(side, size, seed=2)) if size else torch.zeros(side, side, dtype=torch.bool)
    values = torch.rand(1, channels, side, side, generator=torch.Generator().manual_seed(1))
    return Observation(values, mask[None, None])


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


def test_the_same_seed_gives_the_same_pictures_whoever_asked_before():
    """A closed form extends what it remembers of a smaller patch, which rounds otherwise than from the start."""
    model, known = fitted(side=8), observe(side=8, size=20)
    first = recon.sample(model, known, count=2, steps=3, seed=5)
    for size in (3, 9, 15, 20):
        model.predict(observe(side=8, size=size))
    assert len(model.conditioned) == 4
    assert first.equal(recon.sample(model, known, count=2, steps=3, seed=5)) and len(model.conditioned) == 4


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


@pytest.mark.parametrize("order", schedules.ORDERS)
def test_every_order_gives_pictures(order):
    model, known = network(), observe()
    first, again = (recon.sample(model, known, count=2, steps=3, order=order) for _ in range(2))
    assert first.equal(again) and (first == known.values)[known.mask.expand(2, 3, -1, -1)].all()


def test_the_surest_pixels_are_drawn_first():
    model, known = network(), observe()
    first = next(sampling.stream(model, known, count=1, steps=4, order="surest"))
    variance = model.predict(known).variance.sum(1, keepdim=True)
    new = first.mask & ~known.mask
    assert variance[new].max() <= variance[~first.mask].min()


@pytest.mark.parametrize(
    ("asked", "says"), [({"order": "spiral"}, "no order 'spiral'"), ({"temperature": 0}, "above 0")]
)
def test_orders_and_temperatures_that_are_none(asked, says):
    with pytest.raises(PredictionError, match=says):
        recon.sample(network(), observe(), **asked)


def test_cold_samples_stay_by_the_mean():
    known = observe(4, 5)
    model = Gaussian.fit([torch.rand(100, 3, 4, 4, generator=torch.Generator().manual_seed(0))], rank=48)
    warm, cold = (recon.sample(model, known, 50, temperature=t).std(0).mean() for t in (1.0, 0.1))
    assert cold < 0.5 * warm
    first, again, other = (recon.sample(network(), observe(), 1, 2, temperature=t) for t in (0.5, 0.5, 1.0))
    assert first.equal(again) and not first.equal(other)


class Chain(Model):
    """A walk along one row of 8 pixels: each is the nearest known one, a step of the walk for every pixel between."""

    kind, side, channels, device = "chain", 8, 1, torch.device("cpu")

    def predict(self, observation: Observation) -> Prediction:
        values, mask = observation.values[:, 0], observation.mask[:, 0]
        rows, columns = torch.meshgrid(torch.arange(8.0), torch.arange(8.0), indexing="ij")
        location, scale = torch.empty_like(values), torch.empty_like(values)
        for k in range(observation.batch):
            seen = mask[k].nonzero().float()
            far = torch.cdist(torch.stack([rows.flatten(), columns.flatten()], 1), seen)
            location[k] = values[k][mask[k]][far.argmin(1)].view(8, 8)
            scale[k] = 0.02 + 0.05 * far.min(1).values.view(8, 8)
        return Prediction(Marginals(location[:, None], scale[..., None, None]), observation)

    def check(self, observation: Observation) -> None:
        pass


def test_likelihood_under_a_schedule():
    """In one group it is what `predict` says of the hidden pixels; one at a time, the chain rule by hand."""
    model = Chain()
    values = torch.rand(3, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    mask = torch.from_numpy(patches.random(8, 9, seed=1)).expand(3, 1, -1, -1)
    known = Observation(values, mask)
    at_once = sampling.log_likelihood(model, known, values, steps=1)
    assert at_once.allclose(model.predict(known).log_mass(values).double().flatten(1).sum(1))
    total, now = torch.zeros(3, dtype=torch.float64), known
    for pixel in (~mask[0, 0]).flatten().nonzero()[:, 0].tolist():
        total += model.predict(now).log_mass(values).double().flatten(1)[:, pixel]
        where = torch.zeros(64, dtype=torch.bool)
        where[pixel] = True
        now = now.add(values, where.view(1, 1, 8, 8).expand_as(mask))
    assert sampling.log_likelihood(model, known, values, steps=1000, order="raster").allclose(total)


def test_likelihood_wants_one_mask():
    known = observe().repeat(2)
    mask = known.mask.clone()
    mask[1] = ~mask[1]
    with pytest.raises(PredictionError, match="share one mask"):
        sampling.log_likelihood(network(), Observation(known.values, mask), known.values)


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ({"steps": 0}, "one step"),
        ({"steps": 1.5}, "whole numbers"),
        ({"order": "spiral"}, "no order 'spiral'"),
        ({"seed": "x"}, "whole numbers"),
    ],
)
def test_likelihood_wants_a_plan(asked, says):
    known = observe()
    with pytest.raises(PredictionError, match=says):
        sampling.log_likelihood(network(), known, known.values, **asked)


def test_likelihood_wants_whole_images_and_takes_any_seed():
    known = observe()
    with pytest.raises(PredictionError, match="whole images"):
        sampling.log_likelihood(network(), known, known.values[:, :, :4])
    assert sampling.log_likelihood(network(), known, known.values, order="random", seed=-1).isfinite().all()


def test_a_temperature_is_any_real_number():
    assert sampling.sample(network(), observe(), 1, 2, temperature=np.float32(0.5)).isfinite().all()
