import { describe, expect, it } from "vitest";
import { readContainer } from "../../src/file/container.js";
import { writeContainer } from "../../src/file/container-write.js";
import { expectCode, parts, withHeader } from "./fixtures.js";

const bytes = (...values: number[]) => Uint8Array.from(values);

/** One tensor "a" of 4 bytes, after `change`. */
function one(change: object, data = bytes(1, 2, 3, 4)): Uint8Array {
  return withHeader(
    JSON.stringify({ a: { dtype: "U8", shape: [4], data_offsets: [0, 4], ...change } }),
    data,
  );
}

function two(first: [number, number], second: [number, number], data = 8): Uint8Array {
  const entry = ([begin, end]: [number, number]) => ({
    dtype: "U8",
    shape: [end - begin],
    data_offsets: [begin, end],
  });
  return withHeader(JSON.stringify({ a: entry(first), b: entry(second) }), new Uint8Array(data));
}

function length(value: bigint, rest = 8): Uint8Array {
  const file = new Uint8Array(8 + rest);
  new DataView(file.buffer).setBigUint64(0, value, true);
  return file;
}

const many = () =>
  `{${Array.from({ length: 100_001 }, (_, i) => `"${i}":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}`)}}`;

const refused: [string, string, () => Uint8Array][] = [
  ["no bytes", "container-empty", () => bytes()],
  ["1 byte", "container-short", () => bytes(1)],
  ["7 bytes", "container-short", () => new Uint8Array(7)],
  ["header length 0", "header-empty", () => length(0n)],
  ["header length past the end", "header-past-end", () => length(9n)],
  ["header over 16 MB", "header-large", () => length(2n ** 24n + 1n)],
  ["header length 2^53", "header-overflow", () => length(2n ** 53n)],
  ["header length 2^64 - 1", "header-overflow", () => length(2n ** 64n - 1n)],
  ["bad UTF-8", "header-utf8", () => withHeader(bytes(0x7b, 0xff, 0x7d))],
  ["an overlong NUL", "header-utf8", () => withHeader(bytes(0x22, 0xc0, 0x80, 0x22))],
  ["a byte order mark", "json-syntax", () => withHeader("\ufeff{}")],
  ["a header that is no object", "json-type", () => withHeader("[]")],
  ["metadata that is no string", "json-type", () => withHeader('{"__metadata__":{"a":1}}')],
  ["metadata that is no object", "json-type", () => withHeader('{"__metadata__":"a"}')],
  ["a duplicate tensor", "json-duplicate-key", () => withHeader('{"a":1,"a":1}')],
  ["a tensor __proto__", "json-forbidden-name", () => withHeader('{"__proto__":{}}')],
  ["a tensor constructor", "json-forbidden-name", () => withHeader('{"constructor":{}}')],
  ["a tensor that is no object", "json-type", () => withHeader('{"a":1}')],
  ["no dtype", "field-missing", () => withHeader('{"a":{"shape":[0],"data_offsets":[0,0]}}')],
  ["an unknown field", "field-unknown", () => one({ more: 1 })],
  ["an unknown dtype", "dtype-unknown", () => one({ dtype: "U9" })],
  ["a dtype that all objects have", "dtype-unknown", () => one({ dtype: "toString" })],
  ["over 100,000 tensors", "tensors-many", () => withHeader(many())],
  ["a negative size", "number-negative", () => one({ shape: [-4] })],
  ["a negative begin", "number-negative", () => one({ data_offsets: [-1, 3] })],
  ["a fractional size", "number-fractional", () => one({ shape: [4.5] })],
  ["a fractional end", "number-fractional", () => one({ data_offsets: [0, 3.5] })],
  ["a size past 2^53", "json-number", () => one({ shape: [2 ** 54] })],
  ["an offset past 2^53", "json-number", () => one({ data_offsets: [0, 2 ** 53] })],
  ["a size that is no number", "json-type", () => one({ shape: ["4"] })],
  ["three offsets", "layout-offsets", () => one({ data_offsets: [0, 4, 4] })],
  ["end before begin", "layout-reversed", () => one({ data_offsets: [4, 0] })],
  ["an end past the end", "layout-past-end", () => one({ shape: [5], data_offsets: [0, 5] })],
  ["shape x size != bytes", "layout-size", () => one({ shape: [3] })],
  ["dtype size x shape != bytes", "layout-size", () => one({ dtype: "F32" })],
  ["a product that overflows", "layout-overflow", () => one({ shape: [2 ** 27, 2 ** 27] })],
  ["an overflow that a zero hides", "layout-overflow", () => one({ shape: [2 ** 52, 2 ** 52, 0] })],
  ["rank 9", "layout-rank", () => one({ shape: [4, 1, 1, 1, 1, 1, 1, 1, 1] })],
  ["an overlap", "layout-overlap", () => two([0, 5], [4, 8])],
  ["the same bytes twice", "layout-overlap", () => two([0, 8], [0, 8])],
  ["a hole", "layout-hole", () => two([0, 3], [4, 8])],
  ["a hole at the beginning", "layout-hole", () => two([1, 4], [4, 8])],
  ["trailing bytes", "layout-trailing", () => two([0, 4], [4, 8], 9)],
];

