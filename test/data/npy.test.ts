import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { floatToHalf, halfToFloat } from "../../src/data/float16.js";
import { encodeNpy, type NdArray, parseNpy } from "../../src/data/index.js";
import { type DType, ITEM_BYTES, newArray } from "../../src/data/ndarray.js";
import { expectRefusal } from "./support.js";

/** A .npy with any header text and data, version 1 unless told. */
function npy(header: string, data: Uint8Array | number[] = [], version = 1): Uint8Array {
  const text = Array.from(header, (character) => character.charCodeAt(0));
  const length =
    version === 1 ? [text.length & 255, text.length >> 8] : [text.length & 255, text.length >> 8, 0, 0];
  return Uint8Array.of(0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, version, 0, ...length, ...text, ...data);
}

function header(descr: string, shape: string, order = "False"): string {
  return `{'descr': '${descr}', 'fortran_order': ${order}, 'shape': ${shape}, }`;
}

/** The data bytes that NumPy 2.4 wrote, in hex, beside what they mean. */
const WRITTEN: [name: string, descr: string, shape: string, hex: string, want: number[], dtype: DType][] = [
  ["f4", "<f4", "(2,)", "000000bf 000080be", [-0.5, -0.25], "float32"],
  ["f8 big-endian", ">f8", "(2,)", "bfe0000000000000 3fd0000000000000", [-0.5, 0.25], "float64"],
  ["f4 big-endian", ">f4", "(1,)", "3e800000", [0.25], "float32"],
  ["f2", "<f2", "(4,)", "5535 ff7b 0180 007c", [0.333251953125, 65504, -(2 ** -24), Infinity], "float16"],
  ["f2 big-endian", ">f2", "(1,)", "3555", [0.333251953125], "float16"],
  ["i8", "<i8", "(2,)", "010000000000e0ff 0500000000000000", [-(2 ** 53 - 1), 5], "int64"],
  ["u8 big-endian", ">u8", "(1,)", "0000000000000102", [258], "uint64"],
  ["i4", "<i4", "(1,)", "feffffff", [-2], "int32"],
  ["u4", "<u4", "(1,)", "feffffff", [4294967294], "uint32"],
  ["i2", "<i2", "(1,)", "feff", [-2], "int16"],
  ["u2 big-endian", ">u2", "(2,)", "0001 0102", [1, 258], "uint16"],
  ["i1", "|i1", "(2,)", "ff80", [-1, -128], "int8"],
  ["u1, scalar", "|u1", "()", "07", [7], "uint8"],
  ["b1", "|b1", "(2,)", "0100", [1, 0], "bool"],
  ["empty", "<f4", "(0, 3)", "", [], "float32"],
];

