import math

import pytest
import torch

from recon.errors import PredictionError
from recon.models.directed import LEVELS, dequantised, quantised
from recon.models.mcgsm import MCGSM, ConditionalMixture


def some(inputs=5, seed=0, **sizes):
    """A mixture whose every parameter matters."""
    torch.manual_seed(seed)
    found = ConditionalMixture(inputs, **{"components": 3, "scales": 2, "features": 4, **sizes})
    x = torch.randn(500, inputs)
    found.precondition(x, x[:, 0] * 0.3 + 0.1 * torch.randn(500))
    for tensor in found.parameters():
        tensor.data += 0.3 * torch.randn_like(tensor)
    return found.requires_grad_(False)


def picture_model(seed=0, **sizes):
    torch.manual_seed(seed)
    model = MCGSM(**{"above": 2, "beside": 2, "components": 3, "scales": 2, "features": 4, **sizes})
    values = torch.rand(1, 40, 40)
    places = model.window.inner(40, 40).flatten().nonzero()[:, 0]
    model.mixture.precondition(model.window.at(values[0], places), values.flatten()[places])
    for tensor in model.parameters():
        tensor.data += 0.1 * torch.randn_like(tensor)
    return model.requires_grad_(False)


def test_the_density_integrates_to_one():
    mixture = some()
    y = torch.linspace(-20, 20, 200_001).double()
    for x in torch.randn(4, 5, generator=torch.Generator().manual_seed(1)):
        density = mixture.double().log_prob(x.double().expand(len(y), -1), y).exp()
        assert torch.trapezoid(density, y).item() == pytest.approx(1, abs=1e-6)


def test_it_is_the_papers_formula():
    """Written out for one x and y, in whitened coordinates."""
    m = some().double()
    x, y = torch.randn(5, generator=torch.Generator().manual_seed(2)).double(), torch.tensor(0.2).double()
    xw = m.whitening @ (x - m.centre)
    yw = (y - m.level - m.slope @ (x - m.centre)) / m.spread
    gate, expert = [], []
    for c in range(3):
        for s in range(2):
            alpha = m.precisions[c, s]
            energy = sum(m.weights[c, n] ** 2 * (m.features[:, n] @ xw) ** 2 for n in range(4))
            gate.append(m.priors[c, s] - 0.5 * alpha.exp() * energy)
            off = yw - m.predictors[:, c] @ xw
            expert.append(0.5 * alpha - 0.5 * math.log(2 * math.pi) - 0.5 * alpha.exp() * off**2)
    expected = torch.logsumexp(torch.stack(gate).log_softmax(0) + torch.stack(expert), 0) - m.spread.log()
    assert m.log_prob(x, y).item() == pytest.approx(expected.item(), abs=1e-9)


def test_samples_have_the_density():
    mixture, x = some(), torch.tensor([0.3, -1.0, 0.5, 0.2, 1.0])
    mixture.range.copy_(torch.tensor([-50.0, 50.0]))
    filters, constant = mixture.filters()
    linear = (x @ filters + constant).expand(100_000, -1)
    drawn = mixture.sample(linear, torch.Generator().manual_seed(3))
    y = torch.linspace(-20, 20, 100_001)
    density = mixture.log_prob(x.expand(len(y), -1), y).exp()
    mean = torch.trapezoid(density * y, y)
    spread = torch.trapezoid(density * (y - mean) ** 2, y).sqrt()
    assert drawn.mean().item() == pytest.approx(mean.item(), abs=4 * spread.item() / math.sqrt(1e5))
    assert drawn.std().item() == pytest.approx(spread.item(), rel=0.03)


def test_whitening_makes_the_best_linear_predictor():
    generator = torch.Generator().manual_seed(4)
    x = torch.randn(4000, 3, generator=generator)
    y = x @ torch.tensor([0.5, -0.2, 0.1]) + 0.7 + 0.05 * torch.randn(4000, generator=generator)
    mixture = ConditionalMixture(3, components=1, scales=1, features=1)
    mixture.precondition(x, y)
    for tensor in (mixture.predictors, mixture.precisions, mixture.weights):
        tensor.data.zero_()
    assert mixture.slope.tolist() == pytest.approx([0.5, -0.2, 0.1], abs=0.01)
    assert mixture.spread.item() == pytest.approx(0.05, rel=0.05)
    best = -0.5 * math.log(2 * math.pi * math.e) - mixture.spread.log().item()
    assert mixture.log_prob(x, y).mean().item() == pytest.approx(best, abs=1e-4)


def test_what_never_varies_is_no_trouble():
    mixture = ConditionalMixture(3)
    mixture.precondition(torch.full((100, 3), 0.5), torch.full((100,), 0.5))
    assert mixture.log_prob(torch.full((2, 3), 0.5), torch.full((2,), 0.5)).isfinite().all()


def test_levels_have_masses_that_add_up_to_one():
    model = picture_model()
    image = torch.randint(0, 256, (1, 6, 6), generator=torch.Generator().manual_seed(5), dtype=torch.uint8)
    linear = model.linear((image.float() + 0.5) / LEVELS)[0, 3, 3]
    levels = torch.arange(LEVELS).float()
    total = model.mixture.log_mass_of(levels, linear.expand(LEVELS, -1)).exp().sum()
    assert total.item() == pytest.approx(1, abs=1e-4)
    assert model.log_mass(image).shape == (1, 6, 6)


def test_no_pixel_sees_those_after_it():
    model = picture_model()
    values = torch.rand(1, 7, 9, generator=torch.Generator().manual_seed(6))
    changed = values.clone()
    changed[0, 3, 4] += 0.2
    moved = (model.log_prob(values) != model.log_prob(changed))[0]
    assert moved[3, 4] and not moved[:3].any() and not moved[3, :4].any()
    assert moved[3, 5:7].any() and not moved[3, 7:].any() and not moved[6:].any()


def test_a_whole_picture_has_a_density_that_sums_to_one():
    """Over all pictures of two pixels, on a grid."""
    model = picture_model().double()
    y = torch.linspace(-6, 7, 900).double()
    values = torch.stack(torch.meshgrid(y, y, indexing="ij"), -1).view(-1, 1, 2)
    density = model.log_prob(values).sum((1, 2)).exp().view(900, 900)
    assert torch.trapezoid(torch.trapezoid(density, y), y).item() == pytest.approx(1, abs=1e-4)


@pytest.mark.parametrize("sizes", [{"components": 0}, {"scales": 0}, {"features": 0}])
def test_sizes_are_at_least_one(sizes):
    with pytest.raises(PredictionError, match="at least one"):
        MCGSM(**sizes)


def test_levels_come_back():
    image = torch.arange(256, dtype=torch.uint8).view(1, 16, 16)
    assert quantised(dequantised(image)).equal(image)
    assert quantised(dequantised(image, torch.Generator().manual_seed(0))).equal(image)
