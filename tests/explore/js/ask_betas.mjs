// Asked by test_beta_explorer.py: what the page makes of its payload in each state.
import { readFileSync } from "node:fs";
import { describeBeta, readBetas } from "../../../vae_course/explore/static/beta_explorer_data.mjs";

const { payload, states, words } = JSON.parse(readFileSync(0, "utf8"));
const data = readBetas(payload);
const answers = states.map(({ beta, latent_dim: dim, seed }) => {
  const model = data.families[dim][data.betas.indexOf(beta)];
  if (words) return { summary: describeBeta(beta, model) };
  const plain = (pictures) => pictures.map((picture) => [...picture]);
  return {
    summary: describeBeta(beta, model),
    mu: [[...model.xs], [...model.ys]],
    samples: plain(model.samples(seed)),
    reconstructions: plain(model.reconstructions()),
    traversals: plain(model.traversals()),
  };
});
console.log(JSON.stringify(answers));
