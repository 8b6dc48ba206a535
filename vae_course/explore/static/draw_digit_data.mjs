// What the drawing board's payload holds, and what the networks make of an image.
import { base64ToBytes, unpackGreys, unpackMatrix, unpackSparse } from "./bytes.mjs";
import { nineToZero } from "./nine_to_zero.mjs";
import { makeDecoder, makeEncoder } from "./nn.mjs";
import { logVolume, nearestRows, project, projectedEllipse } from "./posterior.mjs";
import { prepareDrawing } from "./strokes.mjs";
import { parseColour } from "./theme.mjs";

// Unpacked and checked. lookAt(784 bytes) gives the posterior and what follows from it.
export function readDrawDigit(payload) {
  if (payload?.kind !== "draw-digit") throw new Error("its data are missing");
  const packed = unpackMatrix(payload.mu);
  const [latentDim, n, pixels] = [packed.rows, packed.columns, payload.side ** 2];
  const labels = base64ToBytes(payload.labels);
  if (labels.length !== n) throw new Error("its points and labels do not belong together");
  const rows = new Float32Array(n * latentDim); // a digit's mean after the other
  packed.values.forEach((value, i) => (rows[(i % n) * latentDim + Math.floor(i / n)] = value));
  const points = Array.from({ length: n }, (_, i) => project(payload.axes, rows.subarray(i * latentDim, (i + 1) * latentDim)));
  const exampleLabels = base64ToBytes(payload.example_labels);
  const images = unpackSparse(payload.examples, exampleLabels.length * pixels);
  const seen = new Map();
  const examples = [...exampleLabels].map((label, i) => {
    seen.set(label, (seen.get(label) ?? 0) + 1);
    return { label, rank: seen.get(label), image: images.slice(i * pixels, (i + 1) * pixels) };
  });
  const [encode, decode] = [makeEncoder(payload.encoder), makeDecoder(payload.decoder)];
  const lookAt = (image) => {
    if (image.length !== pixels) throw new Error(`an image must hold ${pixels} pixels, got ${image.length}`);
    const x = Float32Array.from(image, (value) => value / 255);
    const { mu, logvar } = encode(x);
    const neighbours = nearestRows(rows, mu, payload.n_nearest);
    return {
      x, mu, logvar, neighbours,
      std: logvar.map((value) => Math.exp(value / 2)),
      ink: x.reduce((sum, value) => sum + value, 0),
      mean: project(payload.axes, mu),
      ellipse: projectedEllipse(payload.axes, logvar),
      logVolume: logVolume(logvar),
      labels: neighbours.map(({ index }) => labels[index]),
    };
  };
  return {
    side: payload.side, limit: payload.limit, k: payload.n_nearest, latentDim, labels, examples, points, lookAt, decode,
    xs: points.map(([x]) => x),
    ys: points.map(([, y]) => y),
    axisNames: payload.axis_names,
    planeShare: payload.plane_share,
    labelSpots: payload.label_spots,
    thumbSide: payload.thumb_side,
    pictures: unpackGreys(payload.images, n * payload.thumb_side ** 2),
    colours: payload.colours.map(parseColour),
  };
}

// What the posterior does at each of n + 1 steps of the way from 9 to 0.
export function travel({ lookAt }, pen, n) {
  const steps = Array.from({ length: n + 1 }, (_, i) => lookAt(prepareDrawing(nineToZero(i / n), pen)));
  return { means: steps.map(({ mean }) => mean), logVolume: steps.map((step) => step.logVolume), ink: steps.map((step) => step.ink) };
}
