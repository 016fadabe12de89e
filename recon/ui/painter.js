// The painter at work: strokes, tools, and the way to and from Python. gradio runs this once a mount, in one scope with
// the other scripts, and gives it `element`, `props`, `trigger` and `watch`.

const find = (selector) => element.querySelector(selector);
const act = (name) => find(`[data-act="${name}"]`);
const canvas = find(".painter-canvas");
const well = find(".painter-well input");
const toolButtons = [...element.querySelectorAll("[data-tool]")];

const DEFAULT_SIDE = 32;
const MAX_SIZE = 5;

const view = new View(canvas);
const hand = { tool: "brush", colour: 0, size: 1, swatches: [], underlay: false };
let sheet = new Sheet(0, new Int32Array());
let picture = null;
let stroke = null; // while painting; it keeps what it began with, so that no update from Python disturbs it
let arrived = null; // a painting that Python sent during a stroke
let hover = null;
let cursor = { row: 0, col: 0 };
let keyed = false; // the cursor is drawn only for those who use the keyboard

const inside = ({ row, col }) => row >= 0 && col >= 0 && row < sheet.side && col < sheet.side;
const indexOf = ({ row, col }) => row * sheet.side + col;
const ink = (colour) => (INKS[props.ink] ?? INKS.colour).of(colour);

// ---- strokes ----

function begin(at) {
  stroke = { shown: sheet.cells.slice(), touched: new Map(), last: at, sheet, picture, colour: hand.colour };
  extend(at);
}

function extend(at) {
  for (const point of line(stroke.last, at)) dab(point);
  stroke.last = at;
  refresh();
}

function dab(point) {
  if (hand.tool === "pick") {
    if (inside(point)) takeColour(indexOf(point));
    return;
  }
  const colourAt = {
    brush: () => stroke.colour,
    erase: () => EMPTY,
    reveal: (index) => ink(stroke.picture[index]),
  }[hand.tool];
  for (const index of footprint(point, hand.size, sheet.side)) {
    stroke.shown[index] = colourAt(index);
    stroke.touched.set(index, stroke.shown[index]);
  }
}

function takeColour(index) {
  const painted = sheet.cells[index] !== EMPTY;
  if (painted || stroke.picture) hand.colour = ink(painted ? sheet.cells[index] : stroke.picture[index]);
}

// What Python sent meanwhile goes under the stroke, as a step of its own; if it changed the grid, the stroke is void.
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
  takePicture();
}

function change(tool) {
  const changed = { undo: () => sheet.undo(), redo: () => sheet.redo(), clear: () => sheet.clear() };
  if (!stroke && changed[tool]()) send(tool, sheet.picture !== props.picture);
  refresh();
}

// ---- to and from Python ----

// A new object each time: gradio ignores one that was changed in place. What was painted on another picture is not to be
// compared with the one that is there now: that one comes back with it.
function send(tool, elsewhere = false) {
  props.value = writePayload(sheet.side, sheet.cells);
  if (elsewhere) trigger('leave', { picture: sheet.picture });
  else trigger('stroke', { tool, count: countCells(sheet.cells) });
}

function ask(at) {
  if (inside(at)) trigger('pick', at);
}

function adopt({ side, cells }) {
  if (side === sheet.side) {
    if (sheet.past.length || sheet.future.length || countCells(sheet.cells)) sheet.replace(cells);
    else sheet.cells = cells; // the first that is there has nothing before it
  } else {
    sheet = new Sheet(side, cells, props.picture);
    view.setSide(side);
    cursor = { row: Math.min(cursor.row, side - 1), col: Math.min(cursor.col, side - 1) };
    hover = null;
  }
  takePicture();
}

function takeValue() {
  const incoming = readPayload(props.value, sheet.side || DEFAULT_SIDE);
  if (stroke) arrived = incoming;
  else adopt(incoming);
  refresh();
}

// A painting that comes with a picture may come after it: what is undone to was painted on the one before.
function takePicture() {
  if (!stroke) setTimeout(() => (sheet.picture = props.picture), 0);
  picture = readPicture(props.picture, sheet.side);
  if (!picture && hand.tool === "reveal" && !stroke) setTool("brush");
  refresh();
}

function takeInk() {
  find(".painter").dataset.ink = props.ink; // the style sheet gives each ink the paper on which it shows
  view.measure();
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

// By the keyboard into its cursor, by a button into the middle.
function zoomBy(factor, event = keyed ? view.middleOf(cursor) : undefined) {
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

// ---- what is seen ----

let asked = "[]", askedOf = null; // what is marked, and the cells for which that was asked

// Marks are of one painting: of another the model may want another pixel.
function marks() {
  const told = JSON.stringify(props.marks ?? []);
  if (told !== asked) [asked, askedOf] = [told, sheet.cells];
  else if (told !== "[]" && !sameCells(askedOf, sheet.cells)) {
    props.marks = [];
    asked = "[]";
  }
  return props.marks ?? [];
}

let due = 0;

// Any number of changes a frame cost one drawing.
function refresh() {
  due ||= requestAnimationFrame(() => {
    due = 0;
    const cells = stroke ? stroke.shown : sheet.cells;
    const known = (at) => (Array.isArray(at) && inside({ row: at[0], col: at[1] }) ? [{ row: at[0], col: at[1] }] : []);
    const marked = marks().flatMap(known);
    Object.assign(find(".painter").dataset, { marked: marked.length, known: Number(picture !== null), side: sheet.side });
    view.draw({
      // as the model sees them: what is painted stays in colour for the next model that can tell colours apart
      cells: cells.map((colour) => (colour === EMPTY ? EMPTY : ink(colour))), hover, size: hand.size, cursor: keyed ? cursor : null, picture: hand.underlay ? picture : null,
      // what is painted just now need not be asked for any more
      marks: marked.filter((at) => cells[indexOf(at)] === EMPTY), selected: known(props.selected)[0],
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
  find(".painter-where").ariaLive = keyed ? "polite" : "off";
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
  setDisabled(find('[data-tool="reveal"]'), !picture, picture ? "Paint the picture's own colours (R)" : none);
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

function resize() {
  view.measure();
  refresh();
}
new ResizeObserver(resize).observe(canvas);
new MutationObserver(resize).observe(document.body, { attributeFilter: ["class"] });
window.addEventListener("resize", resize); // a window moved to a screen of another density

takeInk();
takeValue();
watch("value", takeValue);
watch("picture", takePicture);
watch("ink", takeInk);
watch(["marks", "selected"], refresh);
