// Results beside each other, as they come. Which look of them is shown is the style sheet's: it follows `data-look`.
const board = element.querySelector(".tiles");
const legend = element.querySelector(".tiles-legend");
const NAMES = { mean: "Reconstruction", unsure: "Standard deviation", error: "Error" };

function make(tag, className, text = "") {
  const made = document.createElement(tag);
  made.className = className;
  made.textContent = text;
  return made;
}

function image(source, alt) {
  const made = new Image();
  made.src = source;
  made.alt = alt;
  return made;
}

/** One look: a picture, or the word that stands in its place. */
function view(look, said, title) {
  const made = said.startsWith("data:") ? image(said, `${NAMES[look]}, ${title}`) : make("span", "tile-word", said);
  made.dataset.look = look;
  return made;
}

function figures(scores) {
  const list = make("dl", "tile-scores");
  for (const { label, shown, best, why } of scores) {
    const pair = make("div", best ? "best" : "");
    pair.title = why;
    const value = make("dd", "", shown);
    if (best) value.append(make("span", "sr-only", " (best)"));
    pair.append(make("dt", "", label), value);
    list.append(pair);
  }
  return list;
}

function tile({ title, aside = "", looks, picture, patch, scores = [], note, link }) {
  const made = make("figure", "tile"), frame = make(link ? "button" : "div", "tile-picture");
  made.setAttribute("role", "listitem");
  if (picture) frame.append(image(picture, title));
  else for (const [look, said] of Object.entries(looks)) frame.append(view(look, said, title));
  if (link) {
    frame.type = "button";
    frame.title = "Open in Reconstruct";
    frame.setAttribute("aria-label", `Open in Reconstruct: ${title}, ${aside}`);
    frame.addEventListener("click", () => trigger("open", { link, truth: props.value.truth }));
  }
  const caption = make("figcaption", "tile-caption");
  caption.append(make("strong", "", title), make("span", "quiet", aside));
  made.append(frame, caption);
  const said = make("div", "tile-said");
  if (patch) said.append(image(patch, `The patch: ${title}`));
  if (scores.length) said.append(figures(scores));
  if (said.children.length) made.append(said);
  if (note) made.append(make("p", "tile-note quiet", note));
  return made;
}

function pending(title) {
  const made = make("figure", "tile tile-pending");
  made.setAttribute("role", "listitem");
  const caption = make("figcaption", "tile-caption");
  caption.append(make("strong", "", title));
  made.append(make("div", "tile-picture"), caption);
  return made;
}

function show(value) {
  const { tiles = [], waiting = [], busy = false, scale = 0, arriving = false } = value || {};
  if (arriving) board.classList.remove("stale");
  board.classList.toggle("busy", busy);
  board.setAttribute("aria-busy", busy);
  board.replaceChildren(...tiles.map(tile), ...(busy ? waiting : []).map(pending));
  legend.hidden = !tiles.length;
  legend.querySelector("b").textContent = scale.toFixed(2);
}

watch("value", () => show(props.value));
show(props.value);
