"""The tab about the models: what each is, what it saw, what it may be used for, what it reaches."""

from __future__ import annotations

import html

import gradio as gr

from recon import baselines
from recon.errors import CheckpointError
from recon.hub import resolve
from recon.transfer import CARD
from recon.ui.engine import Engine

LEDE = """
Every model here answers the same question: given some pixels, what is the probability of every other one? The
**Gaussian** is the best answer that straight-line prediction can give; it is exact, and nothing about it was trained
but a mean and a covariance. The **scale mixture** is that Gaussian with the contrast of each picture inferred from
what is observed: it says much more truly how sure it is. The **mixture of scale mixtures** asks first what kind of
picture this is, and so leaves the straight line. The **density network** models what the scale mixture leaves over.
**PixelTransformer** is the network of Tulsiani & Gupta: it attends to pixels by their position, and may be asked about
places between them. **ConvNADE** is the network of Emmett-Iwaniw & Kirk. Black and white digits have two models of
their own: the **Bernoulli mixture** compares them with five hundred prototypes, and **orderless NADE** is a small
network (Uria, Murray & Larochelle) that starts from what this mixture and a scale mixture say. The classical methods
interpolate: they say what, and not how sure. Networks here were trained for minutes to hours on a CPU. Each card says
what its model reaches, how often its intervals hold what they say if it has any, and where a simpler one is still
ahead. Models of a texture draw pixels one after another and do not answer scattered ones, so they are not in this list:
**Textures** has them.
"""


def build(page: gr.Blocks, engine: Engine) -> None:
    """Lay the tab out: a table of all models, and a card to read."""
    gr.Markdown(LEDE, elem_classes="recon-lede")
    runs = gr.HTML("", elem_id="about-where")
    page.load(lambda: where(engine), None, runs, show_progress="hidden", api_visibility="private")
    gr.HTML(table(engine))
    names = [(record.title, record.name) for record in engine.records.values()]
    chosen = gr.Dropdown(names, value=engine.default, label="Read a card", elem_classes="recon-card-menu")
    card = gr.Markdown(read_card(engine.default), elem_classes="recon-card recon-model-card")
    chosen.input(read_card, chosen, card, api_visibility="private", show_progress="hidden")


def where(engine: Engine) -> str:
    """What the page runs on, and whether all weights are here."""
    import torch

    if engine.lender is not None:
        runs = "on a GPU that it is lent for moments (ZeroGPU)"
    elif engine.device != "cpu" and torch.cuda.is_available():
        runs = f"on a GPU, {torch.cuda.get_device_name()}"
    else:
        runs = f"on the CPU, with {torch.get_num_threads()} threads"
    here = sum(engine.arrivals.has(name) for name in engine.records)
    coming = sum(name in engine.arrivals.coming for name in engine.records)
    told = f"This page runs {runs} (torch {torch.__version__}). {here} of {len(engine.records)} models are here"
    told += f", {coming} are on their way" if coming else ""
    failed = [said for name in engine.records if (said := engine.arrivals.why_not(name))]
    said = f" {html.escape(failed[0])}" if failed else ""
    return f"<p class='quiet'>{told}.{said}</p>"


def table(engine: Engine) -> str:
    """All models as an HTML table."""
    rows = [
        f"<tr><td>{html.escape(r.title)}</td><td>{html.escape(r.data)}</td><td>{r.parameters:,}</td>"
        f"<td>{r.bytes / 1e6:.1f} MB</td><td>{html.escape(r.licence)}</td></tr>"
        for r in engine.records.values()
    ]
    rows += [
        f"<tr><td>{method.title}</td><td>no training</td><td>–</td><td>–</td><td>classical method</td></tr>"
        for method in baselines.METHODS.values()
    ]
    head = "".join(f"<th>{name}</th>" for name in ("Model", "Trained on", "Numbers", "Size", "Licence and terms"))
    return f"<div class='recon-table'><table><thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table></div>"


def read_card(name: str) -> str:
    """A checkpoint's card without its front matter."""
    try:
        text = (resolve(name) / CARD).read_text(encoding="utf-8")
    except (CheckpointError, OSError):
        return "This model's card could not be read."
    return text.split("---", 2)[-1].strip() if text.startswith("---") else text
