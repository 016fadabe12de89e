// The painter at work: tools, pointer, keyboard, and the way to and from Python. gradio runs this once a mount, after the other
// two scripts and in their scope, with `element`, `props`, `trigger` and `watch` given.

const find = (selector) => element.querySelector(selector);
const act = (name) => find(`[data-act="${name}"]`);
const canvas = find(".painter-canvas");
const well = find(".painter-well input");
const toolButtons = [...element.querySelectorAll("[data-tool]")];

const LONG_PRESS_MS = 550;
const MAX_SIZE = 5;
const ARROWS = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };

const view = new View(canvas);
const hand = { tool: "brush", colour: 0, size: 1, swatches: [], underlay: false };
let sheet = new Sheet(1, new Int32Array([EMPTY]));
let picture = null;
let stroke = null; // while painting: { shown, touched: Map(index -> colour), last, sheet }
let arrived = null; // what Python sent during a stroke
let hover = null;
let cursor = { row: 0, col: 0 };
let keyed = false; // the cursor is drawn only for those who use the keyboard

const inside = ({ row, col }) => row >= 0 && col >= 0 && row < sheet.side && col < sheet.side;
const indexOf = ({ row, col }) => row * sheet.side + col;
const ink = (colour) => (INKS[props.ink] ?? INKS.colour).of(colour);

// ---- strokes ----

function begin(at) {
  stroke = { shown: sheet.cells.slice(), touched: new Map(), last: at, sheet };
  extend(at);
}

function extend(at) {
  for (const point of line(stroke.last, at)) dab(point);
  stroke.last = at;
  refresh();
}

function dab(point) {
  if (hand.tool === "pick") {
    const index = indexOf(point);
    const colour = !inside(point) || sheet.cells[index] === EMPTY ? picture?.[index] : sheet.cells[index];
    if (inside(point) && colour !== undefined) hand.colour = ink(colour);
    return;
  }
  for (const index of footprint(point, hand.size, sheet.side)) {
    const colour = hand.tool === "erase" ? EMPTY : hand.tool === "reveal" ? ink(picture?.[index] ?? hand.colour) : hand.colour;
    stroke.shown[index] = colour;
    stroke.touched.set(index, colour);
  }
}

// What Python sent meanwhile goes underneath the stroke, as a step of its own; if it changed the grid, the stroke is void.
function end() {
  if (!stroke) return;
  const { touched, sheet: painted } = stroke;
  const { tool } = hand;
  settle();
  if (tool === "pick") {
    remember(hand.colour);
    setTool("brush");
  } else if (sheet === painted) {
    const cells = sheet.cells.slice();
    touched.forEach((colour, index) => (cells[index] = colour));
    if (sheet.replace(cells)) send(tool);
  }
  refresh();
}

// Ends a stroke without its paint.
function settle() {
  stroke = null;
  if (arrived) adopt(arrived);
  arrived = null;
  refresh();
}

function change(tool) {
  const changed = { undo: () => sheet.undo(), redo: () => sheet.redo(), clear: () => sheet.replace(sheet.cells.map(() => EMPTY)) };
  if (!stroke && changed[tool]()) send(tool);
  refresh();
}

// ---- to and from Python ----

// A new object each time: gradio ignores one that was changed in place.
function send(tool) {
  props.value = writePayload(sheet.side, sheet.cells);
  trigger('stroke', { tool, count: countCells(sheet.cells) });
}

function ask(at) {
  if (inside(at)) trigger('pick', at);
}

function adopt({ side, cells }) {
  if (side === sheet.side) {
    sheet.replace(cells);
  } else {
    sheet = new Sheet(side, cells);
    view.setSide(side);
    cursor = { row: Math.min(cursor.row, side - 1), col: Math.min(cursor.col, side - 1) };
    hover = null;
  }
  takePicture();
}

function takeValue() {
  const incoming = readPayload(props.value, sheet.side);
  if (stroke) arrived = incoming;
  else adopt(incoming);
  refresh();
}

function takePicture() {
  picture = readPicture(props.picture, sheet.side);
  if (!picture && hand.tool === "reveal" && !stroke) setTool("brush");
  refresh();
}

function takeInk() {
  hand.swatches = [...(INKS[props.ink] ?? INKS.colour).swatches];
  hand.colour = hand.swatches[0];
  refresh();
}

// ---- tools and colours ----

function setTool(tool) {
  if (stroke || (tool === "reveal" && !picture)) return;
  hand.tool = tool;
  refresh();
}

function setSize(size) {
  hand.size = Math.min(Math.max(size, 1), MAX_SIZE);
  refresh();
}

function setColour(colour) {
  hand.colour = ink(colour);
  setTool("brush");
}

// A colour that is not among the swatches comes to their front, and the last one leaves.
function remember(colour) {
  if (!hand.swatches.includes(colour)) hand.swatches = [colour, ...hand.swatches.slice(0, -1)];
  refresh();
}

function zoomBy(factor, event) {
  view.zoomTo(view.zoom * factor, event);
  refresh();
}

