"""The endpoints, called as a program calls them: right answers, and a sentence for what cannot be answered."""

from __future__ import annotations

import base64
import io
import json
import re

import httpx
import numpy as np
import pytest
from PIL import Image

from recon import Observation, images, patches
from recon.ui import pictures
from recon.ui.engine import reveal

client_library = pytest.importorskip("gradio_client")
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

FACE = pictures.load("face")
CELLS = reveal(FACE, patches.sobol(32, 64)).to_payload()["cells"]
ONE = [[3, 4, 10, 200, 30]]
ALL = reveal(FACE, np.ones((32, 32), bool)).to_payload()["cells"]


@pytest.fixture(scope="module")
def client(url):
    return client_library.Client(url, verbose=False)


@pytest.fixture(scope="module")
def name(engine):
    return engine.default


def opened(uri: str) -> np.ndarray:
    assert uri.startswith("data:image/png;base64,")
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(uri.partition(",")[2]))))


def test_only_what_is_meant_is_public(client):
    shown = client.view_api(return_format="dict", print_info=False)
    assert set(shown["named_endpoints"]) == {"/models", "/patch", "/reconstruct", "/sample", "/compare", "/curve"}
    assert not shown["unnamed_endpoints"]
    for endpoint in shown["named_endpoints"].values():
        assert endpoint["description"].strip().endswith(".")


@pytest.mark.parametrize(
    "endpoint", ["/paint", "/restore", "/load_file", "/download", "/lambda", "/read_card", "/arrive"]
)
def test_the_rest_cannot_be_called(client, endpoint):
    with pytest.raises(ValueError, match="Cannot find a function"):
        client.predict(api_name=endpoint)


def test_models(client, engine):
    found = client.predict(api_name="/models")
    assert [model["name"] for model in found] == list(engine.records)
    for model in found:
        assert set(model) == {"name", "title", "side", "channels", "binary", "licence"}
        assert model["side"] in (32, 64) and model["channels"] in (1, 3) and model["licence"]


@pytest.mark.parametrize("family", sorted(patches.FAMILIES))
def test_patch(client, family):
    found = client.predict(family, 40, 7, api_name="/patch")
    assert found == np.argwhere(patches.make(family, 32, 40, 7)).tolist()


def test_patch_has_defaults(client):
    assert client.predict(api_name="/patch") == np.argwhere(patches.sobol(32, 128)).tolist()
    assert client.predict("sobol", 4, 0, 16, api_name="/patch") == np.argwhere(patches.sobol(16, 4)).tolist()


@pytest.mark.parametrize("cells", [CELLS, [], ALL], ids=["a face", "nothing", "everything"])
def test_reconstruct_is_what_the_library_predicts(client, engine, name, cells):
    """An empty patch and a full one are questions too: what is expected of any picture, and the picture itself."""
    found = client.predict(cells, api_name="/reconstruct")
    mask = np.zeros((32, 32), bool)
    mask[tuple(np.array(cells, int).reshape(-1, 5)[:, :2].T)] = True
    prediction = engine.model(name).predict(Observation.from_image(FACE, mask))
    low, high = prediction.interval(0.9)
    wanted = {"mean": prediction.mean, "deviation": prediction.variance.sqrt(), "low": low, "high": high}
    for key, values in wanted.items():
        np.testing.assert_allclose(found[key], values[0].numpy(), atol=2e-4, err_msg=key)
    assert found["model"] == name and found["milliseconds"] >= 0
    assert np.abs(opened(found["png"]).astype(int) - images.to_array(prediction.mean[0])).max() <= 1


def test_a_classical_method_has_a_mean_alone(client):
    found = client.predict(CELLS, "nearest", api_name="/reconstruct")
    assert np.shape(found["mean"]) == (3, 32, 32)
    assert found["deviation"] is None and found["low"] is None and found["high"] is None


def test_a_binary_model(client, binary):
    found = client.predict(CELLS, binary, api_name="/reconstruct")
    assert np.shape(found["mean"]) == (1, 32, 32) and found["deviation"] is not None
    (sample,) = client.predict(CELLS, binary, 1, 2, api_name="/sample")
    assert set(np.unique(opened(sample))) <= {0, 255}


def test_sample(client):
    found = client.predict(CELLS, count=3, steps=6, seed=5, api_name="/sample")
    assert len(set(found)) == 3
    mask = patches.sobol(32, 64)
    for uri in found:
        assert np.abs(opened(uri)[mask].astype(int) - FACE[mask]).max() <= 1
    assert client.predict(CELLS, count=3, steps=6, seed=5, api_name="/sample") == found
    assert client.predict(CELLS, count=3, steps=6, seed=6, api_name="/sample") != found
    assert client.predict(CELLS, count=3, steps=6, seed=5, temperature=0.5, api_name="/sample") != found
    assert len(client.predict([], count=1, steps=6, api_name="/sample")) == 1
    (whole,) = client.predict(ALL, count=1, steps=6, api_name="/sample")
    assert np.abs(opened(whole).astype(int) - FACE).max() <= 1


