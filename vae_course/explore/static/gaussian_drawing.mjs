// Draws densities and ellipses of class Gaussians on the map.
import { covariance, ellipseOf } from "./gaussians.mjs";
import { drawBadge, drawFrame, drawPoints, drawPrior, drawZeroLines, haloText } from "./map_drawing.mjs";
import { cssColour, mix } from "./theme.mjs";

const BADGE = 12; // pixels between an ellipse's end and the middle of its label

// All that does not follow the pointer. layer: {values, strongest}, densities of the cells. outlines: [{gaussian, label,
// colour}], label null for all chosen classes together. colours: of the digits; tints: {more, less} than none.
export function drawClassMap(context, plane, data, { theme, colours, tints, layer, outlines, classes, share }) {
  drawFrame(context, plane, theme, () => {
    drawLayer(context, plane, data.cells, layer, theme, tints);
    drawZeroLines(context, plane, theme);
    drawPoints(context, plane, data.points, colours, (label) => ({ alpha: classes.includes(label) ? 0.75 : 0.1, scale: 0.8 }));
    drawPrior(context, plane, theme);
    for (const { gaussian, colour } of outlines) drawEllipses(context, plane, gaussian, share, theme, colour);
    for (const { gaussian, label, colour } of outlines) {
      const [x, y] = labelPlace(plane, gaussian, share);
      if (label === null) haloText(context, "together", x, y, theme, { align: "center", baseline: "middle" });
      else drawBadge(context, x, y, String(label), theme, colour);
    }
  });
}

// Square roots of the densities, so that thin tails are seen too; two colours where they may be negative.
function drawLayer(context, plane, cells, { values, strongest }, theme, tints) {
  const tile = context.canvas.ownerDocument.createElement("canvas");
  tile.width = tile.height = cells;
  const image = tile.getContext("2d").createImageData(cells, cells);
  const shades = tints
    ? { more: mix(theme.ground, tints.more, 0.9), less: mix(theme.ground, tints.less, 0.9) }
    : { more: mix(theme.ground, theme.ink, 0.62), less: theme.ground };
  for (let i = 0; i < values.length; i++) {
    const strength = Math.sqrt(Math.min(1, Math.abs(values[i]) / strongest));
    const shade = values[i] > 0 ? shades.more : shades.less;
    const at = 4 * ((cells - 1 - Math.floor(i / cells)) * cells + (i % cells)); // z2 goes up, rows of pixels go down
    for (let c = 0; c < 3; c++) image.data[at + c] = theme.ground[c] + (shade[c] - theme.ground[c]) * strength;
    image.data[at + 3] = 255;
  }
  tile.getContext("2d").putImageData(image, 0, 0);
  context.drawImage(tile, plane.inset, 0, plane.side, plane.side);
}

function drawEllipses(context, plane, gaussian, share, theme, colour) {
  const { radii, angle } = ellipseOf(covariance(gaussian, share));
  const [x, y] = plane.toPixel(gaussian.mean);
  const rings = [[4.5, theme.ground, 0.8], [2.2, colour, 1]];
  for (const [lineWidth, ring, alpha] of rings) {
    context.lineWidth = lineWidth;
    context.strokeStyle = cssColour(ring, alpha);
    for (const sd of [1, 2]) {
      context.beginPath();
      context.ellipse(x, y, ...radii.map((radius) => plane.toLength(sd * radius)), -angle, 0, 2 * Math.PI);
      context.stroke();
    }
    context.fillStyle = cssColour(ring, alpha);
    context.beginPath();
    context.arc(x, y, lineWidth, 0, 2 * Math.PI);
    context.fill();
  }
}

// At that end of the long axis that lies farther out, kept on the map.
function labelPlace(plane, gaussian, share) {
  const { radii, angle } = ellipseOf(covariance(gaussian, share));
  const [x, y] = plane.toPixel(gaussian.mean);
  const reach = plane.toLength(2 * radii[0]) + BADGE;
  const [dx, dy] = [Math.cos(angle), -Math.sin(angle)];
  const [middle, centre] = [plane.inset + plane.side / 2, plane.side / 2];
  const way = dx * (x - middle) + dy * (y - centre) < 0 ? -1 : 1;
  const keep = (value, from) => Math.min(from + plane.side - BADGE, Math.max(from + BADGE, value));
  return [keep(x + way * reach * dx, plane.inset), keep(y + way * reach * dy, 0)];
}
