// Draws one panel of the linked maps on a canvas.
import { cssColour } from "./theme.mjs";

// All points of the map; with a digit named, the others pale.
export function drawScatter(context, plane, { xs, ys, labels }, theme, colours, digit) {
  context.fillStyle = cssColour(theme.ground);
  context.fillRect(0, 0, plane.size, plane.size);
  const radius = Math.max(1.6, plane.size / 150);
  for (let i = 0; i < xs.length; i++) {
    context.fillStyle = cssColour(colours[labels[i]], digit === null || labels[i] === digit ? 0.8 : 0.1);
    context.beginPath();
    context.arc(...plane.toPixel([xs[i], ys[i]]), radius, 0, 2 * Math.PI);
    context.fill();
  }
  context.strokeStyle = cssColour(theme.line);
  context.lineWidth = 1;
  context.strokeRect(0.5, 0.5, plane.size - 1, plane.size - 1);
}

// The chosen point as a ring, with lines to its neighbours: full discs where they are kept, else empty ones.
export function drawChosen(context, plane, { xs, ys, labels }, index, neighbours, theme, colour) {
  const at = (i) => plane.toPixel([xs[i], ys[i]]);
  const disc = (i, radius) => {
    context.beginPath();
    context.arc(...at(i), radius, 0, 2 * Math.PI);
  };
  context.lineWidth = 1;
  context.strokeStyle = cssColour(theme.ink, 0.65);
  for (const { other } of neighbours) {
    context.beginPath();
    context.moveTo(...at(index));
    context.lineTo(...at(other));
    context.stroke();
  }
  for (const { other, kept } of neighbours) {
    disc(other, 4);
    context.fillStyle = cssColour(kept ? colour(labels[other]) : theme.ground);
    context.fill();
    context.lineWidth = kept ? 1.2 : 2;
    context.strokeStyle = cssColour(kept ? theme.ink : colour(labels[other]));
    context.stroke();
  }
  disc(index, 3.5);
  context.fillStyle = cssColour(colour(labels[index]));
  context.fill();
  for (const [width, stroke] of [[5.5, theme.ground], [2.5, theme.accent]]) {
    disc(index, 7.5);
    context.lineWidth = width;
    context.strokeStyle = cssColour(stroke);
    context.stroke();
  }
}
