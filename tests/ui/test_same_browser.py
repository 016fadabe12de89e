"""One question, one seed: the page in a browser, the library, the command and the API give the same picture."""

from __future__ import annotations

import base64
import io

import numpy as np
import pytest
from PIL import Image

import recon
from benchmarks.tabs import CELLS
from recon import Observation, images, patches
from recon.__main__ import main
from recon.ui import pictures
from recon.ui.engine import reveal
from tests.ui.visitor import expect

client_library = pytest.importorskip("gradio_client")
SIZE, SEED = 60, 3
SOURCES = "(shown) => shown.map(({ src }) => src)"


@pytest.fixture(scope="module")
def tabs():
    return ()


def opened(uri: str) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(uri.partition(",")[2]))))


@pytest.mark.parametrize("name", ["mdn-celeba", "gsm-celeba", "convnade-mnist"])
def test_page_library_command_and_api_agree_bit_for_bit(visitor, engine, url, tmp_path, name):
    if name not in engine.records:
        pytest.skip(f"{name} is not bundled")
    picture = pictures.load("face")
    mask = patches.make("random", engine.side(name), SIZE, SEED)

    page = visitor.page
    visitor.model(engine, name)
    page.get_by_label("Seed", exact=True).first.fill(str(SEED))
    visitor.choose("Patch", "random")
    size = page.locator("#recon-size input[type=number]")
    size.fill(str(SIZE))
    size.press("Enter")
    visitor.keeps(np.argwhere(mask))
    expect(page.locator("#recon-status")).to_contain_text(" ms")
    visitor.press("Draw samples")
    expect(page.locator("#recon-drawn")).to_contain_text("joint samples")
    samples = [opened(uri) for uri in page.locator("#recon-gallery img").evaluate_all(SOURCES)]
    shown = np.array(page.evaluate(CELLS, len(mask))).reshape(len(mask), len(mask), 3)

    model = recon.load(name, "cpu")
    observation = Observation.from_image(picture, mask).as_seen_by(model)
    prediction = model.predict(observation)
    mean = images.to_array(prediction.mean[0])
    drawn = [images.to_array(one) for one in recon.sample(model, observation, count=8, seed=SEED)]

    client = client_library.Client(url, verbose=False)
    cells = reveal(picture, mask).to_payload()["cells"]
    answer = client.predict(cells, name, len(mask), api_name="/reconstruct")
    told = client.predict(cells, name, count=8, seed=SEED, side=len(mask), api_name="/sample")

    (tmp_path / "in").mkdir()
    Image.fromarray(picture).save(tmp_path / "in" / "face.png")
    arguments = ["--model", name, "--patch", f"random:{SIZE}", "--seed", str(SEED), "--samples", "8", "--arrays"]
    assert main(["reconstruct", str(tmp_path / "in"), str(tmp_path / "out"), *arguments, "--device", "cpu"]) == 0
    with np.load(tmp_path / "out" / "face.png.npz") as arrays:
        written = arrays["mean"], arrays["variance"]

    assert np.array_equal(np.float32(answer["mean"]), prediction.mean[0].numpy())
    assert np.array_equal(np.float32(answer["deviation"]), prediction.variance.sqrt()[0].numpy())
    assert np.array_equal(written[0], prediction.mean[0].numpy())
    assert np.array_equal(written[1], prediction.variance[0].numpy())
    assert np.array_equal(opened(answer["png"]), mean)
    assert np.array_equal(shown, mean if mean.ndim == 3 else mean[..., None].repeat(3, 2))
    assert len(samples) == 8
    for k, one in enumerate(drawn):
        there = np.asarray(Image.open(tmp_path / "out" / f"face.png.sample-{k + 1}.png"))
        assert np.array_equal(samples[k], one) and np.array_equal(opened(told[k]), one) and np.array_equal(there, one)
