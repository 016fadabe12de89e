// The pointer and the keyboard: what a person does, said in the words of hole_painter.js.

const ARROWS = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };
const pointers = new Set();

canvas.addEventListener("pointerdown", (event) => {
  if (!history) return;
  canvas.focus({ preventScroll: true });
  canvas.setPointerCapture(event.pointerId);
  pointers.add(event.pointerId);
  keyed = false;
  if (pointers.size > 1) { drop(); return; } // a second finger takes back what the first has begun
  if (event.button !== 0) return;
  end(); // the space bar may have begun one
  cursor = hover = view.cellAt(event);
  begin(cursor);
});

canvas.addEventListener("pointermove", (event) => {
  if (!history) return;
  const at = view.cellAt(event);
  if (event.pointerType === "mouse" || pointers.size) hover = at;
  if (drawing && pointers.has(event.pointerId) && (at.row !== drawing.last.row || at.col !== drawing.last.col)) extend(at);
  refresh();
});

// A cancelled pointer keeps its paint: losing it would be worse than a little too much, which one undo takes back.
for (const name of ["pointerup", "pointercancel", "lostpointercapture"]) {
  canvas.addEventListener(name, (event) => {
    if (!pointers.delete(event.pointerId)) return;
    end();
    if (event.pointerType !== "mouse") hover = null;
  });
}
canvas.addEventListener("pointerleave", () => {
  if (!pointers.size) hover = null;
  refresh();
});
canvas.addEventListener("contextmenu", (event) => event.preventDefault());

// ---- the keyboard ----

const KEYS = {
  b: () => setTool("brush"), r: () => setTool("rectangle"), e: () => setTool("erase"),
  "[": () => setSize(hand.size - 2), "]": () => setSize(hand.size + 2),
  escape: drop,
  " ": () => drawing || begin(cursor),
};

function moveCursor([down, right], far) {
  const clamp = (index, count) => Math.min(Math.max(index, 0), count - 1);
  const steps = far ? 10 : 1;
  cursor = {
    row: clamp(cursor.row + steps * down, view.part.rows), col: clamp(cursor.col + steps * right, view.part.columns),
  };
  if (drawing) extend(cursor); // the space bar is held
}

canvas.addEventListener("keydown", (event) => {
  const arrow = ARROWS[event.key];
  const run = arrow ? () => moveCursor(arrow, event.shiftKey) : KEYS[event.key.toLowerCase()];
  if (!run || !history || event.ctrlKey || event.metaKey || event.altKey || pointers.size) return;
  event.preventDefault();
  keyed = true;
  run();
  refresh();
});
canvas.addEventListener("keyup", (event) => event.key === " " && !pointers.size && end());
canvas.addEventListener("focus", () => {
  keyed = canvas.matches(":focus-visible") && !pointers.size;
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
  ACTIONS[key === "y" || event.shiftKey ? "redo" : "undo"]();
});

// ---- the map ----

let held = null; // while the frame is dragged
map.addEventListener("pointerdown", (event) => {
  if (event.button !== 0 || !history) return;
  map.setPointerCapture(event.pointerId);
  held = event.pointerId;
  const { top, left } = view.partAt(event);
  move(top, left);
});
map.addEventListener("pointermove", (event) => {
  if (held !== event.pointerId) return;
  const { top, left } = view.partAt(event);
  move(top, left);
});
for (const name of ["pointerup", "pointercancel", "lostpointercapture"]) {
  map.addEventListener(name, (event) => {
    if (held !== event.pointerId) return;
    held = null;
    move(view.part.top, view.part.left, true);
  });
}
map.addEventListener("keydown", (event) => {
  const arrow = ARROWS[event.key];
  if (!arrow || !history) return;
  event.preventDefault();
  const steps = event.shiftKey ? 1 : 16;
  move(view.part.top + steps * arrow[0], view.part.left + steps * arrow[1], true);
});
