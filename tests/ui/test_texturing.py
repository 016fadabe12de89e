"""What happens on the Textures tab while a texture is chosen and learned, without a browser."""

from __future__ import annotations

from dataclasses import replace

import gradio as gr
import numpy as np
import pytest
import torch
from PIL import Image

from recon.textures import pictures, shipped
from recon.textures.pictures import CROP, HALVE
from recon.ui import texturing as room
from recon.ui.texture_run import Run, Settings, ride_share
from recon.ui.texture_session import MOST_KEPT, Fitted, Visit
from recon.ui.texturing import NOTHING_YET, Texturing
from tests.ui.spoken import event, pixels, skipped, spoken

CARDS, PICTURE, SAID, BAR, CURVES, BACK, GOOD, GROW = range(8)
TINY = (2, 2, 4, 40, 20, 0)  # components, radius, features, steps, steps of RIDE, seed


def noise(width: int = 90, height: int = 100, seed: int = 0) -> Image.Image:
    return Image.fromarray(np.random.default_rng(seed).integers(90, 160, (height, width), dtype=np.uint8))


@pytest.fixture
def do() -> Texturing:
    return Texturing()


@pytest.fixture
def visit(do) -> Visit:
    """With a picture of a person's own, of which nothing is learned."""
    found = Visit()
    for _ in do.take(found, noise(), CROP):
        pass
    return found


def learned(do: Texturing, visit: Visit, *settings) -> list[list]:
    do.begin(visit, *(settings or TINY))
    return [*do.learn(visit), do.measure(visit)]


def points(shown: list) -> list[int]:
    return [len(trace["x"]) for trace in shown[CURVES]["traces"][:2]]


def test_the_tab_opens_with_a_texture_and_its_model_and_asks_nothing_twice(do):
    visit = Visit()
    first = do.arrive(visit)
    assert visit.texture.name == room.FIRST and first[CARDS]["chosen"] == 0
    assert [card["title"] for card in first[CARDS]["cards"]] == ["Grass", "Gravel", "Bricks", "Dead leaves"]
    assert np.array_equal(pixels(first[PICTURE]["png"])[..., 0], shipped.load("grass").numpy())
    assert first[PICTURE]["held_out"] == 0.2 and visit.fitted() is not None
    assert "came with the page" in first[BAR] and all(button["interactive"] for button in first[GROW:])
    again = do.arrive(visit)
    assert all(skipped(output) for output in again) and len(again) == len(first) == do.OUTPUTS


def test_a_texture_of_ones_own_is_shown_as_the_last_card(do):
    visit = Visit()
    (shown,) = do.take(visit, noise(), CROP)
    assert shown[CARDS]["chosen"] == 4 and shown[CARDS]["cards"][-1]["title"] == "Your picture"
    assert NOTHING_YET in shown[BAR] and not any(button["interactive"] for button in shown[GROW:-1])
    assert "90 x 100" in shown[SAID] and not shown[-1]["visible"]
    assert "another texture" not in shown[BAR]
    visit.grown = True  # as the first texture that came with the page is, by itself
    (shown,) = do.take(visit, noise(), CROP)
    assert "still of another texture" in shown[BAR]
    mine = visit.texture
    visit.texture = pictures.at_hand("brick")
    back = do.choose(visit, event(index=4))
    assert visit.texture is mine and back[CARDS]["chosen"] == 4
    ignored = do.choose(visit, event(index=9))
    assert all(skipped(output) for output in ignored)


def test_a_large_picture_asks_how_it_is_to_be_made_small(do):
    visit = Visit()
    for how, side in ((CROP, (512, 512)), (HALVE, (325, 300))):
        (shown,) = do.take(visit, noise(600, 650), how)
        assert shown[-1]["visible"] and visit.texture.image.shape == side


@pytest.mark.parametrize("picture", [noise(40, 200), Image.new("L", (100, 100)), noise(90, 90).resize((800, 30))])
def test_a_picture_that_cannot_be_learned_is_told_so_and_changes_nothing(do, visit, picture):
    before = visit.texture, visit.mine
    with pytest.raises(gr.Error) as told:
        list(do.take(visit, picture, CROP))
    spoken(told)
    assert (visit.texture, visit.mine) == before


def test_curves_grow_while_it_learns_and_the_best_is_kept(do, visit):
    shown = learned(do, visit)
    counts = [points(one) for one in shown]
    assert counts[0] == [0, 0] and counts == sorted(counts) and counts[-1][0] == counts[-1][1] > 5
    assert all(all(skipped(output) for output in one[:BAR]) for one in shown)
    assert "looking at the texture" in shown[0][BAR] and "texture-busy" in shown[1][BAR]
    assert "to go" not in shown[1][BAR] and "to go" in shown[4][BAR] and "texture-busy" not in shown[-1][BAR]
    fitted = visit.fitted()
    assert f"{fitted.progress[-1].best:.2f} bits/px" in shown[-1][BAR] and fitted.settings == Settings(*TINY)
    assert visit.run is None and all(button["interactive"] for button in shown[-1][GROW:])
    assert "measuring" in shown[-2][GOOD] and "Learned in" in shown[-2][BAR]
    assert f"{fitted.bits:.2f}" in shown[-1][GOOD] and "Linear Gaussian" in shown[-1][GOOD]
    assert [trace["name"] for trace in shown[-1][CURVES]["traces"]][2] == "best linear predictor, held out"


