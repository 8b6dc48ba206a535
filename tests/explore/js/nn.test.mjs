import assert from "node:assert/strict";
import test from "node:test";
import { makeDecoder, makeEncoder } from "../../../vae_course/explore/static/nn.mjs";

const base64 = (typed) => Buffer.from(typed.buffer).toString("base64");
const layer = (rows, columns, weight, bias, activation) => ({
  weight: { shape: [rows, columns], values: base64(new Int16Array(weight)), scale: base64(new Float32Array(rows).fill(1)) },
  bias: base64(new Float32Array(bias)),
  activation,
});
const sigmoid = (a) => 1 / (1 + Math.exp(-a));

test("two layers by hand", () => {
  const decode = makeDecoder([layer(2, 2, [1, 2, 3, -4], [0, 1], "relu"), layer(1, 2, [2, 5], [-1], "sigmoid")]);
  // hidden = relu(0.5 + 2 * 0.25, 1.5 - 1 + 1) = (1, 1.5); out = sigmoid(2 + 7.5 - 1)
  assert.ok(Math.abs(decode([0.5, 0.25])[0] - sigmoid(8.5)) < 1e-6);
  // hidden = relu(-1, -2) = (0, 0)
  assert.ok(Math.abs(decode([-1, 0])[0] - sigmoid(-1)) < 1e-6);
});

test("one call leaves nothing behind for the next", () => {
  const decode = makeDecoder([layer(1, 2, [1, 1], [0], "none")]);
  assert.equal(decode([1, 2])[0], 3);
  assert.equal(decode([1, 2])[0], 3);
});

test("layers that do not fit are refused", () => {
  assert.throws(() => makeDecoder([]), /no layers/);
  assert.throws(() => makeDecoder(undefined), /no layers/);
  assert.throws(() => makeDecoder([layer(1, 1, [1], [0], "tanh")]), /unknown activation "tanh"/);
  assert.throws(() => makeDecoder([layer(2, 2, [1, 2, 3, 4], [0, 0], "relu"), layer(1, 3, [1, 1, 1], [0], "none")]), /does not fit/);
  assert.throws(() => makeDecoder([layer(1, 2, [1, 1], [0], "none")])([1]), /z must hold 2 numbers/);
});

test("an encoder has two heads, and gives new arrays each time", () => {
  const encode = makeEncoder({
    body: [layer(2, 2, [1, 0, 0, -1], [0, 0], "relu")],
    mu: [layer(1, 2, [-2, 3], [1], "none")],
    logvar: [layer(1, 2, [1, 1], [-4], "relu")],
  });
  const first = encode([3, 5]); // hidden = (3, 0)
  assert.deepEqual([[...first.mu], [...first.logvar]], [[-5], [0]]);
  const second = encode([2, -7]); // hidden = (2, 7)
  assert.deepEqual([[...second.mu], [...second.logvar]], [[18], [5]]);
  assert.deepEqual([first.mu[0], first.logvar[0]], [-5, 0]);
  assert.throws(() => encode([1]), /x must hold 2 numbers/);
  assert.throws(() => makeEncoder(undefined), /the encoder has no layers/);
});
