"""Small components of the Textures tab; each is a `gr.HTML` whose browser part is a script of the same name."""

from __future__ import annotations

import base64
from typing import Any

import gradio as gr
import numpy as np
from torch import Tensor

from recon.models.directed import quantised
from recon.textures.slow_motion import SlowMotion
from recon.ui.components import browser_part

LOWEST, HIGHEST = -0.5, 1.5  # of the experts' means, as they are packed


class TextureCards(gr.HTML):
    """Textures to choose from.

    Its value is a dict: `cards`, each with `title` and `png`, and `chosen`, the index of one or -1. Event `choose` with
    `index`.
    """

    def __init__(self, value: dict[str, Any] | None = None, **kwargs: Any):
        super().__init__(
            value,
            html_template="<div class='texture-cards' role='group' aria-label='Texture'></div>",
            js_on_load=browser_part("texture_cards.js"),
            apply_default_css=False,
            **kwargs,
        )

    def postprocess(self, value: dict[str, Any] | None) -> dict[str, Any]:
        return value or {"cards": [], "chosen": -1}


class TextureView(gr.HTML):
    """A picture of any size; one that fits is enlarged a whole number of times, without smoothing.

    Its value is a dict: `png` (data URI, a pixel a pixel), `label`, and `held_out`, the share of its lowest rows that
    are marked.
    """

    def __init__(self, value: dict[str, Any] | None = None, **kwargs: Any):
        super().__init__(
            value,
            html_template="<div class='texture-view'><canvas role='img' hidden></canvas><i hidden><b></b></i></div>",
            js_on_load=browser_part("texture_view.js"),
            apply_default_css=False,
            **kwargs,
        )

    def postprocess(self, value: dict[str, Any] | None) -> dict[str, Any]:
        return value or {"png": "", "label": "", "held_out": 0.0}


class PictureRow(gr.HTML):
    """A few small pictures side by side.

    Its value is a dict: `pictures`, each with `png` (data URI; "" keeps a place for one to come), `title` and `said`.
    """

    def __init__(self, value: dict[str, Any] | None = None, **kwargs: Any):
        super().__init__(
            value,
            html_template="<div class='picture-row'></div>",
            js_on_load=browser_part("picture_row.js"),
            apply_default_css=False,
            **kwargs,
        )

    def postprocess(self, value: dict[str, Any] | None) -> dict[str, Any]:
        return value or {"pictures": []}


class SlowMotionView(gr.HTML):
    """A texture drawn pixel by pixel, played and stepped through in the browser.

    Its value is a dict, see `packed`, or empty.
    """

    def __init__(self, value: dict[str, Any] | None = None, **kwargs: Any):
        super().__init__(
            value,
            html_template=SLOW,
            js_on_load=browser_part("slow_motion.js"),
            apply_default_css=False,
            **kwargs,
        )

    def postprocess(self, value: dict[str, Any] | None) -> dict[str, Any]:
        return value or {}


SLOW = """
<div class='slow' hidden>
  <div class='slow-left'>
    <canvas class='slow-canvas' role='img' aria-label='The texture as it is drawn, and the causal window'></canvas>
    <div class='slow-buttons'>
      <button type='button' data-do='first' title='To the first pixel' aria-label='To the first pixel'>|◀</button>
      <button type='button' data-do='back' title='One pixel back' aria-label='One pixel back'>◀</button>
      <button type='button' data-do='play' class='slow-play'>Play</button>
      <button type='button' data-do='step' title='One pixel on' aria-label='One pixel on'>▶</button>
      <label>Speed <input type='range' class='slow-speed' min='0' max='100' value='35'></label>
    </div>
    <input type='range' class='slow-place' min='0' value='0' aria-label='Which pixel'>
  </div>
  <div class='slow-right'>
    <h4>Which component: the gate</h4>
    <div class='slow-gate' role='img'></div>
    <h4>What value: the predicted density</h4>
    <svg class='slow-density' role='img'></svg>
    <p class='slow-said quiet' aria-live='off'></p>
  </div>
</div>
"""


def packed(shown: SlowMotion, low: float, high: float) -> dict[str, Any]:
    """The value of a `SlowMotionView`: arrays as base64 of little-endian integers.

    `canvas` uint8 levels; `gate` uint16, 65535 for 1, (pixels, components, scales); `means` uint16 from LOWEST to
    HIGHEST, (pixels, components); `spreads` a list of lists; `low` and `high` are the ends of the axis, in [0, 1];
    `remembers` says whether to tint what lies left of the window and above.
    """
    components, scales = shown.spreads.shape
    means = ((shown.means - LOWEST) / (HIGHEST - LOWEST)).clamp(0, 1)
    return {
        "rows": shown.canvas.shape[0],
        "columns": shown.canvas.shape[1],
        "side": shown.side,
        "above": shown.above,
        "beside": shown.beside,
        "remembers": shown.remembers,
        "components": components,
        "scales": scales,
        "canvas": encoded(quantised(shown.canvas), "<u1"),
        "gate": encoded((shown.gate * 65535).round(), "<u2"),
        "means": encoded((means * 65535).round(), "<u2"),
        "lowest": LOWEST,
        "highest": HIGHEST,
        "spreads": shown.spreads.flatten().tolist(),
        "low": low,
        "high": high,
    }


def encoded(values: Tensor, kind: str) -> str:
    return base64.b64encode(np.ascontiguousarray(values.numpy()).astype(kind).tobytes()).decode("ascii")
