"""The mixture of scale mixtures against its definition, and what it gains on pictures that come in clusters."""

from __future__ import annotations

import copy
import math

import pytest
import torch
from torch import Tensor

import recon
from recon import Observation, metrics
from recon.errors import PredictionError
from recon.memory import REMEMBERED, remembering
from recon.models import MoGSM, ScaleMixture
from recon.models.clusters import Coordinates, cluster, coordinates, log_evidence, packed, shape_of, unpacked
from recon.models.mogsm import COMMON

SIDE = 8
KINDS = 2


def pictures(count: int, seed: int = 0) -> tuple[Tensor, Tensor]:
    """Fields of two kinds, (count, 3, side, side), and which: dark ones that vary by rows, bright ones by columns."""
    generator = torch.Generator().manual_seed(seed)
    places = torch.arange(SIDE).double()
    short, long = (torch.exp(-torch.cdist(places[:, None], places[:, None]) / reach) for reach in (0.4, 12))
    colours = (0.7 * torch.ones(3, 3) + 0.3 * torch.eye(3)).double()
    kinds = torch.randint(KINDS, (count,), generator=generator)
    noise = torch.randn(count, 3 * SIDE**2, generator=generator)
    found = torch.empty(count, 3, SIDE, SIDE)
    for kind, (down, across) in enumerate(((short, long), (long, short))):
        mixing = torch.linalg.cholesky(torch.kron(colours, torch.kron(down, across))).float()
        found[kinds == kind] = (0.4 + 0.2 * kind + 0.1 * noise[kinds == kind] @ mixing.T).view(-1, 3, SIDE, SIDE)
    return found.clamp(0.01, 0.99), kinds


@pytest.fixture(scope="module")
def model() -> MoGSM:
    return fitted()


def fitted(**changed) -> MoGSM:
    arguments = {"rank": 3 * SIDE**2, "components": KINDS, "own": 64, "strength": 20.0, **changed}
    return MoGSM.fit(list(pictures(3000)[0].split(500)), **arguments)


def observe(values: Tensor, size: int, seed: int = 0) -> Observation:
    mask = torch.zeros(SIDE**2, dtype=torch.bool)
    mask[torch.randperm(SIDE**2, generator=torch.Generator().manual_seed(seed))[:size]] = True
    return Observation(values, mask.view(1, 1, SIDE, SIDE).repeat(len(values), 1, 1, 1))


def test_kinds_of_pictures_are_told_from_few_pixels(model):
    values, kinds = pictures(200, seed=1)
    weights = model.posterior(observe(values, 24))[:, 1:]
    right = (weights.argmax(1) == kinds).double().mean()
    assert max(right, 1 - right) > 0.95  # which cluster is which kind is not said


def test_it_beats_one_scale_mixture(model):
    values, _ = pictures(200, seed=2)
    observation = observe(values, 16)
    one, mixture = model.base.predict(observation), model.predict(observation)
    assert metrics.bits_per_dim(mixture, values) < metrics.bits_per_dim(one, values) - 0.1
    assert metrics.psnr_db(mixture.mean, values) > metrics.psnr_db(one.mean, values) + 0.3


def test_the_posterior_is_bayes_rule(model):
    values, _ = pictures(3, seed=3)
    observation = observe(values, 10)
    dims = observation.mask[0].flatten().repeat(3)
    logs = []
    for part, share in zip(model.parts(), model.log_shares.double(), strict=True):
        covariance = part.covariance()[dims][:, dims].double()
        residual = (values.flatten(1) - part.location)[:, dims].double()
        laws = [
            torch.distributions.MultivariateNormal(torch.zeros(30).double(), s * covariance)
            for s in part.log_scales.exp()
        ]
        each = torch.stack([law.log_prob(residual) for law in laws], 1) + part.log_prior.double()
        logs.append(each.logsumexp(1) + share)
    expected = torch.stack(logs, 1).softmax(1) * (1 - COMMON)
    expected[:, 0] += COMMON
    assert torch.allclose(model.posterior(observation), expected, atol=5e-3)
    assert torch.allclose(model.posterior(observation).sum(1), torch.ones(3).double())


def test_a_prediction_is_the_weighted_sum_of_its_parts(model):
    values, _ = pictures(5, seed=4)
    observation = observe(values, 6)
    weights, parts = model.posterior(observation), [part.predict(observation) for part in model.parts()]
    found = model.predict(observation)
    mean = sum(w.view(-1, 1, 1, 1) * part.mean for w, part in zip(weights.T, parts, strict=True))
    assert torch.allclose(found.mean, mean.float(), atol=1e-5)
    mass = sum(w.view(-1, 1, 1) * part.log_mass(values).exp() for w, part in zip(weights.T, parts, strict=True))
    hidden = ~observation.mask[:, 0]
    assert torch.allclose(found.log_mass(values)[hidden], mass.log()[hidden], atol=1e-4)


