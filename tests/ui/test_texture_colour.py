"""A coloured picture on the Textures tab, without a browser: learned, grown, mended and taken away in colour."""

from __future__ import annotations

import base64
import io
import json
import zipfile

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load

from recon.models.colour import Colour, planes_of
from recon.textures.pictures import CROP
from recon.ui import texture_run
from recon.ui.growing import NOISE, Growing
from recon.ui.mending_handlers import Mending, Work
from recon.ui.texture_run import MCGSM_KIND
from recon.ui.texture_session import Visit
from recon.ui.texturing import Texturing
from tests.ui.spoken import pixels
from tests.ui.test_mending_handlers import ROW, SAVE, VIEW, painted
from tests.ui.test_texturing import BAR, PICTURE, TINY


def rust(width: int = 90, height: int = 100) -> Image.Image:
    """Orange and brown stripes with some noise"""
    generator = np.random.default_rng(0)
    share = (0.5 + 0.5 * np.sin(np.arange(width) / 4))[None, :, None]
    found = share * np.array([220, 120, 40]) + (1 - share) * np.array([90, 50, 40])
    return Image.fromarray((found + generator.normal(0, 6, (height, width, 3))).clip(0, 255).astype(np.uint8))


def learned(picture: Image.Image) -> tuple[Visit, list[list]]:
    do, visit = Texturing(), Visit()
    shown = list(do.take(visit, picture, CROP))
    do.begin(visit, *TINY)
    return visit, shown + list(do.learn(visit))


@pytest.fixture(scope="module")
def visit() -> Visit:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(texture_run, "CHROMA_STEPS", 80)
        return learned(rust())[0]


def test_its_colours_are_learned_and_then_its_luma(monkeypatch):
    monkeypatch.setattr(texture_run, "CHROMA_STEPS", 16)
    visit, shown = learned(rust())
    assert np.array_equal(pixels(shown[0][PICTURE]["png"]), np.asarray(rust()))
    said = [one[BAR] for one in shown]
    assert any("given luma: blue" in one for one in said) and any("given luma: red" in one for one in said)
    shares = [int(one.partition("aria-valuenow='")[2].partition("'")[0]) for one in said[1:]]
    assert shares == sorted(shares) and shares[-1] == 100
    assert "Learned in" in said[-1] and "grey" not in said[-1]
    assert isinstance(visit.fitted().colour, Colour) and visit.fitted().colour.luma is visit.fitted().model


def test_a_grey_picture_has_no_colours_to_learn():
    visit, shown = learned(rust().convert("L"))
    assert visit.fitted().colour is None and not any("colours" in one[BAR] for one in shown)


def test_stopped_in_its_colours_it_draws_in_grey_and_says_so():
    do, visit = Texturing(), Visit()
    list(do.take(visit, rust(), CROP))
    do.begin(visit, *TINY)
    told = []
    for shown in do.learn(visit):
        told.append(shown[BAR])
        if visit.run is not None and visit.run.tinted:
            do.stop(visit)
    assert visit.fitted() is not None and visit.fitted().colour is None and visit.fitted().stopped
    assert "Stopped after" in told[-1] and "draws in grey" in told[-1]
    *_, (view, _, _) = Growing().grow(visit, 64, 0, 1.0, NOISE, MCGSM_KIND)
    found = pixels(view["png"])
    assert np.array_equal(found[..., 0], found[..., 2])


def test_stopped_in_its_luma_it_has_its_colours():
    do, visit = Texturing(), Visit()
    list(do.take(visit, rust(), CROP))
    do.begin(visit, *TINY)
    told = []
    for shown in do.learn(visit):
        told.append(shown[BAR])
        if visit.run is not None and visit.run.progress:
            do.stop(visit)
    assert visit.fitted().stopped and isinstance(visit.fitted().colour, Colour)
    assert "Stopped after" in told[-1] and "grey" not in told[-1]


def test_it_grows_in_its_colours_and_again_the_same(visit):
    first, again = (list(Growing().grow(visit, 64, 3, 1.0, NOISE, MCGSM_KIND))[-1][0]["png"] for _ in range(2))
    assert first == again
    red, _, blue = pixels(first).astype(float).reshape(-1, 3).T
    assert (red - blue).mean() > 30  # orange, not grey and not any colour


def test_a_hole_is_mended_in_its_colours(visit):
    do, work = Mending(), Work()
    hole = painted()
    do.begin(visit, work, hole, MCGSM_KIND, 0, 1)
    shown = list(do.run(work))
    do.beside(work)
    part, where = np.asarray(rust())[10:100], hole.mask
    found = pixels(shown[-1][VIEW]["png"])
    assert np.array_equal(found[~where], part[~where])
    inside = found[where].astype(float)
    assert (inside[:, 0] - inside[:, 2]).mean() > 30 and inside.std(0).min() > 5
    # what Metropolis has drawn is the luma of what is seen, but for colours that no screen can show
    luma = planes_of(torch.tensor(found).movedim(-1, 0) / 255)[0].numpy()
    assert np.median(np.abs(luma - work.job.canvas.numpy())) < 0.01
    tiles = [pixels(tile["png"]) for tile in do.beside(work)["pictures"]]
    assert len(tiles) == 4 and all((one[..., 0].astype(int) - one[..., 2]).mean() > 20 for one in tiles)
    saved = np.asarray(Image.open(io.BytesIO(base64.b64decode(do.save(work)))))
    assert np.array_equal(saved[10:100], found) and np.array_equal(saved[:10], np.asarray(rust())[:10])
    assert shown[-1][SAVE]["interactive"] and len(shown[-1][ROW]["pictures"]) == 4


def test_its_weights_make_the_same_model(visit):
    parcel = base64.b64decode(Growing().weights(visit, MCGSM_KIND))
    with zipfile.ZipFile(io.BytesIO(parcel)) as archive:
        again = Colour(**json.loads(archive.read("config.json")))
        again.load_state_dict(load(archive.read("model.safetensors")))
        told = json.loads(archive.read("settings.json"))
    assert told["model"]["kind"] == "colour" and told["model"]["luma"]["kind"] == "mcgsm"
    *_, one = again.generate(20, 20, torch.Generator().manual_seed(1))
    *_, other = visit.fitted().colour.generate(20, 20, torch.Generator().manual_seed(1))
    assert torch.equal(one, other)
