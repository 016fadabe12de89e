"""Colour: luma, then chroma given luma; its density is one of R, G and B."""

import math

import pytest
import torch

from recon.errors import DataError, PredictionError
from recon.models.colour import LOG_DET, TO_PLANES, Colour, GuidedMCGSM, GuidedWindow, colours_of, planes_of
from recon.models.window import Window
from recon.textures.fit_colour import fit_chroma, fit_colour, rows_learned

SMALL = {"above": 1, "beside": 1, "components": 2, "scales": 2, "features": 3}


def model(kind: str = "mcgsm") -> Colour:
    torch.manual_seed(0)
    ride = {"hidden": 4} if kind == "ride" else {}
    return Colour(luma={"kind": kind, **SMALL, **ride}, chroma={"reach": 1, **SMALL})


def pictures(count: int, side: int = 24) -> torch.Tensor:
    """Coloured waves, uint8 (count, 3, side, side)"""
    generator = torch.Generator().manual_seed(1)
    rows, columns = torch.meshgrid(torch.arange(side), torch.arange(side), indexing="ij")
    phase = 6 * torch.rand(count, 3, 1, 1, generator=generator)
    waves = 128 + 60 * torch.sin(rows / 3 + phase) + 30 * torch.cos(columns / 2 - phase)
    return (waves + 8 * torch.randn(waves.shape, generator=generator)).clamp(0, 255).to(torch.uint8)


def test_planes_are_those_of_jpeg_and_go_back():
    image = torch.rand(2, 3, 5, 4, generator=torch.Generator().manual_seed(0))
    planes = planes_of(image)
    assert planes.min() >= 0 and planes.max() <= 1
    assert torch.allclose(colours_of(planes), image, atol=1e-6)
    for colour, expected in [
        ((1, 1, 1), (1, 0.5, 0.5)),
        ((1, 0, 0), (0.299, 0.33126, 1)),
        ((0, 0, 1), (0.114, 1, 0.41869)),
    ]:
        found = planes_of(torch.tensor(colour, dtype=torch.float32)[:, None, None]).flatten()
        assert torch.allclose(found, torch.tensor(expected, dtype=torch.float32), atol=1e-5)
    assert math.isclose(LOG_DET, math.log(torch.linalg.det(TO_PLANES.double()).abs()), rel_tol=1e-9)


def test_a_guided_window_is_one_of_planes_side_by_side():
    window = GuidedWindow(Window(1, 1), guides=2, reach=1)
    planes = torch.arange(5 * 6 * 3).view(5, 6, 3)
    row, column = 2, 3
    place = (row * 6 + column) * 3 + 2
    seen = planes.flatten()[place + window.steps(6 * 3)]
    own = planes[..., 2]
    before = [own[1, 2], own[1, 3], own[1, 4], own[2, 2]]
    guides = [planes[1:4, 2:5, k].flatten() for k in (0, 1)]
    assert seen.tolist() == [int(value) for value in before] + torch.cat(guides).tolist()
    assert len(seen) == window.size == 4 + 18
    inner = window.inner(5, 6)
    assert inner.sum() == 3 * 4 and inner[row, column] and not inner[-1].any() and not inner[0].any()


@pytest.mark.parametrize("kind", ["mcgsm", "ride"])
def test_the_density_of_a_pixel_integrates_to_one_over_its_three_values(kind):
    """A picture of one pixel: p(R, G, B) summed over a grid far beyond what can be shown"""
    found = model(kind)
    found.luma.mixture.spread.fill_(0.1)
    found.luma.mixture.level.fill_(0.5)
    for chroma in found.chromas:
        chroma.mixture.spread.fill_(0.1)
        chroma.mixture.level.fill_(0.5)
    axis = torch.linspace(-0.75, 1.75, 71)
    planes = torch.stack(torch.meshgrid(axis, axis, axis, indexing="ij"), -1).view(-1, 3, 1, 1)
    density = found.log_prob(colours_of(planes)).double().exp()  # of R, G and B, at points that are even in the planes
    cell = float(axis[1] - axis[0]) ** 3 / math.exp(LOG_DET)
    assert abs(density.sum().item() * cell - 1) < 0.01


