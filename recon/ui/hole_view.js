// What is seen of a hole: the part of the picture, the hole in it, the brush; and a small map of the whole picture.
// Lengths are CSS pixels; only the canvas' own size and its transform know the device's.

const MAP_SIDE = 92;
const MOST_SIDE = 620;

class HoleView {
  constructor(canvas, map) {
    Object.assign(this, { canvas, map, pen: canvas.getContext("2d"), picture: null, part: null, width: 0 });
  }

  get ratio() {
    return window.devicePixelRatio || 1;
  }

  get cell() {
    return this.width / this.part.columns;
  }

  // As large as there is room for; a whole number of the screen's pixels to one of the picture's where that costs
  // little, for then it is not smoothed.
  measure(room) {
    if (!this.part || !room) return;
    const { rows, columns } = this.part;
    const most = Math.min(room / columns, MOST_SIDE / rows) * this.ratio;
    this.exact = Math.floor(most) >= 0.8 * most;
    const scale = this.exact ? Math.floor(most) : most;
    this.canvas.width = Math.round(columns * scale);
    this.canvas.height = Math.round(rows * scale);
    this.width = this.canvas.width / this.ratio;
    this.canvas.style.width = `${this.width}px`;
    this.canvas.style.height = `${this.canvas.height / this.ratio}px`;
    const style = getComputedStyle(this.canvas);
    this.theme = { accent: style.getPropertyValue("--painter-accent").trim() || "#3454d1" };
  }

  // The cell under a pointer, even where that is beside the picture: a stroke may leave it and come back.
  cellAt({ clientX, clientY }) {
    const box = this.canvas.getBoundingClientRect();
    return { row: Math.floor((clientY - box.top) / this.cell), col: Math.floor((clientX - box.left) / this.cell) };
  }

  draw(mask, brush) {
    const { pen, canvas, part, picture } = this;
    if (!part || !this.width) return;
    pen.setTransform(1, 0, 0, 1, 0, 0);
    pen.imageSmoothingEnabled = !this.exact;
    pen.imageSmoothingQuality = "high";
    pen.drawImage(picture, part.left, part.top, part.columns, part.rows, 0, 0, canvas.width, canvas.height);
    const scale = canvas.width / part.columns;
    pen.setTransform(scale, 0, 0, scale, 0, 0);
    const { inside, border } = this.outline(mask);
    pen.fillStyle = this.theme.accent;
    pen.globalAlpha = 0.78;
    pen.fill(inside);
    pen.globalAlpha = 1;
    const hair = this.ratio / scale; // a CSS pixel
    for (const [width, colour] of [[3, "#000"], [1.5, "#fff"]]) {
      pen.lineWidth = width * hair;
      pen.strokeStyle = colour;
      pen.stroke(border);
    }
    if (!brush) return;
    const ring = new Path2D();
    if (brush.size) ring.arc(brush.col + 0.5, brush.row + 0.5, Math.max(brush.size / 2, 2 * hair), 0, 2 * Math.PI);
    else {
      ring.moveTo(brush.col + 0.5, brush.row - 5 * hair), ring.lineTo(brush.col + 0.5, brush.row + 1 + 5 * hair);
      ring.moveTo(brush.col - 5 * hair, brush.row + 0.5), ring.lineTo(brush.col + 1 + 5 * hair, brush.row + 0.5);
    }
    for (const [width, colour] of [[3.5, "#000"], [1.5, "#fff"]]) {
      pen.lineWidth = width * hair;
      pen.strokeStyle = colour;
      pen.stroke(ring);
    }
  }

  // The hole as runs of cells, and its border as lines; kept until the mask is another.
  outline(mask) {
    if (this.drawn?.mask === mask && this.drawn.version === mask.version) return this.drawn;
    const { rows, columns } = this.part;
    const inside = new Path2D(), border = new Path2D();
    const cell = (row, col) => row >= 0 && col >= 0 && row < rows && col < columns && mask[row * columns + col] === 1;
    for (let row = 0; row <= rows; row++) {
      for (let col = 0, from = -1; col <= columns; col++) {
        const here = cell(row, col);
        if (here && from < 0) from = col;
        if (!here && from >= 0) {
          inside.rect(from, row, col - from, 1);
          from = -1;
        }
        if (here !== cell(row - 1, col)) border.moveTo(col, row), border.lineTo(col + 1, row);
        if (here !== cell(row, col - 1)) border.moveTo(col, row), border.lineTo(col, row + 1);
      }
    }
    this.drawn = { mask, version: mask.version, inside, border };
    return this.drawn;
  }

  // The whole picture, small, and which part of it is shown large.
  drawMap() {
    const { map, picture, part, ratio } = this;
    if (!part) return;
    const scale = (MAP_SIDE / Math.max(picture.naturalWidth, picture.naturalHeight)) * ratio;
    map.width = Math.round(picture.naturalWidth * scale);
    map.height = Math.round(picture.naturalHeight * scale);
    map.style.width = `${map.width / ratio}px`;
    const pen = map.getContext("2d");
    pen.imageSmoothingQuality = "high";
    pen.drawImage(picture, 0, 0, map.width, map.height);
    pen.fillStyle = "rgb(0 0 0 / 45%)";
    pen.fillRect(0, 0, map.width, map.height);
    const box = [part.left, part.top, part.columns, part.rows];
    pen.drawImage(picture, ...box, ...box.map((length) => length * scale));
    pen.lineWidth = 2 * ratio;
    pen.strokeStyle = "#fff";
    pen.strokeRect(...box.map((length) => length * scale));
  }

  // The corner of the part whose middle is under the pointer.
  partAt({ clientX, clientY }) {
    const box = this.map.getBoundingClientRect();
    const { naturalWidth, naturalHeight } = this.picture;
    return this.corner(
      ((clientY - box.top) / box.height) * naturalHeight - this.part.rows / 2,
      ((clientX - box.left) / box.width) * naturalWidth - this.part.columns / 2,
    );
  }

  // The nearest corner at which a part lies in the picture.
  corner(top, left) {
    const clamp = (value, most) => Math.round(Math.min(Math.max(value, 0), most));
    return {
      top: clamp(top, this.picture.naturalHeight - this.part.rows),
      left: clamp(left, this.picture.naturalWidth - this.part.columns),
    };
  }
}
