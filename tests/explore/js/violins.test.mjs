import assert from "node:assert/strict";
import test from "node:test";
import { densityAt, drawTrack, priorDensity, tallest } from "../../../vae_course/explore/static/violins.mjs";

test("density between the grid's points is a straight line, and none beyond", () => {
  const density = [0, 1, 0.5, 0.25, 0]; // at -2, -1, 0, 1, 2
  assert.equal(densityAt(density, 2, -1), 1);
  assert.equal(densityAt(density, 2, -0.5), 0.75);
  assert.equal(densityAt(density, 2, 2), 0);
  assert.equal(densityAt(density, 2, 2.01), 0);
  assert.equal(densityAt(density, 2, -7), 0);
});

test("the prior's density", () => {
  assert.ok(Math.abs(priorDensity(0) - 0.3989423) < 1e-6);
  assert.ok(Math.abs(priorDensity(-2) - 0.0539910) < 1e-6);
});

test("all tracks have one scale, at least the prior's and not that of one peak", () => {
  assert.equal(tallest([0.1, 0.2]), priorDensity(0));
  assert.equal(tallest([0.1, 0.6]), 0.6);
  assert.equal(tallest([0.1, 40]), 0.8);
});

// Records what is drawn.
function makeContext() {
  const seen = { paths: [], rects: [], fills: [] };
  let path = [];
  return {
    seen,
    clearRect() {}, closePath() {},
    beginPath: () => (path = []),
    moveTo: (x, y) => path.push([x, y]),
    lineTo: (x, y) => path.push([x, y]),
    fill() { seen.fills.push({ style: this.fillStyle, path }); },
    stroke: () => seen.paths.push(path),
    fillRect: (...box) => seen.rects.push(box),
  };
}

const THEME = { accent: [0, 100, 0], muted: [90, 90, 90], ink: [0, 0, 0] };
const TRACK = { width: 114, height: 36, inset: 7 };

test("violin and bar lie where the values are", () => {
  const context = makeContext();
  const density = [0, 0, 0.4, 0, 0]; // at -4, -2, 0, 2, 4
  const drawn = { span: [-3, 3], density, limit: 4, peak: 0.4, digit: { mu: 1.5, std: 0.3 }, active: true };
  drawTrack(context, TRACK, drawn, THEME);
  const top = context.seen.fills[0].path.slice(0, 101);
  assert.deepEqual(top[50], [57, 2], "the density's peak at 0 fills the track's height");
  assert.ok(top.filter(([x]) => x < 7 + 16 || x > 107 - 16).every(([, y]) => y === 18), "no mass beyond +-2");
  const [bar, tick] = context.seen.rects;
  assert.ok(Math.abs(bar[0] - (7 + (3.9 / 6) * 100)) < 1e-9);
  assert.ok(Math.abs(bar[2] - (1.2 / 6) * 100) < 1e-9);
  assert.ok(Math.abs(tick[0] + 1 - (7 + (4.5 / 6) * 100)) < 1e-9);
});

test("a posterior beyond the track is cut at its end; an inactive latent is grey", () => {
  const context = makeContext();
  const drawn = { span: [-3, 3], density: [0.1, 0.1], limit: 4, peak: 0.4, digit: { mu: 3.4, std: 0.1 }, active: false };
  drawTrack(context, TRACK, drawn, THEME);
  for (const [x, , width] of context.seen.rects) assert.ok(x + width <= 109 && x >= 7);
  assert.match(context.seen.fills[0].style, /^rgba\(90, 90, 90/);
});
