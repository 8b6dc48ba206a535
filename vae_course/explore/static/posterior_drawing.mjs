// The posterior on the map: its mean, its ellipses at 1 and 2 sd, and the way it came.
import { cssColour } from "./theme.mjs";

// mean: [x, y] in latent units; ellipse: {radii, angle} at 1 sd; trail: earlier means; rings: points of real digits.
export function drawPosterior(context, plane, { mean, ellipse, trail, rings }, theme) {
  context.save();
  context.beginPath();
  context.rect(plane.inset, 0, plane.side, plane.side);
  context.clip();
  context.lineWidth = 1;
  context.strokeStyle = cssColour(theme.ink);
  for (const point of rings) {
    context.beginPath();
    context.arc(...plane.toPixel(point), 4.5, 0, 2 * Math.PI);
    context.stroke();
  }
  if (trail.length) {
    for (const [width, colour] of [[5, cssColour(theme.ground, 0.8)], [2, cssColour(theme.ink)]]) {
      context.lineWidth = width;
      context.strokeStyle = colour;
      context.beginPath();
      for (const point of trail) context.lineTo(...plane.toPixel(point));
      context.stroke();
    }
  }
  const [x, y] = plane.toPixel(mean);
  const radii = ellipse.radii.map(plane.toLength);
  for (const sd of [2, 1]) {
    context.beginPath();
    context.ellipse(x, y, sd * radii[0], sd * radii[1], -ellipse.angle, 0, 2 * Math.PI); // the map's second axis goes up
    context.fillStyle = cssColour(theme.accent, 0.22);
    context.fill();
    for (const [width, colour] of [[3, theme.ground], [1.5, theme.accent]]) {
      context.lineWidth = width;
      context.strokeStyle = cssColour(colour, colour === theme.ground ? 0.7 : 1);
      context.stroke();
    }
  }
  context.lineWidth = 1;
  context.fillStyle = cssColour(theme.accent);
  context.strokeStyle = cssColour(theme.ground);
  context.beginPath();
  context.arc(x, y, 3, 0, 2 * Math.PI);
  context.fill();
  context.stroke();
  context.restore();
}
