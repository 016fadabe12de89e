// The painter of holes at work: strokes, tools, and the way to and from Python. gradio runs this once a mount, in one
// scope with the two scripts before it, and gives it `element`, `props`, `trigger` and `watch`.

const find = (selector) => element.querySelector(selector);
const act = (name) => find(`[data-act="${name}"]`);
const canvas = find(".hole-canvas"), map = find(".hole-map"), slider = find(".hole-size input");
const toolButtons = [...element.querySelectorAll("[data-tool]")];
const LARGEST = 256; // pixels a side of the part that is mended
const PAPER = 71; // the hole of the paper

const view = new HoleView(canvas, map);
const hand = { tool: "brush", size: Number(slider.value) };
let history = null; // none before there is a picture
let drawing = null; // while a stroke is drawn: where it began, and the mask as it would become
let hover = null;
let cursor = { row: 0, col: 0 };
let keyed = false; // the brush stands at the cursor only for those who use the keyboard

// ---- strokes ----

function begin(at) {
  if (!history) return;
  drawing = { from: at, last: at, mask: history.mask.slice() };
  drawing.mask.version = 0;
  extend(at);
}

function extend(at) {
  const cell = hand.tool === "erase" ? 0 : 1;
  if (hand.tool === "rectangle") {
    drawing.mask.set(history.mask);
    rectangle(drawing.mask, view.part, drawing.from, at, cell);
  } else stroke(drawing.mask, view.part, drawing.last, at, hand.size, cell);
  drawing.mask.version += 1;
  drawing.last = at;
  refresh();
}

function end() {
  if (!drawing) return;
  const { mask } = drawing;
  drawing = null;
  if (history.replace(mask)) send(hand.tool);
  refresh();
}

function drop() {
  drawing = null;
  refresh();
}

function change(name, changed) {
  if (!drawing && history && changed()) send(name);
  refresh();
}

// ---- to and from Python ----

// A new object each time: gradio ignores one that was changed in place.
function keep() {
  const { rows, columns, top, left } = view.part;
  props.value = { rows, columns, top, left, mask: packMask(history.mask) };
}

function send(tool) {
  keep();
  trigger('paint', { tool, count: countMask(history.mask) });
}

// A new picture leaves the hole that was painted where it was, as far as it fits; else it has the hole of the paper.
function takePicture() {
  if (!props.picture || view.picture?.src === props.picture) return;
  const picture = new Image();
  picture.onload = () => {
    if (picture.src !== props.picture) return; // another has come meanwhile
    end();
    const before = view.part, old = view.picture;
    const [height, width] = [picture.naturalHeight, picture.naturalWidth];
    const size = { rows: Math.min(LARGEST, height), columns: Math.min(LARGEST, width) };
    view.picture = picture;
    view.part = size;
    const same = before && old.naturalWidth === width && old.naturalHeight === height;
    Object.assign(view.part, same ? view.corner(before.top, before.left)
      : view.corner((height - size.rows) / 2, (width - size.columns) / 2));
    if (!history) history = new History(middle(size, PAPER));
    else if (before.rows !== size.rows || before.columns !== size.columns) {
      const mask = history.past.length ? fitted(history.mask, before, size) : emptyMask(size);
      history = new History(countMask(mask) ? mask : middle(size, PAPER));
    }
    find(".hole-part").hidden = height <= LARGEST && width <= LARGEST;
    cursor = { row: size.rows >> 1, col: size.columns >> 1 };
    keep();
    resize();
  };
  picture.src = props.picture;
}

function takeValue() {
  const { rows, columns, top, left, mask } = props.value || {};
  if (!history || drawing || rows !== view.part.rows || columns !== view.part.columns) return;
  const cells = unpackMask(mask, view.part);
  if (!cells) return;
  Object.assign(view.part, view.corner(top, left));
  history.replace(cells);
  refresh();
}

// ---- tools ----

function setTool(tool) {
  if (!drawing) hand.tool = tool;
  refresh();
}

function setSize(size) {
  hand.size = Math.min(Math.max(size, Number(slider.min)), Number(slider.max));
  slider.value = hand.size;
  refresh();
}

function move(top, left, done) {
  Object.assign(view.part, view.corner(top, left));
  if (done) send("move");
  refresh();
}

const ACTIONS = {
  undo: () => change("undo", () => history.undo()),
  redo: () => change("redo", () => history.redo()),
  clear: () => change("clear", () => history.replace(emptyMask(view.part))),
  middle: () => change("middle", () => history.replace(middle(view.part, PAPER))),
};

// aria-disabled rather than disabled: a real one would throw the keyboard's focus away, and hides its tooltip.
for (const [name, run] of Object.entries(ACTIONS)) {
  act(name).addEventListener("click", ({ currentTarget }) => currentTarget.ariaDisabled === "true" || run());
}
for (const button of toolButtons) button.addEventListener("click", () => setTool(button.dataset.tool));
slider.addEventListener("input", () => setSize(Number(slider.value)));

// ---- what is seen ----

let asked = 0;

function refresh() {
  asked ||= requestAnimationFrame(() => {
    asked = 0;
    show();
  });
}

function show() {
  find(".hole-size output").textContent = hand.size;
  for (const button of toolButtons) button.setAttribute("aria-pressed", String(button.dataset.tool === hand.tool));
  if (!history) return;
  const mask = drawing?.mask ?? history.mask;
  const at = drawing && !keyed ? hover : keyed ? cursor : hover;
  view.draw(mask, at && { ...at, size: hand.tool === "rectangle" ? 0 : hand.size });
  view.drawMap();
  const count = countMask(mask);
  const inside = at && at.row >= 0 && at.col >= 0 && at.row < view.part.rows && at.col < view.part.columns;
  find(".painter-where").textContent = inside ? `row ${at.row + 1}, column ${at.col + 1}` : "";
  find(".painter-count").textContent = `${count.toLocaleString("en")} of ${mask.length.toLocaleString("en")} pixels`;
  act("undo").ariaDisabled = String(!history.past.length);
  act("redo").ariaDisabled = String(!history.future.length);
  act("clear").ariaDisabled = String(!count);
}

function resize() {
  view.measure(find(".hole-painter").clientWidth - 2); // less the frame's border
  find(".hole-painter").style.setProperty("--hole-width", `${view.width}px`);
  refresh();
}

find(".painter-help").id = `${element.id}-help`;
canvas.setAttribute("aria-describedby", `${element.id}-help`);
new ResizeObserver(resize).observe(find(".hole-painter"));
window.addEventListener("resize", resize); // a window moved to a screen of another density
watch("picture", takePicture);
watch("value", takeValue);
takePicture();
show();
