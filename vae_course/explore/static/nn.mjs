// Trained networks: fully connected layers in plain JavaScript.
import { unpackFloats, unpackMatrix } from "./bytes.mjs";

const ACTIVATIONS = {
  none: (a) => a,
  relu: (a) => (a > 0 ? a : 0),
  sigmoid: (a) => 1 / (1 + Math.exp(-a)),
};

// A function of `input` numbers. It gives the same Float32Array at every call: copy what is to be kept.
export function makeNetwork(packedLayers, { name, input }) {
  if (!Array.isArray(packedLayers) || !packedLayers.length) throw new Error(`${name} has no layers`);
  const layers = packedLayers.map((packed) => {
    const { rows, columns, values } = unpackMatrix(packed.weight);
    const activation = ACTIVATIONS[packed.activation];
    if (!activation) throw new Error(`unknown activation "${packed.activation}"`);
    // Column after column: a hidden unit that a ReLU has switched off, or a pixel of paper, is then skipped as a whole.
    const weight = new Float32Array(rows * columns);
    for (let row = 0; row < rows; row++) {
      for (let column = 0; column < columns; column++) weight[column * rows + row] = values[row * columns + column];
    }
    return { rows, columns, weight, bias: unpackFloats(packed.bias, rows), activation, out: new Float32Array(rows) };
  });
  for (let i = 1; i < layers.length; i++) {
    if (layers[i].columns !== layers[i - 1].rows) throw new Error(`layer ${i + 1} does not fit the one before it`);
  }
  return (values) => {
    if (values.length !== layers[0].columns) {
      throw new Error(`${input} must hold ${layers[0].columns} numbers, got ${values.length}`);
    }
    return layers.reduce(applyLayer, values);
  };
}

// A function z -> x_mean. It gives the same Float32Array at every call: copy what is to be kept.
export function makeDecoder(packedLayers) {
  return makeNetwork(packedLayers, { name: "the decoder", input: "z" });
}

// A function x -> {mu, logvar}, new arrays at every call.
export function makeEncoder(packed) {
  const part = (key, input) => makeNetwork(packed?.[key], { name: "the encoder", input });
  const [body, mu, logvar] = [part("body", "x"), part("mu", "the hidden layer"), part("logvar", "the hidden layer")];
  return (x) => {
    const hidden = body(x);
    return { mu: mu(hidden).slice(), logvar: logvar(hidden).slice() };
  };
}

function applyLayer(input, { rows, columns, weight, bias, activation, out }) {
  out.set(bias);
  for (let column = 0; column < columns; column++) {
    const value = input[column];
    if (value === 0) continue;
    const start = column * rows;
    for (let row = 0; row < rows; row++) out[row] += weight[start + row] * value;
  }
  for (let row = 0; row < rows; row++) out[row] = activation(out[row]);
  return out;
}
