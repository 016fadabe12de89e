"""ConvNADE: the paper's sizes, no leak from hidden pixels, and heads that mean what they say."""

import json

import pytest
import torch
from torch.nn import functional as F

import recon
from recon import Observation, hub
from recon.distributions import Bernoulli, Beta, GaussianMixture
from recon.errors import PredictionError
from recon.models import ConvNADE
from recon.models.dropout import drop


def tiny(head: str = "beta", channels: int = 3, side: int = 24, **arguments) -> ConvNADE:
    torch.manual_seed(0)
    return ConvNADE(side=side, channels=channels, head=head, width=3, components=4, **arguments).eval()


def some_mask(side: int = 24, count: int = 1) -> torch.Tensor:
    return torch.rand(count, 1, side, side, generator=torch.Generator().manual_seed(3)) < 0.3


HEADS = [("bernoulli", 1), ("bernoulli", 3), ("beta", 1), ("beta", 3), ("mog", 1), ("mog", 3)]


def test_the_papers_number_of_parameters():
    assert sum(p.numel() for p in ConvNADE().parameters()) == 868_806
    assert sum(p.numel() for p in tiny().parameters()) < 5_000, "the width can shrink"


def test_the_papers_layer_sizes():
    model, sizes = tiny(side=32), []
    for layer in model.layers:
        layer.register_forward_hook(lambda layer, inputs, output: sizes.append(output.shape[-1]))
    model(torch.zeros(1, 3, 32, 32), some_mask(32))
    assert sizes == [25, 22, 17, 11, 17, 22, 25, 32]
    binary = ConvNADE(channels=1, head="bernoulli", width=1)
    assert binary.layers[0].in_channels == 2 and binary.layers[-1].out_channels == 1
    assert ConvNADE(width=1).layers[0].in_channels == 4 and ConvNADE(width=1).layers[-1].out_channels == 6


@pytest.mark.parametrize(("head", "channels"), HEADS)
def test_hidden_pixels_cannot_leak_by_gradient(head, channels):
    model, mask = tiny(head, channels), some_mask()
    values = torch.rand(1, channels, 24, 24, requires_grad=True)
    (gradient,) = torch.autograd.grad(model(values, mask).square().sum(), values)
    seen = mask.expand_as(values)
    assert (gradient[~seen] == 0).all() and (gradient[seen] != 0).any()


@pytest.mark.parametrize("garbage", [float("nan"), float("inf"), -7.0, 1e30])
@pytest.mark.parametrize(("head", "channels"), HEADS)
def test_hidden_values_change_nothing(head, channels, garbage):
    model, mask = tiny(head, channels), some_mask(count=2)
    values = (torch.rand(2, channels, 24, 24, generator=torch.Generator().manual_seed(4)) > 0.5).float()
    clean = model.predict(Observation(values, mask))
    dirty = model.predict(Observation(torch.where(mask, values, garbage), mask))
    assert clean.mean.equal(dirty.mean) and clean.variance.equal(dirty.variance)
    assert clean.log_prob(values).equal(dirty.log_prob(values))
    assert (clean.mean == values)[mask.expand_as(values)].all()


@pytest.mark.parametrize("head", ["bernoulli", "beta", "mog"])
def test_a_pixel_seen_matters(head):
    model, mask = tiny(head), some_mask()
    black, hidden = torch.zeros(1, 3, 24, 24), ~mask.expand(1, 3, -1, -1)
    found, white, nothing = (
        model.predict(known).mean[hidden]
        for known in (Observation(black, mask), Observation(black + 1, mask), Observation(black, mask & False))
    )
    assert not found.equal(white)
    assert not found.equal(nothing), "an observed black pixel is not an unknown one"


@pytest.mark.parametrize(("head", "channels"), HEADS)
def test_a_batch_is_as_one_by_one(head, channels):
    model, mask = tiny(head, channels), some_mask(count=3)
    known = Observation(torch.ones(3, channels, 24, 24), mask)
    together = model.predict(known)
    assert together.mean.shape == (3, channels, 24, 24)
    for k in range(3):
        alone = model.predict(Observation(known.values[k : k + 1], mask[k : k + 1]))
        assert torch.allclose(together.mean[k], alone.mean[0], atol=1e-5)


def test_the_order_of_the_beta_parameters():
    """alpha_r, beta_r, alpha_g, beta_g, alpha_b, beta_b, each after a softplus."""
    output = torch.arange(6.0).view(1, 6, 1, 1).expand(1, 6, 24, 24)
    found = tiny("beta").parameterise(output)
    assert isinstance(found, Beta) and found.clamp == 1e-5
    assert torch.allclose(found.alpha[0, :, 0, 0], F.softplus(torch.tensor([0.0, 2, 4])), atol=1e-5)
    assert torch.allclose(found.beta[0, :, 0, 0], F.softplus(torch.tensor([1.0, 3, 5])), atol=1e-5)
    assert tiny("beta", clamp=1e-3).parameterise(output).clamp == 1e-3


