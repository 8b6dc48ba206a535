// Draws a Markov chain in the plane: the posterior's shade, the states, the last proposals, the traces.
import { drawFrame, drawPrior, drawZeroLines, text } from "./map_drawing.mjs";
import { formatNumber, makePlane, makeWindow } from "./plane.mjs";
import { cssColour, mix } from "./theme.mjs";

const INSET = 34; // for ticks such as -0.25
const TRAIL = 40; // states whose path is drawn
const RECENT = 25; // proposals that are drawn
const ROUND_LENGTHS = [200, 500, 1000, 2000, 5000, 10000, 20000];

// The whole map, or the square around the posterior's mass.
export function planeOf(view, grid, limit, size) {
  if (view !== "close-up") return makePlane(limit, size, INSET);
  const { centre, half } = closeUp(grid);
  return makeWindow(centre, half, size, INSET);
}

function closeUp({ low, high }) {
  return { centre: low.map((value, i) => (value + high[i]) / 2), half: Math.max(...low.map((value, i) => high[i] - value)) / 2 };
}

// All that stays while the chain walks.
export function drawGround(context, plane, { grid, view }, theme) {
  drawFrame(context, plane, theme, () => {
    if (grid.value) drawPosteriorShade(context, plane, grid, theme);
    drawZeroLines(context, plane, theme);
    drawPrior(context, plane, theme);
    if (view !== "close-up" && grid.mass) drawWindow(context, plane, grid, theme);
  });
}

// Darker where the density is higher: as its square root, so that the flanks are seen.
function drawPosteriorShade(context, plane, { low, high, n, value }, theme) {
  const tile = context.canvas.ownerDocument.createElement("canvas");
  tile.width = tile.height = n;
  const image = tile.getContext("2d").createImageData(n, n);
  const highest = value.reduce((a, b) => Math.max(a, b));
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < n; j++) {
      const at = 4 * ((n - 1 - j) * n + i); // the second axis goes up
      const colour = mix(theme.ground, theme.ink, 0.6 * Math.exp((value[i * n + j] - highest) / 2));
      for (let c = 0; c < 3; c++) image.data[at + c] = Math.round(colour[c]);
      image.data[at + 3] = 255;
    }
  }
  tile.getContext("2d").putImageData(image, 0, 0);
  const [left, top] = plane.toPixel([low[0], high[1]]);
  const [right, bottom] = plane.toPixel([high[0], low[1]]);
  context.drawImage(tile, left, top, right - left, bottom - top);
}

function drawWindow(context, plane, grid, theme) {
  const { centre, half } = closeUp(grid);
  const [left, top] = plane.toPixel([centre[0] - half, centre[1] + half]);
  context.strokeStyle = cssColour(theme.accent);
  context.lineWidth = 1;
  context.strokeRect(left, top, plane.toLength(2 * half), plane.toLength(2 * half));
}

// States from index `from` to the chain's end, as faint dots that add up.
export function drawStates(context, plane, chain, from, colour) {
  inside(context, plane, () => {
    context.fillStyle = cssColour(colour, 0.3);
    for (let i = from; i < chain.length; i++) {
      if (!chain.accepted[i]) continue; // where it stays, its dot lies already
      const [x, y] = plane.toPixel([chain.z1[i], chain.z2[i]]);
      context.beginPath();
      context.arc(x, y, 1.8, 0, 2 * Math.PI);
      context.fill();
    }
  });
}

// The path's end, the last proposals (accepted: a dot; rejected: a cross), the start, the present state, and where
// the next proposal comes from.
export function drawWalker(context, plane, chain, start, theme, colours) {
  const state = (i) => (i < 0 ? chain.start : [chain.z1[i], chain.z2[i]]);
  const pixel = (i) => plane.toPixel(state(i));
  inside(context, plane, () => {
    line(context, Array.from({ length: Math.min(TRAIL, chain.length + 1) }, (_, k) => pixel(chain.length - 1 - k)), theme);
    for (let i = Math.max(0, chain.length - RECENT); i < chain.length; i++) {
      const alpha = 1 - (chain.length - 1 - i) / RECENT;
      const [x, y] = plane.toPixel([chain.p1[i], chain.p2[i]]);
      if (chain.accepted[i]) dot(context, x, y, 4, cssColour(colours.accepted, alpha));
      else cross(context, x, y, cssColour(colours.rejected, alpha));
    }
    drawProposal(context, plane, state(chain.length - 1).map((value) => chain.shrink * value), chain.step, theme);
    drawStart(context, ...plane.toPixel(start), theme);
    drawHere(context, ...pixel(chain.length - 1), theme, colours.accepted);
  });
}

function line(context, points, theme) {
  context.lineWidth = 1;
  context.strokeStyle = cssColour(theme.ink, 0.7);
  context.beginPath();
  for (const [x, y] of points) context.lineTo(x, y);
  context.stroke();
}

function dot(context, x, y, radius, colour) {
  context.fillStyle = colour;
  context.beginPath();
  context.arc(x, y, radius, 0, 2 * Math.PI);
  context.fill();
}

function cross(context, x, y, colour) {
  context.lineWidth = 2;
  context.strokeStyle = colour;
  context.beginPath();
  for (const side of [-1, 1]) {
    context.moveTo(x - 4, y - 4 * side);
    context.lineTo(x + 4, y + 4 * side);
  }
  context.stroke();
}

