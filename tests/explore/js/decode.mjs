// Asked by test_latent_map.py: what the page makes of its payload at each point.
import { readFileSync } from "node:fs";
import { readPayload } from "../../../vae_course/explore/static/latent_map.mjs";
import { nearest } from "../../../vae_course/explore/static/neighbours.mjs";

const { payload, z } = JSON.parse(readFileSync(0, "utf8"));
const data = readPayload(payload);
const x_mean = z.map((point) => [...data.decode(point)]);
const found = z.map((point) =>
  nearest(data.xs, data.ys, point, data.k).map(({ index, distance }) => ({ label: data.labels[index], distance })));
console.log(JSON.stringify({ x_mean, nearest: found }));
