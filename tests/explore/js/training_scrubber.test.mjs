import assert from "node:assert/strict";
import test from "node:test";
import {
  addChanges, countOutside, describeWhen, describeWhere, roundLimit,
} from "../../../vae_course/explore/static/training_scrubber_data.mjs";
import { middles, placeAt, spread, xOfPlace } from "../../../vae_course/explore/static/training_scrubber_drawing.mjs";
import { describePhases } from "../../../vae_course/explore/static/training_scrubber_view.mjs";

const NAMES = { spike: "spike", trough: "trough", sharp_rise: "sharp rise", slow_rise: "slow rise" };
const phasesAt = (...snapshots) => Object.keys(NAMES).map((name, i) => ({ name, step: 10 * snapshots[i] + i, snapshot: snapshots[i] }));

test("changes add up, modulo 16, picture by picture", () => {
  const ink = Float32Array.from([15, 0, 3, 2, 1, 12, 0, 15], (value) => value / 15);
  const greys = Array.from(addChanges(ink, 2), (value) => Math.round(15 * value));
  assert.deepEqual(greys, [15, 0, 2, 2, 3, 14, 3, 13]);
});

test("a limit holds all coordinates, and what lies outside is counted once", () => {
  assert.equal(roundLimit([1, 2, 4], [0.5, -1.5], [0.1, 0.2]), 2);
  assert.equal(roundLimit([1, 2, 4], [9], [0]), 4);
  assert.equal(countOutside([0, 3, -3, 1], [0, 3, 0, -2], 2), 2);
  assert.equal(countOutside([2], [-2], 2), 0);
});

test("when and where, in words", () => {
  const run = { steps: [0, 5, 1200, 2000], nSteps: 2000 };
  assert.deepEqual([0, 2, 3].map((i) => describeWhen(run, i)),
    ["before the first step", "before step 1,200 of 2,000", "after the last of 2,000 steps"]);
  const where = (snapshot) => describeWhere({ phases: phasesAt(2, 5, 5, 9) }, NAMES, snapshot);
  assert.deepEqual([0, 2, 3, 5, 7, 9, 10].map(where), [
    "before the spike", "at the spike", "between the spike and the trough", "at the trough and the sharp rise",
    "between the sharp rise and the slow rise", "at the slow rise", "in the slow rise",
  ]);
});

test("phases that fall on one snapshot are remarked upon", () => {
  assert.match(describePhases([]), /no phases/);
  assert.equal(describePhases(phasesAt(2, 5, 6, 9)), "");
  assert.match(describePhases(phasesAt(2, 5, 5, 5)), /lie within 2 steps/);
});

test("a place on the axis and its pixel lead back to each other", () => {
  for (const place of [0, 7.5, 49]) assert.ok(Math.abs(placeAt(xOfPlace(640, 50)(place), 640, 50) - place) < 1e-9);
});

test("names of classes stand at the medians and are pushed apart until none touch", () => {
  const labels = [0, 0, 0, 3, 3];
  assert.deepEqual(middles([1, 9, 2, 4, 4], [0, 5, 1, 7, 7], labels).map((spot) => spot ?? null).slice(0, 4), [[2, 1], null, null, [4, 7]]);
  const apart = [[0, 0], [50, 0]];
  assert.deepEqual(spread(apart, 20), apart);
  const moved = spread([[0, 0], [3, 0], [0, 0], [200, 5]], 20);
  for (let i = 0; i < 4; i++) for (let j = 0; j < i; j++) assert.ok(Math.hypot(moved[i][0] - moved[j][0], moved[i][1] - moved[j][1]) > 19);
  assert.deepEqual(moved[3], [200, 5]);
});
