// A plot to click points into: a click adds one, a drag moves it, a click on it takes it away. gradio runs this once a
// mount and gives it `element`, `props`, `trigger` and `watch`.

const find = (selector) => element.querySelector(selector);
const svg = find(".curve-plot"), where = find(".painter-where");
const LEAST = 1.5; // height of the axis, either way
const LEFT = 34, BOTTOM = 22, PAD = 8; // pixels around the axes
const NEAR = 14; // pixels from a point that still mean it
const STEP = 0.05; // of the keyboard's cursor
const EVERY = 70; // milliseconds between two answers while a point is dragged

let points = [], past = []; // what there was before: points and sextic
let sextic = null; // the seed of the random curve that the points were begun with
let held = null; // the point that is pressed: its index, whether it is new, where it began, what was there before
let cursor = null; // [x, y] for those who use the keyboard
let told = 0;
let steered = -1; // the point that the other plot's hand was seen at: all steps of its drag are one to undo
let sent = 0; // when: an answer to what the other plot had before that is not taken
let size = { width: 0, height: 0 }, high = LEAST;

const right = () => size.width - PAD, low = () => size.height - BOTTOM;
const toX = (x) => LEFT + ((x + 1) / 2) * (right() - LEFT);
const toY = (y) => PAD + ((high - y) / (2 * high)) * (low() - PAD);
const clamp = (value, most) => Math.min(Math.max(value, -most), most);
const room = () => `There is room for ${props.most} points.`;
const round = (value) => Math.round(value * 1000) / 1000;

function valueAt(event) {
  const box = svg.getBoundingClientRect();
  const x = ((event.clientX - box.left - svg.clientLeft - LEFT) / (right() - LEFT)) * 2 - 1;
  const y = high - ((event.clientY - box.top - svg.clientTop - PAD) / (low() - PAD)) * 2 * high;
  return [round(clamp(x, 1)), round(clamp(y, high))];
}

function nearest([x, y]) {
  const apart = points.map((point) => Math.hypot(toX(point[0]) - toX(x), toY(point[1]) - toY(y)));
  const least = Math.min(...apart);
  return least <= NEAR ? apart.indexOf(least) : -1;
}

// ---- points ----

// A new object each time: gradio ignores one that was changed in place.
const worth = () => ({ points: points.map((point) => [...point]), sextic, sent });

function send() {
  steered = -1;
  told = performance.now();
  sent = Date.now();
  props.value = worth();
  if (where.textContent === room()) where.textContent = "";
  element.closest("#curves")?.classList.add("stale"); // what is said below is of what was there before
  trigger('place', { count: points.length });
}

function become(next) {
  past.push([points, sextic]);
  points = next;
  send();
  show();
}

svg.addEventListener("pointerdown", (event) => {
  if (event.button !== 0 || held) return;
  svg.focus({ preventScroll: true });
  svg.setPointerCapture(event.pointerId);
  cursor = null;
  const at = valueAt(event), found = nearest(at);
  if (found < 0 && points.length >= props.most) return full();
  held = { index: found < 0 ? points.length : found, isNew: found < 0, before: points, moved: false, from: event, at };
  // a finger may be about to scroll: its point is there when it is lifted, or moves across
  held.waits = held.isNew && event.pointerType === "touch";
  if (held.isNew && !held.waits) points = [...points, at];
  show();
});

svg.addEventListener("pointermove", (event) => {
  const at = valueAt(event);
  where.textContent = `${at[0].toFixed(2)}, ${at[1].toFixed(2)}`;
  if (held?.from.pointerId !== event.pointerId) return;
  const across = event.clientX - held.from.clientX, down = event.clientY - held.from.clientY;
  held.moved ||= held.waits ? Math.abs(across) > 8 : Math.hypot(across, down) > 3;
  if (!held.moved) return;
  if (held.waits) points = [...points, at];
  held.waits = false;
  points = points.map((point, index) => (index === held.index ? at : point));
  if (performance.now() - told > EVERY) send();
  show();
});

for (const name of ["pointerup", "pointercancel"]) {
  svg.addEventListener(name, ({ pointerId, type }) => {
    if (held?.from.pointerId !== pointerId) return;
    const { index, isNew, moved, before, waits, at } = held;
    held = null;
    if (type === "pointercancel") { // the finger scrolls the page
      points = before;
      if (moved) send();
      return take(); // what was not taken while it was held
    }
    if (waits) points = [...points, at];
    else if (!isNew && !moved) points = points.filter((_, other) => other !== index);
    past.push([before, sextic]);
    send();
    show();
  });
}

function full() {
  where.textContent = room();
}

function undo() {
  if (!past.length || held) return;
  [points, sextic] = past.pop();
  send();
  show();
}

function clear() {
  if (points.length && !held) become([]);
}

find("[data-act=undo]").addEventListener("click", undo);
find("[data-act=clear]").addEventListener("click", clear);

