from dataclasses import replace

import pytest
import torch

from recon.errors import DataError
from recon.models import MCGSM
from recon.models.directed import dequantised
from recon.textures import fit


def texture(seed=0, side=96):
    """Smooth noise whose contrast varies: an MCGSM gains much over a straight line."""
    generator = torch.Generator().manual_seed(seed)
    noise = torch.randn(1, 1, side + 4, side + 4, generator=generator)
    smooth = torch.nn.functional.avg_pool2d(noise, 5, 1)[0, 0]
    contrast = torch.repeat_interleave(torch.rand(side // 8, generator=generator) * 3 + 0.1, 8)
    return ((smooth * contrast * 0.2 + 0.5).clamp(0, 1) * 255).to(torch.uint8)


def small():
    torch.manual_seed(0)
    return MCGSM(above=3, beside=3, components=3, scales=3, features=6)


def test_it_learns():
    model, image = small(), texture()
    pixels = fit.rows_held_out(image, model)
    told = list(fit.fit(model, pixels, steps=150, finish=2))
    line = small()
    list(fit.fit(line, pixels, steps=0, finish=0))
    assert told[-1].best < told[0].held_out - 0.02
    assert fit.measure(model, pixels)[1] < fit.measure(line, pixels)[1]
    assert [p.phase for p in told][-1] == "L-BFGS" and all(p.best <= p.held_out + 1e-9 for p in told)


def test_the_same_seed_gives_the_same_model():
    found = []
    for _ in range(2):
        model = small()
        list(fit.fit(model, fit.rows_held_out(texture(), model), steps=20, finish=1))
        found.append(model.state_dict())
    assert all(found[0][name].equal(found[1][name]) for name in found[0])


def test_leaving_keeps_the_best():
    model, image = small(), texture()
    pixels = fit.rows_held_out(image, model)
    run = fit.fit(model, pixels, steps=1000, every=10)
    told = [next(run) for _ in range(4)]
    run.close()
    x, y = pixels.at(model.window, pixels.held_out, torch.Generator().manual_seed(9))
    assert fit.bits(model, x, y) == pytest.approx(told[-1].best, abs=0.1)
    assert not any(tensor.isnan().any() for tensor in model.state_dict().values())


def test_stop_is_heard_at_every_step_and_inside_a_line_search():
    model, image = small(), texture()
    pixels = fit.rows_held_out(image, model)
    asked = iter([False, False, True])
    (only,) = fit.fit(model, pixels, steps=1000, every=500, stop=lambda: next(asked))
    assert only.step == 3 and only.best == only.held_out
    asked = iter([False] * 6 + [True])  # five steps of Adam, and the second time that the first iteration asks
    told = list(fit.fit(model, pixels, steps=5, every=5, finish=3, stop=lambda: next(asked)))
    assert [one.phase for one in told] == ["Adam"]
    x, y = pixels.at(model.window, pixels.held_out, torch.Generator().manual_seed(9))
    assert fit.bits(model, x, y) == pytest.approx(told[-1].best, abs=0.1)


def test_values_get_no_noise():
    model, image = small(), texture()
    pixels = fit.rows_held_out(image, model)
    list(fit.fit(model, pixels, steps=0, finish=0))
    values = replace(pixels, images=dequantised(pixels.images, torch.Generator().manual_seed(0)))
    assert fit.measure(model, values, seed=1) == fit.measure(model, pixels, seed=0)


def test_held_out_rows_are_not_learned_from():
    model, image = small(), texture()
    pixels = fit.rows_held_out(image, model)
    cut = round(96 * (1 - fit.HELD_OUT))
    assert (pixels.learned // 96).max() < cut <= (pixels.held_out // 96).min()
    changed = image.clone()
    changed[cut:] = 0
    first = small()
    list(fit.fit(first, pixels, steps=5, finish=0, every=5))
    second = small()
    list(fit.fit(second, fit.rows_held_out(changed, second), steps=5, finish=0, every=5))
    assert all(a.equal(b) for a, b in zip(first.state_dict().values(), second.state_dict().values(), strict=True))


def test_a_picture_may_be_too_small():
    with pytest.raises(DataError, match="too small"):
        fit.rows_held_out(torch.zeros(20, 20, dtype=torch.uint8), small())
