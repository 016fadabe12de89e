"""The few lines of JavaScript that belong to no component: links, files, and what a tab keeps."""

from __future__ import annotations

import json
from collections.abc import Sequence

from recon.ui.engine import MOST_SEED

# A seed that is none, or not yet, is no reason to lose all that is kept with it.
SEED = f"((seed) => (Number.isInteger(seed) && seed >= 0 && seed < {MOST_SEED} ? seed : 0))"

# What the tab shows is kept in the tab itself, so that a reload finds it; other tabs have their own.
KEEP = f"""(model, family, size, seed, picture, painting, truth) => {{
  if (!window.reconOpened) return [];
  const patch = {{ family, size, seed: {SEED}(seed) }};
  const kept = {{ recon: 1, model, patch, picture: picture || "", painting, truth }};
  try {{ sessionStorage.setItem("recon", JSON.stringify(kept)); }} catch (full) {{ /* a private window may refuse */ }}
  return [];
}}"""

# On opening: a link wins over what the tab kept, and is taken out of the address so that a reload finds the latter. One
# that this tab has put into its own address does not: what came after it is newer.
READ = """(parcel, look, marked, selected) => {
  const link = /^#recon=(.+)$/.exec(location.hash);
  if (link) history.replaceState(null, "", location.pathname + location.search);
  let kept = null, own = null;
  try {
    [kept, own] = ["recon", "recon-link"].map((name) => sessionStorage.getItem(name));
  } catch (refused) { /* then there is nothing */ }
  setTimeout(() => { window.reconOpened = true; }, 0);
  const theirs = link && !(kept && link[1] === own);
  return [theirs ? "link:" + link[1] : kept ? "tab:" + kept : "", look, marked, selected];
}"""


def look_for(part: str, at: int) -> str:
    """Puts what the tab kept of a part of the page before a reload, or "", in the place of that input; of events whose
    second input is the time, also that."""
    return f"""(...given) => {{
  let kept = null;
  try {{ kept = sessionStorage.getItem("recon-{part}"); }} catch (refused) {{ /* then there is nothing */ }}
  given[{at}] = window.reconKept?.{part} ? "" : kept ?? "";
  if ({at} > 1) given[1] = performance.now();
  return given;
}}"""


def keep(part: str, names: Sequence[str], always: bool = False) -> str:
    """Keeps what it is given, by these names, once what was kept before has been looked for, or from now on."""
    return f"""(...given) => {{
  const opened = (window.reconKept ||= {{}});
  if ({json.dumps(always)}) opened.{part} = true;
  if (!opened.{part}) return [];
  const kept = Object.fromEntries({json.dumps(list(names))}.map((name, k) => [name, given[k]]));
  if ("seed" in kept) kept.seed = {SEED}(kept.seed);
  try {{ sessionStorage.setItem("recon-{part}", JSON.stringify(kept)); }} catch (full) {{ /* see KEEP */ }}
  return [];
}}"""


COPY_LINK = """async (packed) => {
  const address = location.origin + location.pathname + "#recon=" + packed;
  const button = document.querySelector("#recon-link");
  try {
    await navigator.clipboard.writeText(address);
    button.textContent = "Copied";
  } catch (refused) {  // no permission, or no https: the address bar holds it instead
    history.replaceState(null, "", address);
    try { sessionStorage.setItem("recon-link", packed); } catch (full) { /* see KEEP */ }
    button.textContent = "In the address bar";
  }
  setTimeout(() => { button.textContent = "Link"; }, 1800);
  return [];
}"""


def save_bytes(name: str, kind: str = "application/zip") -> str:
    """Writes base64 to a file of a media type."""
    return f"""(packed) => {{
  const bytes = Uint8Array.from(atob(packed), (character) => character.charCodeAt(0));
  const anchor = document.createElement("a");
  anchor.href = URL.createObjectURL(new Blob([bytes], {{ type: "{kind}" }}));
  anchor.download = "{name}";
  anchor.click();
  setTimeout(() => URL.revokeObjectURL(anchor.href), 10000);
  return [];
}}"""


SAVE_ZIP = save_bytes("recon.zip")
SAVE_TEXTURE_MODEL = save_bytes("recon-texture.zip")
SAVE_MENDED = save_bytes("recon-mended.png", "image/png")
SAVE_SHAPE_GLB = save_bytes("recon-chair.glb", "model/gltf-binary")
SAVE_CLIP = save_bytes("recon-clip.gif", "image/gif")

# What was grown, a pixel a pixel, as the canvas has it.
SAVE_TEXTURE = """() => {
  document.querySelector("#texture-grown canvas").toBlob((blob) => {
    const anchor = document.createElement("a");
    anchor.href = URL.createObjectURL(blob);
    anchor.download = "recon-texture.png";
    anchor.click();
    setTimeout(() => URL.revokeObjectURL(anchor.href), 10000);
  }, "image/png");
  return [];
}"""

STALE = """() => { document.querySelector("#recon-gallery .sample-grid")?.classList.add("stale"); return []; }"""

