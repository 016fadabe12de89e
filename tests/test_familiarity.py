"""Familiarity: what explains observed pixels, and when that is said."""

import json
import math

import pytest
import torch

import recon
from recon import Observation, familiarity, patches
from recon.errors import PredictionError
from recon.familiarity import SIZES, Judge, doubt, interpolate, judged, log_evidence, several_patches
from recon.models.factored import Factored


@pytest.fixture(scope="module")
def judge():
    return Judge()


@pytest.fixture(scope="module")
def faces(judge):
    """Faces as the scale mixture draws them: of its own kind by construction."""
    model = judge.closed_form("celeba")
    nothing = Observation(torch.zeros(1, 3, 32, 32), torch.zeros(1, 1, 32, 32, dtype=torch.bool))
    return recon.sample(model, nothing, count=60, seed=3)


def observed(picture: torch.Tensor, size: int = 64) -> Observation:
    return Observation(picture[None], torch.from_numpy(patches.sobol(32, size))[None, None])


def test_faces_are_rarely_doubted_and_others_are(judge, faces):
    def doubts(data_set, pictures):
        return [found for picture in pictures if (found := judge.doubt(data_set, observed(picture)))]

    noise = torch.rand(20, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    assert len(doubts("celeba", faces)) <= 3
    assert [found.looks_like for found in doubts("celeba", noise)] == ["noise"] * 20
    assert len(doubts("celeba", 1 - faces)) >= 57
    assert len(doubts("landscapes", faces)) >= 48


def test_one_question_needs_no_judge(judge, faces):
    asked = observed(1 - faces[0])
    found = doubt("celeba", asked)
    assert found is not None and found == judge.doubt("celeba", asked)


def test_a_judge_asks_for_each_closed_form_once(judge, faces):
    asked = []
    fresh = Judge(lambda name: asked.append(name) or judge.closed_form(name))
    for face in faces[:3]:
        assert fresh.doubt("celeba", observed(face)) == judge.doubt("celeba", observed(face))
    assert sorted(asked) == ["celeba", "cifar10", "landscapes"]


def test_the_evidence_is_the_density_of_a_scale_mixture(judge, faces):
    """Against the sum over scales of multivariate normal densities."""
    model = judge.closed_form("celeba")
    mask = torch.from_numpy(patches.random(32, 12, seed=1)).flatten()
    dims = mask.repeat(3)
    values = faces[:5].flatten(1)[:, dims].double()
    covariance = model.covariance()[dims][:, dims].double()
    total = []
    for log_scale, log_weight in zip(model.log_scales, model.log_prior, strict=True):
        law = torch.distributions.MultivariateNormal(model.location[dims].double(), covariance * log_scale.exp())
        total.append(law.log_prob(values) + log_weight)
    expected = torch.logsumexp(torch.stack(total), 0) / int(dims.sum())
    assert log_evidence(model, Factored(model.covariance(), 3, mask), faces[:5]).allclose(expected, atol=1e-3)


@pytest.mark.parametrize("data_set", ["celeba", "cifar10"])
def test_a_negative_is_as_much_better_explained_as_its_negative_is_worse(judge, faces, data_set):
    """By Gaussians, and by a classifier."""
    mask = torch.from_numpy(patches.sobol(32, 32)).flatten()
    there, back = (judge.excesses(data_set, mask, pictures) for pictures in (faces[:4], 1 - faces[:4]))
    assert there["negative"].allclose(-back["negative"], atol=1e-5)
    assert set(there) == {"noise", "negative", *judge.others(data_set)}


def test_what_is_on_its_way_is_not_waited_for(judge, faces):
    asked = []

    def load(name):
        asked.append(name)
        return judge.closed_form(name)

    lonely = Judge(load, lambda name: False)
    found = lonely.excesses("celeba", torch.from_numpy(patches.sobol(32, 32)).flatten(), faces[:2])
    assert set(found) == {"noise", "negative"} and asked == ["celeba"]
    assert lonely.doubt("celeba", observed(1 - faces[0])) is not None


def test_questions_that_are_none_are_sentences(judge, faces):
    with pytest.raises(PredictionError, match="no image set 'celebA'"):
        judge.doubt("celebA", observed(faces[0]))
    with pytest.raises(PredictionError, match="at a time, not 2"):
        judge.doubt("celeba", observed(faces[0]).repeat(2))
    with pytest.raises(PredictionError, match="3-channel"):
        judge.doubt("celeba", observed(faces[0, :1]))
    with pytest.raises(PredictionError, match="32 x 32"):
        judge.doubt("landscapes", Observation(torch.rand(1, 3, 64, 64), torch.ones(1, 1, 64, 64, dtype=torch.bool)))


def test_large_pictures_are_told_from_negatives_at_half_their_side(judge):
    model = judge.closed_form("landscapes")
    nothing = Observation(torch.zeros(1, 3, 32, 32), torch.zeros(1, 1, 32, 32, dtype=torch.bool))
    small = recon.sample(model, nothing, count=3, seed=1)
    large = small.repeat_interleave(2, 2).repeat_interleave(2, 3)
    mask = torch.from_numpy(patches.sobol(32, 40))
    single = torch.zeros(64, 64, dtype=torch.bool)  # one pixel of each block
    single[::2, 1::2] = mask
    fine, coarse = judge.closed_form("landscapes64"), Factored(model.covariance(), 3, mask.flatten())
    odds = judge.log_odds("landscapes64", Factored(fine.covariance(), 3, single.flatten()), large)
    assert odds.allclose(judge.log_odds("landscapes", coarse, small), atol=1e-4)
    assert judge.log_odds("celeba64", coarse, large) is None, "a Gaussian sees those"


def test_few_pixels_and_unknown_sets_are_not_judged(judge):
    noise = torch.rand(3, 32, 32, generator=torch.Generator().manual_seed(0))
    assert judge.doubt("celeba", observed(noise, 7)) is None
    assert judge.doubt("binarized_mnist", observed(noise)) is None


def test_of_many_pixels_an_even_choice_is_judged():
    everything = torch.ones(32, 32, dtype=torch.bool)
    assert judged(everything).view(32, 32).equal(torch.from_numpy(patches.sobol(32, 256)))
    few = torch.from_numpy(patches.random(32, 100, seed=0))
    assert judged(few).equal(few.flatten())


def test_thresholds_between_sizes():
    limits = [0.6, 0.5, 0.4, 0.3, 0.2, -0.1]
    assert interpolate(math.log2(16), limits) == pytest.approx(0.5)
    assert interpolate(math.log2(math.sqrt(16 * 32)), limits) == pytest.approx(0.45)
    assert interpolate(math.log2(256), limits) == 0, "what explains worse is no reason to doubt"


def test_measured_thresholds_doubt_as_often_as_they_should(judge, faces):
    """All reasons together, but for thresholds below 0, which doubt nobody; less often where nearly all negatives are
    caught nevertheless."""
    found = judge.measure("celeba", faces)
    assert {len(limits) for limits in found.values()} == {len(SIZES)}
    for k, size in enumerate(SIZES):
        doubted, caught = [], []
        for mask in several_patches(32, size, 0):
            each = judge.excesses("celeba", mask, faces)
            others = [each[name] > max(0, found[name][k]) for name in each if name != "negative"]
            doubted.append(torch.stack([*others, each["negative"] > found["negative"][k]]).any(0))
            caught.append(-each["negative"] > found["negative"][k])
        share, caught = (torch.cat(of).double().mean().item() for of in (doubted, caught))
        aimed = familiarity.aimed_at(len(faces))
        assert share <= max(aimed, sum(familiarity.ALARMS.values())) + 0.01
        assert share >= aimed - 0.01 or caught >= familiarity.CAUGHT - 0.001


def test_of_few_pictures_less_is_asked_than_of_many():
    shares = [familiarity.aimed_at(count) for count in (10, 500, 2000, 10**8)]
    assert shares == pytest.approx([0, 0.0305, 0.0403, 0.05], abs=1e-4)


@pytest.mark.parametrize("path", sorted(familiarity.FOLDER.glob("*.json")), ids=lambda path: path.stem)
def test_what_is_shipped(path, judge):
    said = json.loads(path.read_text())
    assert set(said) == {"noise", "negative", *judge.others(path.stem)}
    assert all(len(limits) == len(SIZES) for limits in said.values())
