// What is seen of the grid: zoom and pan, drawing, and from the pointer back to a cell. Lengths here are CSS pixels;
// only the canvas' own size and its transform know the device's.

// A grid as a tiny picture, one pixel a cell, which the canvas enlarges without smoothing: one call instead of 16,384.
function bitmap(width, height, colourAt) {
  const tiny = new OffscreenCanvas(width, height);
  const context = tiny.getContext("2d");
  const image = context.createImageData(width, height);
  const pixels = new Uint32Array(image.data.buffer); // alpha, blue, green, red: no browser runs on a big-endian machine
  for (let at = 0; at < width * height; at++) {
    const colour = colourAt(at);
    if (colour !== EMPTY) pixels[at] = (255 << 24) | ((colour & 255) << 16) | (colour & 0xff00) | (colour >> 16);
  }
  context.putImageData(image, 0, 0);
  return tiny;
}

class View {
  constructor(canvas) {
    Object.assign(this, { canvas, context: canvas.getContext("2d"), width: 0 });
    this.setSide(1);
  }

  get cell() {
    return (this.width * this.zoom) / this.side;
  }

  get zoomed() {
    return this.zoom > 1;
  }

  // Zooming further than eight cells across helps nobody.
  get maxZoom() {
    return Math.max(this.side / 8, 1);
  }

  setSide(side) {
    Object.assign(this, { side, zoom: 1, left: 0, top: 0, checker: null });
  }

  // Sizes the canvas to its frame, and reads the theme's colours from the style sheet.
  measure() {
    const { canvas } = this;
    const ratio = window.devicePixelRatio || 1;
    this.width = canvas.clientWidth;
    const pixels = Math.round(this.width * ratio);
    if (canvas.width !== pixels) canvas.width = canvas.height = pixels;
    const style = getComputedStyle(canvas);
    const read = (name) => style.getPropertyValue(`--painter-${name}`).trim();
    const names = ["paper", "check", "line", "edge", "accent", "halo", "text"];
    this.theme = Object.fromEntries(names.map((name) => [name, read(name)]));
    this.checker = null;
  }

  // The cell under a pointer, even where that is off the grid: a stroke may leave it and come back.
  cellAt(event) {
    const { row, col } = this.pointAt(event);
    const clamp = (index) => Math.min(Math.max(Math.floor(index), -this.side), 2 * this.side);
    return { row: clamp(row), col: clamp(col) };
  }

  pointAt({ clientX, clientY }) {
    const box = this.canvas.getBoundingClientRect();
    return { row: this.top + (clientY - box.top) / this.cell, col: this.left + (clientX - box.left) / this.cell };
  }

  // Where on the page the middle of a cell is.
  middleOf({ row, col }) {
    const box = this.canvas.getBoundingClientRect();
    return { clientX: box.left + (col + 0.5 - this.left) * this.cell, clientY: box.top + (row + 0.5 - this.top) * this.cell };
  }

  // Zooms so that a grid point comes to lie under the pointer (or stays there); without one, the middle stays.
  zoomTo(zoom, event, point) {
    const box = this.canvas.getBoundingClientRect();
    event ??= { clientX: box.left + box.width / 2, clientY: box.top + box.height / 2 };
    point ??= this.pointAt(event);
    this.zoom = Math.min(Math.max(zoom, 1), this.maxZoom);
    const [y, x] = [event.clientY - box.top, event.clientX - box.left];
    return this.panTo(point.row - y / this.cell, point.col - x / this.cell);
  }

  // Says whether the view moved, so that the page may scroll when it did not.
  panTo(top, left) {
    const before = `${this.top} ${this.left} ${this.zoom}`;
    const most = this.side - this.side / this.zoom;
    this.top = Math.min(Math.max(top, 0), most);
    this.left = Math.min(Math.max(left, 0), most);
    return before !== `${this.top} ${this.left} ${this.zoom}`;
  }

  panBy(dx, dy) {
    return this.panTo(this.top + dy / this.cell, this.left + dx / this.cell);
  }

  // Moves just far enough that the keyboard's cursor is seen.
  show({ row, col }) {
    const seen = this.side / this.zoom;
    this.panTo(Math.min(Math.max(this.top, row + 1 - seen), row), Math.min(Math.max(this.left, col + 1 - seen), col));
  }