def test_a_seed_decides_the_model(do):
    states = []
    for seed in (0, 0, 1):
        visit = Visit()
        list(do.take(visit, noise(), CROP))
        torch.rand(3)  # what others draw meanwhile does not matter
        learned(do, visit, *TINY[:-1], seed)
        states.append(torch.cat([tensor.flatten() for tensor in visit.fitted().model.state_dict().values()]))
    assert torch.equal(states[0], states[1]) and not torch.equal(states[0], states[2])


def test_stopping_keeps_what_there_is(do, visit):
    do.begin(visit, *TINY[:3], 4000, 20, 0)
    steps = do.learn(visit)
    next(steps)
    next(steps)
    assert "stopping" in do.stop(visit)
    *_, last = steps
    assert "Stopped after" in last[BAR] and visit.fitted().stopped and len(visit.fitted().progress) == 1


def test_stopping_at_once_does_not_cost_a_better_model_learned_before(do, visit):
    learned(do, visit)
    before = visit.fitted()
    do.begin(visit, *TINY)
    steps = do.learn(visit)
    next(steps)
    do.stop(visit)
    *_, last = steps
    assert visit.fitted() is before and "Learned in" in last[BAR] and points(last)[0] == len(before.progress)
    learned(do, visit)  # in full, the latest counts
    assert visit.fitted() is not before


def test_stopping_before_its_turn_leaves_nothing_waiting(do, visit):
    shown = do.begin(visit, *TINY)
    assert "waiting for its turn" in shown[BAR]
    assert NOTHING_YET in do.stop(visit)
    (over,) = do.learn(visit)
    assert NOTHING_YET in over[BAR] and visit.fitted() is None
    assert NOTHING_YET in do.stop(visit)


def test_another_texture_can_be_looked_at_meanwhile(do, visit):
    mine = visit.texture
    do.begin(visit, *TINY)
    steps = do.learn(visit)
    next(steps)
    visit.texture = pictures.own(noise(seed=5))
    shown = next(steps)
    assert points(shown) == [0, 0] and "still being learned" in shown[BAR]
    for _ in steps:
        pass
    assert visit.fitted() is None and (mine.key, "mcgsm") in visit.fits
    back = do.choose(visit, event(index=4))
    assert visit.texture is mine and points(back)[0] > 5 and "Learned in" in back[BAR]


def test_a_second_press_ends_the_first_fit(do, visit):
    do.begin(visit, *TINY)
    first = visit.run
    first_steps = do.learn(visit)
    next(first_steps)
    do.begin(visit, *TINY[:-1], 7)
    assert first.stop.is_set() and visit.run is not first
    for _ in first_steps:
        pass
    assert visit.run is not None and visit.run.settings.seed == 7  # the first has not taken the second with it
    for _ in do.learn(visit):
        pass
    assert visit.fitted().settings.seed == 7


@pytest.mark.parametrize(
    "settings",
    [(0, 7, 32, 1500, 900, 0), (12, 99, 32, 1500, 900, 0), (12, 7, 0, 1500, 900, 0), (12, 7, 32, 10**9, 900, 0),
     (12, 7, 32, 1500, 900, -1), (1.5, 7, 32, 1500, 900, 0), (None, 7, 32, 1500, 900, 0),
     ("12", 7, 32, 1500, 900, 0), (12, 7, 32, 1500, 5, 0)],
)  # fmt: skip
def test_settings_out_of_range_are_told_so(do, visit, settings):
    with pytest.raises(gr.Error) as told:
        do.begin(visit, *settings)
    spoken(told)
    assert visit.run is None


def test_a_window_too_wide_for_the_picture_is_told_so(do):
    visit = Visit()
    list(do.take(visit, noise(64, 64), CROP))
    do.begin(visit, 2, 12, 4, 40, 20, 0)
    with pytest.raises(gr.Error) as told:
        list(do.learn(visit))
    assert "too small" in spoken(told) and visit.run is None


def test_without_a_texture_nothing_begins(do):
    with pytest.raises(gr.Error) as told:
        do.begin(Visit(), *TINY)
    spoken(told)


def test_a_visit_keeps_a_few_models(visit):
    model, grass, gravel = Settings(*TINY).model("mcgsm"), pictures.at_hand("grass"), pictures.at_hand("gravel")
    mine = Fitted(model, Settings(*TINY))
    visit.texture = grass
    visit.keep(grass, "mcgsm", Fitted(model))
    visit.keep(grass, "mcgsm", mine)
    visit.swap()  # what was learned of it is aside, and is no easier to have again
    for seed in range(MOST_KEPT + 3):
        visit.keep(pictures.own(noise(seed=seed)), "mcgsm", Fitted(model, Settings(*TINY)))
    assert len(visit.fits) == MOST_KEPT + 1 and visit.other is mine
    assert (pictures.own(noise(seed=MOST_KEPT + 2)).key, "mcgsm") in visit.fits
    visit.keep(gravel, "mcgsm", Fitted(model))  # one that came with the page is there to be used, however many others
    assert (gravel.key, "mcgsm") in visit.fits and len(visit.fits) == MOST_KEPT + 2


