// The mixture of all posteriors, class by class: exact densities at a point, exact masses of the map's cells.
import { covariance, ellipseOf, LOG_2PI, logDensityOf } from "./gaussians.mjs";

const REACH = 6; // standard deviations of a posterior, beyond which 2e-9 of it is left out of the cells

// xs, ys: means; logvars: [of z1, of z2]; labels: 0 to 9. The map is [-limit, limit]^2 in cells x cells cells.
export function makeMixture({ xs, ys, logvars, labels, limit, cells }) {
  const width = (2 * limit) / cells;
  const rowsOf = Array.from({ length: 10 }, () => []);
  for (const [row, label] of labels.entries()) rowsOf[label].push(row);
  const sds = logvars.map((values) => values.map((value) => Math.exp(value / 2)));
  const masses = new Map();

  const classMasses = (label) => {
    if (!masses.has(label)) masses.set(label, cellMasses(rowsOf[label], xs, ys, sds, limit, cells));
    return masses.get(label);
  };
  return {
    width,
    counts: rowsOf.map((rows) => rows.length),
    // log p(z | class) in nats, of all ten.
    classLogDensities: (z) => rowsOf.map((rows) => {
      const terms = rows.map((i) => {
        const [d1, d2] = [(z[0] - xs[i]) / sds[0][i], (z[1] - ys[i]) / sds[1][i]];
        return -0.5 * (d1 * d1 + d2 * d2 + logvars[0][i] + logvars[1][i]) - LOG_2PI;
      });
      return logSumExp(terms) - Math.log(rows.length);
    }),
    // The probability of each cell under the mixture of the classes; rows go with z2 upwards.
    masses(classes) {
      const n = classes.reduce((sum, label) => sum + rowsOf[label].length, 0);
      const total = new Float64Array(cells * cells);
      for (const label of classes) classMasses(label).forEach((mass, i) => (total[i] += mass / n));
      return total;
    },
    // The same if the means were drawn from a Gaussian: a fixed sequence that depends on the row only.
    drawnMasses(classes, { mean, between: [a, b, c] }) {
      const lower = Math.sqrt(a);
      const slope = lower > 0 ? b / lower : 0;
      const rest = Math.sqrt(Math.max(0, c - slope * slope));
      const rows = classes.flatMap((label) => rowsOf[label]);
      const [firsts, seconds] = [new Float64Array(labels.length), new Float64Array(labels.length)];
      for (const row of rows) {
        const [e1, e2] = fixedNormals(row);
        firsts[row] = mean[0] + lower * e1;
        seconds[row] = mean[1] + slope * e1 + rest * e2;
      }
      return cellMasses(rows, firsts, seconds, sds, limit, cells).map((mass) => mass / rows.length);
    },
    gaussianMasses: (gaussian) => gaussianMasses(gaussian, limit, cells),
  };
}

// Half the sum over the cells of |one - other|; all beyond the map is one more cell.
export function totalVariation(one, other) {
  let [apart, beyond] = [0, 0];
  for (let i = 0; i < one.length; i++) {
    apart += Math.abs(one[i] - other[i]);
    beyond += one[i] - other[i];
  }
  return 0.5 * (apart + Math.abs(beyond));
}

// p(class | z) from log p(z | class) and the classes' counts.
export function posteriorOfClasses(logDensities, counts) {
  const joint = logDensities.map((value, i) => value + Math.log(counts[i]));
  const evidence = logSumExp(joint);
  return joint.map((value) => Math.exp(value - evidence));
}

// log density of the mixture of some classes.
export function logMixture(logDensities, counts, classes) {
  const n = classes.reduce((sum, label) => sum + counts[label], 0);
  return logSumExp(classes.map((label) => logDensities[label] + Math.log(counts[label] / n)));
}

function logSumExp(values) {
  const most = values.reduce((a, b) => Math.max(a, b), -Infinity);
  return most + Math.log(values.reduce((sum, value) => sum + Math.exp(value - most), 0));
}

// Sums of the posteriors' masses in each cell: an upright Gaussian's mass is a product of two differences of Phi.
function cellMasses(rows, xs, ys, [sd1, sd2], limit, cells) {
  const sums = new Float64Array(cells * cells);
  const width = (2 * limit) / cells;
  const along = (centre, sd) => {
    const place = (value) => Math.min(cells, Math.max(0, Math.floor((value + limit) / width)));
    const first = place(centre - REACH * sd);
    const last = Math.min(cells - 1, place(centre + REACH * sd));
    const mass = [];
    let below = phi((first * width - limit - centre) / sd);
    for (let cell = first; cell <= last; cell++) {
      const next = phi(((cell + 1) * width - limit - centre) / sd);
      mass.push(next - below);
      below = next;
    }
    return { first, mass };
  };
  for (const i of rows) {
    const [across, up] = [along(xs[i], sd1[i]), along(ys[i], sd2[i])];
    for (let row = 0; row < up.mass.length; row++) {
      const start = (up.first + row) * cells + across.first;
      for (let column = 0; column < across.mass.length; column++) sums[start + column] += up.mass[row] * across.mass[column];
    }
  }
  return sums;
}

// A Gaussian's mass in each cell, from points closer than its own width.
function gaussianMasses(gaussian, limit, cells) {
  const width = (2 * limit) / cells;
  const fine = Math.min(8, Math.ceil((2 * width) / ellipseOf(covariance(gaussian)).radii[1]));
  const step = width / fine;
  const logDensity = logDensityOf(gaussian);
  const masses = new Float64Array(cells * cells);
  for (let row = 0; row < cells * fine; row++) {
    const start = Math.floor(row / fine) * cells;
    const z2 = (row + 0.5) * step - limit;
    for (let column = 0; column < cells * fine; column++) {
      masses[start + Math.floor(column / fine)] += Math.exp(logDensity((column + 0.5) * step - limit, z2)) * step * step;
    }
  }
  return masses;
}

// The standard normal distribution function, to double precision near 0: all terms of the series are positive.
export function phi(x) {
  if (Math.abs(x) > 8) return x > 0 ? 1 : 0;
  let [term, sum] = [x, x];
  for (let k = 3; Math.abs(term) > 1e-17 * Math.abs(sum); k += 2) {
    term *= (x * x) / k;
    sum += term;
  }
  return 0.5 + sum * Math.exp(-0.5 * (x * x + LOG_2PI));
}

// Two standard normal numbers for a row, always the same: mulberry32, then Box and Muller.
function fixedNormals(row) {
  const [first, second] = [1, 2].map((k) => (mixBits(2 * row + k) + 0.5) / 2 ** 32);
  const radius = Math.sqrt(-2 * Math.log(first));
  return [radius * Math.cos(2 * Math.PI * second), radius * Math.sin(2 * Math.PI * second)];
}

// The whole number below 2^32 at a position of T. Ettinger's mulberry32 sequence that starts from 0.
function mixBits(position) {
  const state = Math.imul(position, 0x6d2b79f5);
  let mixed = Math.imul(state ^ (state >>> 15), state | 1);
  mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)) ^ mixed;
  return (mixed ^ (mixed >>> 14)) >>> 0;
}
