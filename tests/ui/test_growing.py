"""What happens on the Textures tab when a texture is grown, watched, or taken away, without a browser."""

from __future__ import annotations

import base64
import io
import json
import zipfile

import gradio as gr
import numpy as np
import pytest
import torch
from safetensors.torch import load

from recon.models.directed import quantised
from recon.models.mcgsm import MCGSM
from recon.models.ride import RIDE
from recon.textures.pictures import CROP, own
from recon.ui.growing import ITSELF, NOISE, Growing, slow_side
from recon.ui.texture_run import Run, Settings
from recon.ui.texture_session import Fitted, Visit
from recon.ui.texturing import Texturing
from tests.ui.spoken import pixels, skipped, spoken
from tests.ui.test_texturing import TINY, learned, noise

VIEW, STATUS, SAVE = range(3)
HOW = (64, 3, 1.0, NOISE, "mcgsm")  # size, seed, temperature, start, kind


@pytest.fixture(scope="module")
def visit() -> Visit:
    found, do = Visit(), Texturing()
    list(do.take(found, noise(), CROP))
    learned(do, found)
    return found


@pytest.fixture
def do() -> Growing:
    return Growing()


def grown(do: Growing, visit: Visit, *how) -> np.ndarray:
    *_, last = do.grow(visit, *(how or HOW))
    assert last[SAVE]["interactive"] and "texture-busy" not in last[STATUS]
    return pixels(last[VIEW]["png"])[..., 0]


def test_what_is_grown_is_what_the_model_draws_and_a_seed_decides_it(do, visit):
    found = grown(do, visit)
    *_, drawn = visit.fitted().model.generate(64, 64, torch.Generator().manual_seed(3))
    assert np.array_equal(found, quantised(drawn[0]).numpy())
    assert np.array_equal(found, grown(do, visit))
    for other in ((64, 4, 1.0, NOISE, "mcgsm"), (64, 3, 0.5, NOISE, "mcgsm"), (64, 3, 1.0, ITSELF, "mcgsm")):
        assert not np.array_equal(found, grown(do, visit, *other))


def test_it_appears_as_it_is_drawn_and_stays_when_stopped(do, visit, monkeypatch):
    monkeypatch.setattr("recon.ui.growing.OFTEN", 0)
    monkeypatch.setattr("recon.ui.growing.SHARE", 0)
    steps = do.grow(visit, *HOW)
    first = next(steps)
    assert "growing" in first[STATUS] and "texture-busy" in first[STATUS] and skipped(first[SAVE])
    for _ in range(200):
        shown = next(steps)
    do.stop(visit)
    *_, last = steps
    assert "stopped" in last[STATUS] and last[SAVE]["interactive"]
    part, some = pixels(last[VIEW]["png"]), pixels(shown[VIEW]["png"])
    assert (part != grown(do, visit)[..., None]).any() and (part != some).mean() < 0.05


def test_the_first_drawing_comes_by_itself_once(do, visit):
    fresh = Visit(texture=visit.texture, fits=visit.fits)
    assert len(list(do.greet(fresh, *HOW))) >= 1 and fresh.grown
    (again,) = do.greet(fresh, *HOW)
    assert all(skipped(output) for output in again)
    ride = Visit(texture=visit.texture)
    ride.keep(visit.texture, "ride", Fitted(Settings(*TINY).model("ride"), Settings(*TINY)))
    assert len(list(do.greet(ride, *HOW[:-1], "ride"))) >= 1 and ride.grown  # all there is is a RIDE
    (nothing,) = do.greet(Visit(), *HOW)
    assert all(skipped(output) for output in nothing)