def test_a_batch_with_different_masks_is_as_one_by_one(model):
    values, _ = pictures(4, seed=5)
    observations = [observe(values[i : i + 1], 3 + 7 * i, seed=i) for i in range(4)]
    together = model.predict(Observation(values, torch.cat([one.mask for one in observations])))
    for i, one in enumerate(observations):
        alone = model.predict(one)
        assert torch.allclose(together.mean[i], alone.mean[0], atol=1e-5)
        assert torch.allclose(together.variance[i], alone.variance[0], atol=1e-6)
        pixel = together.distribution.pixel(2, 3, i)
        assert torch.allclose(pixel.mean[0, :, 0, 0], together.distribution.mean[i, :, 2, 3], atol=1e-6)


def test_joint_samples_have_the_predictions_moments(model, generator):
    values, _ = pictures(1, seed=6)
    observation = observe(values, 5)
    samples, prediction = model.sample_joint(observation, 6000, generator), model.predict(observation)
    assert torch.equal(samples[:, :, observation.mask[0, 0]], values[:, :, observation.mask[0, 0]].expand(6000, -1, -1))
    error = samples.mean(0) - prediction.mean[0]
    assert error.abs().max() < 5 * prediction.variance.max().sqrt() / math.sqrt(6000)
    ratio = samples.var(0)[:, ~observation.mask[0, 0]] / prediction.variance[0][:, ~observation.mask[0, 0]]
    assert ratio.min() > 0.85 and ratio.max() < 1.15


def test_marginal_samples_have_the_predictions_mean(model, generator):
    values, _ = pictures(1, seed=7)
    prediction = model.predict(observe(values, 5))
    mean = torch.stack([prediction.sample(generator) for _ in range(1500)]).mean(0)
    assert torch.allclose(mean, prediction.mean, atol=0.02)


def test_the_same_seed_gives_the_same_pictures(model):
    observation = observe(pictures(1, seed=8)[0], 9)
    one, other = (recon.sample(model, observation, 3, seed=5) for _ in range(2))
    assert torch.equal(one, other)


def test_joint_log_likelihood_prefers_its_own_kind(model):
    values, _ = pictures(50, seed=9)
    observation = observe(values, 8)
    assert model.log_likelihood(observation, values).mean() > model.base.log_likelihood(observation, values).mean()


def test_tempered_weights_still_sum_to_one(model):
    law = model.predict(observe(pictures(3, seed=10)[0], 4)).distribution
    for temperature in (0.5, 2.0):
        sums = torch.zeros(3).double()
        for part in law.tempered(temperature).parts:
            sums[part.images] += part.weights
        assert torch.allclose(sums, torch.ones(3).double())


def test_save_and_load(model, tmp_path):
    model.save_pretrained(tmp_path)
    other = MoGSM.from_pretrained(tmp_path)
    observation = observe(pictures(2, seed=11)[0], 12)
    assert torch.allclose(other.predict(observation).mean, model.predict(observation).mean, atol=1e-6)


def test_what_is_not_mirrored_and_keeps_all_of_its_own():
    model = fitted(mirrored=False, own=3 * SIDE**2)
    values, _ = pictures(100, seed=12)
    observation = observe(values, 16)
    one, mixture = model.base.predict(observation), model.predict(observation)
    assert metrics.bits_per_dim(mixture, values) < metrics.bits_per_dim(one, values) - 0.1


def test_coordinates_are_those_of_the_factor(model):
    values, _ = pictures(20, seed=13)
    found = coordinates(model.base, [values])
    moved = torch.cat([found.even, found.odd], 1) @ model.base.factor().T
    assert torch.allclose(moved + model.base.location, values.flatten(1), atol=5e-3)  # float16, and what the rest holds


def test_a_part_of_nothing_of_its_own_is_the_scale_mixture():
    base = ScaleMixture.fit(list(pictures(500)[0].split(100)), rank=30)
    even, odd = base.even_half.shape[1], base.odd_half.shape[1]
    model = MoGSM(side=SIDE, channels=3, even=even, odd=odd, components=2, own=8)
    model.base.load_state_dict(base.state_dict())
    assert torch.allclose(model.part(0).covariance(), base.covariance(), atol=1e-5)
    assert torch.allclose(model.part(1).location, base.location)


def test_triangles_are_packed_and_unpacked():
    triangle = torch.rand(5, 5).tril()
    assert torch.equal(unpacked(packed(triangle), 5), triangle)


def test_a_shape_is_shrunk_towards_the_common_one():
    generator = torch.Generator().manual_seed(0)
    pictures = Coordinates(3 * torch.randn(40, 4, generator=generator), torch.randn(40, 2, generator=generator))
    weak, strong = (shape_of(pictures, torch.ones(40), strength) for strength in (0.0, 1e6))
    covariance = weak.even @ weak.even.T
    assert torch.allclose(covariance, torch.cov(pictures.even.T, correction=0), atol=1e-4)
    assert torch.allclose(strong.even, torch.eye(4), atol=1e-2)


