// Asked by test_draw_digit_explorer.py: what the page makes of images, and how it prepares a drawing.
import { readFileSync } from "node:fs";
import { readDrawDigit } from "../../../vae_course/explore/static/draw_digit_data.mjs";
import { nineToZero } from "../../../vae_course/explore/static/nine_to_zero.mjs";
import { describePosterior } from "../../../vae_course/explore/static/posterior.mjs";
import { drawOver, prepareDrawing } from "../../../vae_course/explore/static/strokes.mjs";

const { payload, images = [], drawings = [], shares = [] } = JSON.parse(readFileSync(0, "utf8"));
const data = payload && readDrawDigit(payload);
const looks = images.map((image) => {
  const found = data.lookAt(Uint8Array.from(image));
  return {
    mu: [...found.mu], std: [...found.std], logvar: [...found.logvar], x_mean: [...data.decode(found.mu)],
    mean: found.mean, ellipse: found.ellipse, log_volume: found.logVolume, ink: found.ink, nearest: found.labels,
    distance: found.neighbours.map(({ distance }) => distance), summary: describePosterior(found),
  };
});
const prepared = drawings.map(({ strokes, pen, over }) =>
  [...(over ? drawOver(Uint8Array.from(over), strokes, pen) : prepareDrawing(strokes, pen))]);
const pen = 0.075; // the pen that the figure starts with
const morphed = shares.map((share) => [...prepareDrawing(nineToZero(share), pen)]);
console.log(JSON.stringify({ looks, prepared, morphed, examples: data?.examples.map(({ image }) => [...image]), points: data?.points }));
