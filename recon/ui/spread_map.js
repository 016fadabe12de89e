// Draws what Python says of every pixel into the Plotly figure beside it, and tells Python which pixel is clicked.
// The figure is kept: a gr.Plot given a new one after each stroke draws all anew, and never frees the old one.
let figure = null;
let missed = false; // what came last is still to be drawn
let pressed = null; // where the button or the finger went down on it

const numbers = (packed) => {
  const bytes = Uint8Array.from(atob(packed), (character) => character.charCodeAt(0));
  return Float32Array.from(new Uint16Array(bytes.buffer), (level) => level / 65535);
};

/** z and hover text, row by row, of a value as `recon.ui.figures.spread_map` writes it; nulls where there is none. */
function tell({ side, channels, mean, deviation, low, high }) {
  const range = (count, at) => Array.from({ length: count }, (_, place) => at(place));
  const table = (cell) => range(side, (row) => range(side, (column) => cell(row * side + column)));
  if (!deviation) return { z: table(() => null), text: table(() => ""), zmax: 1 };
  const parts = [mean, deviation, low, high].map(numbers), spread = parts[1];
  const each = (part, at) => range(channels, (c) => part[c * side * side + at].toFixed(2)).join(", ");
  const z = table((at) => {
    let sum = 0;
    for (let c = 0; c < channels; c++) sum += spread[c * side * side + at] ** 2;
    return Math.sqrt(sum / channels);
  });
  const text = table((at) => {
    const [m, d, l, h] = parts.map((part) => each(part, at));
    return `mean ${m}<br>std. dev. ${d}<br>90 % from ${l}<br>to ${h}`;
  });
  return { z, text, zmax: Math.max(0.01, ...z.flat()) };
}

/** Two rectangles, so that the frame shows on dark and on bright cells. */
const frame = ([row, column]) => ["#fff", "#111"].map((color, at) => ({
  type: "rect", x0: column - 0.5, x1: column + 0.5, y0: row - 0.5, y1: row + 0.5, line: { color, width: 3 - 2 * at },
}));

function draw() {
  const value = props.value, selected = props.selected || [];
  if (!figure || !window.Plotly || !value?.side) return;
  missed = !figure.clientWidth; // on a tab that is not shown Plotly would find no room, and leave the figure empty
  if (missed) return;
  const { z, text, zmax } = tell(value);
  const word = { text: value.note, x: 0.5, y: 0.5, xref: "paper", yref: "paper", showarrow: false, font: { size: 13 } };
  const last = value.side - 0.5;
  const layout = {
    ...figure.layout,
    xaxis: { ...figure.layout.xaxis, range: [-0.5, last] },
    yaxis: { ...figure.layout.yaxis, range: [last, -0.5] },
    shapes: selected.length && value.deviation ? frame(selected) : [],
    annotations: value.note ? [word] : [],
  };
  window.Plotly.react(figure, [{ ...figure.data[0], z, text, zmax, showscale: Boolean(value.deviation) }], layout);
}

function bind() {
  const found = document.querySelector(`#${props.plot} .js-plotly-plot`);
  if (!found?.on || found === figure) return;
  figure = found;
  new ResizeObserver(() => { if (missed) draw(); }).observe(figure);
  figure.addEventListener("pointerdown", (event) => { pressed = [event.clientX, event.clientY]; }, true);
  draw();
}

// Plotly's own click comes with what its last hover found, and gets lost when the figure is drawn while the button is
// down. On the window, because Plotly spreads a cover over the page under a pressed button.
addEventListener("pointerup", ({ clientX, clientY }) => {
  const start = pressed, area = figure?.querySelector(".nsewdrag")?.getBoundingClientRect();
  pressed = null;
  if (!start || !area || Math.hypot(clientX - start[0], clientY - start[1]) > 5) return;
  const row = Math.floor(((clientY - area.top) / area.height) * props.value.side);
  const col = Math.floor(((clientX - area.left) / area.width) * props.value.side);
  if (Math.min(row, col) >= 0 && Math.max(row, col) < props.value.side) trigger("pick", { row, col });
}, true);
addEventListener("pointercancel", () => { pressed = null; }, true); // a finger that scrolls

// The plot mounts after this script runs, and Plotly marks its figure by a class: watch the column that holds both.
const changes = { childList: true, subtree: true, attributes: true, attributeFilter: ["class"] };
new MutationObserver(bind).observe(element.closest(".column") || document.body, changes);
watch("value", draw);
watch("selected", draw);
bind();