def test_compare(client, engine, name, binary):
    """The same numbers as the page's, the best first; what cannot be had says so, and the others are there."""
    asked = ["nearest", name, "no-such-model", binary]
    found = client.predict(CELLS, asked, FACE.tolist(), api_name="/compare")
    by_name = {one["name"]: one for one in found}
    assert set(by_name) == set(asked) and found[-1]["name"] == "no-such-model"
    assert "no model called" in found[-1]["problem"] and found[-1]["psnr_db"] is None
    answer = engine.answer(name, reveal(FACE, patches.sobol(32, 64)), FACE)
    for key, value in answer.scores().items():
        assert by_name[name][key] == pytest.approx(value, rel=1e-4)
    assert by_name["nearest"]["bits_per_dim"] is None and by_name["nearest"]["psnr_db"] < by_name[name]["psnr_db"]
    assert [by_name[one]["pixels"] for one in ("nearest", binary)] == ["colour", "binary"]
    assert all(one["milliseconds"] > 0 for one in found[:-1])
    (blind,) = client.predict(CELLS, [name], api_name="/compare")
    assert blind["psnr_db"] is None and blind["milliseconds"] > 0 and blind["problem"] is None


NAME = None  # stands for the default model
BAD_CALLS = {
    "a row off the grid": ("/reconstruct", [[[32, 0, 1, 1, 1]]]),
    "a column below 0": ("/reconstruct", [[[0, -1, 1, 1, 1]]]),
    "a row of 1.5": ("/reconstruct", [[[1.5, 0, 1, 1, 1]]]),
    "a colour of 300": ("/reconstruct", [[[0, 0, 300, 1, 1]]]),
    "a colour of -1": ("/reconstruct", [[[0, 0, 1, -1, 1]]]),
    "a colour as text": ("/reconstruct", [[[0, 0, "1", 1, 1]]]),
    "a colour true": ("/reconstruct", [[[0, 0, True, 1, 1]]]),
    "a colour null": ("/reconstruct", [[[0, 0, None, 1, 1]]]),
    "one channel": ("/reconstruct", [[[0, 0, 1]]]),
    "four channels": ("/reconstruct", [[[0, 0, 1, 1, 1, 1]]]),
    "a cell twice": ("/reconstruct", [ONE * 2]),
    "too many cells": ("/reconstruct", [ALL + ONE]),
    "cells as text": ("/reconstruct", ["cells"]),
    "cells as an object": ("/reconstruct", [{"cells": ONE}]),
    "cells null": ("/reconstruct", [None]),
    "a cell that is a number": ("/reconstruct", [[7]]),
    "an unknown model": ("/reconstruct", [ONE, "gaussian-moon"]),
    "a model that is a path": ("/reconstruct", [ONE, "../../etc"]),
    "a model that is markup": ("/reconstruct", [ONE, "<b>bold</b>"]),
    "a model that is null": ("/reconstruct", [ONE, None]),
    "a model that is a list": ("/reconstruct", [ONE, ["nearest"]]),
    "another side than the model's": ("/reconstruct", [ONE, NAME, 16]),
    "side 0": ("/reconstruct", [ONE, NAME, 0]),
    "a huge side": ("/reconstruct", [ONE, NAME, 10**9]),
    "a side beyond 64 bits": ("/reconstruct", [ONE, NAME, 10**30]),
    "side 32.5": ("/reconstruct", [ONE, NAME, 32.5]),
    "a side as text": ("/reconstruct", [ONE, NAME, "32"]),
    "nothing to interpolate": ("/reconstruct", [[], "linear"]),
    "an unknown family": ("/patch", ["sobel", 4]),
    "a family that is a list": ("/patch", [["sobol"], 4]),
    "size 0": ("/patch", ["sobol", 0]),
    "size 1025": ("/patch", ["sobol", 1025]),
    "size 1.5": ("/patch", ["sobol", 1.5]),
    "a size as text": ("/patch", ["sobol", "4"]),
    "size null": ("/patch", ["sobol", None]),
    "a negative seed": ("/patch", ["random", 4, -1]),
    "a seed of 0.5": ("/patch", ["random", 4, 0.5]),
    "Sobol' on a side of 33": ("/patch", ["sobol", 4, 0, 33]),
    "a patch on a huge side": ("/patch", ["random", 4, 0, 10**9]),
    "no models": ("/compare", [ONE, []]),
    "models that are text": ("/compare", [ONE, "nearest"]),
    "models that are null": ("/compare", [ONE, None]),
    "33 models": ("/compare", [ONE, ["nearest"] * 33]),
    "models on another side": ("/compare", [ONE, ["nearest"], None, 16]),
    "a cell off the compared grid": ("/compare", [[[32, 0, 1, 1, 1]], ["nearest"]]),
    "a picture of another size": ("/compare", [ONE, ["nearest"], FACE[:16].tolist()]),
    "a picture with rows of several lengths": ("/compare", [ONE, ["nearest"], [[[1, 2, 3]], []]]),
    "a picture of fractions": ("/compare", [ONE, ["nearest"], (FACE / 255).tolist()]),
    "a picture of 300s": ("/compare", [ONE, ["nearest"], (FACE * 0 + 300.0).astype(int).tolist()]),
    "a picture as text": ("/compare", [ONE, ["nearest"], "face"]),
    "no samples": ("/sample", [ONE, NAME, 0]),
    "17 samples": ("/sample", [ONE, NAME, 17]),
    "129 steps": ("/sample", [ONE, NAME, 1, 129]),
    "an order that is none": ("/sample", [ONE, NAME, 1, 4, 0, 32, "spiral"]),
    "an order that is no word": ("/sample", [ONE, NAME, 1, 4, 0, 32, ["sobol"]]),
    "a temperature of none": ("/sample", [ONE, NAME, 1, 4, 0, 32, "sobol", 0]),
    "a temperature that is no number": ("/sample", [ONE, NAME, 1, 4, 0, 32, "sobol", "warm"]),
    "no steps": ("/sample", [ONE, NAME, 1, 0]),
    "1.5 samples": ("/sample", [ONE, NAME, 1.5]),
    "a sample with a negative seed": ("/sample", [ONE, NAME, 1, 1, -1]),
    "a sample with a seed beyond 64 bits": ("/sample", [ONE, NAME, 1, 1, 10**30]),
    "samples of a classical method": ("/sample", [ONE, "nearest"]),
    "samples of a cell off the grid": ("/sample", [[[0, 99, 1, 1, 1]]]),
}


