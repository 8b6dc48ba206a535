// Draws the latent map on a canvas.
import { ticks } from "./plane.mjs";
import { cssColour, mix } from "./theme.mjs";

const FONT = "system-ui, -apple-system, 'Segoe UI', sans-serif";

// All that does not follow the pointer: grid of decodings, prior circles, points, labels, axes.
export function drawMap(context, plane, data, { theme, colours, digit, grid, gridSize }) {
  drawFrame(context, plane, theme, () => {
    if (grid) drawGrid(context, plane, data, theme, gridSize);
    else drawZeroLines(context, plane, theme);
    drawPoints(context, plane, data, colours, (label) => {
      const shown = digit === null || label === digit;
      return { alpha: shown ? (grid && digit === null ? 0.75 : 0.85) : 0.1, scale: shown && digit !== null ? 1.25 : 1 };
    });
    drawPrior(context, plane, theme);
    drawLabels(context, plane, data, theme, colours, digit);
  });
}

// The empty map with its axes; what `drawInside` draws ends at its edge.
export function drawFrame(context, plane, theme, drawInside) {
  context.fillStyle = cssColour(theme.ground);
  context.fillRect(0, 0, plane.size, plane.size);
  context.save();
  context.beginPath();
  context.rect(plane.inset, 0, plane.side, plane.side);
  context.clip();
  drawInside();
  context.restore();
  drawAxes(context, plane, theme);
}

// The decoder's image at the middle of each cell.
function drawGrid(context, plane, { decode, side }, theme, n) {
  const tile = context.canvas.ownerDocument.createElement("canvas");
  tile.width = tile.height = n * side;
  const image = tile.getContext("2d").createImageData(n * side, n * side);
  const shade = mix(theme.ground, theme.ink, 0.62); // paler than ink: the points lie on top
  for (let row = 0; row < n; row++) {
    for (let column = 0; column < n; column++) {
      const z1 = (((column + 0.5) / n) * 2 - 1) * plane.limit;
      const z2 = (1 - ((row + 0.5) / n) * 2) * plane.limit;
      const ink = decode([z1, z2]);
      for (let i = 0; i < side * side; i++) {
        const at = 4 * ((row * side + Math.floor(i / side)) * n * side + column * side + (i % side));
        for (let c = 0; c < 3; c++) image.data[at + c] = theme.ground[c] + (shade[c] - theme.ground[c]) * ink[i];
        image.data[at + 3] = 255;
      }
    }
  }
  tile.getContext("2d").putImageData(image, 0, 0);
  context.drawImage(tile, plane.inset, 0, plane.side, plane.side);
}

export function drawZeroLines(context, plane, theme) {
  const [x, y] = plane.toPixel([0, 0]);
  context.strokeStyle = cssColour(theme.line, 0.7);
  context.lineWidth = 1;
  context.beginPath();
  context.moveTo(plane.inset, y);
  context.lineTo(plane.size, y);
  context.moveTo(x, 0);
  context.lineTo(x, plane.side);
  context.stroke();
}

// The prior N(0, I) at one and two standard deviations.
export function drawPrior(context, plane, theme) {
  const [x, y] = plane.toPixel([0, 0]);
  context.strokeStyle = cssColour(theme.muted, 0.8);
  context.lineWidth = 1;
  context.setLineDash([4, 4]);
  for (const sd of [1, 2]) {
    context.beginPath();
    context.arc(x, y, plane.toLength(sd), 0, 2 * Math.PI);
    context.stroke();
  }
  context.setLineDash([]);
  for (const sd of [1, 2]) {
    const reach = plane.toLength(sd) * Math.SQRT1_2;
    haloText(context, `${sd} sd`, x + reach + 3, y + reach + 3, theme, { align: "left", baseline: "top" });
  }
}

// look(label): {alpha, scale} of the points with that label.
export function drawPoints(context, plane, { xs, ys, labels }, colours, look) {
  const radius = Math.max(1.7, plane.side / 190);
  for (let i = 0; i < xs.length; i++) {
    const { alpha, scale } = look(labels[i]);
    const [x, y] = plane.toPixel([xs[i], ys[i]]);
    context.fillStyle = cssColour(colours[labels[i]], alpha);
    context.beginPath();
    context.arc(x, y, radius * scale, 0, 2 * Math.PI);
    context.fill();
  }
}

