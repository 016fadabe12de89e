import base64
import json
import sys

import numpy as np
import pytest

from recon.errors import ObservationError
from recon.painting import MAX_SIDE, Painting, encode_picture

GOOD = {"side": 4, "cells": [[0, 0, 1, 2, 3], [3, 2, 255, 0, 9]]}


def nested(depth):
    return "[" * depth + "]" * depth


@pytest.mark.parametrize("payload", [GOOD, json.dumps(GOOD), {**GOOD, "cells": tuple(map(tuple, GOOD["cells"]))}])
def test_a_payload_is_read(payload):
    painting = Painting.parse(payload)
    assert painting.side == 4 and painting.count == 2
    assert painting.values.dtype == np.uint8 and painting.mask.dtype == bool
    assert painting.values[3, 2].tolist() == [255, 0, 9]
    assert painting.mask[0, 0] and painting.mask[3, 2] and not painting.mask[1, 1]
    assert not painting.values[~painting.mask].any()


@pytest.mark.parametrize("side", [1, 4, 32, MAX_SIDE])
def test_payloads_go_there_and_back(side):
    rng = np.random.default_rng(side)
    mask = rng.random((side, side)) < 0.3
    values = rng.integers(0, 256, (side, side, 3), dtype=np.uint8)
    painting = Painting.from_arrays(values, mask)
    again = Painting.parse(json.dumps(painting.to_payload()), side=side)
    assert np.array_equal(again.mask, mask)
    assert np.array_equal(again.values, values * mask[..., None])
    assert again.to_payload() == painting.to_payload()


def test_an_empty_painting():
    painting = Painting.empty(5)
    assert painting.count == 0
    assert painting.to_payload() == {"side": 5, "cells": []}
    assert Painting.parse(painting.to_payload()).count == 0


def test_a_payload_is_written_row_by_row():
    backwards = {"side": 4, "cells": GOOD["cells"][::-1]}
    assert Painting.parse(backwards).to_payload() == GOOD


def test_grey_values_become_equal_channels():
    mask = np.eye(2, dtype=bool)
    flat = Painting.from_arrays(np.array([[7, 8], [9, 10]], np.uint8), mask)
    deep = Painting.from_arrays(np.array([[[7], [8]], [[9], [10]]], np.uint8), mask)
    for painting in (flat, deep):
        assert painting.to_payload()["cells"] == [[0, 0, 7, 7, 7], [1, 1, 10, 10, 10]]


def test_arrays_are_copied():
    values, mask = np.full((2, 2, 3), 5, np.uint8), np.ones((2, 2), bool)
    painting = Painting.from_arrays(values, mask)
    values[:], mask[:] = 0, False
    assert painting.count == 4 and painting.values.min() == 5


@pytest.mark.parametrize(
    ("values", "mask"),
    [
        (np.zeros((2, 3, 3), np.uint8), np.zeros((2, 3), bool)),
        (np.zeros((2, 2, 4), np.uint8), np.zeros((2, 2), bool)),
        (np.zeros((2, 2, 3)), np.zeros((2, 2), bool)),
        (np.zeros((2, 2, 3), np.uint8), np.zeros((2, 2), int)),
        (np.zeros((3, 3, 3), np.uint8), np.zeros((2, 2), bool)),
        (np.zeros((129, 129, 3), np.uint8), np.zeros((129, 129), bool)),
        (None, None),
    ],
)
def test_bad_arrays_are_refused(values, mask):
    with pytest.raises(ObservationError):
        Painting.from_arrays(values, mask)


def cell(*entries):
    return {"side": 32, "cells": [[1, 1, 0, 0, 0], list(entries)]}


