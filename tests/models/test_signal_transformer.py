"""Any samples to the law of any value: what must not matter does not, and every law is normalised."""

import math

import pytest
import torch

from recon.errors import PredictionError
from recon.models.attention import NEAR
from recon.models.signal_transformer import SignalTransformer, Values

TINY = {"width": 16, "heads": 2, "encoder_layers": 2, "decoder_layers": 2, "hidden": 24, "frequencies": 5}


def model(positions: int = 2, values: int = 1, bins: int = 3, **options) -> SignalTransformer:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        found = SignalTransformer(positions, values, bins=bins, **(TINY | options)).requires_grad_(False)
        for tensor in found.parameters():
            tensor.add_(0.2 * torch.randn(tensor.shape))
    found.centres.copy_(torch.rand(bins, values, generator=torch.Generator().manual_seed(1)))
    return found


def asked(generator, batch: int = 2, count: int = 7, queries: int = 5, positions: int = 2, values: int = 1) -> list:
    def between(*shape: int) -> torch.Tensor:
        return 2 * torch.rand(*shape, generator=generator) - 1

    present = torch.ones(batch, count, dtype=torch.bool)
    return [
        between(batch, count, positions),
        between(batch, count, values),
        present,
        between(batch, queries, positions),
    ]


def same(one: Values, other: Values) -> None:
    for name in ("log_weights", "means", "log_scales"):
        torch.testing.assert_close(getattr(one, name), getattr(other, name), atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("latents", [0, 4])
def test_neither_order_nor_padding_nor_other_queries_matter(generator, latents):
    found = model(latents=latents)
    where, what, present, queries = asked(generator)
    law = found(where, what, present, queries)
    order = torch.randperm(7, generator=generator)
    same(law, found(where[:, order], what[:, order], present, queries))
    junk = torch.full((2, 3, 1), torch.nan)
    padded = torch.cat([present, torch.zeros(2, 3, dtype=torch.bool)], 1)
    same(law, found(torch.cat([where, junk.expand(-1, -1, 2)], 1), torch.cat([what, junk], 1), padded, queries))
    alone = found(where, what, present, queries[:, 2:3])
    same(Values(law.log_weights[:, 2:3], law.means[:, 2:3], law.log_scales[:, 2:3]), alone)


@pytest.mark.parametrize("latents", [0, 4])
def test_a_memory_says_what_the_context_says(generator, latents):
    found = model(latents=latents)
    where, what, present, queries = asked(generator)
    whole = found.decode(found.encode(where, what, present), queries)
    torch.testing.assert_close(found.recall(found.remember(where, what), queries), whole, atol=1e-5, rtol=1e-4)


def test_a_memory_that_grows_is_attention_to_what_came_before(generator):
    """Cached equals uncached: all samples at once, each of which may look at its own group and at those before it."""
    found = model()
    where, what, _, queries = asked(generator, count=9)
    memory = found.remember(where[:, :4], what[:, :4])
    for first, last in ((4, 6), (6, 9)):
        memory = found.extend(memory, where[:, first:last], what[:, first:last])
    group = torch.tensor([0] * 5 + [1, 1] + [2] * 3)  # the first is the sample that is always there
    x = found.begun(found.embedded_samples(where, what))
    for layer in found.encoder:
        x = layer(x, layer.keys(x), group[:, None] >= group)
    whole = found.decode((x, None), queries)
    torch.testing.assert_close(found.recall(memory, queries), whole, atol=1e-5, rtol=1e-4)
    assert (
        whole - found.decode(found.encode(where, what, torch.ones(2, 9, dtype=torch.bool)), queries)
    ).abs().max() > 1e-4
    with pytest.raises(PredictionError, match="anew"):
        latent = model(latents=4)
        latent.extend(latent.remember(where, what), where, what)


def test_a_network_that_looks_near_begins_with_what_is_near(generator):
    """Before any training: of samples at a query's place, near it and far from it, the nearer ones weigh more."""
    torch.manual_seed(0)
    found = SignalTransformer(2, 1, **(TINY | {"width": 32, "frequencies": 32, "scale": 0.5}), near=True)
    start = 1.4 * torch.rand(200, 1, 2, generator=generator) - 1
    places = torch.cat([start, start + 0.05, start + 0.5], 1)
    x = torch.cat([found.embedded(places), torch.zeros(200, 3, 16)], -1)
    for layer in (*found.encoder, *found.decoder):
        logits = (layer.split(layer.query(x)) @ layer.keys(x)[0].transpose(2, 3) / 16**0.5).mean((0, 1))[0]
        assert logits[0] > logits[1] > logits[2] + 2 and 0.8 < logits[0] / NEAR < 1.25


@pytest.mark.parametrize("values", [1, 3])
def test_bins_begin_as_what_they_are_made_from(generator, values):
    drawn = torch.rand(5000, values, generator=generator).square()
    found = SignalTransformer(2, values, bins=4, **TINY).requires_grad_(False)
    found.begin_at(drawn[:4].clone(), drawn)
    found.head.weight.zero_()
    law = found(*asked(generator, values=values))
    torch.testing.assert_close(law.mean[0, 0], drawn.mean(0), atol=1e-2, rtol=0)
    assert law.log_weights.exp().sum(-1).allclose(torch.ones(2, 5))
    assert ((law.variance[0, 0] / drawn.var(0)).log2().abs() < 1).all()


def test_what_is_absent_leaves_the_gradient_alone(generator):
    found = model().requires_grad_(True)
    where, what, present, queries = asked(generator)
    present[0, 3:] = False
    found(where, what.masked_fill(~present[..., None], torch.nan), present, queries).mean.sum().backward()
    assert all(weight.grad.isfinite().all() for weight in found.parameters() if weight.grad is not None)


@pytest.mark.parametrize("latents", [0, 4])
def test_every_sample_matters_and_there_may_be_none(generator, latents):
    found = model(latents=latents)
    where, what, present, queries = asked(generator)
    law = found(where, what, present, queries)
    for k in range(7):
        moved = what.clone()
        moved[:, k] += 0.5
        assert (found(where, moved, present, queries).mean - law.mean).abs().max() > 1e-6
    nothing = found(where[:, :0], what[:, :0], present[:, :0], queries)
    assert nothing.mean.isfinite().all()
    same(nothing, found(where, what, torch.zeros_like(present), queries))


def test_a_law_is_a_density_with_the_moments_it_says(generator):
    law = model()(*asked(generator))
    axis = torch.linspace(-150, 150, 1_000_001, dtype=torch.float64)
    wide = Values(*(tensor[:, :, None].expand(-1, -1, 1, *tensor.shape[2:]).flatten(1, 2) for tensor in
                    (law.log_weights.double(), law.means.double(), law.log_scales.double())))  # fmt: skip
    for query in range(3):
        one = Values(wide.log_weights[:1, query : query + 1], wide.means[:1, query : query + 1],
                     wide.log_scales[:1, query : query + 1])  # fmt: skip
        many = Values(*(t.expand(-1, len(axis), *t.shape[2:]) for t in (one.log_weights, one.means, one.log_scales)))
        density = many.log_prob(axis[None, :, None]).exp()[0]
        mass = torch.trapezoid(density, axis)
        mean = torch.trapezoid(density * axis, axis)
        assert abs(mass.item() - 1) < 1e-3
        assert abs(mean.item() - one.mean.item()) < 1e-3
        spread = torch.trapezoid(density * (axis - mean).square(), axis)
        assert math.isclose(spread.item(), one.variance.item(), rel_tol=1e-2)
        below = torch.trapezoid(density[axis <= 0.3], axis[axis <= 0.3])
        assert abs(below.item() - one.cdf(torch.full((1, 1, 1), 0.3).double()).item()) < 1e-3


def test_in_three_dimensions_it_integrates_to_one(generator):
    found = model(positions=1, values=3, bins=4)
    law = found(*asked(generator, batch=1, queries=1, positions=1, values=3))
    wide = law.log_scales.exp().max().item()
    generator.manual_seed(5)
    # by importance sampling from a Gaussian that covers it
    centre, scale = law.mean[0, 0], law.variance[0, 0].sqrt() * 1.5 + wide
    drawn = centre + scale * torch.randn(400_000, 3, generator=generator)
    proposal = torch.distributions.Normal(centre, scale).log_prob(drawn).sum(-1)
    many = Values(*(t.expand(-1, len(drawn), *t.shape[2:]) for t in (law.log_weights, law.means, law.log_scales)))
    weights = (many.log_prob(drawn[None])[0] - proposal).exp()
    assert abs(weights.mean().item() - 1) < 4 * weights.std().item() / len(drawn) ** 0.5 + 1e-3


def test_samples_have_the_standard_deviation_of_the_law(generator):
    """Not its variance, as in the released code."""
    law = Values(torch.zeros(1, 1, 1), torch.zeros(1, 1, 1, 2), torch.full((1, 1, 1), math.log(0.2)))
    many = Values(*(t.expand(-1, 50_000, *t.shape[2:]) for t in (law.log_weights, law.means, law.log_scales)))
    assert many.sample(generator).std().item() == pytest.approx(0.2, rel=0.02)
    assert many.sample(generator, temperature=0.25).std().item() == pytest.approx(0.1, rel=0.02)
    weights = torch.tensor([0.8, 0.2]).log().expand(1, 50_000, 2)
    means = torch.tensor([0.0, 5.0])[:, None].expand(1, 50_000, 2, 1)
    two = Values(weights, means, torch.full((1, 50_000, 2), -5.0))
    assert (two.sample(generator) > 2).double().mean().item() == pytest.approx(0.2, abs=0.01)
    assert (two.sample(generator, 0.5) > 2).double().mean().item() == pytest.approx(0.04 / 0.68, abs=0.01)


def test_dropout_needs_a_generator_and_obeys_its_seed(generator):
    found = model(dropout=0.5)
    given = asked(generator)
    same(found(*given), found(*given))
    one, again, other = (found(*given, generator=torch.Generator().manual_seed(seed)).mean for seed in (1, 1, 2))
    assert torch.equal(one, again) and not torch.equal(one, other)


def test_it_learns_what_lies_between_two_samples():
    """Straight lines: two samples say everything."""
    torch.manual_seed(0)
    generator = torch.Generator().manual_seed(0)
    found = SignalTransformer(1, 1, **(TINY | {"width": 32, "hidden": 48, "dropout": 0.0, "scale": 0.5}))
    optimiser = torch.optim.Adam(found.parameters(), lr=1e-3)
    losses = []
    for _ in range(150):
        line = torch.randn(64, 2, 1, generator=generator)
        where, queries = (2 * torch.rand(64, n, 1, generator=generator) - 1 for n in (4, 8))
        what, truth = (line[:, :1] + line[:, 1:] * x for x in (where, queries))
        loss = -found(where, what, torch.ones(64, 4, dtype=torch.bool), queries).log_prob(truth).mean()
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(found.parameters(), 1.0)
        optimiser.step()
        losses.append(loss.item())
    assert sum(losses[-10:]) / 10 < sum(losses[:10]) / 10 - 0.7


def test_what_it_refuses():
    for wrong in ({"width": 18}, {"encoder_layers": 0}, {"bins": 0}):
        with pytest.raises(PredictionError, match="one of everything"):
            SignalTransformer(2, 1, **(TINY | wrong))
