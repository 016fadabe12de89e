// A hole by itself: no page, no canvas. A mask is a Uint8Array of rows * columns, row by row, 1 where the hole is.

const MOST_STEPS = 100; // of history; a mask of 256 x 256 is 64 KB

const emptyMask = ({ rows, columns }) => new Uint8Array(rows * columns);
const sameMask = (a, b) => a.length === b.length && a.every((cell, at) => cell === b[at]);
const countMask = (mask) => mask.reduce((count, cell) => count + cell, 0);

// Bits, the first one the highest of its byte, as numpy packs them; then base64.
function packMask(mask) {
  const bytes = new Uint8Array(Math.ceil(mask.length / 8));
  mask.forEach((cell, at) => { bytes[at >> 3] |= cell << (7 - (at & 7)); });
  let text = "";
  for (const byte of bytes) text += String.fromCharCode(byte);
  return btoa(text);
}

// Null for what is no mask of that size.
function unpackMask(packed, { rows, columns }) {
  let bytes;
  try {
    bytes = atob(packed ?? "");
  } catch {
    return null;
  }
  if (bytes.length !== Math.ceil((rows * columns) / 8)) return null;
  return Uint8Array.from({ length: rows * columns }, (_, at) => (bytes.charCodeAt(at >> 3) >> (7 - (at & 7))) & 1);
}

// Cells whose middle is within half a brush of the way from one cell to another: a fast drag leaves no gaps.
function stroke(mask, { rows, columns }, from, to, brush, cell) {
  const reach = brush / 2, down = to.row - from.row, right = to.col - from.col;
  const length = down * down + right * right || 1;
  const whole = Math.ceil(reach);
  for (let row = Math.max(0, Math.min(from.row, to.row) - whole); row <= Math.min(rows - 1, Math.max(from.row, to.row) + whole); row++) {
    for (let col = Math.max(0, Math.min(from.col, to.col) - whole); col <= Math.min(columns - 1, Math.max(from.col, to.col) + whole); col++) {
      const along = ((row - from.row) * down + (col - from.col) * right) / length;
      const at = Math.min(Math.max(along, 0), 1);
      if (Math.hypot(row - from.row - at * down, col - from.col - at * right) <= reach) mask[row * columns + col] = cell;
    }
  }
}

// All cells between two corners, both included.
function rectangle(mask, { rows, columns }, from, to, cell) {
  const [top, bottom] = [Math.min(from.row, to.row), Math.max(from.row, to.row)];
  const [left, right] = [Math.min(from.col, to.col), Math.max(from.col, to.col)];
  for (let row = Math.max(0, top); row <= Math.min(rows - 1, bottom); row++) {
    mask.fill(cell, row * columns + Math.max(0, left), row * columns + Math.min(columns - 1, right) + 1);
  }
}

// A square in the middle, or what there is room for with a quarter of it around.
function middle({ rows, columns }, side) {
  const mask = emptyMask({ rows, columns });
  const room = Math.min(side, Math.floor((Math.min(rows, columns) * 2) / 3));
  const from = { row: (rows - room) >> 1, col: (columns - room) >> 1 };
  rectangle(mask, { rows, columns }, from, { row: from.row + room - 1, col: from.col + room - 1 }, 1);
  return mask;
}

// What fits of a mask into another size, its upper left corner kept.
function fitted(mask, from, to) {
  const found = emptyMask(to);
  for (let row = 0; row < Math.min(from.rows, to.rows); row++) {
    for (let col = 0; col < Math.min(from.columns, to.columns); col++) {
      found[row * to.columns + col] = mask[row * from.columns + col];
    }
  }
  return found;
}

// A mask with its past. Each method says whether anything changed.
class History {
  constructor(mask) {
    Object.assign(this, { mask, past: [], future: [] });
  }

  replace(mask) {
    if (sameMask(mask, this.mask)) return false;
    this.past = [...this.past, this.mask].slice(-MOST_STEPS);
    this.future = [];
    this.mask = mask;
    return true;
  }

  step(from, to) {
    if (!from.length) return false;
    to.push(this.mask);
    this.mask = from.pop();
    return true;
  }

  undo() {
    return this.step(this.past, this.future);
  }

  redo() {
    return this.step(this.future, this.past);
  }
}
