"""The loop: its loss falls, its steps depend on nothing but the recipe, and a kill changes nothing."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from recon.distributions import Beta
from recon.errors import RecipeError
from recon.models import ConvNADE
from recon.models.base import Network
from recon.models.dropout import drop
from recon.training import loop, parallel
from recon.training.recipe import Training

RECIPE = Training(steps=50, batch=4, rate=3e-3, warm_up=5, decay=True, ema=0.9, mirror=True, seed=3)


class Small(Network):
    """Two convolutions with dropout between them, and a Beta for every pixel: a step takes a millisecond."""

    kind, side, channels = "small", 8, 3

    def __init__(self, width: int = 11):
        super().__init__()
        torch.manual_seed(1)
        self.first, self.last = nn.Conv2d(4, width, 3, padding=1), nn.Conv2d(width, 6, 5, padding=2)

    def forward(self, values: Tensor, mask: Tensor, generator: torch.Generator | None = None) -> Tensor:
        hidden = self.first(torch.cat([values * mask, mask.to(values)], 1)).relu()
        return self.last(hidden if generator is None else drop(hidden, 0.2, generator))

    def parameterise(self, output: Tensor) -> Beta:
        alpha, beta = output.exp().chunk(2, 1)
        return Beta(alpha, beta)


@pytest.fixture
def images() -> Tensor:
    coarse = torch.randint(0, 256, (23, 3, 2, 2), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)
    return coarse.repeat_interleave(4, 2).repeat_interleave(4, 3)


def train(images: Tensor, state, recipe: Training = RECIPE, model: Network | None = None, **options):
    model = model or Small()
    progress = list(loop.run(model, images, recipe, state, **options))
    return model, progress


@pytest.mark.parametrize("recipe", [RECIPE, replace(RECIPE, ema=0.0, patch="random", size=20, decay=False)])
def test_killed_and_resumed_is_as_uninterrupted_bit_for_bit(images, tmp_path, monkeypatch, recipe):
    whole, _ = train(images, tmp_path / "whole.safetensors", recipe)
    state, keep = tmp_path / "state.safetensors", loop.save
    for last in (7, 33):  # the steps of the last save before each kill, which comes later

        def save(*arguments, last=last):
            *held, step, seconds, recipe = arguments
            if step <= last:
                keep(*held, step, seconds + 1000, recipe)

        monkeypatch.setattr(loop, "save", save)
        torch.rand(last)  # the global generator is elsewhere in every process
        run = loop.run(Small(), images, recipe, state, save_every=0.0)
        for progress in run:
            if progress.step > last:
                break
        run.close()
    monkeypatch.setattr(loop, "save", keep)
    resumed, progress = train(images, state, recipe)
    assert progress[0].step == 40, "it goes on from 33"
    assert progress[-1].seconds > 2000, "earlier sittings count"
    for (name, one), other in zip(whole.named_parameters(), resumed.parameters(), strict=True):
        assert one.equal(other), name
    stored, expected = load_file(state), load_file(tmp_path / "whole.safetensors")
    assert stored.keys() == expected.keys() and all(stored[key].equal(expected[key]) for key in stored)
    assert stored["losses"].shape == (RECIPE.steps,) and stored["losses"].isfinite().all()


def test_what_was_prepared_comes_back_with_the_weights(images, tmp_path):
    def with_centres(value: float) -> Small:
        model = Small()
        model.register_buffer("centres", torch.full((2,), value))
        return model

    state = tmp_path / "state.safetensors"
    train(images, state, model=with_centres(1.0))
    resumed, _ = train(images, state, model=with_centres(2.0))  # as another machine would find it
    assert resumed.centres.tolist() == [1.0, 1.0]


def test_convnade_is_trained(tmp_path):
    pictures = torch.randint(0, 2, (9, 1, 32, 32), dtype=torch.uint8) * 255
    model = ConvNADE(side=32, channels=1, head="bernoulli", width=2, dropout=0.0)
    before = [weight.clone() for weight in model.parameters()]
    _, progress = train(pictures, tmp_path / "s.safetensors", Training(steps=2, batch=3), model)
    assert [p.step for p in progress] == [2] and math.isfinite(progress[0].loss)
    assert all(not a.equal(b) for a, b in zip(before, model.parameters(), strict=True))


def test_a_finished_run_is_not_done_again(images, tmp_path):
    state = tmp_path / "state.safetensors"
    first, before = train(images, state)
    again, progress = train(images, state)
    assert [told.step for told in progress] == [before[-1].step] and progress[0].seconds >= before[-1].seconds
    assert all(a.equal(b) for a, b in zip(first.parameters(), again.parameters(), strict=True))


def test_the_loss_falls(images, tmp_path):
    _, progress = train(images, tmp_path / "s.safetensors", Training(steps=240, batch=8, rate=1e-2))
    assert [p.step for p in progress] == list(range(20, 241, 20)) and progress[-1].steps == 240
    assert progress[-1].loss < progress[0].loss - 0.1
    assert progress[-1].seconds_left == 0 and progress[0].seconds_left > 0 and progress[0].images_per_second > 0


def test_the_model_ends_with_the_averaged_weights_ready_to_predict(images, tmp_path):
    averaged, _ = train(images, tmp_path / "a.safetensors", replace(RECIPE, ema=0.99))
    last, _ = train(images, tmp_path / "b.safetensors", replace(RECIPE, ema=0.0))
    assert not averaged.training
    assert any(not a.equal(b) for a, b in zip(averaged.parameters(), last.parameters(), strict=True))


@pytest.mark.parametrize(
    "other", [{"steps": 51}, {"batch": 5}, {"seed": 4}, {"rate": 1e-4}, {"patch": "random"}, {"mirror": False}]
)
def test_another_recipes_state_is_refused(images, tmp_path, other):
    state = tmp_path / "state.safetensors"
    train(images, state, replace(RECIPE, steps=2))
    before = state.read_bytes()
    with pytest.raises(RecipeError, match="another recipe"):
        train(images, state, replace(RECIPE, **{"steps": 2, **other}))
    assert state.read_bytes() == before


def test_another_models_state_is_refused(images, tmp_path):
    state = tmp_path / "state.safetensors"
    train(images, state, replace(RECIPE, steps=2))
    with pytest.raises(RecipeError, match="another recipe"):
        train(images, state, replace(RECIPE, steps=2), Small(width=4))


@pytest.mark.parametrize("damage", [b"", b"not safetensors", None])
def test_a_damaged_state_is_refused(images, tmp_path, damage):
    state = tmp_path / "state.safetensors"
    train(images, state, replace(RECIPE, steps=2))
    state.write_bytes(state.read_bytes()[:-50] if damage is None else damage)
    with pytest.raises(RecipeError, match="damaged"):
        train(images, state, replace(RECIPE, steps=2))


def test_a_kill_while_saving_leaves_the_old_state(images, tmp_path, monkeypatch):
    state = tmp_path / "state.safetensors"
    train(images, state, replace(RECIPE, steps=2))
    before = state.read_bytes()

    def killed(tensors, path, metadata):
        path.write_bytes(b"half")
        raise KeyboardInterrupt

    monkeypatch.setattr(loop, "save_file", killed)
    with pytest.raises(KeyboardInterrupt):
        train(images, state, replace(RECIPE, steps=2))
    assert state.read_bytes() == before


def test_processes_that_do_not_see_the_same_runs_are_told(images, tmp_path, monkeypatch):
    """As on two machines that share no folder: one would go on where the other begins."""
    monkeypatch.setattr(parallel.Processes, "agree", lambda self, number: False)
    with pytest.raises(RecipeError, match="one folder of runs that all see"):
        train(images, tmp_path / "s.safetensors")
    assert not any(tmp_path.iterdir())


def test_a_batch_needs_as_many_pictures(images, tmp_path):
    with pytest.raises(RecipeError, match="there are 3"):
        train(images[:3], tmp_path / "s.safetensors")


def halves(count: int, generator: torch.Generator) -> Tensor:
    return torch.rand(count, 1, 32, 32, generator=generator) < 0.5


def test_an_epoch_sees_every_picture_once():
    images = torch.arange(12, dtype=torch.uint8).view(12, 1, 1, 1).expand(12, 3, 8, 8)
    recipe = Training(steps=9, batch=4)
    batches = [loop.draw(images, halves, recipe, step, "cpu")[0] for step in range(6)]
    first, second = (torch.cat(epoch)[:, 0, 0, 0].mul(255).round().tolist() for epoch in (batches[:3], batches[3:]))
    assert sorted(first) == sorted(second) == list(range(12)) and first != second


def test_steps_draw_differently_and_seeds_too(images):
    places = ((0, 0), (0, 1), (1, 0), (0, 0))
    drawn = [loop.draw(images, halves, replace(RECIPE, seed=seed), step, "cpu") for seed, step in places]
    assert drawn[0][0].equal(drawn[3][0]) and drawn[0][1].equal(drawn[3][1])
    assert all(not drawn[0][part].equal(drawn[k][part]) for part in (0, 1) for k in (1, 2))
    assert len({d[2].initial_seed() for d in drawn}) == 3


def test_pictures_are_mirrored_or_not(images):
    plain = [loop.draw(images, halves, replace(RECIPE, mirror=False), step, "cpu")[0] for step in range(20)]
    maybe = [loop.draw(images, halves, RECIPE, step, "cpu")[0] for step in range(20)]
    plain, maybe = torch.cat(plain), torch.cat(maybe)
    same, flipped = ((a == maybe).flatten(1).all(1) for a in (plain, plain.flip(-1)))
    assert (same | flipped).all() and 20 < same.sum() < 60


def test_the_rate_rises_and_falls():
    recipe = Training(steps=100, rate=1.0, warm_up=10, decay=True)
    rates = [loop.rate(recipe, step) for step in range(100)]
    assert rates[0] == pytest.approx(0.1) and rates[9] == max(rates) and rates[99] < 0.001
    assert rates[50] == pytest.approx(0.5 * (1 + math.cos(math.pi / 2)))
    assert {loop.rate(Training(steps=100, rate=1.0), step) for step in range(100)} == {1.0}


def test_the_objective_is_the_mean_over_hidden_pixels_and_channels(generator):
    """Observed pixels count for nothing, and each picture for as much, however many pixels it hides."""
    model = Small().eval()
    batch = torch.rand(2, 3, 32, 32, generator=generator)
    masks = torch.zeros(2, 1, 32, 32, dtype=torch.bool)
    masks[0, :, :5] = True
    masks[1, :, 0, 0] = True
    log_prob = model.parameterise(model(batch, masks, torch.Generator().manual_seed(0))).log_prob(batch)
    each = [-log_prob[k][~masks[k, 0]].mean().item() / 3 for k in range(2)]
    found = model.objective(batch, masks, torch.Generator().manual_seed(0))
    assert found.item() == pytest.approx(sum(each) / 2, rel=1e-5)


def test_gradients_are_clipped(images, tmp_path):
    """Adam's own step does not depend on the gradient's size, so its memory of it is looked at."""
    train(images, tmp_path / "s.safetensors", replace(RECIPE, steps=1, clip=1e-3))
    stored = load_file(tmp_path / "s.safetensors")
    squares = sum(tensor.square().sum() for name, tensor in stored.items() if name.startswith("first."))
    assert squares.sqrt().item() == pytest.approx(0.1 * 1e-3, rel=1e-3)
