// Asked by test_latents_explorer.py: what the page makes of its payload at each z, and where its sliders run.
import { readFileSync } from "node:fs";
import { describeRange, describeState, readPayload } from "../../../vae_course/explore/static/latents.mjs";
import { meanGreyChange, spansOf } from "../../../vae_course/explore/static/ranges.mjs";

const { payload, z, range, digit } = JSON.parse(readFileSync(0, "utf8"));
const data = readPayload(payload);
const loaded = data.digits[digit] ?? null;
const spans = spansOf(range, loaded, data.prior, data.n);
const reference = Float32Array.from(data.decode(loaded?.mu ?? data.order.map(() => 0)));
const answers = z.map((point) => {
  const change = meanGreyChange(data.decode(point), reference);
  const summary = describeState(data.labels[digit] ?? null, describeRange(range, loaded, spans), change.toFixed(1));
  return { x_mean: [...data.decode(point)], change, summary };
});
console.log(JSON.stringify({ answers, spans, densities: data.densities, digits: data.digits }));
