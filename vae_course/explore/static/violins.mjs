// Draws the track of a slider: the latent's aggregate posterior as a violin, the prior as an outline.
import { cssColour } from "./theme.mjs";

const HIGHEST = 0.8; // a density above this is cut, so that one peak does not flatten all others

// Density at a value, between the points of an even grid over [-limit, limit]; 0 beyond it.
export function densityAt(density, limit, value) {
  const place = ((value + limit) / (2 * limit)) * (density.length - 1);
  if (!(place >= 0 && place <= density.length - 1)) return 0;
  const left = Math.min(Math.floor(place), density.length - 2);
  return density[left] + (density[left + 1] - density[left]) * (place - left);
}

export function priorDensity(value) {
  return Math.exp(-0.5 * value * value) / Math.sqrt(2 * Math.PI);
}

// The density that fills a track's height: the same for all, so that violins can be compared.
export function tallest(densities) {
  let peak = priorDensity(0);
  for (const value of densities) peak = Math.max(peak, value);
  return Math.min(HIGHEST, peak);
}

// track: {width, height, inset} in pixels, the handle's middle travels from inset to width - inset.
// digit: {mu, std} of this latent, or null.
export function drawTrack(context, track, { span, density, limit, peak, digit, active }, theme) {
  const { width, height, inset } = track;
  const [low, high] = span;
  const toX = (value) => inset + ((value - low) / (high - low)) * (width - 2 * inset);
  const middle = height / 2;
  const outline = (densityOf) => {
    const points = [];
    for (let x = inset; x <= width - inset; x += 1) {
      const value = low + ((x - inset) / (width - 2 * inset)) * (high - low);
      points.push([x, (Math.min(1, densityOf(value) / peak) * (height - 4)) / 2]);
    }
    context.beginPath();
    points.forEach(([x, half], i) => (i ? context.lineTo(x, middle - half) : context.moveTo(x, middle - half)));
    points.reverse().forEach(([x, half]) => context.lineTo(x, middle + half));
    context.closePath();
  };
  context.clearRect(0, 0, width, height);
  context.fillStyle = cssColour(active ? theme.accent : theme.muted, active ? 0.3 : 0.18);
  outline((value) => densityAt(density, limit, value));
  context.fill();
  context.lineWidth = 1;
  context.strokeStyle = cssColour(theme.muted, 0.75);
  outline(priorDensity);
  context.stroke();
  context.strokeStyle = cssColour(theme.muted, 0.5);
  context.beginPath();
  context.moveTo(inset, middle);
  context.lineTo(width - inset, middle);
  if (low < 0 && high > 0) {
    context.moveTo(toX(0), 2);
    context.lineTo(toX(0), height - 2);
  }
  context.stroke();
  if (digit) drawPosterior(context, track, toX, digit, theme);
}

// The loaded digit's posterior: a bar from mean - 2 sd to mean + 2 sd under the violin, a tick at its mean.
function drawPosterior(context, { width, height, inset }, toX, { mu, std }, theme) {
  const within = (x) => Math.min(width - inset, Math.max(inset, x));
  const [from, mean, to] = [mu - 2 * std, mu, mu + 2 * std].map((value) => within(toX(value)));
  context.fillStyle = cssColour(theme.ink);
  context.fillRect(from, height - 3, Math.max(2, to - from), 3);
  context.fillRect(mean - 1, height - 9, 2, 9);
}
