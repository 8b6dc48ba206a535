// What a diagonal Gaussian N(mu, diag exp(logvar)) is, in numbers and on a plane.
import { formatNumber } from "./plane.mjs";

// ln of the 1-sd ellipsoid's volume up to the unit ball's: 1/2 ln det of the covariance; 0 is the prior's.
export function logVolume(logvar) {
  return logvar.reduce((sum, value) => sum + value, 0) / 2;
}

// The point's coordinates on the plane of two orthonormal axes.
export function project(axes, z) {
  return axes.map((axis) => axis.reduce((sum, value, i) => sum + value * z[i], 0));
}

// The Gaussian's marginal on that plane is a Gaussian: its 1-sd ellipse, {radii: [long, short], angle} (radians from
// the first axis to the long one), by the eigenvectors of A diag exp(logvar) A'.
export function projectedEllipse(axes, logvar) {
  const covariance = (a, b) => logvar.reduce((sum, value, i) => sum + axes[a][i] * axes[b][i] * Math.exp(value), 0);
  const [xx, xy, yy] = [covariance(0, 0), covariance(0, 1), covariance(1, 1)];
  const [middle, half] = [(xx + yy) / 2, Math.sqrt(((xx - yy) / 2) ** 2 + xy ** 2)];
  return { radii: [middle + half, Math.max(0, middle - half)].map(Math.sqrt), angle: Math.atan2(2 * xy, xx - yy) / 2 };
}

// The k rows nearest to z, the nearest first: [{index, distance}]. rows: n points of z.length numbers, end to end.
export function nearestRows(rows, z, k) {
  const d = z.length;
  const all = Array.from({ length: rows.length / d }, (_, index) => {
    let square = 0;
    for (let i = 0; i < d; i++) square += (rows[index * d + i] - z[i]) ** 2;
    return { index, distance: Math.sqrt(square) };
  });
  return all.sort((a, b) => a.distance - b.distance).slice(0, k); // sort is stable: a tie goes to the first
}

// The figure's state in words; draw_digit.py says the same.
export function describePosterior({ ink, mu, logvar, labels }) {
  const sd = [...logvar].map((value) => Math.exp(value / 2));
  const list = (values) => `(${[...values].map((value) => formatNumber(value)).join(", ")})`;
  const where = mu.length === 2
    ? `mean ${list(mu)}, sd ${list(sd)}`
    : `mean ${formatNumber(Math.hypot(...mu))} from the origin, sd from ${formatNumber(Math.min(...sd))} to ` +
      `${formatNumber(Math.max(...sd))}`;
  const drawn = ink === 0 ? "The sheet is empty, and the encoder answers all the same" : `Ink of ${formatNumber(ink, 1)} full pixels`;
  return `${drawn}. Posterior: ${where}, log-volume ${formatNumber(logVolume(logvar))} (the prior's is 0). ` +
    `Nearest real digits ${labels.join(" ")}.`;
}