const ACTIONS = {
  undo: () => change("undo"),
  redo: () => change("redo"),
  clear: () => change("clear"),
  smaller: () => setSize(hand.size - 1),
  larger: () => setSize(hand.size + 1),
  zoomIn: () => zoomBy(1.5),
  zoomOut: () => zoomBy(1 / 1.5),
  zoomFit: () => zoomBy(0),
  underlay: () => {
    hand.underlay = !hand.underlay;
    refresh();
  },
};

// aria-disabled rather than disabled: a real one would throw the keyboard's focus away, and hides its tooltip.
for (const [name, run] of Object.entries(ACTIONS)) {
  act(name).addEventListener("click", ({ currentTarget }) => currentTarget.ariaDisabled === "true" || run());
}
for (const tool of toolButtons) tool.addEventListener("click", () => setTool(tool.dataset.tool));
well.addEventListener("input", () => setColour(fromHex(well.value)));
well.addEventListener("change", () => remember(hand.colour));

// ---- the pointer ----

const pointers = new Map(); // by pointerId, where each button or finger that is down is now
let gesture = null; // no painting: one hand pans, two fingers pan and zoom, and the last to leave ends it
let longPress = 0;

function twoFingers() {
  const [a, b] = [...pointers.values()];
  const middle = { clientX: (a.clientX + b.clientX) / 2, clientY: (a.clientY + b.clientY) / 2 };
  return { middle, spread: Math.hypot(a.clientX - b.clientX, a.clientY - b.clientY) || 1 };
}

canvas.addEventListener("pointerdown", (event) => {
  canvas.focus({ preventScroll: true });
  canvas.setPointerCapture(event.pointerId);
  pointers.set(event.pointerId, event);
  clearTimeout(longPress);
  keyed = false;
  const at = view.cellAt(event);
  if (pointers.size === 2) {
    settle();
    const { middle, spread } = twoFingers();
    gesture = { point: view.pointAt(middle), spread, zoom: view.zoom };
  } else if (event.button === 1 || (event.shiftKey && view.zoomed)) {
    gesture = { point: view.pointAt(event) };
  } else if (event.button === 2 || event.altKey || event.ctrlKey) {
    ask(at);
    gesture = {};
  } else if (!gesture && event.button === 0) {
    if (inside(at)) cursor = at;
    hover = event.pointerType === "mouse" ? at : null;
    begin(at);
    if (event.pointerType === "touch") longPress = setTimeout(askInstead, LONG_PRESS_MS, at);
  }
});

// A finger has no right button: resting on a cell asks about it.
function askInstead(at) {
  if (!stroke || indexOf(stroke.last) !== indexOf(at)) return;
  settle();
  gesture = {};
  ask(at);
}

canvas.addEventListener("pointermove", (event) => {
  if (pointers.has(event.pointerId)) pointers.set(event.pointerId, event);
  const at = view.cellAt(event);
  if (event.pointerType === "mouse") hover = inside(at) ? at : null;
  if (gesture?.spread && pointers.size === 2) {
    const { middle, spread } = twoFingers();
    view.zoomTo((gesture.zoom * spread) / gesture.spread, middle, gesture.point);
  } else if (gesture?.point && pointers.size === 1 && !gesture.spread) {
    view.zoomTo(view.zoom, event, gesture.point);
  } else if (stroke && pointers.has(event.pointerId)) {
    if (at.row !== stroke.last.row || at.col !== stroke.last.col) extend(at);
  }
  refresh();
});

// A cancelled pointer keeps its paint: losing it would be worse than having a little too much, which one undo takes back.
for (const name of ["pointerup", "pointercancel", "lostpointercapture"]) {
  canvas.addEventListener(name, ({ pointerId }) => {
    if (!pointers.delete(pointerId)) return;
    clearTimeout(longPress);
    if (!gesture) end();
    if (!pointers.size) gesture = null;
  });
}
canvas.addEventListener("pointerleave", () => {
  hover = null;
  refresh();
});
canvas.addEventListener("contextmenu", (event) => event.preventDefault());
canvas.addEventListener("wheel", (event) => {
  if (event.ctrlKey || event.metaKey) zoomBy(Math.exp(-event.deltaY / 300), event);
  else if (!view.panBy(event.deltaX, event.deltaY)) return; // nowhere to go: let the page scroll
  event.preventDefault();
  refresh();
}, { passive: false });

// ---- the keyboard ----

const KEYS = {
  b: () => setTool("brush"), r: () => setTool("reveal"), e: () => setTool("erase"), p: () => setTool("pick"),
  "[": ACTIONS.smaller, "]": ACTIONS.larger,
  "+": ACTIONS.zoomIn, "=": ACTIONS.zoomIn, "-": ACTIONS.zoomOut, 0: ACTIONS.zoomFit,
  enter: () => ask(cursor),
  escape: settle,
  " ": () => stroke || begin(cursor),
};

