// What is seen of the grid: zoom and pan, drawing, and from the pointer back to a cell. Lengths here are CSS pixels; only the
// canvas' own size and its transform know the device's.

// A grid as a tiny picture, one pixel a cell, which the canvas then enlarges without smoothing: one call instead of 16,384.
function bitmap(width, height, colourAt) {
  const tiny = new OffscreenCanvas(width, height);
  const context = tiny.getContext("2d");
  const image = context.createImageData(width, height);
  for (let at = 0; at < width * height; at++) {
    const colour = colourAt(at);
    if (colour !== EMPTY) image.data.set([colour >> 16, (colour >> 8) & 255, colour & 255, 255], 4 * at);
  }
  context.putImageData(image, 0, 0);
  return tiny;
}

class View {
  constructor(canvas) {
    Object.assign(this, { canvas, context: canvas.getContext("2d"), side: 1, zoom: 1, left: 0, top: 0, width: 0, checker: null });
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
    this.theme = Object.fromEntries(["paper", "check", "line", "accent", "halo", "text"].map((name) => [name, read(name)]));
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

  // Zooms so that a grid point comes to lie under the pointer (or stays there); without one, the middle stays.
  zoomTo(zoom, event, point) {
    const box = this.canvas.getBoundingClientRect();
    event ??= { clientX: box.left + box.width / 2, clientY: box.top + box.height / 2 };
    point ??= this.pointAt(event);
    this.zoom = Math.min(Math.max(zoom, 1), this.maxZoom);
    return this.panTo(point.row - (event.clientY - box.top) / this.cell, point.col - (event.clientX - box.left) / this.cell);
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

    if (selected) this.drawCrosshair(selected);
    for (const mark of marks) this.drawMark(mark);
    if (hover) this.drawOutline(hover, size, false);
    if (cursor) this.drawOutline(cursor, size, true);
  }

  // Sharp at any ratio: each line is moved to the nearest device pixel and is one device pixel wide, or about one CSS pixel.
  drawLines(ratio) {
    const { context, side, cell, width } = this;
    const thick = Math.max(Math.round(ratio), 1) / ratio;
    context.fillStyle = this.theme.line;
    for (let index = 1; index < side; index++) {
      const x = Math.round((index - this.left) * cell * ratio) / ratio;
      const y = Math.round((index - this.top) * cell * ratio) / ratio;
      if (x > 0 && x < width) context.fillRect(x, 0, thick, width);
      if (y > 0 && y < width) context.fillRect(0, y, width, thick);
    }
  }

  // A line of one colour vanishes on some painting; with a wider one of the opposite tone under it, it never does.
  outlined(trace, colour, thick, dash = []) {
    const { context, theme } = this;
    for (const [style, lineWidth, lineDash] of [[theme.halo, thick + 2, []], [colour, thick, dash]]) {
      context.beginPath();
      trace(context);
      Object.assign(context, { strokeStyle: style, lineWidth });
      context.setLineDash(lineDash);
      context.stroke();
    }
    context.setLineDash([]);
  }

  boxOf({ row, col }) {
    return { x: (col - this.left) * this.cell, y: (row - this.top) * this.cell };
  }

  drawMark(mark) {
    const { x, y } = this.boxOf(mark);
    const radius = Math.max(this.cell * 0.72, 5);
    const ring = (context) => context.arc(x + this.cell / 2, y + this.cell / 2, radius, 0, 2 * Math.PI);
    this.outlined(ring, this.theme.accent, 2);
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
    this.outlined(box, strong ? this.theme.accent : this.theme.text, strong ? 2 : 1);
    this.context.globalAlpha = 1;
  }
}
