"""A GPU that is lent for moments: the page beside a double of `spaces`, which forks as the real one does."""

from __future__ import annotations

import importlib
import subprocess
import sys

import gradio as gr
import pytest
import torch

from recon import comparison, hub, patches, sampling
from recon.acquisition import next_pixels
from recon.errors import PredictionError
from recon.evaluation import experiment, sources
from recon.painting import encode_picture
from recon.race import race
from recon.ui import about, pictures, zero_gpu
from recon.ui.api import exact
from recon.ui.comparing import MODELS, PAINTED, Comparing
from recon.ui.doubts import warning
from recon.ui.drawing import Drawing
from recon.ui.engine import Engine, reveal
from recon.ui.handlers import Handlers
from recon.ui.racing import Racing

HERE, LATE, NETWORK = "gsm-fer2013", "mdn-fer2013", "nade-mnist"
FRESH = ("", "mean", True, "")  # no truth, the mean, marks, nothing selected


@pytest.fixture(scope="module")
def plain():
    return Engine("cpu")


@pytest.fixture(scope="module")
def spaces(plain):
    """ZeroGPU: two models are put there before the launch, and what stays in this process is no numbers."""
    sys.path.insert(0, "tests")
    import fake_spaces

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SPACE_ID", "them/recon")
        patch.setitem(sys.modules, "spaces", fake_spaces)
        importlib.reload(zero_gpu)
        yield fake_spaces
    for worker in fake_spaces.workers:
        worker.process.terminate()
        worker.process.join()
    importlib.reload(zero_gpu)


@pytest.fixture(scope="module")
def engine(spaces):
    engine = Engine()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(hub, "available", lambda name: name in (HERE, NETWORK))
        engine.settle()
    engine.arrivals.here.clear()
    for model in engine.models.values():
        tensors = [*model.parameters(), *model.buffers()]
        before = [tensor.clone() for tensor in tensors]

        def move(tensors=tensors, before=before):
            for tensor, value in zip(tensors, before, strict=True):
                tensor.copy_(value)

        spaces.moves.append(move)
        for tensor in tensors:
            tensor.fill_(torch.nan if tensor.is_floating_point() else 0)
    return engine


@pytest.fixture
def declared(spaces):
    spaces.declared.clear()
    return spaces.declared


@pytest.fixture
def painting():
    return reveal(pictures.load("face"), patches.sobol(32, 64))


@pytest.mark.parametrize("name", [HERE, LATE])
def test_a_stroke_is_answered_as_by_the_page_itself(engine, plain, painting, declared, name):
    truth = encode_picture(pictures.load("face"))
    found = Handlers(engine).results(painting, name, truth, "mean", True, "[3, 4]")
    known = Handlers(plain).results(painting, name, truth, "mean", True, "[3, 4]")
    assert found[0] == known[0] and found[1:4] == known[1:4] and "CPU" in found[4]
    assert declared == [zero_gpu.STROKE]
    assert not engine.desk.turns.taken and not engine.desk.asks


def test_samples_come_step_by_step_and_are_the_same(engine, plain, painting, declared):
    steps = list(Drawing(engine).draw(painting, NETWORK, 3, "sobol", 12))
    *_, known = Drawing(plain).draw(painting, NETWORK, 3, "sobol", 12)
    assert steps[0][0]["busy"] and steps[-1][0] == known[0] and len(known[0]["pngs"]) == 8
    assert declared == [zero_gpu.STROKE, 8 + 12 / 4]


def test_what_is_stopped_stops_there_and_the_next_one_comes(engine, painting, declared, spaces):
    model, observation = engine.model(NETWORK), engine.observe(NETWORK, painting)
    drawing = engine.desk.drawing(model, observation, 8, 128, 0)
    next(drawing)
    drawing.close()
    before = len(spaces.workers)
    assert engine.desk.ask(model, observation).mean.shape == (1, 32, 32)
    assert len(spaces.workers) == before


def test_sentences_come_back_whole_and_of_other_errors_no_more_than_a_name(engine, painting):
    model, observation = engine.model(NETWORK), engine.observe(NETWORK, painting)
    with pytest.raises(PredictionError, match="There is no order 'none'"):
        list(engine.desk.drawing(model, observation, 1, 4, 0, "none"))
    with pytest.raises(gr.Error, match="ZeroDivisionError"):
        engine.desk.once(divmod, 1, 0)


