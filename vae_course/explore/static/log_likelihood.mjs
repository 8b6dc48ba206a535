// log p(x_visible | z) of a Bernoulli decoder, in float64 with the page's weights.
import { unpackDoubles, unpackFloats } from "./bytes.mjs";

// (x, visible) -> (z1, z2) -> nats. The layers up to the last one are shared by all images.
export function makeLikelihoods(packedLayers) {
  const layers = packedLayers.map(({ weight, bias, activation }) => {
    const { rows, columns, values } = unpackDoubles(weight);
    if (!["relu", "sigmoid"].includes(activation)) throw new Error(`unknown activation "${activation}"`);
    return { rows, columns, values, bias: Float64Array.from(unpackFloats(bias, rows)) };
  });
  const last = layers.pop();
  const hidden = layers.map(byColumns);
  return (x, visible) => {
    // Only the rows of visible pixels: a hidden pixel costs nothing.
    const pixels = Array.from(visible.keys()).filter((i) => visible[i]);
    const output = byColumns({
      rows: pixels.length,
      columns: last.columns,
      values: rowsOf(last, pixels),
      bias: Float64Array.from(pixels, (i) => last.bias[i]),
    });
    const ink = Float64Array.from(pixels, (i) => x[i]);
    const point = new Float64Array(2);
    return (z1, z2) => {
      [point[0], point[1]] = [z1, z2];
      let values = point;
      for (const layer of hidden) {
        values = affine(layer, values);
        for (let i = 0; i < values.length; i++) if (values[i] < 0) values[i] = 0;
      }
      const logits = affine(output, values);
      let sum = 0;
      for (let i = 0; i < logits.length; i++) {
        const logit = logits[i];
        // x logit - softplus(logit), without overflow
        sum += ink[i] * logit - (logit > 0 ? logit : 0) - Math.log1p(Math.exp(logit > 0 ? -logit : logit));
      }
      return sum;
    };
  };
}

function rowsOf({ columns, values }, rows) {
  const chosen = new Float64Array(rows.length * columns);
  for (const [at, row] of rows.entries()) chosen.set(values.subarray(row * columns, (row + 1) * columns), at * columns);
  return chosen;
}

// Column after column: a hidden unit that a ReLU has switched off is then skipped as a whole.
function byColumns({ rows, columns, values, bias }) {
  const weight = new Float64Array(rows * columns);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) weight[column * rows + row] = values[row * columns + column];
  }
  return { rows, weight, bias, out: new Float64Array(rows) };
}

function affine({ rows, weight, bias, out }, input) {
  out.set(bias);
  for (let column = 0; column < input.length; column++) {
    const value = input[column];
    if (value === 0) continue;
    const start = column * rows;
    for (let row = 0; row < rows; row++) out[row] += weight[start + row] * value;
  }
  return out;
}