def test_what_is_learned_while_another_is_measured_is_not_lost(visit, monkeypatch):
    model, other = (Settings(*TINY).model("mcgsm") for _ in range(2))
    mine, coloured = Fitted(other, Settings(*TINY)), Fitted(model, Settings(*TINY), stopped=True)
    for meanwhile, bits in ((mine, None), (coloured, 7.0)):
        visit.keep(visit.texture, "mcgsm", Fitted(model, Settings(*TINY)))

        def measured(*_, meanwhile=meanwhile):
            visit.keep(visit.texture, "mcgsm", meanwhile)
            return 7.0

        monkeypatch.setattr("recon.ui.texture_session.bits_held_out", measured)
        visit.measure(visit.texture)
        assert visit.fitted() == replace(meanwhile, bits=bits)


def test_how_far_a_run_is_grows_to_one(visit):
    run = Run(visit.texture, Settings(*TINY))
    assert run.share == 0
    shares = [run.share for _ in run.steps(run.model())]
    assert shares == sorted(shares) and 0 < shares[0] < 0.5 and shares[-1] <= 1


def test_what_takes_seconds_comes_after_all_else(do):
    visit = Visit()
    assert "measuring" in do.arrive(visit)[GOOD]
    told = do.measure(visit)[GOOD]
    assert f"{visit.fitted().bits:.2f}" in told and "fewer than the best linear predictor" in told
    assert all(skipped(output) for output in do.measure(visit)[:BAR])
    assert NOTHING_YET in do.measure(Visit())[GOOD]


def test_a_ride_is_learned_from_nothing_and_takes_its_place(do, visit):
    assert NOTHING_YET in do.switch(visit, "ride")[BAR]
    shown = learned(do, visit)
    ride = visit.fitted("ride")
    assert ride.model.skip is None and ride.progress[-1].step == 20 and "Learned in" in shown[-1][BAR]
    assert points(shown[-1])[0] == len(ride.progress) and all(button["interactive"] for button in shown[-1][GROW:])
    assert "RIDE" in shown[-1][GOOD] and "MCGSM" not in shown[-1][GOOD] and "Linear Gaussian" in shown[-1][GOOD]
    visit.keep(visit.texture, "mcgsm", Fitted(Settings(*TINY).model("mcgsm"), Settings(*TINY), bits=7.0))
    both = do.switch(visit, "mcgsm")
    assert "RIDE" in both[GOOD] and "MCGSM" in both[GOOD] and points(both)[0] == 0
    assert points(do.switch(visit, "ride"))[0] == len(ride.progress)


@pytest.mark.parametrize("kind", ["mcgsm", "ride"])
def test_a_fit_hears_stop_at_its_next_step(visit, kind):
    """Not only where a curve gets its next point"""
    run = Run(visit.texture, Settings(2, 2, 4, 4000, 4000, 0), kind)
    asked = []
    run.stop.is_set = lambda: len(asked) == 3 or asked.append(1)  # at its fourth
    *_, last = run.steps(run.model())
    assert last.step in (3, 4) and last.best == min(one.held_out for one in run.progress)


def test_how_far_a_ride_is_counts_the_size_of_patches():
    shares = [ride_share(step, 80) for step in range(81)]
    assert shares[0] == 0 and shares[-1] == pytest.approx(1) and shares == sorted(shares)
    assert shares[10] < 0.06 and shares[40] < 0.35


def test_the_bundled_model_comes_back_and_so_does_the_one_learned_here(do, monkeypatch):
    visit = Visit()
    assert not do.arrive(visit)[BACK]["visible"]
    came, mine = visit.fitted(), Fitted(Settings(*TINY).model("mcgsm"), Settings(*TINY), bits=7.0)
    monkeypatch.setattr(Visit, "measure", lambda visit, texture: None)
    visit.keep(visit.texture, "mcgsm", mine)
    assert do.moved(visit)[BACK] == {"value": room.BUNDLED_BACK, "visible": True, "__type__": "update"}
    assert not do.switch(visit, "ride")[BACK]["visible"]
    do.switch(visit, "mcgsm")
    back = do.swap(visit)
    assert visit.fitted() is came and "came with the page" in back[BAR] and back[BACK]["value"] == room.LEARNED_BACK
    assert do.swap(visit)[BACK]["value"] == room.BUNDLED_BACK and visit.fitted() is mine
    visit.keep(visit.texture, "mcgsm", Fitted(mine.model, Settings()))  # learned again: the bundled one is still there
    visit.run = Run(visit.texture, Settings())
    assert not do.swap(visit)[BACK]["visible"] and visit.fitted() is not came  # not while something is learned
    visit.run = None
    do.swap(visit)
    assert visit.fitted() is came
