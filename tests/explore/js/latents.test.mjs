import assert from "node:assert/strict";
import test from "node:test";
import { describeRange, describeState, readPayload } from "../../../vae_course/explore/static/latents.mjs";

const DIGIT = { mu: [1, -2.5], std: [0.1, 1] };

test("missing or foreign data are named", () => {
  for (const payload of [undefined, null, {}, { kind: "latent-map" }]) {
    assert.throws(() => readPayload(payload), /its data are missing/);
  }
});

test("the range is named in numbers", () => {
  assert.equal(describeRange("prior", DIGIT, [[-3, 3], [-3, 3]]), "the prior range, −3 to 3");
  assert.equal(describeRange("posterior", null, [[-3, 3], [-3, 3]]), "the prior range, −3 to 3");
  assert.equal(
    describeRange("posterior", DIGIT, [[0.8, 1.2], [-4.5, -0.5]]),
    "the posterior range, the digit's mean ± 2 sd, 0.40 to 4.00 wide");
});

test("the state in words", () => {
  assert.equal(
    describeState(7, "the prior range, −3 to 3", "0.4"),
    "Loaded digit: a 7. Sliders over the prior range, −3 to 3. The picture differs from the digit's reconstruction by 0.4 grey levels on average.");
  assert.match(describeState(null, "r", "0.0"), /^No digit loaded\. .* differs from the one at z = 0 by 0\.0/);
});
