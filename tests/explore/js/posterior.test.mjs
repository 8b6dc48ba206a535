import assert from "node:assert/strict";
import test from "node:test";
import { describePosterior, logVolume, nearestRows, project, projectedEllipse } from "../../../vae_course/explore/static/posterior.mjs";

const near = (a, b) => assert.ok(Math.abs(a - b) < 1e-12, `${a} is not ${b}`);
const unit = [[1, 0], [0, 1]];

test("in two latents the ellipse has the two standard deviations", () => {
  const { radii, angle } = projectedEllipse(unit, [Math.log(0.25), Math.log(4)]);
  near(radii[0], 2);
  near(radii[1], 0.5);
  near(Math.abs(angle), Math.PI / 2);
});

test("a turned plane turns the ellipse; a round Gaussian stays round on every plane", () => {
  const c = Math.SQRT1_2;
  const turned = projectedEllipse([[c, c], [-c, c]], [Math.log(9), 0]);
  near(turned.radii[0], 3);
  near(turned.radii[1], 1);
  near(turned.angle, -Math.PI / 4);
  const axes = [[0.6, 0, 0.8], [0, 1, 0]];
  projectedEllipse(axes, [0, 0, 0]).radii.forEach((radius) => near(radius, 1));
  assert.deepEqual(project(axes, [1, 2, 0.5]), [1, 2]);
});

test("the prior's log-volume is 0, and halving every sd of d latents takes d ln 2", () => {
  assert.equal(logVolume([0, 0, 0]), 0);
  near(logVolume([1, 2, 3].map(() => Math.log(0.25))), -3 * Math.log(2));
});

test("nearest rows in any dimension; a tie goes to the first", () => {
  const rows = [0, 0, 0, 1, 1, 1, 0, 0, 1, 0, 0, -1];
  assert.deepEqual(nearestRows(rows, [0, 0, 0.2], 3).map(({ index }) => index), [0, 2, 3]);
  assert.deepEqual(nearestRows(rows, [0, 0, 0], 3).map(({ index }) => index), [0, 2, 3]);
  near(nearestRows(rows, [1, 1, 0], 1)[0].distance, 1);
});

test("the state in words, in two latents and in more", () => {
  const two = describePosterior({ ink: 99.96, mu: [-0.5, 0.001], logvar: [0, Math.log(0.01)], labels: [9, 4] });
  assert.equal(two, "Ink of 100.0 full pixels. Posterior: mean (\u22120.50, 0.00), sd (1.00, 0.10), log-volume \u22122.30 " +
    "(the prior's is 0). Nearest real digits 9 4.");
  const three = describePosterior({ ink: 0, mu: [2, -1, 2], logvar: [0, 0, Math.log(4)], labels: [1] });
  assert.equal(three, "The sheet is empty, and the encoder answers all the same. Posterior: mean 3.00 from the origin, " +
    "sd from 1.00 to 2.00, log-volume 0.69 (the prior's is 0). Nearest real digits 1.");
});