  draw({ cells, picture, marks, selected, hover, cursor, size }) {
    if (!this.width) return;
    const { context, side, cell, theme } = this;
    const ratio = this.canvas.width / this.width;
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.imageSmoothingEnabled = false;
    const enlarge = (image) => context.drawImage(image, -this.left * cell, -this.top * cell, side * cell, side * cell);

    context.fillStyle = theme.paper;
    context.fillRect(0, 0, this.width, this.width);
    // Two by two checks a cell, or one where cells are too small to show them.
    const checks = cell >= 7 ? 2 * side : side;
    if (this.checker?.width !== checks) {
      const check = fromHex(theme.check);
      this.checker = bitmap(checks, checks, (at) => ((at % checks) + Math.floor(at / checks)) % 2 ? check : EMPTY);
    }
    enlarge(this.checker);
    if (picture) {
      context.globalAlpha = 0.4;
      enlarge(bitmap(side, side, (at) => picture[at]));
      context.globalAlpha = 1;
    }
    if (cell >= 5) this.drawLines(ratio);
    enlarge(bitmap(side, side, (at) => cells[at]));
    if (cell >= 5) this.drawEdges(cells, ratio);

    if (selected) this.drawCrosshair(selected);
    for (const mark of marks) this.drawMark(mark);
    if (hover) this.drawOutline(hover, size, false);
    if (cursor) this.drawOutline(cursor, size, true);
  }

  // Sharp at any ratio: a line starts on a device pixel and is a whole number of them thick.
  snap(length, ratio) {
    return Math.round(length * ratio) / ratio;
  }

  drawLines(ratio) {
    const { context, side, cell, width } = this;
    const thick = Math.max(Math.round(ratio), 1) / ratio;
    context.fillStyle = this.theme.line;
    for (let index = 1; index < side; index++) {
      context.fillRect(this.snap((index - this.left) * cell, ratio), 0, thick, width);
      context.fillRect(0, this.snap((index - this.top) * cell, ratio), width, thick);
    }
  }

  // Where painted cells meet unpainted ones: without it, white paint cannot be told from white paper.
  drawEdges(cells, ratio) {
    const { context, side, cell } = this;
    const thick = Math.max(Math.round(ratio), 1) / ratio;
    const bounds = (index, start) => [index, index + 1].map((edge) => this.snap((edge - start) * cell, ratio));
    const bare = (row, col) => row >= 0 && col >= 0 && row < side && col < side && cells[row * side + col] === EMPTY;
    context.fillStyle = this.theme.edge;
    for (let at = 0; at < cells.length; at++) {
      if (cells[at] === EMPTY) continue;
      const [row, col] = [Math.floor(at / side), at % side];
      const [top, bottom] = bounds(row, this.top);
      const [left, right] = bounds(col, this.left);
      if (bare(row - 1, col)) context.fillRect(left, top, right - left, thick);
      if (bare(row + 1, col)) context.fillRect(left, bottom - thick, right - left, thick);
      if (bare(row, col - 1)) context.fillRect(left, top, thick, bottom - top);
      if (bare(row, col + 1)) context.fillRect(right - thick, top, thick, bottom - top);
    }
  }

  // A line of one colour vanishes on some painting; with a wider one of the opposite tone under it, it never does.
  outlined(trace, colour, thick, halo = this.theme.halo) {
    const { context } = this;
    for (const [strokeStyle, lineWidth] of [[halo, thick + 2], [colour, thick]]) {
      Object.assign(context, { strokeStyle, lineWidth });
      context.beginPath();
      trace(context);
      context.stroke();
    }
  }

  boxOf({ row, col }) {
    return { x: (col - this.left) * this.cell, y: (row - this.top) * this.cell };
  }

  drawMark(mark) {
    const { x, y } = this.boxOf(mark);
    const radius = Math.max(this.cell * 0.72, 5);
    const ring = (context) => context.arc(x + this.cell / 2, y + this.cell / 2, radius, 0, 2 * Math.PI);
    this.outlined(ring, this.theme.accent, 2, "white");
  }

  drawCrosshair(at) {
    const { cell, width, theme } = this;
    const { x, y } = this.boxOf(at);
    const arms = (context) => {
      for (const [from, to] of [[0, x], [x + cell, width]]) {
        context.moveTo(from, y + cell / 2);
        context.lineTo(to, y + cell / 2);
      }
      for (const [from, to] of [[0, y], [y + cell, width]]) {
        context.moveTo(x + cell / 2, from);
        context.lineTo(x + cell / 2, to);
      }
    };
    this.context.globalAlpha = 0.35;
    this.outlined(arms, theme.text, 1);
    this.context.globalAlpha = 1;
    this.outlined((context) => context.rect(x, y, cell, cell), theme.text, 1.5);
  }

  // What the brush would paint from here.
  drawOutline(at, size, strong) {
    const reach = Math.floor((size - 1) / 2);
    const { x, y } = this.boxOf({ row: at.row - reach, col: at.col - reach });
    const box = (context) => context.rect(x, y, size * this.cell, size * this.cell);
    if (!strong) this.context.globalAlpha = 0.6;
    if (strong) this.outlined(box, this.theme.accent, 2, "white");
    else this.outlined(box, this.theme.text, 1);
    this.context.globalAlpha = 1;
  }
}
