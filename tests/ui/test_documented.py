"""What is said of the endpoints is true: each has types and an example, and each example is sent as it stands, by our
client library, over plain HTTP in two steps, and as a tool, to the same answer."""

from __future__ import annotations

import ast
import json
import re

import httpx
import pytest

from recon import patches, schedules
from recon.ui import page
from tests.ui.test_mcp import talk

client_library = pytest.importorskip("gradio_client")
pytest.importorskip("mcp")
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")
ENDPOINTS = ("models", "patch", "reconstruct", "sample", "compare", "curve")


@pytest.fixture(scope="module")
def url(engine):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RECON_MCP", "1")
        app, url, _ = page.launch(engine, (), prevent_thread_lock=True, quiet=True)
    yield url
    app.blocks.close()


@pytest.fixture(scope="module")
def client(url):
    return client_library.Client(url, verbose=False)


@pytest.fixture(scope="module")
def documented(client) -> dict:
    """What the page tells programs, by endpoint: arguments with their types, and an example"""
    return client.view_api(return_format="dict", print_info=False)["named_endpoints"]


def example(said: dict) -> dict:
    found = re.findall(r"Example: (\{.*?\})\.(?: |$)", said["description"])
    assert len(found) == 1, said["description"]
    return json.loads(found[0])


def timeless(answer):
    """Without how long it took"""
    if isinstance(answer, list):
        return [timeless(one) for one in answer]
    if isinstance(answer, dict):
        return {key: timeless(value) for key, value in answer.items() if key != "milliseconds"}
    return answer


def by_hand(url: str, name: str, arguments: list):
    """In two steps, as the README has it"""
    with httpx.Client(base_url=f"{url}gradio_api/call", timeout=60) as http:
        event = http.post(f"/{name}", json={"data": arguments}).raise_for_status().json()["event_id"]
        told = http.get(f"/{name}/{event}").text
    assert told.startswith("event: complete\n"), told
    return json.loads(told.split("data: ", 1)[1])[0]


@pytest.fixture(scope="module")
def tools(url, documented) -> tuple[dict, dict]:
    """What is said of the tools, and what they answer to the examples"""
    calls = [(name, example(documented[f"/{name}"])) for name in ENDPOINTS]
    said, answers = talk(f"{url}gradio_api/mcp/", *calls)
    return said, dict(zip(ENDPOINTS, answers, strict=True))


@pytest.mark.parametrize("name", ENDPOINTS)
def test_arguments_have_types_and_words(documented, name):
    said = documented[f"/{name}"]
    for argument in said["parameters"]:
        kind = argument["python_type"]
        assert kind["type"] not in ("", "Any") and kind["description"].endswith("."), argument
        assert "$" not in kind["description"]
    assert all(answer["python_type"]["type"] not in ("", "Any") for answer in said["returns"])


@pytest.mark.parametrize("name", ENDPOINTS)
def test_the_pages_own_snippet_runs_as_it_stands(url, client, documented, name):
    """Of "Use via API": what somebody copies from there"""
    (said,) = [
        one for key, one in httpx.get(f"{url}gradio_api/info").json()["named_endpoints"].items() if key == f"/{name}"
    ]
    room: dict = {}
    exec(said["code_snippets"]["python"].replace("print(result)", ""), room)
    room["client"].close()
    if name == "sample":  # it takes long, and is compared below
        assert len(room["result"]) == 4
        return
    needed = {
        one["parameter_name"]: one["example_input"] for one in said["parameters"] if not one["parameter_has_default"]
    }
    assert timeless(room["result"]) == timeless(client.predict(**needed, api_name=f"/{name}"))


def read(text: str):
    """A tool's answer, which is JSON, or as Python writes it"""
    try:
        return json.loads(text)
    except ValueError:
        return ast.literal_eval(text)


@pytest.mark.parametrize("name", ENDPOINTS)
def test_the_example_is_answered_alike_in_every_way(url, client, documented, tools, name):
    said, arguments = documented[f"/{name}"], example(documented[f"/{name}"])
    names = [argument["parameter_name"] for argument in said["parameters"]]
    assert set(arguments) <= set(names)
    answer = timeless(client.predict(**arguments, api_name=f"/{name}"))
    assert answer
    listed = [arguments.get(one["parameter_name"], one["parameter_default"]) for one in said["parameters"]]
    assert timeless(by_hand(url, name, listed)) == answer
    assert not tools[1][name].isError
    assert timeless(read(tools[1][name].content[0].text)) == answer
    assert f"Example: {json.dumps(arguments)}." in tools[0][name].description
    assert set(tools[0][name].inputSchema["properties"]) == set(names)


def test_lists_of_names_are_those_that_there_are(documented):
    def words(name: str, argument: str) -> list[str]:
        (said,) = [one for one in documented[name]["parameters"] if one["parameter_name"] == argument]
        return re.split(", | or ", said["python_type"]["description"].rstrip("."))

    assert words("/patch", "family") == list(patches.FAMILIES)
    assert words("/sample", "order") == list(schedules.ORDERS)