function moveCursor([down, right]) {
  const clamp = (index) => Math.min(Math.max(index, 0), sheet.side - 1);
  cursor = { row: clamp(cursor.row + down), col: clamp(cursor.col + right) };
  view.show(cursor);
  if (stroke) extend(cursor); // the space bar is held
}

canvas.addEventListener("keydown", (event) => {
  const run = ARROWS[event.key] ? () => moveCursor(ARROWS[event.key]) : KEYS[event.key.toLowerCase()];
  if (!run || event.ctrlKey || event.metaKey || event.altKey || pointers.size) return;
  event.preventDefault();
  keyed = true;
  run();
  refresh();
});
canvas.addEventListener("keyup", (event) => event.key === " " && !pointers.size && end());
canvas.addEventListener("focus", () => {
  keyed = canvas.matches(":focus-visible");
  refresh();
});
canvas.addEventListener("blur", () => {
  if (!pointers.size) end();
  keyed = false;
  refresh();
});
element.addEventListener("keydown", (event) => {
  const key = event.key.toLowerCase();
  if (!(event.ctrlKey || event.metaKey) || event.altKey || !["z", "y"].includes(key)) return;
  event.preventDefault();
  change(key === "y" || event.shiftKey ? "redo" : "undo");
});

// ---- what is seen ----

let due = 0;

// Any number of changes a frame cost one drawing.
function refresh() {
  due ||= requestAnimationFrame(() => {
    due = 0;
    const cells = stroke ? stroke.shown : sheet.cells;
    const known = (at) => (Array.isArray(at) && inside({ row: at[0], col: at[1] }) ? [{ row: at[0], col: at[1] }] : []);
    view.draw({
      cells, hover, size: hand.size, cursor: keyed ? cursor : null, picture: hand.underlay ? picture : null,
      marks: (props.marks ?? []).flatMap(known), selected: known(props.selected)[0],
    });
    showControls(cells);
  });
}

function setDisabled(control, disabled, title = control.title) {
  control.ariaDisabled = String(disabled);
  control.title = title;
}

function showControls(cells) {
  const count = countCells(cells);
  find(".painter-count").textContent = `${count} of ${sheet.side ** 2} pixels`;
  const at = keyed ? cursor : hover;
  const painted = at && (cells[indexOf(at)] === EMPTY ? "" : ` · ${toHex(cells[indexOf(at)])}`);
  find(".painter-where").textContent = at ? `row ${at.row}, column ${at.col}${painted}` : "";
  find(".painter-size").textContent = hand.size;
  for (const tool of toolButtons) tool.ariaPressed = String(tool.dataset.tool === hand.tool);
  act("underlay").ariaPressed = String(hand.underlay && picture !== null);
  setDisabled(act("undo"), !sheet.past.length);
  setDisabled(act("redo"), !sheet.future.length);
  setDisabled(act("clear"), !count);
  setDisabled(act("smaller"), hand.size <= 1);
  setDisabled(act("larger"), hand.size >= MAX_SIZE);
  setDisabled(act("zoomIn"), view.zoom >= view.maxZoom);
  setDisabled(act("zoomOut"), !view.zoomed);
  setDisabled(act("zoomFit"), !view.zoomed);
  const none = "There is no picture underneath";
  setDisabled(act("underlay"), !picture, picture ? "Show the picture underneath" : none);
  setDisabled(find('[data-tool="reveal"]'), !picture, picture ? "Paint where to look; the picture gives the colour (R)" : none);
  showColours();
}

function showColours() {
  find(".painter-well").hidden = props.ink === "binary";
  if (document.activeElement !== well) well.value = toHex(hand.colour);
  const row = find(".painter-swatches");
  while (row.children.length > hand.swatches.length) row.lastChild.remove();
  hand.swatches.forEach((colour, place) => {
    if (!row.children[place]) row.append(newSwatch(place));
    const name = { 0xffffff: "White", 0x000000: "Black" }[colour] ?? `Colour ${toHex(colour)}`;
    Object.assign(row.children[place], { title: name, ariaLabel: name, ariaPressed: String(colour === hand.colour) });
    row.children[place].style.setProperty("--swatch", toHex(colour));
  });
}

function newSwatch(place) {
  const swatch = document.createElement("button");
  Object.assign(swatch, { type: "button", className: "painter-swatch" });
  swatch.addEventListener("click", () => setColour(hand.swatches[place]));
  return swatch;
}

// ---- start ----

canvas.ariaLabel = "Grid of pixels to paint";
find(".painter-help").id = `${element.id}-help`;
canvas.setAttribute("aria-describedby", `${element.id}-help`);
canvas.style.touchAction = "none";

function resize() {
  view.measure();
  refresh();
}
new ResizeObserver(resize).observe(canvas);
new MutationObserver(resize).observe(document.body, { attributeFilter: ["class"] });
window.addEventListener("resize", resize); // a window moved to a screen of another density

takeInk();
takeValue();
sheet.past = [];
resize();
watch("value", takeValue);
watch("picture", takePicture);
watch("ink", takeInk);
watch(["marks", "selected"], refresh);