def test_chroma_is_not_asked_about_what_comes_after_it():
    found = model()
    image = torch.rand(1, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    planes = planes_of(image)
    before = found.log_probs(image)
    planes[:, 1, 5, 4] += 0.1  # C_b of one pixel
    after = found.log_probs(colours_of(planes))
    changed = (after - before).abs()[0] > 1e-4
    assert not changed[0].any()
    assert changed[1].nonzero().min(0).values.tolist() == [5, 3] and changed[1, 5, 4]
    assert not changed[1, :5].any() and not changed[1, 5, :4].any()


@pytest.mark.parametrize("kind", ["mcgsm", "ride"])
def test_it_learns_grows_and_fills(kind):
    found = model(kind)
    images, held_out = pictures(6), pictures(6)[-1:]
    learned = torch.ones(6, 24, 24, dtype=torch.bool)
    learned[-1] = False
    told = list(fit_colour(found, images, learned, steps=40, chroma_steps=60, every=20))
    for phase in ("luma", "blue", "red"):
        parts = [each for each in told if each.phase.startswith(phase)]
        assert parts and parts[-1].best <= parts[0].held_out
    generator = torch.Generator().manual_seed(0)
    for whole in (True, False):
        assert 4 < found.bits_per_dim(held_out, generator, whole=whole) < 8.5
    *_, grown = found.generate(9, 11, torch.Generator().manual_seed(0), count=2)
    *_, again = found.generate(9, 11, torch.Generator().manual_seed(0), count=2)
    assert grown.shape == (2, 3, 9, 11) and torch.equal(grown, again)
    assert grown.min() >= 0 and grown.max() <= 1 and (grown[:, 0] - grown[:, 1]).abs().mean() > 0.01
    hole = torch.zeros(24, 24, dtype=torch.bool)
    hole[8:14, 9:15] = True
    image = held_out.float() / 255
    steps = list(found.complete(image, hole, generator))
    assert torch.equal(steps[-1][..., ~hole], image[..., ~hole])
    assert not torch.equal(steps[-1][..., hole], steps[0][..., hole])


def test_a_drawn_chroma_is_as_likely_as_the_density_says():
    """`draw` and `log_prob` see the same: a chroma drawn with no temperature stands where the gate's choice is"""
    found = model()
    chroma = found.chromas[0]
    chroma.mixture.range.copy_(torch.tensor([-9.0, 9.0]))
    chroma.mixture.predictors.data.mul_(30)
    generator = torch.Generator().manual_seed(0)
    guides = torch.rand(1, 1, 7, 9, generator=generator)
    canvas = torch.zeros(1, 7, 9)
    list(chroma.draw(canvas, guides, torch.ones(7, 9, dtype=torch.bool), generator, temperature=1e-12))
    filters, constant = chroma.mixture.filters()
    own = chroma.window.own.convolved(canvas, filters[: chroma.window.own.size], chroma.mixture.level).movedim(1, -1)
    means = chroma.mixture.answer(own + chroma._of_guides(guides, filters, constant))[1][..., 0]
    assert (means - canvas[..., None]).abs().min(-1).values.max() < 1e-4


def test_luma_may_be_learned_already():
    luma = model().luma
    found = Colour.over(luma, {"reach": 1, **SMALL})
    assert found.luma is luma and found.chromas[0].window.reach == 1
    before = {name: tensor.clone() for name, tensor in luma.state_dict().items()}
    told = list(fit_chroma(found, pictures(1), rows_learned(24, 24), steps=20, every=20))
    assert [each.phase for each in told] == ["blue, Adam", "red, Adam"]
    assert all(torch.equal(before[name], tensor) for name, tensor in luma.state_dict().items())


def test_a_folder_is_read_again(tmp_path):
    found = model("ride")
    found.save_pretrained(tmp_path)
    again = Colour.from_pretrained(tmp_path)
    image = pictures(1)
    first, second = (one.bits_per_dim(image, torch.Generator().manual_seed(0)) for one in (found, again))
    assert first == second and again.luma.kind == "ride"


def test_what_it_refuses():
    with pytest.raises(PredictionError, match="mcgsm, ride"):
        Colour(luma={"kind": "gaussian"})
    with pytest.raises(PredictionError, match="at least one plane"):
        GuidedMCGSM(0)
    found = model()
    generator = torch.Generator().manual_seed(0)
    with pytest.raises(PredictionError, match="three channels"):
        next(found.complete(torch.rand(1, 8, 8), torch.ones(8, 8, dtype=torch.bool), generator))
    for side, said in ((7, "differ in size"), (8, "no hole")):
        with pytest.raises(PredictionError, match=said):
            next(found.complete(torch.rand(1, 3, 8, 8), torch.zeros(side, side, dtype=torch.bool), generator))
    with pytest.raises(PredictionError, match="smaller"):
        found.bits_per_dim(pictures(1, 2), generator, whole=False)
    with pytest.raises(DataError, match="colour pictures"):
        next(fit_colour(found, pictures(2)[:, :1], torch.ones(2, 24, 24, dtype=torch.bool)))
    with pytest.raises(DataError, match="too small"):
        next(fit_colour(found, pictures(1, 2), rows_learned(2, 2)))
    with pytest.raises(DataError, match="too small"):
        next(fit_colour(found, pictures(2), torch.ones(2, 24, 24, dtype=torch.bool)))
