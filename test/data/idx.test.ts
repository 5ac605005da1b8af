import { describe, expect, test } from "vitest";
import { encodeIdx, isIdx, type NdArray, parseIdx } from "../../src/data/index.js";
import { expectRefusal } from "./support.js";

const ARRAYS: NdArray[] = [
  { dtype: "uint8", shape: [2, 2], data: Uint8Array.of(0, 1, 128, 255) },
  { dtype: "int8", shape: [2], data: Int8Array.of(-128, 127) },
  { dtype: "int16", shape: [2, 1, 1], data: Int16Array.of(-2, 258) },
  { dtype: "int32", shape: [2], data: Int32Array.of(-2, 0x01020304) },
  { dtype: "float32", shape: [1, 2], data: Float32Array.of(-0.25, 1e30) },
  { dtype: "float64", shape: [2], data: Float64Array.of(Math.PI, -0) },
  { dtype: "uint8", shape: [0, 28], data: new Uint8Array(0) },
];

describe("idx", () => {
  test.each(ARRAYS)("$dtype $shape round trip", (array) => {
    const file = encodeIdx(array);
    expect(isIdx(file)).toBe(true);
    expect(parseIdx(file)).toEqual(array);
  });

  test("sizes and numbers are big-endian", () => {
    const file = [0, 0, 0x0b, 1, 0, 0, 0, 2, 1, 2, 0xff, 0xfe];
    expect(parseIdx(Uint8Array.from(file))).toEqual({
      dtype: "int16",
      shape: [2],
      data: Int16Array.of(258, -2),
    });
    expect(Array.from(encodeIdx({ dtype: "int16", shape: [2], data: Int16Array.of(258, -2) }))).toEqual(file);
  });

  test.each<[code: string, what: string, bytes: number[]]>([
    ["idx-magic", "empty", []],
    ["idx-magic", "another first byte", [1, 0, 8, 1, 0, 0, 0, 0]],
    ["idx-magic", "another second byte", [0, 1, 8, 1, 0, 0, 0, 0]],
    ["idx-truncated", "three bytes", [0, 0, 8]],
    ["idx-truncated", "cut in its sizes", [0, 0, 8, 2, 0, 0, 0, 1, 0, 0, 0]],
    ["idx-dtype", "type 0a", [0, 0, 0x0a, 1, 0, 0, 0, 0]],
    ["idx-shape", "rank 0", [0, 0, 8, 0, 5]],
    ["idx-shape", "rank 33", [0, 0, 8, 33, ...new Array(132).fill(0)]],
    ["idx-shape", "a product above 2^53", [0, 0, 8, 2, 255, 255, 255, 255, 255, 255, 255, 255]],
    ["idx-size", "a byte short", [0, 0, 8, 1, 0, 0, 0, 2, 7]],
    ["idx-size", "a byte long", [0, 0, 8, 1, 0, 0, 0, 2, 7, 7, 7]],
    ["idx-size", "4 GB promised", [0, 0, 8, 1, 255, 255, 255, 255, 7]],
  ])("refuses %s: %s", (code, _, bytes) => expectRefusal(code, () => parseIdx(Uint8Array.from(bytes))));

  test("writing refuses what IDX cannot hold", () => {
    expect(() => encodeIdx({ dtype: "bool", shape: [1], data: Uint8Array.of(1) })).toThrow(TypeError);
    expect(() => encodeIdx({ dtype: "uint8", shape: [], data: Uint8Array.of(1) })).toThrow(RangeError);
    expect(() => encodeIdx({ dtype: "uint8", shape: [2], data: Uint8Array.of(1) })).toThrow(RangeError);
  });
});
