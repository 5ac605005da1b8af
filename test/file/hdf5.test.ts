/** HDF5 files as h5wasm, the HDF Group's own library, writes them. */

import { describe, expect, it } from "vitest";
import { decodeNumbers } from "../../src/file/hdf5/datatype.js";
import { type Hdf5Object, openHdf5 } from "../../src/file/hdf5/index.js";
import { hdf5, hdf5With, type Values } from "../keras/files.js";
import { seeded } from "./fixtures.js";

const noise = (length: number, seed = 1) => {
  const random = seeded(seed);
  return Float32Array.from({ length }, () => random() - 0.5);
};

/** What lies at a path of a file. */
function at(bytes: Uint8Array, path: string): Hdf5Object {
  const file = openHdf5(bytes);
  return path.split("/").reduce((object, name) => file.open(object.links?.get(name) as number), file.root);
}

async function numbersAt(bytes: Uint8Array, path: string) {
  const numbers = await at(bytes, path).numbers();
  const { buffer } = (numbers?.data ?? new Uint8Array(0)).slice();
  const values = numbers?.dtype === "int32" ? new Int32Array(buffer) : new Float32Array(buffer);
  return { shape: numbers?.shape, values: Array.from(values) };
}

describe.each(["earliest", "v108", "latest"] as const)("files of libver %s", (libver) => {
  it.each<readonly [string, Values]>([
    ["floats", { shape: [3, 5], data: noise(15) }],
    ["one float", { shape: [], data: noise(1) }],
    ["doubles", { shape: [7], data: Float64Array.from(noise(7)), dtype: "<d" }],
    ["integers", { shape: [3], data: Int32Array.of(-5, 0, 2 ** 24), dtype: "<i" }],
    ["long integers", { shape: [2], data: BigInt64Array.of(-5n, 12n), dtype: "<q" }],
    ["bytes", { shape: [2], data: Uint8Array.of(0, 255), dtype: "<B" }],
  ])("reads %s", async (_, values) => {
    const bytes = await hdf5({ datasets: { "group/x": values } }, libver);
    const { shape, values: got } = await numbersAt(bytes, "group/x");
    expect(shape).toEqual(values.shape);
    expect(got).toEqual(Array.from(values.data as Iterable<number>, (value) => Math.fround(Number(value))));
  });

  it("reads groups of as many members as one likes, in groups", async () => {
    for (const count of [1, 8, 9, 40, 700]) {
      const bytes = await hdf5With((file) => {
        const group = file.create_group("models");
        for (let i = 0; i < count; i++) {
          group.create_dataset({
            name: `a_name_of_some_length_${i}`,
            data: Float32Array.of(i),
            shape: [1],
            dtype: "<f",
          });
        }
      }, libver);
      const names = [...(at(bytes, "models").links?.keys() ?? [])];
      expect(new Set(names)).toEqual(
        new Set(Array.from({ length: count }, (_, i) => `a_name_of_some_length_${i}`)),
      );
      for (const i of [0, Math.floor(count / 2), count - 1]) {
        expect((await numbersAt(bytes, `models/a_name_of_some_length_${i}`)).values).toEqual([i]);
      }
    }
  });

  it("reads attributes, few and many, of fixed and of any length", async () => {
    const names = ["kernel:0", "a longer name", "ü"];
    const many = Object.fromEntries(Array.from({ length: 30 }, (_, i) => [`attribute ${i}`, `text ${i}`]));
    const bytes = await hdf5({ groups: { g: { names, empty: [], long: "x".repeat(70_000) }, many } }, libver);
    const group = at(bytes, "g");
    expect(group.texts("long")).toEqual(["x".repeat(70_000)]);
    expect(group.texts("empty")).toEqual([]);
    expect(group.texts("nothing")).toBeUndefined();
    expect(group.texts("names")?.slice(0, 2)).toEqual(names.slice(0, 2));
    for (let i = 0; i < 30; i++) expect(at(bytes, "many").texts(`attribute ${i}`)).toEqual([`text ${i}`]);
  });
});

it.each([
  { shape: [6, 4], chunks: [3, 2] },
  { shape: [7, 5], chunks: [3, 2] },
  { shape: [11], chunks: [4] },
  { shape: [3, 4, 5, 2], chunks: [2, 3, 5, 1] },
  { shape: [5, 5], chunks: [5, 5] },
])("reads chunks $chunks of $shape, plain and deflated", async ({ shape, chunks }) => {
  const data = noise(shape.reduce((a, b) => a * b, 1));
  for (const compression of [undefined, 0, 6]) {
    const values: Values = { shape, chunks, data, ...(compression === undefined ? {} : { compression }) };
    expect(await numbersAt(await hdf5({ datasets: { x: values } }, "earliest"), "x")).toEqual({
      shape,
      values: Array.from(data),
    });
  }
});

it("reads a file after a block of its user's", async () => {
  const bytes = await hdf5({ datasets: { x: { shape: [2], data: Float32Array.of(1, 2) } } }, "earliest");
  const shifted = new Uint8Array(512 + bytes.length);
  shifted.set(bytes, 512);
  // The base address of the superblock.
  new DataView(shifted.buffer).setBigUint64(512 + 24, 512n, true);
  expect((await numbersAt(shifted, "x")).values).toEqual([1, 2]);
});

describe("numbers", () => {
  const float = (size: number, little = true) => ({ kind: "float", size, little }) as const;
  const read = (
    bytes: Uint8Array,
    type: Parameters<typeof decodeNumbers>[1],
    count: number,
    bfloat16 = false,
  ) => {
    const numbers = decodeNumbers(bytes, type, count, bfloat16);
    return numbers && Array.from(new Float32Array(numbers.data.slice().buffer));
  };

  it("of 16 bits are those of 32", () => {
    const halves = new Uint8Array(Uint16Array.of(0x3c00, 0xc000, 0x3555, 0x0001).buffer);
    expect(read(halves, float(2), 4)).toEqual([1, -2, 0.333251953125, 2 ** -24]);
    const brains = new Uint8Array(Uint16Array.of(0x3f80, 0xc020).buffer);
    expect(read(brains, { kind: "opaque", size: 2 }, 2, true)).toEqual([1, -2.5]);
    expect(read(brains, { kind: "opaque", size: 2 }, 2)).toBeUndefined();
  });

  it("may begin anywhere, in either order", () => {
    const bytes = new Uint8Array(9);
    new DataView(bytes.buffer).setFloat64(1, -0.5, false);
    expect(read(bytes.subarray(1), float(8, false), 1)).toEqual([-0.5]);
  });
});
