// A texture drawn pixel by pixel: the causal window, what the gate says, and the density that a value is drawn from.
// All numbers have come at once; playing, stepping and going back ask the server nothing.
const find = (name) => element.querySelector(name);
const box = find(".slow"), canvas = find(".slow-canvas"), gate = find(".slow-gate"), plot = find(".slow-density");
const said = find(".slow-said"), place = find(".slow-place"), speed = find(".slow-speed"), playing = find(".slow-play");
const pen = canvas.getContext("2d");
const [HIGH, FLOOR] = [150, 122]; // of the plot in pixels, and where its axis is
const POINTS = 240;
let data = null, at = 0, runs = false, before = 0, owed = 0;

const bytes = (text) => Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
const colour = (component) => `hsl(${(component * 137.5 + 225) % 360} 62% 52%)`;

function load(value) {
  pause();
  box.hidden = !value?.side;
  if (box.hidden) { data = null; return; }
  data = {
    ...value,
    levels: bytes(value.canvas),
    gates: new Uint16Array(bytes(value.gate).buffer),
    centres: new Uint16Array(bytes(value.means).buffer),
  };
  place.max = value.side * value.side - 1;
  gate.replaceChildren(...Array.from({ length: value.components }, (_, component) => {
    const bar = document.createElement("i");
    bar.append(document.createElement("b"), document.createElement("span"));
    bar.firstChild.style.background = colour(component);
    bar.lastChild.textContent = component + 1;
    return bar;
  }));
  go(0);
  if (!matchMedia("(prefers-reduced-motion: reduce)").matches) play();
}

// What the model says of pixel `index`: probability and mean of each component, and its density.
function answer(index) {
  const { components, scales, gates, centres, spreads, lowest, highest } = data;
  const found = [];
  for (let component = 0; component < components; component++) {
    const weights = gates.subarray((index * components + component) * scales).subarray(0, scales);
    const probability = weights.reduce((sum, weight) => sum + weight, 0) / 65535;
    const mean = lowest + ((highest - lowest) * centres[index * components + component]) / 65535;
    const density = (y) => {
      let sum = 0;
      for (let scale = 0; scale < scales; scale++) {
        const spread = spreads[component * scales + scale];
        sum += (weights[scale] / 65535 / spread) * Math.exp(-0.5 * ((y - mean) / spread) ** 2);
      }
      return sum / Math.sqrt(2 * Math.PI);
    };
    found.push({ component, probability, mean, density });
  }
  return found;
}

function go(index) {
  at = Math.min(Math.max(index, 0), data.side * data.side - 1);
  place.value = at;
  paint();
  explain();
}

// Pixels that come before this one in raster order, the context around the texture fainter.
function paint() {
  const { rows, columns, side, above, beside, remembers, levels } = data;
  const row = above + Math.floor(at / side), column = beside + (at % side);
  const cell = Math.max(2, Math.floor((canvas.clientWidth * (window.devicePixelRatio || 1)) / columns));
  if (canvas.width !== columns * cell || canvas.height !== rows * cell) {
    canvas.width = columns * cell;
    canvas.height = rows * cell;
  }
  pen.clearRect(0, 0, canvas.width, canvas.height);
  const last = row * columns + column;
  for (let index = 0; index <= last; index++) {
    const y = Math.floor(index / columns), x = index % columns, level = levels[index];
    const inside = y >= above && x >= beside && x < beside + side;
    pen.fillStyle = `rgb(${level} ${level} ${level} / ${inside ? 1 : 0.4})`;
    pen.fillRect(x * cell, y * cell, cell, cell);
  }
  const left = (column - beside) * cell, right = (column + beside + 1) * cell;
  const top = (row - above) * cell, here = row * cell;
  if (remembers) {
    pen.fillStyle = "rgb(232 89 12 / 16%)";
    pen.fillRect(0, 0, right, here);
    pen.fillRect(0, here, column * cell, cell);
  }
  pen.beginPath();
  pen.moveTo(left, top);
  for (const [x, y] of [[right, top], [right, here], [column * cell, here], [column * cell, here + cell],
    [left, here + cell]]) pen.lineTo(x, y);
  pen.closePath();
  pen.fillStyle = "rgb(74 103 222 / 16%)";
  pen.fill();
  outline(() => pen.stroke());
  outline(() => pen.strokeRect(column * cell, here, cell, cell), "#e8590c");
}

function outline(stroke, shade = "#4a67de") {
  for (const [width, style] of [[4, "#fff"], [2, shade]]) {
    pen.lineWidth = width;
    pen.strokeStyle = style;
    stroke();
  }
}

