// The pointer and the keyboard: what a person does, said in the words of painter.js.

// ---- the pointer ----

const LONG_PRESS_MS = 550;
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
    end(); // the space bar may have begun one
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

// A cancelled pointer keeps its paint: losing it would be worse than a little too much, which one undo takes back.
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

const ARROWS = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };
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
