// Unpacks what packing.py packed.

export function base64ToBytes(text) {
  const binary = atob(text);
  const bytes = new Uint8Array(binary.length);
  for (let i = 0; i < binary.length; i++) bytes[i] = binary.charCodeAt(i);
  return bytes;
}

export function bytesToBase64(bytes) {
  return btoa(String.fromCharCode(...bytes));
}

export function unpackFloats(text, length) {
  const bytes = base64ToBytes(text);
  if (bytes.length !== 4 * length) throw new Error(`expected ${length} numbers, got ${bytes.length / 4}`);
  return new Float32Array(bytes.buffer);
}

// {rows, columns, values}: 16-bit steps times each row's scale, row after row in a Float32Array.
export function unpackMatrix(packed) {
  return unpackInto(Float32Array, packed);
}

// The same in a Float64Array.
export function unpackDoubles(packed) {
  return unpackInto(Float64Array, packed);
}

function unpackInto(Numbers, packed) {
  const [rows, columns] = packed.shape;
  const bytes = base64ToBytes(packed.values);
  if (bytes.length !== 2 * rows * columns) {
    throw new Error(`expected ${rows} x ${columns} numbers, got ${bytes.length / 2}`);
  }
  const whole = new Int16Array(bytes.buffer);
  const scale = unpackFloats(packed.scale, rows);
  const values = new Numbers(rows * columns);
  for (let row = 0, i = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++, i++) values[i] = whole[i] * scale[row];
  }
  return { rows, columns, values };
}

// Ink of `length` pixels, 0 to 1. Half-bytes: 1 to 15 is one pixel's ink; 0 and r are r + 1 pixels of paper.
export function unpackGreys(text, length) {
  const bytes = base64ToBytes(text);
  const half = (i) => (i % 2 ? bytes[i >> 1] & 15 : bytes[i >> 1] >> 4);
  const ink = new Float32Array(length);
  let pixel = 0;
  for (let i = 0; pixel < length && i < 2 * bytes.length; i++) {
    const value = half(i);
    if (value) ink[pixel++] = value / 15;
    else pixel += half(++i) + 1;
  }
  if (pixel !== length) throw new Error(`expected pictures of ${length} pixels in all, got ${pixel}`);
  return ink;
}

// `length` bytes, exactly. A byte from 1 to 255 is itself; 0 and r are r + 1 zeros.
export function unpackSparse(text, length) {
  const packed = base64ToBytes(text);
  const bytes = new Uint8Array(length);
  let at = 0;
  for (let i = 0; i < packed.length; i++) {
    if (packed[i]) bytes[at++] = packed[i];
    else at += packed[++i] + 1;
  }
  if (at !== length) throw new Error(`expected ${length} bytes, got ${at}`);
  return bytes;
}