function explain() {
  const { side, above, beside, columns, levels, low, high } = data;
  const row = Math.floor(at / side), column = at % side;
  const level = levels[(row + above) * columns + column + beside], value = (level + 0.5) / 256;
  const parts = answer(at);
  const shares = parts.map((part) => part.density(value));
  const density = shares.reduce((sum, share) => sum + share, 0);
  const spoke = shares.indexOf(Math.max(...shares));
  parts.forEach(({ component, probability }) => {
    const bar = gate.children[component];
    bar.firstChild.style.height = `${100 * probability}%`;
    bar.classList.toggle("spoke", component === spoke);
    bar.title = `Component ${component + 1}: ${(100 * probability).toFixed(1)} %`;
  });
  const likeliest = parts.reduce((one, other) => (other.probability > one.probability ? other : one));
  const percent = Math.round(100 * likeliest.probability);
  gate.setAttribute("aria-label", `Component ${likeliest.component + 1} has ${percent} %`);
  curves(parts, value, low, high);
  said.textContent = `Row ${row + 1}, column ${column + 1}: the gate prefers component ${likeliest.component + 1}, ` +
    `with probability ${percent} %. Drawn: grey level ${level}, most likely by component ${spoke + 1}; ` +
    `it costs ${(8 - Math.log2(Math.max(density, 1e-9))).toFixed(1)} bits.`;
}

function curves(parts, value, low, high) {
  const wide = Math.max(plot.clientWidth, 200);
  plot.setAttribute("viewBox", `0 0 ${wide} ${HIGH}`);
  const x = (y) => ((y - low) / (high - low)) * wide;
  const grid = Array.from({ length: POINTS + 1 }, (_, k) => low + ((high - low) * k) / POINTS);
  const shown = parts.filter(({ probability }) => probability > 0.004);
  const lines = shown.map((part) => grid.map(part.density));
  const total = grid.map((_, k) => lines.reduce((sum, line) => sum + line[k], 0));
  const top = Math.max(...total, 1e-9);
  const path = (line) => line.map((height, k) => `${x(grid[k]).toFixed(1)},${(FLOOR - (height / top) * (FLOOR - 8)).toFixed(1)}`).join(" ");
  const areas = shown.map(({ component }, k) =>
    `<polygon points="0,${FLOOR} ${path(lines[k])} ${wide},${FLOOR}" fill="${colour(component)}" fill-opacity=".38"/>`);
  const ticks = [0, 32, 64, 96, 128, 160, 192, 224, 255].filter((tick) => tick / 256 >= low && tick / 256 <= high)
    .map((tick) => `<text x="${Math.min(Math.max(x((tick + 0.5) / 256), 10), wide - 10).toFixed(1)}" y="${HIGH - 2}" text-anchor="middle">${tick}</text>`);
  const shade = (y) => Math.round(255 * Math.min(1, Math.max(0, y)));
  const [dark, bright] = [shade(low), shade(high)];
  plot.innerHTML =
    `<defs><linearGradient id="slow-greys"><stop stop-color="rgb(${dark} ${dark} ${dark})"/>` +
    `<stop offset="1" stop-color="rgb(${bright} ${bright} ${bright})"/></linearGradient></defs>` +
    `${areas.join("")}<polyline points="${path(total)}" class="total"/>` +
    `<rect x="0" y="${FLOOR + 1}" width="${wide}" height="9" fill="url(#slow-greys)"/>` +
    `<line x1="${x(value).toFixed(1)}" x2="${x(value).toFixed(1)}" y1="2" y2="${FLOOR + 10}" class="drawn"/>${ticks.join("")}`;
  plot.setAttribute("aria-label", "Predicted density of this pixel, dark on the left; the line is the value drawn");
}

function tick(now) {
  if (!runs || !element.isConnected) return;
  owed += ((now - before) / 1000) * 2 * 400 ** (speed.value / 100); // pixels, 2 to 800 a second
  before = now;
  const steps = Math.floor(Math.min(owed, 100));
  if (steps) { owed -= steps; go(at + steps); }
  if (at >= data.side * data.side - 1) pause();
  else requestAnimationFrame(tick);
}

function play() {
  if (at >= data.side * data.side - 1) go(0);
  runs = true;
  owed = 0;
  before = performance.now();
  playing.textContent = "Pause";
  requestAnimationFrame(tick);
}

function pause() {
  runs = false;
  playing.textContent = "Play";
}

element.addEventListener("click", (event) => {
  const todo = event.target.dataset?.do;
  if (!data || !todo) return;
  if (todo === "play") { if (runs) pause(); else play(); return; }
  pause();
  go(todo === "first" ? 0 : todo === "back" ? at - 1 : at + 1);
});
canvas.addEventListener("click", (event) => {
  if (!data) return;
  const bounds = canvas.getBoundingClientRect();
  const cell = (part, whole, count) => Math.floor((part / whole) * count);
  const row = cell(event.clientY - bounds.top, bounds.height, data.rows) - data.above;
  const column = cell(event.clientX - bounds.left, bounds.width, data.columns) - data.beside;
  if (row < 0 || column < 0 || column >= data.side) return;
  pause();
  go(row * data.side + column);
});
place.addEventListener("input", () => { if (data) { pause(); go(Number(place.value)); } });
new ResizeObserver(() => { if (data) go(at); }).observe(box);
watch("value", () => load(props.value));
load(props.value);
