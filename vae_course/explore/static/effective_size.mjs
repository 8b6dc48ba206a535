// Effective sample size of a chain: "bulk", split and rank-normalised, with Geyer's sums, after Vehtari et al. (2021).
// The same as effective_sample_size in vae_course/sampling/diagnostics.py, of one chain.

export const LEAST_STEPS = 8;

// How many independent draws give the mean of as many values as precisely; NaN if all are equal or there are too few.
export function effectiveSize(values) {
  if (values.length < LEAST_STEPS) return NaN;
  const n = Math.floor(values.length / 2); // the halves are chains of their own; an odd middle step is left out
  const both = new Float64Array(2 * n);
  both.set(values.subarray(0, n));
  both.set(values.subarray(values.length - n), n);
  const scores = normalScores(both);
  const means = [0, 1].map((half) => mean(scores.subarray(half * n, (half + 1) * n)));
  const covariance = meanAutocovariance(scores, means, n);
  const within = (covariance[0] * n) / (n - 1);
  const total = covariance[0] + (means[0] - means[1]) ** 2 / 2; // with the variance between the halves
  const rho = (lag) => (lag ? 1 - (within - covariance[lag]) / total : 1);
  if (!(total > 0)) return NaN;
  const last = Math.floor((n - 1) / 2) - 1;
  let [sum, least, pair] = [0, Infinity, 0];
  for (; pair < last; pair++) {
    const value = rho(2 * pair) + rho(2 * pair + 1);
    if (!(value > 0)) break;
    least = Math.min(least, value); // pairs may not grow again
    sum += least;
  }
  const tau = 2 * sum - 1 + Math.max(0, rho(2 * pair)); // half of the pair that ends the sum, as ArviZ and Stan have it
  const draws = 2 * n;
  return draws / Math.max(tau, 1 / Math.log10(draws));
}

// Each value's rank among all as a quantile of N(0, 1); equal values share their mean rank.
export function normalScores(values) {
  const n = values.length;
  const sorted = values.slice().sort();
  const score = new Float64Array(n); // of sorted[i]
  for (let i = 0; i < n; ) {
    let end = i + 1;
    while (end < n && sorted[end] === sorted[i]) end += 1;
    score.fill(normalQuantile(((i + 1 + end) / 2 - 0.375) / (n + 0.25)), i, end);
    i = end;
  }
  return values.map((value) => score[placeOf(sorted, value)]);
}

// Where in sorted numbers a value stands.
function placeOf(sorted, value) {
  let [low, high] = [0, sorted.length - 1];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (sorted[middle] < value) low = middle + 1;
    else high = middle;
  }
  return low;
}

function mean(values) {
  return values.reduce((a, b) => a + b, 0) / values.length;
}

// Sums of products with the values `lag` later, divided by n at every lag: the mean of both halves', (n,). The halves
// are the real and the imaginary part of one sequence Z; their power spectra add up to (|Z_k|^2 + |Z_-k|^2) / 2.
function meanAutocovariance(both, means, n) {
  const size = 2 ** Math.ceil(Math.log2(2 * n)); // zeros behind, so that the end does not meet the start
  const [real, imaginary] = [new Float64Array(size), new Float64Array(size)];
  for (let i = 0; i < n; i++) {
    real[i] = both[i] - means[0];
    imaginary[i] = both[n + i] - means[1];
  }
  fourier(real, imaginary);
  const power = real.map((value, k) => value * value + imaginary[k] * imaginary[k]);
  for (let k = 0; k < size; k++) real[k] = (power[k] + power[k && size - k]) / 2;
  imaginary.fill(0);
  fourier(real, imaginary); // of a symmetric sequence: forwards is backwards times size
  return real.subarray(0, n).map((value) => value / (2 * size * n));
}

// The discrete Fourier transform in place, of a power of two of complex numbers: Cooley & Tukey (1965).
export function fourier(real, imaginary) {
  const n = real.length;
  for (let i = 1, j = 0; i < n; i++) {
    let bit = n >> 1;
    for (; j & bit; bit >>= 1) j ^= bit;
    j ^= bit;
    if (i < j) {
      [real[i], real[j]] = [real[j], real[i]];
      [imaginary[i], imaginary[j]] = [imaginary[j], imaginary[i]];
    }
  }
  const [cos, sin] = [new Float64Array(n / 2), new Float64Array(n / 2)];
  for (let k = 0; k < n / 2; k++) {
    cos[k] = Math.cos((2 * Math.PI * k) / n);
    sin[k] = -Math.sin((2 * Math.PI * k) / n);
  }
  for (let half = 1; half < n; half *= 2) {
    const stride = n / (2 * half);
    for (let start = 0; start < n; start += 2 * half) {
      for (let k = 0; k < half; k++) {
        const a = start + k;
        const b = a + half;
        const c = cos[k * stride];
        const s = sin[k * stride];
        const re = real[b] * c - imaginary[b] * s;
        const im = real[b] * s + imaginary[b] * c;
        real[b] = real[a] - re;
        imaginary[b] = imaginary[a] - im;
        real[a] += re;
        imaginary[a] += im;
      }
    }
  }
}

// The polynomials of Wichura's algorithm AS 241 (1988), over others of the same degree: near the middle, and further out.
const NEAR = [
  [3.387132872796366608, 133.14166789178437745, 1971.5909503065514427, 13731.693765509461125,
    45921.953931549871457, 67265.770927008700853, 33430.575583588128105, 2509.0809287301226727],
  [1, 42.313330701600911252, 687.1870074920579083, 5394.1960214247511077,
    21213.794301586595867, 39307.89580009271061, 28729.085735721942674, 5226.495278852854561],
];
const FURTHER = [
  [1.42343711074968357734, 4.6303378461565452959, 5.7694972214606914055, 3.64784832476320460504,
    1.27045825245236838258, 0.24178072517745061177, 0.0227238449892691845833, 7.7454501427834140764e-4],
  [1, 2.05319162663775882187, 1.6763848301838038494, 0.68976733498510000455,
    0.14810397642748007459, 0.0151986665636164571966, 5.475938084995344946e-4, 1.05075007164441684324e-9],
];

function ratio([above, below], x) {
  let [p, q] = [0, 0];
  for (let i = above.length - 1; i >= 0; i--) {
    p = p * x + above[i];
    q = q * x + below[i];
  }
  return p / q;
}

// The standard normal quantile of p, for p from 1e-10 to 1 - 1e-10.
export function normalQuantile(p) {
  const q = p - 0.5;
  if (Math.abs(q) <= 0.425) return q * ratio(NEAR, 0.180625 - q * q);
  const r = Math.sqrt(-Math.log(q < 0 ? p : 1 - p));
  return Math.sign(q) * ratio(FURTHER, r - 1.6);
}
