// The k points nearest to z, the nearest first: [{index, distance}]. xs, ys: coordinates of all points.
export function nearest(xs, ys, z, k) {
  const best = [];
  for (let index = 0; index < xs.length; index++) {
    const distance = Math.hypot(xs[index] - z[0], ys[index] - z[1]);
    if (best.length === k && distance >= best[k - 1].distance) continue;
    let place = best.length;
    while (place > 0 && best[place - 1].distance > distance) place--;
    best.splice(place, 0, { index, distance });
    if (best.length > k) best.pop();
  }
  return best;
}

// The commonest label; a tie goes to the one that comes first.
export function majority(labels) {
  const count = new Map();
  for (const label of labels) count.set(label, (count.get(label) ?? 0) + 1);
  return [...count].reduce((a, b) => (b[1] > a[1] ? b : a))[0];
}
