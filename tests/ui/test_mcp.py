"""RECON_MCP=1: the endpoints as tools of the Model Context Protocol."""

from __future__ import annotations

import asyncio
import json

import numpy as np
import pytest

from recon import images, patches
from recon.ui import page, pictures
from recon.ui.engine import reveal
from tests.ui.test_same_browser import opened

mcp = pytest.importorskip("mcp")
CELLS = reveal(pictures.load("face"), patches.sobol(32, 64)).to_payload()["cells"]


@pytest.fixture(scope="module")
def address(engine):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RECON_MCP", "1")
        app, url, _ = page.launch(engine, (), prevent_thread_lock=True, quiet=True)
    yield f"{url}gradio_api/mcp/"
    app.blocks.close()


def talk(address, *calls):
    """The tools, and what each call (name, arguments) gets"""
    from mcp.client.streamable_http import streamablehttp_client

    async def go():
        async with streamablehttp_client(address) as (reads, writes, _), mcp.ClientSession(reads, writes) as session:
            await session.initialize()
            tools = (await session.list_tools()).tools
            return {tool.name: tool for tool in tools}, [await session.call_tool(*call) for call in calls]

    return asyncio.run(go())


def test_every_endpoint_is_a_tool_that_says_what_it_takes(address):
    tools, _ = talk(address)
    assert set(tools) == {"models", "patch", "reconstruct", "sample", "compare", "curve"}
    for name, tool in tools.items():
        assert tool.description.strip().endswith("."), name
        for argument, about in tool.inputSchema["properties"].items():
            assert about["description"].endswith("."), (name, argument)


def test_a_tool_answers_as_the_library_and_refuses_in_a_sentence(address, engine):
    bad = ("sample", {"cells": CELLS, "model": "no-such-model"})
    good = ("sample", {"cells": CELLS, "model": "gsm-celeba", "count": 2, "seed": 5})
    _, (refused, answered) = talk(address, bad, good)
    assert refused.isError and refused.content[0].text == "There is no model called 'no-such-model' on this page."
    found = json.loads(answered.content[0].text.replace("'", '"'))
    from recon import Observation, sample

    known = Observation.from_image(pictures.load("face"), patches.sobol(32, 64))
    for uri, one in zip(found, sample(engine.model("gsm-celeba"), known, 2, seed=5), strict=True):
        assert np.array_equal(opened(uri), images.to_array(one))