# Where a drawing is asked for, with what it is asked with: all that changes from here on makes it old. Where it is
# refused before any comes (`sample_grid.js`), those that are there are as old as before.
FRESH = """(...given) => {
  const grid = document.querySelector("#recon-gallery .sample-grid");
  grid.wasStale ||= grid.classList.contains("stale");
  grid.classList.remove("stale");
  return given;
}"""

REFUSED = """() => {
  const grid = document.querySelector("#recon-gallery .sample-grid");
  if (grid.wasStale) grid.classList.add("stale");
  return [];
}"""

# What is to be saved takes seconds to make, samples and all.
PREPARING = """(...given) => {
  document.querySelector("#recon-download").textContent = "Preparing …";
  return given;
}"""

PREPARED = """() => { document.querySelector("#recon-download").textContent = "Download"; return []; }"""

# A stroke that nothing follows, since "live" is off, dims what is shown until Run; whatever answer comes clears it
# (`pixel_view.js`), and Run and "live" even where theirs is the one that is there.
UNFOLLOWED = """() => {
  const live = document.querySelector("#recon-live input").checked;
  document.querySelector("#recon-view .pixel-view").classList.toggle("stale", !live);
  return [];
}"""

FOLLOWED = """() => { document.querySelector("#recon-view .pixel-view").classList.remove("stale"); return []; }"""

# On Compare: the style sheet shows the look that is chosen, and dims what other settings made.
COMPARE_LOOK = """(look) => { document.querySelector("#compare-tiles .tiles-board").dataset.look = look; return []; }"""

COMPARE_STALE = """() => { document.querySelector("#compare-tiles .tiles")?.classList.add("stale"); return []; }"""

COMPARE_FRESH = """(...given) => {
  document.querySelector("#compare-tiles .tiles").classList.remove("stale");
  return given;
}"""

# One who arrives and finds tiles there finds them as they were.
COMPARE_ARRIVES = """(...given) => {
  document.querySelector("#compare-tiles .tiles:empty")?.classList.remove("stale");
  return given;
}"""

# In the Lab: what is shown is of other settings than the controls have now, or of these.
LAB_STALE = """() => { document.querySelector("#lab-results").classList.add("lab-stale"); return []; }"""

LAB_FRESH = """() => { document.querySelector("#lab-results").classList.remove("lab-stale"); return []; }"""

# Of events whose second input is the time: milliseconds, by the browser's clock.
STAMP = """(...given) => { given[1] = performance.now(); return given; }"""

# In the browser, so that two quick clicks are two steps; what is no seed the server will have a sentence for.
NEXT_SEED = f"""(seed) => (Number.isInteger(seed) && seed >= 0 ? (seed + 1) % {MOST_SEED} : seed)"""

# What is being typed is not written over by an answer to something before.
UNLESS_WRITING = """(text, typed) => (document.activeElement?.closest("#curves-typed") ? typed : text)"""

# Gradio's menus close when they are left, and open again at the very key that leaves them: they are not told of it. And
# what the page says by the way is to be heard by those who do not see it. A link that comes into the address of a page
# that is open is opened as any other.
ON_LOAD = """() => {
  for (const told of document.querySelectorAll("#recon-note, #recon-doubt, #recon-drawn")) told.role = "status";
  addEventListener("hashchange", () => { if (location.hash.startsWith("#recon=")) location.reload(); });
  addEventListener("keydown", (event) => {
    if (event.key === "Tab" && event.target.matches?.("input[role='combobox']")) event.stopPropagation();
  }, true);
}"""

TO_TOP = """() => { scrollTo(0, 0); return []; }"""

# On Race: a board for each number of pixels, of which one is shown; the plot marks it.
RACE_SIZE = """(size) => {
  document.querySelector("#race-boards").dataset.size = size;
  const plot = document.querySelector("#race-plot .js-plotly-plot");
  const line = { color: "#7b8190", width: 1, dash: "dot" };
  const shape = { type: "line", x0: size, x1: size, yref: "paper", y0: 0, y1: 1, line };
  if (plot?.layout) window.Plotly?.relayout(plot, { shapes: [shape] });
  return [];
}"""

RACE_LOOK = """(look) => {
  for (const board of document.querySelectorAll("#race .tiles-board")) board.dataset.look = look;
  return [];
}"""

RACE_STALE = """() => { document.querySelector("#race").classList.add("race-stale"); return []; }"""

RACE_FRESH = """() => { document.querySelector("#race").classList.remove("race-stale"); return []; }"""


def save_text(name: str, kind: str) -> str:
    """Writes what it is given, or the `csv` of it, to a file of a media type."""
    return f"""(said) => {{
  const text = said.csv ?? said;
  const anchor = document.createElement("a");
  anchor.href = URL.createObjectURL(new Blob([text], {{ type: "{kind}" }}));
  anchor.download = "{name}";
  anchor.click();
  setTimeout(() => URL.revokeObjectURL(anchor.href), 10000);
  return [];
}}"""


SAVE_CSV = save_text("recon-comparison.csv", "text/csv")
SAVE_RACE = save_text("recon-race.csv", "text/csv")
SAVE_LAB = save_text("recon-lab.csv", "text/csv")
SAVE_SHAPE = save_text("recon-chair.obj", "text/plain")
SAVE_TEXTURE_SETTINGS = save_text("recon-texture.json", "application/json")
