"""The few lines of JavaScript that belong to no component: links, files, and what a tab keeps."""

# What the tab shows is kept in the tab itself, so that a reload finds it; other tabs have their own.
KEEP = """(model, family, size, seed, picture, painting, truth) => {
  if (!window.reconOpened) return [];
  const kept = { recon: 1, model, patch: { family, size, seed: seed || 0 }, picture: picture || "", painting, truth };
  try { sessionStorage.setItem("recon", JSON.stringify(kept)); } catch (full) { /* a private window may refuse */ }
  return [];
}"""

# On opening: a link wins over what the tab kept, and is taken out of the address so that a reload finds the latter.
READ = """(parcel, look, marked, selected) => {
  const link = /^#recon=(.+)$/.exec(location.hash);
  if (link) history.replaceState(null, "", location.pathname + location.search);
  let kept = null;
  try { kept = sessionStorage.getItem("recon"); } catch (refused) { /* then there is nothing */ }
  setTimeout(() => { window.reconOpened = true; }, 0);
  return [link ? "link:" + link[1] : kept ? "tab:" + kept : "", look, marked, selected];
}"""

COPY_LINK = """async (packed) => {
  const address = location.origin + location.pathname + "#recon=" + packed;
  const button = document.querySelector("#recon-link");
  const label = button.textContent;
  try {
    await navigator.clipboard.writeText(address);
    button.textContent = "Copied";
  } catch (refused) {  // no permission, or no https: the address bar holds it instead
    history.replaceState(null, "", address);
    button.textContent = "In the address bar";
  }
  setTimeout(() => { button.textContent = label; }, 1800);
  return [];
}"""

SAVE_ZIP = """(packed) => {
  const bytes = Uint8Array.from(atob(packed), (character) => character.charCodeAt(0));
  const anchor = document.createElement("a");
  anchor.href = URL.createObjectURL(new Blob([bytes], { type: "application/zip" }));
  anchor.download = "recon.zip";
  anchor.click();
  setTimeout(() => URL.revokeObjectURL(anchor.href), 10000);
  return [];
}"""

STALE = """() => { document.querySelector("#recon-gallery .sample-grid")?.classList.add("stale"); return []; }"""

# On Compare: the style sheet shows the look that is chosen, and dims what other settings made.
COMPARE_LOOK = """(look) => { document.querySelector("#compare-tiles .tiles-board").dataset.look = look; return []; }"""

COMPARE_STALE = """() => { document.querySelector("#compare-tiles .tiles")?.classList.add("stale"); return []; }"""

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


def save_csv(name: str) -> str:
    """Writes what it is given, or the `csv` of it, to a file."""
    return f"""(said) => {{
  const csv = said.csv ?? said;
  const anchor = document.createElement("a");
  anchor.href = URL.createObjectURL(new Blob([csv], {{ type: "text/csv" }}));
  anchor.download = "{name}";
  anchor.click();
  setTimeout(() => URL.revokeObjectURL(anchor.href), 10000);
  return [];
}}"""


SAVE_CSV = save_csv("recon-comparison.csv")
SAVE_RACE = save_csv("recon-race.csv")
SAVE_LAB = save_csv("recon-lab.csv")
