// The grid by itself: no page, no canvas. A grid is an Int32Array of side * side cells, row by row; a cell is 0xRRGGBB,
// or EMPTY where nothing is known. Grids are small (64 KB at side 128): history keeps copies instead of differences.

const EMPTY = -1;
const MAX_SIDE = 128;
const MAX_STEPS = 100;

const toHex = (colour) => "#" + colour.toString(16).padStart(6, "0");
const fromHex = (hex) => parseInt(hex.slice(1), 16);

function luma(colour) {
  return Math.round(0.299 * (colour >> 16) + 0.587 * ((colour >> 8) & 255) + 0.114 * (colour & 255));
}

// What each ink makes of a colour, and the swatches it starts with.
const INKS = {
  colour: { of: (colour) => colour, swatches: [0x5b3a29, 0xe8b79a, 0xf4f4f4, 0x3454d1] },
  grey: { of: (colour) => luma(colour) * 0x010101, swatches: [0xffffff, 0xaaaaaa, 0x555555, 0x000000] },
  binary: { of: (colour) => (luma(colour) >= 128 ? 0xffffff : 0), swatches: [0xffffff, 0x000000] },
};

// Python has checked the payload; cells off the grid are dropped all the same: a link or an old tab may hold anything.
function readPayload(payload, fallbackSide) {
  const side = Math.min(Math.max(Math.trunc(payload?.side) || fallbackSide, 1), MAX_SIDE);
  const cells = new Int32Array(side * side).fill(EMPTY);
  for (const [row, col, red, green, blue] of Array.isArray(payload?.cells) ? payload.cells : []) {
    if (row >= 0 && col >= 0 && row < side && col < side) cells[row * side + col] = (red << 16) | (green << 8) | blue;
  }
  return { side, cells };
}

function writePayload(side, cells) {
  const painted = [];
  cells.forEach((colour, at) => {
    if (colour === EMPTY) return;
    painted.push([Math.floor(at / side), at % side, colour >> 16, (colour >> 8) & 255, colour & 255]);
  });
  return { side, cells: painted };
}

// The picture underneath, as a full grid; null when there is none or it has another side: its update is then on the way.
function readPicture(base64, side) {
  if (!base64) return null;
  let bytes;
  try {
    bytes = atob(base64);
  } catch {
    return null;
  }
  if (bytes.length !== side * side * 3) return null;
  const rgb = (at) => (bytes.charCodeAt(at) << 16) | (bytes.charCodeAt(at + 1) << 8) | bytes.charCodeAt(at + 2);
  return Int32Array.from({ length: side * side }, (_, at) => rgb(3 * at));
}

// Bresenham's line, both ends included: a fast drag reports few points, and the cells between them must not stay empty.
function line(from, to) {
  const points = [];
  let { row, col } = from;
  const rows = Math.abs(to.row - row);
  const cols = Math.abs(to.col - col);
  let error = cols - rows;
  for (;;) {
    points.push({ row, col });
    if (row === to.row && col === to.col) return points;
    const twice = 2 * error;
    if (twice > -rows) {
      error -= rows;
      col += Math.sign(to.col - col);
    }
    if (twice < cols) {
      error += cols;
      row += Math.sign(to.row - row);
    }
  }
}

// The cells under a square brush, as indices; what hangs over the edge is clipped.
function footprint({ row, col }, size, side) {
  const reach = Math.floor((size - 1) / 2);
  const at = [];
  for (let r = Math.max(row - reach, 0); r < Math.min(row - reach + size, side); r++) {
    for (let c = Math.max(col - reach, 0); c < Math.min(col - reach + size, side); c++) at.push(r * side + c);
  }
  return at;
}

const sameCells = (a, b) => a.length === b.length && a.every((colour, at) => colour === b[at]);
const countCells = (cells) => cells.reduce((count, colour) => count + (colour !== EMPTY), 0);

// A grid with its past, each step with the picture that it was painted on. Each method says whether anything changed.
class Sheet {
  constructor(side, cells, picture = "") {
    Object.assign(this, { side, cells, picture, past: [], future: [] });
  }

  get now() {
    return { cells: this.cells, picture: this.picture };
  }

  replace(cells) {
    if (sameCells(cells, this.cells)) return false;
    this.past = [...this.past, this.now].slice(-MAX_STEPS);
    this.future = [];
    this.cells = cells;
    return true;
  }

  clear() {
    return this.replace(new Int32Array(this.cells.length).fill(EMPTY));
  }

  step(from, to) {
    if (!from.length) return false;
    to.push(this.now);
    Object.assign(this, from.pop());
    return true;
  }

  undo() {
    return this.step(this.past, this.future);
  }

  redo() {
    return this.step(this.future, this.past);
  }
}
