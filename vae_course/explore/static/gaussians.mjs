// Gaussians on the plane: {n, mean: [m1, m2], within, between}, covariances as [var1, cov, var2]. plane_mixture.py says the same.

export const STANDARD = { n: 1, mean: [0, 0], within: [1, 0, 1], between: [0, 0, 0] }; // the prior N(0, I)

export const LOG_2PI = Math.log(2 * Math.PI);

// The covariance, or one of the two parts that make it: "total", "within" or "between".
export function covariance({ within, between }, share = "total") {
  return { within, between, total: within.map((value, i) => value + between[i]) }[share];
}

// The part of the total variance (the trace) that lies within the images, 0 to 1.
export function withinShare({ within, between }) {
  const trace = ([a, , c]) => a + c;
  return trace(within) / (trace(within) + trace(between));
}

// The moments of a mixture of mixtures, weighted by their n: the law of total covariance once more.
export function pool(parts) {
  const n = parts.reduce((sum, part) => sum + part.n, 0);
  const average = (value) => parts.reduce((sum, part) => sum + (part.n / n) * value(part), 0);
  const mean = [0, 1].map((i) => average((part) => part.mean[i]));
  const [within, between] = [[0, 1, 2].map((i) => average((part) => part.within[i])), [[0, 0], [0, 1], [1, 1]].map(
    ([i, j], at) => average((part) => part.between[at] + (part.mean[i] - mean[i]) * (part.mean[j] - mean[j])))];
  return { n, mean, within, between };
}

// The ellipse at one standard deviation: {radii: [long, short], angle} (radians from z1 to the long axis).
export function ellipseOf([a, b, c]) {
  const [middle, half] = [(a + c) / 2, Math.hypot((a - c) / 2, b)];
  return { radii: [middle + half, Math.max(0, middle - half)].map(Math.sqrt), angle: Math.atan2(2 * b, a - c) / 2 };
}

// KL(N(mean, cov) || N(0, I)) in nats.
export function klToPrior(gaussian) {
  const [a, b, c] = covariance(gaussian);
  return 0.5 * (a + c + gaussian.mean[0] ** 2 + gaussian.mean[1] ** 2 - 2 - Math.log(a * c - b * b));
}

// A function (z1, z2) -> log N(z; mean, cov) in nats.
export function logDensityOf(gaussian) {
  const [a, b, c] = covariance(gaussian);
  const determinant = a * c - b * b;
  const constant = -LOG_2PI - 0.5 * Math.log(determinant);
  return (z1, z2) => {
    const [d1, d2] = [z1 - gaussian.mean[0], z2 - gaussian.mean[1]];
    return constant - (0.5 * (c * d1 * d1 - 2 * b * d1 * d2 + a * d2 * d2)) / determinant;
  };
}
