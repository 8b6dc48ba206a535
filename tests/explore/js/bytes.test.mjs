import assert from "node:assert/strict";
import test from "node:test";
import {
  base64ToBytes, bytesToBase64, unpackDoubles, unpackFloats, unpackGreys, unpackMatrix, unpackSparse,
} from "../../../vae_course/explore/static/bytes.mjs";

const base64 = (typed) => Buffer.from(typed.buffer).toString("base64");
const packed = {
  shape: [2, 3],
  values: base64(new Int16Array([1, -2, 32767, 4, 0, -32767])),
  scale: base64(new Float32Array([0.5, 2])),
};

test("bytes come back", () => {
  assert.deepEqual([...base64ToBytes("AAH/")], [0, 1, 255]);
});

test("a matrix is steps times its row's scale", () => {
  const { rows, columns, values } = unpackMatrix(packed);
  assert.deepEqual([rows, columns], [2, 3]);
  assert.deepEqual([...values], [0.5, -1, 16383.5, 8, 0, -65534]);
  assert.deepEqual(unpackDoubles(packed).values, Float64Array.from(values));
});

test("matrices in a list come back each as alone", () => {
  assert.deepEqual([packed, packed].map(unpackMatrix), [unpackMatrix(packed), unpackMatrix(packed)]);
});

test("a matrix that was cut short is refused", () => {
  assert.throws(() => unpackMatrix({ ...packed, shape: [3, 3] }), /expected 3 x 3 numbers, got 6/);
  assert.throws(() => unpackFloats(packed.scale, 3), /expected 3 numbers, got 2/);
});

test("greys: ink, runs of paper, and an odd half-byte at the end", () => {
  const text = Buffer.from([0xf0, 0x25, 0x00]).toString("base64"); // 15, 0 2 (three of paper), 5, 0 0 (one of paper)
  assert.deepEqual([...unpackGreys(text, 6)], [...new Float32Array([1, 0, 0, 0, 5 / 15, 0])]);
});

test("greys of the wrong length are refused", () => {
  const text = Buffer.from([0xf0, 0x25]).toString("base64");
  assert.throws(() => unpackGreys(text, 9), /expected pictures of 9 pixels/);
  assert.throws(() => unpackGreys(text, 3), /expected pictures of 3 pixels/);
});

test("bytes go to base64 and back", () => {
  const all = Uint8Array.from({ length: 256 }, (_, i) => i);
  assert.deepEqual(base64ToBytes(bytesToBase64(all)), all);
});

test("sparse bytes: values and runs of zeros, exactly", () => {
  const text = Buffer.from([7, 0, 2, 255, 0, 0]).toString("base64");
  assert.deepEqual([...unpackSparse(text, 6)], [7, 0, 0, 0, 255, 0]);
  assert.throws(() => unpackSparse(text, 7), /expected 7 bytes, got 6/);
});