// Each class's name, where its points are densest.
function drawLabels(context, plane, { labelSpots }, theme, colours, digit) {
  for (const [label, colour] of colours.entries()) {
    if (!labelSpots[label] || (digit !== null && digit !== label)) continue;
    drawBadge(context, ...plane.toPixel(labelSpots[label]), String(label), theme, colour);
  }
}

// A class's name in a circle of its colour, at a pixel.
export function drawBadge(context, x, y, string, theme, colour) {
  context.fillStyle = cssColour(theme.ground, 0.92);
  context.strokeStyle = cssColour(colour);
  context.lineWidth = 2;
  context.beginPath();
  context.arc(x, y, 10, 0, 2 * Math.PI);
  context.fill();
  context.stroke();
  text(context, string, x, y + 0.5, theme.ink, { font: `600 12px ${FONT}` });
}

function drawAxes(context, plane, theme) {
  context.strokeStyle = cssColour(theme.line);
  context.lineWidth = 1;
  context.strokeRect(plane.inset + 0.5, 0.5, plane.side - 1, plane.side - 1);
  const marks = plane.ticks ?? [ticks(plane.limit), ticks(plane.limit)];
  const label = (value) => String(value).replace("-", "\u2212");
  for (const value of marks[0]) {
    const [x] = plane.toPixel([value, 0]);
    if (x < plane.size - 24) text(context, label(value), x, plane.side + 12, theme.muted);
  }
  for (const value of marks[1]) {
    const [, y] = plane.toPixel([0, value]);
    if (y > 18) text(context, label(value), plane.inset - 6, y, theme.muted, { align: "right" });
  }
  const font = `italic 600 13px ${FONT}`;
  const [across, up] = plane.names ?? ["z\u2081", "z\u2082"];
  text(context, across, plane.size - 3, plane.side + 12, theme.ink, { font, align: "right" });
  text(context, up, plane.inset - 6, 9, theme.ink, { font, align: "right" });
}

// The point that is decoded, and rings around the real digits nearest to it.
export function drawMarker(context, plane, z, nearestPoints, theme, held) {
  context.lineWidth = 1;
  context.strokeStyle = cssColour(theme.ink);
  for (const point of nearestPoints) {
    context.beginPath();
    context.arc(...plane.toPixel(point), 4.5, 0, 2 * Math.PI);
    context.stroke();
  }
  const [x, y] = plane.toPixel(z);
  for (const [width, colour] of [[6, theme.ground], [2.5, theme.accent]]) {
    context.lineWidth = width;
    context.strokeStyle = cssColour(colour);
    context.beginPath();
    context.arc(x, y, 9, 0, 2 * Math.PI);
    for (const [dx, dy] of [[1, 0], [-1, 0], [0, 1], [0, -1]]) {
      context.moveTo(x + 9 * dx, y + 9 * dy);
      context.lineTo(x + 16 * dx, y + 16 * dy);
    }
    context.stroke();
  }
  context.fillStyle = cssColour(theme.accent, held ? 1 : 0.15);
  context.beginPath();
  context.arc(x, y, held ? 5 : 8, 0, 2 * Math.PI);
  context.fill();
}

export function text(context, string, x, y, colour, { font = `11px ${FONT}`, align = "center", baseline = "middle" } = {}) {
  context.font = font;
  context.textAlign = align;
  context.textBaseline = baseline;
  context.fillStyle = cssColour(colour);
  context.fillText(string, x, y);
}

export function haloText(context, string, x, y, theme, options) {
  context.font = `11px ${FONT}`;
  context.textAlign = options.align;
  context.textBaseline = options.baseline;
  context.lineJoin = "round";
  context.lineWidth = 4;
  context.strokeStyle = cssColour(theme.ground, 0.9);
  context.strokeText(string, x, y);
  text(context, string, x, y, theme.muted, options);
}
