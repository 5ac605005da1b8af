import * as tf from "@tensorflow/tfjs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { WeightSpec } from "../../src/graph/import/artifacts.js";
import { halfToSingle } from "../../src/graph/import/half.js";
import { decodeTensor, locateTensors, type StoredTensor } from "../../src/graph/import/weights.js";
import { UnsupportedError } from "../../src/graph/index.js";

const locate = (weightSpecs: readonly WeightSpec[], bytes: number) =>
  locateTensors({ modelTopology: {}, weightSpecs, weightData: new Uint8Array(bytes) });

const spec = (
  dtype: string,
  shape: readonly number[] = [3],
  quantization?: WeightSpec["quantization"],
): WeightSpec => ({
  name: "w",
  shape,
  dtype,
  ...(quantization ? { quantization } : {}),
});

function decode(weight: WeightSpec, bytes: Uint8Array) {
  const tensors = locateTensors({ modelTopology: {}, weightSpecs: [weight], weightData: bytes });
  return decodeTensor(tensors.get("w") as StoredTensor);
}

describe("bytes", () => {
  test("tensors lie one after another, at any alignment", () => {
    const data = Uint8Array.of(1, 2, 3, ...new Uint8Array(Float32Array.of(0.5, -2).buffer));
    const specs: WeightSpec[] = [
      { name: "a", shape: [3], dtype: "bool" },
      { name: "b", shape: [2], dtype: "float32" },
      { name: "c", shape: [0], dtype: "float32" },
    ];
    const tensors = locateTensors({ modelTopology: {}, weightSpecs: specs, weightData: data });
    expect(decodeTensor(tensors.get("b") as StoredTensor)).toEqual({
      dtype: "f32",
      shape: [2],
      data: Float32Array.of(0.5, -2),
    });
    expect(decodeTensor(tensors.get("a") as StoredTensor).data).toEqual(Int32Array.of(1, 2, 3));
  });

  test.each([
    ["short", [spec("float32")], 11, /weight w: wanted 12 bytes at 0, got 11/],
    ["long", [spec("float32")], 13, /weight data: wanted 12 bytes, got 13/],
    [
      "a size past memory",
      [spec("float32", [2 ** 40, 2 ** 40])],
      16,
      /weight w: wanted .* bytes at 0, got 16/,
    ],
    ["negative", [spec("float32", [-1])], 4, /integers >= 0, got \[-1\]/],
    ["fraction", [spec("float32", [0.5])], 2, /got \[0.5\]/],
  ])("%s", (_what, specs, bytes, message) => {
    expect(() => locate(specs, bytes)).toThrow(RangeError);
    expect(() => locate(specs, bytes)).toThrow(message);
  });

  test("dtypes that are not known", () => {
    expect(() => locate([spec("string")], 12)).toThrow(UnsupportedError);
    expect(() => locate([spec("float32", [3], { dtype: "int4", scale: 1, min: 0 })], 12)).toThrow(/int4/);
    expect(() => decode(spec("complex64", [1]), new Uint8Array(8))).toThrow(UnsupportedError);
  });
});

describe("numbers", () => {
  const numbers = { scale: 0.1, min: -0.7 };

  test.each([
    ["uint8", "float32", Uint8Array.of(0, 7, 255)],
    ["uint16", "float32", Uint16Array.of(0, 7, 65535)],
    ["uint8", "int32", Uint8Array.of(0, 7, 255)],
    ["uint16", "int32", Uint16Array.of(0, 7, 65535)],
    ["float16", "float32", Uint16Array.of(0x3c00, 0x0001, 0xfbff)],
  ] as const)("%s codes of %s, as tfjs decodes them", (stored, dtype, codes) => {
    const quantization = { dtype: stored, ...(stored === "float16" ? {} : numbers) };
    const weight = { name: "w", shape: [3], dtype, quantization };
    const bytes = new Uint8Array(codes.buffer);
    const wanted = tf.io.decodeWeights(bytes.buffer, [weight]).w.dataSync();
    expect(decode(weight, bytes).data).toEqual(wanted);
  });

  test("int32", () => {
    expect(decode(spec("int32", [1]), new Uint8Array(Int32Array.of(-5).buffer))).toEqual({
      dtype: "i32",
      shape: [1],
      data: Int32Array.of(-5),
    });
  });

  test.each([{}, { scale: 1 }, { scale: Number.NaN, min: 0 }, { scale: 1, min: Infinity }])(
    "refuses %o",
    (bad) => {
      const weight = spec("float32", [1], { dtype: "uint8", ...bad });
      expect(() => decode(weight, new Uint8Array(1))).toThrow(/weight w: wanted a finite scale and min/);
    },
  );

  test("half floats by their definition", () => {
    const known = [
      [0x0000, 0],
      [0x8000, -0],
      [0x3c00, 1],
      [0xc000, -2],
      [0x7bff, 65504],
      [0x0001, 2 ** -24],
      [0x03ff, 1023 * 2 ** -24],
      [0x7c00, Infinity],
      [0xfc00, -Infinity],
      [0x7e00, Number.NaN],
    ];
    for (const [bits, value] of known) expect(halfToSingle(bits)).toBe(value);
    // Increasing bits are increasing numbers, and a step doubles with each exponent.
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 0x7bfe }), (bits) => {
        const step = halfToSingle(bits + 1) - halfToSingle(bits);
        expect(step).toBe(2 ** (Math.max((bits >> 10) & 31, 1) - 25));
      }),
    );
  });
});