def test_what_takes_longer_is_asked_for_longer(engine, plain, painting, declared, tmp_path):
    asked = (MODELS, PAINTED, "sobol", 64, 0, [HERE, LATE, "nearest"], None, None)
    there = (painting, encode_picture(pictures.load("face")), "face", "sobol", 64, 0)
    *_, found = Comparing(engine).run(*asked, *there)
    *_, known = Comparing(plain).run(*asked, *there)
    shown = [[(tile.get("looks"), tile.get("note")) for tile in each[1]["tiles"]] for each in (found, known)]
    assert shown[0] == shown[1] and len(shown[0]) == 5

    run = ("face", 0, HERE, painting, "", "", "sobol", 64, 0)
    *_, found = Racing(engine).run(*run)
    *_, known = Racing(plain).run(*run)
    assert found[3] == known[3] and "finished" in found[2]

    drawn = engine.desk.once(sources.drawn, engine.model(HERE), 4, 0, 32)
    given = experiment.Experiment(drawn, (HERE, "linear"), ("random",), (16,), 2)
    rows = [row for step in engine.desk.steps(experiment.run, given, engine.model) for row in step.rows]
    again = [row for step in experiment.run(given, plain.model) for row in step.rows]
    assert [row.each.tolist() for row in rows] == [row.each.tolist() for row in again]
    assert declared == [10 + 3 * 3, 60, 20, 15]
    large = experiment.Experiment(drawn.expand(-1, 3, -1, -1), (HERE, LATE, "linear"), ("random",), (16, 32), 600)
    assert zero_gpu.seconds(experiment.run, large, engine.model) == zero_gpu.MOST


def test_looks_doubts_and_the_next_pixel(engine, plain, painting, declared):
    grey = [each.engine.observe(HERE, painting) for each in (Handlers(engine), Handlers(plain))]
    assert torch.equal(grey[0].values, grey[1].values)
    assert Handlers(engine).wanted(painting, HERE) == Handlers(plain).wanted(painting, HERE)
    assert warning(engine, HERE, painting) == warning(plain, HERE, painting)
    assert (
        Handlers(engine).results(painting, HERE, "", "sample", True, "")[0]
        == (Handlers(plain).results(painting, HERE, "", "sample", True, "")[0])
    )
    assert len(declared) == 4


def test_the_other_process_imports_nothing(engine, spaces, painting):
    """It would wait for ever for a thread of the page that is importing the same, and was not forked with it."""
    for family in patches.FAMILIES:
        engine.desk.once(patches.make, family, 32, 16, 0)
    for measure in experiment.MEASURES:
        asked = experiment.Experiment(torch.rand(2, 1, 32, 32), (HERE, LATE), ("random",), (16,), 1, measure)
        list(engine.desk.steps(experiment.run, asked, engine.model))
    list(
        engine.desk.steps(
            comparison.of_models, ["nearest", "linear", "rbf", "biharmonic"], engine.observe(HERE, painting)
        )
    )
    strange = {name for name in spaces.imported if not name.startswith(("encodings", "torch.testing"))}
    assert not strange, strange


def test_classical_methods_need_no_gpu(engine, painting, declared):
    assert exact(engine.answer("linear", painting).mean) and declared == []


def test_the_page_says_so(engine, plain):
    assert "lent for moments (ZeroGPU)" in about.where(engine) and "ZeroGPU" not in about.where(plain)


def test_every_time_declared_is_of_something_that_there_is():
    works = (sampling.stream, comparison.of_models, comparison.of_patches, race, sources.drawn, experiment.run)
    assert {f"{work.__module__}.{work.__qualname__}" for work in works} == set(zero_gpu.SECONDS)
    assert zero_gpu.seconds(next_pixels, None, None) == zero_gpu.STROKE


SAYS = (
    "from recon.ui import zero_gpu; import sys; print('spaces' in sys.modules, zero_gpu.carried_out is zero_gpu.there)"
)


@pytest.mark.parametrize(
    ("space", "package", "said"),
    [
        ("", "GPU = None", "False True"),  # installed, and no Space
        ("them/recon", "raise ImportError", "False True"),  # a Space without the package
        ("them/recon", "def GPU(duration):\n    return lambda task: task", "True True"),  # a Space without ZeroGPU
    ],
)
def test_elsewhere_nothing_happens(tmp_path, space, package, said):
    (tmp_path / "spaces.py").write_text(package)
    settings = {"PYTHONPATH": f"{tmp_path}:.", "SPACE_ID": space, "PATH": ""}
    done = subprocess.run([sys.executable, "-c", SAYS], env=settings, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == said
