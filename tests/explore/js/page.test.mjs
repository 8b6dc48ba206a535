import assert from "node:assert/strict";
import test from "node:test";
import { makeModel } from "../../../vae_course/explore/static/page.mjs";
import { readPayload } from "../../../vae_course/explore/static/latent_map.mjs";

test("the page's model behaves as anywidget's does", () => {
  const model = makeModel({ z: [0, 0], other: 1 });
  let calls = 0;
  const listener = () => calls++;
  model.on("change:z", listener);
  model.set("other", 2);
  assert.equal(calls, 0);
  model.set("z", [1, 2]);
  model.save_changes();
  assert.equal(calls, 1);
  assert.deepEqual(model.get("z"), [1, 2]);
  model.off("change:z", listener);
  model.set("z", [3, 4]);
  assert.equal(calls, 1);
});

test("missing or foreign data are named", () => {
  for (const payload of [undefined, null, {}, { kind: "other" }]) {
    assert.throws(() => readPayload(payload), /its data are missing/);
  }
});
