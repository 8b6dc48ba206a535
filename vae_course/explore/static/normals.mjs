// Normal numbers from a visible seed; posterior_views.py has the same generator.

// Uniform numbers in [0, 1): Mulberry32 (Tommy Ettinger, 2017; public domain).
export function makeUniform(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

// n pairs of standard normal numbers, {first, second}: Box & Muller (1958).
export function normalPairs(seed, n) {
  const uniform = makeUniform(seed);
  const [first, second] = [new Float64Array(n), new Float64Array(n)];
  for (let i = 0; i < n; i++) [first[i], second[i]] = normalPair(uniform);
  return { first, second };
}

// One pair, from two uniform numbers.
export function normalPair(uniform) {
  const radius = Math.sqrt(-2 * Math.log(1 - uniform()));
  const angle = 2 * Math.PI * uniform();
  return [radius * Math.cos(angle), radius * Math.sin(angle)];
}
