// From strokes of a pen to an image as MNIST has it. Pure arithmetic, so that node can test what the page does.

export const IMAGE_SIDE = 28;
const BOX = 20; // MNIST: the ink is scaled into a box of 20 x 20 pixels ...
const CENTRE = 14; // ... and moved by whole pixels until its centre of mass lies nearest to pixel (14, 14)
const WIDEST_PEN = 5; // pixels: a dot is not blown up to fill the box
const FINE = 4; // steps a pixel in which ink is measured, each step with a soft edge of its own

// Ink of side x side pixels, 0 to 1. strokes: lists of points [x, y], y downwards; a point at (x, y) lies at pixel
// position (x * scale + left, y * scale + top); pen: the line's width in the strokes' units.
export function rasterise(strokes, pen, side, { scale, left = 0, top = 0 }) {
  const n = side * FINE;
  const radius = 0.5 * pen * scale * FINE;
  const reach = radius + 1;
  const square = new Float64Array(n * n).fill(Infinity); // squared distance to the nearest stroke
  const place = ([x, y]) => [(x * scale + left) * FINE, (y * scale + top) * FINE];
  for (const points of strokes) {
    let [x0, y0] = place(points[0]);
    for (const point of points.length > 1 ? points.slice(1) : points) {
      const [x1, y1] = place(point);
      const [dx, dy] = [x1 - x0, y1 - y0];
      const length = dx * dx + dy * dy;
      const rows = [Math.max(0, Math.floor(Math.min(y0, y1) - reach)), Math.min(n - 1, Math.ceil(Math.max(y0, y1) + reach))];
      const columns = [Math.max(0, Math.floor(Math.min(x0, x1) - reach)), Math.min(n - 1, Math.ceil(Math.max(x0, x1) + reach))];
      for (let row = rows[0]; row <= rows[1]; row++) {
        for (let column = columns[0]; column <= columns[1]; column++) {
          const [ax, ay] = [column + 0.5 - x0, row + 0.5 - y0];
          const along = length > 0 ? Math.min(1, Math.max(0, (ax * dx + ay * dy) / length)) : 0;
          const [bx, by] = [ax - along * dx, ay - along * dy];
          const at = row * n + column;
          square[at] = Math.min(square[at], bx * bx + by * by);
        }
      }
      [x0, y0] = [x1, y1];
    }
  }
  const ink = new Float64Array(side * side);
  for (let row = 0; row < n; row++) {
    for (let column = 0; column < n; column++) {
      const cover = Math.min(1, Math.max(0, radius - Math.sqrt(square[row * n + column]) + 0.5));
      ink[Math.floor(row / FINE) * side + Math.floor(column / FINE)] += cover / (FINE * FINE);
    }
  }
  return ink;
}

// The drawing as MNIST prepares it, as 784 bytes: scaled with its proportions into 20 x 20, then moved by whole
// pixels so that its centre of mass is in the middle (as far as the whole drawing stays inside).
export function prepareDrawing(strokes, pen) {
  const image = new Uint8Array(IMAGE_SIDE * IMAGE_SIDE);
  const drawn = strokes.filter((points) => points.length);
  if (!drawn.length) return image;
  const [left, top] = [0, 1].map((axis) => extreme(drawn, axis, Math.min) - pen / 2);
  const sizes = [0, 1].map((axis) => extreme(drawn, axis, Math.max) + pen / 2 - [left, top][axis]);
  const scale = Math.min(BOX / Math.max(...sizes), WIDEST_PEN / pen);
  const ink = rasterise(drawn, pen, BOX, { scale, left: -left * scale, top: -top * scale });
  const [column, row] = centreOfMass(ink, BOX).map((centre, axis) =>
    Math.max(0, Math.min(IMAGE_SIDE - Math.ceil(sizes[axis] * scale), Math.round(CENTRE - centre))));
  for (let i = 0; i < BOX * BOX; i++) {
    if (ink[i] === 0) continue; // of a narrow drawing the box may reach beyond the image, its ink does not
    image[(row + Math.floor(i / BOX)) * IMAGE_SIDE + column + (i % BOX)] = Math.round(255 * ink[i]);
  }
  return image;
}

// An image of 784 bytes that stays as it is, with strokes drawn over it where the sheet's side is 1.
export function drawOver(image, strokes, pen) {
  const drawn = strokes.filter((points) => points.length);
  if (!drawn.length) return image.slice();
  const ink = rasterise(drawn, pen, IMAGE_SIDE, { scale: IMAGE_SIDE });
  return image.map((value, i) => Math.max(value, Math.round(255 * ink[i])));
}

function extreme(strokes, axis, choose) {
  return strokes.reduce((best, points) => points.reduce((found, point) => choose(found, point[axis]), best), strokes[0][0][axis]);
}

// [column, row] of the centre of mass, in pixels counted from 0.
export function centreOfMass(ink, side) {
  let [sum, column, row] = [0, 0, 0];
  for (let i = 0; i < side * side; i++) {
    sum += ink[i];
    column += ink[i] * (i % side);
    row += ink[i] * Math.floor(i / side);
  }
  return [column / sum, row / sum];
}

// The steps that arrow keys make as one smooth line: each corner cut twice (Chaikin), the ends kept.
export function cutCorners(points, times = 2) {
  if (points.length < 3 || times === 0) return points;
  const between = (a, b, share) => a.map((value, axis) => value + (b[axis] - value) * share);
  const cut = points.slice(1).flatMap((point, i) => [between(points[i], point, 0.25), between(points[i], point, 0.75)]);
  return cutCorners([points[0], ...cut, points.at(-1)], times - 1);
}
