"""What models of curves, shapes and clips have in common: samples anywhere, in any order, of any number."""

import pytest
import torch

from recon import Samples
from recon.clips import kinds
from recon.curves import sextics
from recon.errors import PredictionError
from recon.models import ClipTransformer, CurveTransformer, ShapeTransformer
from recon.shapes import chairs

TINY = {"width": 16, "heads": 2, "encoder_layers": 1, "decoder_layers": 1, "hidden": 24, "frequencies": 5}
KNOWN, ASKED = 12, 7


def curve():
    return CurveTransformer(transformer=TINY)


def shape():
    found = ShapeTransformer(side=8, rank=6, transformer=TINY | {"bins": 3})
    found.process.fit(chairs.draw(30, torch.Generator().manual_seed(0)))
    return found


def clip():
    return ClipTransformer(transformer=TINY | {"bins": 3})


@pytest.fixture(params=[curve, shape, clip], ids=lambda made: made.__name__)
def asked(request):
    """A model, and samples of two signals that it knows, with queries"""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = request.param().requires_grad_(False)
    model.transformer.head.weight.mul_(20)  # it says more than what it stands on
    generator = torch.Generator().manual_seed(1)
    places, queries = (2 * torch.rand(2, size, model.dimensions, generator=generator) - 1 for size in (KNOWN, ASKED))
    values = {
        curve: lambda: sextics.values_at(sextics.draw(2, generator), places).float(),
        shape: lambda: chairs.draw(2, generator).distance(places),
        clip: lambda: kinds.KINDS["beach"](2, generator).value(places),
    }[request.param]()
    return model, Samples(places, values[..., None]), queries


def apart(one, other):
    places = torch.linspace(-1, 1, 9).view(9, 1, 1, 1)
    return max((one.cdf(place) - other.cdf(place)).abs().max().item() for place in places)


def test_it_answers_samples_anywhere(asked):
    model, samples, queries = asked
    law = model.predict_at(samples, queries.double())
    known = samples.positions, samples.values[..., 0], torch.ones(2, KNOWN, dtype=torch.bool)
    assert law.mean.shape == law.variance.shape == (2, ASKED, 1)
    assert apart(law, model.law(*known, queries)) == 0 and apart(law, model.predict_at(samples, -queries)) > 1e-3


def test_their_order_changes_nothing(asked):
    model, samples, queries = asked
    order = torch.randperm(KNOWN, generator=torch.Generator().manual_seed(2))
    turned = Samples(samples.positions[:, order], samples.values[:, order])
    assert apart(model.predict_at(samples, queries), model.predict_at(turned, queries)) < 1e-3


@pytest.mark.parametrize("absent", [0.3, 1e6, torch.nan])
def test_what_is_not_present_changes_nothing(asked, absent):
    model, samples, queries = asked
    first = Samples(samples.positions[:1, :5], samples.values[:1, :5])
    more = [torch.full_like(part, absent) for part in (samples.positions[:1, :5], samples.values[:1, :5])]
    positions = torch.cat([samples.positions[:1, :5], more[0]], 1), torch.cat([samples.values[:1, :5], more[1]], 1)
    padded = Samples(*positions, (torch.arange(10) < 5)[None])
    assert apart(model.predict_at(first, queries[:1]), model.predict_at(padded, queries[:1])) < 1e-3
    # and so of a batch each gets the answer that it would get alone
    present = torch.arange(KNOWN) < torch.tensor([[5], [KNOWN]])
    both = model.predict_at(Samples(samples.positions, samples.values, present), queries)
    alone = model.predict_at(first, queries[:1])
    assert (both.mean[:1] - alone.mean).abs().max() < 1e-3 and both.mean.isfinite().all()


def test_samples_of_something_else_are_refused(asked):
    model, samples, queries = asked
    with pytest.raises(PredictionError, match="one value"):
        model.predict_at(Samples(samples.positions, samples.values.expand(-1, -1, 3)), queries)
    with pytest.raises(PredictionError, match=f"position of {model.dimensions}"):
        model.predict_at(Samples(samples.positions.repeat(1, 1, 2), samples.values), queries)
    with pytest.raises(PredictionError, match="Queries"):
        model.predict_at(samples, queries[:1])
