"""The Curves part of the page, without a browser: points in, answers of both models out."""

import json
import math

import gradio as gr
import pytest
import torch

from recon.curves.answer import MOST
from recon.ui.curve_board import CurveBoard, Placed, parsed
from recon.ui.curves import SEVEN
from recon.ui.curving import CLOSED, KEPT, PAPER, QUERIES, Curving, on_sextic, written
from recon.ui.desk import Desk

LOOKS = (CLOSED, False, True, 0)
NONE = Placed(torch.zeros(0, 2))
POINTS = torch.tensor([[-0.5, 0.2], [0.3, -0.7]], dtype=torch.float64)


@pytest.fixture
def do():
    return Curving(Desk())


def test_both_boards_answer_the_points_of_either(do):
    for handler, here, there in ((do.place_left, 0, 1), (do.place_right, 1, 0)):
        boards = (found := handler(Placed(POINTS, 7.0), *LOOKS))[:2]
        assert "value" not in boards[here] and boards[there]["value"] == {"points": POINTS.tolist(), "sent": 7.0}
        for board in boards:
            answer = board["answer"]
            assert len(answer["x"]) == len(answer["mean"]) == len(QUERIES) and answer["truth"] is None
            (low, high), (inner, upper) = answer["bands"]
            assert all(a <= b <= c <= d for a, b, c, d in zip(low, inner, upper, high, strict=True))
            for x, y in POINTS.tolist():
                assert abs(answer["mean"][round((x + 1) * 80)] - y) < 0.06
        assert found[4] == "-0.5, 0.2; 0.3, -0.7"


def test_a_sextic_is_drawn_and_is_the_same_for_the_same_seed(do):
    ours, theirs, *_ = do.draw(6, NONE, *LOOKS)
    again = do.draw(6, NONE, *LOOKS)
    assert ours == again[0] and len(ours["value"]["points"]) == 6 and ours["answer"]["truth"]
    assert ours["value"]["sextic"] == theirs["value"]["sextic"] == 0
    more = do.draw(9, NONE, *LOOKS)
    assert more[0]["value"]["points"][:6] == ours["value"]["points"]
    other = do.draw(6, NONE, *LOOKS[:-1], 1)[0]
    assert ours["answer"]["truth"] == theirs["answer"]["truth"] != other["answer"]["truth"]
    for x, y in ours["value"]["points"]:
        assert abs(on_sextic(0, torch.tensor([x])).item() - y) < 0.1


def test_points_are_of_the_sextic_that_they_were_begun_with_also_after_another(do):
    """Undo brings the points before back, and with them that sextic and its seed."""
    before, after = (do.draw(6, NONE, *LOOKS[:-1], seed)[0] for seed in (0, 1))
    undone = do.place_left(CurveBoard(render=False).preprocess(before["value"]), *LOOKS[:-1], 1)
    truths = [one["answer"]["truth"] for one in (undone[0], before, after)]
    assert truths[0] == truths[1] != truths[2] and undone[-1] == 0
    assert do.place_left(CurveBoard(render=False).preprocess(after["value"]), *LOOKS[:-1], 1)[-1] == gr.skip()


def test_one_point_more_is_where_the_doubt_is_and_lessens_it(do):
    ours, *_ = do.draw(4, NONE, *LOOKS)
    points = torch.tensor(ours["value"]["points"], dtype=torch.float64)
    found = do.more(Placed(points, sextic=0), *LOOKS)
    wide = [high - low for low, high in zip(*ours["answer"]["bands"][0], strict=True)]
    added = found[0]["value"]["points"][-1][0]
    assert math.isclose(added, QUERIES[wide.index(max(wide))].item(), abs_tol=0.02)
    after = [high - low for low, high in zip(*found[0]["answer"]["bands"][0], strict=True)]
    assert sum(after) < sum(wide)
    with pytest.raises(gr.Error, match="Another sextic"):
        do.more(Placed(points), *LOOKS)


@pytest.mark.parametrize("seed", range(3))
def test_seven_points_are_enough_as_the_page_says(do, seed):
    placed, wide = Placed(torch.zeros(0, 2, dtype=torch.float64), sextic=seed), []
    for _ in range(7):
        ours, theirs, *_ = do.more(placed, *LOOKS[:-1], seed)
        placed = CurveBoard(render=False).preprocess(ours["value"])
    for board in (ours, theirs):
        low, high = board["answer"]["bands"][0]
        wide.append(max(b - a for a, b in zip(low, high, strict=True)) / 2)
    assert wide[0] < SEVEN < wide[1] / 2


def test_where_there_is_no_room_it_says_so(do):
    points = torch.stack([torch.linspace(-1, 1, MOST), torch.zeros(MOST)], 1)
    found = do.more(Placed(points), *LOOKS)
    assert "room for 60" in found[2] and found[0] == gr.skip()


