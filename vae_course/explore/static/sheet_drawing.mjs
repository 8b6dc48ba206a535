// Draws the sheet: a loaded image in its pixels, strokes as smooth lines, and the pen that keys move.
import { drawInk } from "./dom.mjs";
import { cssColour } from "./theme.mjs";

// Makes the canvas as fine as the screen: {context, width, height} in CSS pixels.
export function fitCanvas(canvas) {
  const scale = window.devicePixelRatio || 1;
  const [width, height] = [canvas.clientWidth || 280, canvas.clientHeight || 280];
  const [columns, rows] = [Math.round(width * scale), Math.round(height * scale)];
  if (canvas.width !== columns || canvas.height !== rows) [canvas.width, canvas.height] = [columns, rows];
  const context = canvas.getContext("2d");
  context.setTransform(scale, 0, 0, scale, 0, 0);
  return { context, width, height };
}

// small: a canvas of the image's own size, for the loaded image. pen: {at, down, shown}.
export function drawSheet(canvas, small, sheet, pen, theme) {
  const { context, width } = fitCanvas(canvas);
  context.fillStyle = cssColour(theme.ground);
  context.fillRect(0, 0, width, width);
  const { image } = sheet.state;
  if (image) {
    drawInk(small, small.width, Float32Array.from(image, (value) => value / 255), 0, theme);
    context.imageSmoothingEnabled = false;
    context.drawImage(small, 0, 0, width, width);
  }
  context.lineCap = context.lineJoin = "round";
  context.lineWidth = sheet.pen * width;
  context.strokeStyle = cssColour(theme.ink);
  for (const points of sheet.lines) {
    context.beginPath();
    context.moveTo(points[0][0] * width, points[0][1] * width);
    for (const [x, y] of points) context.lineTo(x * width, y * width); // one point alone becomes a dot
    context.stroke();
  }
  if (!pen.shown) return;
  const [x, y] = pen.at.map((value) => value * width);
  for (const [line, colour] of [[5, theme.ground], [2, theme.accent]]) {
    context.lineWidth = line;
    context.strokeStyle = cssColour(colour);
    context.beginPath();
    context.arc(x, y, Math.max(5, (sheet.pen * width) / 2), 0, 2 * Math.PI);
    context.stroke();
  }
  if (!pen.down) return;
  context.fillStyle = cssColour(theme.accent);
  context.beginPath();
  context.arc(x, y, 3.5, 0, 2 * Math.PI);
  context.fill();
}