describe("readContainer", () => {
  it.each(refused)("refuses %s: %s", (_, code, make) => expectCode(() => readContainer(make()), code));

  it.each(["<!DOCTYPE html><html>", "\n <html lang=en>", "\ufeff<!doctype html>", "<head>"])(
    "says that the server sent HTML: %j",
    async (text) => {
      const html = new TextEncoder().encode(text);
      await expectCode(() => readContainer(html), "container-html");
      expect(() => readContainer(html, "https://x.org/m.pare")).toThrow(
        "the server sent HTML for URL https://x.org/m.pare",
      );
    },
  );

  it("reads a file whose first byte is that of HTML", () => {
    const text = `{"__metadata__":{"a":"${"b".repeat(0x213c - 25)}"}}`.padEnd(0x213c);
    expect(withHeader(text)[0]).toBe(0x3c);
    expect(readContainer(withHeader(text)).tensors.size).toBe(0);
  });

  it("reads tensors in any order of the header, also empty ones", () => {
    expect([...readContainer(two([4, 8], [0, 4])).tensors.keys()]).toEqual(["b", "a"]);
    for (const at of [0, 8]) {
      expect(readContainer(two([at, at], [0, 8])).tensors.get("a")?.bytes.length).toBe(0);
    }
  });
});

describe("writeContainer", () => {
  const tensors = [
    { name: "1", dtype: "U8", shape: [3], bytes: bytes(1, 2, 3) },
    { name: "wide", dtype: "F32", shape: [1, 1], bytes: bytes(0, 0, 128, 63) },
    { name: "", dtype: "U8", shape: [], bytes: bytes(9) },
    { name: "\u00e9", dtype: "I8", shape: [0], bytes: bytes() },
  ];

  it("writes what an independent reader reads", () => {
    const file = writeContainer(tensors, { key: 'a "quoted" value', graph: "{}" });
    const read = parts(file);
    expect(read.metadata.key).toBe('a "quoted" value');
    expect(read.tensors.sort((a, b) => (a.name < b.name ? -1 : 1))).toEqual(
      [...tensors].sort((a, b) => (a.name < b.name ? -1 : 1)),
    );
    expect(file[0] % 8).toBe(0);
  });

  it("writes what readContainer reads, wide dtypes aligned", () => {
    const file = writeContainer(tensors, {});
    const read = readContainer(file);
    for (const { name, dtype, shape, bytes } of tensors)
      expect(read.tensors.get(name)).toEqual({ dtype, shape, bytes });
    expect((read.tensors.get("wide")?.bytes.byteOffset ?? 1) % 4).toBe(0);
  });

  it("refuses a name twice and bytes that do not fit", () => {
    expect(() => writeContainer([tensors[0], tensors[0]], {})).toThrow(RangeError);
    expect(() => writeContainer([{ ...tensors[0], shape: [4] }], {})).toThrow(RangeError);
  });
});
