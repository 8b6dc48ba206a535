// Draws posteriors on a map as points or as ellipses.
import { drawBadge, drawFrame, drawPoints, drawPrior, drawZeroLines } from "./map_drawing.mjs";
import { cssColour } from "./theme.mjs";

// All that does not follow the pointer. places: where the points of the view are; digit: the only one shown, or null.
export function drawViews(context, plane, data, { view, nStd, places, digit }, theme, colours) {
  const isShown = (label) => digit === null || label === digit;
  drawFrame(context, plane, theme, () => {
    drawZeroLines(context, plane, theme);
    if (view === "ellipses") {
      for (const [i, label] of data.labels.entries()) {
        drawEllipse(context, plane, data, i, nStd);
        context.fillStyle = cssColour(colours[label], isShown(label) ? 0.14 : 0.02);
        context.fill();
        context.lineWidth = 1;
        context.strokeStyle = cssColour(colours[label], isShown(label) ? 0.85 : 0.1);
        context.stroke();
      }
    } else {
      const [xs, ys] = places;
      const look = (label) => ({ alpha: isShown(label) ? 0.85 : 0.1, scale: 1.3 });
      drawPoints(context, plane, { xs, ys, labels: data.labels }, colours, look);
    }
    drawPrior(context, plane, theme);
    for (const [name, spot] of Object.entries(data.labelSpots)) {
      if (isShown(Number(name))) drawBadge(context, ...plane.toPixel(spot), name, theme, colours[name]);
    }
  });
}

function drawEllipse(context, plane, { mean, sd }, i, nStd) {
  const radii = sd.map((values) => plane.toLength(nStd * values[i]));
  context.beginPath();
  context.ellipse(...plane.toPixel([mean[0][i], mean[1][i]]), ...radii, 0, 0, 2 * Math.PI);
}

// The chosen digit: a ring where it is seen, its mean as a cross, its ellipses of 1 and 2 standard deviations.
export function drawChosenPosterior(context, plane, data, [xs, ys], i, theme) {
  context.save();
  context.beginPath();
  context.rect(plane.inset, 0, plane.side, plane.side);
  context.clip();
  for (const [width, colour] of [[3.5, theme.ground], [1.5, theme.ink]]) {
    context.lineWidth = width;
    context.strokeStyle = cssColour(colour);
    for (const nStd of [1, 2]) {
      drawEllipse(context, plane, data, i, nStd);
      context.stroke();
    }
  }
  const [x, y] = plane.toPixel([data.mean[0][i], data.mean[1][i]]);
  context.beginPath();
  for (const [dx, dy] of [[4, 0], [0, 4]]) {
    context.moveTo(x - dx, y - dy);
    context.lineTo(x + dx, y + dy);
  }
  context.stroke();
  for (const [width, colour] of [[5.5, theme.ground], [2.5, theme.accent]]) {
    context.beginPath();
    context.arc(...plane.toPixel([xs[i], ys[i]]), 9, 0, 2 * Math.PI);
    context.lineWidth = width;
    context.strokeStyle = cssColour(colour);
    context.stroke();
  }
  context.restore();
}