function bytesOf(hex: string): Uint8Array {
  return Uint8Array.from(hex.replaceAll(" ", "").match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
}

describe("parseNpy", () => {
  test.each(WRITTEN)("%s", (_, descr, shape, hex, want, dtype) => {
    const array = parseNpy(npy(header(descr, shape), bytesOf(hex)));
    expect(array.dtype).toBe(dtype);
    expect(Array.from(array.data)).toEqual(want);
    expect(array.data.constructor).toBe(newArray(dtype, 0).constructor);
  });

  test("a whole file as NumPy writes it, Fortran order included", () => {
    const file = Buffer.from(
      "k05VTVBZAQB2AHsnZGVzY3InOiAnPGk0JywgJ2ZvcnRyYW5fb3JkZXInOiBUcnVlLCAnc2hhcGUnOiAoMiwgMywgNCksIH0g" +
        "ICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgIAoAAAAADAAAAAQAAAAQAAAA" +
        "CAAAABQAAAABAAAADQAAAAUAAAARAAAACQAAABUAAAACAAAADgAAAAYAAAASAAAACgAAABYAAAADAAAADwAAAAcAAAATAAAA" +
        "CwAAABcAAAA=",
      "base64",
    );
    const array = parseNpy(file);
    expect(array.shape).toEqual([2, 3, 4]);
    expect(Array.from(array.data)).toEqual(Array.from({ length: 24 }, (_, i) => i));
  });

  test.each([2, 3])("version %i", (version) => {
    expect(parseNpy(npy(header("|i1", "(2, 1)"), [1, 255], version)).data).toEqual(Int8Array.of(1, -1));
  });

  test("reads a view into a larger buffer, at an odd offset", () => {
    const file = npy(header("<f4", "(1,)"), bytesOf("000080be"));
    const padded = new Uint8Array(file.length + 3);
    padded.set(file, 3);
    expect(parseNpy(padded.subarray(3)).data[0]).toBe(-0.25);
  });

  test("Python 2's long sizes, double quotes and other key orders are literals too", () => {
    const text = `{"shape":(2L,1),"fortran_order":True,"descr":"|u1"}   \n`;
    expect(parseNpy(npy(text, [4, 5])).shape).toEqual([2, 1]);
  });
});

const GOOD = npy(header("<i2", "(2,)"), [1, 0, 2, 0]);

const REFUSED: [code: string, what: string, bytes: Uint8Array][] = [
  ["npy-magic", "empty", new Uint8Array(0)],
  ["npy-magic", "another file", Uint8Array.from(GOOD, (byte, i) => (i === 5 ? 0 : byte))],
  ["npy-truncated", "magic alone", GOOD.slice(0, 8)],
  ["npy-truncated", "version 2 cut in its length", npy("", [], 2).slice(0, 11)],
  ["npy-truncated", "header cut", GOOD.slice(0, 40)],
  ["npy-version", "version 4", npy(header("|u1", "(0,)"), [], 4)],
  ["npy-version", "version 1.1", Uint8Array.from(GOOD, (byte, i) => (i === 7 ? 1 : byte))],
  ["npy-header", "too long a header", Uint8Array.of(...npy("", [], 2).slice(0, 8), 0, 0, 1, 0)],
  ["npy-header", "no dict", npy("[1, 2]")],
  ["npy-header", "code", npy("{'descr': __import__('os'), 'fortran_order': False, 'shape': (), }")],
  ["npy-header", "an unknown key", npy("{'descr': '|u1', 'fortran_order': False, 'shape': (), 'x': 1}")],
  [
    "npy-header",
    "a repeated key",
    npy("{'descr': '|u1', 'descr': '|u1', 'fortran_order': False, 'shape': ()}"),
  ],
  ["npy-header", "__proto__", npy("{'__proto__': (), 'descr': '|u1', 'fortran_order': False, 'shape': ()}")],
  ["npy-header", "a missing key", npy("{'descr': '|u1', 'fortran_order': False}")],
  ["npy-header", "order no boolean", npy(header("|u1", "(1,)", "0"), [1])],
  ["npy-header", "a negative size", npy(header("|u1", "(-1,)"))],
  ["npy-header", "a fractional size", npy(header("|u1", "(1.5,)"))],
  ["npy-header", "a size above 2^53", npy(header("|u1", "(9999999999999999,)"))],
  ["npy-header", "a number for a shape", npy(header("|u1", "(3)"), [1, 2, 3])],
  ["npy-header", "an escape", npy(header("|u\\x31", "(1,)"), [1])],
  ["npy-header", "text behind the dict", npy(`${header("|u1", "(1,)")} x`, [1])],
  ["npy-header", "an unclosed dict", npy("{'descr': '|u1', ")],
  [
    "npy-dtype",
    "structured",
    npy("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,), }", [0, 0, 0, 0]),
  ],
  ["npy-dtype", "objects", npy(header("|O", "(1,)"), [0])],
  ["npy-dtype", "complex", npy(header("<c8", "(0,)"))],
  ["npy-dtype", "two bytes without an order", npy(header("|f2", "(0,)"))],
  ["npy-dtype", "native order", npy(header("=f4", "(0,)"))],
  ["npy-dtype", "no text", npy(header("", "(0,)"))],
  ["npy-dtype", "a name on Object's prototype", npy(header("<constructor", "(0,)"))],
  ["npy-shape", "rank 33", npy(header("|u1", `(${"1,".repeat(33)})`), [1])],
  ["npy-shape", "a product above 2^53", npy(header("|u1", "(9007199254740991, 2)"))],
  ["npy-shape", "bytes above 2^53", npy(header("<f8", "(9007199254740991,)"))],
  ["npy-size", "a byte short", GOOD.slice(0, -1)],
  ["npy-size", "a byte long", Uint8Array.of(...GOOD, 0)],
  ["npy-size", "a petabyte promised", npy(header("|u1", "(1000000000000000,)"), [1])],
  ["npy-range", "an integer beyond 2^53 - 1", npy(header("<i8", "(1,)"), bytesOf("0000000000002000"))],
  ["npy-range", "a bool of 2", npy(header("|b1", "(1,)"), [2])],
];

describe("parseNpy refuses", () => {
  test.each(REFUSED)("%s: %s", (code, _, bytes) => expectRefusal(code, () => parseNpy(bytes)));

  test("every truncation", () => {
    for (let length = 0; length < GOOD.length; length++) {
      expect(() => parseNpy(GOOD.slice(0, length))).toThrow(/^npy/);
    }
  });
});

const RANGES: Record<DType, fc.Arbitrary<number>> = {
  bool: fc.integer({ min: 0, max: 1 }),
  uint8: fc.integer({ min: 0, max: 255 }),
  int8: fc.integer({ min: -128, max: 127 }),
  uint16: fc.integer({ min: 0, max: 65535 }),
  int16: fc.integer({ min: -32768, max: 32767 }),
  uint32: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
  int32: fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }),
  uint64: fc.maxSafeNat(),
  int64: fc.maxSafeInteger().map((value) => value + 0),
  float16: fc.integer({ min: 0, max: 65535 }).map(halfToFloat),
  float32: fc.float(),
  float64: fc.double(),
};

