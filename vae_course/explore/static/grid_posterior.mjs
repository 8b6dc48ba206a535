// The exact posterior of a point in the plane by brute force, in slices; pcn_chain_data.py computes the same.

export const COARSE = 64;
export const MEDIUM = 32;
export const FINE = 64;
export const BINS = 16;
const FAR = 40; // nats below the highest density that the coarse grid leaves out
const FAINT = 12; // the same of the medium grid

// {work(ok) -> done, share, low, high, n, value, mass, bins}. work goes on while ok() says so. The density so far,
// up to a constant, is value[i * n + j] at the middle of cell i in z1 and j in z2; mass, once done, sums to 1.
export function makeGrid(logLikelihood, limit) {
  const sizes = [COARSE, MEDIUM, FINE];
  const total = sizes.reduce((sum, n) => sum + n * n, 0);
  const grid = { low: [-limit, -limit], high: [limit, limit], n: COARSE, value: null, mass: null, bins: null, share: 0, work };
  let values = new Float64Array(COARSE * COARSE);
  let [stage, at, done] = [0, 0, 0];
  let box = { low: grid.low, high: grid.high };

  function work(isTime) {
    while (!grid.mass && isTime()) {
      const n = sizes[stage];
      const z1 = middle(box, 0, Math.floor(at / n), n);
      const z2 = middle(box, 1, at % n, n);
      values[at] = logLikelihood(z1, z2) - 0.5 * (z1 * z1 + z2 * z2);
      at += 1;
      done += 1;
      if (at === n * n) finishStage();
    }
    grid.share = done / total;
    return grid.mass !== null;
  }

  function finishStage() {
    Object.assign(grid, { ...box, n: sizes[stage], value: values });
    if (stage === 2) {
      grid.mass = normalise(values);
      grid.bins = toBins(grid.mass);
      return;
    }
    box = windowOf(values, box, sizes[stage], stage === 0 ? FAR : FAINT);
    stage += 1;
    at = 0;
    values = new Float64Array(sizes[stage] ** 2);
  }

  return grid;
}

function middle({ low, high }, axis, i, n) {
  return low[axis] + ((i + 0.5) / n) * (high[axis] - low[axis]);
}

// The box around the cells at most `depth` nats below the highest, one cell wider on each side.
function windowOf(value, { low, high }, n, depth) {
  const least = value.reduce((a, b) => Math.max(a, b)) - depth;
  const [first, last] = [[n, n], [0, 0]];
  for (let at = 0; at < n * n; at++) {
    if (value[at] < least) continue;
    for (const [axis, i] of [Math.floor(at / n), at % n].entries()) {
      first[axis] = Math.min(first[axis], i);
      last[axis] = Math.max(last[axis], i);
    }
  }
  const cell = [0, 1].map((axis) => (high[axis] - low[axis]) / n);
  return {
    low: first.map((i, axis) => low[axis] + Math.max(i - 1, 0) * cell[axis]),
    high: last.map((i, axis) => low[axis] + Math.min(i + 2, n) * cell[axis]),
  };
}

function normalise(value) {
  const highest = value.reduce((a, b) => Math.max(a, b));
  const mass = value.map((each) => Math.exp(each - highest));
  const sum = mass.reduce((a, b) => a + b, 0);
  return mass.map((each) => each / sum);
}

function toBins(mass) {
  const bins = new Float64Array(BINS * BINS);
  const width = FINE / BINS;
  for (let i = 0; i < FINE; i++) {
    for (let j = 0; j < FINE; j++) bins[Math.floor(i / width) * BINS + Math.floor(j / width)] += mass[i * FINE + j];
  }
  return bins;
}

// Counts states in the grid's bins. totalVariation(): half the sum of |share - mass| over the bins and the outside.
export function makeHistogram({ low, high, bins }) {
  const counts = new Float64Array(BINS * BINS);
  let [n, outside] = [0, 0];
  const binOf = (value, axis) => Math.floor(((value - low[axis]) / (high[axis] - low[axis])) * BINS);
  const isBin = (i) => i >= 0 && i < BINS;
  return {
    add(z1, z2) {
      const [i, j] = [binOf(z1, 0), binOf(z2, 1)];
      n += 1;
      if (isBin(i) && isBin(j)) counts[i * BINS + j] += 1;
      else outside += 1;
    },
    totalVariation() {
      let sum = outside / n;
      for (let i = 0; i < counts.length; i++) sum += Math.abs(counts[i] / n - bins[i]);
      return sum / 2;
    },
  };
}
