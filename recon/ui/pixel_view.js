// A picture of few pixels: drawn without smoothing, asked pixel by pixel.
const canvas = element.querySelector("canvas");
const tip = element.querySelector(".pixel-tip");
const pen = canvas.getContext("2d");
const picture = new Image();
const shades = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
let view = { png: "", side: 32, observed: [], selected: [] };
let cursor = null; // [row, column] under the pointer or moved by the arrow keys

function draw() {
  const size = canvas.clientWidth;
  const ratio = window.devicePixelRatio || 1;
  canvas.width = canvas.height = Math.max(1, Math.round(size * ratio));
  pen.imageSmoothingEnabled = false;
  if (view.png && picture.complete && picture.naturalWidth) {
    pen.drawImage(picture, 0, 0, canvas.width, canvas.height);
  }
  const cell = canvas.width / view.side;
  for (const index of view.observed) {
    const x = ((index % view.side) + 0.5) * cell, y = (Math.floor(index / view.side) + 0.5) * cell;
    // two rings, so that a mark shows on dark and on bright pixels
    pen.lineWidth = Math.max(1, cell / 9);
    for (const [radius, colour] of [[cell * 0.2, "#000"], [cell * 0.2 + pen.lineWidth, "#fff"]]) {
      pen.strokeStyle = colour;
      pen.beginPath();
      pen.arc(x, y, radius, 0, 2 * Math.PI);
      pen.stroke();
    }
  }
  if (view.selected.length) frame(view.selected, cell, 2 * ratio);
  if (cursor && document.activeElement === canvas) frame(cursor, cell, ratio);
}

function frame([row, column], cell, width) {
  pen.lineWidth = width * 2;
  pen.strokeStyle = "#fff";
  pen.strokeRect(column * cell, row * cell, cell, cell);
  pen.lineWidth = width;
  pen.strokeStyle = "#111";
  pen.strokeRect(column * cell, row * cell, cell, cell);
}

function show(value) {
  view = { png: "", side: 32, observed: [], selected: [], ...value };
  canvas.setAttribute("aria-label",
    `Reconstruction, ${view.side} by ${view.side} pixels. Arrow keys move, Enter asks about a pixel.`);
  if (view.png && picture.src !== view.png) picture.src = view.png;
  else draw();
}

picture.onload = () => {
  shades.canvas.width = picture.naturalWidth;
  shades.canvas.height = picture.naturalHeight;
  shades.drawImage(picture, 0, 0);
  draw();
};

function cellAt(event) {
  const box = canvas.getBoundingClientRect();
  const at = (offset, length) => Math.min(view.side - 1, Math.max(0, Math.floor((offset / length) * view.side)));
  return [at(event.clientY - box.top, box.height), at(event.clientX - box.left, box.width)];
}

function tell(place) {
  cursor = place;
  if (!place || !view.png) { tip.textContent = ""; return; }
  const wide = shades.canvas.width / view.side; // a finer picture has several pixels in a cell
  const rgb = shades.getImageData(Math.floor((place[1] + 0.5) * wide), Math.floor((place[0] + 0.5) * wide), 1, 1).data;
  const grey = rgb[0] === rgb[1] && rgb[1] === rgb[2];
  const said = [...rgb.slice(0, grey ? 1 : 3)].map((level) => (level / 255).toFixed(2)).join(", ");
  tip.textContent = `row ${place[0]}, column ${place[1]} · ${said}`;
}

const ask = ([row, col]) => trigger("pick", { row, col });
canvas.addEventListener("pointermove", (event) => tell(cellAt(event)));
canvas.addEventListener("pointerleave", () => tell(null));
canvas.addEventListener("click", (event) => ask(cellAt(event)));
canvas.addEventListener("keydown", (event) => {
  const step = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[event.key];
  const here = cursor || (view.selected.length ? view.selected : [0, 0]);
  if (step) {
    tell(here.map((place, axis) => Math.min(view.side - 1, Math.max(0, place + step[axis]))));
    draw();
  } else if (event.key === "Enter" || event.key === " ") ask(here);
  else return;
  event.preventDefault();
});
// After a while, for the menu and the grid may change with the answer.
function check() {
  const chosen = document.querySelector(`#${props.menu} select`)?.value;
  const side = Number(document.querySelector(`#${props.painter} .painter`)?.dataset.side);
  const model = props.value?.model;
  if (model && ((chosen && chosen !== model) || (side && side !== props.value.side))) trigger("late", {});
}

new ResizeObserver(draw).observe(canvas);
let again = 0; // a model whose weights are on their way is asked for again and again: an equal answer is no change
function askAgain() {
  clearTimeout(again);
  if (!props.value?.again) return;
  again = setTimeout(() => {
    trigger("late", {});
    askAgain();
  }, props.value.again);
}

watch("value", () => {
  element.querySelector(".pixel-view").classList.remove("stale"); // as a stroke leaves it that nothing follows
  show(props.value);
  askAgain();
  if (props.menu) setTimeout(check, 200);
});
show(props.value);
askAgain();