const anyArray: fc.Arbitrary<NdArray> = fc
  .record({
    shape: fc.array(fc.nat(4), { maxLength: 4 }),
    dtype: fc.constantFrom(...(Object.keys(ITEM_BYTES) as DType[])),
  })
  .chain(({ shape, dtype }) => {
    const count = shape.reduce((product, size) => product * size, 1);
    return fc.array(RANGES[dtype], { minLength: count, maxLength: count }).map((values) => {
      const data = newArray(dtype, count);
      data.set(values);
      return { shape, dtype, data };
    });
  });

describe("encodeNpy", () => {
  test("what it writes reads back the same", () => {
    fc.assert(
      fc.property(anyArray, (array) => {
        const file = encodeNpy(array);
        expect((file.length - array.data.length * ITEM_BYTES[array.dtype]) % 64).toBe(0);
        const back = parseNpy(file);
        // A 64-bit integer has no -0.
        const same = array.dtype === "int64" ? Float64Array.from(array.data, (x) => x + 0) : array.data;
        expect(back).toEqual({ ...array, data: same });
      }),
      { numRuns: 300, seed: 5 },
    );
  });

  test("is byte for byte what NumPy writes", () => {
    const file = encodeNpy({ shape: [2], dtype: "uint16", data: Uint16Array.of(1, 258) });
    const want = `${"{'descr': '<u2', 'fortran_order': False, 'shape': (2,), }".padEnd(117)}\n`;
    expect(file).toEqual(npy(want, [1, 0, 2, 1]));
  });

  test("refuses what does not belong together", () => {
    expect(() => encodeNpy({ shape: [3], dtype: "int8", data: new Int8Array(2) })).toThrow(/needs 3 numbers/);
    expect(() => encodeNpy({ shape: [2], dtype: "int8", data: new Uint8Array(2) })).toThrow(TypeError);
    expect(() => encodeNpy({ shape: [-1], dtype: "int8", data: new Int8Array(1) })).toThrow(RangeError);
    expect(() => encodeNpy({ shape: [1], dtype: "int64", data: Float64Array.of(0.5) })).toThrow(RangeError);
    expect(() => encodeNpy({ shape: [1], dtype: "uint64", data: Float64Array.of(-1) })).toThrow(RangeError);
    expect(() => encodeNpy({ shape: [1], dtype: "bool", data: Uint8Array.of(2) })).toThrow(RangeError);
  });
});

describe("float16", () => {
  test("every half comes back from its f32", () => {
    for (let half = 0; half < 65536; half++) {
      const value = halfToFloat(half);
      if (Number.isNaN(value)) expect(halfToFloat(floatToHalf(value))).toBeNaN();
      else if (floatToHalf(value) !== half) expect.fail(`half ${half} came back as ${floatToHalf(value)}`);
    }
  });

  test("between two halves the nearer one is taken, the even one from the middle", () => {
    for (let half = 0; half < 0x7bff; half++) {
      const low = halfToFloat(half);
      const middle = (low + halfToFloat(half + 1)) / 2; // exact in f32: one bit more than a half
      const step = 2 ** -10 * (middle - low);
      const got = [floatToHalf(middle - step), floatToHalf(middle), floatToHalf(-middle - step) & 0x7fff];
      const want = [half, half + (half & 1), half + 1];
      if (got.join() !== want.join()) expect.fail(`around half ${half}: want ${want}, got ${got}`);
    }
    expect(floatToHalf(65519.996)).toBe(0x7bff);
    expect(floatToHalf(65520)).toBe(0x7c00);
  });
});