def test_shapes_never_vanish():
    found = tiny("beta").parameterise(torch.full((1, 6, 24, 24), -200.0))
    assert (found.alpha > 0).all() and found.log_prob(torch.rand(1, 3, 24, 24)).isfinite().all()


def test_the_order_of_the_mixture_parameters():
    """A channel's weights, then its means, then its scales; channel after channel."""
    output = torch.arange(36.0).view(1, 36, 1, 1).expand(1, 36, 24, 24) / 100
    found = tiny("mog").parameterise(output)
    assert isinstance(found, GaussianMixture) and found.means.shape == (1, 3, 4, 24, 24)
    assert found.log_weights[0, 1, :, 0, 0].tolist() == pytest.approx([0.12, 0.13, 0.14, 0.15])
    assert found.means[0, 1, :, 0, 0].tolist() == pytest.approx([0.16, 0.17 + 1 / 3, 0.18 + 2 / 3, 1.19])
    assert found.log_scales[0, 1, :, 0, 0].tolist() == pytest.approx([-1.8, -1.79, -1.78, -1.77])
    wild = tiny("mog").parameterise(torch.full((1, 36, 24, 24), -1e4))
    assert wild.log_scales.min() == -7, "about a quarter of a level"


def test_the_binary_head():
    model = tiny("bernoulli", 1)
    assert model.binary and not tiny("beta").binary
    found = model.parameterise(torch.full((1, 1, 24, 24), 2.0))
    assert isinstance(found, Bernoulli) and torch.allclose(found.mean, torch.tensor(2.0).sigmoid())


def test_dropout_is_its_generators():
    model, mask, values = tiny(dropout=0.5), some_mask(), torch.rand(1, 3, 24, 24)
    first, second, third = (model(values, mask, torch.Generator().manual_seed(seed)) for seed in (1, 1, 2))
    assert first.equal(second) and not first.equal(third)
    state = torch.get_rng_state()
    model(values, mask, torch.Generator())
    assert torch.get_rng_state().equal(state), "the global generator is left alone"
    assert model(values, mask).equal(model(values, mask)), "without a generator there is none"
    assert tiny(dropout=0.0)(values, mask, torch.Generator()).equal(tiny(dropout=0.0)(values, mask))


def test_dropout_is_after_layers_2_to_7(monkeypatch):
    sizes = []
    monkeypatch.setattr("recon.models.convnade.drop", lambda hidden, *_: sizes.append(hidden.shape[-1]) or hidden)
    model = tiny(side=32)
    model(torch.zeros(1, 3, 32, 32), some_mask(32), torch.Generator())
    assert sizes == [22, 17, 11, 17, 22, 25]


def test_dropout_keeps_the_mean(generator):
    dropped = drop(torch.ones(100, 1000), 0.3, generator)
    assert (dropped == 0).float().mean().item() == pytest.approx(0.3, abs=0.01)
    assert dropped.mean().item() == pytest.approx(1, abs=0.02)


def test_what_does_not_fit():
    with pytest.raises(PredictionError, match="bernoulli, beta, mog"):
        ConvNADE(head="gamma")
    with pytest.raises(PredictionError, match="at least 22 pixels"):
        ConvNADE(side=16)
    with pytest.raises(PredictionError, match="3-channel"):
        tiny("beta").predict(Observation(torch.zeros(1, 1, 24, 24), some_mask()))
    with pytest.raises(PredictionError, match="24 x 24"):
        tiny("beta").predict(Observation(torch.zeros(1, 3, 32, 32), some_mask(32)))


@pytest.mark.parametrize(("head", "channels"), HEADS)
def test_save_and_load(tmp_path, head, channels):
    model = tiny(head, channels, clamp=1e-4)
    model.save_pretrained(tmp_path)
    path = tmp_path / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"checkpoint": {"kind": "convnade"}}))
    again = hub.read(tmp_path)
    known = Observation(torch.ones(1, channels, 24, 24), some_mask())
    assert again.predict(known).mean.equal(model.predict(known).mean)
    assert (again.head, again.clamp, again.components, again.binary) == (head, 1e-4, 4, head == "bernoulli")


def test_it_samples(generator):
    known = Observation(torch.rand(1, 3, 24, 24), some_mask())
    assert recon.sample(tiny("mog"), known, count=2, steps=3).shape == (2, 3, 24, 24)
