// Asked by test_class_gaussians_explorer.py: what the page makes of its payload in each state.
import { readFileSync } from "node:fs";
import { describeState, readChoice, readPayload, readPoint } from "../../../vae_course/explore/static/class_gaussians.mjs";
import { covariance, ellipseOf, klToPrior, withinShare } from "../../../vae_course/explore/static/gaussians.mjs";

const { payload, states } = JSON.parse(readFileSync(0, "utf8"));
const data = readPayload(payload);
const describe = (gaussian) => ({
  mean: gaussian.mean,
  covariance: covariance(gaussian),
  within: withinShare(gaussian),
  kl: klToPrior(gaussian),
  ellipses: Object.fromEntries(["total", "within", "between"].map((share) => [share, ellipseOf(covariance(gaussian, share))])),
});
const answers = states.map(({ z, classes, masses }) => {
  const choice = readChoice(data, classes);
  const point = readPoint(data, choice, z);
  return {
    x_mean: [...data.decode(z)],
    ...point,
    apart: choice.apart,
    drawn: choice.drawnApart,
    matched: choice.matched && describe(choice.matched),
    summary: describeState(data, choice, point, z),
    masses: masses ? Object.fromEntries(Object.entries(choice.masses).map(([name, values]) => [name, [...values]])) : null,
  };
});
console.log(JSON.stringify({ answers, classes: data.gaussians.map(describe) }));