// A circle of one standard deviation around the mean of the next proposal.
function drawProposal(context, plane, mean, step, theme) {
  context.lineWidth = 1.5;
  context.strokeStyle = cssColour(theme.accent);
  context.setLineDash([2, 3]);
  context.beginPath();
  context.arc(...plane.toPixel(mean), plane.toLength(step), 0, 2 * Math.PI);
  context.stroke();
  context.setLineDash([]);
}

// A square on its corner.
function drawStart(context, x, y, theme) {
  context.lineWidth = 2;
  context.strokeStyle = cssColour(theme.ink);
  context.fillStyle = cssColour(theme.ground, 0.8);
  context.beginPath();
  for (const [dx, dy] of [[0, -7], [7, 0], [0, 7], [-7, 0]]) context.lineTo(x + dx, y + dy);
  context.closePath();
  context.fill();
  context.stroke();
}

function drawHere(context, x, y, theme, colour) {
  for (const [radius, each] of [[9, theme.ground], [7.5, colour], [5, theme.ground], [3, colour]]) {
    dot(context, x, y, radius, cssColour(each));
  }
}

function inside(context, plane, draw) {
  context.save();
  context.beginPath();
  context.rect(plane.inset, 0, plane.side, plane.side);
  context.clip();
  draw();
  context.restore();
}

const LEFT = 46;
const RIGHT = 10;
const TITLE = 24;

// panels: [{title, values, low, high, shade}], values of `length` steps; shade: {low, high, mass}, a density up the panel.
export function drawTraces(context, { width, height, panels, length }, theme) {
  context.fillStyle = cssColour(theme.ground);
  context.fillRect(0, 0, width, height);
  const all = ROUND_LENGTHS.find((each) => each >= length) ?? length;
  const room = (height - 16) / panels.length;
  const inner = width - LEFT - RIGHT;
  for (const [k, { title, values, low, high, shade }] of panels.entries()) {
    const [top, bottom] = [k * room + TITLE, (k + 1) * room - 8];
    const y = (value) => bottom - ((value - low) / (high - low)) * (bottom - top);
    text(context, title, 0, k * room + 7, theme.ink, { align: "left" });
    if (shade) drawShade(context, shade, LEFT, inner, y, theme);
    for (const value of [low, high]) {
      text(context, formatNumber(value), LEFT - 5, y(value), theme.muted, { align: "right" });
      context.fillStyle = cssColour(theme.line);
      context.fillRect(LEFT, Math.round(y(value)), inner, 1);
    }
    if (values) drawTrace(context, values, length, (i) => LEFT + (i / all) * inner, y, theme);
  }
  text(context, "0", LEFT, height - 7, theme.muted);
  text(context, `${all.toLocaleString("en-US")} steps`, width - RIGHT, height - 7, theme.muted, { align: "right" });
}

function drawShade(context, { low, high, mass }, left, width, y, theme) {
  const highest = mass.reduce((a, b) => Math.max(a, b));
  const height = (y(low) - y(high)) / mass.length;
  for (let i = 0; i < mass.length; i++) {
    context.fillStyle = cssColour(theme.muted, 0.5 * Math.sqrt(mass[i] / highest));
    context.fillRect(left, y(high) + (mass.length - 1 - i) * height, width, height);
  }
}

// Each column of pixels from the least to the largest value in it: a long chain costs no more than a short one.
function drawTrace(context, values, length, x, y, theme) {
  context.strokeStyle = cssColour(theme.accent);
  context.lineWidth = 1.2;
  context.lineJoin = "round";
  context.beginPath();
  for (let i = 0; i < length; ) {
    const column = Math.floor(x(i + 1));
    let [least, most] = [values[i], values[i]];
    const first = values[i];
    let last = first;
    for (; i < length && Math.floor(x(i + 1)) === column; i++) {
      last = values[i];
      if (last < least) least = last;
      if (last > most) most = last;
    }
    const at = x(i);
    for (const value of [first, least, most, last]) context.lineTo(at, y(value));
  }
  context.stroke();
}

// The image as it is given: a pattern of lines where it is hidden.
export function drawGiven(canvas, side, image, visible, theme) {
  const context = canvas.getContext("2d");
  const scale = canvas.width / side;
  for (let row = 0; row < side; row++) {
    for (let column = 0; column < side; column++) {
      const i = row * side + column;
      context.fillStyle = cssColour(visible[i] ? mix(theme.ground, theme.ink, image[i]) : mix(theme.ground, theme.muted, 0.25));
      context.fillRect(column * scale, row * scale, scale, scale);
    }
  }
  context.save();
  context.beginPath();
  for (let i = 0; i < side * side; i++) {
    if (!visible[i]) context.rect((i % side) * scale, Math.floor(i / side) * scale, scale, scale);
  }
  context.clip();
  context.strokeStyle = cssColour(theme.muted, 0.8);
  context.lineWidth = scale / 2;
  context.beginPath();
  for (let at = -side; at < side; at += 4) {
    context.moveTo(at * scale, side * scale);
    context.lineTo((at + side) * scale, 0);
  }
  context.stroke();
  context.restore();
}