def test_what_is_chosen_beside_them(do):
    plain, drawn, hidden, other = (
        do.look(Placed(POINTS, sextic=sextic), *looks)
        for sextic, looks in (
            (None, LOOKS),
            (0, (CLOSED, True, True, 0)),
            (0, (CLOSED, False, False, 0)),
            (0, (PAPER, False, True, 0)),
        )
    )
    assert plain[0]["answer"]["samples"] == [] and len(drawn[0]["answer"]["samples"]) == 8
    assert drawn[0]["answer"]["truth"] and hidden[0]["answer"]["truth"] is None
    assert "Mean error" in drawn[2] and "Standard deviation" in plain[2]
    assert other[0]["answer"]["mean"] != plain[0]["answer"]["mean"]
    assert other[1]["answer"]["mean"] == plain[1]["answer"]["mean"]


def test_arriving_again_changes_nothing(do):
    assert len(do.arrive("", "", 5, NONE, *LOOKS)[4]["value"]["points"]) == 5
    assert all(one == gr.skip() for one in do.arrive("said", "", 5, NONE, *LOOKS))
    assert len(do.arrive("", "", 5, NONE, *LOOKS)) == len(do.arrive("said", "", 5, NONE, *LOOKS)) == 10


def test_a_reload_brings_points_and_what_is_chosen_back(do, monkeypatch):
    warned: list = []
    monkeypatch.setattr("recon.ui.keeping.gr.Warning", warned.append)
    placed = {"points": POINTS.tolist(), "sextic": 3, "sent": 12.0}
    kept = dict(zip(KEPT, (placed, PAPER, True, False, 3, 8), strict=True))
    model, samples, shown, size, ours, theirs, *_, text, seed = do.arrive("", json.dumps(kept), 5, NONE, *LOOKS)
    assert (model, samples, shown, size, seed) == (PAPER, True, False, 8, 3) and text == "-0.5, 0.2; 0.3, -0.7"
    for board in (ours, theirs):
        assert board["value"]["points"] == POINTS.tolist() and board["value"]["sextic"] == 3
        assert len(board["answer"]["samples"]) == 8
    assert not warned
    for name, wrong in (("placed", {"points": [[9, 9]]}), ("model", "x"), ("size", 99), ("samples", 1), ("seed", -1)):
        found = do.arrive("", json.dumps({**kept, name: wrong}), 5, NONE, *LOOKS)
        assert len(found[4]["value"]["points"]) == 5 and found[0] == gr.skip()
    assert len(warned) == 5


def test_points_as_text(do):
    assert torch.equal(written("-0.5, 0.2; .3 -.7\n"), POINTS) and written("").shape == (0, 2)
    assert torch.equal(written("\u22120.5, 0.2; .3 \u2212.7"), POINTS)
    ours, theirs, *_ = do.type_in("-0.5, 0.2; .3 -.7", Placed(POINTS, 5.0, sextic=3), *LOOKS)
    assert ours["value"] == theirs["value"] == {"points": POINTS.tolist(), "sent": 6.0}
    for text in ("a, b", "1", "1, 2, 3", "2, 0", "0, nan", "; ".join(["0, 0"] * (MOST + 1))):
        with pytest.raises(gr.Error):
            do.type_in(text, NONE, *LOOKS)


@pytest.mark.parametrize(
    "payload",
    [None, 3, "ab", {}, {"points": 1}, {"points": "0,0"}, {"points": [[0]]}, {"points": [[0, "a"]]}, {"points": [0, 0]},
     {"points": [[0, None]]}, {"points": [[2, 0]]}, {"points": [[0, 1e9]]}, {"points": [[0, 10**400]]},
     {"points": [], "sextic": -1}, {"points": [], "sextic": "0"}, {"points": [], "sextic": 0.5},
     {"points": [[float("nan"), 0]]}, {"points": [[0, 0]] * (MOST + 1)}, {"points": [[[0, 0]]]}, {"points": {"0": 1}}],
)  # fmt: skip
def test_what_a_browser_may_send_that_is_no_points(payload):
    with pytest.raises(gr.Error):
        CurveBoard(render=False).preprocess(payload)


@pytest.mark.parametrize(
    ("points", "says"),
    [([[0, 0]] * (MOST + 1), "up to"), ([[2, 0]], "between -1 and 1"), ([[0, "a"]], "two numbers"), ("x", "up to")],
)
def test_each_gets_a_sentence_of_its_own(points, says):
    with pytest.raises(gr.Error, match=says):
        parsed(points)


def test_seeds_as_everywhere_on_the_page(do):
    for seed in (-1, 1e30, None, 0.5):
        with pytest.raises(gr.Error) as said:
            do.draw(5, NONE, *LOOKS[:-1], seed)
        assert "our fault" not in str(said.value)


def test_a_board_takes_and_gives_points():
    board = CurveBoard(render=False)
    for payload in ({"points": POINTS.tolist()}, {"points": POINTS.tolist(), "sextic": 5, "sent": 12.0}):
        assert board.postprocess(board.preprocess(payload)) == payload
    assert board.preprocess({"points": [], "sent": "now"}).sent == 0
    assert board.postprocess(None) == {"points": []} and parsed([]).shape == (0, 2)