@pytest.mark.parametrize(
    "how",
    [(63, 0, 1.0, NOISE, "mcgsm"), (10**6, 0, 1.0, NOISE, "mcgsm"), (64.5, 0, 1.0, NOISE, "mcgsm"),
     (64, -1, 1.0, NOISE, "mcgsm"), (64, 0, 9.0, NOISE, "mcgsm"), (64, 0, None, NOISE, "mcgsm"),
     (64, 0, float("nan"), NOISE, "mcgsm"), (64, 0, 1.0, "else", "mcgsm"), (64, 0, 1.0, NOISE, "no such")],
)  # fmt: skip
def test_what_cannot_be_grown_is_told_so(do, visit, how):
    with pytest.raises(gr.Error) as told:
        list(do.grow(visit, *how))
    spoken(told)


def test_without_a_model_each_press_is_told_what_to_do(do, visit):
    bare = Visit(texture=own(noise(seed=9)))
    with pytest.raises(gr.Error) as told:
        list(do.grow(bare, *HOW))
    assert "Learn it" in spoken(told)
    bare.run = Run(bare.texture, Settings(*TINY))
    for press in (lambda: do.slowly(bare, *HOW[1:]), lambda: do.weights(bare, "mcgsm")):
        with pytest.raises(gr.Error) as told:
            press()
        assert "still being learned" in spoken(told)


def test_slow_motion_sends_what_the_browser_draws(do, visit):
    found = do.slowly(visit, *HOW[1:])
    side, mixture = found["side"], visit.fitted().model.mixture
    sizes = {name: len(base64.b64decode(found[name])) for name in ("canvas", "gate", "means")}
    assert found["rows"] == side + 2 and found["columns"] == side + 4
    assert sizes["canvas"] == found["rows"] * found["columns"]
    assert sizes["gate"] == 2 * side**2 * mixture.components * mixture.scales
    assert sizes["means"] == 2 * side**2 * mixture.components
    gate = np.frombuffer(base64.b64decode(found["gate"]), "<u2").reshape(side * side, -1)
    assert np.abs(gate.sum(1) / 65535 - 1).max() < 1e-3 and len(found["spreads"]) == gate.shape[1]
    levels = visit.texture.image / 256
    assert found["low"] < levels.min() and found["high"] > levels.max()
    assert slow_side(MCGSM(components=32)) < slow_side(MCGSM()) <= 40
    json.dumps(found, allow_nan=False)


def test_the_zip_holds_the_model(do, visit):
    with zipfile.ZipFile(io.BytesIO(base64.b64decode(do.weights(visit, "mcgsm")))) as archive:
        model = MCGSM(**json.loads(archive.read("config.json")))
        model.load_state_dict(load(archive.read("model.safetensors")))
        said = archive.read("settings.json").decode()
    image = torch.rand(1, 20, 20)
    assert torch.equal(model.log_prob(image), visit.fitted().model.log_prob(image))
    assert said == do.settings(visit, "mcgsm")
    told = json.loads(said)
    assert told["learned"]["steps"] == 40 and told["model"]["components"] == 2
    assert told["bits_per_pixel_held_out"]["mcgsm"] == visit.fitted().bits
    assert len(told["curve"]) == len(visit.fitted().progress)


def test_the_config_of_a_ride_makes_one_like_it():
    ride = Settings(*TINY).model("ride")
    again = RIDE(**json.loads(json.dumps(ride.arguments)))
    assert again.load_state_dict(ride.state_dict()) and again.skip is None


def test_what_draws_is_a_model_that_there_is(do, visit):
    assert skipped(do.suit(visit, "mcgsm")) and do.suit(visit, "ride")["value"] == "mcgsm"
    assert skipped(do.suit(Visit(), "ride"))
    both = Visit(texture=visit.texture, fits=dict(visit.fits))
    assert do.latest(both)["value"] == "mcgsm"
    both.keep(visit.texture, "ride", Fitted(Settings(*TINY).model("ride"), Settings(*TINY)))
    assert do.latest(both)["value"] == "ride"
    assert do.slowly(both, *HOW[1:-1], "ride")["remembers"] and not do.slowly(both, *HOW[1:])["remembers"]
    both.texture = own(noise(seed=9))
    assert skipped(do.latest(both)) and skipped(do.latest(Visit()))