def test_clusters_do_not_mind_contrast():
    generator = torch.Generator().manual_seed(0)
    kinds = torch.arange(2).repeat(400)
    scales = (2 * torch.rand(800, 1, generator=generator) - 1).exp()
    spread = torch.where(kinds[:, None] == 0, torch.tensor([2.0, 0.3]), torch.tensor([0.3, 2.0])).repeat_interleave(
        6, 1
    )
    even = scales * spread * torch.randn(800, 12, generator=generator)
    found, inverse = cluster(Coordinates(even, even[:, :0]), 2, torch.linspace(-3, 3, 13), generator)
    right = (found == kinds).double().mean()
    assert max(right, 1 - right) > 0.9
    assert torch.corrcoef(torch.stack([inverse.log(), -2 * scales[:, 0].log()]))[0, 1] > 0.8


def test_evidence_is_a_density():
    """Of one coordinate, all scales alike: it integrates to a constant that does not depend on the shape."""
    line = torch.linspace(-60, 60, 40001)[:, None]
    sums = []
    for width in (0.5, 2.0):
        shape = shape_of(Coordinates(torch.tensor([[width], [-width]]), torch.zeros(2, 0)), torch.ones(2), 0.0)
        logs, _ = log_evidence(Coordinates(line, line[:, :0]), shape, torch.tensor([-1.0, 0.0, 1.0]))
        sums.append(logs.exp().sum())
    assert math.isclose(sums[0], sums[1], rel_tol=1e-3)


@pytest.mark.parametrize("count", [3, 12])
def test_hardly_any_pictures_are_a_sentence(count):
    with pytest.raises(PredictionError, match=f"{count} pictures do not make 8 clusters"):
        MoGSM.fit([torch.rand(count, 3, 4, 4)], rank=4)


def test_too_few_pictures_are_a_sentence():
    with pytest.raises(PredictionError, match="do not make 4 clusters"):
        MoGSM.fit([pictures(40)[0]], rank=20, components=4)


def test_a_stroke_more_is_as_painted_at_once(model):
    values, _ = pictures(2, seed=14)
    model.forget_masks()
    first = observe(values, 20)
    more = Observation(values, first.mask | observe(values, 9, seed=1).mask)
    model.predict(first)
    extended = model.predict(more)
    assert len(model.factored) == 2
    model.forget_masks()
    anew = model.predict(more)
    assert torch.allclose(extended.mean, anew.mean, atol=1e-4)
    assert torch.allclose(extended.variance, anew.variance, atol=1e-5)


def test_where_each_of_many_has_painted_to_is_extended(model):
    model.forget_masks()
    for size in (5, 8):
        for painter in range(12):
            model.predict(observe(pictures(1)[0], size, seed=painter))
    kept = [one for one in model.factored.values() if not one.is_extended]
    assert [len(one.factor.more) for one in kept] == [1] * 12 and len(model.factored) <= 12 + REMEMBERED


@pytest.mark.parametrize(
    "ask",
    [
        lambda model, known: model.predict(known).mean,
        lambda model, known: model.predict(known).sample(torch.Generator()),
        recon.sample,
    ],
)
def test_weights_that_are_no_numbers_are_a_sentence(model, ask):
    """Without them a mean of nothing, black, would be sure of itself."""
    broken, known = copy.deepcopy(model), observe(pictures(1)[0], 5)
    broken.base.log_prior[0] = torch.nan
    for each in (broken, broken.base):
        with pytest.raises(PredictionError, match="no numbers"):
            ask(each, known)


def test_moved_a_model_begins_anew_also_for_who_remembers_alone(model):
    known, moved = observe(pictures(1)[0], 8), copy.deepcopy(model)
    expected = moved.predict(known).mean
    with remembering(own := {}):
        for _ in range(4):
            assert moved.to("cpu").predict(known).mean.allclose(expected, atol=1e-6)
    assert len(own) == 4 * len(moved.at_work(moved.posterior(known))) + 4, "nothing is found in another's place"


def test_a_joint_density_is_of_what_was_observed(model):
    values, _ = pictures(2, seed=15)
    known = observe(values, 20)
    found = [each.log_likelihood(known, values) for each in (model, model.base)]
    other = torch.where(known.mask, torch.nan, values)
    assert [each.log_likelihood(known, other).tolist() for each in (model, model.base)] == [
        each.tolist() for each in found
    ]
    for wrong, told in ((255 * values, "between 0 and 1"), (values[:1], "shape")):
        for each in (model, model.base):
            with pytest.raises(PredictionError, match=told):
                each.log_likelihood(known, wrong)


def test_samples_are_of_one_image(model):
    known = observe(pictures(2)[0], 5)
    for each in (model, model.base):
        with pytest.raises(PredictionError, match="one image at a time, not for 2"):
            each.sample_joint(known, 2, torch.Generator())