const ARROWS = { ArrowUp: [0, STEP], ArrowDown: [0, -STEP], ArrowLeft: [-STEP, 0], ArrowRight: [STEP, 0] };
svg.addEventListener("keydown", (event) => {
  if ((event.ctrlKey || event.metaKey) && event.key === "z") undo();
  else if (ARROWS[event.key]) {
    const [right, up] = ARROWS[event.key];
    cursor = cursor ? [round(clamp(cursor[0] + right, 1)), round(clamp(cursor[1] + up, high))] : [0, 0];
    where.textContent = cursor.map((part) => part.toFixed(2)).join(", ");
  } else if (event.key === "Enter" && cursor) {
    const found = nearest(cursor);
    if (found < 0 && points.length >= props.most) return full();
    become(found < 0 ? [...points, cursor] : points.filter((_, other) => other !== found));
  } else if (event.key === "Backspace" && points.length) become(points.slice(0, -1));
  else return;
  event.preventDefault();
  show();
});
svg.addEventListener("blur", () => {
  cursor = null;
  show();
});

// ---- what is seen ----

const line = (xs, ys) => xs.map((x, k) => `${k ? "L" : "M"}${toX(x).toFixed(1)} ${toY(ys[k]).toFixed(1)}`).join("");
const area = (xs, lows, highs) => `${line(xs, highs)}${line([...xs].reverse(), [...lows].reverse()).replace("M", "L")}Z`;

function make(name, attributes, text) {
  const found = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) found.setAttribute(key, value);
  if (text !== undefined) found.textContent = text;
  return found;
}

function axes() {
  const found = [];
  for (const x of [-1, -0.5, 0, 0.5, 1]) {
    found.push(make("line", { class: "grid", x1: toX(x), x2: toX(x), y1: PAD, y2: low() }));
    found.push(make("text", { x: toX(x), y: low() + 15, "text-anchor": x === 1 ? "end" : "middle" }, x));
  }
  for (let y = -Math.floor(high); y <= high; y++) {
    found.push(make("line", { class: "grid", x1: LEFT, x2: right(), y1: toY(y), y2: toY(y) }));
    found.push(make("text", { x: LEFT - 7, y: toY(y) + 4, "text-anchor": "end" }, y));
  }
  return found;
}

// All points and the truth lie within the axis, which does not move while a point is held.
function stretch() {
  if (held) return;
  const reached = [...points.map((point) => point[1]), ...(props.answer?.truth ?? [])].map(Math.abs);
  high = Math.ceil(2 * Math.max(LEAST, ...reached)) / 2;
  if (cursor) cursor = [cursor[0], clamp(cursor[1], high)];
}

function show() {
  if (!size.width) return;
  stretch();
  const { x, mean, bands = [], samples = [], truth } = props.answer || {};
  const inner = `${element.id}-inner`;
  const clip = make("clipPath", { id: inner });
  clip.append(make("rect", { x: LEFT, y: PAD, width: right() - LEFT, height: low() - PAD }));
  const lines = make("g", { "clip-path": `url(#${inner})` });
  if (x) {
    for (const [lows, highs] of bands) lines.append(make("path", { class: "band", d: area(x, lows, highs) }));
    for (const sample of samples) lines.append(make("path", { class: "sample", d: line(x, sample) }));
    if (truth) lines.append(make("path", { class: "truth", d: line(x, truth) }));
    lines.append(make("path", { class: "mean", d: line(x, mean) }));
  }
  const dots = points.flatMap(([px, py]) => [["grip", NEAR], ["dot", 4.5]].map(([name, r]) =>
    make("circle", { class: name, cx: toX(px), cy: toY(py), r })));
  const ring = cursor ? [make("circle", { class: "cursor", cx: toX(cursor[0]), cy: toY(cursor[1]), r: 7 })] : [];
  svg.replaceChildren(clip, ...axes(), lines, ...dots, ...ring);
  const count = `${points.length} point${points.length === 1 ? "" : "s"}`;
  find(".painter-count").textContent = count;
  svg.setAttribute("aria-label", `${props.called}: ${count}. Arrow keys move a cursor, Enter adds or takes away a point.`);
  find("[data-act=undo]").ariaDisabled = String(!past.length);
  find("[data-act=clear]").ariaDisabled = String(!points.length);
}

function resize() {
  const width = find(".curve-board").clientWidth - 2;
  if (width <= 0) return;
  size = { width, height: Math.round(Math.min(Math.max(0.62 * width, 240), 400)) };
  svg.setAttribute("height", size.height);
  show();
}

function take() {
  const next = props.value?.points ?? [], from = props.value?.sextic ?? null;
  if (props.value?.sent < sent) {
    props.value = worth(); // or the next question would be of what is not shown
    return show();
  }
  if (held || (from === sextic && JSON.stringify(next) === JSON.stringify(points))) return show();
  const hand = from === sextic ? changed(points, next) : -1;
  if (hand < 0 || hand !== steered) past.push([points, sextic]);
  steered = hand;
  sextic = from;
  points = next.map((point) => [...point]);
  show();
}

// Which point alone is new or elsewhere; -1 if it is more than one.
function changed(before, after) {
  const others = after.flatMap((point, k) => (`${point}` === `${before[k]}` ? [] : [k]));
  return others.length === 1 && after.length - before.length === Number(others[0] === before.length) ? others[0] : -1;
}

points = (props.value?.points ?? []).map((point) => [...point]);
sextic = props.value?.sextic ?? null;
new ResizeObserver(resize).observe(find(".curve-board"));
watch("value", take);
watch("answer", () => {
  element.closest("#curves")?.classList.remove("stale");
  show();
});
resize();