BAD = {
    "nothing": (None, "not None"),
    "a number": (12, "not 12"),
    "a list": ([[0, 0, 1, 2, 3]], "not a list of 1"),
    "some object": (object(), "not a object"),
    "text": ("hello", "not valid JSON"),
    "no text": ("", "not valid JSON"),
    "half a text": ('{"side": 32, "cel', "not valid JSON"),
    "a deep nest": (nested(200_000), "not valid JSON"),
    "a long text": (" " * 2_000_000, "1000000 is the most"),
    "an endless number": ('{"side": ' + "9" * (sys.get_int_max_str_digits() + 1) + ', "cells": []}', "not valid JSON"),
    "JSON null": ("null", "not None"),
    "JSON NaN": ('{"side": 32, "cells": [[0, 0, NaN, 0, 0]]}', "red of cell 1 .* not nan"),
    "JSON infinity": ('{"side": Infinity, "cells": []}', "side .* not inf"),
    "no side": ({"cells": []}, "no side"),
    "no cells": ({"side": 32}, "no cells"),
    "side 0": ({"side": 0, "cells": []}, "from 1 to 128, not 0"),
    "side -1": ({"side": -1, "cells": []}, "not -1"),
    "side 129": ({"side": 129, "cells": []}, "not 129"),
    "side huge": ({"side": 10**5000, "cells": []}, "not a huge number"),
    "side true": ({"side": True, "cells": []}, "not True"),
    "side text": ({"side": "32", "cells": []}, 'not "32"'),
    "side a float": ({"side": 32.0, "cells": []}, "not 32.0"),
    "side a list": ({"side": [32], "cells": []}, "not a list of 1"),
    "cells null": ({"side": 32, "cells": None}, "must be a list, not None"),
    "cells text": ({"side": 32, "cells": "abcde"}, 'must be a list, not "abcde"'),
    "cells an object": ({"side": 32, "cells": {"0": [0, 0, 1, 2, 3]}}, "must be a list, not an object"),
    "too many cells": ({"side": 2, "cells": [[0, 0, 1, 2, 3]] * 5}, "5 cells; a grid of side 2 has 4"),
    "a cell null": ({"side": 32, "cells": [None]}, "Cell 1 must be .* not None"),
    "a cell text": ({"side": 32, "cells": ["00123"]}, "Cell 1 must be"),
    "a short cell": (cell(0, 0, 1, 2), "Cell 2 must be .* not a list of 4"),
    "a long cell": (cell(0, 0, 1, 2, 3, 4), "Cell 2 must be .* not a list of 6"),
    "a row below": (cell(32, 0, 1, 2, 3), "row of cell 2 .* from 0 to 31, not 32"),
    "a row far below": (cell(9999, 0, 1, 2, 3), "not 9999"),
    "a column before": (cell(0, -1, 1, 2, 3), "column of cell 2 .* not -1"),
    "a column between": (cell(0, 0.5, 1, 2, 3), "not 0.5"),
    "colour 300": (cell(0, 0, 300, 2, 3), "red of cell 2 .* from 0 to 255, not 300"),
    "colour -1": (cell(0, 0, 1, -1, 3), "green of cell 2 .* not -1"),
    "colour a float": (cell(0, 0, 1, 2, 3.5), "blue of cell 2 .* not 3.5"),
    "colour NaN": (cell(0, 0, float("nan"), 2, 3), "not nan"),
    "colour true": (cell(0, 0, True, 2, 3), "not True"),
    "colour null": (cell(0, 0, None, 2, 3), "not None"),
    "colour text": (cell(0, 0, "#ff0000" * 99, 2, 3), "…"),
    "colour huge": (cell(0, 0, 1, 2, -(10**5000)), "not a huge number"),
    "a cell twice": (cell(1, 1, 5, 5, 5), "Row 1, column 1 is painted twice"),
}


@pytest.mark.parametrize(("payload", "says"), BAD.values(), ids=BAD.keys())
def test_a_bad_payload_is_told_in_one_sentence(payload, says):
    with pytest.raises(ObservationError, match=says) as caught:
        Painting.parse(payload)
    message = str(caught.value)
    assert message.endswith(".") and "\n" not in message and len(message) < 160


def test_another_side_than_needed_is_refused():
    assert Painting.parse(GOOD, side=4).side == 4
    with pytest.raises(ObservationError, match="4 pixels a side; 32 are needed"):
        Painting.parse(GOOD, side=32)


def test_a_picture_is_its_raw_bytes():
    picture = np.arange(12, dtype=np.uint8).reshape(2, 2, 3)
    assert base64.b64decode(encode_picture(picture)) == bytes(range(12))
    assert encode_picture(picture.transpose(1, 0, 2)) != encode_picture(picture)
    for bad in (picture[:1], picture[..., :1], picture / 255, None):
        with pytest.raises(ObservationError):
            encode_picture(bad)


def test_the_component_speaks_in_paintings():
    gr = pytest.importorskip("gradio")
    from recon.ui.painter import Painter

    painter = Painter(side=4, render=False)
    assert painter.value == {"side": 4, "cells": []} and painter.preprocess(None).side == 4
    assert painter.postprocess(None) == painter.value
    assert painter.postprocess(Painting.parse(GOOD)) == painter.postprocess(GOOD) == GOOD
    assert painter.preprocess(GOOD).to_payload() == GOOD
    with pytest.raises(gr.Error, match="Row 1, column 1 is painted twice") as caught:
        painter.preprocess(BAD["a cell twice"][0])
    assert not caught.value.print_exception
    with pytest.raises(ValueError, match="ink must be one of"):
        Painter(ink="oil", render=False)
