// What the linked maps show: points, neighbours, pictures, and words about them.
import { base64ToBytes, unpackGreys, unpackMatrix } from "./bytes.mjs";
import { nearestOthers } from "./stepping.mjs";
import { parseColour } from "./theme.mjs";

export const N_NEAREST = 10;

// What the payload holds, unpacked and checked.
export function readMaps(payload) {
  if (payload?.kind !== "linked-maps") throw new Error("their data are missing");
  const side = payload.side;
  const groups = {};
  for (const [source, packed] of Object.entries(payload.groups)) {
    const labels = base64ToBytes(packed.labels);
    const near = new Uint16Array(base64ToBytes(packed.near).buffer);
    if (near.length !== N_NEAREST * labels.length) throw new Error("their points and neighbours do not belong together");
    groups[source] = { source, labels, near, pictures: unpackGreys(packed.images, labels.length * side ** 2) };
  }
  const maps = {};
  for (const [name, { title, source, points }] of Object.entries(payload.maps)) {
    const { rows, columns, values } = unpackMatrix(points);
    const { labels, near } = groups[source];
    if (rows !== 2 || columns !== labels.length) throw new Error("their points and labels do not belong together");
    const [xs, ys] = [values.subarray(0, columns), values.subarray(columns)];
    const isKept = (from) => {
      const found = new Set(nearestOthers(xs, ys, from, N_NEAREST));
      return Array.from(near.subarray(N_NEAREST * from, N_NEAREST * (from + 1)), (index) => found.has(index));
    };
    maps[name] = { title, source, xs, ys, labels, isKept };
  }
  return { side, groups, maps, colours: payload.colours.map(parseColour), sets: payload.sets };
}

// How many of a map's neighbours stay, averaged over all points.
export function meanKept({ labels, isKept }) {
  let kept = 0;
  for (let i = 0; i < labels.length; i++) kept += isKept(i).filter(Boolean).length;
  return kept / labels.length;
}

// The figure's state in words; linked_maps.py says the same.
export function describeMaps(set, group, maps, point) {
  const n = group.labels.length.toLocaleString("en-US");
  const label = `${group.labels[point] === 8 ? "an" : "a"} ${group.labels[point]}`;
  const [of, which] = group.source === "digits"
    ? [`${n} digits`, label]
    : [`${n} draws from the prior`, `a draw that reads as ${label}`];
  const kept = maps.map(({ title, isKept }) => `${title}: ${isKept(point).filter(Boolean).length}`).join("; ");
  return `Linked maps of ${of}, set \u201c${set.title}\u201d. Chosen: ${which}. How many of its ${N_NEAREST} nearest ` +
    `neighbours in 20 dimensions each map keeps \u2013 ${kept}.`;
}