def plain(said: str) -> None:
    assert re.fullmatch(r"[A-Z][^\n]{8,280}\.", said), said
    assert not re.search(r"Traceback|[a-z]Error|Exception|our fault|/site-packages/|\.py\b", said), said


@pytest.mark.parametrize("endpoint, arguments", BAD_CALLS.values(), ids=BAD_CALLS)
def test_a_bad_call_is_a_sentence(client, name, endpoint, arguments):
    if len(arguments) > 1 and arguments[1] is NAME and len(arguments) > 2 and endpoint != "/patch":
        arguments = [arguments[0], name, *arguments[2:]]
    with pytest.raises(client_library.exceptions.AppError) as told:
        client.predict(*arguments, api_name=endpoint)
    plain(str(told.value))


def answered(url: str, endpoint: str, body: str) -> str:
    """What a program without our client library reads for a body that it wrote itself."""
    with httpx.Client(base_url=f"{url}gradio_api/call{endpoint}", timeout=30) as http:
        sent = http.post("", content=body, headers={"content-type": "application/json"})
        if sent.status_code != 200:
            return sent.text
        return http.get(f"/{sent.json()['event_id']}").text


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999", "1" + "0" * 400])
def test_what_json_cannot_say_is_refused(url, name, number):
    for body in (
        f'{{"data": [[[0, 0, {number}, 1, 1]], "{name}", 32]}}',
        f'{{"data": [[[0, 0, 1, 1, 1]], "{name}", {number}]}}',
    ):
        said = answered(url, "/reconstruct", body)
        assert "event: complete" not in said and "Traceback" not in said and "our fault" not in said, said
    said = answered(url, "/patch", f'{{"data": ["random", {number}, 0, 32]}}')
    assert "event: complete" not in said and "our fault" not in said, said


def test_a_broken_body_is_refused(url):
    for body in ("", "{", "[]", '{"data": 5}', '{"data": []}', "[" * 1000):
        said = answered(url, "/reconstruct", body)
        assert "event: complete" not in said and "Traceback" not in said and ".py" not in said, said


def test_after_all_of_them_a_good_call_works(client):
    assert np.shape(client.predict(CELLS, api_name="/reconstruct")["mean"]) == (3, 32, 32)
    json.dumps(client.predict(CELLS, count=1, api_name="/sample"))


def test_a_curve_and_what_is_none(client):
    points = [[-0.5, 0.2], [0.3, -0.7]]
    found = client.predict(points, [-0.5, 0.0, 0.3], "curves", 2, 1, api_name="/curve")
    again = client.predict(points, [-0.5, 0.0, 0.3], "curves", 2, 1, api_name="/curve")
    assert found == again and found["x"] == [-0.5, 0.0, 0.3] and len(found["samples"]) == 2
    assert all(low < mean < high for low, mean, high in zip(found["low"], found["mean"], found["high"], strict=True))
    assert abs(found["mean"][0] - 0.2) < 0.06 and abs(found["mean"][2] + 0.7) < 0.06
    assert len(client.predict(points, api_name="/curve")["x"]) == 161
    for wrong in (
        ("ab",),
        ([[2, 0]],),
        (points, [2.0]),
        (points, []),
        (points, None, "gaussian-celeba"),
        (points, None, "curves", 17),
        (points, None, "curves", 0, -1),
    ):
        with pytest.raises(client_library.exceptions.AppError) as said:
            client.predict(*wrong, api_name="/curve")
        assert "our fault" not in str(said.value)
